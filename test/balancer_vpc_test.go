package test

import (
	"fmt"
	"strconv"
	"strings"
	"testing"
)

// TestRecommendedRules applies the recommended groups and ACLs of a load
// balancer and its instances exactly (User Guide for Classic Load Balancers,
// "Configure security groups" and "Network ACLs"), for an internet-facing one
// before private instances and an internal one before public instances: all
// works. Without any one of them its own path fails, and nothing else does.
func TestRecommendedRules(t *testing.T) {
	needHAProxy(t)
	t.Parallel() // it mostly waits for health checks
	o := buildOffice(t)
	tables := []string{"groups", "ACL of the load balancer", "ACL of the instances"}
	for k, internal := range []bool{false, true} {
		for n, table := range tables {
			number := len(tables)*k + n + 1
			t.Run(fmt.Sprintf("internal=%v, %s", internal, table), func(t *testing.T) {
				t.Parallel()
				s := o.setStage(t, number, internal)
				s.works("with all rules")
				for _, r := range s.tables[table] {
					s.failsWithout(r)
				}
			})
		}
	}
}

// officeBlock is the block of addresses of an office.
const officeBlock = "10.7.0.0/16"

// An office is a VPC that the internet side reaches, with a client inside.
type office struct {
	d                  *daemon
	vpc, table, client string
}

func buildOffice(t *testing.T) *office {
	t.Helper()
	d := start(t)
	vpc := d.line("VPC", "ec2-create-vpc", officeBlock)[1]
	gateway := d.line("INTERNETGATEWAY", "ec2-create-internet-gateway")[1]
	d.run("ec2-attach-internet-gateway", gateway, "-c", vpc)
	table := d.line("ROUTETABLE", "ec2-create-route-table", vpc)[1]
	d.run("ec2-create-route", table, "-r", "0.0.0.0/0", "-g", gateway)
	o := &office{d: d, vpc: vpc, table: table}
	desks := o.subnet(d, "10.7.0.0/24")
	o.client = d.line("INSTANCE", "ec2-run-instances", "ami-eca54085", "-s", desks)[1]
	d.await("running", o.client)
	return o
}

// subnet makes a subnet of an office.
func (o *office) subnet(d *daemon, block string) string {
	d.t.Helper()
	return d.line("SUBNET", "ec2addsubnet", "-c", o.vpc, "-i", block, "-z", "us-east-1a")[1]
}

// group makes a group of an office that admits and sends nothing.
func (o *office) group(d *daemon, name string) string {
	d.t.Helper()
	id := d.line("GROUP", "ec2-create-group", name, "-d", name, "-c", o.vpc)[1]
	d.run("ec2-revoke", id, "--egress", "-P", "all", "-s", "0.0.0.0/0")
	return id
}

// A row is one of the recommended rules, and what fails without it.
type row struct {
	what        string
	add, remove []string
	breaks      string // client, requests, health, or requests and health: replies
}

// A stage is a load balancer in an office, and its instance in another subnet.
// Its listener and its instance serve port 80; health is told by port 22.
type stage struct {
	*daemon
	tables   map[string][]row
	name, id string   // of the load balancer and the instance
	ask      []string // a client's command
}

// setStage makes a stage in an office, with all that is recommended. number is
// its own.
func (o *office) setStage(t *testing.T, number int, internal bool) *stage {
	t.Helper()
	d := o.d.forTest(t)
	front := o.subnet(d, fmt.Sprintf("10.7.%d.0/24", 2*number))
	back := o.subnet(d, fmt.Sprintf("10.7.%d.0/24", 2*number+1))
	balancer, web := o.group(d, fmt.Sprint("balancer", number)), o.group(d, fmt.Sprint("web", number))
	clients, requesters, scheme := "0.0.0.0/0", officeBlock, "internet-facing"
	if internal {
		clients, requesters, scheme = officeBlock, "0.0.0.0/0", "internal"
	} else {
		d.run("ec2-associate-route-table", o.table, "-s", front)
	}
	tables := map[string][]row{
		"groups": {
			rule(balancer, "80", "client", "-s", clients),
			rule(balancer, "80", "requests", "--egress", "-o", web),
			rule(balancer, "22", "health", "--egress", "-o", web),
			rule(web, "80", "requests", "-o", balancer),
			rule(web, "22", "health", "-o", balancer),
		},
		"ACL of the load balancer": entries(o.acl(d, front), []entry{
			{"80", "client", clients, false},
			{"1024-65535", "replies", officeBlock, false},
			{"80", "requests", officeBlock, true},
			{"22", "health", officeBlock, true},
			{"1024-65535", "client", clients, true},
		}),
		"ACL of the instances": entries(o.acl(d, back), []entry{
			{"80", "requests", requesters, false},
			{"22", "health", requesters, false},
			{"1024-65535", "replies", requesters, true},
		}),
	}
	for _, rows := range tables {
		for _, r := range rows {
			d.run(r.add...)
		}
	}

	id := d.line("INSTANCE", "ec2-run-instances", "ami-fba54092", "-s", back, "-g", web)[1]
	d.await("running", id)
	s := &stage{daemon: d, tables: tables, name: fmt.Sprint("front", number), id: id}
	address := strings.Fields(d.run("elb-create-lb", s.name, "-l", "protocol=http,lb-port=80,instance-port=80", "-s", front, "-g", balancer, "--scheme", scheme))[1]
	d.run("elb-configure-healthcheck", s.name, "--target", "TCP:22", "--interval", "5", "--timeout", "2", "--unhealthy-threshold", "2", "--healthy-threshold", "2")
	d.run("elb-register-instances-with-lb", s.name, "--instances", id)
	from := []string{"outside"}
	if internal {
		from = []string{"exec", o.client}
	}
	s.ask = append(from, "--", "curl", "-s", "-o", "/dev/null", "--max-time", "3", "-w", "%{http_code}", "http://"+address+"/")
	return s
}

// acl gives a subnet an ACL of its own, which denies all.
func (o *office) acl(d *daemon, subnet string) string {
	d.t.Helper()
	acl := d.line("NETWORKACL", "ec2-create-network-acl", o.vpc)[1]
	for _, line := range records(d.run("ec2-describe-network-acls", "-F", "default=true", "-F", "vpc-id="+o.vpc), "ASSOCIATION") {
		if line[2] == subnet {
			d.run("ec2-replace-network-acl-association", line[1], "-a", acl)
		}
	}
	return acl
}

// rule is the row of a group's rule about a port.
func rule(group, port, breaks string, peer ...string) row {
	args := append([]string{group, "-P", "tcp", "-p", port}, peer...)
	return row{"group rule " + strings.Join(args, " "), append([]string{"ec2-authorize"}, args...), append([]string{"ec2-revoke"}, args...), breaks}
}

// An entry allows ports in an ACL.
type entry struct {
	ports, breaks, peer string
	egress              bool
}

// entries are the rows of an ACL.
func entries(acl string, list []entry) []row {
	var rows []row
	for i, e := range list {
		add := []string{"ec2-create-network-acl-entry", acl, "-n", strconv.Itoa(100 + i), "-P", "tcp", "-p", e.ports, "-r", e.peer, "--allow"}
		remove := []string{"ec2-delete-network-acl-entry", acl, "-n", strconv.Itoa(100 + i)}
		if e.egress {
			add, remove = append(add, "--egress"), append(remove, "--egress")
		}
		rows = append(rows, row{"ACL entry " + strings.Join(add[2:], " "), add, remove, e.breaks})
	}
	return rows
}

// status is what a client is answered, 000 without an answer.
func (s *stage) status() string {
	s.t.Helper()
	out, _, _ := s.try(s.ask...)
	return out
}

// works waits until the instance is in service and a client is served.
func (s *stage) works(why string) {
	s.t.Helper()
	s.health(s.name, s.id, "InService")
	eventually(s.t, "a client is served "+why, func() bool { return s.status() == "200" })
}

// failsWithout takes a row away, looks what fails, and puts it back.
func (s *stage) failsWithout(r row) {
	s.t.Helper()
	s.run(r.remove...)
	s.settle()
	unhealthy := r.breaks == "health" || r.breaks == "replies"
	if unhealthy {
		s.health(s.name, s.id, "OutOfService")
	}
	want := map[string]string{"client": "000", "requests": "000", "health": "503", "replies": "503"}[r.breaks]
	if got := s.status(); got != want {
		s.t.Errorf("without %s a client gets %s, want %s", r.what, got, want)
	}
	if health := s.run("elb-describe-instance-health", s.name); strings.Contains(health, "InService") == unhealthy {
		s.t.Errorf("without %s health is %s", r.what, health)
	}
	s.run(r.add...)
	s.settle()
	if unhealthy {
		// An instance that is registered anew needs one success only.
		s.run("elb-deregister-instances-from-lb", s.name, "--instances", s.id)
		s.run("elb-register-instances-with-lb", s.name, "--instances", s.id)
	}
	s.works("again with " + r.what)
}
