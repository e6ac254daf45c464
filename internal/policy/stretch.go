package policy

import (
	"ringfence/internal/vpc"
)

// stretches finds the widest of each protocol and family; family has the rules
// that may be about an address of each.
func (c *Classifier) stretches(family [2]Vector) map[Openness]Stretch {
	widest := make(map[Openness]Stretch)
	for _, proto := range []vpc.Proto{vpc.TCP, vpc.UDP} {
		segments := c.segments(proto)
		for i, everybody := range c.Any {
			if s, ok := widestStretch(segments, family[i], everybody); ok {
				widest[Openness{proto, i == 0}] = s
			}
		}
	}
	return widest
}

// A segment is a range of ports and the rules about it.
type segment struct {
	ports vpc.PortRange
	rules Vector
}

// segments are all ports of a protocol, in order.
func (c *Classifier) segments(proto vpc.Proto) []segment {
	var all []segment
	var others Vector // of ports that no entry of their own is about
	next := 0
	add := func(before int, rules Vector) {
		if next < before {
			all = append(all, segment{vpc.PortRange{From: uint16(next), To: uint16(before - 1)}, rules})
			next = before
		}
	}
	for _, e := range c.L4 {
		switch p := e.Prefix; {
		case !p.Exact:
			others = e.Rules
		case p.Proto != proto || p.Unknown:
		case p.Bits == 0:
			others = e.Rules
		default:
			add(int(p.Port), others)
			add(int(p.Port)+1<<(16-p.Bits), e.Rules)
		}
	}
	add(1<<16, others)
	return all
}

// widestStretch is the first of the widest, false if there is none.
func widestStretch(segments []segment, family, everybody Vector) (widest Stretch, ok bool) {
	var s Stretch
	open := false // s may go on
	for _, next := range segments {
		rule := firstOfAnd(family, nil, next.rules)
		switch {
		case rule < 0 || !everybody.Has(rule):
			open = false
			continue
		case open && s.Rule == rule:
			s.Ports.To = next.ports.To
		default:
			s, open = Stretch{next.ports, rule}, true
		}
		if !ok || s.Ports.To-s.Ports.From > widest.Ports.To-widest.Ports.From {
			widest, ok = s, true
		}
	}
	return widest, ok
}
