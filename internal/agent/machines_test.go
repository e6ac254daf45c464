package agent

import (
	"testing"

	"ringfence/internal/vpc"
)

// What the agent has told the server takes a moment to come back by the feed.
// Until then nothing is done about the old state: an instance that has shut
// itself down is not booted again because it is still said to be running.
func TestWhatWasToldIsNotDoneAgain(t *testing.T) {
	for _, c := range []struct {
		feed, told           vpc.InstanceState
		generation, toldOfIt int
		want                 bool
	}{
		{vpc.Pending, vpc.Running, 1, 1, true},
		{vpc.Pending, vpc.Stopped, 1, 1, true},
		{vpc.Pending, vpc.Terminated, 1, 1, true},
		{vpc.Running, vpc.Stopped, 1, 1, true},
		{vpc.Stopping, vpc.Stopped, 1, 1, true},
		{vpc.ShuttingDown, vpc.Terminated, 1, 1, true},

		{vpc.Running, vpc.Running, 1, 1, false},
		{vpc.Running, vpc.Stopped, 2, 1, false}, // rebooted meanwhile
		{vpc.ShuttingDown, vpc.Stopped, 1, 1, false},
		{vpc.Stopped, vpc.Stopped, 1, 1, false},
	} {
		const id = "i-1"
		a := &Agent{told: map[vpc.InstanceID]vpc.Report{id: {Instance: id, State: c.told, Generation: c.toldOfIt}}}
		if got := a.hasTold(&vpc.Instance{ID: id, State: c.feed, Generation: c.generation}); got != c.want {
			t.Errorf("instance %s of boot %d, told %s of boot %d: hasTold is %v, want %v", c.feed, c.generation, c.told, c.toldOfIt, got, c.want)
		}
	}
}

// Who ends an instance before it has booted gets no failed launch.
func TestABootIsWantedUntilItsOwnerEndsIt(t *testing.T) {
	const id = "i-1"
	i := &vpc.Instance{ID: id, State: vpc.Pending, Generation: 1}
	for _, c := range []struct {
		now  *vpc.Instance
		want bool
	}{
		{i, true},
		{&vpc.Instance{ID: id, State: vpc.Running, Generation: 1}, true},
		{&vpc.Instance{ID: id, State: vpc.Running, Generation: 2}, false},
		{&vpc.Instance{ID: id, State: vpc.ShuttingDown, Generation: 1}, false},
		{&vpc.Instance{ID: id, State: vpc.Stopping, Generation: 1}, false},
		{nil, false},
	} {
		a := &Agent{nouns: newNouns()}
		if c.now != nil {
			a.nouns.instances[id] = c.now
		}
		if got := a.isWanted(i); got != c.want {
			t.Errorf("with %+v, isWanted is %v, want %v", c.now, got, c.want)
		}
	}
}
