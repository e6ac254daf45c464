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

	"ringfence/internal/policy"
	"ringfence/internal/vpc"
)

// A Flow is a connection that the kernel remembers, with what it has carried.
type Flow struct {
	policy.Connection

	ClientBytes, ServerBytes     uint64
	ClientPackets, ServerPackets uint32
}

// collectChunk is how many flows are looked at in one call: more would keep
// packets waiting.
const collectChunk = 4096

// Flows calls yield for each flow that has not expired, until it returns false.
func (d *Dataplane) Flows(yield func(*Flow) bool) error {
	now, err := d.now()
	if err != nil {
		return err
	}
	return d.scan(func(keys []kernelFlowKey, flows []kernelFlow) (bool, error) {
		for i := range keys {
			if f := d.flow(&keys[i], &flows[i], now); !f.Expired() && !yield(f) {
				return false, nil
			}
		}
		return true, nil
	})
}

// Cut cuts those flows for which which returns true, as if their rules were
// gone, and returns how many. It asks once about each flow that has not expired.
func (d *Dataplane) Cut(which func(*Flow) bool) (int, error) {
	now, err := d.now()
	if err != nil {
		return 0, err
	}
	n := 0
	err = d.scan(func(keys []kernelFlowKey, flows []kernelFlow) (bool, error) {
		var chosen []kernelFlowKey
		for i := range keys {
			if f := d.flow(&keys[i], &flows[i], now); !f.Expired() && which(f) {
				chosen = append(chosen, keys[i])
			}
		}
		err := d.runOn(d.objects.Cut, chosen, func(c *kernelCollection) { n += int(c.Cut) })
		if err != nil {
			err = fmt.Errorf("cut flows: %w", err)
		}
		return true, err
	})
	return n, err
}

// Collect forgets flows that have expired and returns how many are left and
// how many went. It also counts anew how many are unanswered at each interface,
// which the programs know only roughly, and keeps the rules' names that flows
// still need.
func (d *Dataplane) Collect() (live, gone int, err error) {
	now, err := d.now()
	if err != nil {
		return 0, 0, err
	}
	halfOpen := make([]uint32, d.tables.budgets.len())
	rules := make(map[uint32]bool)
	err = d.scan(func(keys []kernelFlowKey, flows []kernelFlow) (bool, error) {
		live += len(keys)
		var old []kernelFlowKey
		for i := range keys {
			if port := flows[i].chargedTo(); port < d.tables.budgets.len() {
				halfOpen[port]++
			}
			rules[flows[i].End[0].Rule], rules[flows[i].End[1].Rule] = true, true
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
	d.keepNames(rules)
	return live, gone, nil
}

// keepNames keeps the names of the rules that flows have the numbers of.
func (d *Dataplane) keepNames(rules map[uint32]bool) {
	d.mu.Lock()
	defer d.mu.Unlock()
	for index := range rules {
		d.ruleIndexes.indexes.prolong(index, time.Now())
	}
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
	err = d.runOn(d.objects.Collect, keys, func(c *kernelCollection) { gone += int(c.Deleted) })
	if err != nil {
		err = fmt.Errorf("collect flows: %w", err)
	}
	return gone, err
}

// runOn lets a program look at flows, as many at a time as it can, and calls
// done with what it tells of each time.
func (d *Dataplane) runOn(program *ebpf.Program, keys []kernelFlowKey, done func(*kernelCollection)) error {
	d.mu.Lock()
	defer d.mu.Unlock()
	c := d.tables.collection.at(0)
	for some := range slices.Chunk(keys, len(c.Key)) {
		c.Count, c.Deleted, c.Cut = uint32(copy(c.Key[:], some)), 0, 0
		if _, err := program.Run(&ebpf.RunOptions{}); err != nil {
			return err
		}
		done(c)
	}
	return nil
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

func (d *Dataplane) flow(k *kernelFlowKey, f *kernelFlow, now uint32) *Flow {
	d.mu.Lock()
	defer d.mu.Unlock()
	client := int(f.Opener & 1)
	server := 1 - client
	proto := vpc.Proto(k.NetworkProto & 0xff)
	end := func(i int) policy.Endpoint {
		return policy.Endpoint{
			Addr:      netip.AddrPortFrom(fromAddr(k.Addr[i]), swap16(k.Port[i])),
			Interface: vpc.InterfaceNumber(f.End[i].Number), Rule: d.ruleIndexes.rule(f.End[i].Rule),
			Tracked: f.has(kernelFlowFlagsFLOW_TRACKED << i),
		}
	}
	return &Flow{
		Connection: policy.Connection{
			Network: vpc.NetworkNumber(k.NetworkProto >> 8), Proto: proto, Client: end(client), Server: end(server),
			Answered: f.has(kernelFlowFlagsFLOW_CONFIRMED), Closing: f.closing(), Cut: f.has(kernelFlowFlagsFLOW_CUT),
			Idle: d.idle(f, now), Timeout: f.lifetime(proto),
		},
		ClientBytes: f.End[client].Bytes, ServerBytes: f.End[server].Bytes,
		ClientPackets: f.End[client].Packets, ServerPackets: f.End[server].Packets,
	}
}

func (f *kernelFlow) has(flag kernelFlowFlags) bool { return f.Flags&uint32(flag) != 0 }

// closing is true of TCP that has ended.
func (f *kernelFlow) closing() bool {
	return f.has(kernelFlowFlagsFLOW_RESET) || f.has(kernelFlowFlagsFLOW_FIN) && f.has(kernelFlowFlagsFLOW_FIN<<1)
}

// lifetime is timeout in bpf/flow.h.
func (f *kernelFlow) lifetime(proto vpc.Proto) time.Duration {
	idle := vpc.ConnectionTimeouts{TCPEstablished: int(f.Timeout), UDPStream: int(f.Timeout & 0xffff), UDP: int(f.Timeout >> 16)}
	return policy.Timeout(proto, f.has(kernelFlowFlagsFLOW_CONFIRMED), f.has(kernelFlowFlagsFLOW_STREAM), f.closing(), idle)
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
