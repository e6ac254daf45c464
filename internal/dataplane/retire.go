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

// awaitRetired waits until all that is retired can be removed, and removes it.
func (d *Dataplane) awaitRetired() error {
	for len(d.retired) > 0 {
		if err := d.awaitOldest(); err != nil {
			return err
		}
	}
	return nil
}

// awaitOldest waits until what has been retired first can be removed, and removes
// it.
func (d *Dataplane) awaitOldest() error {
	time.Sleep(time.Until(d.retired[0].until))
	return d.finishRetired(time.Now())
}

// retireSlot removes a slot that nobody is to be judged by any more.
func (d *Dataplane) retireSlot(s *slot) {
	if s != nil {
		d.retire(func() error { return d.remove(s) })
	}
}
