package dataplane

import (
	"errors"
	"fmt"
	"iter"
	"net/netip"
	"time"

	"ringfence/internal/policy"
	"ringfence/internal/vpc"
)

const (
	chunkRules = 512
	chunkWords = chunkRules / 64
	maxChunks  = 128

	closedSlot = 0 // of zeroed structs: refuses everything
	openSlot   = 1 // lets everything pass
	firstSlot  = 2
)

// A slot is a classifier in the kernel, and what must be removed with it.
type slot struct {
	index      uint32
	classifier *policy.Classifier
	large      bool
	numbers    *stretch     // in the map of rule numbers; nil: none yet
	rules      []vpc.RuleID // that have been given their numbers
	identities map[vpc.Identity]*identityVector
	cidrs      []kernelCidrKey
	l4         []kernelL4Key
	chunks     []stretch // in the map of chunks, those of identities apart
}

// An identityVector is what a slot knows of an identity. It never changes.
type identityVector struct{ chunks stretch }

// install writes a classifier under a slot of its own. Nothing uses it until
// it is published. No classifier needs no slot.
func (d *Dataplane) install(c *policy.Classifier) (*slot, error) {
	if c == nil {
		return nil, nil
	}
	if len(c.Rules) > chunkRules*maxChunks {
		return nil, fmt.Errorf("%d rules for one network interface are more than %d", len(c.Rules), chunkRules*maxChunks)
	}
	index, err := d.slotIndexes.take(time.Now())
	if err != nil {
		return nil, err
	}
	s := &slot{
		index: index, classifier: c, large: len(c.Rules) > chunkRules,
		identities: make(map[vpc.Identity]*identityVector),
	}
	for g := range c.PeerGroups() {
		if d.about[g] == nil {
			d.about[g] = make(map[*slot]bool)
		}
		d.about[g][s] = true
	}
	if err := d.write(s); err != nil {
		return nil, errors.Join(fmt.Errorf("install %d rules: %w", len(c.Rules), err), d.remove(s))
	}
	return s, nil
}

func (d *Dataplane) write(s *slot) error {
	if err := d.writeRules(s); err != nil {
		return err
	}
	c := s.classifier
	if err := d.writeL4(s); err != nil {
		return err
	}
	if err := d.writeCIDRs(s); err != nil {
		return err
	}
	for id, v := range c.Identities {
		if err := d.putIdentity(s, id, v); err != nil {
			return err
		}
	}
	return d.writeHead(s)
}

func (d *Dataplane) writeL4(s *slot) error {
	var vectors []kernelVector
	for p, v := range s.classifier.L4 {
		kv, err := d.ownVector(s, v)
		if err != nil {
			return err
		}
		s.l4 = append(s.l4, toL4Key(s.index, p))
		vectors = append(vectors, kv)
	}
	return putAll(d.objects.L4, s.l4, vectors)
}

func (d *Dataplane) writeCIDRs(s *slot) error {
	blocks := s.classifier.CIDRs
	var vectors []kernelVector
	add := func(p netip.Prefix, v policy.Vector) error {
		s.cidrs = append(s.cidrs, toCIDRKey(s.index, p))
		kv, err := d.ownVector(s, v)
		vectors = append(vectors, kv)
		return err
	}
	aroundIPv4 := false
	for p, v := range blocks {
		if err := add(p, v); err != nil {
			return err
		}
		aroundIPv4 = aroundIPv4 || isAroundIPv4(p)
	}
	if aroundIPv4 { // such an IPv6 block must not catch IPv4 addresses in their mapped form
		if err := add(netip.MustParsePrefix("0.0.0.0/0"), s.classifier.Any[0]); err != nil {
			return err
		}
	}
	return putAll(d.objects.Cidrs, s.cidrs, vectors)
}

func (d *Dataplane) writeHead(s *slot) error {
	c := s.classifier
	head := kernelSlot{RuleBase: s.numbers.base, RuleCount: uint32(len(s.rules))}
	set := func(flag kernelSlotFlags, on bool) {
		if on {
			head.Flags |= uint32(flag)
		}
	}
	set(kernelSlotFlagsSLOT_CIDRS, len(s.cidrs) > 0)
	set(kernelSlotFlagsSLOT_GROUPS, c.HasGroups())
	set(kernelSlotFlagsSLOT_LARGE, s.large)
	set(kernelSlotFlagsSLOT_ACL, !c.Deny.Empty())
	set(kernelSlotFlagsSLOT_ALL_TCP4, c.AllPorts[policy.Openness{Proto: vpc.TCP, IPv4: true}])
	set(kernelSlotFlagsSLOT_ALL_TCP6, c.AllPorts[policy.Openness{Proto: vpc.TCP}])
	set(kernelSlotFlagsSLOT_ALL_UDP4, c.AllPorts[policy.Openness{Proto: vpc.UDP, IPv4: true}])
	set(kernelSlotFlagsSLOT_ALL_UDP6, c.AllPorts[policy.Openness{Proto: vpc.UDP}])
	for i, ipv4 := range []bool{true, false} {
		head.Tcp[i] = toStretch(c.Stretches, policy.Openness{Proto: vpc.TCP, IPv4: ipv4})
		head.Udp[i] = toStretch(c.Stretches, policy.Openness{Proto: vpc.UDP, IPv4: ipv4})
		v, err := d.ownVector(s, c.Any[i])
		if err != nil {
			return err
		}
		head.Any[i] = v
	}
	deny, err := d.ownVector(s, c.Deny)
	if err != nil {
		return err
	}
	head.Deny = deny
	return putAll(d.objects.Slots, []uint32{s.index}, []kernelSlot{head})
}

// writeRules gives the slot's rules their host-wide numbers.
func (d *Dataplane) writeRules(s *slot) error {
	all := s.classifier.Rules
	base, err := d.ruleRanges.take(len(all))
	if err != nil {
		return err
	}
	s.numbers = &stretch{base, len(all)}
	for i, id := range all {
		number, err := d.ruleIndexes.use(id)
		if err != nil {
			return err
		}
		s.rules = append(s.rules, id)
		d.tables.ruleNumbers.at(base + uint32(i)).Number = number
	}
	return nil
}

// ownVector gives v the form of its slot, which keeps it to its end.
func (d *Dataplane) ownVector(s *slot, v policy.Vector) (kernelVector, error) {
	kv, chunks, err := d.vector(s, v)
	if err == nil && s.large {
		s.chunks = append(s.chunks, chunks)
	}
	return kv, err
}

// vector gives v the form of its slot: the bits themselves, or, in a large
// slot, where to find the chunks that have any.
func (d *Dataplane) vector(s *slot, v policy.Vector) (kernelVector, stretch, error) {
	var kv kernelVector
	if !s.large {
		copy(kv.Word[:], v)
		return kv, stretch{}, nil
	}
	var filled []kernelVector
	for chunk := 0; chunk*chunkWords < len(v); chunk++ {
		words := v[chunk*chunkWords : min(len(v), (chunk+1)*chunkWords)]
		if words.Empty() {
			continue
		}
		var bits kernelVector
		copy(bits.Word[:], words)
		kv.Word[chunk/64] |= 1 << (chunk % 64)
		filled = append(filled, bits)
	}
	base, err := d.chunkRanges.take(len(filled))
	if err != nil {
		return kv, stretch{}, fmt.Errorf("chunks of rules: %w", err)
	}
	kv.Word[2] = uint64(base)
	for i := range filled {
		*d.tables.chunks.at(base + uint32(i)) = filled[i]
	}
	return kv, stretch{base, len(filled)}, nil
}

// slotsAbout are the slots with rules about some group of a set. Those that are
// retired and not yet removed are among them: a packet may still look at one.
func (d *Dataplane) slotsAbout(set *policy.Set) iter.Seq[*slot] {
	return func(yield func(*slot) bool) {
		seen := make(map[*slot]bool)
		for _, g := range set.Groups {
			for s := range d.about[g] {
				if seen[s] {
					continue
				}
				if seen[s] = true; !yield(s) {
					return
				}
			}
		}
	}
}

// putIdentity tells a slot which of its rules are about an identity.
func (d *Dataplane) putIdentity(s *slot, id vpc.Identity, v policy.Vector) error {
	kv, chunks, err := d.vector(s, v)
	if err != nil {
		return err
	}
	known := &identityVector{chunks}
	key := kernelIdentityKey{Slot: s.index, Identity: uint32(id)}
	if err := putAll(d.objects.Identities, []kernelIdentityKey{key}, []kernelVector{kv}); err != nil {
		d.freeChunks(s, known)
		return err
	}
	s.identities[id] = known
	return nil
}

// dropIdentity is called when no program can be looking at the identity.
func (d *Dataplane) dropIdentity(s *slot, id vpc.Identity) error {
	known := s.identities[id]
	if known == nil {
		return nil
	}
	key := kernelIdentityKey{Slot: s.index, Identity: uint32(id)}
	if err := deleteAll(d.objects.Identities, []kernelIdentityKey{key}); err != nil {
		return err
	}
	d.freeChunks(s, known)
	delete(s.identities, id)
	return nil
}

func (d *Dataplane) freeChunks(s *slot, v *identityVector) {
	if s.large {
		d.chunkRanges.give(v.chunks.base, v.chunks.length)
	}
}

// remove takes a slot's entries out of the kernel and gives its index back.
// Programs that are still looking at it see a slot without rules.
func (d *Dataplane) remove(s *slot) error {
	if s == nil {
		return nil
	}
	var identities []kernelIdentityKey
	for id := range s.identities {
		identities = append(identities, kernelIdentityKey{Slot: s.index, Identity: uint32(id)})
	}
	closed := kernelSlot{}
	for _, err := range []error{
		putAll(d.objects.Slots, []uint32{s.index}, []kernelSlot{closed}),
		deleteAll(d.objects.Identities, identities),
		deleteAll(d.objects.Cidrs, s.cidrs),
		deleteAll(d.objects.L4, s.l4),
	} {
		if err != nil {
			return err
		}
	}
	for g := range s.classifier.PeerGroups() {
		if delete(d.about[g], s); len(d.about[g]) == 0 {
			delete(d.about, g)
		}
	}
	for _, id := range s.rules {
		d.ruleIndexes.release(id)
	}
	for _, c := range s.chunks {
		d.chunkRanges.give(c.base, c.length)
	}
	for _, v := range s.identities {
		d.freeChunks(s, v)
	}
	if s.numbers != nil {
		d.ruleRanges.give(s.numbers.base, s.numbers.length)
	}
	d.slotIndexes.give(s.index, time.Now())
	return nil
}
