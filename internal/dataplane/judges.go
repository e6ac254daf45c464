package dataplane

import (
	"errors"
	"maps"
	"slices"
	"time"

	"ringfence/internal/policy"
	"ringfence/internal/vpc"
)

// A judgeTable has what ports are judged by: sets of groups, or the network
// ACLs of subnets. See struct judges.
type judgeTable struct {
	in      *shared[kernelJudges]
	indexes *allocator
	of      map[uint32]*judgeSet // by identity, or by number of the subnet
}

// A judgeSet is a set of groups, or an ACL, that some port is judged by.
type judgeSet struct {
	index           uint32
	ingress, egress *slot // nil: the open slot
	built           bool  // by this process; what was adopted is not yet
	users           int

	// Of a subnet: where it is, 0 until its routes are as they should be, and
	// which the kernel has.
	network vpc.NetworkNumber
	routes  map[kernelRouteKey]kernelRoute
}

func newJudgeTable(what string, in *shared[kernelJudges]) judgeTable {
	return judgeTable{in, newAllocator(what, 1, in.len(), time.Second), make(map[uint32]*judgeSet)}
}

// acquire returns the judges of a key, built if they are not yet.
func (t *judgeTable) acquire(key uint32, build func(*judgeSet) error) (*judgeSet, error) {
	s := t.of[key]
	if s == nil {
		index, err := t.indexes.take(time.Now())
		if err != nil {
			return nil, err
		}
		s = &judgeSet{index: index, routes: make(map[kernelRouteKey]kernelRoute)}
		t.of[key] = s
		t.in.at(index).Identity = key
	}
	if !s.built {
		if err := build(s); err != nil {
			return nil, err // s waits for the next try
		}
	}
	s.users++
	return s, nil
}

func (d *Dataplane) release(t *judgeTable, key uint32) {
	s := t.of[key]
	if s.users--; s.users == 0 {
		d.vacate(t, key)
	}
}

// acquire returns what an interface is judged by.
func (d *Dataplane) acquire(h *policy.Host, n *vpc.NetworkInterface) (set, acl *judgeSet, err error) {
	set, err = d.sets.acquire(uint32(n.Identity), func(s *judgeSet) error { return d.rebuildSet(h, h.Set(n.Identity), s) })
	if err != nil {
		return nil, nil, err
	}
	acl, err = d.subnets.acquire(uint32(n.SubnetNo), func(s *judgeSet) error {
		return d.rebuildACL(h.ACL(n.SubnetNo), s)
	})
	if err == nil && acl.network == 0 {
		if err = d.reroute(h, acl, n.SubnetNo, n.NetworkNo); err == nil {
			acl.network = n.NetworkNo
		} else {
			d.release(&d.subnets, uint32(n.SubnetNo))
		}
	}
	if err != nil {
		d.release(&d.sets, uint32(n.Identity))
		return nil, nil, err
	}
	return set, acl, nil
}

// releaseAll gives back what acquire has returned for the interface.
func (d *Dataplane) releaseAll(n *vpc.NetworkInterface) {
	d.release(&d.sets, uint32(n.Identity))
	d.release(&d.subnets, uint32(n.SubnetNo))
}

func (d *Dataplane) rebuildSet(h *policy.Host, set *policy.Set, s *judgeSet) error {
	ingress := d.compile(h, h.Rules(set, false))
	if set.OpenEgress {
		return d.rebuild(&d.sets, s, ingress, nil)
	}
	return d.rebuild(&d.sets, s, ingress, d.compile(h, h.Rules(set, true)))
}

// compile compiles rules for all sets that a packet may come from, and those
// that are leaving.
func (d *Dataplane) compile(h *policy.Host, rules []*vpc.Rule) *policy.Classifier {
	return policy.CompileRules(rules, slices.AppendSeq(h.Peers(rules), maps.Values(d.leaving)))
}

func (d *Dataplane) rebuildACL(a *vpc.NetworkACL, s *judgeSet) error {
	if a == nil {
		return d.rebuild(&d.subnets, s, nil, nil)
	}
	return d.rebuild(&d.subnets, s, policy.CompileACL(a, false), policy.CompileACL(a, true))
}

// rebuild puts complete slots in the place of old ones; no classifier lets
// everything pass.
func (d *Dataplane) rebuild(t *judgeTable, s *judgeSet, ingress, egress *policy.Classifier) error {
	in, err := d.install(ingress, s.ingress)
	if err != nil {
		return err
	}
	out, err := d.install(egress, s.egress)
	if err != nil {
		return errors.Join(err, d.remove(in))
	}
	d.lastVersion++
	d.step()
	publish(t.in.at(s.index), in.number(), out.number(), d.lastVersion)
	d.retireSlot(s.ingress)
	d.retireSlot(s.egress)
	s.ingress, s.egress, s.built = in, out, true
	return nil
}

// number is the slot's index; no slot stands for the one that is open.
func (s *slot) number() uint32 {
	if s == nil {
		return openSlot
	}
	return s.index
}

// vacate closes judges that nobody is judged by any more.
func (d *Dataplane) vacate(t *judgeTable, key uint32) {
	s := t.of[key]
	delete(t.of, key)
	d.retire(func() error { return d.clear(t, s) })
	d.retireSlot(s.ingress)
	d.retireSlot(s.egress)
}

// clear makes the place of vacated judges fit for others.
func (d *Dataplane) clear(t *judgeTable, s *judgeSet) error {
	d.lastVersion++
	publish(t.in.at(s.index), closedSlot, closedSlot, d.lastVersion)
	if err := deleteAll(d.objects.Routes, slices.Collect(maps.Keys(s.routes))); err != nil {
		return err
	}
	t.in.at(s.index).Identity = 0
	t.indexes.give(s.index, time.Now())
	return nil
}

func (d *Dataplane) slotsInUse() map[*slot]bool {
	slots := make(map[*slot]bool)
	for _, t := range []*judgeTable{&d.sets, &d.subnets} {
		for _, s := range t.of {
			slots[s.ingress], slots[s.egress] = true, true
		}
	}
	delete(slots, nil)
	return slots
}
