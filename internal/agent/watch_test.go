package agent

import (
	"net/netip"
	"testing"

	"ringfence/internal/dataplane"
	"ringfence/internal/policy"
	"ringfence/internal/vpc"
)

func newTestWatcher(drops bool, size int, interfaces map[vpc.InterfaceNumber]vpc.InterfaceID) *watcher {
	w := &watcher{drops: drops, events: make(chan watchedEvent, size)}
	w.interfaces.Store(&interfaces)
	return w
}

func TestWatchersGetWhatConcernsThem(t *testing.T) {
	sender := newTestWatcher(false, 9, map[vpc.InterfaceNumber]vpc.InterfaceID{1: "eni-1"})
	receiver := newTestWatcher(true, 9, map[vpc.InterfaceNumber]vpc.InterfaceID{2: "eni-2", 3: "eni-3"})
	ws := watchers{all: map[*watcher]bool{sender: true, receiver: true}}
	between := dataplane.Event{Reason: policy.Admitted, Interface: 2, Sender: dataplane.EventEnd{Interface: 1}, Receiver: dataplane.EventEnd{Interface: 2}}
	ws.hand(&between)
	between.Reason = policy.NoIngressRule
	ws.hand(&between)
	ws.hand(&dataplane.Event{Reason: policy.Spoofed, Interface: 3}) // its ends are not known

	for _, tt := range []struct {
		who  string
		w    *watcher
		want []vpc.InterfaceID
	}{
		{"who watches the sender", sender, []vpc.InterfaceID{"eni-1", "eni-1"}},
		{"who watches drops at the receiver", receiver, []vpc.InterfaceID{"eni-2", "eni-3"}},
	} {
		if len(tt.w.events) != len(tt.want) {
			t.Errorf("%s is told of %d packets", tt.who, len(tt.w.events))
			continue
		}
		for _, want := range tt.want {
			if e := <-tt.w.events; e.id != want {
				t.Errorf("%s is told of %s, want %s", tt.who, e.id, want)
			}
		}
	}
}

// Nobody waits for a watcher that is behind; what it misses is counted.
func TestWatcherThatIsBehind(t *testing.T) {
	w := newTestWatcher(false, 2, map[vpc.InterfaceNumber]vpc.InterfaceID{1: "eni-1"})
	ws := watchers{all: map[*watcher]bool{w: true}}
	for range 5 {
		ws.hand(&dataplane.Event{Reason: policy.NoIngressRule, Interface: 1})
	}
	if told, missed := len(w.events), w.missed.Load(); told != 2 || missed != 3 {
		t.Errorf("told of %d, missed %d", told, missed)
	}
}

func TestAddressText(t *testing.T) {
	for _, tt := range []struct {
		proto vpc.Proto
		at    string
		want  string
	}{
		{vpc.TCP, "10.0.0.1:22", "10.0.0.1:22"},
		{vpc.UDP, "[2001:db8::1]:53", "[2001:db8::1]:53"},
		{vpc.ICMP, "10.0.0.1:2048", "10.0.0.1"},
		{vpc.TCP, "[::]:0", ""},
	} {
		if got := addressText(tt.proto, netip.MustParseAddrPort(tt.at)); got != tt.want {
			t.Errorf("%v %s is %q, want %q", tt.proto, tt.at, got, tt.want)
		}
	}
}
