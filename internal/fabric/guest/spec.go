package guest

import "net/netip"

// A Spec says what a machine is. The daemon writes it, as JSON, to the init's
// file SpecFD, and closes it; an init that gets none ends at once.
type Spec struct {
	Machine    string // id
	Kind       Kind
	Generation int
	BootID     string

	Hostname string
	Domain   string     // searched by the resolver; "" is none
	Address  netip.Addr // the machine's own

	// Resolvers are addresses of the machine's own loopback at which DNS is
	// answered, UDP and TCP port 53.
	Resolvers []netip.Addr
	Metadata  bool // serve instance metadata, and have the address of clocks

	// Memory is what the machine may use, in bytes, its files in memory
	// included; 0 is no limit.
	Memory int64

	// Directories of the host.
	DataDir string // the daemon's; hidden from an instance
	Dir     string // the machine's own
	RunDir  string // the part of Dir that the machine sees
	Shared  string // seen by a balancer, at SharedDir
	Root    string // lower layer of an instance's file system; "" is /

	Services  []Service
	PublicKey string   // a line of authorized_keys (sshd(8)); "" lets nobody log in
	UserData  []byte   // run at the first boot if it begins with #!
	Command   []string // run at every boot
}

// A Kind of machine.
type Kind string

const (
	// Instance has a file system of its own over the host's, and few rights.
	Instance Kind = "instance"
	// Outside is a host on the internet side: the host's file system as it
	// is, with a resolver of its own.
	Outside Kind = "outside"
	// Balancer is a load balancer's node: the host's file system without its
	// /run, few rights, and one program, with which it ends.
	Balancer Kind = "balancer"
)

// A Service is a server that the init runs itself.
type Service struct {
	Kind string // ssh, http or tcp
	Port uint16
}

// Files that the init inherits, beside the console as its output.
const (
	SpecFD  = 3 // read: the Spec
	ReadyFD = 4 // written: Ready when all services listen, or what went wrong
)

// Ready is what an init says on ReadyFD when its machine is up.
const Ready = "ready"

// MetadataAddr serves instance metadata (EC2 User Guide 2012, "Instance
// Metadata").
var MetadataAddr = netip.AddrFrom4([4]byte{169, 254, 169, 254})

// TimeAddr is that of EC2's clocks (EC2 User Guide, "Amazon Time Sync Service").
// There are none: who asks meets silence, as on a network that loses packets.
var TimeAddr = netip.AddrFrom4([4]byte{169, 254, 169, 123})
