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
	manyGroups  = 500
	rulesOfEach = 20
	callRounds  = 6
	peerName    = "peer"
)

// A call is made of an endpoint, over one of its connections.
type call func(*endpoint, context.Context, *daemon.Connection) error

// atOnce are the numbers of connections that calls are made over.
var atOnce = []int{1, 16}

// kinds are the calls that are made.
var kinds = []struct {
	name string
	call call
}{
	{"describe_group", (*endpoint).describeOne},
	{"describe_500", (*endpoint).describeAll},
	{"authorize", (*endpoint).authorize},
	{"create_delete", (*endpoint).createAndDelete},
}

// calls are how many calls are answered in a second, and how long one takes: of
// ours, which writes to the disk before it answers, and of the peer. The two take
// turns.
func calls(ctx context.Context) (rows []result.Row, err error) {
	d, err := daemon.Start(ctx, *binary, "ctl", "--limit", "classic-groups=10000", "--limit", "rules-per-group=10000")
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, d.Stop()) }()
	both := []*endpoint{{name: "ringfence", url: d.Endpoint, key: d.Keys[daemon.Classic]}}
	if *peer != "" {
		both = append(both, thePeer())
	}
	for _, e := range both {
		c, err := e.connect()
		if err != nil {
			return nil, err
		}
		defer c.Close()
		defer e.clean(c)
		if err := e.populate(ctx, c); err != nil {
			return nil, fmt.Errorf("make groups at %s: %w", e.name, err)
		}
	}
	for _, kind := range kinds {
		for _, connections := range atOnce {
			all, err := takeTurns(both, func(e *endpoint, s *series) error {
				return e.hammer(ctx, connections, *long/callRounds, kind.call, s)
			})
			if err != nil {
				return nil, fmt.Errorf("%s over %d connections: %w", kind.name, connections, err)
			}
			var base *series
			if *peer != "" {
				base = &all[1]
			}
			for i, e := range both {
				rows = append(rows, all[i].rows(kind.name, e.name, connections, base)...)
			}
		}
	}
	return rows, nil
}

// A series is what the rounds of one endpoint have come to.
type series struct {
	rates []float64 // calls per second in each round
	times []time.Duration
	err   error // after which there were no more rounds
}

// takeTurns has each endpoint called in each round, in changing order. Only an
// error of the first one, which is ours, ends it.
func takeTurns(endpoints []*endpoint, round func(*endpoint, *series) error) ([]series, error) {
	all := make([]series, len(endpoints))
	for n := range callRounds {
		for turn := range endpoints {
			i := (turn + n) % len(endpoints)
			if all[i].err != nil {
				continue
			}
			all[i].err = round(endpoints[i], &all[i])
			if i == 0 && all[i].err != nil {
				return nil, all[i].err
			}
		}
	}
	return all, nil
}

// rows are a series in the form of the result, with its ratio to the peer's if
// there is one.
func (s *series) rows(kind, name string, connections int, base *series) []result.Row {
	variant := fmt.Sprintf("%s_%d", name, connections)
	row := result.Row{Measure: kind, Variant: variant, Unit: "calls/s"}
	if s.err != nil {
		row.Note, _, _ = strings.Cut(s.err.Error(), "\n") // of each connection the same, most likely
		return []result.Row{row}
	}
	if base == nil || base.err != nil {
		row = row.Sum(s.rates, nil)
	} else {
		row.Base = fmt.Sprintf("%s_%d", peerName, connections)
		row = row.Sum(s.rates, base.rates)
	}
	return append([]result.Row{row}, percentiles(kind, variant, 0, s.times)...)
}

// An endpoint has groups of ours.
type endpoint struct {
	name   string
	url    string
	key    awsquery.Key
	groups []string // their ids
	next   atomic.Int64
}

// thePeer is somebody else's, which lets anybody in.
func thePeer() *endpoint {
	return &endpoint{name: peerName, url: *peer, key: awsquery.Key{Access: "peer", Secret: "peer"}}
}

func (e *endpoint) connect() (*daemon.Connection, error) { return daemon.Connect(e.url, e.key) }

// answers fails unless the endpoint makes a group and deletes it again.
func (e *endpoint) answers(ctx context.Context) error {
	c, err := e.connect()
	if err == nil {
		err = errors.Join(e.createAndDelete(ctx, c), c.Close())
	}
	if err != nil {
		return fmt.Errorf("%s cannot be compared with: %w", e.url, err)
	}
	return nil
}

// hammer makes calls over some connections for a time, and adds them to a series.
func (e *endpoint) hammer(ctx context.Context, connections int, long time.Duration, do call, s *series) error {
	times := make([][]time.Duration, connections)
	errs := make([]error, connections)
	begin := time.Now()
	var callers sync.WaitGroup
	for i := range connections {
		callers.Go(func() {
			c, err := e.connect()
			for errs[i] = err; errs[i] == nil && (time.Since(begin) < long || len(times[i]) == 0); {
				start := time.Now()
				errs[i] = do(e, ctx, c)
				times[i] = append(times[i], time.Since(start))
			}
			if err == nil {
				errs[i] = errors.Join(errs[i], c.Close())
			}
		})
	}
	callers.Wait()
	took := time.Since(begin)
	all := slices.Concat(times...)
	s.rates = append(s.rates, float64(len(all))/took.Seconds())
	s.times = append(s.times, all...)
	return errors.Join(errs...)
}

// create makes a group and returns its id.
func (e *endpoint) create(ctx context.Context, c *daemon.Connection) (string, error) {
	var out struct {
		ID string `aws:"groupId"`
	}
	// A peer may have groups yet of another run, which was killed.
	name := fmt.Sprintf("bench-%d-%d", os.Getpid(), e.next.Add(1))
	err := c.Call(ctx, "CreateSecurityGroup", []string{"GroupName", name, "GroupDescription", "of a benchmark"}, &out)
	return out.ID, err
}

func (e *endpoint) populate(ctx context.Context, c *daemon.Connection) error {
	for range manyGroups {
		id, err := e.create(ctx, c)
		if err != nil {
			return err
		}
		e.groups = append(e.groups, id)
		params := []string{"GroupId", id}
		for j := range rulesOfEach {
			params = append(params, daemon.Permission(j+1, "tcp", uint16(1000+j), fmt.Sprintf("172.16.0.%d/32", j))...)
		}
		if err := c.Call(ctx, "AuthorizeSecurityGroupIngress", params, &daemon.Nothing{}); err != nil {
			return err
		}
	}
	return nil
}

// clean deletes the groups again, as far as possible: a peer is somebody else's.
func (e *endpoint) clean(c *daemon.Connection) {
	ctx, done := context.WithTimeout(context.Background(), daemon.Patience)
	defer done()
	for _, id := range e.groups {
		if c.Call(ctx, "DeleteSecurityGroup", []string{"GroupId", id}, &daemon.Nothing{}) != nil {
			return
		}
	}
}

func (e *endpoint) describeOne(ctx context.Context, c *daemon.Connection) error {
	return c.Call(ctx, "DescribeSecurityGroups", []string{"GroupId.1", e.groups[manyGroups/2]}, &daemon.Nothing{})
}

func (e *endpoint) describeAll(ctx context.Context, c *daemon.Connection) error {
	return c.Call(ctx, "DescribeSecurityGroups", nil, &daemon.Nothing{})
}

// authorize adds one rule to one group after another.
func (e *endpoint) authorize(ctx context.Context, c *daemon.Connection) error {
	n := e.next.Add(1)
	params := daemon.Permission(1, "udp", uint16(n/manyGroups), fmt.Sprintf("10.%d.%d.1/32", n>>8&0xff, n&0xff))
	return c.Call(ctx, "AuthorizeSecurityGroupIngress", append(params, "GroupId", e.groups[n%manyGroups]), &daemon.Nothing{})
}

func (e *endpoint) createAndDelete(ctx context.Context, c *daemon.Connection) error {
	id, err := e.create(ctx, c)
	if err != nil {
		return err
	}
	return c.Call(ctx, "DeleteSecurityGroup", []string{"GroupId", id}, &daemon.Nothing{})
}
