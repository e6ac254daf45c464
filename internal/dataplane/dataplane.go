package dataplane

import (
	"errors"
	"fmt"
	"maps"
	"os"
	"strings"
	"sync"

	"github.com/cilium/ebpf"
	"github.com/cilium/ebpf/features"
	"github.com/cilium/ebpf/rlimit"

	"ringfence/internal/policy"
	"ringfence/internal/vpc"
)

// DefaultMaxFlows is how many flows a host remembers at once, about 250 bytes
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
	EventsPerSecond int // 0: DefaultEventsPerSecond; negative: none are told
	Revoke          policy.Revocation

	StrictICMPErrors bool // see policy.Host

	// LargeFrom is how many rules a set has at least for its entries of tries to
	// be shared with those before and after it. 0: more than fit one vector.
	// Tests share them however few there are.
	LargeFrom int

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
	maps    map[string]*ebpf.Map // of objects, by name
	tables  tables

	askMu  sync.Mutex
	asking *kernelPrograms // change nothing; nil before PrepareAsk

	sets        judgeTable
	subnets     judgeTable                     // their ACLs, and with them their routes
	about       map[vpc.GroupID]map[*slot]bool // slots by the groups that are peers there
	slotIndexes *allocator
	ruleIndexes *ruleIndex
	ruleRanges  *ranges
	partRanges  *ranges
	chunkRanges *ranges
	lastVersion uint32
	attached    map[policy.Port]*attachment
	connected   map[vpc.InterfaceID]*attachment // those of them with an interface behind

	retired []retirement                 // the oldest first
	leaving map[vpc.Identity]*policy.Set // that nobody has any more, see forget

	mu sync.Mutex // every exported method but PrepareAsk holds it
}

// An attachment is what has been done to a host-side link.
type attachment struct {
	port   policy.Port
	plug   policy.Plug
	iface  *vpc.NetworkInterface // nil for an outside host
	number uint32
	set    *judgeSet
	acl    *judgeSet
	places places       // that the kernel has
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
	if o.LargeFrom == 0 {
		o.LargeFrom = chunkRules + 1
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
		options:   o,
		attached:  make(map[policy.Port]*attachment),
		connected: make(map[vpc.InterfaceID]*attachment),
		leaving:   make(map[vpc.Identity]*policy.Set),
		about:     make(map[vpc.GroupID]map[*slot]bool),
	}
	if err := d.load(spec, load); err != nil {
		return nil, err
	}
	if err := d.prepare(); err != nil {
		return nil, errors.Join(err, d.Close())
	}
	return d, nil
}

func (d *Dataplane) load(spec *ebpf.CollectionSpec, options ebpf.CollectionOptions) error {
	loaded, err := ebpf.NewCollectionWithOptions(spec, options)
	if errors.Is(err, ebpf.ErrMapIncompatible) {
		return fmt.Errorf("what an earlier daemon has pinned is of another version or size (--max-flows): run ringfenced clean first: %w", err)
	}
	if err != nil {
		return fmt.Errorf("load programs: %w", err)
	}
	defer loaded.Close()
	d.maps = maps.Clone(loaded.Maps)
	if err := loaded.Assign(&d.objects); err != nil {
		return fmt.Errorf("take over programs: %w", err)
	}
	return nil
}

// PrepareAsk loads what Ask needs, the first time: the kernel takes a third of
// a second to verify it, in which nobody else has to wait.
func (d *Dataplane) PrepareAsk() error {
	d.askMu.Lock()
	defer d.askMu.Unlock()
	if d.asking != nil {
		return nil
	}
	spec, err := loadKernel()
	if err != nil {
		return fmt.Errorf("read programs: %w", err)
	}
	if err := spec.Variables["only_asks"].Set(true); err != nil {
		return fmt.Errorf("set up programs that answer questions: %w", err)
	}
	shared := make(map[string]*ebpf.Map)
	for name, m := range spec.Maps {
		m.Pinning = ebpf.PinNone
		if !strings.HasPrefix(name, ".") { // the programs' own constants
			shared[name] = d.maps[name]
			m.MaxEntries = d.maps[name].MaxEntries()
		}
	}
	asking := new(kernelPrograms)
	if err := spec.LoadAndAssign(asking, &ebpf.CollectionOptions{MapReplacements: shared}); err != nil {
		return fmt.Errorf("load programs that answer questions: %w", err)
	}
	d.asking = asking
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
	if err := d.tables.open(&d.objects.kernelMaps); err != nil {
		return err
	}
	d.sets, d.subnets = newJudgeTable("sets of groups", d.tables.sets), newJudgeTable("subnets", d.tables.subnets)
	d.slotIndexes = newAllocator("slots", firstSlot, d.objects.Slots.MaxEntries(), 0)
	d.ruleIndexes = newRuleIndex(d.objects.RuleNames, d.objects.Hits)
	open := kernelSlot{Flags: uint32(kernelSlotFlagsSLOT_OPEN)}
	if err := d.putRewriters(); err != nil {
		return err
	}
	if err := putAll(d.objects.Slots, []uint32{openSlot}, []kernelSlot{open}); err != nil {
		return err
	}
	c := d.tables.control.at(0)
	var err error
	if c.Hz, err = tickRate(); err != nil {
		return err
	}
	c.HalfOpenLimit = uint32(d.options.HalfOpen)
	c.EventsPerSecond = uint32(max(0, d.options.EventsPerSecond))
	c.Strict = 0
	if d.options.Revoke == policy.RevokeStrict {
		c.Strict |= uint32(kernelStrictnessSTRICT_REVOCATION)
	}
	if d.options.StrictICMPErrors {
		c.Strict |= uint32(kernelStrictnessSTRICT_ERRORS)
	}
	c.Watched = 0
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
	errs = append(errs, d.tables.close(), d.objects.Close())
	if d.asking != nil {
		errs = append(errs, d.asking.Close())
	}
	return errors.Join(errs...)
}
