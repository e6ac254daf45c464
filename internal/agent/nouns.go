package agent

import (
	"ringfence/internal/vpc"
)

// nouns are what the agent knows besides what the policy does.
type nouns struct {
	instances map[vpc.InstanceID]*vpc.Instance
	groups    map[vpc.GroupID]*vpc.SecurityGroup
}

func newNouns() nouns {
	return nouns{make(map[vpc.InstanceID]*vpc.Instance), make(map[vpc.GroupID]*vpc.SecurityGroup)}
}

func (n *nouns) apply(f *vpc.Feed) {
	if f.Whole {
		clear(n.instances)
		clear(n.groups)
	}
	for _, id := range f.GoneInstances {
		delete(n.instances, id)
	}
	for _, id := range f.GoneGroups {
		delete(n.groups, id)
	}
	for _, i := range f.Instances {
		n.instances[i.ID] = i
	}
	for _, g := range f.Groups {
		n.groups[g.ID] = g
	}
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
