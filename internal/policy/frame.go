package policy

import (
	"encoding/binary"
	"net/netip"

	"ringfence/internal/vpc"
)

// A Frame describes an Ethernet frame with an IPv4 packet to build, as a test
// or an explanation sends it. Lengths and checksums are filled in.
type Frame struct {
	SrcMAC, DstMAC [6]byte
	Src, Dst       netip.Addr
	Proto          vpc.Proto
	Options        []byte // IPv4 options, padded to four bytes
	ID             uint16
	Offset         uint16 // of a fragment, in units of eight bytes
	More           bool
	TTL            uint8 // 0: 64

	SrcPort, DstPort uint16 // TCP, UDP
	Flags            TCPFlags
	Seq, Ack         uint32
	ICMPType         uint8
	ICMPCode         uint8
	ICMPID           uint16
	Payload          []byte // of an ICMP error: the packet it quotes
}

// Bytes builds the frame.
func (f *Frame) Bytes() []byte {
	b := make([]byte, 0, 14+60+20+len(f.Payload))
	b = append(b, f.DstMAC[:]...)
	b = append(b, f.SrcMAC[:]...)
	b = binary.BigEndian.AppendUint16(b, 0x0800)
	return append(b, f.Packet()...)
}

// Packet builds the IPv4 packet alone, as an ICMP error quotes it.
func (f *Frame) Packet() []byte {
	options := f.Options
	for len(options)%4 != 0 {
		options = append(options, 0)
	}
	transport := f.transport()
	header := 20 + len(options)
	b := make([]byte, header, header+len(transport))
	b[0] = 0x40 | byte(header/4)
	binary.BigEndian.PutUint16(b[2:], uint16(header+len(transport)))
	binary.BigEndian.PutUint16(b[4:], f.ID)
	fragment := f.Offset
	if f.More {
		fragment |= 0x2000
	}
	binary.BigEndian.PutUint16(b[6:], fragment)
	b[8] = f.TTL
	if b[8] == 0 {
		b[8] = 64
	}
	b[9] = byte(f.Proto)
	src, dst := f.Src.As4(), f.Dst.As4()
	copy(b[12:], src[:])
	copy(b[16:], dst[:])
	copy(b[20:], options)
	binary.BigEndian.PutUint16(b[10:], Checksum(0, b[:header]))
	return append(b, transport...)
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
	case vpc.ICMP:
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

// pseudo is the sum of the header that TCP and UDP put before their own
// (RFC 9293 §3.1); ICMP puts none.
func (f *Frame) pseudo(length int) uint32 {
	if !f.Proto.HasPorts() {
		return 0
	}
	src, dst := f.Src.As4(), f.Dst.As4()
	sum := uint32(f.Proto) + uint32(length)
	for _, a := range [][4]byte{src, dst} {
		sum += uint32(binary.BigEndian.Uint16(a[:])) + uint32(binary.BigEndian.Uint16(a[2:]))
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
	return &Frame{
		SrcMAC: p.SrcMAC, DstMAC: vpc.MACOf(p.Dst), Src: p.Src, Dst: p.Dst, Proto: p.Proto,
		SrcPort: p.SrcPort, DstPort: p.DstPort, Flags: p.TCP.Flags, Seq: p.TCP.Seq, Ack: p.TCP.Ack,
		ICMPType: p.ICMP.Type, ICMPCode: p.ICMP.Code, ICMPID: p.ICMP.ID,
	}
}
