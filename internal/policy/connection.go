package policy

import (
	"net/netip"
	"time"

	"ringfence/internal/vpc"
)

// A Connection is a flow as it looks from outside.
type Connection struct {
	Network vpc.NetworkNumber
	Proto   vpc.Proto

	// Client has sent the first packet. For ICMP its port is the identifier,
	// the server's is type and code.
	Client, Server Endpoint

	Answered bool // the server has sent a packet
	Closing  bool // TCP that has ended, by a reset or from both sides
	Cut      bool // a revocation, or somebody, has ended it, and it stays so

	Idle    time.Duration // since the last packet
	Timeout time.Duration // for which it is remembered after that
}

// An Endpoint is one end of a connection.
type Endpoint struct {
	Addr      netip.AddrPort
	Interface vpc.InterfaceNumber // 0 on the internet side
	Rule      vpc.RuleID          // that admitted the connection here, "" if none was asked
	Tracked   bool                // it may outlive that rule; valid for interfaces
}

// Expired reports whether nobody remembers c any more.
func (c *Connection) Expired() bool { return c.Idle > c.Timeout }

// All are the flows that have not expired, in no order.
func (fs *Flows) All(now time.Duration) []Connection {
	list := make([]Connection, 0, len(fs.flows))
	for k, f := range fs.flows {
		if c := f.connection(k, now); !c.Expired() {
			list = append(list, c)
		}
	}
	return list
}

// Cut cuts the flows of a kind that are not cut yet, as if their rules were
// gone, and returns how many. A permitted opening begins them anew.
func (fs *Flows) Cut(now time.Duration, which func(*Connection) bool) int {
	n := 0
	for k, f := range fs.flows {
		if c := f.connection(k, now); !c.Expired() && !f.cut && which(&c) {
			f.cut = true
			n++
		}
	}
	return n
}

func (f *flow) connection(k flowKey, now time.Duration) Connection {
	end := func(s side) Endpoint {
		return Endpoint{Addr: netip.AddrPortFrom(k.addr[s], k.port[s]), Interface: f.ends[s], Rule: f.rules[s], Tracked: f.tracked[s]}
	}
	return Connection{
		Network: k.network, Proto: k.proto, Client: end(f.opener), Server: end(f.opener.other()),
		Answered: f.confirmed, Closing: f.closing(), Cut: f.cut,
		Idle: now - f.last, Timeout: f.timeout(k.proto),
	}
}

// A Standing is what the rules of now make of the next packet of a connection.
type Standing int

const (
	Stands  Standing = iota // rules admit it
	Lingers                 // a rule that admitted it is gone, and it goes on
	Ends                    // it is cut, or its next packet finds it so
	Void                    // one of its ends is gone: nobody sends its packets
)

// Standing says how a connection stands. ACLs are not asked: they judge
// packets, not connections.
func (h *Host) Standing(c *Connection) Standing {
	client, ok := h.endOf(&c.Client)
	server, ok2 := h.endOf(&c.Server)
	if !ok || !ok2 {
		return Void
	}
	if c.Cut {
		return Ends
	}
	opening := &header{
		src: client.addr, dst: server.addr, proto: c.Proto, inFlow: true,
		srcPort: c.Client.Addr.Port(), dstPort: c.Server.Addr.Port(), match: c.Server.Addr.Port(),
	}
	j := h.judgeGroups(client, server, opening)
	switch {
	case j.allows():
		return Stands
	case h.ends(&j, [2]bool{c.Client.Tracked, c.Server.Tracked}):
		return Ends
	default:
		return Lingers
	}
}

// endOf is who is at one end of a connection; false if he is gone.
func (h *Host) endOf(e *Endpoint) (end, bool) {
	who := end{h.byNumber[e.Interface], e.Addr.Addr()}
	return who, who.iface != nil || e.Interface == 0
}
