package policy

import (
	"iter"
	"net/netip"
	"slices"

	"ringfence/internal/vpc"
)

// A Change is what Apply has touched, for whoever keeps a kernel in step.
type Change struct {
	Revision int64

	// Rules are the identities of the sets whose rules differ.
	Rules map[vpc.Identity]bool

	// ACLs are the subnets whose ACL differs.
	ACLs map[vpc.SubnetNumber]bool

	// Routes are the subnets whose routes differ, as far as they lead elsewhere.
	Routes map[vpc.SubnetNumber]bool

	// Gateways are the networks that are joined to the internet and were not,
	// or the other way round.
	Gateways map[vpc.NetworkNumber]bool

	// Left and Joined are interfaces as they were and as they are. One that
	// was changed is in both.
	Left, Joined []*vpc.NetworkInterface

	// Appeared and Vanished are sets that some interface has now, and that
	// none has any more.
	Appeared, Vanished []*Set
}

// Apply brings h to the feed's revision.
func (h *Host) Apply(f *vpc.Feed) *Change {
	c := newChange(f.Revision)
	if f.Whole {
		f = h.completed(f)
	}
	networks := h.rerouted(f)
	routes := h.routing(networks)
	h.applyRoutes(f)
	before := make(map[vpc.Identity]*Set)
	for _, id := range f.GoneInterfaces {
		h.removeInterface(id, c, before)
	}
	for _, n := range f.Interfaces {
		h.putInterface(n, c, before)
	}
	for _, id := range f.GoneRules {
		h.removeRule(id, c)
	}
	for _, r := range f.Rules {
		h.putRule(r, c)
	}
	for _, id := range f.GoneACLs {
		h.removeACL(id, c)
	}
	for _, a := range f.ACLs {
		h.removeACL(a.ID, c)
		h.acls[a.ID] = a
		for _, s := range a.Subnets {
			h.aclOf[s.SubnetNo] = a
			c.ACLs[s.SubnetNo] = true
		}
	}
	h.compareSets(before, c)
	compareRouting(routes, h.routing(networks), c)
	h.Revision = f.Revision
	return c
}

// Everything is the change from a kernel of which nothing is sure.
func (h *Host) Everything() *Change {
	c := newChange(h.Revision)
	for id, set := range h.sets {
		c.Rules[id] = true
		c.Appeared = append(c.Appeared, set)
	}
	for _, n := range h.interfaces {
		c.Left, c.Joined = append(c.Left, n), append(c.Joined, n)
		c.ACLs[n.SubnetNo], c.Routes[n.SubnetNo] = true, true
		c.Gateways[n.NetworkNo] = true
	}
	for _, s := range h.subnets {
		c.ACLs[s.Number], c.Routes[s.Number] = true, true
	}
	for number := range h.vpcByNumber {
		c.Gateways[number] = true
	}
	return c
}

func newChange(revision int64) *Change {
	return &Change{
		Revision: revision,
		Rules:    make(map[vpc.Identity]bool),
		ACLs:     make(map[vpc.SubnetNumber]bool),
		Routes:   make(map[vpc.SubnetNumber]bool),
		Gateways: make(map[vpc.NetworkNumber]bool),
	}
}

// completed returns a whole feed as the change from what h knows: all that the
// feed does not have is gone.
func (h *Host) completed(f *vpc.Feed) *vpc.Feed {
	g := *f
	g.GoneVPCs = missing(h.vpcs, f.VPCs, vpcID)
	g.GoneSubnets = missing(h.subnets, f.Subnets, subnetID)
	g.GoneGateways = missing(h.gateways, f.Gateways, gatewayID)
	g.GoneRouteTables = missing(h.tables, f.RouteTables, tableID)
	g.GoneInterfaces = missing(h.interfaces, f.Interfaces, interfaceID)
	g.GoneRules = missing(h.rules, f.Rules, ruleID)
	g.GoneACLs = missing(h.acls, f.ACLs, aclID)
	return &g
}

// missing are the ids of nouns that are known and not in a list.
func missing[ID comparable, Noun any](known map[ID]Noun, list []Noun, id func(Noun) ID) []ID {
	listed := make(map[ID]bool, len(list))
	for _, noun := range list {
		listed[id(noun)] = true
	}
	var gone []ID
	for i := range known {
		if !listed[i] {
			gone = append(gone, i)
		}
	}
	return gone
}

func (h *Host) putInterface(n *vpc.NetworkInterface, c *Change, before map[vpc.Identity]*Set) {
	h.removeInterface(n.ID, c, before)
	h.interfaces[n.ID], h.byNumber[n.Number] = n, n
	for _, a := range n.Addresses {
		h.byAddr[location{n.NetworkNo, a}] = n
	}
	for private, public := range publicAddresses(n) {
		h.byPublic[public] = holder{n, private}
	}
	h.noteClassic(n, c)
	remember(before, n.Identity, h.sets[n.Identity])
	set := h.sets[n.Identity]
	if set == nil {
		set = &Set{Identity: n.Identity, Groups: n.Groups, OpenEgress: n.Network == vpc.ClassicNetwork}
		h.addSet(set)
	}
	set.members++
	c.Joined = append(c.Joined, n)
}

func (h *Host) removeInterface(id vpc.InterfaceID, c *Change, before map[vpc.Identity]*Set) {
	n := h.interfaces[id]
	if n == nil {
		return
	}
	delete(h.interfaces, id)
	delete(h.byNumber, n.Number)
	for _, a := range n.Addresses {
		if at := (location{n.NetworkNo, a}); h.byAddr[at] == n {
			delete(h.byAddr, at)
		}
	}
	for _, public := range publicAddresses(n) {
		if h.byPublic[public].iface == n {
			delete(h.byPublic, public)
		}
	}
	set := h.sets[n.Identity]
	remember(before, n.Identity, set)
	if set.members--; set.members == 0 {
		h.dropSet(set)
	}
	c.Left = append(c.Left, n)
}

// publicAddresses are the addresses that an interface has on the internet side,
// each with the private one that it stands for. IPv6 has no other than public
// ones.
func publicAddresses(n *vpc.NetworkInterface) iter.Seq2[netip.Addr, netip.Addr] {
	return func(yield func(private, public netip.Addr) bool) {
		for _, a := range n.Addresses {
			if public, ok := publicOf(n, a); ok && !yield(a, public) {
				return
			}
		}
	}
}

// publicOf returns what an address of an interface is on the internet side.
func publicOf(n *vpc.NetworkInterface, private netip.Addr) (public netip.Addr, ok bool) {
	if private.Is4() {
		public, ok = n.Public[private]
		return public, ok
	}
	return private, slices.Contains(n.Addresses, private)
}

// noteClassic learns from the first interface of an EC2-Classic that there is
// one: no other noun tells. It stays, as its number does.
func (h *Host) noteClassic(n *vpc.NetworkInterface, c *Change) {
	if n.Network != vpc.ClassicNetwork || h.classic[n.NetworkNo] {
		return
	}
	h.classic[n.NetworkNo] = true
	h.numbers[network{n.Region, n.Network}] = n.NetworkNo
	c.Gateways[n.NetworkNo], c.Routes[n.SubnetNo] = true, true
}

func (h *Host) addSet(set *Set) {
	h.sets[set.Identity] = set
	for _, id := range set.Groups {
		if h.setsWith[id] == nil {
			h.setsWith[id] = make(map[vpc.Identity]bool)
		}
		h.setsWith[id][set.Identity] = true
	}
}

func (h *Host) dropSet(set *Set) {
	delete(h.sets, set.Identity)
	for _, id := range set.Groups {
		delete(h.setsWith[id], set.Identity)
		if len(h.setsWith[id]) == 0 {
			delete(h.setsWith, id)
		}
	}
}

// remember keeps what a set was before the first touch.
func remember(before map[vpc.Identity]*Set, id vpc.Identity, set *Set) {
	if _, ok := before[id]; !ok {
		before[id] = set
	}
}

func (h *Host) compareSets(before map[vpc.Identity]*Set, c *Change) {
	for id, old := range before {
		switch now := h.sets[id]; {
		case old == nil && now != nil:
			c.Appeared = append(c.Appeared, now)
		case old != nil && now == nil:
			c.Vanished = append(c.Vanished, old)
		}
	}
}

func (h *Host) putRule(r *vpc.Rule, c *Change) {
	if old := h.rules[r.ID]; old != nil && old.SameAs(r) {
		h.replaceRule(old, r)
		return // only what is said about it differs
	}
	h.removeRule(r.ID, c)
	h.rules[r.ID] = r
	g := h.ofGroup[r.Group]
	if g == nil {
		g = &groupRules{}
		h.ofGroup[r.Group] = g
	}
	list := g.direction(r.Egress)
	i, _ := slices.BinarySearchFunc(*list, r, vpc.CompareRules)
	*list = slices.Insert(*list, i, r)
	h.touchGroup(r.Group, c)
}

func (h *Host) replaceRule(old, r *vpc.Rule) {
	h.rules[r.ID] = r
	list := *h.ofGroup[old.Group].direction(old.Egress)
	list[slices.Index(list, old)] = r
}

func (h *Host) removeRule(id vpc.RuleID, c *Change) {
	r := h.rules[id]
	if r == nil {
		return
	}
	delete(h.rules, id)
	g := h.ofGroup[r.Group]
	list := g.direction(r.Egress)
	i := slices.Index(*list, r)
	*list = slices.Delete(*list, i, i+1)
	if len(g.in)+len(g.out) == 0 {
		delete(h.ofGroup, r.Group)
	}
	h.touchGroup(r.Group, c)
}

func (g *groupRules) direction(egress bool) *[]*vpc.Rule {
	if egress {
		return &g.out
	}
	return &g.in
}

func (h *Host) touchGroup(id vpc.GroupID, c *Change) {
	for identity := range h.setsWith[id] {
		c.Rules[identity] = true
	}
}

func (h *Host) removeACL(id vpc.ACLID, c *Change) {
	a := h.acls[id]
	if a == nil {
		return
	}
	delete(h.acls, id)
	for _, s := range a.Subnets {
		if h.aclOf[s.SubnetNo] == a {
			delete(h.aclOf, s.SubnetNo)
		}
		c.ACLs[s.SubnetNo] = true
	}
}
