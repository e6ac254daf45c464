// Scale measures a daemon with many instances and groups: how long they take to
// start and to list, what memory they need, and, by packets, how long it takes
// from an AuthorizeSecurityGroupIngress call until the first SYN passes. Run it
// as root after make build:
//
//	go run ./bench/scale
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"net/netip"
	"os"
	"time"

	"ringfence/bench/internal/command"
	"ringfence/bench/internal/daemon"
	"ringfence/bench/internal/probe"
	"ringfence/bench/internal/procfs"
	"ringfence/bench/internal/stats"
)

var (
	binary    = flag.String("daemon", "bin/ringfenced", "binary of the daemon")
	instances = flag.Int("instances", 200, "instances to launch")
	groups    = flag.Int("groups", 100, "groups to make")
	rules     = flag.Int("rules", 100, "rules of each group; the last is left for the probes")
	probes    = flag.Int("probes", 200, "times to authorise and wait for a SYN to pass")
	target    = flag.String("probe", "", "address to send SYNs to: used by the program itself, on the internet side")
)

func main() { command.Run("scale", run) }

func run(ctx context.Context) (err error) {
	if *target != "" {
		to, err := netip.ParseAddr(*target)
		if err != nil {
			return err
		}
		return probe.Serve(os.Stdin, os.Stdout, probe.Outside, to)
	}
	if min(*instances, *groups, *rules, *probes) < 1 {
		return errors.New("of instances, groups, rules and probes there must be at least one each")
	}
	d, err := daemon.Start(ctx, *binary, "scale", "--limit", "instances-per-launch=1000", "--limit", "rules-per-group=1000")
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, d.Stop()) }()
	say("daemon ready after", d.ReadyAfter.Round(time.Millisecond))
	client := daemon.NewClient(d.Endpoint, d.Keys[daemon.Classic], 1)
	defer client.Close()
	return measure(ctx, d, client)
}

func measure(ctx context.Context, d *daemon.Daemon, client *daemon.Client) error {
	err := timed(fmt.Sprintf("%d groups of %d rules made in", *groups, *rules-1), func() error {
		for i := range *groups {
			if err := client.MakeGroup(ctx, group(i), *rules-1); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		return err
	}
	before := procfs.Available()
	err = timed(fmt.Sprintf("%d instances running after", *instances), func() error {
		if err := launch(ctx, client); err != nil {
			return err
		}
		_, err = client.AwaitRunning(ctx, "", *instances)
		return err
	})
	if err != nil {
		return err
	}
	say("memory of each instance", fmt.Sprintf("%.1f MB", float64(before-procfs.Available())/1e6/float64(*instances)))
	say("memory of the daemon (RSS)", fmt.Sprintf("%.0f MB", float64(d.RSS())/1e6))
	for what, action := range map[string]string{"instances": "DescribeInstances", "groups": "DescribeSecurityGroups"} {
		err := timed("all "+what+" described in", func() error { return client.Call(ctx, action, nil, &struct{}{}) })
		if err != nil {
			return err
		}
	}
	return measureProbes(ctx, d, client)
}

func group(i int) string { return fmt.Sprintf("g%d", i) }

// launch starts the instances, a few of each group.
func launch(ctx context.Context, client *daemon.Client) error {
	each := (*instances + *groups - 1) / *groups
	for i := 0; i*each < *instances; i++ {
		if err := client.Launch(ctx, group(i), min(each, *instances-i*each)); err != nil {
			return err
		}
	}
	return nil
}

// measureProbes authorises one port after another and prints how long it took
// until a SYN to it passed.
func measureProbes(ctx context.Context, d *daemon.Daemon, client *daemon.Client) (err error) {
	members, err := client.AwaitRunning(ctx, group(0), 1)
	if err != nil {
		return err
	}
	p, err := probe.Start(ctx, d.Dir, "-probe", members[0])
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, p.Stop()) }()
	var took []time.Duration
	const block = "203.0.113.7/32"
	for i := range *probes {
		port := uint16(20_000 + i)
		reaction, err := p.Reaction(port, probe.Open, func() error { return client.Authorize(ctx, group(0), "tcp", port, block) })
		if err != nil {
			return err
		}
		took = append(took, reaction)
		if err := client.Revoke(ctx, group(0), "tcp", port, block); err != nil {
			return err
		}
	}
	at := func(q float64) time.Duration { return stats.NearestRank(took, q).Round(10 * time.Microsecond) }
	say("from the call to authorise to the first SYN", fmt.Sprintf("p50 %v, p99 %v, longest %v (%d times)", at(0.5), at(0.99), at(1), len(took)))
	return nil
}

// timed prints how long something takes.
func timed(what string, do func() error) error {
	start := time.Now()
	if err := do(); err != nil {
		return fmt.Errorf("%s: %w", what, err)
	}
	say(what, time.Since(start).Round(100*time.Microsecond))
	return nil
}

func say(what string, value any) { fmt.Printf("%-48s %10v\n", what, value) }
