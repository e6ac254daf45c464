package bed

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"os"
	"sync"
	"time"

	"ringfence/internal/dataplane"
	"ringfence/internal/policy"
	"ringfence/internal/vpc"
)

// noEvents is how many events a dataplane tells that is to tell none.
const noEvents = -1

// through returns what builds a bed through ringfence: the dataplane as an
// agent has it, told what a server would tell, with everything on that a daemon
// has on.
func through(s shape, events bool) func(context.Context, *Bed) error {
	return func(ctx context.Context, b *Bed) error {
		options := dataplane.Options{EventsPerSecond: noEvents}
		if events {
			options.EventsPerSecond = dataplane.DefaultEventsPerSecond
		}
		d, err := dataplane.Open(options)
		if err != nil {
			return err
		}
		b.closers = append(b.closers, d.Close)
		h := policy.NewHost(policy.RevokeAWS)
		if err := d.Apply(h, h.Apply(s.feed(b.Rules))); err != nil {
			return err
		}
		if err := b.attach(ctx, s, d, h); err != nil {
			return err
		}
		b.collect(d)
		if events {
			return b.readEvents(d, h)
		}
		return nil
	}
}

// attach plugs the machines in: each link is judged before it is up.
func (b *Bed) attach(ctx context.Context, s shape, d *dataplane.Dataplane, h *policy.Host) error {
	host, err := b.namespace()
	if err != nil {
		return err
	}
	client, server := s.addresses()
	ids := []vpc.InterfaceID{clientID, serverID}
	for i, side := range b.sides(client, server) {
		mac := h.Interface(ids[i]).MAC()
		side.mac = net.HardwareAddr(mac[:]).String()
		if s.apart {
			side.router = []netip.Addr{clientRouter, serverRouter}[i]
		}
		if err := side.plug(ctx, host); err != nil {
			return err
		}
		port := policy.Port(side.index)
		if err := host.Do(func() error { return d.Attach(port, false) }); err != nil {
			return err
		}
		h.Connect(port, policy.Plug{Interface: ids[i]})
		if err := d.Connect(h, port); err != nil {
			return err
		}
		if err := ip(ctx, host, fmt.Sprintf("link set %s up", side.device)); err != nil {
			return err
		}
	}
	return nil
}

// collectEvery is how often an agent looks for flows that have expired.
const collectEvery = 5 * time.Second

// collect looks for them until the bed is closed.
func (b *Bed) collect(d *dataplane.Dataplane) {
	stop, stopped := make(chan struct{}), make(chan error, 1)
	go func() {
		tick := time.NewTicker(collectEvery)
		defer tick.Stop()
		for {
			select {
			case <-stop:
				stopped <- nil
				return
			case <-tick.C:
				if _, _, err := d.Collect(); err != nil {
					stopped <- err
					return
				}
			}
		}
	}()
	b.closers = append(b.closers, func() error {
		close(stop)
		return <-stopped
	})
}

// readEvents has the programs tell of every opening and every drop, and reads that
// until the bed is closed.
func (b *Bed) readEvents(d *dataplane.Dataplane, h *policy.Host) error {
	events, err := d.Events()
	if err != nil {
		return err
	}
	both := []vpc.InterfaceNumber{h.Interface(clientID).Number, h.Interface(serverID).Number}
	if err := d.Watch(both); err != nil {
		return errors.Join(err, events.Close())
	}
	var reading sync.WaitGroup
	var failed error
	b.told = make(chan struct{})
	reading.Go(func() {
		if _, failed = events.Read(); failed == nil {
			close(b.told)
		}
		for failed == nil {
			_, failed = events.Read()
		}
	})
	b.closers = append(b.closers, func() error {
		err := events.Close()
		reading.Wait()
		if errors.Is(failed, os.ErrClosed) {
			return err
		}
		return errors.Join(err, failed)
	})
	return nil
}
