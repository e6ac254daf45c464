package main

import (
	"context"
	"fmt"
	"net/netip"
	"os"
	"runtime"
	"time"

	"ringfence/bench/internal/procfs"
	"ringfence/bench/internal/result"
	"ringfence/bench/internal/testrun"
	"ringfence/internal/dataplane"
	"ringfence/internal/policy"
	"ringfence/internal/vpc"
)

// A growth is one thing of which there are more and more.
type growth struct {
	of    string // the rows' variant
	sizes []int
	run   func(b *testrun.Bench, size int) ([]result.Row, error)
}

const (
	fewRules    = 100     // where something else grows
	admitting   = 2       // rules that there are anyway
	allFlows    = 1 << 20 // that there is room for
	repetitions = 51      // of each figure
	byGrowth    = "_by_"  // between a measure's name and what grows
)

var growths = []growth{
	{"rules", []int{2, 10, 100, 500, 1000, 2000}, growRules},
	{"members", []int{1, 100, 1000, 10_000, 100_000}, growMembers},
	{"interfaces", []int{1, 10, 100, 1000}, growInterfaces},
	{"flows", []int{1, 1000, 10_000, 100_000, 1_000_000}, growFlows},
}

// grow measures what a packet and a change cost, and how much memory is needed,
// as rules, members of a group, interfaces on the host, and flows become more.
// The number of each is in the rows' place for rules.
func grow(ctx context.Context) ([]result.Row, error) {
	var rows []result.Row
	for _, g := range growths {
		for _, size := range g.sizes {
			if err := ctx.Err(); err != nil {
				return nil, err
			}
			fmt.Fprintf(os.Stderr, "    %d %s\n", size, g.of)
			rules, options := fewRules, dataplane.Options{}
			switch g.of {
			case "rules":
				rules = admitting
			case "flows":
				options.MaxFlows = allFlows
			}
			err := testrun.With(rules, options, func(b *testrun.Bench) error {
				more, err := g.run(b, size)
				for _, row := range more {
					row.Measure += byGrowth + g.of
					row.Variant, row.Rules = "ringfence", size
					rows = append(rows, row)
				}
				return err
			})
			if err != nil {
				return nil, fmt.Errorf("%d %s: %w", size, g.of, err)
			}
		}
	}
	return rows, nil
}

// sample takes a figure many times.
func sample(measure string, take func() (time.Duration, error)) (result.Row, error) {
	unit, name := time.Nanosecond, "ns"
	if measure == "change" {
		unit, name = time.Microsecond, "µs"
	}
	var samples []float64
	for range repetitions {
		took, err := take()
		if err != nil {
			return result.Row{}, err
		}
		samples = append(samples, float64(took)/float64(unit))
	}
	return result.Row{Measure: measure, Unit: name}.Sum(samples, nil), nil
}

// packets are the costs of a packet that a change of size could be felt by, and
// that of change.
func packets(b *testrun.Bench, change func(there bool) error) ([]result.Row, error) {
	var rows []result.Row
	for _, f := range []struct {
		measure string
		take    func() (time.Duration, error)
	}{
		{"established", b.Established},
		{"new", b.SYN},
	} {
		row, err := sample(f.measure, f.take)
		if err != nil {
			return nil, err
		}
		rows = append(rows, row)
	}
	row, err := costOf(change)
	return append(rows, row), err
}

// costOf is what a change costs, once the other way and back.
func costOf(change func(there bool) error) (result.Row, error) {
	there := false
	return sample("change", func() (time.Duration, error) {
		there = !there
		begin := time.Now()
		err := change(there)
		return time.Since(begin), err
	})
}

// oneRule is a change of one rule more than so many.
func oneRule(b *testrun.Bench, many int) func(there bool) error {
	extra := testrun.Rule(many)
	return func(there bool) error {
		if there {
			return b.Follow(&vpc.Feed{Rules: []*vpc.Rule{extra}})
		}
		return b.Follow(&vpc.Feed{GoneRules: []vpc.RuleID{extra.ID}})
	}
}

// growRules changes one rule of many.
func growRules(b *testrun.Bench, size int) ([]result.Row, error) {
	before := used()
	f := &vpc.Feed{}
	for i := range size - admitting {
		f.Rules = append(f.Rules, testrun.Rule(i))
	}
	if err := b.Follow(f); err != nil {
		return nil, err
	}
	each := memoryEach(before, size)
	rows, err := packets(b, oneRule(b, size))
	return append(rows, each...), err
}

// growMembers changes one member of a big group, the client's, on another host.
func growMembers(b *testrun.Bench, size int) ([]result.Row, error) {
	before := used()
	f := &vpc.Feed{}
	for i := range size {
		id := vpc.InterfaceID(fmt.Sprintf("eni-m%06d", i))
		f.Interfaces = append(f.Interfaces, testrun.Interface(id, 100+i, wideAddr(i), testrun.ClientGroup, 1))
	}
	if err := b.Follow(f); err != nil {
		return nil, err
	}
	each := memoryEach(before, size)
	one := testrun.Interface("eni-one", 99, wideAddr(size), testrun.ClientGroup, 1)
	rows, err := packets(b, func(there bool) error {
		if there {
			return b.Follow(&vpc.Feed{Interfaces: []*vpc.NetworkInterface{one}})
		}
		return b.Follow(&vpc.Feed{GoneInterfaces: []vpc.InterfaceID{one.ID}})
	})
	return append(rows, each...), err
}

// firstGrown is the port of the first of the interfaces that become more.
const firstGrown policy.Port = 100

// growInterfaces changes one of many interfaces on this host, each with a set of
// groups of its own.
func growInterfaces(b *testrun.Bench, size int) ([]result.Row, error) {
	before := used()
	f := &vpc.Feed{}
	for i := range size {
		group := vpc.GroupID(fmt.Sprintf("sg-g%04d", i))
		f.Interfaces = append(f.Interfaces, testrun.Interface(grownID(i), 100+i, wideAddr(i), group, vpc.Identity(10+i)))
		f.Rules = append(f.Rules, &vpc.Rule{
			ID: vpc.RuleID("sgr-" + string(group)), Group: group, Proto: vpc.TCP,
			Ports: vpc.PortRange{From: 80, To: 80}, Peer: vpc.Peer{Group: testrun.ClientGroup},
		})
	}
	if err := b.Follow(f); err != nil {
		return nil, err
	}
	for i := range size {
		if err := b.Connect(firstGrown+policy.Port(i), policy.Plug{Interface: grownID(i)}); err != nil {
			return nil, err
		}
	}
	each := memoryEach(before, size)
	last := firstGrown + policy.Port(size)
	one := testrun.Interface(grownID(size), 99, wideAddr(size), testrun.ClientGroup, 1)
	rows, err := packets(b, func(there bool) error {
		if there {
			if err := b.Follow(&vpc.Feed{Interfaces: []*vpc.NetworkInterface{one}}); err != nil {
				return err
			}
			return b.Connect(last, policy.Plug{Interface: one.ID})
		}
		if err := b.Follow(&vpc.Feed{GoneInterfaces: []vpc.InterfaceID{one.ID}}); err != nil {
			return err
		}
		b.Host.Disconnect(last)
		return b.Dataplane.Disconnect(last)
	})
	return append(rows, each...), err
}

func grownID(i int) vpc.InterfaceID { return vpc.InterfaceID(fmt.Sprintf("eni-g%04d", i)) }

// growFlows takes datagrams of flows at random, and changes one rule beside them.
// Their memory, which is the kernel's, is there from the beginning.
func growFlows(b *testrun.Bench, size int) ([]result.Row, error) {
	if err := b.Fill(size); err != nil {
		return nil, err
	}
	took, err := b.Random(size)
	if err != nil {
		return nil, err
	}
	change, err := costOf(oneRule(b, fewRules))
	if err != nil {
		return nil, err
	}
	rows := []result.Row{once("established", "ns", float64(took.Nanoseconds())), change}
	if size < many {
		return rows, nil
	}
	table, err := procfs.MapMemory(allFlows)
	return append(rows, once("memory", "bytes", float64(table)/allFlows)), err
}

// once is the row of what is measured only once.
func once(measure, unit string, value float64) result.Row {
	return result.Row{Measure: measure, Unit: unit, Median: value, Min: value, Max: value, Rounds: 1}
}

// wideAddr is number i of more addresses than EC2-Classic has.
func wideAddr(i int) netip.Addr {
	return netip.AddrFrom4([4]byte{10, byte(1 + i>>16), byte(i >> 8), byte(i)})
}

// used is how much memory this program has in use, in bytes: what a host knows.
// What the kernel has beside it is not counted.
func used() uint64 {
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return m.HeapAlloc
}

// many are enough to say how much memory each of them needs: what else is there
// would hide that of fewer.
const many = 1000

// memoryEach is the row of how much each of n needs more than before, if they are
// many.
func memoryEach(before uint64, n int) []result.Row {
	if n < many {
		return nil
	}
	return []result.Row{once("memory", "bytes", (float64(used())-float64(before))/float64(n))}
}
