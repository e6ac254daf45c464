package policy

import (
	"bytes"
	"net/netip"
	"slices"
	"testing"

	"pgregory.net/rapid"

	"ringfence/internal/vpc"
)

// drawFrame makes a sound frame of either family.
func drawFrame(t *rapid.T) *Frame {
	bytes := func(n int) []byte { return rapid.SliceOfN(rapid.Byte(), n, n).Draw(t, "addr") }
	f := &Frame{
		More: rapid.Bool().Draw(t, "more"), Payload: rapid.SliceOfN(rapid.Byte(), 0, 64).Draw(t, "payload"),
		Proto: rapid.SampledFrom([]vpc.Proto{vpc.TCP, vpc.UDP, vpc.ICMP, 47, 59}).Draw(t, "proto"),
	}
	if rapid.IntRange(0, 3).Draw(t, "later") == 0 {
		f.Offset = uint16(rapid.IntRange(2, 0x1fff).Draw(t, "offset"))
	}
	if rapid.Bool().Draw(t, "IPv6") {
		f.Src, f.Dst = netip.AddrFrom16([16]byte(append([]byte{0x20}, bytes(15)...))), netip.AddrFrom16([16]byte(append([]byte{0x20}, bytes(15)...)))
		drawIPv6(t, f)
	} else {
		f.Src, f.Dst = netip.AddrFrom4([4]byte(bytes(4))), netip.AddrFrom4([4]byte(bytes(4)))
		f.Options = rapid.SampledFrom([][]byte{nil, {1, 1, 1, 0}, {7, 7, 4, 0, 0, 0, 0}}).Draw(t, "options")
		f.ID = uint32(rapid.Uint16().Draw(t, "id"))
	}
	if f.Proto.HasPorts() {
		f.SrcPort, f.DstPort = rapid.Uint16().Draw(t, "sport"), rapid.Uint16().Draw(t, "dport")
	}
	switch {
	case f.Proto == vpc.TCP:
		f.Flags = TCPFlags(rapid.IntRange(0, 31).Draw(t, "flags"))
		f.Seq, f.Ack = rapid.Uint32().Draw(t, "seq"), rapid.Uint32().Draw(t, "ack")
	case f.Proto.IsICMP():
		f.ICMPType, f.ICMPCode = rapid.Byte().Filter(func(b byte) bool { return !isNeighbourDiscovery(b) }).Draw(t, "type"), rapid.Byte().Draw(t, "code")
		f.ICMPID = rapid.Uint16().Draw(t, "icmp id")
	}
	f.SrcMAC = vpc.MACOf(f.Src)
	return f
}

// drawIPv6 gives a frame extension headers, and a payload if it has none: there
// is no IPv6 packet without.
func drawIPv6(t *rapid.T, f *Frame) {
	if f.Proto == vpc.ICMP {
		f.Proto = vpc.ICMPv6
	}
	if len(f.Payload) == 0 {
		f.Payload = []byte{1}
	}
	data := rapid.SliceOfN(rapid.Byte(), 0, 40)
	if rapid.IntRange(0, 3).Draw(t, "hop by hop") == 0 {
		f.Extensions = append(f.Extensions, Extension{hopByHop, data.Draw(t, "data")})
	}
	fragment := f.Offset != 0 || f.More
	for range rapid.IntRange(0, 4).Draw(t, "options") {
		f.Extensions = append(f.Extensions, Extension{destinationOptions, data.Draw(t, "data")})
		if fragment && rapid.Bool().Draw(t, "here") {
			f.Extensions = append(f.Extensions, Extension{Header: fragmentHeader})
			fragment = false
		}
	}
	if f.Offset != 0 || f.More {
		f.ID = rapid.Uint32().Draw(t, "id")
	} else if rapid.IntRange(0, 3).Draw(t, "atomic") == 0 {
		f.Extensions = append(f.Extensions, Extension{Header: fragmentHeader})
	}
}

// What is built is read again as it was meant.
func TestFrameIsReadAsItWasBuilt(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		f := drawFrame(t)
		got, reason := ParseFrame(f.Bytes())
		if reason != 0 {
			t.Fatalf("%+v is %v", f, reason)
		}
		want := Packet{
			SrcMAC: f.SrcMAC, Src: f.Src, Dst: f.Dst, Proto: f.Proto,
			Fragment: Fragment{ID: f.ID, Later: f.Offset != 0, More: f.More},
		}
		if f.Offset != 0 && f.Src.Is6() {
			want.Proto = got.Proto // of the header that follows in the first fragment
		} else if f.Offset == 0 {
			want.SrcPort, want.DstPort = f.SrcPort, f.DstPort
			switch {
			case f.Proto == vpc.TCP:
				want.TCP = TCPSegment{Flags: f.Flags, Seq: f.Seq, Ack: f.Ack, Length: uint32(len(f.Payload))}
			case f.Proto.IsICMP():
				want.ICMP = ICMPMessage{Type: f.ICMPType, Code: f.ICMPCode, ID: f.ICMPID, Quoted: got.ICMP.Quoted}
			}
		}
		if got != want {
			t.Fatalf("%+v\nread %+v\nwant %+v", f, got, want)
		}
	})
}

// An error that quotes a packet is read together with it, if the quoted packet
// tells its flow.
func TestQuotedPacketIsReadAsItWasBuilt(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		about := drawFrame(t)
		about.More = false
		f := &Frame{Src: about.Dst, Dst: about.Src, Proto: vpc.ICMP, ICMPType: 3, Payload: about.Packet()}
		header := 20 + (len(about.Options)+3)/4*4
		if f.Src.Is6() {
			f.Proto, f.ICMPType, header = vpc.ICMPv6, 1, 40
		}
		p, reason := ParseFrame(f.Bytes())
		if reason != 0 {
			t.Fatal(reason)
		}
		q := p.ICMP.Quoted
		if about.Offset != 0 || len(about.Extensions) > 0 || len(about.Packet()) < header+8 {
			if q != nil {
				t.Fatalf("the ports of a later fragment, or behind extension headers, are %+v", q)
			}
			return
		}
		if about.Proto.HasPorts() {
			want := Quoted{Src: about.Src, Dst: about.Dst, Proto: about.Proto, SrcPort: about.SrcPort, DstPort: about.DstPort}
			if q == nil || *q != want {
				t.Fatalf("quoted %+v, want %+v", q, want)
			}
		}
	})
}

// No frame cut short is taken for a whole one.
func TestTruncatedFramesAreMalformed(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		whole := drawFrame(t).Bytes()
		for n := range whole {
			if _, reason := ParseFrame(whole[:n]); reason != Malformed {
				t.Fatalf("%d bytes of %x are read: %v", n, whole, reason)
			}
		}
	})
}

func FuzzParseFrame(f *testing.F) {
	mac := vpc.MACOf(netip.MustParseAddr("10.254.0.10"))
	for _, proto := range []vpc.Proto{vpc.TCP, vpc.UDP, vpc.ICMP, 47} {
		frame := Frame{SrcMAC: mac, Src: netip.MustParseAddr("10.254.0.10"), Dst: netip.MustParseAddr("10.254.0.11"), Proto: proto, ICMPType: 3}
		frame.Payload = frame.Packet()
		f.Add(frame.Bytes())
	}
	six := Frame{Src: netip.MustParseAddr("2001:db8::1"), Dst: netip.MustParseAddr("2001:db8::2"), Proto: vpc.ICMPv6, ICMPType: 1}
	six.Payload = six.Packet()
	six.Extensions = []Extension{{Header: hopByHop}, {Header: fragmentHeader}, {Header: destinationOptions, Data: make([]byte, 9)}}
	f.Add(six.Bytes())
	f.Add(Solicitation(mac, six.Src, six.Dst).Bytes())
	f.Add(slices.Concat(make([]byte, 12), []byte{8, 6, 0, 1, 8, 0, 6, 4, 0, 1}, make([]byte, 20)))
	f.Fuzz(func(t *testing.T, b []byte) {
		whole := bytes.Clone(b)
		p, reason := ParseFrame(b)
		if !bytes.Equal(b, whole) {
			t.Error("the frame was changed")
		}
		if reason == 0 && p.ARP == nil && (!p.Src.IsValid() || p.Src.Is4() != p.Dst.Is4() || p.Src.Is4In6() || p.Dst.Is4In6()) {
			t.Errorf("no two addresses of a family in %+v", p)
		}
		if reason != 0 && reason != Malformed && reason != NotIP {
			t.Errorf("reason %v", reason)
		}
	})
}
