package store

import (
	"encoding/json"
	"fmt"
	"net/netip"
	"time"

	"ringfence/internal/vpc"
)

// A record is the value of a key. Noun is what readers see, null for nothing.
//
// While a staged transaction is being written, its keys hold what was there
// before in Noun and what is to be there in Next: readers go on seeing Noun
// until the stage is shown, and all the Nexts from that revision on.
type record struct {
	Version int             `json:"v"`
	Noun    json.RawMessage `json:"noun,omitempty"`
	Stage   string          `json:"stage,omitempty"`
	Next    json.RawMessage `json:"next,omitempty"`
}

// recordVersion is the version of the JSON in this layout. A record of a newer
// version is refused: an older ringfence must not damage what it cannot read.
const recordVersion = 1

// A Home says where a noun is that is known only by its id.
type Home struct {
	Region  vpc.Region
	Account vpc.AccountID
}

// A Token remembers what the call with a client token asked for and has done,
// so that the same call again does nothing (EC2 API reference, "Ensuring
// idempotency").
type Token struct {
	Action      string
	Fingerprint string            // of the parameters; another one is a mismatch
	Reservation vpc.ReservationID // of RunInstances
	Interface   vpc.InterfaceID   // of CreateNetworkInterface
	RouteTable  vpc.RouteTableID  // of CreateRouteTable
	ACL         vpc.ACLID         // of CreateNetworkAcl
	Created     time.Time
}

// A User keeps a group from being deleted: a rule that names it, an interface
// that is in it, or an instance that is in it and has no interface. A rule has
// Rule and Group set, an interface Interface and, when it is attached, Instance,
// or LoadBalancer when it is a node of one.
type User struct {
	Rule      vpc.RuleID
	Group     vpc.GroupID // that Rule belongs to
	Interface vpc.InterfaceID
	Instance  vpc.InstanceID

	LoadBalancer vpc.LoadBalancerID
}

// An identityRecord keeps the set beside its number.
type identityRecord struct {
	Identity vpc.Identity
	Groups   []vpc.GroupID
}

// A stageRecord says how far a staged transaction has come.
type stageRecord struct {
	Shown   bool
	Created time.Time
}

// newNoun returns a pointer to decode a noun of a kind into.
func newNoun(kind string) (any, error) {
	switch kind {
	case "account":
		return new(vpc.Account), nil
	case "group":
		return new(vpc.SecurityGroup), nil
	case "rule":
		return new(vpc.Rule), nil
	case "interface":
		return new(vpc.NetworkInterface), nil
	case "instance":
		return new(vpc.Instance), nil
	case "reservation":
		return new(vpc.Reservation), nil
	case "vpc":
		return new(vpc.VPC), nil
	case "vpcsubnet":
		return new(vpc.Subnet), nil
	case "gateway":
		return new(vpc.InternetGateway), nil
	case "routetable":
		return new(vpc.RouteTable), nil
	case "acl":
		return new(vpc.NetworkACL), nil
	case "address":
		return new(vpc.Address), nil
	case "loadbalancer":
		return new(vpc.LoadBalancer), nil
	case "certificate":
		return new(vpc.ServerCertificate), nil
	case "keypair":
		return new(vpc.KeyPair), nil
	case "token":
		return new(Token), nil
	case "home", "elastic":
		return new(Home), nil
	case "ref":
		return new(User), nil
	case "identity":
		return new(identityRecord), nil
	case "stage":
		return new(stageRecord), nil
	case "name":
		return new(vpc.GroupID), nil
	case "loadbalancername", "certificateuse":
		return new(vpc.LoadBalancerID), nil
	case "block", "default":
		return new(vpc.NetworkID), nil
	case "accesskey":
		return new(vpc.AccountID), nil
	case "ip", "public":
		return new(vpc.InterfaceID), nil
	case "cursor":
		return new(netip.Addr), nil
	case "counter", "network", "subnet":
		return new(uint64), nil
	case "", "epoch": // markers say something by their revision only
		return new(struct{}), nil
	default:
		return nil, fmt.Errorf("kind %q is unknown", kind)
	}
}

// decodeNoun returns the noun in raw, nil for null.
func decodeNoun(k string, raw json.RawMessage) (any, error) {
	if raw == nil || string(raw) == "null" {
		return nil, nil
	}
	noun, err := newNoun(kindOf(k))
	if err != nil {
		return nil, fmt.Errorf("decode %s: %w", k, err)
	}
	if err := json.Unmarshal(raw, noun); err != nil {
		return nil, fmt.Errorf("decode %s: %w", k, err)
	}
	return noun, nil
}

func decodeRecord(k string, value []byte) (record, error) {
	var r record
	if err := json.Unmarshal(value, &r); err != nil {
		return r, fmt.Errorf("decode %s: %w", k, err)
	}
	if r.Version > recordVersion {
		return r, fmt.Errorf("decode %s: its version %d is newer than this program's %d", k, r.Version, recordVersion)
	}
	return r, nil
}

// encodeNoun returns noun as JSON, nil for nil.
func encodeNoun(noun any) (json.RawMessage, error) {
	if noun == nil {
		return nil, nil
	}
	raw, err := json.Marshal(noun)
	if err != nil {
		return nil, fmt.Errorf("encode %T: %w", noun, err)
	}
	return raw, nil
}

// encodeRecord returns r as it is kept. A record is made of JSON that
// encodeNoun has made, so it always encodes.
func encodeRecord(r record) (string, error) {
	r.Version = recordVersion
	value, err := json.Marshal(r)
	if err != nil {
		return "", fmt.Errorf("encode record: %w", err)
	}
	return string(value), nil
}
