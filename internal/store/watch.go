package store

import (
	"context"

	"ringfence/internal/vpc"
)

// A Watcher tells what has changed since it told last. It is for one goroutine.
type Watcher struct {
	index *index
	after int64 // -1: has told nothing yet
	least int64 // the first Feed is of this revision or a newer one
}

// Watch returns a watcher whose first Feed is Whole, and has every write that
// was acknowledged before the call. To go on after a revision that an earlier
// watcher has told of, use Resume.
func (s *Store) Watch() *Watcher { return s.Resume(-1) }

// Resume returns a watcher for what has changed after revision. When that is
// too long ago its first Feed is Whole.
func (s *Store) Resume(revision int64) *Watcher {
	return &Watcher{index: s.index, after: revision, least: s.Revision()}
}

// Next waits until there is something new, and returns it as one Feed. A
// watcher that comes late gets the newest state of each noun, not its history,
// as far as no packet can meet a mixture of two revisions: of those that change
// what is enforced each has a Feed of its own, or a run of them that change only
// rules of one direction. A Feed may be empty but for its revision, when what has
// changed is not for agents. Next fails when ctx is done, only then.
func (w *Watcher) Next(ctx context.Context) (*vpc.Feed, error) {
	if _, err := w.index.at(ctx, w.least); err != nil {
		return nil, err
	}
	snap, changes, complete, err := w.index.since(ctx, w.after)
	if err != nil {
		return nil, err
	}
	if !complete {
		w.after = snap.revision
		return wholeFeed(snap), nil
	}
	changes, w.after = together(changes, snap.revision)
	return deltaFeed(w.after, changes), nil
}

// together cuts changes before the first revision that must not be enforced in
// one step with those before it. It returns the revision that the others lead to.
func together(changes []change, newest int64) ([]change, int64) {
	var all reach
	for from := 0; from < len(changes); {
		revision, to, its := changes[from].revision, from, reach(0)
		for ; to < len(changes) && changes[to].revision == revision; to++ {
			its |= reachOf(changes[to])
		}
		if !all.goesWith(its) {
			return changes[:from], revision - 1
		}
		all |= its
		from = to
	}
	return changes, newest
}

// A reach is which verdicts changes may alter.
type reach uint8

const (
	ingressRules reach = 1 << iota // those of receivers
	egressRules                    // those of senders
	anyVerdict
)

func reachOf(c change) reach {
	switch kindOf(c.key) {
	case "rule":
		rule, ok := c.noun.(*vpc.Rule)
		if !ok {
			rule, ok = c.was.(*vpc.Rule)
		}
		switch {
		case !ok:
			return 0 // a marker
		case rule.Egress:
			return egressRules
		default:
			return ingressRules
		}
	case "vpc", "vpcsubnet", "gateway", "routetable", "acl", "interface":
		return anyVerdict
	}
	return 0
}

// goesWith reports whether revisions of two reaches may be enforced in one
// step, in which some interfaces have the state before both and others that after
// both: a packet has one receiver and one sender, so it meets nothing new where
// only one of these judges it by other rules.
func (r reach) goesWith(other reach) bool {
	return r == 0 || other == 0 || r == other && (r == ingressRules || r == egressRules)
}

func wholeFeed(snap snapshot) *vpc.Feed {
	f := &vpc.Feed{Revision: snap.revision, Whole: true}
	snap.scan(root, func(_ string, noun any) bool {
		addToFeed(f, noun)
		return true
	})
	return f
}

// deltaFeed returns the newest state of what has changed.
func deltaFeed(revision int64, changes []change) *vpc.Feed {
	f := &vpc.Feed{Revision: revision}
	told := map[string]bool{}
	for i := len(changes) - 1; i >= 0; i-- {
		c := changes[i]
		if was, ok := c.was.(*vpc.ServerCertificate); ok && c.noun != nil && c.noun.(*vpc.ServerCertificate).ARN != was.ARN {
			addGone(f, was) // another path is another ARN, and agents know it by that
		}
		if told[c.key] {
			continue
		}
		told[c.key] = true
		if c.noun != nil {
			addToFeed(f, c.noun)
		} else {
			addGone(f, c.was)
		}
	}
	return f
}

// addToFeed adds noun if it is for agents.
func addToFeed(f *vpc.Feed, noun any) {
	switch n := noun.(type) {
	case *vpc.VPC:
		f.VPCs = append(f.VPCs, n)
	case *vpc.Subnet:
		f.Subnets = append(f.Subnets, n)
	case *vpc.InternetGateway:
		f.Gateways = append(f.Gateways, n)
	case *vpc.RouteTable:
		f.RouteTables = append(f.RouteTables, n)
	case *vpc.SecurityGroup:
		f.Groups = append(f.Groups, n)
	case *vpc.Rule:
		f.Rules = append(f.Rules, n)
	case *vpc.NetworkInterface:
		f.Interfaces = append(f.Interfaces, n)
	case *vpc.NetworkACL:
		f.ACLs = append(f.ACLs, n)
	case *vpc.LoadBalancer:
		f.LoadBalancers = append(f.LoadBalancers, n)
	case *vpc.ServerCertificate:
		f.Certificates = append(f.Certificates, n)
	case *vpc.Instance:
		f.Instances = append(f.Instances, n)
	}
}

// addGone adds the id of noun if it was for agents.
func addGone(f *vpc.Feed, noun any) {
	switch n := noun.(type) {
	case *vpc.VPC:
		f.GoneVPCs = append(f.GoneVPCs, n.ID)
	case *vpc.Subnet:
		f.GoneSubnets = append(f.GoneSubnets, n.ID)
	case *vpc.InternetGateway:
		f.GoneGateways = append(f.GoneGateways, n.ID)
	case *vpc.RouteTable:
		f.GoneRouteTables = append(f.GoneRouteTables, n.ID)
	case *vpc.SecurityGroup:
		f.GoneGroups = append(f.GoneGroups, n.ID)
	case *vpc.Rule:
		f.GoneRules = append(f.GoneRules, n.ID)
	case *vpc.NetworkInterface:
		f.GoneInterfaces = append(f.GoneInterfaces, n.ID)
	case *vpc.NetworkACL:
		f.GoneACLs = append(f.GoneACLs, n.ID)
	case *vpc.LoadBalancer:
		f.GoneLoadBalancers = append(f.GoneLoadBalancers, n.ID)
	case *vpc.ServerCertificate:
		f.GoneCertificates = append(f.GoneCertificates, n.ARN)
	case *vpc.Instance:
		f.GoneInstances = append(f.GoneInstances, n.ID)
	}
}
