package dataplane

import (
	"fmt"
	"time"
)

// A retirement removes what packets meet no longer, once no program that has
// met it before can be running.
type retirement struct {
	until  time.Time
	remove func() error
}

// programGrace is longer than any run of a program.
const programGrace = 100 * time.Millisecond

func (d *Dataplane) retire(remove func() error) {
	d.retired = append(d.retired, retirement{time.Now().Add(programGrace), remove})
}

// finishRetired removes what has been retired for long enough. What cannot be
// removed is tried again the next time.
func (d *Dataplane) finishRetired(now time.Time) error {
	for len(d.retired) > 0 && !d.retired[0].until.After(now) {
		if err := d.retired[0].remove(); err != nil {
			return fmt.Errorf("remove what is retired: %w", err)
		}
		d.retired = d.retired[1:]
	}
	return nil
}

// retireSlot removes a slot that nobody is to be judged by any more.
func (d *Dataplane) retireSlot(s *slot) {
	if s != nil {
		d.retire(func() error { return d.remove(s) })
	}
}

// vacate closes judges that nobody is judged by any more.
func (d *Dataplane) vacate(in *shared[kernelJudges], s *judgeSet, indexes *allocator) {
	d.lastVersion++
	version := d.lastVersion
	d.retire(func() error {
		publish(in.at(s.index), closedSlot, closedSlot, version)
		in.at(s.index).Identity = 0
		indexes.give(s.index, time.Now())
		return nil
	})
	d.retireSlot(s.ingress)
	d.retireSlot(s.egress)
}
