package api_test

import (
	"errors"
	"fmt"
	"net/http/httptest"
	"net/netip"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"ringfence/internal/api"
	"ringfence/internal/server"
	"ringfence/internal/store"
	"ringfence/internal/vpc"
)

func TestOneOfManyAuthorisesARule(t *testing.T) {
	w := fresh(t)
	w.caller(t, albert).ok("CreateSecurityGroup", "GroupName=web", "GroupDescription=d")
	var mu sync.Mutex
	codes := map[vpc.Code]int{}
	var wg sync.WaitGroup
	for range 40 {
		c := w.caller(t, albert)
		wg.Go(func() {
			code := c.code("AuthorizeSecurityGroupIngress", "GroupName=web", "IpProtocol=tcp", "FromPort=80", "ToPort=80", "CidrIp=0.0.0.0/0")
			mu.Lock()
			codes[code]++
			mu.Unlock()
		})
	}
	wg.Wait()
	if codes[""] != 1 || codes[vpc.InvalidPermissionDuplicate] != 39 {
		t.Errorf("answers: %v", codes)
	}
}

// Rules, groups and launches of many callers at once: all of them arrive, and
// no two instances share an address or a number.
func TestManyCallersAtOnce(t *testing.T) {
	w := fresh(t)
	w.caller(t, albert).ok("CreateSecurityGroup", "GroupName=web", "GroupDescription=d")
	var wg sync.WaitGroup
	for i := range 20 {
		c := w.caller(t, albert)
		wg.Go(func() {
			c.ok("AuthorizeSecurityGroupIngress", "GroupName=web", "IpProtocol=tcp", fmt.Sprintf("FromPort=%d", i), "ToPort=80", "CidrIp=0.0.0.0/0")
		})
		wg.Go(func() { c.ok("CreateSecurityGroup", fmt.Sprintf("GroupName=group-%d", i), "GroupDescription=d") })
		wg.Go(func() {
			c.ok("RunInstances", "ImageId=ami-eca54085", "MinCount=2", "MaxCount=2", "SecurityGroup.1=web")
		})
	}
	wg.Wait()
	v := view(t, w)
	if n := len(v.Rules(v.GroupNamed("us-east-1", albert, vpc.ClassicNetwork, "web"))); n != 20 {
		t.Errorf("%d rules", n)
	}
	if n := len(v.Groups("us-east-1", albert)); n != 22 {
		t.Errorf("%d groups", n)
	}
	checkInterfaces(t, v, 40)
}

func view(t testing.TB, w *world) *store.View {
	t.Helper()
	v, err := w.store.View(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	return v
}

// checkInterfaces checks that albert has n interfaces, each with addresses and
// a number of its own, and all with the identity of their groups.
func checkInterfaces(t *testing.T, v *store.View, n int) {
	t.Helper()
	interfaces := v.Interfaces("us-east-1", albert)
	if len(interfaces) != n {
		t.Errorf("%d interfaces, want %d", len(interfaces), n)
	}
	seen := map[any]bool{}
	identities := map[string]vpc.Identity{}
	for _, i := range interfaces {
		for _, own := range []any{i.Primary(), i.Public[i.Primary()], i.Number} {
			if seen[own] {
				t.Errorf("%v is of two interfaces", own)
			}
			seen[own] = true
		}
		set := fmt.Sprint(i.Groups)
		if known, ok := identities[set]; ok && known != i.Identity || i.Identity == 0 {
			t.Errorf("groups %s have the identities %d and %d", set, known, i.Identity)
		}
		identities[set] = i.Identity
	}
}

// A launch that does not fit into one transaction appears at once, or not.
func TestTwoHundredInstances(t *testing.T) {
	w := fresh(t)
	c := w.caller(t, albert)
	body := c.ok("RunInstances", "ImageId=ami-eca54085", "MinCount=200", "MaxCount=200")
	if n := strings.Count(body, "<instanceId>"); n != 200 {
		t.Errorf("%d instances in the answer", n)
	}
	checkInterfaces(t, view(t, w), 200)

	if code := c.code("RunInstances", "ImageId=ami-eca54085", "MinCount=541", "MaxCount=600"); code != vpc.InsufficientAddressCapacity {
		t.Errorf("541 with 540 addresses left: %s", code)
	}
	// Fewer than MaxCount are launched when there are no more addresses.
	body = c.ok("RunInstances", "ImageId=ami-eca54085", "MinCount=100", "MaxCount=600")
	if n := strings.Count(body, "<instanceId>"); n != 540 {
		t.Errorf("%d instances in the answer, want 540", n)
	}
	checkInterfaces(t, view(t, w), 740)
}

func TestAddressesThatInstancesNeverHave(t *testing.T) {
	w := fresh(t)
	c := w.caller(t, albert)
	c.ok("RunInstances", "ImageId=ami-eca54085", "MinCount=300", "MaxCount=300")
	var public []netip.Addr
	for _, i := range view(t, w).Interfaces("us-east-1", albert) {
		public = append(public, i.Public[i.Primary()])
		if host := i.Primary().As4()[3]; host == 0 || host == 255 || i.Primary().Less(netip.MustParseAddr("10.254.0.4")) {
			t.Errorf("private address %s", i.Primary())
		}
	}
	for host := range 256 {
		a := netip.AddrFrom4([4]byte{203, 0, 113, byte(host)})
		free := host == 0 || host >= 1 && host <= 4 || host == 7 || host == 8 || host >= 16 && host <= 31 || host == 255
		if slices.Contains(public, a) == free {
			t.Errorf("%s is of an instance: %v", a, !free)
		}
	}
}

// An address that was given back rests while there are others.
func TestPrivateAddressesRest(t *testing.T) {
	w := fresh(t)
	c := w.caller(t, albert)
	var before netip.Addr
	for range 3 {
		id := vpc.InstanceID(text(c.ok("RunInstances", "ImageId=ami-eca54085", "MinCount=1", "MaxCount=1"), "instanceId"))
		i := view(t, w).Instance(id)
		if i.PrivateAddr == before {
			t.Errorf("%s is used again at once", before)
		}
		before = i.PrivateAddr
		c.ok("TerminateInstances", "InstanceId.1="+string(id))
		if err := w.server.Report(t.Context(), &vpc.Report{Instance: id, Generation: 1, State: vpc.Terminated}); err != nil {
			t.Fatal(err)
		}
	}
}

func TestClientToken(t *testing.T) {
	w := fresh(t)
	c := w.caller(t, albert)
	run := func(params ...string) string {
		return text(c.ok("RunInstances", append(params, "ImageId=ami-eca54085", "MinCount=1", "MaxCount=1")...), "reservationId")
	}
	first := run("ClientToken=a/b c")
	if again := run("ClientToken=a/b c"); again != first {
		t.Errorf("the same call again made %s, the first %s", again, first)
	}
	if other := run("ClientToken=another"); other == first {
		t.Error("another token made nothing")
	}
	if other := run(); other == first {
		t.Error("a call without a token made nothing")
	}
	if code := c.code("RunInstances", "ClientToken=a/b c", "ImageId=ami-eca54085", "MinCount=1", "MaxCount=2"); code != vpc.IdempotentParameterMismatch {
		t.Errorf("other parameters: %q", code)
	}
	c.region = "eu-west-1"
	if other := run("ClientToken=a/b c"); other == first {
		t.Error("another region made nothing")
	}

	// The answer lists the instances as the first one did, by launch index.
	c.region = "us-east-1"
	launch := []string{"ClientToken=eight", "ImageId=ami-eca54085", "MinCount=8", "MaxCount=8"}
	id := regexp.MustCompile(`i-[0-9a-f]+`)
	want := id.FindAllString(c.ok("RunInstances", launch...), -1)
	if got := id.FindAllString(c.ok("RunInstances", launch...), -1); !slices.Equal(got, want) {
		t.Errorf("the same call again lists %v, the first %v", got, want)
	}

	// Many at once make one.
	made := make([]string, 20)
	var wg sync.WaitGroup
	for i := range made {
		wg.Go(func() { made[i] = run("ClientToken=many") })
	}
	wg.Wait()
	if slices.Sort(made); made[0] != made[len(made)-1] {
		t.Errorf("one token has made %q", slices.Compact(made))
	}
}

func TestPages(t *testing.T) {
	w := fresh(t)
	c := w.caller(t, albert)
	for i := range 10 { // and the default groups of EC2-Classic and of the VPC
		c.ok("CreateSecurityGroup", fmt.Sprintf("GroupName=group-%d", i), "GroupDescription=d")
	}
	c.ok("RunInstances", "ImageId=ami-eca54085", "MinCount=12", "MaxCount=12")
	id := "VpcId=" + newVPC(c)
	for i := range 12 {
		subnet := text(c.ok("CreateSubnet", id, fmt.Sprintf("CidrBlock=10.0.%d.0/24", i)), "subnetId")
		c.ok("CreateTags", "ResourceId.1="+subnet, "Tag.1.Key=Name")
		c.ok("CreateNetworkInterface", "SubnetId="+subnet)
	}
	for range 11 { // and the main one
		c.ok("CreateRouteTable", id)
	}
	for _, tt := range []struct{ action, element string }{
		{"DescribeSecurityGroups", "<groupDescription>"},
		{"DescribeInstances", "<instanceId>"},
		{"DescribeSubnets", "<subnetId>"},
		{"DescribeRouteTables", "<ownerId>"},
		{"DescribeTags", "<resourceId>"},
	} {
		var sizes []int
		token := ""
		for {
			params := []string{"MaxResults=5"}
			if token != "" {
				params = append(params, "NextToken="+token)
			}
			body := c.ok(tt.action, params...)
			sizes = append(sizes, strings.Count(body, tt.element))
			if token = text(body, "nextToken"); token == "" {
				break
			}
		}
		if !slices.Equal(sizes, []int{5, 5, 2}) {
			t.Errorf("%s: pages of %v", tt.action, sizes)
		}
	}
}

// Pages are as small and as large as EC2's model says.
func TestPageSizes(t *testing.T) {
	c := fresh(t).caller(t, albert)
	id := "VpcId=" + newVPC(c)
	for _, tt := range []struct {
		action      string
		least, most int
		params      []string
	}{
		{"DescribeVpcs", 5, 1000, nil},
		{"DescribeInstances", 5, 1000, nil},
		{"DescribeRouteTables", 5, 100, nil},
		{"DescribeInstanceTypes", 5, 100, nil},
		{"DescribeStaleSecurityGroups", 5, 255, []string{id}},
		{"DescribeVpcClassicLinkDnsSupport", 5, 255, nil},
		{"DescribeAddressesAttribute", 1, 1000, []string{"Attribute=domain-name"}},
		{"DescribeManagedPrefixLists", 1, 100, nil},
	} {
		for size, want := range map[int]vpc.Code{
			tt.least - 1: vpc.InvalidParameterValue, tt.least: "", tt.most: "", tt.most + 1: vpc.InvalidParameterValue,
		} {
			if got := c.code(tt.action, append(tt.params, fmt.Sprintf("MaxResults=%d", size))...); got != want {
				t.Errorf("%s with pages of %d: got %q, want %q", tt.action, size, got, want)
			}
		}
	}
}

// What an agent says late, or about an earlier boot, changes nothing.
func TestReportsOutOfDate(t *testing.T) {
	w := fresh(t)
	c := w.caller(t, albert)
	id := vpc.InstanceID(text(c.ok("RunInstances", "ImageId=ami-eca54085", "MinCount=1", "MaxCount=1"), "instanceId"))
	report := func(generation int, s vpc.InstanceState) vpc.InstanceState {
		t.Helper()
		if err := w.server.Report(t.Context(), &vpc.Report{Host: "h", Instance: id, Generation: generation, State: s}); err != nil {
			t.Fatal(err)
		}
		return view(t, w).Instance(id).State
	}
	steps := []struct {
		generation    int
		reports, then vpc.InstanceState
	}{
		{0, vpc.Running, vpc.Pending},
		{1, vpc.Stopped, vpc.Pending}, // it has not run yet
		{1, vpc.Running, vpc.Running},
		{1, vpc.Pending, vpc.Running},
		{1, vpc.Terminated, vpc.Terminated}, // it has ended by itself
		{1, vpc.Running, vpc.Terminated},
		{1, vpc.Stopped, vpc.Terminated},
	}
	for _, s := range steps {
		if got := report(s.generation, s.reports); got != s.then {
			t.Errorf("boot %d reports %s: the instance is %s, want %s", s.generation, s.reports, got, s.then)
		}
	}
	if err := w.server.Report(t.Context(), &vpc.Report{Host: "h", Instance: "i-00000000", State: vpc.Running}); err != nil {
		t.Errorf("an unknown instance: %v", err)
	}
}

// A terminated instance is shown for an hour; then it, its reservation and its
// client token are gone.
func TestForget(t *testing.T) {
	w := fresh(t)
	c := w.caller(t, albert)
	id := vpc.InstanceID(text(c.ok("RunInstances", "ImageId=ami-eca54085", "MinCount=1", "MaxCount=1", "ClientToken=t"), "instanceId"))
	terminated := func(at time.Time) {
		t.Helper()
		if _, err := w.store.Update(t.Context(), func(tx *store.Tx) error {
			was := tx.Instance(id)
			if was == nil { // of a moment before the launch; Update tries again
				return errors.New("the instance is not there")
			}
			i := *was
			i.State, i.StateSince = vpc.Terminated, at
			tx.PutInstance(&i)
			return nil
		}); err != nil {
			t.Fatal(err)
		}
	}
	a, err := api.New(w.store, api.Options{})
	if err != nil {
		t.Fatal(err)
	}
	for _, tt := range []struct {
		age   time.Duration
		shown bool
	}{{59 * time.Minute, true}, {61 * time.Minute, false}} {
		terminated(time.Now().Add(-tt.age))
		if err := a.Forget(t.Context()); err != nil {
			t.Fatal(err)
		}
		if shown := view(t, w).Instance(id) != nil; shown != tt.shown {
			t.Errorf("after %v: shown %v, want %v", tt.age, shown, tt.shown)
		}
	}
	if view(t, w).Token("us-east-1", albert, "RunInstances", "t") != nil {
		t.Error("the client token is left")
	}
}

// withOptions is w behind a server of its own.
func (w *world) withOptions(t testing.TB, opts server.Options) *world {
	t.Helper()
	s, err := server.New(t.Context(), w.store, opts)
	if err != nil {
		t.Fatal(err)
	}
	h := httptest.NewServer(s.Handler())
	t.Cleanup(h.Close)
	return &world{store: w.store, server: s, http: h}
}
