package api_test

import (
	"fmt"
	"net/netip"
	"slices"
	"strings"
	"sync"
	"testing"

	"ringfence/internal/store"
	"ringfence/internal/vpc"
)

// tinySubnet gives carol's default VPC a subnet with room for eleven interfaces,
// and returns its id.
func (w *world) tinySubnet(t *testing.T) vpc.SubnetID {
	t.Helper()
	w.caller(t, carol).ok("DescribeAccountAttributes") // makes the default VPC
	s := &vpc.Subnet{
		ID: "subnet-00000000000000001", Account: carol, Region: "us-east-1", Zone: "us-east-1a",
		CIDR: netip.MustParsePrefix("172.31.240.0/28"),
		IPv6: []vpc.CIDRAssociation{{ID: "subnet-cidr-assoc-00000000000000001", CIDR: netip.MustParsePrefix("2001:db8:0:100::/64")}},
	}
	if _, err := w.store.Update(t.Context(), func(tx *store.Tx) error {
		v, _ := tx.DefaultVPC("us-east-1", carol)
		if v == nil { // of a moment before the first call; Update tries again
			return fmt.Errorf("the default VPC is not there")
		}
		s.Network, s.NetworkNo, s.Number = v.ID, v.Number, tx.SubnetNumber("us-east-1", s.ID)
		tx.PutSubnet(s)
		return nil
	}); err != nil {
		t.Fatal(err)
	}
	return s.ID
}

// primaries returns the primary addresses of carol's interfaces, sorted.
func primaries(v *store.View) []netip.Addr {
	var all []netip.Addr
	for _, n := range v.Interfaces("us-east-1", carol) {
		all = append(all, n.Primary())
	}
	slices.SortFunc(all, netip.Addr.Compare)
	return all
}

// The first four addresses and the last one of a subnet are nobody's; the others
// go out the lowest first, and no two interfaces have the same.
func TestASubnetGivesEachAddressOnce(t *testing.T) {
	w := fresh(t)
	subnet := "SubnetId=" + string(w.tinySubnet(t))
	var wg sync.WaitGroup
	for range 11 {
		c := w.caller(t, carol)
		wg.Go(func() { c.ok("CreateNetworkInterface", subnet) })
	}
	wg.Wait()
	var want []netip.Addr
	for host := byte(4); host < 15; host++ {
		want = append(want, netip.AddrFrom4([4]byte{172, 31, 240, host}))
	}
	if got := primaries(view(t, w)); !slices.Equal(got, want) {
		t.Errorf("addresses %v, want %v", got, want)
	}
	c := w.caller(t, carol)
	if code := c.code("CreateNetworkInterface", subnet); code != vpc.InsufficientFreeAddressesInSubnet {
		t.Errorf("a twelfth interface: %q", code)
	}
}

// An address that was given back rests while there are others.
func TestTheAddressesOfASubnetRest(t *testing.T) {
	w := fresh(t)
	subnet := "SubnetId=" + string(w.tinySubnet(t))
	c := w.caller(t, carol)
	var before string
	for range 12 {
		body := c.ok("CreateNetworkInterface", subnet)
		if now := text(body, "privateIpAddress"); now == before {
			t.Errorf("%s is used again at once", now)
		} else {
			before = now
		}
		c.ok("DeleteNetworkInterface", "NetworkInterfaceId="+text(body, "networkInterfaceId"))
	}
}

func TestOneOfManyGetsAnAddressByItsName(t *testing.T) {
	w := fresh(t)
	subnet := "SubnetId=" + string(w.tinySubnet(t))
	var mu sync.Mutex
	codes := map[vpc.Code]int{}
	var wg sync.WaitGroup
	for range 10 {
		c := w.caller(t, carol)
		wg.Go(func() {
			code := c.code("CreateNetworkInterface", subnet, "PrivateIpAddress=172.31.240.9")
			mu.Lock()
			codes[code]++
			mu.Unlock()
		})
	}
	wg.Wait()
	if codes[""] != 1 || codes[vpc.InvalidIPAddressInUse] != 9 {
		t.Errorf("answers: %v", codes)
	}
}

// A call that is refused half-way has taken nothing.
func TestARefusedInterfaceTakesNoAddress(t *testing.T) {
	w := fresh(t)
	subnet := "SubnetId=" + string(w.tinySubnet(t))
	c := w.caller(t, carol)
	before := view(t, w).Revision
	for _, params := range [][]string{
		{"SecondaryPrivateIpAddressCount=11"},
		{"PrivateIpAddress=172.31.240.3"},
		{"PrivateIpAddress=172.31.240.15"},
		{"PrivateIpAddress=10.0.0.9"},
		{"Ipv6AddressCount=1", "PrivateIpAddress=172.31.240.0"},
		{"SecurityGroupId.1=sg-00000000000000000"},
		{"ConnectionTrackingSpecification.UdpTimeout=61"},
		{"DryRun=true"},
	} {
		if code := c.code("CreateNetworkInterface", append(params, subnet)...); code == "" {
			t.Errorf("%q is done", params)
		}
	}
	if now := view(t, w).Revision; now != before {
		t.Errorf("refused calls have written: revision %d, was %d", now, before)
	}
}

func TestTheClientTokenOfAnInterface(t *testing.T) {
	w := fresh(t)
	subnet := "SubnetId=" + string(w.tinySubnet(t))
	c := w.caller(t, carol)
	made := make([]string, 8)
	var wg sync.WaitGroup
	for i := range made {
		wg.Go(func() {
			made[i] = text(c.ok("CreateNetworkInterface", subnet, "ClientToken=t"), "networkInterfaceId")
		})
	}
	wg.Wait()
	if slices.Sort(made); made[0] != made[len(made)-1] {
		t.Errorf("one token has made %q", slices.Compact(made))
	}
	if code := c.code("CreateNetworkInterface", subnet, "ClientToken=t", "Description=other"); code != vpc.IdempotentParameterMismatch {
		t.Errorf("other parameters: %q", code)
	}
	c.ok("DeleteNetworkInterface", "NetworkInterfaceId="+made[0])
	if again := text(c.ok("CreateNetworkInterface", subnet, "ClientToken=t"), "networkInterfaceId"); again == made[0] {
		t.Error("the token is left of an interface that is gone")
	}
}

// Addresses go back and forth between interfaces and are never on two.
func TestAddressesMoveBetweenInterfaces(t *testing.T) {
	w := fresh(t)
	subnet := "SubnetId=" + string(w.tinySubnet(t))
	c := w.caller(t, carol)
	var ids []string
	for range 2 {
		ids = append(ids, "NetworkInterfaceId="+text(c.ok("CreateNetworkInterface", subnet), "networkInterfaceId"))
	}
	address := "PrivateIpAddress.1=172.31.240.14"
	c.ok("AssignPrivateIpAddresses", ids[0], address)
	if code := c.code("AssignPrivateIpAddresses", ids[1], address); code != vpc.InvalidParameterValue {
		t.Errorf("taken from another interface without asking: %q", code)
	}
	var wg sync.WaitGroup
	for i := range 20 {
		wg.Go(func() { c.ok("AssignPrivateIpAddresses", ids[i%2], address, "AllowReassignment=true") })
	}
	wg.Wait()
	body := c.ok("DescribeNetworkInterfaces", "Filter.1.Name=addresses.private-ip-address", "Filter.1.Value.1=172.31.240.14")
	if n := strings.Count(body, "<networkInterfaceId>"); n != 1 {
		t.Errorf("%d interfaces have it", n)
	}
	v := view(t, w)
	holder := text(body, "networkInterfaceId")
	if got := v.InterfaceAt("us-east-1", v.Interfaces("us-east-1", carol)[0].Network, netip.MustParseAddr("172.31.240.14")); string(got) != holder {
		t.Errorf("the store says that %s has it, the API %s", got, holder)
	}
}

// Launches of many callers at once fill a subnet to the last address, and no
// further; what is refused has taken nothing.
func TestManyLaunchesFillASubnet(t *testing.T) {
	w := fresh(t)
	subnet := "SubnetId=" + string(w.tinySubnet(t))
	var wg sync.WaitGroup
	for range 12 {
		c := w.caller(t, carol)
		wg.Go(func() {
			code := c.code("RunInstances", "ImageId=ami-eca54085", "MinCount=1", "MaxCount=2", subnet)
			if code != "" && code != vpc.InsufficientFreeAddressesInSubnet {
				t.Errorf("launch: %q", code)
			}
		})
	}
	wg.Wait()
	v := view(t, w)
	all := primaries(v)
	if len(all) != 11 || len(slices.Compact(all)) != 11 {
		t.Errorf("the instances have %v", all)
	}
	for _, i := range v.Instances("us-east-1", carol) {
		if n := v.Interface("us-east-1", carol, i.Interface); n == nil || n.Instance != i.ID || n.Primary() != i.PrivateAddr {
			t.Errorf("%s has the interface %+v", i.ID, n)
		}
	}
}

// Two interfaces never sit on one device, and an interface on one instance only.
func TestAttachmentsOfManyCallers(t *testing.T) {
	w := fresh(t)
	subnet := "SubnetId=" + string(w.tinySubnet(t))
	c := w.caller(t, carol)
	instance := text(c.ok("RunInstances", "ImageId=ami-eca54085", "MinCount=1", "MaxCount=1", subnet), "instanceId")
	if err := w.server.Report(t.Context(), &vpc.Report{Instance: vpc.InstanceID(instance), Generation: 1, State: vpc.Running}); err != nil {
		t.Fatal(err)
	}
	var mu sync.Mutex
	attached := 0
	var wg sync.WaitGroup
	for range 5 {
		id := text(c.ok("CreateNetworkInterface", subnet), "networkInterfaceId")
		wg.Go(func() {
			if c.code("AttachNetworkInterface", "NetworkInterfaceId="+id, "InstanceId="+instance, "DeviceIndex=1") == "" {
				mu.Lock()
				attached++
				mu.Unlock()
			}
		})
	}
	wg.Wait()
	if i := view(t, w).Instance(vpc.InstanceID(instance)); attached != 1 || len(i.Secondary) != 1 {
		t.Errorf("%d calls have attached an interface; the instance has %v", attached, i.Secondary)
	}
}

// An Elastic IP address that many callers move is on one interface at the end,
// and whoever had it before has none.
func TestAnElasticAddressIsInOnePlace(t *testing.T) {
	w := fresh(t)
	subnet := "SubnetId=" + string(w.tinySubnet(t))
	c := w.caller(t, carol)
	body := c.ok("AllocateAddress")
	public := netip.MustParseAddr(text(body, "publicIp"))
	allocation := "AllocationId=" + text(body, "allocationId")
	var ids []string
	for range 4 {
		ids = append(ids, "NetworkInterfaceId="+text(c.ok("CreateNetworkInterface", subnet), "networkInterfaceId"))
	}
	var wg sync.WaitGroup
	for i := range 24 {
		wg.Go(func() { c.ok("AssociateAddress", allocation, ids[i%4]) })
	}
	wg.Wait()
	v := view(t, w)
	a := v.Address("us-east-1", carol, public)
	for _, n := range v.Interfaces("us-east-1", carol) {
		if has := n.Public[n.Primary()] == public; has != (n.ID == a.Interface) || has && a.Private != n.Primary() {
			t.Errorf("%s has %v; the address says that it is at %s of %s", n.ID, n.Public, a.Private, a.Interface)
		}
	}
	// It comes along with a secondary address that moves.
	c.ok("AssignPrivateIpAddresses", ids[0], "PrivateIpAddress.1=172.31.240.14")
	c.ok("AssociateAddress", allocation, ids[0], "PrivateIpAddress=172.31.240.14")
	c.ok("AssignPrivateIpAddresses", ids[1], "PrivateIpAddress.1=172.31.240.14", "AllowReassignment=true")
	v = view(t, w)
	a = v.Address("us-east-1", carol, public)
	if n := v.Interface("us-east-1", carol, a.Interface); "NetworkInterfaceId="+string(n.ID) != ids[1] || n.Public[a.Private] != public {
		t.Errorf("the address is at %s, which has %v", a.Interface, n.Public)
	}
	// An interface that is deleted leaves it to the account.
	c.ok("DeleteNetworkInterface", ids[1])
	if a := view(t, w).Address("us-east-1", carol, public); a.Interface != "" || a.Association != "" {
		t.Errorf("the address is still at %s", a.Interface)
	}
}
