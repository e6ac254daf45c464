package scenario

import (
	"math/rand/v2"
	"net/netip"
	"slices"

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
	begun         begunDatagram
	dialogues     uint16 // made so far
}

// A begunDatagram is one of which the first fragment was sent, by a port, 0 if
// there is none.
type begunDatagram struct {
	port  policy.Port
	first policy.Frame
}

// replies are the ICMP types that answer a query's.
var replies = map[uint8]uint8{8: 0, 13: 14, 15: 16, 17: 18, 128: 129}

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

// A home is an address and what it is on the internet side.
type home struct{ private, public netip.Addr }

// homes are the addresses of who is behind a port, and in which network; that
// of the internet is 0.
func (w *World) homes(port policy.Port) ([]home, vpc.NetworkNumber) {
	n := w.interfaceAt(port)
	if n == nil {
		outside := w.ports[port].Outside
		return []home{{outside, outside}}, 0
	}
	var homes []home
	for _, a := range n.Addresses {
		public := a
		if a.Is4() {
			public = n.Public[a]
		}
		homes = append(homes, home{a, public})
	}
	return homes, n.NetworkNo
}

func (w *World) interfaceAt(port policy.Port) *vpc.NetworkInterface {
	i := slices.IndexFunc(w.interfaces, func(n *vpc.NetworkInterface) bool { return n.ID == w.ports[port].Interface })
	if i < 0 {
		return nil
	}
	return w.interfaces[i]
}

// strangers are addresses that nobody has, but that routes lead to.
var strangers = []netip.Addr{
	netip.MustParseAddr("8.8.8.8"), netip.MustParseAddr("8.9.0.1"), netip.MustParseAddr("203.0.113.99"),
	netip.MustParseAddr("2001:db8:9000::1"), netip.MustParseAddr("2001:db8:8000::99"),
}

func (t *Traffic) converse() *conversation {
	c := &conversation{
		proto:      pick(t.rnd, []vpc.Proto{vpc.TCP, vpc.TCP, vpc.TCP, vpc.UDP, vpc.UDP, vpc.ICMP, 47}),
		clientPort: pick(t.rnd, []uint16{40000, 40001, 1024, 8080}), serverPort: pick(t.rnd, somePorts),
		seq:      [2]uint32{t.rnd.Uint32(), t.rnd.Uint32()},
		icmpType: pick(t.rnd, []uint8{8, 8, 8, 13, 15, 17}),
	}
	c.client, c.server = t.findEnds()
	if c.client == c.server && t.rnd.IntN(20) > 0 || !t.findAddresses(c) {
		return t.converse()
	}
	if c.proto == vpc.ICMP && c.clientAddr.Is6() {
		c.proto, c.icmpType = vpc.ICMPv6, 128
	}
	return c
}

// findEnds finds two who converse: mostly in one network, else anywhere, or in
// different VPCs.
func (t *Traffic) findEnds() (client, server policy.Port) {
	where := t.rnd.IntN(8)
	for {
		client, server = policy.Port(pick(t.rnd, Ports)), policy.Port(pick(t.rnd, Ports))
		_, from := t.world.homes(client)
		_, to := t.world.homes(server)
		if where < 5 && from == to || where == 5 || where > 5 && from != to && min(from, to) > 1 {
			return client, server
		}
	}
}

// findAddresses finds addresses of one family by which both ends can mean each
// other, if there are any.
func (t *Traffic) findAddresses(c *conversation) bool {
	clients, network := t.world.homes(c.client)
	servers, serverNetwork := t.world.homes(c.server)
	client := pick(t.rnd, clients)
	servers = slices.DeleteFunc(servers, func(s home) bool { return s.private.Is4() != client.private.Is4() })
	switch {
	case network == serverNetwork && network > 1 && t.rnd.IntN(8) == 0:
		stranger := pick(t.rnd, strangers) // for whom the server stands, as a router
		c.clientAddr, c.clientSeen, c.serverAddr, c.serverSeen = client.private, client.private, stranger, stranger
		return stranger.Is4() == client.private.Is4()
	case len(servers) == 0:
		return false
	}
	server := pick(t.rnd, servers)
	if network == serverNetwork && t.rnd.IntN(5) > 0 {
		c.clientAddr, c.clientSeen, c.serverAddr, c.serverSeen = client.private, client.private, server.private, server.private
	} else {
		c.clientAddr, c.clientSeen, c.serverAddr, c.serverSeen = client.private, client.public, server.public, server.private
	}
	return c.clientSeen.IsValid() && c.serverAddr.IsValid()
}

// Next makes a frame and says by which port it comes.
func (t *Traffic) Next() (policy.Port, []byte) {
	if len(t.conversations) < 4 || t.rnd.IntN(12) == 0 {
		t.conversations = append(t.conversations, t.converse())
		if len(t.conversations) > 6 {
			t.conversations = t.conversations[1:]
		}
	}
	c := pick(t.rnd, t.conversations)
	port, f := t.say(c)
	if t.begun.port != 0 && t.rnd.IntN(3) == 0 {
		port, f = t.goOn()
	}
	t.sent = append(t.sent, f)
	if len(t.sent) > 16 {
		t.sent = t.sent[1:]
	}
	if t.rnd.IntN(10) == 0 {
		port = t.complain(c, port, &f)
	}
	if t.rnd.IntN(12) == 0 {
		t.lie(&f)
	}
	b := f.Bytes()
	if t.rnd.IntN(30) == 0 {
		b = t.ask(&f)
	}
	if t.rnd.IntN(25) == 0 {
		b = t.damage(b)
	}
	return port, b
}

// say continues a conversation by a packet from one of its ends.
func (t *Traffic) say(c *conversation) (policy.Port, policy.Frame) {
	from := t.rnd.IntN(2)
	f := policy.Frame{Proto: c.proto, ID: 0x10001 * uint32(t.rnd.IntN(4))}
	port := c.client
	if from == 0 {
		f.Src, f.Dst, f.SrcPort, f.DstPort = c.clientAddr, c.serverAddr, c.clientPort, c.serverPort
	} else {
		port = c.server
		f.Src, f.Dst, f.SrcPort, f.DstPort = c.serverSeen, c.clientSeen, c.serverPort, c.clientPort
	}
	if t.rnd.IntN(4) > 0 {
		port = t.senderOf(port, f.Src)
	}
	f.SrcMAC, f.DstMAC = t.macOf(port), vpc.MACOf(f.Dst)
	f.Payload = make([]byte, 8*t.rnd.IntN(5))
	switch {
	case c.proto == vpc.TCP:
		t.speakTCP(c, from, &f)
	case c.proto.IsICMP():
		f.ICMPType, f.ICMPID = c.icmpType, c.clientPort
		if from == 1 {
			f.ICMPType = replies[c.icmpType]
		}
		if t.rnd.IntN(12) == 0 {
			f.ICMPType, f.ICMPCode = c.icmpType&0x80+uint8(t.rnd.IntN(19)), uint8(t.rnd.IntN(3))
		}
	}
	if t.rnd.IntN(6) == 0 {
		t.fragment(&f)
	}
	if f.Src.Is6() {
		t.extend(&f)
	} else if t.rnd.IntN(15) == 0 {
		f.Options = pick(t.rnd, [][]byte{{1, 1, 1, 0}, {7, 7, 4, 0, 0, 0, 0}, {131, 3, 4}, {137, 3, 4}, {1, 131, 3, 4}, {7, 40}, {7, 1}, {68, 4, 5, 0}, {0, 131}, {7}})
	}
	if f.More && f.Offset == 0 {
		t.begun = begunDatagram{port, f}
	}
	return port, f
}

// senderOf is the port by which packets from an address come: as before, unless
// the address has passed to another interface.
func (t *Traffic) senderOf(port policy.Port, addr netip.Addr) policy.Port {
	was := t.world.interfaceAt(port)
	if was == nil || slices.Contains(was.Addresses, addr) {
		return port
	}
	for i, n := range t.world.interfaces {
		if n.NetworkNo == was.NetworkNo && slices.Contains(n.Addresses, addr) {
			return policy.Port(Ports[i])
		}
	}
	return port
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

// goOn sends another fragment of a datagram that was begun.
func (t *Traffic) goOn() (policy.Port, policy.Frame) {
	port, f := t.begun.port, t.begun.first
	f.Offset, f.More = pick(t.rnd, []uint16{2, 185, 370}), t.rnd.IntN(2) == 0
	if !f.More {
		t.begun.port = 0
	}
	return port, f
}

// extend gives an IPv6 packet some extension headers. Those of fragments may
// stand behind the fragment's own, so that each names another protocol.
func (t *Traffic) extend(f *policy.Frame) {
	if (f.More || f.Offset != 0) && t.rnd.IntN(3) == 0 {
		f.Extensions = append(f.Extensions, policy.Extension{Header: 44}, policy.Extension{Header: 60})
		return
	}
	if t.rnd.IntN(4) > 0 {
		return
	}
	if t.rnd.IntN(3) == 0 {
		f.Extensions = append(f.Extensions, policy.Extension{Header: 0, Data: []byte{5, 2, 0, 0}})
	}
	for range pick(t.rnd, []int{0, 1, 1, 2, 3, 7, 8, 9}) {
		e := policy.Extension{Header: pick(t.rnd, []vpc.Proto{60, 60, 60, 60, 60, 60, 60, 60, 44, 43, 0, 51, 59}), Data: make([]byte, 8*t.rnd.IntN(4))}
		f.Extensions = append(f.Extensions, e)
	}
}

func (t *Traffic) macOf(port policy.Port) [6]byte {
	if n := t.world.interfaceAt(port); n != nil {
		return n.MAC()
	}
	return vpc.MACOf(t.world.ports[port].Outside)
}
