package test

import (
	"encoding/json"
	"strings"
	"testing"
)

// A connection is what ringfence connections --output json says of one.
type connection struct {
	State          string
	Client, Server struct {
		Address  string
		Port     int
		Instance string
		Rule     string
		RuleGone bool
		Packets  int
	}
}

// connections lists some.
func (d *daemon) connections(args ...string) []connection {
	d.t.Helper()
	var list []connection
	if out := d.run(append([]string{"connections", "--output", "json"}, args...)...); json.Unmarshal([]byte(out), &list) != nil {
		d.t.Fatalf("ringfence connections %v says\n%s", args, out)
	}
	return list
}

// TestConnections looks at two connections of one instance through the life of
// their rules, and cuts one of them.
func TestConnections(t *testing.T) {
	d := start(t)
	d.run("ec2-authorize", "default", "-P", "tcp", "-p", "7000", "-s", "203.0.113.0/24")
	server, other := d.launch("ami-eca54085")[0], d.launch("ami-eca54085")[0]
	d.settle()
	mary, albert := d.echo(server, outside("203.0.113.19")), d.session(outside("203.0.113.7"), echoClient, server.public)
	albert.expect("connected")
	albert.exchange()

	list := d.connections(server.id, "--peer", "203.0.113.19")
	if len(list) != 1 || list[0].State != "open" || list[0].Client.Instance != "" || list[0].Server.Instance != server.id ||
		list[0].Server.Address != server.private || list[0].Server.Port != 7000 || list[0].Client.Packets < 3 || list[0].Server.RuleGone {
		t.Fatalf("Mary's connection: %+v", list)
	}
	rule := list[0].Server.Rule
	if found := d.connections("--rule", rule); len(found) != 2 {
		t.Errorf("rule %q has admitted %+v", rule, found)
	}
	for _, party := range []string{"203.0.113.19", server.public, server.private} {
		if found := d.connections(party, "--proto", "tcp", "--rule", rule); len(found) == 0 {
			t.Errorf("%s has no connections", party)
		}
	}
	for _, nothing := range [][]string{{other.id}, {server.id, "--peer", "203.0.113.20"}, {"--rule", "sgr-none"}, {server.id, "--proto", "udp"}, {"--peer", "203.0.113.19:1"}} {
		if found := d.connections(nothing...); len(found) != 0 {
			t.Errorf("%v: %+v", nothing, found)
		}
	}

	// Both outlive their rule, and one can see it.
	d.run("ec2-revoke", "default", "-P", "tcp", "-p", "7000", "-s", "203.0.113.0/24")
	d.settle()
	for _, c := range d.connections(server.id) {
		if c.State != "lingering" || c.Server.Rule != rule || !c.Server.RuleGone {
			t.Errorf("after the rule is gone: %+v", c)
		}
	}
	mary.exchange()
	albert.exchange()

	// One is cut, whoever sends next; the other goes on.
	if cut := d.connections(server.id, "--peer", "203.0.113.19", "--cut"); len(cut) != 1 || cut[0].State != "cut" {
		t.Errorf("cut: %+v", cut)
	}
	if again := d.connections(server.id, "--peer", "203.0.113.19", "--cut"); len(again) != 0 {
		t.Errorf("cut again: %+v", again)
	}
	mary.write("is anybody there?")
	eventually(t, "what Mary sends is dropped", func() bool { return d.dropped("revoked") > 0 })
	mary.silent()
	albert.exchange()
	if list := d.connections(server.id); len(list) != 2 || list[0].State == list[1].State {
		t.Errorf("after the cut: %+v", list)
	}

	if _, errs, status := d.try("connections", "i-00000000"); status != 1 || !strings.Contains(errs, "InvalidInstanceID.NotFound") {
		t.Errorf("of an unknown instance: status %d, %s", status, errs)
	}
	if _, errs, status := d.try("connections", "--peer", "web"); status != 1 || !strings.Contains(errs, `"web" is neither`) {
		t.Errorf("with an unknown peer: status %d, %s", status, errs)
	}
}
