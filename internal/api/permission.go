package api

import (
	"net/netip"

	"ringfence/internal/vpc"
)

// permissions are the rules that a call names, as it writes them.
type permissions interface {
	// specs returns the atomic rules that are meant for a group of a home.
	specs(home groupHome) ([]ruleSpec, error)
}

// A groupHome is where a group lives. It decides how permissions are read, and
// in which words they are refused.
type groupHome int

const (
	inClassic groupHome = iota
	inDefaultVPC
	inVPC // that is not the default one
)

// permissionList names rules in bundles.
type permissionList struct {
	Permissions []permission `aws:"IpPermissions,since=2010-06-15"`
}

// ingressPermissions names rules in bundles, or one in the shorthand of the
// first API versions, which knew no egress.
type ingressPermissions struct {
	permissionList

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
	Proto       *string          `aws:"IpProtocol"`
	FromPort    *int64           `aws:"FromPort"`
	ToPort      *int64           `aws:"ToPort"`
	Groups      []groupSource    `aws:"Groups"`
	Ranges      []ipRange        `aws:"IpRanges"`
	RangesIPv6  []ipv6Range      `aws:"Ipv6Ranges,since=2016-11-15"`
	PrefixLists []prefixListName `aws:"PrefixListIds,since=2016-11-15"`
}

type ipRange struct {
	CIDR        string `aws:"CidrIp"`
	Description string `aws:"Description,since=2016-11-15"`
}

type ipv6Range struct {
	CIDR        string `aws:"CidrIpv6"`
	Description string `aws:"Description"`
}

type prefixListName struct {
	ID          string `aws:"PrefixListId"`
	Description string `aws:"Description"`
}

// A groupSource is a group as the source of a rule. Without an owner it is the
// caller's.
type groupSource struct {
	Owner       string        `aws:"UserId"`
	Name        string        `aws:"GroupName"`
	ID          string        `aws:"GroupId,since=2011-01-01"`
	VPC         vpc.NetworkID `aws:"VpcId,since=2016-11-15"`
	Description string        `aws:"Description,since=2016-11-15"`
}

// A ruleSpec is a rule as a caller asks for it, in canonical form, before its
// source group has been looked up.
type ruleSpec struct {
	traffic
	source
}

// A source is the other end of a rule: its destination when the rule is for
// egress.
type source struct {
	cidr        netip.Prefix
	group       groupSource // valid iff cidr is not
	description string
}

func (in *ingressPermissions) isShorthand() bool {
	return in.Proto != nil || in.FromPort != nil || in.ToPort != nil || in.CIDR != nil ||
		in.SourceGroupName != "" || in.SourceGroupOwner != ""
}

func (in *ingressPermissions) specs(home groupHome) ([]ruleSpec, error) {
	switch {
	case in.isShorthand() && len(in.Permissions) > 0:
		return nil, vpc.Errorf(vpc.InvalidParameterCombination, "The parameter ipPermissions cannot be used with the parameters of a single permission")
	case in.isShorthand():
		return in.shorthandSpecs(home)
	}
	return in.permissionList.specs(home)
}

// shorthandSpecs are one CIDR rule, or full access from a group, which begins
// with port 1 in this form only (ELB Developer Guide, the output of
// authorize-security-group-ingress with --source-security-group-name).
func (in *ingressPermissions) shorthandSpecs(home groupHome) ([]ruleSpec, error) {
	if in.SourceGroupName == "" && in.SourceGroupOwner != "" {
		return nil, vpc.Errorf(vpc.MissingParameter, "The request must contain the parameter sourceSecurityGroupName")
	}
	if in.SourceGroupName != "" {
		if in.Proto != nil || in.FromPort != nil || in.ToPort != nil || in.CIDR != nil {
			return nil, vpc.Errorf(vpc.InvalidParameterCombination,
				"The parameter sourceSecurityGroupName cannot be used with the parameters ipProtocol, fromPort, toPort and cidrIp")
		}
		from1 := vpc.PortRange{From: 1, To: vpc.AllPorts.To}
		group := source{group: groupSource{Owner: in.SourceGroupOwner, Name: in.SourceGroupName}}
		return []ruleSpec{
			{allICMP, group},
			{traffic{proto: vpc.TCP, ports: from1}, group},
			{traffic{proto: vpc.UDP, ports: from1}, group},
		}, nil
	}
	if in.CIDR == nil {
		return nil, vpc.Errorf(vpc.MissingParameter, "The request must contain the parameter cidrIp")
	}
	one := permission{Proto: in.Proto, FromPort: in.FromPort, ToPort: in.ToPort, Ranges: []ipRange{{CIDR: *in.CIDR}}}
	return one.specs(home)
}

func (l *permissionList) specs(home groupHome) ([]ruleSpec, error) {
	if len(l.Permissions) == 0 {
		return nil, vpc.Errorf(vpc.MissingParameter, "The request must contain the parameter ipPermissions")
	}
	var specs []ruleSpec
	for _, p := range l.Permissions {
		more, err := p.specs(home)
		if err != nil {
			return nil, err
		}
		specs = append(specs, more...)
	}
	return specs, nil
}

// specs returns the rules of a bundle. One without sources is none in a VPC,
// and a fault in EC2-Classic.
func (p *permission) specs(home groupHome) ([]ruleSpec, error) {
	if home == inClassic {
		if err := p.checkClassicSources(); err != nil {
			return nil, err
		}
	}
	kinds, err := p.traffic(home)
	if err != nil {
		return nil, err
	}
	sources, err := p.sources()
	if err != nil {
		return nil, err
	}
	var specs []ruleSpec
	for _, t := range kinds {
		for _, s := range sources {
			specs = append(specs, ruleSpec{t, s})
		}
	}
	return specs, nil
}

func (p *permission) checkClassicSources() error {
	switch {
	case len(p.RangesIPv6) > 0:
		return vpc.Errorf(vpc.InvalidParameterValue, "Invalid value '%s' for ipv6Ranges. EC2-Classic does not support IPv6.", p.RangesIPv6[0].CIDR)
	case len(p.Groups)+len(p.Ranges)+len(p.PrefixLists) == 0:
		return vpc.Errorf(vpc.MissingParameter, "The request must contain the parameter ipRanges or groups")
	}
	return nil
}

// sources returns the groups of a bundle, then its blocks. There are no prefix
// lists that it could name.
func (p *permission) sources() ([]source, error) {
	var sources []source
	for _, g := range p.Groups {
		sources = append(sources, source{group: g, description: g.Description})
	}
	for _, block := range p.Ranges {
		cidr, err := parseCIDR(block.CIDR)
		if err != nil {
			return nil, err
		}
		sources = append(sources, source{cidr: cidr, description: block.Description})
	}
	for _, block := range p.RangesIPv6 {
		cidr, err := parseIPv6CIDR(block.CIDR)
		if err != nil {
			return nil, err
		}
		sources = append(sources, source{cidr: cidr, description: block.Description})
	}
	if len(p.PrefixLists) > 0 {
		return nil, errNoPrefixList(p.PrefixLists[0].ID)
	}
	for _, s := range sources {
		if err := checkRuleDescription(s.description); err != nil {
			return nil, err
		}
	}
	return sources, nil
}

func errNoPrefixList(id string) error {
	return vpc.Errorf(vpc.InvalidPrefixListIDNotFound, "The prefix list ID '%s' does not exist", id)
}

// parseCIDR reads an IPv4 block. Its host bits become zero.
func parseCIDR(s string) (netip.Prefix, error) {
	p, err := netip.ParsePrefix(s)
	if err != nil || !p.Addr().Is4() {
		return netip.Prefix{}, errMalformedCIDR(s)
	}
	return p.Masked(), nil
}

// parseIPv6CIDR reads an IPv6 block. Its host bits become zero. Blocks of
// IPv4-mapped addresses hold no address that is sent, and are refused.
func parseIPv6CIDR(s string) (netip.Prefix, error) {
	p, err := netip.ParsePrefix(s)
	if err != nil || p.Addr().Is4() || p.Masked().Addr().Is4In6() {
		return netip.Prefix{}, errMalformedCIDR(s)
	}
	return p.Masked(), nil
}

func errMalformedCIDR(s string) error {
	return vpc.Errorf(vpc.InvalidParameterValue, "CIDR block %s is malformed", s)
}
