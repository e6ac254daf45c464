package scenario

import (
	"cmp"
	"errors"
	"fmt"
	"net/netip"
	"slices"
	"strconv"
	"strings"

	"ringfence/internal/vpc"
)

// parseRules reads the arguments of ec2-authorize and ec2-revoke: a group and
// the options of the tools, -P protocol, -p port or range, -t type:code,
// -s block, -o group and -u its owner, --egress. It returns rules without ids,
// and how a scenario calls them: 'web tcp 80 from 0.0.0.0/0', 'web all to ::/0'.
func (n *nouns) parseRules(args []string) (rules []*vpc.Rule, texts []string, err error) {
	if len(args) == 0 {
		return nil, nil, errors.New("want a group")
	}
	group, err := n.group(args[0])
	if err != nil {
		return nil, nil, err
	}
	options, egress := args[1:], slices.Contains(args, "--egress")
	if egress {
		options = slices.DeleteFunc(slices.Clone(options), func(w string) bool { return w == "--egress" })
	}
	o, err := parseOptions(options)
	if err != nil {
		return nil, nil, err
	}
	peer, from, err := n.parsePeer(o)
	if err != nil {
		return nil, nil, err
	}
	for _, proto := range o.protocols() {
		r := &vpc.Rule{Group: group, Peer: peer, Egress: egress}
		what, err := o.parseRange(r, proto)
		if err != nil {
			return nil, nil, err
		}
		rules = append(rules, r)
		word := "from"
		if egress {
			word = "to"
		}
		texts = append(texts, fmt.Sprintf("%s %s %s %s", args[0], what, word, from))
	}
	return rules, texts, nil
}

// ruleOptions are the options that were given, by their letter.
type ruleOptions map[string]string

func parseOptions(args []string) (ruleOptions, error) {
	o := make(ruleOptions)
	for ; len(args) > 0; args = args[2:] {
		if !strings.Contains("-P-p-t-s-o-u", args[0]) || len(args[0]) != 2 || len(args) < 2 {
			return nil, fmt.Errorf("want -P, -p, -t, -s, -o or -u and its value, not %q", args)
		}
		o[args[0]] = args[1]
	}
	return o, nil
}

// protocols are one, or all three where everything of a group is admitted.
func (o ruleOptions) protocols() []string {
	switch {
	case o["-P"] != "":
		return []string{o["-P"]}
	case o["-t"] != "":
		return []string{"icmp"}
	case o["-o"] != "" && o["-p"] == "":
		return []string{"tcp", "udp", "icmp"}
	default:
		return []string{"tcp"}
	}
}

// parseRange gives a rule its protocol, and its ports or ICMP type; all of them
// where none is named.
func (o ruleOptions) parseRange(r *vpc.Rule, proto string) (text string, err error) {
	if r.Proto, err = parseProto(proto); err != nil || !r.Proto.HasPorts() && !r.Proto.IsICMP() {
		return proto, err
	}
	if r.Proto.IsICMP() {
		text = cmp.Or(o["-t"], "-1:-1")
		_, err = fmt.Sscanf(text, "%d:%d", &r.ICMP.Type, &r.ICMP.Code)
	} else {
		text = cmp.Or(o["-p"], "0-65535")
		r.Ports, err = parsePorts(text)
	}
	return proto + " " + text, err
}

func parsePorts(s string) (vpc.PortRange, error) {
	first, last, isRange := strings.Cut(s, "-")
	if !isRange {
		last = first
	}
	from, err := strconv.ParseUint(first, 10, 16)
	if err != nil {
		return vpc.PortRange{}, err
	}
	to, err := strconv.ParseUint(last, 10, 16)
	return vpc.PortRange{From: uint16(from), To: uint16(to)}, err
}

// parsePeer reads who is admitted: everybody, if nobody is named.
func (n *nouns) parsePeer(o ruleOptions) (p vpc.Peer, text string, err error) {
	if name := o["-o"]; name != "" {
		if o["-u"] != "" {
			name = o["-u"] + "/" + name
		}
		p.Group, err = n.group(name)
		return p, name, err
	}
	text = "0.0.0.0/0"
	if o["-s"] != "" {
		text = o["-s"]
	}
	block, err := netip.ParsePrefix(text)
	p.CIDR = block.Masked()
	return p, text, err
}

func parseProto(s string) (vpc.Proto, error) {
	if p, ok := vpc.ProtoNamed(s); ok {
		return p, nil
	}
	if s == "all" {
		return vpc.AnyProto, nil
	}
	n, err := strconv.ParseUint(s, 10, 8)
	if err != nil {
		return 0, fmt.Errorf("%q is no protocol: want tcp, udp, icmp, icmpv6, all or a number", s)
	}
	return vpc.Proto(n), nil
}
