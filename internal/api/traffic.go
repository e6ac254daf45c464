package api

import (
	"strconv"

	"ringfence/internal/vpc"
)

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

// traffic returns what the permission is about: one kind, or all three of
// EC2-Classic when it is for groups and names none.
func (p *permission) traffic(home groupHome) ([]traffic, error) {
	hasBlocks := len(p.Ranges)+len(p.RangesIPv6) > 0
	if p.namesNoTraffic() && !hasBlocks && len(p.Groups) > 0 && home != inVPC {
		// Full access, as the EC2 User Guide 2012 shows it for
		// ec2-authorize -o, "Creating a Three-Tier Web Service".
		return []traffic{allTCP, allUDP, allICMP}, nil
	}
	var t traffic
	var err error
	if home == inClassic {
		t, err = p.classicTraffic()
	} else {
		t, err = p.vpcTraffic()
	}
	return []traffic{t}, err
}

func (p *permission) namesNoTraffic() bool {
	return (p.Proto == nil || *p.Proto == "") && p.FromPort == nil && p.ToPort == nil
}

// classicTraffic reads protocol and ports for a group of EC2-Classic.
func (p *permission) classicTraffic() (traffic, error) {
	proto, from, to := p.Proto, p.FromPort, p.ToPort
	if proto == nil || *proto == "" {
		if len(p.Groups) > 0 || from == nil {
			return traffic{}, vpc.Errorf(vpc.MissingParameter, "The request must contain the parameter ipProtocol")
		}
		// The ELB Developer Guide revokes FromPort=80 of a CIDR without
		// protocol, in "Lock Down Traffic". It means TCP.
		tcp := "tcp"
		proto = &tcp
	}
	number, err := parseClassicProto(*proto)
	if err != nil {
		return traffic{}, err
	}
	if number.HasPorts() && to == nil && len(p.Groups) == 0 {
		to = from // the same example gives no ToPort either
	}
	if from == nil || to == nil {
		return traffic{}, errMissingPorts(number)
	}
	t := traffic{proto: number}
	if number.IsICMP() {
		t.icmp, err = parseICMP(*from, *to)
	} else {
		t.ports, err = parseClassicPorts(*from, *to)
	}
	return t, err
}

// vpcTraffic reads protocol and ports for a group of a VPC.
func (p *permission) vpcTraffic() (traffic, error) {
	if p.Proto == nil || *p.Proto == "" {
		return traffic{}, vpc.Errorf(vpc.InvalidParameterValue, "Invalid value 'null' for protocol. VPC security group rules must specify protocols explicitly.")
	}
	return parseTraffic(*p.Proto, p.FromPort, p.ToPort)
}

// parseTraffic reads a protocol with its ports, or with its ICMP type and code.
// Protocols that have neither are allowed as a whole, whatever is given; so is
// ICMPv6 when nothing is (EC2 API reference, IpPermission).
func parseTraffic(proto string, from, to *int64) (traffic, error) {
	number, err := parseProto(proto)
	if err != nil {
		return traffic{}, err
	}
	t := traffic{proto: number}
	switch {
	case !number.HasPorts() && !number.IsICMP():
	case number == vpc.ICMPv6 && from == nil && to == nil:
		t.icmp = allICMP.icmp
	case from == nil || to == nil:
		err = errMissingPorts(number)
	case number.IsICMP():
		t.icmp, err = parseICMP(*from, *to)
	default:
		t.ports, err = parsePorts(*from, *to)
	}
	return t, err
}

func errMissingPorts(proto vpc.Proto) error {
	which := "TCP/UDP"
	if proto.IsICMP() {
		which = "ICMP"
	}
	return vpc.Errorf(vpc.InvalidParameterValue, "Invalid value 'Must specify both from and to ports with %s.' for portRange.", which)
}

// parseClassicProto reads a protocol by name or number. EC2-Classic has three.
func parseClassicProto(s string) (vpc.Proto, error) {
	if proto, err := parseProto(s); err == nil && (proto.HasPorts() || proto == vpc.ICMP) {
		return proto, nil
	}
	return 0, vpc.Errorf(vpc.InvalidPermissionMalformed, "Unsupported IP protocol %q  - supported: [tcp, udp, icmp]", s)
}

// maxProto is the highest protocol number there can be (RFC 791, RFC 8200).
const maxProto = 255

// parseProto reads a protocol by number, by one of the four names that the API
// knows, or -1 for all.
func parseProto(s string) (vpc.Proto, error) {
	if p, ok := vpc.ProtoNamed(s); ok {
		return p, nil
	}
	number, err := strconv.Atoi(s)
	if err != nil || number < int(vpc.AnyProto) || number > maxProto || strconv.Itoa(number) != s {
		return 0, vpc.Errorf(vpc.InvalidParameterValue, "Invalid value '%s' for IP protocol. Unknown protocol.", s)
	}
	return vpc.Proto(number), nil
}

func isPort(n int64) bool { return 0 <= n && n <= int64(vpc.AllPorts.To) }

// parseClassicPorts is parsePorts in the words of EC2-Classic.
func parseClassicPorts(from, to int64) (vpc.PortRange, error) {
	for _, port := range []int64{from, to} {
		if !isPort(port) {
			return vpc.PortRange{}, vpc.Errorf(vpc.InvalidPermissionMalformed, "TCP/UDP port (%d) out of range", port)
		}
	}
	return parsePorts(from, to)
}

func parsePorts(from, to int64) (vpc.PortRange, error) {
	switch {
	case !isPort(from):
		return vpc.PortRange{}, vpc.Errorf(vpc.InvalidParameterValue, "TCP/UDP (from) port (%d) out of range", from)
	case !isPort(to):
		return vpc.PortRange{}, vpc.Errorf(vpc.InvalidParameterValue, "TCP/UDP (to) port (%d) out of range", to)
	case from > to:
		return vpc.PortRange{}, vpc.Errorf(vpc.InvalidParameterValue, "Invalid TCP/UDP port range (%d:%d)", from, to)
	}
	return vpc.PortRange{From: uint16(from), To: uint16(to)}, nil
}

// maxICMP is the highest type and code there can be (RFC 792, RFC 4443).
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
