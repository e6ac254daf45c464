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
	attached   map[string]map[vpc.InterfaceID]bool // interfaces by the machine that has them

	balancers    map[vpc.LoadBalancerID]*vpc.LoadBalancer
	registered   map[vpc.InstanceID]map[vpc.LoadBalancerID]bool // by the balancers' Instances
	certificates map[string]*vpc.ServerCertificate              // by ARN
}

// machineOf is the id of the machine that an interface belongs to: that of its
// instance, or for a load balancer's node its own; "" when it is nobody's.
func machineOf(n *vpc.NetworkInterface) string {
	if n.IsBalancerNode() {
		return string(n.ID)
	}
	return string(n.Instance)
}

func newNouns() nouns {
	return nouns{
		vpcs:       make(map[vpc.NetworkID]*vpc.VPC),
		subnets:    make(map[vpc.SubnetID]*vpc.Subnet),
		instances:  make(map[vpc.InstanceID]*vpc.Instance),
		groups:     make(map[vpc.GroupID]*vpc.SecurityGroup),
		interfaces: make(map[vpc.InterfaceID]*vpc.NetworkInterface),
		attached:   make(map[string]map[vpc.InterfaceID]bool),

		balancers:    make(map[vpc.LoadBalancerID]*vpc.LoadBalancer),
		registered:   make(map[vpc.InstanceID]map[vpc.LoadBalancerID]bool),
		certificates: make(map[string]*vpc.ServerCertificate),
	}
}

// apply takes a feed, and returns the ids of the machines that it touches: with
// what they are, with their interfaces, or with what they balance.
func (n *nouns) apply(f *vpc.Feed) []string {
	var touched []string
	if f.Whole {
		for id := range n.instances {
			touched = append(touched, string(id))
		}
		touched = slices.AppendSeq(touched, maps.Keys(n.attached))
		*n = newNouns()
	}
	remove(n.vpcs, f.GoneVPCs)
	remove(n.subnets, f.GoneSubnets)
	remove(n.groups, f.GoneGroups)
	remove(n.instances, f.GoneInstances)
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
		touched = append(touched, string(i.ID))
	}
	for _, id := range f.GoneInstances {
		touched = append(touched, string(id))
	}
	for _, id := range f.GoneInterfaces {
		touched = append(touched, n.detach(id))
	}
	for _, i := range f.Interfaces {
		touched = append(touched, n.detach(i.ID), machineOf(i))
		n.attach(i)
	}
	touched = append(touched, n.applyBalancers(f)...)
	return slices.DeleteFunc(touched, func(id string) bool { return id == "" })
}

// applyBalancers takes what a feed says of load balancers, and returns the nodes
// that it touches, also with the instances behind them.
func (n *nouns) applyBalancers(f *vpc.Feed) []string {
	changed := make(map[vpc.LoadBalancerID]bool)
	for _, id := range f.GoneLoadBalancers {
		n.register(id, nil)
	}
	for _, lb := range f.LoadBalancers {
		n.register(lb.ID, lb)
		changed[lb.ID] = true
	}
	for _, i := range f.Instances {
		maps.Copy(changed, n.registered[i.ID])
	}
	for _, id := range f.GoneInstances {
		maps.Copy(changed, n.registered[id])
	}
	remove(n.certificates, f.GoneCertificates) // one that has its old ARN again is among both
	for _, c := range f.Certificates {
		n.certificates[c.ARN] = c
	}
	if len(f.Certificates) > 0 { // there are few, and they change seldom
		for id := range n.balancers {
			changed[id] = true
		}
	}
	var nodes []string
	for id := range changed {
		for _, node := range n.balancers[id].Nodes {
			nodes = append(nodes, string(node.Interface))
		}
	}
	return nodes
}

// register replaces a load balancer; nil is none.
func (n *nouns) register(id vpc.LoadBalancerID, lb *vpc.LoadBalancer) {
	if old := n.balancers[id]; old != nil {
		for _, i := range old.Instances {
			delete(n.registered[i], id)
			if len(n.registered[i]) == 0 {
				delete(n.registered, i)
			}
		}
		delete(n.balancers, id)
	}
	if lb == nil {
		return
	}
	n.balancers[id] = lb
	for _, i := range lb.Instances {
		if n.registered[i] == nil {
			n.registered[i] = make(map[vpc.LoadBalancerID]bool)
		}
		n.registered[i][id] = true
	}
}

func remove[ID comparable, Noun any](from map[ID]Noun, gone []ID) {
	for _, id := range gone {
		delete(from, id)
	}
}

// attach puts an interface in.
func (n *nouns) attach(i *vpc.NetworkInterface) {
	n.interfaces[i.ID] = i
	machine := machineOf(i)
	if machine == "" {
		return
	}
	if n.attached[machine] == nil {
		n.attached[machine] = make(map[vpc.InterfaceID]bool)
	}
	n.attached[machine][i.ID] = true
}

// detach takes an interface out, and returns the machine that it belonged to, if
// any.
func (n *nouns) detach(id vpc.InterfaceID) string {
	old := n.interfaces[id]
	if old == nil {
		return ""
	}
	delete(n.interfaces, id)
	machine := machineOf(old)
	delete(n.attached[machine], id)
	if len(n.attached[machine]) == 0 {
		delete(n.attached, machine)
	}
	return machine
}

// interfacesOf are the interfaces of an instance, by device index.
func (n *nouns) interfacesOf(id vpc.InstanceID) []*vpc.NetworkInterface {
	return n.interfacesAt(string(id))
}

// interfacesAt are the interfaces of a machine, by device index.
func (n *nouns) interfacesAt(machine string) []*vpc.NetworkInterface {
	var list []*vpc.NetworkInterface
	for eni := range n.attached[machine] {
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
