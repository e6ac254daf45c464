package api_test

import (
	"fmt"
	"net/netip"
	"slices"
	"strings"
	"sync"
	"testing"

	"ringfence/internal/api"
	"ringfence/internal/server"
	"ringfence/internal/store"
	"ringfence/internal/vpc"
)

const usEast1 vpc.Region = "us-east-1"

// atOnce makes n calls of an account at once and counts their codes. params
// tells the parameters of each.
func (w *world) atOnce(t *testing.T, n int, id vpc.AccountID, action string, params func(i int) []string) map[vpc.Code]int {
	t.Helper()
	var mu sync.Mutex
	codes := map[vpc.Code]int{}
	var wg sync.WaitGroup
	for i := range n {
		c := w.caller(t, id)
		wg.Go(func() {
			code := c.code(action, params(i)...)
			mu.Lock()
			defer mu.Unlock()
			codes[code]++
		})
	}
	wg.Wait()
	return codes
}

func always(params ...string) func(int) []string { return func(int) []string { return params } }

func TestManyFirstCallsMakeOneDefaultVPC(t *testing.T) {
	w := fresh(t)
	if codes := w.atOnce(t, 20, carol, "DescribeVpcs", always()); codes[""] != 20 {
		t.Errorf("answers: %v", codes)
	}
	v := view(t, w)
	if n := len(v.VPCs(usEast1, carol)); n != 1 {
		t.Errorf("%d VPCs", n)
	}
	if n := len(v.Subnets(usEast1, carol)); n != 3 {
		t.Errorf("%d subnets", n)
	}
}

// Each subnet of the default VPC has the default ACL, and the main route table
// leads to the internet.
func TestWhatIsInADefaultVPC(t *testing.T) {
	w := fresh(t)
	w.caller(t, carol).ok("DescribeVpcs")
	v := view(t, w)
	acl, table, gateway := v.ACLs(usEast1, carol)[0], v.RouteTables(usEast1, carol)[0], v.Gateways(usEast1, carol)[0]
	if !acl.Default || len(acl.Entries) != 2 || len(acl.Subnets) != 3 {
		t.Errorf("ACL %+v", acl)
	}
	for _, s := range v.Subnets(usEast1, carol) {
		if !slices.ContainsFunc(acl.Subnets, func(a vpc.ACLAssociation) bool { return a.Subnet == s.ID && a.SubnetNo == s.Number }) {
			t.Errorf("%s has no ACL", s.ID)
		}
	}
	if !table.Main() || len(table.Routes) != 1 || table.Routes[0].Gateway != gateway.ID || gateway.Network != table.Network {
		t.Errorf("route table %+v, gateway %+v", table, gateway)
	}
}

func TestCallersAtOnceNeverPassAQuota(t *testing.T) {
	w := fresh(t)
	codes := w.atOnce(t, 12, albert, "CreateVpc", always("CidrBlock=10.0.0.0/16", "AmazonProvidedIpv6CidrBlock=true"))
	if codes[""] != 5 || codes[vpc.VPCLimitExceeded] != 7 {
		t.Errorf("answers: %v", codes)
	}
	// And no two VPCs have an IPv6 block or a number in common.
	v := view(t, w)
	ipv6, numbers := map[netip.Prefix]bool{}, map[vpc.NetworkNumber]bool{}
	for _, each := range v.VPCs(usEast1, albert) {
		ipv6[each.IPv6[0].CIDR], numbers[each.Number] = true, true
	}
	if len(ipv6) != 5 || len(numbers) != 5 {
		t.Errorf("IPv6 blocks %v, numbers %v", ipv6, numbers)
	}
}

// newVPC makes a VPC of 10.0.0.0/16 for a caller and returns its id.
func newVPC(c *caller) string { return text(c.ok("CreateVpc", "CidrBlock=10.0.0.0/16"), "vpcId") }

func TestOneOfManyGetsABlock(t *testing.T) {
	w := fresh(t)
	id := newVPC(w.caller(t, albert))
	codes := w.atOnce(t, 16, albert, "CreateSubnet", func(i int) []string {
		return []string{"VpcId=" + id, fmt.Sprintf("CidrBlock=10.0.0.0/%d", 17+i%8)} // all overlap
	})
	if codes[""] != 1 || codes[vpc.InvalidSubnetConflict] != 15 {
		t.Errorf("answers: %v", codes)
	}
}

// Of a VPC that is being deleted and what is being put into it, one stays.
func TestNothingIsInADeletedVPC(t *testing.T) {
	w := fresh(t)
	c := w.caller(t, albert)
	for _, into := range []struct{ action, params string }{
		{"CreateSubnet", "CidrBlock=10.0.0.0/24"},
		{"CreateRouteTable", ""},
		{"CreateSecurityGroup", "GroupName=web GroupDescription=d"},
		{"AttachInternetGateway", "InternetGatewayId=" + text(c.ok("CreateInternetGateway"), "internetGatewayId")},
	} {
		for range 4 {
			id := newVPC(c)
			one, other := w.caller(t, albert), w.caller(t, albert)
			var wg sync.WaitGroup
			var put, deleted vpc.Code
			wg.Go(func() { put = one.code(into.action, append(strings.Fields(into.params), "VpcId="+id)...) })
			wg.Go(func() { deleted = other.code("DeleteVpc", "VpcId="+id) })
			wg.Wait()
			gone := view(t, w).VPC(usEast1, albert, vpc.NetworkID(id)) == nil
			switch {
			case gone && put == vpc.InvalidVPCIDNotFound && deleted == "":
			case !gone && put == "" && deleted == vpc.DependencyViolation:
				if into.action == "AttachInternetGateway" {
					c.ok("DetachInternetGateway", into.params, "VpcId="+id)
				}
				clearVPC(c, id)
			default:
				t.Fatalf("%s answers %q, DeleteVpc %q", into.action, put, deleted)
			}
		}
	}
	if left := view(t, w).ACLs(usEast1, albert); len(left) != 0 {
		t.Errorf("%d ACLs are left", len(left))
	}
}

// clearVPC deletes a VPC with the one thing that is in it.
func clearVPC(c *caller, id string) {
	filter := []string{"Filter.1.Name=vpc-id", "Filter.1.Value.1=" + id}
	if subnet := text(c.ok("DescribeSubnets", filter...), "subnetId"); subnet != "" {
		c.ok("DeleteSubnet", "SubnetId="+subnet)
	}
	other := append(filter, "Filter.2.Name=group-name", "Filter.2.Value.1=web")
	if group := text(c.ok("DescribeSecurityGroups", other...), "groupId"); group != "" {
		c.ok("DeleteSecurityGroup", "GroupId="+group)
	}
	for _, t := range view(c.t, c.world).RouteTables(usEast1, albert) {
		if string(t.Network) == id && !t.Main() {
			c.ok("DeleteRouteTable", "RouteTableId="+string(t.ID))
		}
	}
	c.ok("DeleteVpc", "VpcId="+id)
}

// A subnet knows how many addresses are free, and stays while there are
// interfaces.
func TestTheFreeAddressesOfASubnet(t *testing.T) {
	w := fresh(t)
	c := w.caller(t, albert)
	subnet := "SubnetId=" + text(c.ok("CreateSubnet", "VpcId="+newVPC(c), "CidrBlock=10.0.0.0/28"), "subnetId")
	free := func() string { return text(c.ok("DescribeSubnets"), "availableIpAddressCount") }
	if n := free(); n != "11" {
		t.Errorf("at first %s are free", n)
	}
	eni := text(c.ok("CreateNetworkInterface", subnet, "SecondaryPrivateIpAddressCount=2"), "networkInterfaceId")
	if n := free(); n != "8" {
		t.Errorf("with three addresses taken %s are free", n)
	}
	if code := c.code("DeleteSubnet", subnet); code != vpc.DependencyViolation {
		t.Errorf("a subnet with an interface is deleted: %q", code)
	}
	c.ok("DeleteNetworkInterface", "NetworkInterfaceId="+eni)
	if n := free(); n != "11" {
		t.Errorf("in the end %s are free", n)
	}
	c.ok("DeleteSubnet", subnet)
}

// Of a subnet that is being deleted and an interface that is being made in it,
// one stays.
func TestNoInterfaceIsInADeletedSubnet(t *testing.T) {
	w := fresh(t)
	c := w.caller(t, albert)
	in := "VpcId=" + newVPC(c)
	for range 10 {
		subnet := "SubnetId=" + text(c.ok("CreateSubnet", in, "CidrBlock=10.0.0.0/24"), "subnetId")
		one, other := w.caller(t, albert), w.caller(t, albert)
		var wg sync.WaitGroup
		var made, deleted vpc.Code
		wg.Go(func() { made = one.code("CreateNetworkInterface", subnet) })
		wg.Go(func() { deleted = other.code("DeleteSubnet", subnet) })
		wg.Wait()
		switch {
		case made == vpc.InvalidSubnetIDNotFound && deleted == "":
		case made == "" && deleted == vpc.DependencyViolation:
			c.ok("DeleteNetworkInterface", "NetworkInterfaceId="+string(view(t, w).Interfaces(usEast1, albert)[0].ID))
			c.ok("DeleteSubnet", subnet)
		default:
			t.Fatalf("CreateNetworkInterface answers %q, DeleteSubnet %q", made, deleted)
		}
	}
}

// defaultsOverIPv6 counts what the defaults of albert's VPC say about ::/0.
func defaultsOverIPv6(v *store.View, id string) (rules, entries int) {
	any := netip.MustParsePrefix("::/0")
	for _, rule := range v.Rules(v.GroupNamed(usEast1, albert, vpc.NetworkID(id), "default")) {
		if rule.Egress && rule.Peer.CIDR == any {
			rules++
		}
	}
	for _, acl := range v.ACLs(usEast1, albert) {
		for _, e := range acl.Entries {
			if string(acl.Network) == id && e.Number == 101 && e.CIDR == any && e.Allow {
				entries++
			}
		}
	}
	return rules, entries
}

// With its first IPv6 block a VPC's defaults allow over IPv6 what they allow
// over IPv4, unless somebody has edited them.
func TestAnIPv6BlockOpensTheDefaults(t *testing.T) {
	w := fresh(t)
	c := w.caller(t, albert)
	id := text(c.ok("CreateVpc", "CidrBlock=10.0.0.0/16", "AmazonProvidedIpv6CidrBlock=true"), "vpcId")
	if rules, entries := defaultsOverIPv6(view(t, w), id); rules != 1 || entries != 2 {
		t.Errorf("from the start: %d rules, %d entries", rules, entries)
	}
	c.ok("AssociateVpcCidrBlock", "VpcId="+id, "AmazonProvidedIpv6CidrBlock=true")
	if rules, entries := defaultsOverIPv6(view(t, w), id); rules != 1 || entries != 2 {
		t.Errorf("with a second block: %d rules, %d entries", rules, entries)
	}

	later := newVPC(c)
	if rules, entries := defaultsOverIPv6(view(t, w), later); rules != 0 || entries != 0 {
		t.Errorf("without IPv6: %d rules, %d entries", rules, entries)
	}
	c.ok("AssociateVpcCidrBlock", "VpcId="+later, "AmazonProvidedIpv6CidrBlock=true")
	if rules, entries := defaultsOverIPv6(view(t, w), later); rules != 1 || entries != 2 {
		t.Errorf("later: %d rules, %d entries", rules, entries)
	}

	edited := newVPC(c)
	group := view(t, w).GroupNamed(usEast1, albert, vpc.NetworkID(edited), "default")
	c.ok("RevokeSecurityGroupEgress", "GroupId="+string(group.ID), "IpPermissions.1.IpProtocol=-1", "IpPermissions.1.IpRanges.1.CidrIp=0.0.0.0/0")
	c.ok("AssociateVpcCidrBlock", "VpcId="+edited, "AmazonProvidedIpv6CidrBlock=true")
	if rules, entries := defaultsOverIPv6(view(t, w), edited); rules != 0 || entries != 2 {
		t.Errorf("with another egress: %d rules, %d entries", rules, entries)
	}
}

// The quota is looked at closely only when it is near.
func TestTheQuotaOfInterfaces(t *testing.T) {
	fresh(t)
	limits, err := api.ParseLimits([]string{"interfaces=120"})
	if err != nil {
		t.Fatal(err)
	}
	w := shared.withOptions(t, server.Options{API: api.Options{Limits: limits}})
	c := w.caller(t, albert)
	subnet := text(c.ok("CreateSubnet", "VpcId="+newVPC(c), "CidrBlock=10.0.0.0/24"), "subnetId")
	codes := w.atOnce(t, 130, albert, "CreateNetworkInterface", always("SubnetId="+subnet))
	if codes[""] != 120 || codes[vpc.NetworkInterfaceLimitExceeded] != 10 {
		t.Errorf("answers: %v", codes)
	}
}

func TestTheQuotasOfAVPC(t *testing.T) {
	fresh(t)
	limits, err := api.ParseLimits([]string{"subnets-per-vpc=1", "route-tables-per-vpc=2", "routes-per-table=1", "ipv6-blocks-per-vpc=1", "ipv4-blocks-per-vpc=1"})
	if err != nil {
		t.Fatal(err)
	}
	w := shared.withOptions(t, server.Options{API: api.Options{Limits: limits}})
	c := w.caller(t, albert)
	id := "VpcId=" + newVPC(c)
	gateway := text(c.ok("CreateInternetGateway"), "internetGatewayId")
	c.ok("AttachInternetGateway", id, "InternetGatewayId="+gateway)
	c.ok("CreateSubnet", id, "CidrBlock=10.0.0.0/24")
	table := "RouteTableId=" + text(c.ok("CreateRouteTable", id), "routeTableId")
	c.ok("CreateRoute", table, "DestinationCidrBlock=0.0.0.0/0", "GatewayId="+gateway)
	c.ok("CreateRoute", table, "DestinationIpv6CidrBlock=::/0", "GatewayId="+gateway)
	c.ok("AssociateVpcCidrBlock", id, "AmazonProvidedIpv6CidrBlock=true")
	for _, tt := range []struct {
		call string
		want vpc.Code
	}{
		{"CreateSubnet CidrBlock=10.0.1.0/24 " + id, vpc.SubnetLimitExceeded},
		{"CreateRouteTable " + id, vpc.RouteTableLimitExceeded},
		{"CreateRoute DestinationCidrBlock=8.0.0.0/8 GatewayId=" + gateway + " " + table, vpc.RouteLimitExceeded},
		{"CreateRoute DestinationIpv6CidrBlock=2000::/3 GatewayId=" + gateway + " " + table, vpc.RouteLimitExceeded},
		{"AssociateVpcCidrBlock AmazonProvidedIpv6CidrBlock=true " + id, vpc.CIDRLimitExceeded},
		{"AssociateVpcCidrBlock CidrBlock=10.1.0.0/16 " + id, vpc.CIDRLimitExceeded},
	} {
		words := strings.Fields(tt.call)
		if code := c.code(words[0], words[1:]...); code != tt.want {
			t.Errorf("%s: %q, want %q", tt.call, code, tt.want)
		}
	}
}

// Tags are set and deleted by many at once, and none gets lost.
func TestTagsOfManyCallers(t *testing.T) {
	w := fresh(t)
	id := newVPC(w.caller(t, albert))
	if codes := w.atOnce(t, 50, albert, "CreateTags", func(i int) []string {
		return []string{"ResourceId.1=" + id, fmt.Sprintf("Tag.1.Key=key-%d", i)}
	}); codes[""] != 50 {
		t.Errorf("answers: %v", codes)
	}
	c := w.caller(t, albert)
	if code := c.code("CreateTags", "ResourceId.1="+id, "Tag.1.Key=one-more"); code != vpc.TagLimitExceeded {
		t.Errorf("tag 51: %q", code)
	}
	c.ok("CreateTags", "ResourceId.1="+id, "Tag.1.Key=key-7", "Tag.1.Value=another")
	if n := strings.Count(c.ok("DescribeTags", "MaxResults=1000"), "<resourceId>"); n != 50 {
		t.Errorf("%d tags", n)
	}
}
