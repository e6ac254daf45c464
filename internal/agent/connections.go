package agent

import (
	"context"
	"net/netip"
	"slices"

	"ringfence/internal/admin"
	"ringfence/internal/dataplane"
	"ringfence/internal/policy"
	"ringfence/internal/vpc"
)

// Connections calls yield for each connection that is asked for, until it fails,
// and cuts them if that is asked for too.
func (a *Agent) Connections(ctx context.Context, in admin.ConnectionsRequest, yield func(*admin.Connection) error) error {
	asked, err := a.connectionFilter(in)
	if err != nil {
		return err
	}
	var failure error
	tell := func(f *dataplane.Flow) bool {
		if failure != nil || in.Cut && f.Cut || !asked.matches(&f.Connection) {
			return false
		}
		told := a.connection(f)
		if told == nil {
			return false
		}
		if in.Cut {
			told.State = admin.Cut
		}
		if failure = ctx.Err(); failure == nil {
			failure = yield(told)
		}
		return failure == nil
	}
	if in.Cut {
		_, err = a.dataplane.Cut(tell)
	} else {
		err = a.dataplane.Flows(func(f *dataplane.Flow) bool {
			tell(f)
			return failure == nil
		})
	}
	if failure != nil {
		return failure
	}
	return err
}

// connection says how a flow stands; nil if one of its ends is gone.
func (a *Agent) connection(f *dataplane.Flow) *admin.Connection {
	a.mu.Lock()
	defer a.mu.Unlock()
	standing := a.host.Standing(&f.Connection)
	if standing == policy.Void {
		return nil
	}
	c := &admin.Connection{
		Proto: f.Proto.String(), State: stateOf(&f.Connection, standing),
		Client: a.connectionEnd(&f.Client), Server: a.connectionEnd(&f.Server),
		Idle: f.Idle.Seconds(), Timeout: f.Timeout.Seconds(),
	}
	c.Client.Packets, c.Client.Bytes = f.ClientPackets, f.ClientBytes
	c.Server.Packets, c.Server.Bytes = f.ServerPackets, f.ServerBytes
	return c
}

func stateOf(c *policy.Connection, standing policy.Standing) string {
	switch {
	case standing == policy.Ends:
		return admin.Cut
	case c.Closing:
		return admin.Closing
	case standing == policy.Lingers:
		return admin.Lingering
	case c.Answered:
		return admin.Open
	default:
		return admin.Opening
	}
}

// connectionEnd names who is at an end. a.mu is held.
func (a *Agent) connectionEnd(e *policy.Endpoint) admin.ConnectionEnd {
	end := admin.ConnectionEnd{
		Address: e.Addr.Addr().String(), Port: e.Addr.Port(), Rule: e.Rule, RuleGone: e.Rule != "" && a.host.Rule(e.Rule) == nil,
	}
	if n := a.host.InterfaceNumbered(e.Interface); n != nil {
		end.Instance, end.Interface = n.Instance, n.ID
	}
	return end
}

// A connectionFilter is a ConnectionsRequest whose names have been looked up.
type connectionFilter struct {
	interfaces []vpc.InterfaceNumber // nil: any
	party      netip.Addr            // not valid: any
	peer       netip.Addr            // likewise
	peerPort   uint16                // 0: any
	proto      vpc.Proto
	anyProto   bool
	rule       vpc.RuleID // "": any
}

func (a *Agent) connectionFilter(in admin.ConnectionsRequest) (f connectionFilter, err error) {
	f.rule, f.anyProto = in.Rule, in.Proto == ""
	if !f.anyProto {
		if f.proto, err = parseProto(in.Proto); err != nil {
			return f, err
		}
	}
	if in.Peer != "" {
		if f.peer, f.peerPort, err = parsePeer(in.Peer); err != nil {
			return f, err
		}
	}
	if in.Party == "" {
		return f, nil
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	if i := a.nouns.instances[vpc.InstanceID(in.Party)]; i != nil {
		f.interfaces = []vpc.InterfaceNumber{}
		for _, n := range a.nouns.interfacesOf(i.ID) {
			f.interfaces = append(f.interfaces, n.Number)
		}
		return f, nil
	}
	p, err := a.party(in.Party)
	if p.iface == nil && p.addr.IsValid() {
		p.iface, _ = a.host.AtPublic(p.addr)
	}
	if p.iface != nil {
		f.interfaces = []vpc.InterfaceNumber{p.iface.Number}
		return f, err
	}
	f.party = p.addr
	return f, err
}

func parsePeer(s string) (netip.Addr, uint16, error) {
	if p, err := netip.ParseAddrPort(s); err == nil {
		return p.Addr().Unmap(), p.Port(), nil
	}
	addr, err := parseAddr(s)
	if err != nil {
		err = vpc.Errorf(vpc.InvalidParameterValue, "%q is neither an address nor an address and a port, such as 203.0.113.7:22 or [2001:db8:8000::7]:22", s)
	}
	return addr, 0, err
}

func (f *connectionFilter) matches(c *policy.Connection) bool {
	if !f.anyProto && c.Proto != f.proto || f.rule != "" && c.Client.Rule != f.rule && c.Server.Rule != f.rule {
		return false
	}
	return f.isParty(&c.Client) && f.isPeer(&c.Server) || f.isParty(&c.Server) && f.isPeer(&c.Client)
}

func (f *connectionFilter) isParty(e *policy.Endpoint) bool {
	return (f.interfaces == nil || slices.Contains(f.interfaces, e.Interface)) && (!f.party.IsValid() || e.Addr.Addr() == f.party)
}

func (f *connectionFilter) isPeer(e *policy.Endpoint) bool {
	return (!f.peer.IsValid() || e.Addr.Addr() == f.peer) && (f.peerPort == 0 || e.Addr.Port() == f.peerPort)
}
