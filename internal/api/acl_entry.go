package api

import (
	"cmp"
	"context"
	"net/netip"
	"slices"

	"ringfence/internal/store"
	"ringfence/internal/vpc"
)

// An aclEntryName names an entry of an ACL: its number and its direction.
type aclEntryName struct {
	ACL    string `aws:"NetworkAclId,required"`
	Number int    `aws:"RuleNumber,required"`
	Egress bool   `aws:"Egress,required"`
}

// An aclEntryInput is an entry as a caller asks for it.
type aclEntryInput struct {
	dryRun
	aclEntryName
	Proto  string         `aws:"Protocol,required"`
	Action string         `aws:"RuleAction,required"`
	CIDR   string         `aws:"CidrBlock"`
	IPv6   string         `aws:"Ipv6CidrBlock"`
	Ports  portRangeInput `aws:"PortRange"`
	ICMP   icmpInput      `aws:"Icmp"`
}

type portRangeInput struct {
	From *int64 `aws:"From"`
	To   *int64 `aws:"To"`
}

type icmpInput struct {
	Type *int64 `aws:"Type"`
	Code *int64 `aws:"Code"`
}

// The words for what an entry does.
const (
	actionAllow = "allow"
	actionDeny  = "deny"
)

// maxEntryNumber is the highest number of a user's entry. The two behind it are
// those that every ACL ends in, the others are reserved (Amazon VPC User Guide,
// "Network ACL rules").
const maxEntryNumber = 32766

// createACLEntry implements CreateNetworkAclEntry.
func (r *request) createACLEntry(ctx context.Context, in *aclEntryInput) (*returnOutput, error) {
	return r.putACLEntry(ctx, in, func(exists bool) error {
		if exists {
			return vpc.Errorf(vpc.NetworkACLEntryAlreadyExists, "The network acl entry identified by %d already exists.", in.Number)
		}
		return nil
	})
}

// replaceACLEntry implements ReplaceNetworkAclEntry.
func (r *request) replaceACLEntry(ctx context.Context, in *aclEntryInput) (*returnOutput, error) {
	return r.putACLEntry(ctx, in, func(exists bool) error {
		if !exists {
			return errNoACLEntry(in.Number)
		}
		return nil
	})
}

func errNoACLEntry(number int) error {
	return vpc.Errorf(vpc.InvalidNetworkACLEntryNotFound, "The network acl entry identified by %d does not exist.", number)
}

// putACLEntry puts an entry into its place, unless check refuses to find, or
// not to find, another one there.
func (r *request) putACLEntry(ctx context.Context, in *aclEntryInput, check func(exists bool) error) (*returnOutput, error) {
	entry, err := in.entry()
	if err != nil {
		return nil, err
	}
	return r.do(ctx, func(tx *store.Tx) error {
		was, err := r.aclByID(tx.Reader, in.ACL)
		if err != nil {
			return err
		}
		i, exists := findEntry(was, in.aclEntryName)
		if err := check(exists); err != nil {
			return err
		}
		acl := *was
		acl.Entries = slices.Clone(was.Entries)
		if exists {
			acl.Entries = slices.Delete(acl.Entries, i, i+1)
		}
		acl.Entries = append(acl.Entries, entry)
		slices.SortFunc(acl.Entries, compareEntries)
		if countEntries(acl.Entries, entry) > r.limit(entriesPerACL) {
			return vpc.Errorf(vpc.NetworkACLEntryLimitExceeded, "The maximum number of network acl entries has been reached.")
		}
		tx.PutACL(&acl)
		return nil
	})
}

type deleteACLEntryInput struct {
	dryRun
	aclEntryName
}

// deleteACLEntry implements DeleteNetworkAclEntry.
func (r *request) deleteACLEntry(ctx context.Context, in *deleteACLEntryInput) (*returnOutput, error) {
	if err := in.checkNumber(); err != nil {
		return nil, err
	}
	return r.do(ctx, func(tx *store.Tx) error {
		was, err := r.aclByID(tx.Reader, in.ACL)
		if err != nil {
			return err
		}
		i, exists := findEntry(was, in.aclEntryName)
		if !exists {
			return errNoACLEntry(in.Number)
		}
		acl := *was
		acl.Entries = slices.Delete(slices.Clone(was.Entries), i, i+1)
		tx.PutACL(&acl)
		return nil
	})
}

func findEntry(acl *vpc.NetworkACL, n aclEntryName) (i int, exists bool) {
	i = slices.IndexFunc(acl.Entries, func(e vpc.ACLEntry) bool { return e.Number == n.Number && e.Egress == n.Egress })
	return i, i >= 0
}

// compareEntries orders the entries of an ACL: ingress first, by their numbers.
func compareEntries(a, b vpc.ACLEntry) int {
	if a.Egress != b.Egress {
		if b.Egress {
			return -1
		}
		return 1
	}
	return cmp.Compare(a.Number, b.Number)
}

// countEntries counts the entries that share a quota with e: those of its
// direction and its family of addresses, and the last one, which nobody made.
func countEntries(entries []vpc.ACLEntry, e vpc.ACLEntry) int {
	count := 1
	for _, other := range entries {
		if other.Egress == e.Egress && other.CIDR.Addr().Is4() == e.CIDR.Addr().Is4() {
			count++
		}
	}
	return count
}

func (n aclEntryName) checkNumber() error {
	if n.Number < 1 || n.Number > maxEntryNumber {
		return vpc.Errorf(vpc.InvalidParameterValue, "Invalid value '%d' for ruleNumber. Expecting a value between 1 and %d.", n.Number, maxEntryNumber)
	}
	return nil
}

// entry returns in as an entry in canonical form.
func (in *aclEntryInput) entry() (vpc.ACLEntry, error) {
	if err := in.checkNumber(); err != nil {
		return vpc.ACLEntry{}, err
	}
	if in.Action != actionAllow && in.Action != actionDeny {
		return vpc.ACLEntry{}, vpc.Errorf(vpc.InvalidParameterValue, "Invalid value '%s' for ruleAction. Expecting allow or deny.", in.Action)
	}
	cidr, err := in.block()
	if err != nil {
		return vpc.ACLEntry{}, err
	}
	t, err := in.traffic(cidr)
	if err != nil {
		return vpc.ACLEntry{}, err
	}
	return vpc.ACLEntry{
		Number: in.Number, Egress: in.Egress, Allow: in.Action == actionAllow, Proto: t.proto, Ports: t.ports, ICMP: t.icmp, CIDR: cidr,
	}, nil
}

func (in *aclEntryInput) block() (netip.Prefix, error) {
	switch {
	case in.CIDR != "" && in.IPv6 != "":
		return netip.Prefix{}, vpc.Errorf(vpc.InvalidParameterCombination, "The parameter cidrBlock cannot be used with the parameter ipv6CidrBlock")
	case in.CIDR != "":
		return parseCIDR(in.CIDR)
	case in.IPv6 != "":
		return parseIPv6CIDR(in.IPv6)
	}
	return netip.Prefix{}, vpc.Errorf(vpc.MissingParameter, "The request must contain the parameter cidrBlock or ipv6CidrBlock")
}

// traffic reads the protocol with its ports, or with its ICMP type and code.
// ICMPv6 with an IPv4 block is allowed or denied as a whole, whatever is given
// (EC2 API reference, CreateNetworkAclEntry).
func (in *aclEntryInput) traffic(cidr netip.Prefix) (traffic, error) {
	proto, err := parseProto(in.Proto)
	switch {
	case err != nil:
		return traffic{}, err
	case proto == vpc.ICMPv6 && cidr.Addr().Is4():
		return traffic{proto: proto, icmp: allICMP.icmp}, nil
	case proto.IsICMP() && (in.ICMP.Type == nil || in.ICMP.Code == nil):
		return traffic{}, vpc.Errorf(vpc.MissingParameter, "The request must contain the parameter icmp.type and icmp.code")
	case proto.IsICMP():
		return parseTraffic(in.Proto, in.ICMP.Type, in.ICMP.Code)
	}
	return parseTraffic(in.Proto, in.Ports.From, in.Ports.To)
}
