package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"ringfence/bench/internal/daemon"
	"ringfence/bench/internal/result"
	"ringfence/internal/awsquery"
)

const (
	manyGroups    = 500
	rulesOfEach   = 20
	peersPatience = 30 * time.Second // for one call
)

// atOnce are the numbers of connections that calls are made over.
var atOnce = []int{1, 16}

// calls are how many calls are answered in a second, and how long one takes:
// of ours, which writes to the disk before it answers, and of the peer.
func calls(ctx context.Context) (rows []result.Row, err error) {
	d, err := daemon.Start(ctx, *binary, "ctl", "--limit", "classic-groups=10000", "--limit", "rules-per-group=10000")
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, d.Stop()) }()
	ours, err := callsOf(ctx, ourName, d.Endpoint, d.Keys[daemon.Classic])
	if err != nil || *peer == "" {
		return ours, err
	}
	theirs, err := callsOf(ctx, peerName, *peer, awsquery.Key{Access: "peer", Secret: "peer"})
	if err != nil {
		return nil, fmt.Errorf("of %s: %w", *peer, err)
	}
	for i := range ours {
		compare(&ours[i], theirs)
	}
	return append(ours, theirs...), nil
}

const ourName, peerName = "ringfence", "peer"

// compare gives our row its ratio to the peer's, if that could be had.
func compare(ours *result.Row, theirs []result.Row) {
	base := strings.Replace(ours.Variant, ourName, peerName, 1)
	for _, row := range theirs {
		if row.Measure == ours.Measure && row.Variant == base && row.Rounds > 0 {
			ours.Base, ours.Ratio = base, ours.Median/row.Median
		}
	}
}

// An endpoint has groups of ours.
type endpoint struct {
	*daemon.Client
	groups []string // their ids
	next   atomic.Int64
}

func callsOf(ctx context.Context, name, url string, key awsquery.Key) ([]result.Row, error) {
	e := &endpoint{Client: daemon.NewClient(url, key, slices.Max(atOnce))}
	defer e.Close()
	defer e.clean()
	if err := e.populate(ctx); err != nil {
		return nil, err
	}
	var rows []result.Row
	for _, kind := range []struct {
		name string
		call func(context.Context) error
	}{
		{"describe_group", e.describeOne},
		{"describe_500", e.describeAll},
		{"authorize", e.authorize},
		{"create_delete", e.createAndDelete},
	} {
		for _, connections := range atOnce {
			rate, times, err := hammer(ctx, connections, kind.call)
			variant := fmt.Sprintf("%s_%d", name, connections)
			if err != nil && name == peerName && ctx.Err() == nil {
				rows = append(rows, result.Row{Measure: kind.name, Variant: variant, Unit: "calls/s", Note: "a call failed"})
				fmt.Fprintf(os.Stderr, "    %s over %d connections: %v\n", kind.name, connections, err)
				continue
			}
			if err != nil {
				return nil, fmt.Errorf("%s over %d connections: %w", kind.name, connections, err)
			}
			rows = append(rows, result.Row{
				Measure: kind.name, Variant: variant, Unit: "calls/s", Median: rate, Min: rate, Max: rate, Rounds: len(times),
			})
			rows = append(rows, percentiles(kind.name, variant, 0, times)...)
		}
	}
	return rows, nil
}

// hammer makes calls over some connections for a time.
func hammer(ctx context.Context, connections int, call func(context.Context) error) (perSecond float64, all []time.Duration, err error) {
	times := make([][]time.Duration, connections)
	errs := make([]error, connections)
	begin := time.Now()
	var callers sync.WaitGroup
	for i := range connections {
		callers.Go(func() {
			for errs[i] == nil && (time.Since(begin) < *long || len(times[i]) == 0) {
				start := time.Now()
				bounded, done := context.WithTimeout(ctx, peersPatience)
				errs[i] = call(bounded)
				done()
				times[i] = append(times[i], time.Since(start))
			}
		})
	}
	callers.Wait()
	took := time.Since(begin)
	all = slices.Concat(times...)
	return float64(len(all)) / took.Seconds(), all, errors.Join(errs...)
}

// create makes a group and returns its id.
func (e *endpoint) create(ctx context.Context) (string, error) {
	var out struct {
		ID string `aws:"groupId"`
	}
	name := fmt.Sprintf("bench-%d", e.next.Add(1))
	err := e.Call(ctx, "CreateSecurityGroup", []string{"GroupName", name, "GroupDescription", "of a benchmark"}, &out)
	return out.ID, err
}

func (e *endpoint) populate(ctx context.Context) error {
	for range manyGroups {
		id, err := e.create(ctx)
		if err != nil {
			return err
		}
		e.groups = append(e.groups, id)
		params := []string{"GroupId", id}
		for j := range rulesOfEach {
			params = append(params, daemon.Permission(j+1, "tcp", uint16(1000+j), fmt.Sprintf("172.16.0.%d/32", j))...)
		}
		if err := e.Call(ctx, "AuthorizeSecurityGroupIngress", params, &daemon.Nothing{}); err != nil {
			return err
		}
	}
	return nil
}

// clean deletes the groups again, as far as possible: a peer is somebody else's.
func (e *endpoint) clean() {
	ctx, done := context.WithTimeout(context.Background(), peersPatience)
	defer done()
	for _, id := range e.groups {
		if e.Call(ctx, "DeleteSecurityGroup", []string{"GroupId", id}, &daemon.Nothing{}) != nil {
			return
		}
	}
}

func (e *endpoint) describeOne(ctx context.Context) error {
	return e.Call(ctx, "DescribeSecurityGroups", []string{"GroupId.1", e.groups[manyGroups/2]}, &daemon.Nothing{})
}

func (e *endpoint) describeAll(ctx context.Context) error {
	return e.Call(ctx, "DescribeSecurityGroups", nil, &daemon.Nothing{})
}

// authorize adds one rule to one group after another.
func (e *endpoint) authorize(ctx context.Context) error {
	n := e.next.Add(1)
	params := daemon.Permission(1, "udp", uint16(n/manyGroups), fmt.Sprintf("10.%d.%d.1/32", n>>8&0xff, n&0xff))
	return e.Call(ctx, "AuthorizeSecurityGroupIngress", append(params, "GroupId", e.groups[n%manyGroups]), &daemon.Nothing{})
}

func (e *endpoint) createAndDelete(ctx context.Context) error {
	id, err := e.create(ctx)
	if err != nil {
		return err
	}
	return e.Call(ctx, "DeleteSecurityGroup", []string{"GroupId", id}, &daemon.Nothing{})
}
