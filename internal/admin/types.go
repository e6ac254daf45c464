package admin

import (
	"net/url"
	"path/filepath"

	"ringfence/internal/vpc"
)

// Paths of the calls. KeysPath and ExecPath make those that have an id in them;
// KeysPattern and ExecPattern are their patterns for http.ServeMux.
const (
	StatusPath      = "/status"
	AccountsPath    = "/accounts"
	KeysPattern     = "/accounts/{id}/keys"
	DoctorPath      = "/doctor"
	OutsidePath     = "/outside"
	ExplainPath     = "/explain"
	ConnectionsPath = "/connections"
	WatchPath       = "/watch"
	ExecPattern     = "/instances/{id}/exec"
)

// KeysPath is the path that gives an account new keys.
func KeysPath(id vpc.AccountID) string {
	return "/accounts/" + url.PathEscape(string(id)) + "/keys"
}

// ExecPath is the path that answers where an instance's init listens.
func ExecPath(id vpc.InstanceID) string {
	return "/instances/" + url.PathEscape(string(id)) + "/exec"
}

// SocketPath is where the daemon of a data directory listens.
func SocketPath(dataDir string) string { return filepath.Join(dataDir, "ringfenced.sock") }

// A Status says how far the daemon and its agents are.
type Status struct {
	Revision int64 `json:"revision"` // of the store
	Enforced int64 `json:"enforced"` // the newest that every agent has applied

	// Ready says that calls are answered and packets are judged.
	Ready    bool    `json:"ready"`
	Endpoint string  `json:"endpoint"` // URL of the API
	Agents   []Agent `json:"agents"`
}

// An Agent is one host's.
type Agent struct {
	Host    string `json:"host"`
	Applied int64  `json:"applied"` // the newest revision that its kernel enforces

	// Proxy runs load balancers there.
	Proxy vpc.ProxyEngine `json:"proxy"`
}

// A NewAccount is to be made. Platform and Era may be "", which is the daemon's
// default.
type NewAccount struct {
	ID       vpc.AccountID `json:"id"`
	Platform vpc.Platform  `json:"platform,omitempty"`
	Era      vpc.Era       `json:"era,omitempty"`
}

// An Account has its credentials under Profile in the daemon's credentials file.
type Account struct {
	ID        vpc.AccountID `json:"id"`
	Platform  vpc.Platform  `json:"platform"`
	Era       vpc.Era       `json:"era"`
	Profile   string        `json:"profile"`
	AccessKey string        `json:"accessKey"`
	SecretKey string        `json:"secretKey"`
}

// A Finding is something that works as it was said, and most likely not as it
// was meant.
type Finding struct {
	Account vpc.AccountID `json:"account"`
	Region  vpc.Region    `json:"region"`
	Noun    string        `json:"noun"` // such as the name of a load balancer
	Message string        `json:"message"`
}

// An OutsideRequest asks for a host on the internet side. IP may be "": then the
// daemon chooses a free address.
type OutsideRequest struct {
	IP string `json:"ip,omitempty"`
}

// An Outside is a host on the internet side, which is there until the daemon ends.
type Outside struct {
	IP   string `json:"ip"`
	Init string `json:"init"` // path of its init's socket, see package initproto
}

// An Exec says where an instance's init listens.
type Exec struct {
	Init string `json:"init"` // path of the socket, see package initproto
}

// An ExplainRequest names a packet that opens a flow. Source and Destination are
// addresses, or ids of instances or network interfaces; Destination may be a
// name of an instance too. Source may be a load balancer, lb/NAME: then the
// packets are those that its nodes send to the instance, to Port or to all ports
// that they speak to.
type ExplainRequest struct {
	Source      string `json:"src"`
	Destination string `json:"dst"`
	Port        uint16 `json:"port"`  // of the destination; 0 where the protocol has none
	Proto       string `json:"proto"` // tcp, udp, icmp, icmpv6 or a number
}

// An Explanation says what would become of a packet.
type Explanation struct {
	Steps   []Step `json:"steps"`
	Verdict string `json:"verdict"` // of the specification: allow or drop
	Reason  string `json:"reason"`

	// Paths are the ways from a load balancer's nodes, of which nothing above
	// but the Verdict is said: allow if it is so on all of them.
	Paths []Path `json:"paths,omitempty"`

	// Kernel is what the programs in the kernel answer for the same packet; nil
	// when they are not asked.
	Kernel *Outcome `json:"kernel,omitempty"`

	// Answer is what would become of the first answer, by the specification;
	// nil when the packet is not delivered.
	Answer *Outcome `json:"answer,omitempty"`
}

// A Path is one way from a load balancer's node to an instance.
type Path struct {
	Node vpc.InterfaceID `json:"node"`
	Zone vpc.Zone        `json:"zone"`
	Port uint16          `json:"port"` // of the instance
	What string          `json:"what"` // goes there: health check, or a listener's requests
	Explanation
}

// A Step is one place on the packet's way, and what is decided there.
type Step struct {
	Where   string     `json:"where"`
	Verdict string     `json:"verdict"`
	Why     string     `json:"why"`
	Rule    vpc.RuleID `json:"rule,omitempty"` // that decided; "" when none did
}

// An Outcome is what becomes of a packet.
type Outcome struct {
	Verdict string     `json:"verdict"`
	Reason  string     `json:"reason"`
	Rule    vpc.RuleID `json:"rule,omitempty"`
}

// A Failure is the answer to a call that fails. An InternalError's message does
// not say more than that there was one.
type Failure struct {
	Code    vpc.Code `json:"code"`
	Message string   `json:"message"`
}
