package main

import (
	"context"
	"fmt"
	"net/netip"
	"time"

	"ringfence/bench/internal/result"
	"ringfence/bench/internal/testrun"
	"ringfence/internal/dataplane"
	"ringfence/internal/policy"
	"ringfence/internal/vpc"
)

const (
	bigGroup      vpc.GroupID  = "sg-big"
	bigIdentity   vpc.Identity = 3
	bigMembers                 = 10_000 // of bigGroup
	localMembers               = 1000   // of them
	referring                  = 100    // groups with a rule about bigGroup, one local member each
	joins                      = 500    // times that one more joins, and leaves
	firstReferrer policy.Port  = 100
	firstMember   policy.Port  = 1000
	joiner        policy.Port  = 50
)

// members are what it costs that an interface joins a big group to which others
// refer, and leaves it: how often the kernel's state is changed, which is a put
// for each address, the port itself, and the epoch after each step; and time.
func members(context.Context) ([]result.Row, error) {
	var rows []result.Row
	steps := 0
	err := testrun.With(10, dataplane.Options{Step: func() { steps++ }}, func(b *testrun.Bench) error {
		if err := populate(b); err != nil {
			return err
		}
		for _, local := range []bool{true, false} {
			where := "elsewhere"
			if local {
				where = "local"
			}
			var times [2][]time.Duration
			var counts [2][]float64
			for range joins {
				for i, change := range []func(*testrun.Bench, bool) error{join, leave} {
					steps = 0
					begin := time.Now()
					if err := change(b, local); err != nil {
						return err
					}
					times[i] = append(times[i], time.Since(begin))
					counts[i] = append(counts[i], float64(steps))
				}
			}
			for i, name := range []string{"join", "leave"} {
				row := result.Row{Measure: name + "_changes", Variant: where, Rules: referring, Unit: "changes"}
				rows = append(rows, row.Sum(counts[i], nil))
				rows = append(rows, percentiles(name, where, referring, times[i])...)
			}
		}
		return nil
	})
	return rows, err
}

func populate(b *testrun.Bench) error {
	f := &vpc.Feed{}
	for i := range bigMembers {
		id := vpc.InterfaceID(fmt.Sprintf("eni-m%05d", i))
		f.Interfaces = append(f.Interfaces, testrun.Interface(id, 1000+i, classicAddr(1<<12+i), bigGroup, bigIdentity))
	}
	for i := range referring {
		group := vpc.GroupID(fmt.Sprintf("sg-r%03d", i))
		id := vpc.InterfaceID(fmt.Sprintf("eni-r%03d", i))
		f.Interfaces = append(f.Interfaces, testrun.Interface(id, 100+i, classicAddr(1<<10+i), group, vpc.Identity(10+i)))
		f.Rules = append(f.Rules, &vpc.Rule{
			ID: vpc.RuleID("sgr-" + string(group)), Group: group, Proto: vpc.TCP,
			Ports: vpc.PortRange{From: 80, To: 80}, Peer: vpc.Peer{Group: bigGroup},
		})
	}
	if err := b.Follow(f); err != nil {
		return err
	}
	for i := range referring {
		if err := b.Connect(firstReferrer+policy.Port(i), policy.Plug{Interface: f.Interfaces[bigMembers+i].ID}); err != nil {
			return err
		}
	}
	for i := range localMembers {
		if err := b.Connect(firstMember+policy.Port(i), policy.Plug{Interface: f.Interfaces[i].ID}); err != nil {
			return err
		}
	}
	return nil
}

// classicAddr is number i of the addresses of EC2-Classic.
func classicAddr(i int) netip.Addr {
	return netip.AddrFrom4([4]byte{10, 254, byte(i >> 8), byte(i)})
}

const joinerID vpc.InterfaceID = "eni-joiner"

// join gives the group one more member, on this host or on another.
func join(b *testrun.Bench, local bool) error {
	n := testrun.Interface(joinerID, 99, classicAddr(1<<9), bigGroup, bigIdentity)
	if err := b.Follow(&vpc.Feed{Interfaces: []*vpc.NetworkInterface{n}}); err != nil || !local {
		return err
	}
	return b.Connect(joiner, policy.Plug{Interface: joinerID})
}

func leave(b *testrun.Bench, local bool) error {
	if err := b.Follow(&vpc.Feed{GoneInterfaces: []vpc.InterfaceID{joinerID}}); err != nil || !local {
		return err
	}
	b.Host.Disconnect(joiner)
	return b.Dataplane.Disconnect(joiner)
}
