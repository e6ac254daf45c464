package dataplane

import (
	"fmt"
	"maps"
	"slices"
	"sync/atomic"
	"time"

	"ringfence/internal/policy"
)

// Apply makes the kernel enforce what h.Apply has just changed. On an error
// the kernel is between the old rules and the new, each port judged by one or
// the other, and Apply of h.Everything finishes what is left.
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
		if s := d.sets.of[uint32(id)]; s != nil && h.Set(id) != nil {
			if err := d.rebuildSet(h, h.Set(id), s); err != nil {
				return fmt.Errorf("rebuild rules of groups %v: %w", h.Set(id).Groups, err)
			}
		}
	}
	for _, subnet := range slices.Sorted(maps.Keys(c.ACLs)) {
		if s := d.subnets.of[uint32(subnet)]; s != nil {
			if err := d.rebuildACL(h.ACL(subnet), s); err != nil {
				return fmt.Errorf("rebuild network ACL of subnet %d: %w", subnet, err)
			}
		}
	}
	for _, subnet := range slices.Sorted(maps.Keys(c.Routes)) {
		if s := d.subnets.of[uint32(subnet)]; s != nil && s.network != 0 {
			if err := d.reroute(h, s, subnet, s.network); err != nil {
				return err
			}
		}
	}
	if err := d.moveInterfaces(h, c); err != nil {
		return err
	}
	if err := d.moveGateways(h, c); err != nil {
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
	epoch := &d.tables.control.at(0).Epoch
	if atomic.AddUint32(epoch, 1) == 0 {
		atomic.AddUint32(epoch, 1) // 0 is "not yet judged" in a flow
	}
}

// introduce tells every slot that has rules about one of a set's groups about
// the set's identity.
func (d *Dataplane) introduce(set *policy.Set) error {
	for s := range d.slotsAbout(set) {
		if v := s.classifier.About(set); s.identities[set.Identity] == nil {
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
		for s := range d.slotsAbout(set) {
			if err := d.dropIdentity(s, set.Identity); err != nil {
				return err
			}
		}
		delete(d.leaving, set.Identity)
		return nil
	})
}
