package agent

import (
	"cmp"
	"maps"
	"slices"

	"ringfence/internal/vpc"
)

// nouns are what the agent knows besides what the policy does.
type nouns struct {
	vpcs       map[vpc.NetworkID]*vpc.VPC
	subnets    map[vpc.SubnetID]*vpc.Subnet
	instances  map[vpc.InstanceID]*vpc.Instance
	groups     map[vpc.GroupID]*vpc.SecurityGroup
	interfaces map[vpc.InterfaceID]*vpc.NetworkInterface
	attached   map[vpc.InstanceID]map[vpc.InterfaceID]bool // interfaces by their Instance
}

func newNouns() nouns {
	return nouns{
		vpcs:       make(map[vpc.NetworkID]*vpc.VPC),
		subnets:    make(map[vpc.SubnetID]*vpc.Subnet),
		instances:  make(map[vpc.InstanceID]*vpc.Instance),
		groups:     make(map[vpc.GroupID]*vpc.SecurityGroup),
		interfaces: make(map[vpc.InterfaceID]*vpc.NetworkInterface),
		attached:   make(map[vpc.InstanceID]map[vpc.InterfaceID]bool),
	}
}

// apply takes a feed, and returns the instances that it touches: with what they
// are, or with their interfaces.
func (n *nouns) apply(f *vpc.Feed) []vpc.InstanceID {
	var touched []vpc.InstanceID
	if f.Whole {
		touched = slices.Collect(maps.Keys(n.instances))
		*n = newNouns()
	}
	remove(n.vpcs, f.GoneVPCs)
	remove(n.subnets, f.GoneSubnets)
	remove(n.groups, f.GoneGroups)
	remove(n.instances, f.GoneInstances)
	touched = append(touched, f.GoneInstances...)
	for _, v := range f.VPCs {
		n.vpcs[v.ID] = v
	}
	for _, s := range f.Subnets {
		n.subnets[s.ID] = s
	}
	for _, g := range f.Groups {
		n.groups[g.ID] = g
	}
	for _, i := range f.Instances {
		n.instances[i.ID] = i
		touched = append(touched, i.ID)
	}
	for _, id := range f.GoneInterfaces {
		touched = append(touched, n.detach(id))
	}
	for _, i := range f.Interfaces {
		touched = append(touched, n.detach(i.ID), i.Instance)
		n.attach(i)
	}
	return slices.DeleteFunc(touched, func(id vpc.InstanceID) bool { return id == "" })
}

func remove[ID comparable, Noun any](from map[ID]Noun, gone []ID) {
	for _, id := range gone {
		delete(from, id)
	}
}

// attach puts an interface in.
func (n *nouns) attach(i *vpc.NetworkInterface) {
	n.interfaces[i.ID] = i
	if i.Instance == "" {
		return
	}
	if n.attached[i.Instance] == nil {
		n.attached[i.Instance] = make(map[vpc.InterfaceID]bool)
	}
	n.attached[i.Instance][i.ID] = true
}

// detach takes an interface out, and returns the instance that it was attached
// to, if any.
func (n *nouns) detach(id vpc.InterfaceID) vpc.InstanceID {
	old := n.interfaces[id]
	if old == nil {
		return ""
	}
	delete(n.interfaces, id)
	delete(n.attached[old.Instance], id)
	if len(n.attached[old.Instance]) == 0 {
		delete(n.attached, old.Instance)
	}
	return old.Instance
}

// interfacesOf are the interfaces of an instance, by device index.
func (n *nouns) interfacesOf(id vpc.InstanceID) []*vpc.NetworkInterface {
	var list []*vpc.NetworkInterface
	for eni := range n.attached[id] {
		list = append(list, n.interfaces[eni])
	}
	slices.SortFunc(list, func(a, b *vpc.NetworkInterface) int { return cmp.Compare(a.Device(), b.Device()) })
	return list
}

// first is the interface of an instance's device 0, nil while there is none.
func (n *nouns) first(id vpc.InstanceID) *vpc.NetworkInterface {
	if list := n.interfacesOf(id); len(list) > 0 && list[0].Device() == 0 {
		return list[0]
	}
	return nil
}

// groupNames are the names of groups, in their order.
func (n *nouns) groupNames(ids []vpc.GroupID) []string {
	names := make([]string, 0, len(ids))
	for _, id := range ids {
		if g := n.groups[id]; g != nil {
			names = append(names, g.Name)
		}
	}
	return names
}

// indexes hands out the indexes of links in the dataplane namespace, the lowest
// first, so that the kernel's table of ports stays small. The lowest ones are
// taken by loopback and by whatever else the kernel makes in a namespace.
type indexes struct{ taken map[int]bool }

const (
	hostLinkIndex = 15
	firstIndex    = 16
)

func newIndexes() *indexes { return &indexes{make(map[int]bool)} }

func (i *indexes) take() int {
	for n := firstIndex; ; n++ {
		if !i.taken[n] {
			i.taken[n] = true
			return n
		}
	}
}

func (i *indexes) keep(n int) { i.taken[n] = true }

func (i *indexes) give(n int) { delete(i.taken, n) }
