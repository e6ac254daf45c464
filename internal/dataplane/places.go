package dataplane

import (
	"errors"
	"fmt"

	"github.com/cilium/ebpf"

	"ringfence/internal/policy"
	"ringfence/internal/vpc"
)

// places are the entries by which somebody is found: by private addresses, and
// by those on the internet side; and the public IPv4 addresses by which packets
// from private ones leave.
type places struct {
	inside, outside map[kernelLocation]kernelWhereabouts
	publics         map[kernelLocation]kernelPublic
}

func newPlaces() places {
	return places{
		inside: make(map[kernelLocation]kernelWhereabouts), outside: make(map[kernelLocation]kernelWhereabouts),
		publics: make(map[kernelLocation]kernelPublic),
	}
}

// placesOf are those of an interface. On the internet side it is found only if
// its network is joined to the internet.
func placesOf(h *policy.Host, a *attachment, n *vpc.NetworkInterface) places {
	p := newPlaces()
	internet := h.HasInternet(n.NetworkNo)
	for _, addr := range n.Addresses {
		private := toAddr(addr)
		at := kernelLocation{Network: uint32(n.NetworkNo), Addr: private}
		w := kernelWhereabouts{Number: uint32(n.Number), Ifindex: uint32(a.port), Network: uint32(n.NetworkNo), Private: private}
		p.inside[at] = w
		public := addr
		if addr.Is4() {
			if public = n.Public[addr]; !public.IsValid() {
				continue
			}
			p.publics[at] = kernelPublic{Number: uint32(n.Number), Addr: toAddr4(public)}
		}
		if internet {
			p.outside[kernelLocation{Addr: toAddr(public)}] = w
		}
	}
	return p
}

// placesOutside are those of a host on the internet side.
func placesOutside(a *attachment) places {
	p := newPlaces()
	addr := toAddr(a.plug.Outside)
	p.outside[kernelLocation{Addr: addr}] = kernelWhereabouts{Number: a.number, Ifindex: uint32(a.port), Private: addr}
	return p
}

// settleInside lets whoever is behind a port be found by its network, and its
// packets find the way out of it.
func (d *Dataplane) settleInside(a *attachment, want places) error {
	if err := putEntries(d, d.objects.Locations, a.places.inside, want.inside); err != nil {
		return err
	}
	return putEntries(d, d.objects.Publics, a.places.publics, want.publics)
}

// settle lets it be found from the internet side too.
func (d *Dataplane) settle(a *attachment, want places) error {
	if err := d.settleInside(a, want); err != nil {
		return err
	}
	return putEntries(d, d.objects.Locations, a.places.outside, want.outside)
}

// unsettleOutside forgets all places on the internet side but those wanted.
func (d *Dataplane) unsettleOutside(a *attachment, want places) error {
	return dropEntries(d, d.objects.Locations, a.places.outside, want.outside)
}

// unsettle forgets all places but those wanted.
func (d *Dataplane) unsettle(a *attachment, want places) error {
	if err := d.unsettleOutside(a, want); err != nil {
		return err
	}
	if err := dropEntries(d, d.objects.Publics, a.places.publics, want.publics); err != nil {
		return err
	}
	return dropEntries(d, d.objects.Locations, a.places.inside, want.inside)
}

// putEntries writes what is wanted and not there. What is there as it should be
// is let alone: a program that looks it up while it is put may miss it.
func putEntries[K, V comparable](d *Dataplane, m *ebpf.Map, there, want map[K]V) error {
	for k, v := range want {
		if was, ok := there[k]; ok && was == v {
			continue
		}
		d.step()
		if err := m.Put(&k, &v); err != nil {
			return fmt.Errorf("put entry %+v of map %v: %w", k, m, err)
		}
		there[k] = v
	}
	return nil
}

// dropEntries removes what is there and not wanted, unless it is somebody
// else's by now.
func dropEntries[K, V comparable](d *Dataplane, m *ebpf.Map, there, want map[K]V) error {
	for k, v := range there {
		if _, ok := want[k]; ok {
			continue
		}
		d.step()
		var now V
		switch err := m.Lookup(&k, &now); {
		case errors.Is(err, ebpf.ErrKeyNotExist):
		case err != nil:
			return fmt.Errorf("look up entry %+v of map %v: %w", k, m, err)
		case now == v:
			if err := deleteAll(m, []K{k}); err != nil {
				return err
			}
		}
		delete(there, k)
	}
	return nil
}
