package main

import (
	"context"
	"errors"
	"fmt"
	"time"

	"ringfence/bench/internal/daemon"
	"ringfence/bench/internal/probe"
	"ringfence/bench/internal/result"
)

const (
	floodPort      = 9      // UDP discard
	floodPerSecond = 10_000 // packets
	probedRules    = 100    // of the group, beside the one that comes and goes
	probed         = "probed"

	firstPort, lastPort = 10_000, 60_000 // that are opened and closed, one for each change
)

// reactions are how long it takes from a call until packets meet the change,
// on an idle host and on one that has other packets to judge.
func reactions(ctx context.Context) (rows []result.Row, err error) {
	d, err := daemon.Start(ctx, *binary, "ctl", "--limit", "rules-per-group=1000")
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, d.Stop()) }()
	client := daemon.NewClient(d.Endpoint, d.Keys[daemon.Classic], 1)
	defer client.Close()
	if err := client.MakeGroup(ctx, probed, probedRules); err != nil {
		return nil, err
	}
	if err := client.Authorize(ctx, probed, "udp", floodPort, probe.Outside.String()+"/32"); err != nil {
		return nil, err
	}
	if err := client.Launch(ctx, probed, 1); err != nil {
		return nil, err
	}
	address, err := client.AwaitRunning(ctx, probed, 1)
	if err != nil {
		return nil, err
	}
	for _, host := range []struct {
		name  string
		flood int
	}{{"idle", 0}, {"busy", floodPerSecond}} {
		p, err := probe.Start(ctx, d.Dir, "-probe", address[0], "-flood", fmt.Sprint(host.flood))
		if err != nil {
			return nil, err
		}
		more, err := reactionsOf(ctx, client, p, host.name)
		if err := errors.Join(err, p.Stop()); err != nil {
			return nil, err
		}
		rows = append(rows, more...)
	}
	return rows, nil
}

func reactionsOf(ctx context.Context, client *daemon.Client, p *probe.Prober, host string) ([]result.Row, error) {
	var opening, closing []time.Duration
	block := probe.Outside.String() + "/32"
	for i := range *changes {
		port := uint16(firstPort + i)
		took, err := p.Reaction(port, probe.Open, func() error { return client.Authorize(ctx, probed, "tcp", port, block) })
		if err != nil {
			return nil, err
		}
		opening = append(opening, took)
		took, err = p.Reaction(port, probe.Closed, func() error { return client.Revoke(ctx, probed, "tcp", port, block) })
		if err != nil {
			return nil, err
		}
		closing = append(closing, took)
	}
	return append(percentiles("authorize_to_packet", host, probedRules, opening),
		percentiles("revoke_to_packet", host, probedRules, closing)...), nil
}
