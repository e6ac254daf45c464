package vpc

import (
	"strconv"
	"strings"
)

// A Proto is an IP protocol number (IANA, "Assigned Internet Protocol
// Numbers"), or AnyProto.
type Proto int16

const (
	AnyProto Proto = -1
	ICMP     Proto = 1
	TCP      Proto = 6
	UDP      Proto = 17
	ICMPv6   Proto = 58
)

// String returns the protocol as the EC2 API prints it: a name for the four
// that have one, otherwise the number.
func (p Proto) String() string {
	switch p {
	case ICMP:
		return "icmp"
	case TCP:
		return "tcp"
	case UDP:
		return "udp"
	case ICMPv6:
		return "icmpv6"
	default:
		return strconv.Itoa(int(p))
	}
}

// ProtoNamed returns the protocol that has a name, whatever its case.
func ProtoNamed(name string) (p Proto, ok bool) {
	for _, p := range []Proto{ICMP, TCP, UDP, ICMPv6} {
		if strings.EqualFold(name, p.String()) {
			return p, true
		}
	}
	return 0, false
}

// HasPorts reports whether rules for p name ports.
func (p Proto) HasPorts() bool { return p == TCP || p == UDP }

// IsICMP reports whether rules for p name an ICMP type and code.
func (p Proto) IsICMP() bool { return p == ICMP || p == ICMPv6 }
