package policy

import (
	"encoding/binary"
	"net/netip"

	"ringfence/internal/vpc"
)

const etherIPv6 = 0x86dd

const ipv6Len = 40

// Extension headers of IPv6 that are walked, and those that are refused. All
// other numbers are protocols; authentication (51) and encapsulation (50) have
// no ports that could be read.
const (
	hopByHop           vpc.Proto = 0
	routingHeader      vpc.Proto = 43
	fragmentHeader     vpc.Proto = 44
	destinationOptions vpc.Proto = 60
)

// maxExtensions is how many extension headers a packet may have. RFC 8200 §4.1
// knows of five in any sense.
const maxExtensions = 8

func isExtension(proto vpc.Proto) bool {
	switch proto {
	case hopByHop, routingHeader, fragmentHeader, destinationOptions:
		return true
	default:
		return false
	}
}

// parseIPv6 reads a packet from its IPv6 header on (RFC 8200). Without a
// payload length, as in jumbograms, it is Malformed.
func parseIPv6(p *Packet, b []byte) Reason {
	if len(b) < ipv6Len || b[0]>>4 != 6 {
		return Malformed
	}
	payload := int(binary.BigEndian.Uint16(b[4:]))
	if payload == 0 || ipv6Len+payload > len(b) {
		return Malformed
	}
	p.Src, p.Dst = netip.AddrFrom16([16]byte(b[8:24])), netip.AddrFrom16([16]byte(b[24:40]))
	if p.Src.Is4In6() || p.Dst.Is4In6() {
		return Malformed // never on a wire (RFC 6890), and not to be taken for IPv4
	}
	p.Proto = vpc.Proto(b[6])
	rest, fragmented, reason := walkExtensions(p, b[ipv6Len:ipv6Len+payload])
	if reason != 0 {
		return reason
	}
	if p.Proto == vpc.ICMP {
		return Malformed // it is IPv4's
	}
	if p.Fragment.Later {
		return 0
	}
	if reason := parseTransport(p, rest); reason != 0 {
		return reason
	}
	if p.Proto == vpc.ICMPv6 && isNeighbourDiscovery(p.ICMP.Type) {
		if fragmented {
			return Malformed // RFC 6980
		}
		return parseND(p, b[7], rest)
	}
	return 0
}

// walkExtensions goes from header to header until one begins that is none of
// IPv6's own, and leaves its number in p.Proto: of a later fragment, the number
// that the fragment header names. It returns what follows. Routing headers are
// refused, as source routes of IPv4 are (RFC 5095).
func walkExtensions(p *Packet, b []byte) (rest []byte, fragmented bool, reason Reason) {
	for n := 0; isExtension(p.Proto); n++ {
		this := p.Proto
		if n == maxExtensions || len(b) < 8 || this == routingHeader ||
			this == hopByHop && n > 0 || this == fragmentHeader && fragmented {
			return nil, false, Malformed
		}
		p.Proto = vpc.Proto(b[0])
		if this == fragmentHeader {
			fragmented = true
			if reason := readFragment(p, b); reason != 0 || p.Fragment.Later {
				return nil, true, reason
			}
			b = b[8:]
			continue
		}
		length := 8 * (int(b[1]) + 1)
		if length > len(b) {
			return nil, false, Malformed
		}
		b = b[length:]
	}
	return b, fragmented, 0
}

// readFragment reads a fragment header (RFC 8200 §4.5). One that is first and
// last at once belongs to a whole datagram (RFC 6946).
func readFragment(p *Packet, b []byte) Reason {
	offset, more := binary.BigEndian.Uint16(b[2:])>>3, b[3]&1 != 0
	if offset == 0 && !more {
		return 0
	}
	p.Fragment = Fragment{ID: binary.BigEndian.Uint32(b[4:]), Later: offset != 0, More: more}
	if offset == 1 && p.Proto == vpc.TCP {
		return Malformed // it would overwrite the flags (RFC 3128)
	}
	return 0
}

// Neighbour discovery (RFC 4861 §4). Its messages are of one link and are
// never delivered.
const (
	routerSolicitation   = 133
	neighbourSolicit     = 135
	redirectMessage      = 137
	discoveryHopLimit    = 255 // a router would have lowered it
	solicitationLen      = 24
	sourceLinkAddrOption = 1
)

func isNeighbourDiscovery(typ uint8) bool {
	return routerSolicitation <= typ && typ <= redirectMessage
}

// parseND reads a message of neighbour discovery. Of a solicitation's options
// it reads the first, where senders put their link address (RFC 4861 §4.3).
func parseND(p *Packet, hopLimit uint8, b []byte) Reason {
	if hopLimit != discoveryHopLimit || p.ICMP.Code != 0 {
		return Malformed
	}
	p.ND = &ND{Solicitation: p.ICMP.Type == neighbourSolicit, Sender: p.Src}
	if !p.ND.Solicitation {
		return 0
	}
	if len(b) < solicitationLen {
		return Malformed
	}
	p.ND.Target = netip.AddrFrom16([16]byte(b[8:24]))
	options := b[solicitationLen:]
	if p.ND.Target.IsMulticast() || p.ND.Target.Is4In6() || len(options) > 0 && (len(options) < 8 || options[1] == 0) {
		return Malformed
	}
	if len(options) > 0 && options[0] == sourceLinkAddrOption {
		mac := [6]byte(options[2:8])
		p.ND.SenderMAC = &mac
	}
	return 0
}

// parseQuotedIPv6 reads the packet inside an ICMPv6 error. Its transport header
// must follow the IPv6 header, otherwise nobody can tell the flow.
func parseQuotedIPv6(b []byte) *Quoted {
	if len(b) < ipv6Len+8 || b[0]>>4 != 6 {
		return nil
	}
	q := &Quoted{
		Src:   netip.AddrFrom16([16]byte(b[8:24])),
		Dst:   netip.AddrFrom16([16]byte(b[24:40])),
		Proto: vpc.Proto(b[6]),
	}
	if isExtension(q.Proto) || q.Proto == vpc.ICMP || q.Src.Is4In6() || q.Dst.Is4In6() {
		return nil
	}
	return quotedPorts(q, b[ipv6Len:])
}
