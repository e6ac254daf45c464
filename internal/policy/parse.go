package policy

import (
	"encoding/binary"
	"net/netip"

	"ringfence/internal/vpc"
)

// Ethernet types (IEEE 802 numbers).
const (
	etherIPv4 = 0x0800
	etherARP  = 0x0806
)

// Lengths of headers without options, in bytes.
const (
	etherLen = 14
	arpLen   = 28
	ipv4Len  = 20
	tcpLen   = 20
	udpLen   = 8
	icmpLen  = 8
)

// ParseFrame reads an Ethernet frame. The reason is 0, or why the frame must be
// dropped unseen: Malformed or NotIP.
func ParseFrame(b []byte) (p Packet, r Reason) {
	if len(b) < etherLen {
		return p, Malformed
	}
	p.SrcMAC = [6]byte(b[6:12])
	switch binary.BigEndian.Uint16(b[12:]) {
	case etherARP:
		r = parseARP(&p, b[etherLen:])
	case etherIPv4:
		r = parseIPv4(&p, b[etherLen:])
	case etherIPv6:
		r = parseIPv6(&p, b[etherLen:])
	default:
		r = NotIP
	}
	return p, r
}

func parseARP(p *Packet, b []byte) Reason {
	const ethernetIPv4 = "\x00\x01\x08\x00\x06\x04"
	if len(b) < arpLen || string(b[:6]) != ethernetIPv4 {
		return Malformed
	}
	op := binary.BigEndian.Uint16(b[6:])
	if op != 1 && op != 2 {
		return Malformed
	}
	p.ARP = &ARP{
		Request:   op == 1,
		SenderMAC: [6]byte(b[8:14]),
		Sender:    netip.AddrFrom4([4]byte(b[14:18])),
		Target:    netip.AddrFrom4([4]byte(b[24:28])),
	}
	return 0
}

func parseIPv4(p *Packet, b []byte) Reason {
	if len(b) < ipv4Len || b[0]>>4 != 4 {
		return Malformed
	}
	header := int(b[0]&0xf) * 4
	total := int(binary.BigEndian.Uint16(b[2:]))
	if header < ipv4Len || total < header || total > len(b) {
		return Malformed
	}
	if !optionsAllowed(b[ipv4Len:header]) {
		return Malformed
	}
	p.Src = netip.AddrFrom4([4]byte(b[12:16]))
	p.Dst = netip.AddrFrom4([4]byte(b[16:20]))
	p.Proto = vpc.Proto(b[9])
	if p.Proto == vpc.ICMPv6 {
		return Malformed // it is IPv6's
	}

	fragment := binary.BigEndian.Uint16(b[6:])
	offset := fragment & 0x1fff
	p.Fragment = Fragment{ID: uint32(binary.BigEndian.Uint16(b[4:])), More: fragment&0x2000 != 0, Later: offset != 0}
	if p.Fragment.Later {
		if offset == 1 && p.Proto == vpc.TCP {
			return Malformed // it would overwrite the flags (RFC 3128)
		}
		return 0
	}
	return parseTransport(p, b[header:total])
}

// optionsAllowed walks IPv4 options (RFC 791 §3.1). Source routes are refused:
// they would take a packet past whoever judges its destination (RFC 7126 §4.3).
func optionsAllowed(b []byte) bool {
	const end, noop, looseRoute, strictRoute = 0, 1, 131, 137
	for len(b) > 0 {
		switch b[0] {
		case end:
			return true
		case noop:
			b = b[1:]
			continue
		case looseRoute, strictRoute:
			return false
		}
		if len(b) < 2 || b[1] < 2 || int(b[1]) > len(b) {
			return false
		}
		b = b[b[1]:]
	}
	return true
}

// parseTransport reads the header after IP. A first fragment must hold all of
// it, so that no later one can change what was judged.
func parseTransport(p *Packet, b []byte) Reason {
	switch p.Proto {
	case vpc.TCP:
		if len(b) < tcpLen {
			return Malformed
		}
		header := int(b[12]>>4) * 4
		if header < tcpLen || header > len(b) {
			return Malformed
		}
		p.SrcPort, p.DstPort = binary.BigEndian.Uint16(b), binary.BigEndian.Uint16(b[2:])
		p.TCP = TCPSegment{
			Seq:    binary.BigEndian.Uint32(b[4:]),
			Ack:    binary.BigEndian.Uint32(b[8:]),
			Flags:  TCPFlags(b[13]) & (FIN | SYN | RST | PSH | ACK),
			Length: uint32(len(b) - header),
		}
	case vpc.UDP:
		if len(b) < udpLen {
			return Malformed
		}
		length := int(binary.BigEndian.Uint16(b[4:]))
		if length < udpLen || (!p.Fragment.More && length > len(b)) {
			return Malformed
		}
		p.SrcPort, p.DstPort = binary.BigEndian.Uint16(b), binary.BigEndian.Uint16(b[2:])
	case vpc.ICMP, vpc.ICMPv6:
		if len(b) < icmpLen {
			return Malformed
		}
		p.ICMP = ICMPMessage{Type: b[0], Code: b[1], ID: binary.BigEndian.Uint16(b[4:])}
		switch {
		case !isICMPError(p.Proto, p.ICMP.Type):
		case p.Proto == vpc.ICMP:
			p.ICMP.Quoted = parseQuoted(b[icmpLen:])
		default:
			p.ICMP.Quoted = parseQuotedIPv6(b[icmpLen:])
		}
	}
	return 0
}

// parseQuoted reads the packet inside an ICMP error, of which only the IP
// header and eight bytes are sure to be there (RFC 792). It returns nil when
// they do not tell the flow.
func parseQuoted(b []byte) *Quoted {
	if len(b) < ipv4Len || b[0]>>4 != 4 {
		return nil
	}
	header := int(b[0]&0xf) * 4
	later := binary.BigEndian.Uint16(b[6:])&0x1fff != 0
	if header < ipv4Len || len(b) < header+8 || later {
		return nil
	}
	q := &Quoted{
		Src:   netip.AddrFrom4([4]byte(b[12:16])),
		Dst:   netip.AddrFrom4([4]byte(b[16:20])),
		Proto: vpc.Proto(b[9]),
	}
	return quotedPorts(q, b[header:])
}

// quotedPorts reads the beginning of the transport header that is quoted, eight
// bytes at least.
func quotedPorts(q *Quoted, b []byte) *Quoted {
	switch q.Proto {
	case vpc.TCP, vpc.UDP:
		q.SrcPort, q.DstPort = binary.BigEndian.Uint16(b), binary.BigEndian.Uint16(b[2:])
	case vpc.ICMP, vpc.ICMPv6:
		var ok bool
		q.SrcPort, q.DstPort, ok = icmpPorts(q.Proto, ICMPMessage{Type: b[0], Code: b[1], ID: binary.BigEndian.Uint16(b[4:])})
		if !ok {
			return nil
		}
	}
	return q
}

// icmpPorts gives a query and its reply the ports of a flow: the asker's is
// the identifier, the other's the type and code of the query.
func icmpPorts(proto vpc.Proto, m ICMPMessage) (src, dst uint16, ok bool) {
	if isQuery(proto, m.Type) {
		return m.ID, icmpPort(m.Type, m.Code), true
	}
	if query, ok := queryOf(proto, m.Type); ok {
		return icmpPort(query, m.Code), m.ID, true
	}
	return 0, 0, false
}
