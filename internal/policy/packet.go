package policy

import (
	"net/netip"
	"time"

	"ringfence/internal/vpc"
)

// A Port is where a packet enters or leaves: the index of a host-side link. 0
// is no port.
type Port uint32

// A Packet is what Decide needs to know of a frame.
type Packet struct {
	At   time.Duration // since an arbitrary moment that is the same for all packets
	Port Port          // that it came in by

	SrcMAC [6]byte
	ARP    *ARP // if not nil, nothing below is valid
	ND     *ND  // likewise, but for the addresses

	Src, Dst netip.Addr // both IPv4 or both IPv6, never IPv4-mapped
	Proto    vpc.Proto
	Fragment Fragment

	// Valid iff Fragment.Later is false and the protocol has them.
	SrcPort, DstPort uint16 // TCP, UDP
	TCP              TCPSegment
	ICMP             ICMPMessage
}

// An ARP is a request or a reply (RFC 826).
type ARP struct {
	Request        bool
	Sender, Target netip.Addr
	SenderMAC      [6]byte
}

// An ND is a message of IPv6 neighbour discovery (RFC 4861).
type ND struct {
	Solicitation bool       // of a neighbour; of other messages only the sender is valid
	Sender       netip.Addr // unspecified when it asks whether an address is free (RFC 4862 §5.4)
	Target       netip.Addr
	SenderMAC    *[6]byte // that it says it has, nil if it does not say
}

// A Fragment says which part of a datagram a packet is (RFC 791 §3.2, RFC 8200
// §4.5). The zero value is a whole datagram.
type Fragment struct {
	ID    uint32
	Later bool // not the first fragment: no transport header
	More  bool // not the last one
}

// A TCPSegment is the part of a TCP header that tracking needs (RFC 9293).
type TCPSegment struct {
	Flags    TCPFlags
	Seq, Ack uint32
	Length   uint32 // of the payload, in bytes
}

// TCPFlags are the control bits of a segment.
type TCPFlags uint8

const (
	FIN TCPFlags = 1 << iota
	SYN
	RST
	PSH
	ACK
)

// An ICMPMessage is the head of an ICMP or ICMPv6 message. ID is valid for
// queries, Quoted for errors.
type ICMPMessage struct {
	Type, Code uint8
	ID         uint16
	Quoted     *Quoted
}

// Quoted is the head of the packet that an ICMP error is about. Its ports are
// as in a flow key: a query's identifier and type for ICMP.
type Quoted struct {
	Src, Dst         netip.Addr
	Proto            vpc.Proto
	SrcPort, DstPort uint16
}

// opens reports whether the packet may begin a flow. A TCP segment other than
// a SYN may only be picked up, see Host.pickUp; an ICMP message other than a
// query begins nothing.
func (p *Packet) opens() bool {
	switch {
	case p.Fragment.Later:
		return false
	case p.Proto == vpc.TCP:
		return p.TCP.Flags&(SYN|ACK) == SYN
	case p.Proto.IsICMP():
		return isQuery(p.Proto, p.ICMP.Type)
	default:
		return true
	}
}

// ICMP queries and their replies (RFC 792, RFC 950, RFC 4443 §4).
var queries = []struct {
	proto        vpc.Proto
	query, reply uint8
}{
	{vpc.ICMP, 8, 0},       // echo
	{vpc.ICMP, 13, 14},     // timestamp
	{vpc.ICMP, 15, 16},     // information
	{vpc.ICMP, 17, 18},     // address mask
	{vpc.ICMPv6, 128, 129}, // echo
}

func isQuery(proto vpc.Proto, typ uint8) bool {
	for _, q := range queries {
		if q.proto == proto && q.query == typ {
			return true
		}
	}
	return false
}

// replyTo returns the reply to a query.
func replyTo(proto vpc.Proto, query uint8) uint8 {
	for _, q := range queries {
		if q.proto == proto && q.query == query {
			return q.reply
		}
	}
	return 0
}

// queryOf returns the query that typ is the reply to.
func queryOf(proto vpc.Proto, typ uint8) (query uint8, ok bool) {
	for _, q := range queries {
		if q.proto == proto && q.reply == typ {
			return q.query, true
		}
	}
	return 0, false
}

// isICMPError reports whether messages of a type quote the packet that they
// are about. Source quench (RFC 6633) and redirects are not among those that
// a flow vouches for.
func isICMPError(proto vpc.Proto, typ uint8) bool {
	switch proto {
	case vpc.ICMP:
		return typ == 3 || typ == 11 || typ == 12
	case vpc.ICMPv6:
		return typ >= 1 && typ <= 4
	default:
		return false
	}
}

// icmpPort is an ICMP type and code where other protocols have a port.
func icmpPort(typ, code uint8) uint16 { return uint16(typ)<<8 | uint16(code) }
