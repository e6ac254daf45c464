package scenario

import (
	"maps"
	"net/netip"
	"slices"

	"ringfence/internal/vpc"
)

// moveAddress lets a secondary address pass to another interface of its subnet,
// and back to the one that it is named after, with its public address or without.
func (w *World) moveAddress() []*vpc.NetworkInterface {
	for _, i := range w.rnd.Perm(len(places)) {
		a := secondaryAddr(i)
		from := slices.IndexFunc(w.interfaces, func(n *vpc.NetworkInterface) bool {
			return n.SubnetNo == places[i].subnet && slices.Contains(n.Addresses, a)
		})
		to := slices.IndexFunc(places, func(p place) bool { return p.subnet == places[i].subnet })
		if from == to {
			to = i
		}
		if from < 0 || from == to {
			continue
		}
		giver, taker := *w.interfaces[from], *w.interfaces[to]
		giver.Addresses = toggle(slices.Clone(giver.Addresses), a)
		taker.Addresses = append(slices.Clone(taker.Addresses), a)
		giver.Public, taker.Public = maps.Clone(giver.Public), maps.Clone(taker.Public)
		if public, ok := giver.Public[a]; ok {
			delete(giver.Public, a)
			if w.rnd.IntN(3) > 0 {
				taker.Public[a] = public
			}
		}
		w.interfaces[from], w.interfaces[to] = &giver, &taker
		return []*vpc.NetworkInterface{&taker, &giver}
	}
	return nil
}

// hasPassed reports whether another interface has the secondary address that is
// named after one.
func (w *World) hasPassed(i int) bool {
	return slices.ContainsFunc(w.interfaces, func(n *vpc.NetworkInterface) bool {
		return n.ID != interfaceIDOf(i) && n.NetworkNo == places[i].number && slices.Contains(n.Addresses, secondaryAddr(i))
	})
}

// movePublic lets a public address pass to the primary address of another
// interface, in whatever VPC, which gives up its own.
func (w *World) movePublic() []*vpc.NetworkInterface {
	from, to := 4+w.rnd.IntN(len(places)-4), 4+w.rnd.IntN(len(places)-4)
	giver, taker := *w.interfaces[from], *w.interfaces[to]
	if from == to || len(giver.Public) == 0 {
		return nil
	}
	giver.Public, taker.Public = maps.Clone(giver.Public), maps.Clone(taker.Public)
	private := pick(w.rnd, slices.SortedFunc(maps.Keys(giver.Public), netip.Addr.Compare))
	taker.Public[taker.Primary()] = giver.Public[private]
	delete(giver.Public, private)
	w.interfaces[from], w.interfaces[to] = &giver, &taker
	return []*vpc.NetworkInterface{&taker, &giver}
}

// isFree reports whether no other interface than that of an index has a public
// address.
func (w *World) isFree(public netip.Addr, i int) bool {
	return !slices.ContainsFunc(w.interfaces, func(n *vpc.NetworkInterface) bool {
		return n.ID != interfaceIDOf(i) && slices.Contains(slices.Collect(maps.Values(n.Public)), public)
	})
}
