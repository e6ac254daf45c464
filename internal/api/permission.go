package api

import (
	"net/netip"
	"slices"
	"strings"

	"ringfence/internal/vpc"
)

// permissionInput is what Authorize and Revoke have in common: rules in
// bundles (IpPermissions), or one in the shorthand of the first API versions.
type permissionInput struct {
	groupName
	Permissions []permission `aws:"IpPermissions"`

	Proto            *string `aws:"IpProtocol"`
	FromPort         *int64  `aws:"FromPort"`
	ToPort           *int64  `aws:"ToPort"`
	CIDR             *string `aws:"CidrIp"`
	SourceGroupName  string  `aws:"SourceSecurityGroupName"`
	SourceGroupOwner string  `aws:"SourceSecurityGroupOwnerId"`
}

// A permission is a bundle: each source, with the protocol and the ports, is a
// rule of its own.
type permission struct {
	Proto    *string       `aws:"IpProtocol"`
	FromPort *int64        `aws:"FromPort"`
	ToPort   *int64        `aws:"ToPort"`
	Groups   []groupSource `aws:"Groups"`
	Ranges   []ipRange     `aws:"IpRanges"`
}

type ipRange struct {
	CIDR        string `aws:"CidrIp"`
	Description string `aws:"Description"`
}

// A groupSource is a group as the source of a rule. Without an owner it is the
// caller's.
type groupSource struct {
	Owner       string `aws:"UserId"`
	Name        string `aws:"GroupName"`
	ID          string `aws:"GroupId"`
	Description string `aws:"Description"`
}

// A ruleSpec is a rule as a caller asks for it, in canonical form, before its
// source group has been looked up.
type ruleSpec struct {
	traffic
	cidr        netip.Prefix
	group       groupSource // valid iff cidr is not
	description string
}

// traffic is a protocol, with the ports or the ICMP types that it has.
type traffic struct {
	proto vpc.Proto
	ports vpc.PortRange
	icmp  vpc.ICMPType
}

var (
	allICMP = traffic{proto: vpc.ICMP, icmp: vpc.ICMPType{Type: vpc.AnyICMP, Code: vpc.AnyICMP}}
	allTCP  = traffic{proto: vpc.TCP, ports: vpc.AllPorts}
	allUDP  = traffic{proto: vpc.UDP, ports: vpc.AllPorts}
)

// specs returns the atomic rules that a call on an EC2-Classic group asks for.
func (in *permissionInput) specs() ([]ruleSpec, error) {
	shorthand := in.Proto != nil || in.FromPort != nil || in.ToPort != nil || in.CIDR != nil ||
		in.SourceGroupName != "" || in.SourceGroupOwner != ""
	switch {
	case shorthand && len(in.Permissions) > 0:
		return nil, vpc.Errorf(vpc.InvalidParameterCombination, "The parameter ipPermissions cannot be used with the parameters of a single permission")
	case shorthand:
		return in.shorthandSpecs()
	case len(in.Permissions) == 0:
		return nil, vpc.Errorf(vpc.MissingParameter, "The request must contain the parameter ipPermissions")
	}
	var specs []ruleSpec
	for _, p := range in.Permissions {
		more, err := p.specs()
		if err != nil {
			return nil, err
		}
		specs = append(specs, more...)
	}
	return specs, nil
}

// shorthandSpecs are one CIDR rule, or full access from a group, which begins
// with port 1 in this form only (ELB Developer Guide, the output of
// authorize-security-group-ingress with --source-security-group-name).
func (in *permissionInput) shorthandSpecs() ([]ruleSpec, error) {
	if in.SourceGroupName == "" && in.SourceGroupOwner != "" {
		return nil, vpc.Errorf(vpc.MissingParameter, "The request must contain the parameter sourceSecurityGroupName")
	}
	if in.SourceGroupName != "" {
		if in.Proto != nil || in.FromPort != nil || in.ToPort != nil || in.CIDR != nil {
			return nil, vpc.Errorf(vpc.InvalidParameterCombination,
				"The parameter sourceSecurityGroupName cannot be used with the parameters ipProtocol, fromPort, toPort and cidrIp")
		}
		from1 := vpc.PortRange{From: 1, To: vpc.AllPorts.To}
		group := groupSource{Owner: in.SourceGroupOwner, Name: in.SourceGroupName}
		return []ruleSpec{
			{traffic: allICMP, group: group},
			{traffic: traffic{proto: vpc.TCP, ports: from1}, group: group},
			{traffic: traffic{proto: vpc.UDP, ports: from1}, group: group},
		}, nil
	}
	if in.CIDR == nil {
		return nil, vpc.Errorf(vpc.MissingParameter, "The request must contain the parameter cidrIp")
	}
	one := permission{Proto: in.Proto, FromPort: in.FromPort, ToPort: in.ToPort, Ranges: []ipRange{{CIDR: *in.CIDR}}}
	return one.specs()
}

func (p permission) specs() ([]ruleSpec, error) {
	if len(p.Groups)+len(p.Ranges) == 0 {
		return nil, vpc.Errorf(vpc.MissingParameter, "The request must contain the parameter ipRanges or groups")
	}
	kinds, err := p.traffic()
	if err != nil {
		return nil, err
	}
	var specs []ruleSpec
	for _, t := range kinds {
		for _, g := range p.Groups {
			if err := checkRuleDescription(g.Description); err != nil {
				return nil, err
			}
			specs = append(specs, ruleSpec{traffic: t, group: g, description: g.Description})
		}
		for _, ranged := range p.Ranges {
			cidr, err := parseCIDR(ranged.CIDR)
			if err != nil {
				return nil, err
			}
			if err := checkRuleDescription(ranged.Description); err != nil {
				return nil, err
			}
			specs = append(specs, ruleSpec{traffic: t, cidr: cidr, description: ranged.Description})
		}
	}
	return specs, nil
}

// traffic returns what the permission is about: one kind, or all three when it
// is for groups and names none.
func (p permission) traffic() ([]traffic, error) {
	proto, from, to := p.Proto, p.FromPort, p.ToPort
	if proto == nil || *proto == "" {
		switch {
		case len(p.Ranges) == 0 && from == nil && to == nil:
			// Full access, as the EC2 User Guide 2012 shows it for
			// ec2-authorize -o, "Creating a Three-Tier Web Service".
			return []traffic{allTCP, allUDP, allICMP}, nil
		case len(p.Groups) == 0 && from != nil:
			// The ELB Developer Guide revokes FromPort=80 of a CIDR without
			// protocol, in "Lock Down Traffic". It means TCP.
			tcp := "tcp"
			proto = &tcp
		default:
			return nil, vpc.Errorf(vpc.MissingParameter, "The request must contain the parameter ipProtocol")
		}
	}
	number, err := parseClassicProto(*proto)
	if err != nil {
		return nil, err
	}
	if number.HasPorts() && to == nil && len(p.Groups) == 0 {
		to = from // the same example gives no ToPort either
	}
	if from == nil || to == nil {
		which := "TCP/UDP"
		if number.IsICMP() {
			which = "ICMP"
		}
		return nil, vpc.Errorf(vpc.InvalidParameterValue, "Invalid value 'Must specify both from and to ports with %s.' for portRange.", which)
	}
	t := traffic{proto: number}
	if number.IsICMP() {
		t.icmp, err = parseICMP(*from, *to)
	} else {
		t.ports, err = parsePorts(*from, *to)
	}
	return []traffic{t}, err
}

// parseClassicProto reads a protocol by name or number. EC2-Classic has three.
func parseClassicProto(s string) (vpc.Proto, error) {
	switch strings.ToLower(s) {
	case "tcp", "6":
		return vpc.TCP, nil
	case "udp", "17":
		return vpc.UDP, nil
	case "icmp", "1":
		return vpc.ICMP, nil
	}
	return 0, vpc.Errorf(vpc.InvalidPermissionMalformed, "Unsupported IP protocol %q  - supported: [tcp, udp, icmp]", s)
}

func parsePorts(from, to int64) (vpc.PortRange, error) {
	for _, port := range []int64{from, to} {
		if port < 0 || port > int64(vpc.AllPorts.To) {
			return vpc.PortRange{}, vpc.Errorf(vpc.InvalidPermissionMalformed, "TCP/UDP port (%d) out of range", port)
		}
	}
	if from > to {
		return vpc.PortRange{}, vpc.Errorf(vpc.InvalidParameterValue, "Invalid TCP/UDP port range (%d:%d)", from, to)
	}
	return vpc.PortRange{From: uint16(from), To: uint16(to)}, nil
}

// maxICMP is the highest type and code there can be (RFC 792).
const maxICMP = 255

// parseICMP reads a type and a code. Which codes a type really has is not
// looked at; a rule for every type is for every code.
func parseICMP(typ, code int64) (vpc.ICMPType, error) {
	if typ < vpc.AnyICMP || typ > maxICMP {
		return vpc.ICMPType{}, vpc.Errorf(vpc.InvalidParameterValue, "ICMP type (%d) out of range", typ)
	}
	if code < vpc.AnyICMP || code > maxICMP || typ == vpc.AnyICMP && code != vpc.AnyICMP {
		return vpc.ICMPType{}, vpc.Errorf(vpc.InvalidParameterValue, "ICMP code (%d) out of range", code)
	}
	return vpc.ICMPType{Type: int16(typ), Code: int16(code)}, nil
}

// parseCIDR reads an IPv4 block. Its host bits become zero.
func parseCIDR(s string) (netip.Prefix, error) {
	p, err := netip.ParsePrefix(s)
	if err != nil || !p.Addr().Is4() {
		return netip.Prefix{}, vpc.Errorf(vpc.InvalidParameterValue, "CIDR block %s is malformed", s)
	}
	return p.Masked(), nil
}

// ruleDescriptionSet are the characters beside letters and digits that a
// rule's description may have (EC2 API reference, IpRange).
const ruleDescriptionSet = ". _-:/()#,@[]+=&;{}!$*"

func checkRuleDescription(s string) error {
	valid := len(s) <= maxGroupText && !slices.ContainsFunc([]rune(s), func(c rune) bool {
		return !('a' <= c && c <= 'z' || 'A' <= c && c <= 'Z' || '0' <= c && c <= '9' || strings.ContainsRune(ruleDescriptionSet, c))
	})
	if !valid {
		return vpc.Errorf(vpc.InvalidParameterValue,
			"Invalid rule description. Valid descriptions are strings less than 256 characters from the following set: %s", groupCharacters)
	}
	return nil
}
