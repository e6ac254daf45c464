package cli

import (
	"context"
	"fmt"
	"slices"
	"strconv"
	"strings"
)

var ruleOptions = []option{
	{"P", "protocol", "PROTOCOL", "tcp (the default), udp, icmp, all or a number", ""},
	{"p", "port-range", "PORT", "a port, a range such as 80-90, or -1 for all; tcp and udp need it", ""},
	{"t", "icmp-type-code", "TYPE:CODE", "-1 stands for all; icmp needs it", ""},
	{"s", "cidr", "CIDR", "whom the rule is for, default 0.0.0.0/0; may be repeated", ""},
	{"o", "source-or-dest-group", "GROUP", "whom the rule is for, a group; may be repeated", ""},
	{"u", "source-or-dest-group-user", "USER", "whose group it is, default yours; once for each -o", ""},
	{"", "egress", "", "a rule for packets that leave; only in a VPC", ""},
}

const ruleSynopsis = "GROUP [-P PROTOCOL] (-p PORT | -t TYPE:CODE) [-s CIDR ... | -o GROUP ... [-u USER ...]] [--egress]"

var authorize = &tool{
	names:    []string{"ec2-authorize", "ec2auth"},
	synopsis: ruleSynopsis,
	about:    "add rules to a security group",
	options:  ruleOptions,
	example:  "ec2-authorize default -P tcp -p 22 -s 203.0.113.7/32",
	run: func(ctx context.Context, c *toolCall) error {
		return runRules(ctx, c, "AuthorizeSecurityGroup")
	},
}

var revoke = &tool{
	names:    []string{"ec2-revoke", "ec2revoke"},
	synopsis: ruleSynopsis,
	about:    "remove rules from a security group",
	options:  ruleOptions,
	example:  "ec2-revoke default -P tcp -p 22 -s 203.0.113.7/32",
	run: func(ctx context.Context, c *toolCall) error {
		return runRules(ctx, c, "RevokeSecurityGroup")
	},
}

// A permissionRequest is a rule, or several that differ in their peer.
type permissionRequest struct {
	Protocol   string         `aws:"IpProtocol"`
	From       *int           `aws:"FromPort"`
	To         *int           `aws:"ToPort"`
	Groups     []groupRequest `aws:"Groups"`
	Ranges     []rangeRequest `aws:"IpRanges"`
	IPv6Ranges []ipv6Request  `aws:"Ipv6Ranges"`
}

type groupRequest struct {
	Owner string `aws:"UserId"`
	groupRef
}

type rangeRequest struct {
	CIDR string `aws:"CidrIp"`
}

type ipv6Request struct {
	CIDR string `aws:"CidrIpv6"`
}

// runRules sends the rules that the options describe, and prints what it has
// sent, as the tools always have: not what the group looks like now.
func runRules(ctx context.Context, c *toolCall, action string) error {
	name, err := c.groupOrDefault()
	if err != nil {
		return err
	}
	permissions, err := c.permissions()
	if err != nil {
		return err
	}
	group, err := c.lookUp(ctx, name, permissions)
	if err != nil {
		return err
	}
	direction := "Ingress"
	if c.has("egress") {
		direction = "Egress"
	}
	in := struct {
		dryRun
		groupRef
		Permissions []permissionRequest `aws:"IpPermissions"`
	}{c.dryRun(), refer(name), permissions}
	if err := c.api.call(ctx, action+direction, &in, nil); err != nil {
		return err
	}

	c.out.add("GROUP", group.ID, "", "")
	for _, p := range permissions {
		traffic := trafficOf(p.Protocol, p.From, p.To)
		for _, g := range p.Groups {
			owner, kind, peer := firstNonEmpty(g.Owner, group.Owner), "GRPNAME", g.Name
			if g.ID != "" {
				kind, peer = "GRPID", g.ID
			}
			c.addPermission("", "", traffic, c.has("egress"), "USER", owner, kind, peer)
		}
		for _, r := range p.Ranges {
			c.addPermission("", "", traffic, c.has("egress"), "CIDR", r.CIDR)
		}
		for _, r := range p.IPv6Ranges {
			c.addPermission("", "", traffic, c.has("egress"), "CIDR", r.CIDR)
		}
	}
	return nil
}

// groupOrDefault returns the group to change. The EC2 User Guide of 2012 leaves
// it out in one example and means the group default; so does this tool, unless
// RINGFENCE_STRICT=1.
func (c *toolCall) groupOrDefault() (string, error) {
	if len(c.positional) > 0 || c.env.Getenv("RINGFENCE_STRICT") == "1" {
		return c.onlyPositional("GROUP")
	}
	fmt.Fprintln(c.env.Stderr, "note: no GROUP given; using the group default")
	return "default", nil
}

// lookUp finds what the records need and the user has not said: the id of the
// group, and the owner of source groups without -u.
func (c *toolCall) lookUp(ctx context.Context, name string, permissions []permissionRequest) (securityGroup, error) {
	ownerKnown := true
	for _, g := range permissions[0].Groups {
		ownerKnown = ownerKnown && g.Owner != ""
	}
	if isGroupID(name) && ownerKnown {
		return securityGroup{ID: name}, nil
	}
	groups, err := c.describeSecurityGroups(ctx, dryRun{}, []string{name}, nil)
	if err != nil {
		return securityGroup{}, err
	}
	if len(groups) != 1 {
		return securityGroup{}, fmt.Errorf("the endpoint answered %d groups for '%s'", len(groups), name)
	}
	return groups[0], nil
}

// permissions are the rules that the options describe; at least one.
func (c *toolCall) permissions() ([]permissionRequest, error) {
	peers, err := c.peers()
	if err != nil {
		return nil, err
	}
	if len(peers.Groups) > 0 && !c.has("protocol") && !c.has("port-range") && !c.has("icmp-type-code") {
		return everything(peers), nil
	}
	p, err := c.traffic()
	p.Groups, p.Ranges, p.IPv6Ranges = peers.Groups, peers.Ranges, peers.IPv6Ranges
	return []permissionRequest{p}, err
}

// traffic is what -P, -p and -t say, in a request without peers. Of what a
// protocol does not have only all may be said: a rule without it would allow more
// than was asked for.
func (c *toolCall) traffic() (p permissionRequest, err error) {
	p.Protocol, err = c.protocol()
	if err != nil {
		return p, err
	}
	ports, types := c.last("port-range"), c.last("icmp-type-code")
	hasPorts := slices.Contains([]string{"tcp", "udp", "6", "17"}, p.Protocol)
	hasTypes := slices.Contains([]string{"icmp", "icmpv6", "1", "58"}, p.Protocol)
	switch {
	case !hasPorts && c.has("port-range") && ports != "-1":
		err = usagef("Option -p is for tcp and udp, not for '%s' (-h for usage)", p.Protocol)
	case !hasTypes && c.has("icmp-type-code") && types != "-1:-1":
		err = usagef("Option -t is for icmp and icmpv6, not for '%s' (-h for usage)", p.Protocol)
	case hasPorts && !c.has("port-range"):
		err = missingOption("-p, --port-range PORT")
	case hasPorts:
		p.From, p.To, err = parsePorts(ports)
	case hasTypes && c.has("icmp-type-code"):
		p.From, p.To, err = parseICMP(types)
	case p.Protocol == "icmp" || p.Protocol == "1":
		err = missingOption("-t, --icmp-type-code TYPE:CODE")
	}
	return p, err
}

// everything is all traffic of the three protocols of EC2-Classic, in the order
// of the EC2 User Guide 2012 (ec2-authorize appserver -o apache).
func everything(peers permissionRequest) []permissionRequest {
	first, last, all := 0, 65535, -1
	tcp, udp, icmp := peers, peers, peers
	tcp.Protocol, tcp.From, tcp.To = "tcp", &first, &last
	udp.Protocol, udp.From, udp.To = "udp", &first, &last
	icmp.Protocol, icmp.From, icmp.To = "icmp", &all, &all
	return []permissionRequest{tcp, udp, icmp}
}

// protocol is -P, as the API has it. -t alone means ICMP.
func (c *toolCall) protocol() (string, error) {
	p := strings.ToLower(c.last("protocol"))
	switch p {
	case "":
		if c.has("icmp-type-code") && !c.has("port-range") {
			return "icmp", nil
		}
		return "tcp", nil
	case "all":
		return "-1", nil
	case "tcp", "udp", "icmp", "icmpv6", "-1":
		return p, nil
	}
	if n, err := strconv.Atoi(p); err != nil || n < 0 || n > 255 {
		return "", usagef("Invalid value '%s' for option '-P': expected tcp, udp, icmp, all or a number (-h for usage)", p)
	}
	return p, nil
}

// peers are -s, or -o with -u, in a request that says nothing else.
func (c *toolCall) peers() (permissionRequest, error) {
	cidrs, groups, users := c.all("cidr"), c.all("source-or-dest-group"), c.all("source-or-dest-group-user")
	var p permissionRequest
	switch {
	case len(cidrs) > 0 && len(groups) > 0:
		return p, usagef("Options -s and -o exclude each other (-h for usage)")
	case len(users) > 0 && len(users) != len(groups):
		return p, usagef("Option -u must be given once for each -o, in the same order (-h for usage)")
	case len(groups) == 0 && len(cidrs) == 0:
		cidrs = []string{"0.0.0.0/0"}
	}
	for _, cidr := range cidrs {
		if strings.Contains(cidr, ":") {
			p.IPv6Ranges = append(p.IPv6Ranges, ipv6Request{cidr})
		} else {
			p.Ranges = append(p.Ranges, rangeRequest{cidr})
		}
	}
	for i, g := range groups {
		owner := ""
		if len(users) > 0 {
			owner = users[i]
		} else if user, name, ok := strings.Cut(g, "/"); ok {
			owner, g = user, name // as the console shows it: amazon-elb/amazon-elb-sg
		}
		p.Groups = append(p.Groups, groupRequest{owner, refer(g)})
	}
	return p, nil
}

// parsePorts parses 80, 80-90 or -1, which is all ports.
func parsePorts(text string) (from, to *int, err error) {
	if text == "-1" {
		first, last := 0, 65535
		return &first, &last, nil
	}
	low, high, isRange := strings.Cut(text, "-")
	if !isRange {
		high = low
	}
	a, err1 := strconv.Atoi(low)
	b, err2 := strconv.Atoi(high)
	if err1 != nil || err2 != nil {
		return nil, nil, usagef("Invalid value '%s' for option '-p': expected a port, a range such as 80-90, or -1 (-h for usage)", text)
	}
	return &a, &b, nil
}

// parseICMP parses TYPE:CODE.
func parseICMP(text string) (typ, code *int, err error) {
	first, second, _ := strings.Cut(text, ":")
	a, err1 := strconv.Atoi(first)
	b, err2 := strconv.Atoi(second)
	if err1 != nil || err2 != nil {
		return nil, nil, usagef("Invalid value '%s' for option '-t': expected TYPE:CODE, such as 8:-1 (-h for usage)", text)
	}
	return &a, &b, nil
}
