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
// watcher that comes late gets the newest state of each noun, not its history;
// but of the revisions that change what is enforced each has a Feed of its own,
// so that no packet meets a mixture of two. A Feed may be empty but for its
// revision, when what has changed is not for agents. Next fails when ctx is
// done, only then.
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
	changes, w.after = oneEnforced(changes, snap.revision)
	return deltaFeed(w.after, changes), nil
}

// oneEnforced cuts changes before the second revision that changes what is
// enforced. It returns the revision that the others lead to.
func oneEnforced(changes []change, newest int64) ([]change, int64) {
	var first int64 // that changes what is enforced
	for i, c := range changes {
		switch {
		case !isEnforced(c):
		case first == 0:
			first = c.revision
		case c.revision != first:
			// What else the second revision has done may come before c.
			for i > 0 && changes[i-1].revision == c.revision {
				i--
			}
			return changes[:i], c.revision - 1
		}
	}
	return changes, newest
}

// isEnforced reports whether a change may alter a verdict.
func isEnforced(c change) bool {
	switch kindOf(c.key) {
	case "vpc", "vpcsubnet", "gateway", "routetable", "acl", "rule", "interface":
		return true
	}
	return false
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
