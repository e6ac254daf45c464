package policy

import (
	"bytes"
	"net/netip"
	"slices"
	"testing"

	"pgregory.net/rapid"

	"ringfence/internal/vpc"
)

func drawFrame(t *rapid.T) *Frame {
	addr := rapid.Custom(func(t *rapid.T) netip.Addr {
		return netip.AddrFrom4([4]byte(rapid.SliceOfN(rapid.Byte(), 4, 4).Draw(t, "addr")))
	})
	f := &Frame{
		Src: addr.Draw(t, "src"), Dst: addr.Draw(t, "dst"), ID: rapid.Uint16().Draw(t, "id"),
		Proto:   rapid.SampledFrom([]vpc.Proto{vpc.TCP, vpc.UDP, vpc.ICMP, 47}).Draw(t, "proto"),
		Options: rapid.SampledFrom([][]byte{nil, {1, 1, 1, 0}, {7, 7, 4, 0, 0, 0, 0}}).Draw(t, "options"),
		More:    rapid.Bool().Draw(t, "more"), Payload: rapid.SliceOfN(rapid.Byte(), 0, 64).Draw(t, "payload"),
	}
	if rapid.IntRange(0, 3).Draw(t, "later") == 0 {
		f.Offset = uint16(rapid.IntRange(2, 0x1fff).Draw(t, "offset"))
	}
	if f.Proto.HasPorts() {
		f.SrcPort, f.DstPort = rapid.Uint16().Draw(t, "sport"), rapid.Uint16().Draw(t, "dport")
	}
	switch f.Proto {
	case vpc.TCP:
		f.Flags = TCPFlags(rapid.IntRange(0, 31).Draw(t, "flags"))
		f.Seq, f.Ack = rapid.Uint32().Draw(t, "seq"), rapid.Uint32().Draw(t, "ack")
	case vpc.ICMP:
		f.ICMPType, f.ICMPCode = rapid.Byte().Draw(t, "type"), rapid.Byte().Draw(t, "code")
		f.ICMPID = rapid.Uint16().Draw(t, "icmp id")
	}
	f.SrcMAC = vpc.MACOf(f.Src)
	return f
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
			Fragment: Fragment{ID: uint32(f.ID), Later: f.Offset != 0, More: f.More},
		}
		if f.Offset == 0 {
			want.SrcPort, want.DstPort = f.SrcPort, f.DstPort
			switch f.Proto {
			case vpc.TCP:
				want.TCP = TCPSegment{Flags: f.Flags, Seq: f.Seq, Ack: f.Ack, Length: uint32(len(f.Payload))}
			case vpc.ICMP:
				want.ICMP = ICMPMessage{Type: f.ICMPType, Code: f.ICMPCode, ID: f.ICMPID, Quoted: got.ICMP.Quoted}
			}
		}
		if got != want {
			t.Fatalf("%+v\nread %+v\nwant %+v", f, got, want)
		}
	})
}

// An error that quotes a packet is read together with it.
func TestQuotedPacketIsReadAsItWasBuilt(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		about := drawFrame(t)
		about.More = false
		f := &Frame{Src: about.Dst, Dst: about.Src, Proto: vpc.ICMP, ICMPType: 3, Payload: about.Packet()}
		p, reason := ParseFrame(f.Bytes())
		if reason != 0 {
			t.Fatal(reason)
		}
		q := p.ICMP.Quoted
		if about.Offset != 0 || len(about.Packet()) < 28+len(about.Options) {
			if about.Offset != 0 && q != nil {
				t.Fatalf("the ports of a later fragment are %+v", q)
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
	f.Add(slices.Concat(make([]byte, 12), []byte{8, 6, 0, 1, 8, 0, 6, 4, 0, 1}, make([]byte, 20)))
	f.Fuzz(func(t *testing.T, b []byte) {
		whole := bytes.Clone(b)
		p, reason := ParseFrame(b)
		if !bytes.Equal(b, whole) {
			t.Error("the frame was changed")
		}
		if reason == 0 && p.ARP == nil && (!p.Src.Is4() || !p.Dst.Is4()) {
			t.Errorf("no addresses in %+v", p)
		}
		if reason != 0 && reason != Malformed && reason != NotIP {
			t.Errorf("reason %v", reason)
		}
	})
}
