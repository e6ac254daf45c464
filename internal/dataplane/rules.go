package dataplane

import (
	"fmt"
	"time"

	"github.com/cilium/ebpf"

	"ringfence/internal/vpc"
)

// A ruleIndex numbers rules host-wide, for counters, events and flows. A rule
// keeps its number through all slots it is in, for a while after the last, since
// it may come back, and for as long as flows that it admitted outlive it.
type ruleIndex struct {
	names   *ebpf.Map
	hits    *ebpf.Map
	indexes *allocator
	byID    map[vpc.RuleID]*usedRule
	byIndex map[uint32]vpc.RuleID // byID turned round
}

type usedRule struct {
	index uint32
	slots int // 0: the index rests
}

// ruleRest is how long the number of a rule that is gone still names it.
const ruleRest = 10 * time.Minute

func newRuleIndex(names, hits *ebpf.Map) *ruleIndex {
	indexes := newAllocator("rule numbers", 1, names.MaxEntries(), ruleRest)
	indexes.hurries = true // a wrong name for an old flow is better than no rule
	return &ruleIndex{
		names:   names,
		hits:    hits,
		indexes: indexes,
		byID:    make(map[vpc.RuleID]*usedRule),
		byIndex: make(map[uint32]vpc.RuleID),
	}
}

// use returns the number of a rule that a slot is to have.
func (r *ruleIndex) use(id vpc.RuleID) (uint32, error) {
	if u := r.byID[id]; u != nil {
		if u.slots++; u.slots == 1 {
			r.indexes.keep(u.index)
		}
		return u.index, nil
	}
	name, ok := toRuleName(id)
	if !ok {
		return 0, fmt.Errorf("rule id %q is longer than %d bytes", id, len(name.Text))
	}
	index, err := r.indexes.take(time.Now())
	if err != nil {
		return 0, err
	}
	if err := r.name(index, name); err != nil {
		r.indexes.give(index, time.Now())
		return 0, fmt.Errorf("number rule %s: %w", id, err)
	}
	delete(r.byID, r.byIndex[index])
	r.byID[id], r.byIndex[index] = &usedRule{index, 1}, id
	return index, nil
}

// name gives a number to a rule, which has admitted nothing yet.
func (r *ruleIndex) name(index uint32, name kernelRuleName) error {
	none := make([]uint64, ebpf.MustPossibleCPU())
	if err := r.hits.Put(&index, none); err != nil {
		return fmt.Errorf("reset its counter: %w", err)
	}
	if err := r.names.Put(&index, &name); err != nil {
		return fmt.Errorf("put its name: %w", err)
	}
	return nil
}

// release says that a slot no longer has the rule.
func (r *ruleIndex) release(id vpc.RuleID) {
	u := r.byID[id]
	if u.slots--; u.slots == 0 {
		r.indexes.give(u.index, time.Now())
	}
}

// rule returns the rule of a number, "" for 0 and for numbers nobody knows.
func (r *ruleIndex) rule(index uint32) vpc.RuleID { return r.byIndex[index] }

// adopt takes over the numbers that an earlier process gave.
func (r *ruleIndex) adopt() error {
	var index uint32
	var name kernelRuleName
	entries := r.names.Iterate()
	for entries.Next(&index, &name) {
		id := fromRuleName(name)
		r.byIndex[index] = id
		r.byID[id] = &usedRule{index: index}
		r.indexes.keep(index)
	}
	if err := entries.Err(); err != nil {
		return fmt.Errorf("read rule names: %w", err)
	}
	return nil
}

// sweep lets the numbers rest of rules that no slot has.
func (r *ruleIndex) sweep() {
	for _, u := range r.byID {
		if u.slots == 0 {
			r.indexes.give(u.index, time.Now())
		}
	}
}
