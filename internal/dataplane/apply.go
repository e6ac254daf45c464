package dataplane

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"sync/atomic"
	"time"

	"ringfence/internal/policy"
	"ringfence/internal/vpc"
)

// Apply makes the kernel enforce what h.Apply has just changed. On an error
// the kernel is between the old rules and the new, each port judged by one or
// the other, and Repair finishes what is left.
//
// The order keeps every packet in between on one side: vectors of identities
// that appear are written before anybody has them, a rebuilt slot is complete
// before it is published, addresses move after the rules about them, and the
// epoch, which makes known flows look again, comes last.
func (d *Dataplane) Apply(h *policy.Host, c *policy.Change) error {
	d.mu.Lock()
	defer d.mu.Unlock()
	defer d.raiseEpoch()
	if err := d.finishRetired(time.Now()); err != nil {
		return err
	}
	for _, set := range c.Appeared {
		if err := d.introduce(set); err != nil {
			return err
		}
	}
	for _, id := range slices.Sorted(maps.Keys(c.Rules)) {
		if s := d.setOf[id]; s != nil && h.Set(id) != nil {
			if err := d.rebuildSet(h, h.Set(id), s); err != nil {
				return fmt.Errorf("rebuild rules of groups %v: %w", h.Set(id).Groups, err)
			}
		}
	}
	for _, subnet := range slices.Sorted(maps.Keys(c.ACLs)) {
		if a := d.aclOf[subnet]; a != nil {
			if err := d.rebuildACL(h.ACL(subnet), a); err != nil {
				return fmt.Errorf("rebuild network ACL of subnet %d: %w", subnet, err)
			}
		}
	}
	if err := d.moveInterfaces(h, c); err != nil {
		return err
	}
	for _, set := range c.Vanished {
		d.forget(set)
	}
	return nil
}

// step lets a test look at the kernel between two changes.
func (d *Dataplane) step() {
	if d.options.Step != nil {
		d.options.Step()
	}
}

func (d *Dataplane) raiseEpoch() {
	d.step()
	epoch := &d.control.at(0).Epoch
	if atomic.AddUint32(epoch, 1) == 0 {
		atomic.AddUint32(epoch, 1) // 0 is "not yet judged" in a flow
	}
}

// introduce tells every slot that has rules about one of a set's groups about
// the set's identity.
func (d *Dataplane) introduce(set *policy.Set) error {
	for s := range d.slotsInUse() {
		if v := s.classifier.About(set); v != nil && s.identities[set.Identity] == nil {
			d.step()
			if err := d.putIdentity(s, set.Identity, v); err != nil {
				return err
			}
		}
	}
	delete(d.leaving, set.Identity)
	return nil
}

// forget lets every slot forget the identity of a set that nobody has. A packet
// may be on its way that has read it before: until none can be, slots that are
// made meanwhile know it too.
func (d *Dataplane) forget(set *policy.Set) {
	d.leaving[set.Identity] = set
	d.retire(func() error {
		if d.leaving[set.Identity] != set {
			return nil // somebody has come who has it
		}
		for s := range d.slotsInUse() {
			if err := d.dropIdentity(s, set.Identity); err != nil {
				return err
			}
		}
		delete(d.leaving, set.Identity)
		return nil
	})
}

// peers are the sets that a packet may come from.
func (d *Dataplane) peers(h *policy.Host) []*policy.Set {
	return append(h.Sets(), slices.Collect(maps.Values(d.leaving))...)
}

func (d *Dataplane) slotsInUse() map[*slot]bool {
	slots := make(map[*slot]bool)
	for _, s := range d.setOf {
		slots[s.ingress], slots[s.egress] = true, true
	}
	for _, s := range d.aclOf {
		slots[s.ingress], slots[s.egress] = true, true
	}
	delete(slots, nil)
	return slots
}

func (d *Dataplane) rebuildSet(h *policy.Host, set *policy.Set, s *judgeSet) error {
	ingress, err := d.install(policy.CompileRules(h.Rules(set, false), d.peers(h)))
	if err != nil {
		return err
	}
	var egress *slot
	if !set.OpenEgress {
		if egress, err = d.install(policy.CompileRules(h.Rules(set, true), d.peers(h))); err != nil {
			return errors.Join(err, d.remove(ingress))
		}
	}
	d.sets.at(s.index).Identity = uint32(set.Identity)
	d.publish(d.sets.at(s.index), s, ingress, egress)
	return nil
}

func (d *Dataplane) rebuildACL(a *vpc.NetworkACL, s *judgeSet) error {
	var ingress, egress *slot
	if a != nil {
		var err error
		if ingress, err = d.install(policy.CompileACL(a, false)); err != nil {
			return err
		}
		if egress, err = d.install(policy.CompileACL(a, true)); err != nil {
			return errors.Join(err, d.remove(ingress))
		}
	}
	d.publish(d.subnets.at(s.index), s, ingress, egress)
	return nil
}

// publish puts complete slots in the place of old ones.
func (d *Dataplane) publish(j *kernelJudges, s *judgeSet, ingress, egress *slot) {
	d.lastVersion++
	d.step()
	publish(j, ingress.number(), egress.number(), d.lastVersion)
	d.retireSlot(s.ingress)
	d.retireSlot(s.egress)
	s.ingress, s.egress = ingress, egress
}

// number is the slot's index; no slot stands for the one that is open.
func (s *slot) number() uint32 {
	if s == nil {
		return openSlot
	}
	return s.index
}

// acquireSet returns the set that members of an identity are judged by.
func (d *Dataplane) acquireSet(h *policy.Host, set *policy.Set) (*judgeSet, error) {
	s := d.setOf[set.Identity]
	if s == nil {
		index, err := d.setIndexes.take(time.Now())
		if err != nil {
			return nil, err
		}
		s = &judgeSet{index: index}
		d.setOf[set.Identity] = s
	}
	if s.ingress == nil {
		if err := d.rebuildSet(h, set, s); err != nil {
			return nil, err // s waits for the next try
		}
	}
	s.users++
	return s, nil
}

func (d *Dataplane) releaseSet(id vpc.Identity) {
	s := d.setOf[id]
	if s.users--; s.users > 0 {
		return
	}
	delete(d.setOf, id)
	d.vacate(d.sets, s, d.setIndexes)
}

func (d *Dataplane) acquireACL(h *policy.Host, subnet vpc.SubnetNumber) (*judgeSet, error) {
	s := d.aclOf[subnet]
	if s == nil {
		index, err := d.subnetIndexes.take(time.Now())
		if err != nil {
			return nil, err
		}
		s = &judgeSet{index: index}
		d.aclOf[subnet] = s
		d.subnets.at(index).Identity = uint32(subnet)
	}
	if s.users == 0 {
		if err := d.rebuildACL(h.ACL(subnet), s); err != nil {
			return nil, err
		}
	}
	s.users++
	return s, nil
}

func (d *Dataplane) releaseACL(subnet vpc.SubnetNumber) {
	s := d.aclOf[subnet]
	if s.users--; s.users > 0 {
		return
	}
	delete(d.aclOf, subnet)
	d.vacate(d.subnets, s, d.subnetIndexes)
}
