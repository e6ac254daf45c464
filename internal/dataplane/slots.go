package dataplane

import (
	"errors"
	"fmt"
	"iter"
	"net/netip"
	"slices"
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
	chunks     []stretch // in the map of chunks, those of identities apart

	// A small slot has entries of its own in the tries, a large one parts.
	cidrs    []kernelCidrKey
	l4       []kernelL4Key
	division *division
	parts    *stretch // in the map of parts; nil: none yet
}

// An identityVector is what a slot knows of an identity. It never changes.
type identityVector struct{ chunks stretch }

// install writes a classifier under a slot of its own, which is to take the place
// of another, or of none. Nothing uses it until it is published. No classifier
// needs no slot. Where many changes in a row have left no room for large slots, it
// waits for what they have retired.
func (d *Dataplane) install(c *policy.Classifier, before *slot) (*slot, error) {
	if c == nil {
		return nil, nil
	}
	s, err := d.tryInstall(c, before)
	for errors.Is(err, errNoRoom) && len(d.retired) > 0 {
		if err := d.awaitOldest(); err != nil {
			return nil, err
		}
		s, err = d.tryInstall(c, before)
	}
	return s, err
}

func (d *Dataplane) tryInstall(c *policy.Classifier, before *slot) (*slot, error) {
	if len(c.Rules) > chunkRules*maxChunks {
		return nil, fmt.Errorf("%d rules for one network interface are more than %d", len(c.Rules), chunkRules*maxChunks)
	}
	index, err := d.slotIndexes.take(time.Now())
	if err != nil {
		return nil, err
	}
	s := &slot{
		index: index, classifier: c, large: len(c.Rules) >= d.options.LargeFrom,
		identities: make(map[vpc.Identity]*identityVector),
	}
	for g := range c.PeerGroups() {
		if d.about[g] == nil {
			d.about[g] = make(map[*slot]bool)
		}
		d.about[g][s] = true
	}
	if err := d.write(s, before); err != nil {
		return nil, errors.Join(fmt.Errorf("install %d rules: %w", len(c.Rules), err), d.remove(s))
	}
	return s, nil
}

func (d *Dataplane) write(s, before *slot) error {
	if err := d.writeRules(s); err != nil {
		return err
	}
	if err := d.writeTries(s, before); err != nil {
		return err
	}
	for id, v := range s.classifier.Identities {
		if err := d.putIdentity(s, id, v); err != nil {
			return err
		}
	}
	return d.writeHead(s)
}

// writeTries writes which rules are about protocols and ports, and which about
// blocks of addresses.
func (d *Dataplane) writeTries(s, before *slot) error {
	if s.large {
		return d.writeParts(s, before)
	}
	cidrs := cidrEntries(s.classifier)
	if slices.ContainsFunc(s.classifier.CIDRs, func(e policy.Entry[netip.Prefix]) bool { return isAroundIPv4(e.Prefix) }) {
		// Such an IPv6 block must not catch IPv4 addresses in their mapped form.
		cidrs = append(cidrs, everybody(s.classifier)[0])
	}
	var rules []kernelVector
	s.l4, rules = ownEntries(s, l4Entries(s.classifier))
	if err := putAll(d.objects.L4, s.l4, rules); err != nil {
		return err
	}
	s.cidrs, rules = ownEntries(s, cidrs)
	return putAll(d.objects.Cidrs, s.cidrs, rules)
}

// An entry of a trie says which rules are about its key.
type entry[K any] struct {
	key   K // in division 0
	rules policy.Vector
}

func l4Entries(c *policy.Classifier) []entry[kernelL4Key] {
	entries := make([]entry[kernelL4Key], len(c.L4))
	for i, e := range c.L4 {
		entries[i] = entry[kernelL4Key]{toL4Key(e.Prefix), e.Rules}
	}
	return entries
}

func cidrEntries(c *policy.Classifier) []entry[kernelCidrKey] {
	entries := make([]entry[kernelCidrKey], len(c.CIDRs))
	for i, e := range c.CIDRs {
		entries[i] = entry[kernelCidrKey]{toCIDRKey(e.Prefix), e.Rules}
	}
	return entries
}

// everybody are the entries of all addresses, of IPv4 and of IPv6.
func everybody(c *policy.Classifier) []entry[kernelCidrKey] {
	return []entry[kernelCidrKey]{{toCIDRKey(allIPv4), c.Any[0]}, {toCIDRKey(allIPv6), c.Any[1]}}
}

// ownEntries are the keys and values of a small slot's entries.
func ownEntries[K trieKey[K]](s *slot, entries []entry[K]) (keys []K, values []kernelVector) {
	for _, e := range entries {
		keys, values = append(keys, e.key.in(s.index)), append(values, toVector(e.rules))
	}
	return keys, values
}

func (d *Dataplane) writeHead(s *slot) error {
	c := s.classifier
	head := kernelSlot{RuleBase: s.numbers.base, RuleCount: uint32(len(s.rules)), Division: s.index}
	if s.large {
		head.Division, head.PartBase, head.PartCount = s.division.number, s.parts.base, uint32(s.parts.length)
	}
	set := func(flag kernelSlotFlags, on bool) {
		if on {
			head.Flags |= uint32(flag)
		}
	}
	set(kernelSlotFlagsSLOT_CIDRS, len(c.CIDRs) > 0)
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
	if !s.large {
		return toVector(v), stretch{}, nil
	}
	var chunks []kernelVector
	summary := summarize(v, &chunks)
	base, err := d.putChunks(chunks)
	if err != nil {
		return kernelVector{}, stretch{}, err
	}
	summary.Word[2] = uint64(base)
	var kv kernelVector
	copy(kv.Word[:], summary.Word[:])
	return kv, stretch{base, len(chunks)}, nil
}

func toVector(v policy.Vector) (kv kernelVector) {
	copy(kv.Word[:], v)
	return kv
}

// summarize adds the chunks of v that have any bit to others, and says where
// they are among them.
func summarize(v policy.Vector, chunks *[]kernelVector) kernelSummary {
	summary := kernelSummary{Word: [3]uint64{2: uint64(len(*chunks))}}
	for chunk := 0; chunk*chunkWords < len(v); chunk++ {
		words := v[chunk*chunkWords : min(len(v), (chunk+1)*chunkWords)]
		if !words.Empty() {
			summary.Word[chunk/64] |= 1 << (chunk % 64)
			*chunks = append(*chunks, toVector(words))
		}
	}
	return summary
}

// putChunks writes chunks one after another and returns where they begin.
func (d *Dataplane) putChunks(chunks []kernelVector) (uint32, error) {
	base, err := d.chunkRanges.take(len(chunks))
	if err != nil {
		return 0, fmt.Errorf("chunks of rules: %w", err)
	}
	for i := range chunks {
		*d.tables.chunks.at(base + uint32(i)) = chunks[i]
	}
	return base, nil
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
	if s.division != nil {
		if err := d.leave(s); err != nil {
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
	if s.parts != nil {
		d.partRanges.give(s.parts.base, s.parts.length)
	}
	if s.numbers != nil {
		d.ruleRanges.give(s.numbers.base, s.numbers.length)
	}
	d.slotIndexes.give(s.index, time.Now())
	return nil
}
