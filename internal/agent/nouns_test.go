package agent

import (
	"slices"
	"testing"

	"ringfence/internal/vpc"
)

// A feed touches the instances that it is about, and those whose interfaces it
// changes or moves: nothing else is looked at because of it.
func TestAFeedTouches(t *testing.T) {
	eni := func(id vpc.InterfaceID, instance vpc.InstanceID) *vpc.NetworkInterface {
		return &vpc.NetworkInterface{ID: id, Instance: instance}
	}
	n := newNouns()
	for _, c := range []struct {
		feed vpc.Feed
		want []string
	}{
		{vpc.Feed{Instances: []*vpc.Instance{{ID: "i-1"}, {ID: "i-2"}}}, []string{"i-1", "i-2"}},
		{vpc.Feed{Interfaces: []*vpc.NetworkInterface{eni("eni-1", "i-1"), eni("eni-2", "i-2"), eni("eni-3", "")}}, []string{"i-1", "i-2"}},
		{vpc.Feed{Rules: []*vpc.Rule{{ID: "sgr-1"}}, Groups: []*vpc.SecurityGroup{{ID: "sg-1"}}, GoneRules: []vpc.RuleID{"sgr-2"}}, nil},
		{vpc.Feed{Interfaces: []*vpc.NetworkInterface{eni("eni-2", "i-1")}}, []string{"i-1", "i-2"}}, // moves
		{vpc.Feed{Interfaces: []*vpc.NetworkInterface{eni("eni-2", "")}}, []string{"i-1"}},
		{vpc.Feed{GoneInterfaces: []vpc.InterfaceID{"eni-1", "eni-3"}}, []string{"i-1"}},
		{vpc.Feed{GoneInstances: []vpc.InstanceID{"i-2"}}, []string{"i-2"}},
		{vpc.Feed{Whole: true, Instances: []*vpc.Instance{{ID: "i-3"}}}, []string{"i-1", "i-3"}},
	} {
		got := n.apply(&c.feed)
		slices.Sort(got)
		if got = slices.Compact(got); !slices.Equal(got, c.want) {
			t.Errorf("%+v touches %v, want %v", c.feed, got, c.want)
		}
	}
	if len(n.attached) > 0 {
		t.Errorf("still attached are %v", n.attached)
	}
}
