package test

import (
	"fmt"
	"os"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"
)

// createBalancer creates a load balancer by the tools of 2012, whose health
// checks are quick, and returns its DNS name.
func (d *daemon) createBalancer(name, target string, args ...string) string {
	d.t.Helper()
	created := d.run(append([]string{"elb-create-lb", name}, args...)...)
	d.run("elb-configure-healthcheck", name, "--target", target, "--interval", "5", "--timeout", "2", "--unhealthy-threshold", "2", "--healthy-threshold", "2")
	return strings.Fields(created)[1]
}

// register registers instances and waits until they are in service.
func (d *daemon) register(lb string, instances ...instance) {
	d.t.Helper()
	for _, i := range instances {
		d.run("elb-register-instances-with-lb", lb, "--instances", i.id)
	}
	for _, i := range instances {
		d.health(lb, i.id, "InService")
	}
}

// A WebSocket's upgrade and frames (RFC 6455), with text shorter than 126 bytes.
const (
	webSocketServer = `
import base64, hashlib, socket
s = socket.create_server(("", 7001))
print("listening")
while True:
    c, _ = s.accept()
    f = c.makefile("rwb")
    headers = {}
    f.readline()
    while line := f.readline().strip():
        name, value = line.split(b": ", 1)
        headers[name.lower()] = value
    if headers.get(b"upgrade") != b"websocket":
        c.close()
        continue
    accept = base64.b64encode(hashlib.sha1(headers[b"sec-websocket-key"] + b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11").digest())
    f.write(b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: " + accept + b"\r\n\r\n")
    f.flush()
    while (head := f.read(2)) and head[0] == 0x81:
        mask = f.read(4)
        text = bytes(b ^ mask[i % 4] for i, b in enumerate(f.read(head[1] & 0x7f)))
        f.write(bytes([0x81, len(text)]) + text)
        f.flush()
`
	webSocketClient = `
import socket, sys
f = socket.create_connection((sys.argv[1], 7001), timeout=20).makefile("rwb")
f.write(b"GET / HTTP/1.1\r\nHost: " + sys.argv[1].encode() + b"\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n")
f.flush()
answer = b""
while (line := f.readline()).strip():
    answer += line
print("upgraded" if b" 101 " in answer and b"s3pPLMBiTxaQ9kYGzzhZRbK+xOo=" in answer else answer)
for line in sys.stdin:
    text = line.strip().encode()
    f.write(bytes([0x81, 0x80 | len(text)]) + bytes(4) + text)
    f.flush()
    print(f.read(f.read(2)[1]).decode())
`
)

// TestNodesOutliveTheDaemon ends the daemon in both ways under connections that
// go through a load balancer: one of lines, and a WebSocket. They know nothing
// of it. Cleaning up removes the nodes as well; they come back with the daemon.
func TestNodesOutliveTheDaemon(t *testing.T) {
	needHAProxy(t)
	t.Parallel()
	d := startLasting(t)
	d.run("ec2-authorize", "default", "-u", "amazon-elb", "-o", "amazon-elb-sg")
	i := d.launch("ami-fba54092", "-z", "us-east-1a")[0]
	name := d.createBalancer("front", "TCP:80", "-z", "us-east-1a", "-l", "protocol=tcp,lb-port=80,instance-port=80",
		"-l", "protocol=tcp,lb-port=7000,instance-port=7000", "-l", "protocol=tcp,lb-port=7001,instance-port=7001")
	d.register("front", i)

	lines := d.echo(instance{id: i.id, public: name}, outside("203.0.113.7"))
	d.session(inside(i), webSocketServer).expect("listening")
	socket := d.session(outside("203.0.113.7"), webSocketClient, name)
	socket.expect("upgraded")
	socket.exchange()
	for _, signal := range []os.Signal{syscall.SIGTERM, syscall.SIGKILL} {
		d.stop(signal)
		lines.exchange()
		socket.exchange()
		d.start()
		d.settle()
		lines.exchange()
		socket.exchange()
		d.health("front", i.id, "InService")
	}

	d.stop(syscall.SIGKILL)
	if out, err := d.command("ringfenced", "clean", "--name", d.name).CombinedOutput(); err != nil {
		t.Fatalf("clean: %v\n%s", err, out)
	}
	if left := d.remains(); len(left) > 0 {
		t.Errorf("what is left:\n%s", strings.Join(left, "\n"))
	}
	d.start()
	d.health("front", i.id, "InService")
	eventually(t, "a client is served again", func() bool { return strings.Contains(d.fetch("http://"+name+"/"), "instance "+i.id) })
}

// TestCrossZone asks each of two nodes, in zones of their own: they send
// requests to the instances of their own zone, and with cross-zone load
// balancing to all.
func TestCrossZone(t *testing.T) {
	needHAProxy(t)
	needPrograms(t, "/usr/bin/aws")
	t.Parallel()
	d := start(t)
	d.run("ec2-authorize", "default", "-u", "amazon-elb", "-o", "amazon-elb-sg")
	a, b := d.launch("ami-fba54092", "-z", "us-east-1a")[0], d.launch("ami-fba54092", "-z", "us-east-1b")[0]
	name := d.createBalancer("front", "TCP:80", "-z", "us-east-1a,us-east-1b", "-l", "protocol=http,lb-port=80,instance-port=80")
	d.register("front", a, b)

	var nodes []string
	for line := range strings.Lines(d.run("outside", "--", "getent", "ahostsv4", name)) {
		if f := strings.Fields(line); f[1] == "STREAM" {
			nodes = append(nodes, f[0])
		}
	}
	if len(nodes) != 2 {
		t.Fatalf("the nodes are %v, want two", nodes)
	}
	// served are the instances that answer a node's requests, one after the other.
	served := func(node string) string {
		t.Helper()
		pages := d.run("outside", "--", "curl", "-s", "--max-time", "10", "http://"+node+"/[1-6]")
		var who []string
		for _, i := range []instance{a, b} {
			if strings.Contains(pages, "instance "+i.id) {
				who = append(who, i.id)
			}
		}
		return strings.Join(who, " ")
	}
	alone := []string{served(nodes[0]), served(nodes[1])}
	if slices.Sort(alone); !slices.Equal(alone, slices.Sorted(slices.Values([]string{a.id, b.id}))) {
		t.Errorf("the nodes are served by %q, want each by the instance of its zone", alone)
	}
	cross := func(enabled bool) {
		d.aws(nil, "elb", "modify-load-balancer-attributes", "--load-balancer-name", "front",
			"--load-balancer-attributes", fmt.Sprintf("CrossZoneLoadBalancing={Enabled=%v}", enabled))
	}
	cross(true)
	for _, node := range nodes {
		eventually(t, node+" is served by both instances", func() bool { return served(node) == a.id+" "+b.id })
	}
	cross(false)
	for _, node := range nodes {
		eventually(t, node+" is served by one instance", func() bool { return !strings.Contains(served(node), " ") })
	}
}

// TestGroupsOfNodes changes what governs a listener's port: a rule, and the
// groups of the load balancer. What is let through to a node is the node's alone.
func TestGroupsOfNodes(t *testing.T) {
	needHAProxy(t)
	t.Parallel()
	o := buildOffice(t)
	d := o.d
	subnet := o.subnet(d, "10.7.1.0/24")
	d.run("ec2-associate-route-table", o.table, "-s", subnet)
	group := func(name, port string) string {
		id := d.line("GROUP", "ec2-create-group", name, "-d", name, "-c", o.vpc)[1]
		d.run("ec2-authorize", id, "-P", "tcp", "-p", port)
		return id
	}
	first, second, web := group("first", "80"), group("second", "8080"), group("web", "80")
	d.run("ec2-authorize", web, "-P", "icmp", "-t", "-1:-1")
	i := instance{id: d.line("INSTANCE", "ec2-run-instances", "ami-fba54092", "-s", subnet, "-g", web)[1]}
	d.await("running", i.id)
	name := d.createBalancer("front", "TCP:80", "-s", subnet, "-g", first, "-l", "protocol=http,lb-port=80,instance-port=80")
	d.register("front", i)
	status := func(port string) string {
		t.Helper()
		page := d.fetch("http://" + name + ":" + port + "/")
		return page[len(page)-len("200"):]
	}
	expect := func(why, port, want string) {
		t.Helper()
		if got := status(port); got != want {
			t.Errorf("%s: port %s says %s, want %s", why, port, got, want)
		}
	}
	expect("at first", "80", "200")

	// A new listener waits for a rule.
	d.run("elb-create-lb-listeners", "front", "-l", "protocol=http,lb-port=8080,instance-port=80")
	expect("without a rule", "8080", "000")
	began := time.Now()
	d.run("ec2-authorize", first, "-P", "tcp", "-p", "8080")
	eventually(t, "the new port is served", func() bool { return status("8080") == "200" })
	t.Logf("%v after the call for a rule a client is served", time.Since(began).Round(time.Millisecond))

	// Other groups govern at once.
	if out := d.run("elb-apply-security-groups-to-lb", "front", "-g", second); !strings.Contains(out, second) || strings.Contains(out, first) {
		t.Errorf("the groups are\n%s", out)
	}
	d.settle()
	expect("with another group", "80", "000")
	expect("with another group", "8080", "200")

	// A node answers pings when its groups let it, and passes none on.
	pings := func() string { return d.run("exec", i.id, "--", "awk", "/^Icmp:/ { print $10 }", "/proc/net/snmp") }
	before := pings()
	ping := func() bool {
		_, _, status := d.try("outside", "--", "ping", "-c", "1", "-W", "2", name)
		return status == 0
	}
	if ping() {
		t.Error("a ping is answered without a rule")
	}
	d.run("ec2-authorize", second, "-P", "icmp", "-t", "-1:-1")
	d.settle()
	if !ping() {
		t.Error("no ping is answered")
	}
	if after := pings(); !strings.HasPrefix(after, "InEchos") || after != before {
		t.Errorf("the instance had received %s, now %s", before, after)
	}
}
