package dataplane

import (
	"errors"
	"fmt"
	"net/netip"
	"slices"
	"sync/atomic"
	"time"

	"github.com/cilium/ebpf"
	"golang.org/x/sys/unix"

	"ringfence/internal/vpc"
)

// A Flow is a conversation that the kernel remembers.
type Flow struct {
	Network vpc.NetworkNumber
	Proto   vpc.Proto

	// Client has sent the first packet. For ICMP its port is the identifier,
	// the server's is type and code.
	Client, Server netip.AddrPort

	// The interfaces of both, 0 on the internet side, and the rules that
	// admitted the flow there.
	ClientInterface, ServerInterface vpc.InterfaceNumber
	ClientRule, ServerRule           vpc.RuleID

	Answered  bool // the server has sent a packet
	Cut       bool // a revocation has ended it, and it stays so
	Lingering bool // it goes on although a rule that admitted it is gone

	ClientBytes, ServerBytes     uint64
	ClientPackets, ServerPackets uint32

	// Idle is the time since its last packet, to a tick of the kernel's clock.
	Idle time.Duration
}

// collectChunk is how many flows are looked at in one call: more would keep
// packets waiting.
const collectChunk = 4096

// Flows calls yield for each flow, those included that have expired and wait
// to be collected, until it returns false.
func (d *Dataplane) Flows(yield func(Flow) bool) error {
	now, err := d.now()
	if err != nil {
		return err
	}
	return d.scan(func(keys []kernelFlowKey, flows []kernelFlow) (bool, error) {
		for i := range keys {
			if !yield(d.flow(&keys[i], &flows[i], now)) {
				return false, nil
			}
		}
		return true, nil
	})
}

// Collect forgets flows that have expired and returns how many are left and
// how many went. It also counts anew how many are unanswered at each interface,
// which the programs know only roughly.
func (d *Dataplane) Collect() (live, gone int, err error) {
	now, err := d.now()
	if err != nil {
		return 0, 0, err
	}
	halfOpen := make([]uint32, d.tables.budgets.len())
	err = d.scan(func(keys []kernelFlowKey, flows []kernelFlow) (bool, error) {
		live += len(keys)
		var old []kernelFlowKey
		for i := range keys {
			if port := flows[i].chargedTo(); port < d.tables.budgets.len() {
				halfOpen[port]++
			}
			if d.idle(&flows[i], now) > shortestTimeout {
				old = append(old, keys[i])
			}
		}
		n, err := d.collect(old)
		live, gone = live-n, gone+n
		return true, err
	})
	if err != nil {
		return 0, 0, err
	}
	for port, n := range halfOpen {
		atomic.StoreUint32(&d.tables.budgets.at(uint32(port)).HalfOpen, n)
	}
	return live, gone, nil
}

// chargedTo is the port at which an unanswered flow counts, and no port for one
// that does not.
func (f *kernelFlow) chargedTo() uint32 {
	if f.Flags&uint32(kernelFlowFlagsFLOW_CONFIRMED|kernelFlowFlagsFLOW_PENDING) != 0 {
		return ^uint32(0)
	}
	if o := f.End[f.Opener&1]; o.Number != 0 {
		return o.Ifindex
	}
	return f.End[1-f.Opener&1].Ifindex
}

// shortestTimeout is that of a UDP packet without an answer; the program knows
// the others.
const shortestTimeout = 30 * time.Second

// collect lets the program look at flows that may have expired.
func (d *Dataplane) collect(keys []kernelFlowKey) (gone int, err error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	c := d.tables.collection.at(0)
	for some := range slices.Chunk(keys, len(c.Key)) {
		c.Count, c.Deleted = uint32(copy(c.Key[:], some)), 0
		if _, err := d.objects.Collect.Run(&ebpf.RunOptions{}); err != nil {
			return gone, fmt.Errorf("collect flows: %w", err)
		}
		gone += int(c.Deleted)
	}
	return gone, nil
}

// scan reads all flows in chunks.
func (d *Dataplane) scan(look func([]kernelFlowKey, []kernelFlow) (bool, error)) error {
	keys, flows := make([]kernelFlowKey, collectChunk), make([]kernelFlow, collectChunk)
	var cursor ebpf.MapBatchCursor
	for {
		n, err := d.objects.Flows.BatchLookup(&cursor, keys, flows, nil)
		last := errors.Is(err, ebpf.ErrKeyNotExist)
		if err != nil && !last {
			return fmt.Errorf("read flows: %w", err)
		}
		if more, err := look(keys[:n], flows[:n]); err != nil || !more || last {
			return err
		}
	}
}

func (d *Dataplane) flow(k *kernelFlowKey, f *kernelFlow, now uint32) Flow {
	d.mu.Lock()
	defer d.mu.Unlock()
	client := int(f.Opener & 1)
	server := 1 - client
	end := func(i int) netip.AddrPort {
		return netip.AddrPortFrom(fromAddr(k.Addr[i]), swap16(k.Port[i]))
	}
	has := func(flag kernelFlowFlags) bool { return f.Flags&uint32(flag) != 0 }
	return Flow{
		Network: vpc.NetworkNumber(k.NetworkProto >> 8), Proto: vpc.Proto(k.NetworkProto & 0xff),
		Client: end(client), Server: end(server),
		ClientInterface: vpc.InterfaceNumber(f.End[client].Number), ServerInterface: vpc.InterfaceNumber(f.End[server].Number),
		ClientRule: d.ruleIndexes.rule(f.End[client].Rule), ServerRule: d.ruleIndexes.rule(f.End[server].Rule),
		Answered: has(kernelFlowFlagsFLOW_CONFIRMED), Cut: has(kernelFlowFlagsFLOW_CUT), Lingering: has(kernelFlowFlagsFLOW_LINGERS),
		ClientBytes: f.End[client].Bytes, ServerBytes: f.End[server].Bytes,
		ClientPackets: f.End[client].Packets, ServerPackets: f.End[server].Packets,
		Idle: d.idle(f, now),
	}
}

// idle is the same as in bpf/flow.h.
func (d *Dataplane) idle(f *kernelFlow, now uint32) time.Duration {
	since := func(last uint32) uint32 {
		if ticks := now - last; int64(ticks) <= 1<<32-clockSkew {
			return ticks
		}
		return 0
	}
	ticks := min(since(f.End[0].Last), since(f.End[1].Last))
	return time.Duration(ticks) * time.Second / time.Duration(d.tables.control.at(0).Hz)
}

// clockSkew is CLOCK_SKEW in bpf/flow.h.
const clockSkew = 10000

// now is the programs' clock, in ticks.
func (d *Dataplane) now() (uint32, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.tables.collection.at(0).Count = 0
	if _, err := d.objects.Collect.Run(&ebpf.RunOptions{}); err != nil {
		return 0, fmt.Errorf("read clock: %w", err)
	}
	return d.tables.collection.at(0).Now, nil
}

// tickRate is how often the kernel's clock ticks in a second. The coarse
// clocks advance by one tick (clock_getres(2)).
func tickRate() (uint32, error) {
	var tick unix.Timespec
	if err := unix.ClockGetres(unix.CLOCK_MONOTONIC_COARSE, &tick); err != nil {
		return 0, fmt.Errorf("ask for length of a tick: %w", err)
	}
	return uint32((time.Second + time.Duration(tick.Nano())/2) / time.Duration(tick.Nano())), nil
}
