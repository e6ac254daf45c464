package scenario

import (
	"math/rand/v2"
	"net/netip"

	"ringfence/internal/policy"
	"ringfence/internal/vpc"
)

// Traffic makes frames between the hosts of a World: mostly such as belong to
// conversations that go on, some that no honest host would send.
type Traffic struct {
	rnd           *rand.Rand
	world         *World
	conversations []*conversation
	sent          []policy.Frame // lately, for ICMP errors to quote
	dialogues     uint16         // made so far
}

// replies are the ICMP types that answer a query's.
var replies = map[uint8]uint8{8: 0, 13: 14, 15: 16, 17: 18}

// A conversation is between a client and a server, by the addresses that each
// uses for the other.
type conversation struct {
	proto                  vpc.Proto
	client, server         policy.Port
	clientAddr, serverAddr netip.Addr // as the client sees them
	clientSeen, serverSeen netip.Addr // as the server sees them
	clientPort, serverPort uint16
	seq                    [2]uint32
	icmpType               uint8
}

// NewTraffic makes traffic for a world.
func NewTraffic(rnd *rand.Rand, world *World) *Traffic { return &Traffic{rnd: rnd, world: world} }

// home returns the private and the public address of who is behind a port.
func (w *World) home(port policy.Port) (private, public netip.Addr, network vpc.NetworkNumber) {
	plug := w.ports[port]
	if plug.Interface == "" {
		return plug.Outside, plug.Outside, 0
	}
	for _, n := range w.interfaces {
		if n.ID == plug.Interface {
			private = n.Addresses[w.rnd.IntN(len(n.Addresses))]
			if w.rnd.IntN(4) > 0 {
				private = n.Addresses[0]
			}
			return private, n.Public[private], n.NetworkNo
		}
	}
	return private, public, 0
}

func (t *Traffic) converse() *conversation {
	c := &conversation{
		proto:  pick(t.rnd, []vpc.Proto{vpc.TCP, vpc.TCP, vpc.TCP, vpc.UDP, vpc.UDP, vpc.ICMP, 47}),
		client: policy.Port(pick(t.rnd, Ports)), server: policy.Port(pick(t.rnd, Ports)),
		clientPort: pick(t.rnd, []uint16{40000, 40001, 1024, 8080}), serverPort: pick(t.rnd, somePorts),
		seq:      [2]uint32{t.rnd.Uint32(), t.rnd.Uint32()},
		icmpType: pick(t.rnd, []uint8{8, 8, 8, 13, 15, 17}),
	}
	private, public, network := t.world.home(c.client)
	serverPrivate, serverPublic, serverNetwork := t.world.home(c.server)
	if network == serverNetwork && t.rnd.IntN(5) > 0 {
		c.clientAddr, c.clientSeen = private, private
		c.serverAddr, c.serverSeen = serverPrivate, serverPrivate
	} else {
		c.clientAddr, c.clientSeen = private, public
		c.serverAddr, c.serverSeen = serverPublic, serverPrivate
	}
	if !c.clientSeen.IsValid() || !c.serverAddr.IsValid() {
		return t.converse()
	}
	return c
}

// Next makes a frame and says by which port it comes.
func (t *Traffic) Next() (policy.Port, []byte) {
	if len(t.conversations) < 6 || t.rnd.IntN(12) == 0 {
		t.conversations = append(t.conversations, t.converse())
		if len(t.conversations) > 12 {
			t.conversations = t.conversations[1:]
		}
	}
	c := pick(t.rnd, t.conversations)
	port, f := t.say(c)
	t.sent = append(t.sent, f)
	if len(t.sent) > 16 {
		t.sent = t.sent[1:]
	}
	if t.rnd.IntN(10) == 0 {
		t.complain(c, port, &f)
	}
	if t.rnd.IntN(12) == 0 {
		t.lie(&f)
	}
	b := f.Bytes()
	if t.rnd.IntN(25) == 0 {
		b = t.damage(b)
	}
	if t.rnd.IntN(40) == 0 {
		b = t.ask(&f)
	}
	return port, b
}

// say continues a conversation by a packet from one of its ends.
func (t *Traffic) say(c *conversation) (policy.Port, policy.Frame) {
	from := t.rnd.IntN(2)
	f := policy.Frame{Proto: c.proto, ID: uint32(t.rnd.IntN(4))}
	port := c.client
	if from == 0 {
		f.Src, f.Dst, f.SrcPort, f.DstPort = c.clientAddr, c.serverAddr, c.clientPort, c.serverPort
	} else {
		port = c.server
		f.Src, f.Dst, f.SrcPort, f.DstPort = c.serverSeen, c.clientSeen, c.serverPort, c.clientPort
	}
	f.SrcMAC, f.DstMAC = t.macOf(port), vpc.MACOf(f.Dst)
	f.Payload = make([]byte, 8*t.rnd.IntN(5))
	switch c.proto {
	case vpc.TCP:
		t.speakTCP(c, from, &f)
	case vpc.ICMP:
		f.ICMPType, f.ICMPID = c.icmpType, c.clientPort
		if from == 1 {
			f.ICMPType = replies[c.icmpType]
		}
		if t.rnd.IntN(12) == 0 {
			f.ICMPType, f.ICMPCode = uint8(t.rnd.IntN(19)), uint8(t.rnd.IntN(3))
		}
	}
	if t.rnd.IntN(6) == 0 {
		t.fragment(&f)
	}
	if t.rnd.IntN(15) == 0 {
		f.Options = pick(t.rnd, [][]byte{{1, 1, 1, 0}, {7, 7, 4, 0, 0, 0, 0}, {131, 3, 4}, {137, 3, 4}, {1, 131, 3, 4}, {7, 40}, {7, 1}, {68, 4, 5, 0}, {0, 131}, {7}})
	}
	return port, f
}

func (t *Traffic) speakTCP(c *conversation, from int, f *policy.Frame) {
	f.Seq, f.Ack = c.seq[from], c.seq[1-from]
	f.Flags = policy.ACK
	switch t.rnd.IntN(8) {
	case 0:
		f.Flags = policy.SYN
	case 1:
		f.Flags = policy.SYN | policy.ACK
	case 2:
		f.Flags = policy.FIN | policy.ACK
		c.seq[from]++
	case 3:
		if t.rnd.IntN(3) == 0 {
			f.Flags = policy.RST
		}
	case 4:
		if t.rnd.IntN(4) == 0 {
			f.Flags = policy.TCPFlags(t.rnd.IntN(32))
		}
	}
	c.seq[from] += uint32(len(f.Payload))
	if t.rnd.IntN(20) == 0 {
		f.Ack -= 5
	}
}

func (t *Traffic) fragment(f *policy.Frame) {
	f.More = t.rnd.IntN(3) > 0
	if t.rnd.IntN(2) == 0 {
		f.Offset = pick(t.rnd, []uint16{1, 2, 185, 370})
	}
}

// complain turns a frame into an ICMP error about a packet that was sent.
func (t *Traffic) complain(c *conversation, port policy.Port, f *policy.Frame) {
	about := pick(t.rnd, t.sent)
	if t.rnd.IntN(3) > 0 { // about what the other end has said
		about = policy.Frame{Src: f.Dst, Dst: f.Src, Proto: c.proto, SrcPort: f.DstPort, DstPort: f.SrcPort, ICMPType: c.icmpType, ICMPID: c.clientPort, Payload: make([]byte, 8)}
	}
	quoted := about.Packet()
	if t.rnd.IntN(6) == 0 {
		quoted = quoted[:t.rnd.IntN(len(quoted))]
	}
	src, dst := f.Src, f.Dst
	*f = policy.Frame{Src: src, Dst: dst, SrcMAC: t.macOf(port), DstMAC: vpc.MACOf(dst), Proto: vpc.ICMP, ICMPType: pick(t.rnd, []uint8{3, 3, 3, 4, 5, 11, 12}), ICMPCode: uint8(t.rnd.IntN(5)), Payload: quoted}
}

// lie makes a frame one that its sender has no right to send.
func (t *Traffic) lie(f *policy.Frame) {
	switch t.rnd.IntN(4) {
	case 0:
		f.SrcMAC[5] ^= 1
	case 1:
		f.Src, _, _ = t.world.home(policy.Port(pick(t.rnd, Ports)))
	case 2:
		f.Dst = netip.MustParseAddr(pick(t.rnd, []string{"224.0.0.1", "255.255.255.255", "10.254.255.255", "10.254.0.99", "8.8.8.8", "0.0.0.0", "127.0.0.1"}))
	case 3:
		f.Dst = f.Src
	}
}

// damage cuts a frame short, or changes one byte of it.
func (t *Traffic) damage(b []byte) []byte {
	if t.rnd.IntN(2) == 0 {
		return b[:14+t.rnd.IntN(len(b)-13)]
	}
	b[t.rnd.IntN(len(b))] ^= byte(1 << t.rnd.IntN(8))
	return b
}

// ask makes an ARP of a frame.
func (t *Traffic) ask(f *policy.Frame) []byte {
	b := append([]byte{}, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff)
	b = append(b, f.SrcMAC[:]...)
	b = append(b, 8, 6, 0, 1, 8, 0, 6, 4, 0, byte(1+t.rnd.IntN(3)))
	b = append(b, f.SrcMAC[:]...)
	src, dst := f.Src.As4(), f.Dst.As4()
	if t.rnd.IntN(5) == 0 {
		src = [4]byte{}
	}
	if t.rnd.IntN(5) == 0 {
		dst = src
	}
	b = append(b, src[:]...)
	b = append(b, make([]byte, 6)...)
	return append(b, dst[:]...)
}

func (t *Traffic) macOf(port policy.Port) [6]byte {
	plug := t.world.ports[port]
	for _, n := range t.world.interfaces {
		if plug.Interface == n.ID {
			return n.MAC()
		}
	}
	return vpc.MACOf(plug.Outside)
}
