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

// Next waits until there is something new, and returns all of it as one Feed:
// a watcher that comes late gets the newest state of each noun, not its
// history. A Feed may be empty but for its revision, when what has changed is
// not for agents. Next fails when ctx is done, only then.
func (w *Watcher) Next(ctx context.Context) (*vpc.Feed, error) {
	if _, err := w.index.at(ctx, w.least); err != nil {
		return nil, err
	}
	snap, changes, complete, err := w.index.since(ctx, w.after)
	if err != nil {
		return nil, err
	}
	w.after = snap.revision
	if !complete {
		return wholeFeed(snap), nil
	}
	return deltaFeed(snap.revision, changes), nil
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
	case *vpc.SecurityGroup:
		f.Groups = append(f.Groups, n)
	case *vpc.Rule:
		f.Rules = append(f.Rules, n)
	case *vpc.NetworkInterface:
		f.Interfaces = append(f.Interfaces, n)
	case *vpc.NetworkACL:
		f.ACLs = append(f.ACLs, n)
	case *vpc.Instance:
		f.Instances = append(f.Instances, n)
	}
}

// addGone adds the id of noun if it was for agents.
func addGone(f *vpc.Feed, noun any) {
	switch n := noun.(type) {
	case *vpc.SecurityGroup:
		f.GoneGroups = append(f.GoneGroups, n.ID)
	case *vpc.Rule:
		f.GoneRules = append(f.GoneRules, n.ID)
	case *vpc.NetworkInterface:
		f.GoneInterfaces = append(f.GoneInterfaces, n.ID)
	case *vpc.NetworkACL:
		f.GoneACLs = append(f.GoneACLs, n.ID)
	case *vpc.Instance:
		f.GoneInstances = append(f.GoneInstances, n.ID)
	}
}
