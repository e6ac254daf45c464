package policy

import (
	"encoding/binary"
	"net/netip"
	"slices"

	"ringfence/internal/vpc"
)

// A Frame describes an Ethernet frame with an IP packet to build, as a test or
// an explanation sends it: of IPv6 if Src is. Lengths and checksums are filled
// in.
type Frame struct {
	SrcMAC, DstMAC [6]byte
	Src, Dst       netip.Addr
	Proto          vpc.Proto
	Options        []byte      // IPv4 options, padded to four bytes
	Extensions     []Extension // headers of IPv6, before the transport's
	ID             uint32      // IPv4 has sixteen bits of it
	Offset         uint16      // of a fragment, in units of eight bytes
	More           bool
	TTL            uint8 // or hop limit; 0: 64

	SrcPort, DstPort uint16 // TCP, UDP
	Flags            TCPFlags
	Seq, Ack         uint32
	ICMPType         uint8
	ICMPCode         uint8
	ICMPID           uint16
	Payload          []byte // of an ICMP error: the packet it quotes
}

// An Extension is an extension header of IPv6. One of number 44 stands for the
// place of the fragment header; a fragment without it has its own at the end.
type Extension struct {
	Header vpc.Proto
	Data   []byte // behind the header's length, padded to eight bytes
}

// Bytes builds the frame.
func (f *Frame) Bytes() []byte {
	b := make([]byte, 0, 14+60+20+len(f.Payload))
	b = append(b, f.DstMAC[:]...)
	b = append(b, f.SrcMAC[:]...)
	b = binary.BigEndian.AppendUint16(b, f.etherType())
	return append(b, f.Packet()...)
}

func (f *Frame) etherType() uint16 {
	if f.Src.Is6() {
		return etherIPv6
	}
	return etherIPv4
}

// Packet builds the IP packet alone, as an ICMP error quotes it.
func (f *Frame) Packet() []byte {
	if f.Src.Is6() {
		return f.packet6()
	}
	return f.packet4()
}

func (f *Frame) ttl() uint8 {
	if f.TTL == 0 {
		return 64
	}
	return f.TTL
}

func (f *Frame) packet4() []byte {
	options := f.Options
	for len(options)%4 != 0 {
		options = append(options, 0)
	}
	transport := f.transport()
	header := ipv4Len + len(options)
	b := make([]byte, header, header+len(transport))
	b[0] = 0x40 | byte(header/4)
	binary.BigEndian.PutUint16(b[2:], uint16(header+len(transport)))
	binary.BigEndian.PutUint16(b[4:], uint16(f.ID))
	fragment := f.Offset
	if f.More {
		fragment |= 0x2000
	}
	binary.BigEndian.PutUint16(b[6:], fragment)
	b[8], b[9] = f.ttl(), byte(f.Proto)
	src, dst := f.Src.As4(), f.Dst.As4()
	copy(b[12:], src[:])
	copy(b[16:], dst[:])
	copy(b[20:], options)
	binary.BigEndian.PutUint16(b[10:], Checksum(0, b[:header]))
	return append(b, transport...)
}

func (f *Frame) packet6() []byte {
	first, extensions := f.extensions()
	transport := f.transport()
	b := make([]byte, ipv6Len, ipv6Len+len(extensions)+len(transport))
	b[0] = 6 << 4
	binary.BigEndian.PutUint16(b[4:], uint16(len(extensions)+len(transport)))
	b[6], b[7] = byte(first), f.ttl()
	src, dst := f.Src.As16(), f.Dst.As16()
	copy(b[8:], src[:])
	copy(b[24:], dst[:])
	return slices.Concat(b, extensions, transport)
}

// extensions builds the extension headers, and says which comes first.
func (f *Frame) extensions() (first vpc.Proto, b []byte) {
	list := f.Extensions
	isFragment := func(e Extension) bool { return e.Header == fragmentHeader }
	if (f.Offset != 0 || f.More) && !slices.ContainsFunc(list, isFragment) {
		list = append(slices.Clone(list), Extension{Header: fragmentHeader})
	}
	numbers := make([]vpc.Proto, 0, len(list)+1)
	for _, e := range list {
		numbers = append(numbers, e.Header)
	}
	numbers = append(numbers, f.Proto)
	for i, e := range list {
		next := byte(numbers[i+1])
		if isFragment(e) {
			b = f.appendFragment(append(b, next, 0))
			if f.Offset != 0 {
				break // what comes behind it is in the first fragment
			}
			continue
		}
		length := (len(e.Data) + 2 + 7) / 8 * 8
		header := make([]byte, length)
		header[0], header[1] = next, byte(length/8-1)
		copy(header[2:], e.Data)
		b = append(b, header...)
	}
	return numbers[0], b
}

func (f *Frame) appendFragment(b []byte) []byte {
	fragment := f.Offset << 3
	if f.More {
		fragment |= 1
	}
	return binary.BigEndian.AppendUint32(binary.BigEndian.AppendUint16(b, fragment), f.ID)
}

func (f *Frame) transport() []byte {
	if f.Offset != 0 {
		return f.Payload
	}
	var b []byte
	sum := -1 // where the checksum is
	switch f.Proto {
	case vpc.TCP:
		b = make([]byte, 20)
		binary.BigEndian.PutUint16(b, f.SrcPort)
		binary.BigEndian.PutUint16(b[2:], f.DstPort)
		binary.BigEndian.PutUint32(b[4:], f.Seq)
		binary.BigEndian.PutUint32(b[8:], f.Ack)
		b[12], b[13] = 5<<4, byte(f.Flags)
		binary.BigEndian.PutUint16(b[14:], 65535)
		sum = 16
	case vpc.UDP:
		b = make([]byte, 8)
		binary.BigEndian.PutUint16(b, f.SrcPort)
		binary.BigEndian.PutUint16(b[2:], f.DstPort)
		binary.BigEndian.PutUint16(b[4:], uint16(8+len(f.Payload)))
		sum = 6
	case vpc.ICMP, vpc.ICMPv6:
		b = make([]byte, 8)
		b[0], b[1] = f.ICMPType, f.ICMPCode
		binary.BigEndian.PutUint16(b[4:], f.ICMPID)
		sum = 2
	}
	b = append(b, f.Payload...)
	if sum >= 0 {
		binary.BigEndian.PutUint16(b[sum:], Checksum(f.pseudo(len(b)), b))
	}
	return b
}

// pseudo is the sum of the header that TCP, UDP and ICMPv6 put before their own
// (RFC 9293 §3.1, RFC 8200 §8.1); ICMP puts none.
func (f *Frame) pseudo(length int) uint32 {
	if f.Proto == vpc.ICMP {
		return 0
	}
	return PseudoSum(f.Src, f.Dst, f.Proto, length)
}

// PseudoSum is the sum of what a checksum covers besides the transport header
// and its payload, which have a length in bytes.
func PseudoSum(src, dst netip.Addr, proto vpc.Proto, length int) uint32 {
	sum := uint32(proto) + uint32(length)
	for _, a := range [][]byte{src.AsSlice(), dst.AsSlice()} {
		for ; len(a) > 0; a = a[2:] {
			sum += uint32(binary.BigEndian.Uint16(a))
		}
	}
	return sum
}

// Checksum is the internet checksum of b on top of a sum (RFC 1071).
func Checksum(sum uint32, b []byte) uint16 {
	for ; len(b) > 1; b = b[2:] {
		sum += uint32(binary.BigEndian.Uint16(b))
	}
	if len(b) == 1 {
		sum += uint32(b[0]) << 8
	}
	for sum>>16 != 0 {
		sum = sum&0xffff + sum>>16
	}
	return ^uint16(sum)
}

// FrameOf is the frame of a packet that begins a flow.
func FrameOf(p *Packet) *Frame {
	f := &Frame{
		SrcMAC: p.SrcMAC, DstMAC: vpc.MACOf(p.Dst), Src: p.Src, Dst: p.Dst, Proto: p.Proto,
		SrcPort: p.SrcPort, DstPort: p.DstPort, Flags: p.TCP.Flags, Seq: p.TCP.Seq, Ack: p.TCP.Ack,
		ICMPType: p.ICMP.Type, ICMPCode: p.ICMP.Code, ICMPID: p.ICMP.ID,
	}
	if len(f.transport()) == 0 {
		f.Payload = make([]byte, 8) // there is no IPv6 packet of nothing
	}
	return f
}

// Solicitation is the frame that asks who has an IPv6 address (RFC 4861 §4.3).
// It goes to all whose addresses end like that one.
func Solicitation(mac [6]byte, sender, target netip.Addr) *Frame {
	group := netip.MustParseAddr("ff02::1:ff00:0").As16()
	asked := target.As16()
	copy(group[13:], asked[13:])
	f := &Frame{
		SrcMAC: mac, DstMAC: [6]byte{0x33, 0x33, 0xff, asked[13], asked[14], asked[15]},
		Src: sender, Dst: netip.AddrFrom16(group), Proto: vpc.ICMPv6, TTL: discoveryHopLimit, ICMPType: neighbourSolicit,
		Payload: asked[:],
	}
	if !sender.IsUnspecified() {
		f.Payload = slices.Concat(f.Payload, []byte{sourceLinkAddrOption, 1}, mac[:])
	}
	return f
}
