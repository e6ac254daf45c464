// Load measures how long a host takes to know a large VPC, most of whose
// interfaces are on other hosts, and to follow a change of one rule in it, by
// policy and kernel together; a small VPC is there for comparison. Run it as
// root:
//
//	go run ./bench/load
package main

import (
	"context"
	"fmt"
	"net/netip"
	"os"
	"slices"
	"text/tabwriter"
	"time"

	"ringfence/bench/internal/command"
	"ringfence/internal/dataplane"
	"ringfence/internal/fabric"
	"ringfence/internal/policy"
	"ringfence/internal/vpc"
)

const (
	firstPort = 11
	plugged   = 20  // interfaces that are on this host
	rules     = 10  // of a group, half of them about other groups
	changes   = 201 // of each kind
)

// A fleet is how large a VPC is.
type fleet struct{ interfaces, groups int }

func main() { command.Run("load", measure) }

func measure(ctx context.Context) error {
	table := tabwriter.NewWriter(os.Stdout, 0, 8, 2, ' ', tabwriter.AlignRight)
	fmt.Fprintln(table, "interfaces\tgroups\tload\tadd a rule\ta member joins\ta new set of groups\t\tmedians (99 %)")
	for _, f := range []fleet{{50, 10}, {5000, 1000}} {
		if err := ctx.Err(); err != nil {
			return err
		}
		if err := f.measure(table); err != nil {
			return err
		}
	}
	return table.Flush()
}

func (f fleet) measure(table *tabwriter.Writer) error {
	var ports []int
	for i := range plugged {
		ports = append(ports, firstPort+i)
	}
	return fabric.Scratch(ports, func() error {
		d, err := dataplane.Open(dataplane.Options{})
		if err != nil {
			return err
		}
		defer d.Close()
		k := &kernel{fleet: f, host: policy.NewHost(policy.RevokeAWS), dataplane: d}
		load, err := k.load()
		if err != nil {
			return err
		}
		fmt.Fprintf(table, "%d\t%d\t%v\t", f.interfaces, f.groups, load.Round(time.Millisecond))
		for _, change := range []func(int) *vpc.Feed{k.addRule, k.join, k.newSet} {
			var all []time.Duration
			for i := range changes {
				took, err := k.follow(change(i))
				if err != nil {
					return err
				}
				all = append(all, took)
			}
			slices.Sort(all)
			fmt.Fprintf(table, "%v (%v)\t", all[changes/2].Round(time.Microsecond), all[changes*99/100].Round(time.Microsecond))
		}
		fmt.Fprintln(table, "\t")
		return nil
	})
}

// A kernel follows a fleet.
type kernel struct {
	fleet
	host      *policy.Host
	dataplane *dataplane.Dataplane
	revision  int64
}

// follow returns how long it takes until a change is enforced.
func (k *kernel) follow(f *vpc.Feed) (time.Duration, error) {
	k.revision++
	f.Revision = k.revision
	begin := time.Now()
	err := k.dataplane.Apply(k.host, k.host.Apply(f))
	return time.Since(begin), err
}

// load follows the whole fleet, and connects what is here.
func (k *kernel) load() (time.Duration, error) {
	f := &vpc.Feed{Whole: true, VPCs: []*vpc.VPC{{ID: "vpc-1", Number: 2, CIDRs: []vpc.CIDRAssociation{{CIDR: netip.MustParsePrefix("10.0.0.0/16")}}}}}
	for i := range k.interfaces {
		f.Interfaces = append(f.Interfaces, k.member(i))
	}
	for g := range k.groups {
		for r := range rules {
			f.Rules = append(f.Rules, k.rule(g, r))
		}
	}
	took, err := k.follow(f)
	if err != nil {
		return 0, err
	}
	begin := time.Now()
	for i := range plugged {
		port := policy.Port(firstPort + i)
		k.host.Connect(port, policy.Plug{Interface: k.member(i).ID})
		if err := k.dataplane.Connect(k.host, port); err != nil {
			return 0, err
		}
	}
	return took + time.Since(begin), nil
}

func group(g int) vpc.GroupID { return vpc.GroupID(fmt.Sprintf("sg-%05d", g)) }

// member is in three groups, which it shares with few others.
func (k *kernel) member(i int) *vpc.NetworkInterface {
	g := i % k.groups
	groups := []vpc.GroupID{group(g), group((g + 1) % k.groups), group((g + 2) % k.groups)}
	slices.Sort(groups)
	return &vpc.NetworkInterface{
		ID: vpc.InterfaceID(fmt.Sprintf("eni-%d", i)), Number: vpc.InterfaceNumber(i + 1),
		Network: "vpc-1", NetworkNo: 2, SubnetNo: vpc.SubnetNumber(2 + i%10), Groups: groups, Identity: vpc.Identity(g + 1),
		Addresses: []netip.Addr{netip.AddrFrom4([4]byte{10, 0, byte(i >> 8), byte(i)})},
	}
}

func (k *kernel) rule(g, r int) *vpc.Rule {
	rule := &vpc.Rule{
		ID: vpc.RuleID(fmt.Sprintf("sgr-%05d-%03d", g, r)), Group: group(g), Egress: r%2 == 1, Proto: vpc.TCP,
		Ports: vpc.PortRange{From: uint16(1000 + r), To: uint16(1000 + 2*r)},
		Peer:  vpc.Peer{CIDR: netip.PrefixFrom(netip.AddrFrom4([4]byte{10, 0, byte(r), 0}), 24)},
	}
	if r%4 < 2 {
		rule.Peer = vpc.Peer{Group: group((g + r) % k.groups)}
	}
	return rule
}

// addRule adds a rule to a group that interfaces here are in.
func (k *kernel) addRule(i int) *vpc.Feed {
	return &vpc.Feed{Rules: []*vpc.Rule{k.rule(i%5, rules+i)}}
}

// join lets an interface on another host come that has a known set of groups.
func (k *kernel) join(i int) *vpc.Feed {
	n := k.member(k.interfaces + i)
	return &vpc.Feed{Interfaces: []*vpc.NetworkInterface{n}}
}

// newSet lets one come that nobody has the groups of, some of which are peers of
// interfaces here.
func (k *kernel) newSet(i int) *vpc.Feed {
	n := k.member(k.interfaces + changes + i)
	n.Groups = []vpc.GroupID{group(1), group(3), vpc.GroupID(fmt.Sprintf("sg-x%d", i))}
	n.Identity = vpc.Identity(k.groups + 1 + i)
	return &vpc.Feed{Interfaces: []*vpc.NetworkInterface{n}}
}
