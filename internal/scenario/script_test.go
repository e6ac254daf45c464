package scenario_test

import (
	"fmt"
	"os"
	"strings"
	"testing"

	"ringfence/internal/scenario"
)

// world is where the scenarios of these tests are played.
const world = `
ec2-create-group web
ec2-create-group app
ec2-authorize web -P tcp -p 80 -s 203.0.113.0/24
ec2-authorize web -P tcp -p 443 -s 203.0.113.0/24
attach i-1 10.254.0.10 203.0.113.40 web
attach i-2 10.254.0.11 203.0.113.41 app
outside 203.0.113.7
`

// TestWrongScenarios plays what is not true: every oracle must say so. The last
// column is how the error goes, and "" where an oracle cannot know better.
func TestWrongScenarios(t *testing.T) {
	const (
		opens  = "packet tcp 203.0.113.7:40000 > i-1:80 syn\n"
		knocks = "packet tcp 203.0.113.7:40000 > i-1:22 syn\n"
		by80   = " 'web tcp 80 from 203.0.113.0/24'\n"
	)
	tests := []struct{ text, specification, kernel string }{
		{opens + "verdict accept i-1 admitted" + by80, "", ""},
		{opens + "verdict drop i-1 no-ingress-rule", "got accept", "got accept"},
		{opens + "verdict accept i-1 admitted 'web tcp 443 from 203.0.113.0/24'", "got accept", "got accept"},
		{opens + "verdict accept i-1 known" + by80, "got accept", "got accept"},
		{opens + "verdict accept i-2 admitted" + by80, "got accept", "got accept"},
		{knocks + "verdict accept i-1 admitted" + by80, "got drop", "got drop"},
		{knocks + "verdict drop i-1 no-route", "got drop no-ingress-rule", "got drop no-ingress-rule"},
		{knocks + "verdict ignored", "got drop", "got drop"},

		// Only kernels deliver and count.
		{knocks + "verdict drop i-2 no-ingress-rule", "", "counted"},
		{opens + "verdict accept i-1 admitted" + by80 + "arrives tcp 203.0.113.7:40000 > 203.0.113.40:80", "", "10.254.0.10:80"},
		{opens + "verdict accept i-1 admitted" + by80 + "counters" + strings.TrimSuffix(by80, "\n") + " 2", "", "1, not 2"},
		{knocks + "verdict drop i-1 no-ingress-rule\ncounters i-1 no-ingress-rule 2", "", "1, not 2"},

		// A handshake is three packets that pass.
		{"handshake tcp 203.0.113.7:40000 > i-1:22", "drop no-ingress-rule", "drop no-ingress-rule"},
	}
	check := func(oracle scenario.Oracle, kernel bool) {
		for i, tt := range tests {
			want := tt.specification
			if kernel {
				want = tt.kernel
			}
			err := scenario.Play(fmt.Sprint("wrong one ", i), world+tt.text, oracle)
			if (err == nil) != (want == "") || err != nil && !strings.Contains(err.Error(), want) {
				t.Errorf("%T: %s\n got %v\nwant %q", oracle, tt.text, err, want)
			}
		}
	}
	check(&scenario.Specification{}, false)
	if os.Getuid() != 0 {
		t.Skip("the other oracles need root")
	}
	err := scenario.WithTestRuns(scenario.Mode{}, func(o *scenario.TestRuns) error {
		check(o, true)
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	err = scenario.WithRealPackets(scenario.Mode{}, false, func(o *scenario.RealPackets) error {
		check(o, true)
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
}

// TestMistakes are what an author is told.
func TestMistakes(t *testing.T) {
	tests := []struct{ line, want string }{
		{"pocket tcp 1.2.3.4:5 > i-1:80", "there is no verb \"pocket\""},
		{"packet tcp i-9:1 > i-1:80", "there is no i-9"},
		{"packet sctp 203.0.113.7 > i-1", "\"sctp\" is no protocol"},
		{"packet tcp 203.0.113.7:1 i-1:80", "want PROTO SOURCE > DESTINATION"},
		{"packet udp 203.0.113.7:1 > i-1:80 syn", "a packet of this protocol is not \"syn\""},
		{"packet udp 203.0.113.7:1 > i-1:80 offset=5", "multiple of eight"},
		{"packet udp 203.0.113.7:1 > i-1:80 jumps=5", "a packet has no \"jumps\""},
		{"packet udp 203.0.113.7:1 > i-1:80\nwait 1s", "a packet is followed by its verdict"},
		{"packet udp 203.0.113.7:1 > i-1:80", "the last packet has no verdict"},
		{"packet udp 203.0.113.7:1 > i-1:80\nverdict drop i-1 no-reason", "there is no reason \"no-reason\""},
		{"packet udp 203.0.113.7:1 > i-1:80\nverdict perhaps i-1 admitted", "\"perhaps\" is neither accept nor drop"},
		{"packet udp 203.0.113.7:1 > i-1:80\nverdict accept i-1 admitted 'web udp 80 from everybody'", "there has never been a rule 'web udp 80 from everybody'"},
		{"verdict drop i-1 no-route", "no packet was sent"},
		{"ec2-create-group web", "there is a group 111122223333/web already"},
		{"ec2-authorize nobody -p 80", "there is no group 111122223333/nobody"},
		{"ec2-authorize web -p 80 -s 203.0.113.0/24", "there is a rule 'web tcp 80 from 203.0.113.0/24' already"},
		{"ec2-authorize web -x 80", "want -P, -p, -t, -s, -o or -u"},
		{"ec2-revoke web -p 81", "there is no rule 'web tcp 81 from 0.0.0.0/0'"},
		{"attach i-1 10.254.0.12 web", "there is a i-1 already"},
		{"detach i-9", "nothing is attached that is called i-9"},
		{"ec2-authorize web -p 80 -s 203.0.113.0", "no '/'"},
		{"arrives", "no packet was sent"},
		{"packet udp 203.0.113.7:1 > i-1:80 via", "want via NAME"},
		{"wait long", "invalid duration"},
		{"verdict accept 'i-1", "a quote is not closed"},

		{"ec2-create-subnet front office 10.0.1.0/24", "there is no VPC office"},
		{"ec2-create-vpc office 10.0.0.0", "no '/'"},
		{"ec2-create-group db -c office", "there is no VPC office"},
		{"ec2-create-route inner 0.0.0.0/0 gate", "nothing is attached that is called gate"},
		{"ec2-create-route inner 10.8.0.0/16 i-1", "there is no route table inner"},
		{"ec2-replace-network-acl-association front strict", "there is no subnet front"},
		{"attach-in front i-3 10.0.1.10 nobody", "want addresses, and then groups that there are"},
		{"attach-in front i-3 10.0.1.10 web", "there is no subnet front"},
		{"modify i-1 colour red", "an interface has no \"colour\""},
		{"modify i-1 timeouts icmp=60", "want tcp=, stream= or udp= and seconds"},
		{"packet icmpv6 i-1.six > i-2 echo", "i-1 has no IPv6 address"},
		{"solicit i-1 who-has fe80::1", "i-1 has no IPv6 address"},
	}
	for _, tt := range tests {
		err := scenario.Play("a mistake", world+tt.line, &scenario.Specification{})
		if err == nil || !strings.Contains(err.Error(), tt.want) {
			t.Errorf("%s\n got %v\nwant %s", tt.line, err, tt.want)
		}
	}
}
