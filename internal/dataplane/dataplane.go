package dataplane

import (
	"errors"
	"fmt"
	"os"
	"sync"
	"time"

	"github.com/cilium/ebpf"
	"github.com/cilium/ebpf/features"
	"github.com/cilium/ebpf/rlimit"

	"ringfence/internal/policy"
	"ringfence/internal/vpc"
)

// DefaultMaxFlows is how many flows a host remembers at once, about 200 bytes
// each.
const DefaultMaxFlows = 1 << 18

// DefaultEventsPerSecond is how many events of one reason at one interface are
// told on each CPU; all are counted.
const DefaultEventsPerSecond = 100

// Options of Open. The zero value is good for a test.
type Options struct {
	// Pins is a directory in a BPF file system that everything is pinned to,
	// so that it outlives the process. "" pins nothing.
	Pins string

	// Filter attaches a program to a link by a clsact filter and returns what
	// detaches it. It is used where the kernel has no TCX links (before 6.6),
	// and everywhere if ForceFilters is set.
	Filter       func(ifindex int, ingress bool, program int) (detach func() error, err error)
	ForceFilters bool

	MaxFlows        int // 0: DefaultMaxFlows
	HalfOpen        int // unanswered flows of one interface; 0: a sixteenth of MaxFlows
	EventsPerSecond int // 0: DefaultEventsPerSecond
	Revoke          policy.Revocation

	// mapSizes are of maps that a test wants to fill.
	mapSizes map[string]uint32

	// Step, if not nil, is called between any two changes of the kernel's
	// state that Apply, Connect and Disconnect make. Tests look at what
	// packets meet there.
	Step func()
}

// A Dataplane is the kernel's side of a policy.Host. It is safe for concurrent
// use.
type Dataplane struct {
	options Options
	objects kernelObjects
	asking  kernelPrograms // change nothing
	control *shared[kernelControl]
	ports   *shared[kernelPort]
	sets    *shared[kernelJudges]
	subnets *shared[kernelJudges]

	budgets    *shared[kernelBudget]
	collection *shared[kernelCollection]

	slotIndexes   *allocator
	setIndexes    *allocator
	subnetIndexes *allocator
	ruleIndexes   *ruleIndex
	ruleRanges    *ranges
	ruleNumbers   *shared[kernelRuleNumber]
	chunkRanges   *ranges
	chunks        *shared[kernelVector]
	lastVersion   uint32

	setOf    map[vpc.Identity]*judgeSet
	aclOf    map[vpc.SubnetNumber]*judgeSet
	attached map[policy.Port]*attachment

	retired []retirement                 // the oldest first
	leaving map[vpc.Identity]*policy.Set // that nobody has any more, see forget

	mu sync.Mutex // every exported method holds it
}

// A judgeSet is a set of groups, or an ACL, that some port is judged by.
type judgeSet struct {
	index           uint32
	ingress, egress *slot // nil: the open slot
	users           int
}

// An attachment is what has been done to a host-side link.
type attachment struct {
	port   policy.Port
	plug   policy.Plug
	iface  *vpc.NetworkInterface // nil for an outside host
	number uint32
	set    *judgeSet
	acl    *judgeSet
	closer func() error // detaches the programs
}

// Open loads the programs and makes the maps, or adopts those that an earlier
// process has pinned.
func Open(o Options) (*Dataplane, error) {
	if err := Probe(); err != nil {
		return nil, err
	}
	if err := rlimit.RemoveMemlock(); err != nil {
		return nil, fmt.Errorf("raise limit of locked memory: %w", err)
	}
	spec, err := loadKernel()
	if err != nil {
		return nil, fmt.Errorf("read programs: %w", err)
	}
	if o.MaxFlows == 0 {
		o.MaxFlows = DefaultMaxFlows
	}
	if o.HalfOpen == 0 {
		o.HalfOpen = o.MaxFlows / 16
	}
	if o.EventsPerSecond == 0 {
		o.EventsPerSecond = DefaultEventsPerSecond
	}
	spec.Maps["flows"].MaxEntries = uint32(o.MaxFlows)
	for name, size := range o.mapSizes {
		spec.Maps[name].MaxEntries = size
	}
	var load ebpf.CollectionOptions
	if o.Pins == "" {
		for _, m := range spec.Maps {
			m.Pinning = ebpf.PinNone
		}
	} else {
		if err := os.MkdirAll(o.Pins, 0o700); err != nil {
			return nil, fmt.Errorf("make directory for pins: %w", err)
		}
		load.Maps.PinPath = o.Pins
	}
	d := &Dataplane{
		options:  o,
		setOf:    make(map[vpc.Identity]*judgeSet),
		aclOf:    make(map[vpc.SubnetNumber]*judgeSet),
		attached: make(map[policy.Port]*attachment),
		leaving:  make(map[vpc.Identity]*policy.Set),
	}
	if err := spec.LoadAndAssign(&d.objects, &load); err != nil {
		if errors.Is(err, ebpf.ErrMapIncompatible) {
			return nil, fmt.Errorf("what an earlier daemon has pinned is of another version or size (--max-flows): run ringfenced clean first: %w", err)
		}
		return nil, fmt.Errorf("load programs: %w", err)
	}
	if err := d.loadAsking(); err != nil {
		return nil, errors.Join(err, d.Close())
	}
	if err := d.prepare(); err != nil {
		return nil, errors.Join(err, d.Close())
	}
	return d, nil
}

// loadAsking loads the copy of the programs that only answers questions.
func (d *Dataplane) loadAsking() error {
	spec, err := loadKernel()
	if err != nil {
		return fmt.Errorf("read programs: %w", err)
	}
	if err := spec.Variables["only_asks"].Set(true); err != nil {
		return fmt.Errorf("set up programs that answer questions: %w", err)
	}
	maps := make(map[string]*ebpf.Map)
	for _, m := range spec.Maps {
		m.Pinning = ebpf.PinNone
	}
	spec.Maps["flows"].MaxEntries = d.objects.Flows.MaxEntries()
	o := &d.objects
	for _, m := range []struct {
		name string
		m    *ebpf.Map
	}{
		{"ports", o.Ports}, {"locations", o.Locations}, {"sets", o.Sets}, {"subnets", o.Subnets}, {"slots", o.Slots},
		{"identities", o.Identities}, {"cidrs", o.Cidrs}, {"l4", o.L4}, {"chunks", o.Chunks}, {"rule_numbers", o.RuleNumbers},
		{"rule_names", o.RuleNames}, {"flows", o.Flows}, {"seeds", o.Seeds}, {"budgets", o.Budgets}, {"pending", o.Pending}, {"collection", o.Collection}, {"hits", o.Hits},
		{"drops", o.Drops}, {"events", o.Events}, {"control", o.Control}, {"scratch", o.Scratch},
	} {
		maps[m.name] = m.m
		spec.Maps[m.name].MaxEntries = m.m.MaxEntries()
	}
	if err := spec.LoadAndAssign(&d.asking, &ebpf.CollectionOptions{MapReplacements: maps}); err != nil {
		return fmt.Errorf("load programs that answer questions: %w", err)
	}
	return nil
}

// Probe says what the kernel lacks, if anything.
func Probe() error {
	for _, m := range []struct {
		typ  ebpf.MapType
		name string
	}{{ebpf.RingBuf, "BPF ring buffers"}, {ebpf.LPMTrie, "BPF prefix tries"}} {
		if err := features.HaveMapType(m.typ); errors.Is(err, ebpf.ErrNotSupported) {
			return fmt.Errorf("the kernel has no %s: ringfence needs Linux 5.15 or newer", m.name)
		} else if err != nil {
			return fmt.Errorf("probe the kernel for %s (are you root?): %w", m.name, err)
		}
	}
	return nil
}

// prepare maps shared memory and sets up what is always there.
func (d *Dataplane) prepare() error {
	var err error
	if d.control, err = share[kernelControl](d.objects.Control); err != nil {
		return err
	}
	if d.ports, err = share[kernelPort](d.objects.Ports); err != nil {
		return err
	}
	if d.sets, err = share[kernelJudges](d.objects.Sets); err != nil {
		return err
	}
	if d.subnets, err = share[kernelJudges](d.objects.Subnets); err != nil {
		return err
	}
	if d.budgets, err = share[kernelBudget](d.objects.Budgets); err != nil {
		return err
	}
	if d.collection, err = share[kernelCollection](d.objects.Collection); err != nil {
		return err
	}
	if d.ruleNumbers, err = share[kernelRuleNumber](d.objects.RuleNumbers); err != nil {
		return err
	}
	if d.chunks, err = share[kernelVector](d.objects.Chunks); err != nil {
		return err
	}
	d.slotIndexes = newAllocator("slots", firstSlot, d.objects.Slots.MaxEntries(), 0)
	d.setIndexes = newAllocator("sets of groups", 1, d.sets.len(), time.Second)
	d.subnetIndexes = newAllocator("subnets", 1, d.subnets.len(), time.Second)
	d.ruleIndexes = newRuleIndex(d.objects.RuleNames, d.objects.Hits)
	open := kernelSlot{Flags: uint32(kernelSlotFlagsSLOT_OPEN)}
	if err := putAll(d.objects.Slots, []uint32{openSlot}, []kernelSlot{open}); err != nil {
		return err
	}
	c := d.control.at(0)
	if c.Hz, err = tickRate(); err != nil {
		return err
	}
	c.HalfOpenLimit = uint32(d.options.HalfOpen)
	c.EventsPerSecond = uint32(d.options.EventsPerSecond)
	c.Strict = 0
	if d.options.Revoke == policy.RevokeStrict {
		c.Strict = 1
	}
	if c.ClockMask == 0 && c.ClockOffset == 0 {
		c.ClockMask = ^uint64(0)
	}
	return d.adopt()
}

// Close lets go of the kernel's objects. What is pinned goes on; what is not
// is gone with the last link.
func (d *Dataplane) Close() error {
	d.mu.Lock()
	defer d.mu.Unlock()
	var errs []error
	if d.options.Pins == "" {
		for _, a := range d.attached {
			if a.closer != nil {
				errs = append(errs, a.closer())
			}
		}
	}
	return errors.Join(append(errs, d.control.close(), d.ports.close(), d.sets.close(), d.subnets.close(), d.collection.close(), d.budgets.close(), d.ruleNumbers.close(), d.chunks.close(),
		d.asking.Close(), d.objects.Close())...)
}
