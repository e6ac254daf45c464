package scenario

import (
	"errors"
	"fmt"
	"net/netip"
	"slices"
	"strconv"
	"strings"

	"ringfence/internal/policy"
	"ringfence/internal/vpc"
)

// networkVerbs are the part of the language that is about VPCs. Where nouns
// have names, those are the scenario's own.
func (s *stage) networkVerbs() map[string]func(words []string) error {
	return map[string]func([]string) error{
		// ec2-create-vpc office 10.0.0.0/16 2001:db8:0:100::/56
		// Its main route table and its default network ACL are called office, too.
		"ec2-create-vpc": s.createVPCVerb,

		// ec2-create-subnet front office 10.0.1.0/24
		"ec2-create-subnet": s.createSubnetVerb,

		// ec2-attach-internet-gateway gate office
		// ec2-detach-internet-gateway gate
		"ec2-attach-internet-gateway": s.attachGatewayVerb,
		"ec2-detach-internet-gateway": s.detachGatewayVerb,

		// ec2-create-route-table inner office
		// ec2-associate-route-table inner front
		"ec2-create-route-table":    s.createTableVerb,
		"ec2-associate-route-table": s.associateTableVerb,

		// ec2-create-route office 0.0.0.0/0 gate
		// ec2-create-route inner 10.8.0.0/16 router
		// The target is a gateway or an interface.
		"ec2-create-route": s.createRouteVerb,

		// ec2-delete-route inner 10.8.0.0/16
		"ec2-delete-route": s.deleteRouteVerb,

		// ec2-create-network-acl strict office
		"ec2-create-network-acl": s.createACLVerb,

		// ec2-create-network-acl-entry strict 100 ingress allow tcp 80-81 0.0.0.0/0
		// ec2-create-network-acl-entry strict 100 egress deny all ::/0
		// ICMP has type:code for ports.
		"ec2-create-network-acl-entry": s.createEntryVerb,

		// ec2-delete-network-acl-entry strict 100 ingress
		"ec2-delete-network-acl-entry": s.deleteEntryVerb,

		// ec2-replace-network-acl-association front strict
		"ec2-replace-network-acl-association": s.replaceACLVerb,

		// attach-in front i-1 10.0.1.10=203.0.113.40 10.0.1.11 2001:db8:0:101::10 web
		// Private addresses with their public ones, the primary first, and groups.
		"attach-in": s.attachInVerb,

		// modify i-1 groups web app
		// modify i-1 source-dest-check off
		// modify i-1 load-balancer elb-1
		// modify i-1 timeouts tcp=600 stream=120 udp=60
		// modify i-1 assign 10.0.1.12=203.0.113.42
		// modify i-1 unassign 10.0.1.12
		"modify": s.modifyVerb,
	}
}

// follow lets a change reach the oracle, if there is one.
func (s *stage) follow(f *vpc.Feed, err error) error {
	if err != nil {
		return err
	}
	return s.oracle.Follow(f)
}

func (s *stage) createVPCVerb(words []string) error {
	if len(words) < 2 {
		return errors.New("want NAME and blocks")
	}
	var blocks []netip.Prefix
	for _, w := range words[1:] {
		b, err := netip.ParsePrefix(w)
		if err != nil {
			return err
		}
		blocks = append(blocks, b)
	}
	return s.follow(s.createVPC(words[0], blocks))
}

func (s *stage) createSubnetVerb(words []string) error {
	if len(words) != 3 {
		return errors.New("want NAME VPC BLOCK")
	}
	block, err := netip.ParsePrefix(words[2])
	if err != nil {
		return err
	}
	return s.follow(s.createSubnet(words[0], words[1], block))
}

func (s *stage) attachGatewayVerb(words []string) error {
	if len(words) != 2 {
		return errors.New("want NAME VPC")
	}
	v, err := find("VPC", s.vpcs, words[1])
	if err != nil {
		return err
	}
	return s.follow(s.putGateway(words[0], v.ID), nil)
}

func (s *stage) detachGatewayVerb(words []string) error {
	if len(words) != 1 {
		return errors.New("want NAME")
	}
	if _, err := find("gateway", s.gateways, words[0]); err != nil {
		return err
	}
	return s.follow(s.putGateway(words[0], ""), nil)
}

func (s *stage) createTableVerb(words []string) error {
	if len(words) != 2 {
		return errors.New("want NAME VPC")
	}
	v, err := find("VPC", s.vpcs, words[1])
	if err != nil {
		return err
	}
	s.tables[words[0]] = &vpc.RouteTable{ID: vpc.RouteTableID("rtb-" + words[0]), Network: v.ID}
	return s.follow(s.changeTable(words[0], func(*vpc.RouteTable) {}))
}

func (s *stage) associateTableVerb(words []string) error {
	if len(words) != 2 {
		return errors.New("want TABLE SUBNET")
	}
	subnet, err := find("subnet", s.subnets, words[1])
	if err != nil {
		return err
	}
	return s.follow(s.changeTable(words[0], func(t *vpc.RouteTable) {
		t.Associations = append(t.Associations, vpc.RouteTableAssociation{Subnet: subnet.ID, SubnetNo: subnet.Number})
	}))
}

func (s *stage) createRouteVerb(words []string) error {
	if len(words) != 3 {
		return errors.New("want TABLE BLOCK TARGET")
	}
	block, err := netip.ParsePrefix(words[1])
	if err != nil {
		return err
	}
	r := vpc.Route{Destination: block}
	if g := s.gateways[words[2]]; g != nil {
		r.Gateway = g.ID
	} else if nic, err := s.interfaceOf(words[2]); err != nil {
		return err
	} else {
		r.Interface = nic.ID
	}
	return s.follow(s.changeTable(words[0], func(t *vpc.RouteTable) { t.Routes = append(t.Routes, r) }))
}

func (s *stage) deleteRouteVerb(words []string) error {
	if len(words) != 2 {
		return errors.New("want TABLE BLOCK")
	}
	return s.follow(s.changeTable(words[0], func(t *vpc.RouteTable) {
		t.Routes = slices.DeleteFunc(t.Routes, func(r vpc.Route) bool { return r.Destination.String() == words[1] })
	}))
}

func (s *stage) createACLVerb(words []string) error {
	if len(words) != 2 {
		return errors.New("want NAME VPC")
	}
	v, err := find("VPC", s.vpcs, words[1])
	if err != nil {
		return err
	}
	s.acls[words[0]] = &vpc.NetworkACL{ID: vpc.ACLID("acl-" + words[0]), Network: v.ID}
	return s.follow(s.changeACL(words[0], func(*vpc.NetworkACL) {}))
}

func (s *stage) createEntryVerb(words []string) error {
	if len(words) != 6 && len(words) != 7 {
		return errors.New("want ACL NUMBER ingress|egress allow|deny PROTO [PORTS] BLOCK")
	}
	e := vpc.ACLEntry{Egress: words[2] == "egress", Allow: words[3] == "allow"}
	var err error
	if e.Number, err = strconv.Atoi(words[1]); err != nil {
		return err
	}
	if e.CIDR, err = netip.ParsePrefix(words[len(words)-1]); err != nil {
		return err
	}
	if e.Proto, err = parseProto(words[4]); err != nil {
		return err
	}
	switch {
	case len(words) == 6:
		e.Ports, e.ICMP = everything(e.Proto)
	case e.Proto.IsICMP():
		_, err = fmt.Sscanf(words[5], "%d:%d", &e.ICMP.Type, &e.ICMP.Code)
	default:
		e.Ports, err = parsePorts(words[5])
	}
	if err != nil {
		return err
	}
	return s.follow(s.changeACL(words[0], func(a *vpc.NetworkACL) { a.Entries = append(a.Entries, e) }))
}

// everything are all ports of a protocol, or all types, if it has any.
func everything(proto vpc.Proto) (ports vpc.PortRange, icmp vpc.ICMPType) {
	switch {
	case proto.HasPorts():
		ports = vpc.AllPorts
	case proto.IsICMP():
		icmp = vpc.ICMPType{Type: vpc.AnyICMP, Code: vpc.AnyICMP}
	}
	return ports, icmp
}

func (s *stage) deleteEntryVerb(words []string) error {
	if len(words) != 3 {
		return errors.New("want ACL NUMBER ingress|egress")
	}
	return s.follow(s.changeACL(words[0], func(a *vpc.NetworkACL) {
		a.Entries = slices.DeleteFunc(a.Entries, func(e vpc.ACLEntry) bool {
			return strconv.Itoa(e.Number) == words[1] && e.Egress == (words[2] == "egress")
		})
	}))
}

func (s *stage) replaceACLVerb(words []string) error {
	if len(words) != 2 {
		return errors.New("want SUBNET ACL")
	}
	return s.follow(s.replaceACL(words[0], words[1]))
}

func (s *stage) attachInVerb(words []string) error {
	if len(words) < 3 {
		return errors.New("want SUBNET NAME, addresses as ADDRESS[=PUBLIC-ADDRESS], and groups")
	}
	isGroup := func(w string) bool { return s.groups[fullName(w)] != "" }
	groups := slices.IndexFunc(words, isGroup)
	if groups < 3 {
		return errors.New("want addresses, and then groups that there are")
	}
	port, err := s.takePort(words[1])
	if err != nil {
		return err
	}
	if err := s.follow(s.attachIn(words[1], words[0], words[2:groups], words[groups:])); err != nil {
		return err
	}
	return s.oracle.Plug(port, policy.Plug{Interface: s.interfaces[words[1]].ID})
}

// assign gives an interface a private address, perhaps with a public one.
func assign(nic *vpc.NetworkInterface, address string) error {
	text, publicText, hasPublic := strings.Cut(address, "=")
	private, err := netip.ParseAddr(text)
	if err != nil {
		return err
	}
	nic.Addresses = append(nic.Addresses, private)
	if !hasPublic {
		return nil
	}
	if nic.Public == nil {
		nic.Public = make(map[netip.Addr]netip.Addr)
	}
	nic.Public[private], err = netip.ParseAddr(publicText)
	return err
}
