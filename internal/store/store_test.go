package store

import (
	"bytes"
	"context"
	"errors"
	"flag"
	"fmt"
	"net/netip"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	clientv3 "go.etcd.io/etcd/client/v3"

	"ringfence/internal/vpc"
)

var rewrite = flag.Bool("rewrite", false, "rewrite the golden files")

// The layout of the store is a contract with the stores of earlier versions:
// a change of this file needs a new record version, and code that reads both.
func TestLayout(t *testing.T) {
	s := openIn(t, t.TempDir())
	defer s.Close()
	const region vpc.Region = "us-east-1"
	at := time.Date(2012, 5, 1, 12, 0, 0, 0, time.UTC)
	private, public := netip.MustParseAddr("10.254.0.4"), netip.MustParseAddr("203.0.113.5")
	update(t, s, func(tx *Tx) error {
		tx.PutAccount(&vpc.Account{ID: albert, Platform: vpc.PlatformClassic, Era: vpc.Era2012, AccessKey: "AKIA/1", SecretKey: "secret"})
		g := &vpc.SecurityGroup{ID: "sg-1", Account: albert, Region: region, Network: vpc.ClassicNetwork,
			Name: "Mary's group / 1", Description: "web", Created: at}
		tx.PutGroup(g)
		tx.PutRule(g, &vpc.Rule{ID: "sgr-1", Group: "sg-1", Proto: vpc.TCP, Ports: vpc.PortRange{From: 80, To: 80},
			Peer: vpc.Peer{CIDR: netip.MustParsePrefix("0.0.0.0/0")}, Position: 1})
		tx.PutRule(g, &vpc.Rule{ID: "sgr-2", Group: "sg-1", Proto: vpc.ICMP, ICMP: vpc.ICMPType{Type: -1, Code: -1},
			Peer: vpc.Peer{Group: "sg-1"}, Position: 2})
		tx.PutInterface(&vpc.NetworkInterface{ID: "eni-1", Number: vpc.InterfaceNumber(tx.Take(InterfaceNumbers, 1)),
			Account: albert, Region: region, Network: vpc.ClassicNetwork, NetworkNo: tx.NetworkNumber(region, vpc.ClassicNetwork),
			Subnet: vpc.ClassicSubnet, SubnetNo: tx.SubnetNumber(region, vpc.ClassicSubnet), Instance: "i-1",
			Groups: []vpc.GroupID{"sg-1"}, Identity: tx.Intern([]vpc.GroupID{"sg-1"}),
			Addresses: []netip.Addr{private}, Public: map[netip.Addr]netip.Addr{private: public}})
		tx.PutInstance(&vpc.Instance{ID: "i-1", Account: albert, Region: region, Zone: "us-east-1a", Reservation: "r-1",
			Image: "ami-eca54085", Type: "m1.small", LaunchTime: at, Network: vpc.ClassicNetwork, Interface: "eni-1",
			Groups: []vpc.GroupID{"sg-1"}, PrivateAddr: private, PublicAddr: public, ClientToken: "a/b", Generation: 1})
		tx.PutReservation(&vpc.Reservation{ID: "r-1", Account: albert, Region: region, Groups: []vpc.GroupID{"sg-1"}})
		tx.PutVPC(&vpc.VPC{ID: "vpc-1", Number: tx.NetworkNumber(region, "vpc-1"), Account: albert, Region: region, Default: true,
			CIDRs: []vpc.CIDRAssociation{{ID: "vpc-cidr-assoc-1", CIDR: netip.MustParsePrefix("172.31.0.0/16")}},
			IPv6:  []vpc.CIDRAssociation{{ID: "vpc-cidr-assoc-2", CIDR: netip.MustParsePrefix("2001:db8:100::/56")}}})
		tx.PutSubnet(&vpc.Subnet{ID: "subnet-1", Number: tx.SubnetNumber(region, "subnet-1"), Account: albert, Region: region,
			Network: "vpc-1", NetworkNo: tx.NetworkNumber(region, "vpc-1"), Zone: "us-east-1a", CIDR: netip.MustParsePrefix("172.31.0.0/20")})
		tx.PutGateway(&vpc.InternetGateway{ID: "igw-1", Account: albert, Region: region, Network: "vpc-1"})
		tx.PutRouteTable(&vpc.RouteTable{ID: "rtb-1", Account: albert, Region: region, Network: "vpc-1",
			Routes:       []vpc.Route{{Destination: netip.MustParsePrefix("0.0.0.0/0"), Gateway: "igw-1", Origin: "CreateRoute"}},
			Associations: []vpc.RouteTableAssociation{{ID: "rtbassoc-1"}}})
		tx.PutAddress(&vpc.Address{Public: netip.MustParseAddr("203.0.113.6"), Allocation: "eipalloc-1", Account: albert, Region: region})
		tx.PutKeyPair(&vpc.KeyPair{ID: "key-1", Account: albert, Region: region, Name: "Mary's key / 1", Type: "ed25519",
			Fingerprint: "f", PublicKey: "ssh-ed25519 AAAA Mary's key / 1", Created: at})
		tx.PutACL(&vpc.NetworkACL{ID: "acl-1", Account: albert, Region: region, Network: "vpc-1", Default: true,
			Subnets: []vpc.ACLAssociation{{ID: "aclassoc-1", Subnet: "subnet-1", SubnetNo: tx.SubnetNumber(region, "subnet-1")}},
			Entries: []vpc.ACLEntry{{Number: 100, Allow: true, Proto: vpc.AnyProto, CIDR: netip.MustParsePrefix("0.0.0.0/0")}}})
		tx.PutCertificate(&vpc.ServerCertificate{ID: "ASCA1", Account: albert, Name: "Shop", Path: "/", ARN: "arn:aws:iam::111122223333:server-certificate/Shop"})
		tx.PutLoadBalancer(&vpc.LoadBalancer{ID: "elb-1", Account: albert, Region: region, Name: "front", Network: vpc.ClassicNetwork,
			Nodes: []vpc.LoadBalancerNode{{Zone: "us-east-1a", Subnet: vpc.ClassicSubnet, Interface: "eni-2"}},
			Listeners: []vpc.Listener{{Protocol: vpc.ListenHTTPS, Port: 443, InstanceProtocol: vpc.ListenHTTP, InstancePort: 80,
				Certificate: "arn:aws:iam::111122223333:server-certificate/Shop"}}})
		tx.PutToken(region, albert, "a/b", &Token{Action: "RunInstances", Fingerprint: "f", Reservation: "r-1", Created: at})
		tx.PutCursor(region, vpc.ClassicSubnet, private)
		return nil
	})
	all, err := s.engine.client.Get(t.Context(), "", clientv3.WithPrefix())
	if err != nil {
		t.Fatal(err)
	}
	var got bytes.Buffer
	for _, kv := range all.Kvs {
		fmt.Fprintf(&got, "%s\n\t%s\n", kv.Key, kv.Value)
	}
	golden := filepath.Join("testdata", "layout.golden")
	if *rewrite {
		if err := os.WriteFile(golden, got.Bytes(), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(golden)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(want), got.String()); diff != "" {
		t.Errorf("layout (-want +got):\n%s", diff)
	}
	compareWithEtcd(t, s)
}

// compareWithEtcd holds the index, which was fed by events, to one that is
// loaded afresh.
func compareWithEtcd(t *testing.T, s *Store) {
	t.Helper()
	view(t, s) // waits for the newest revision
	all, err := s.engine.client.Get(t.Context(), root, clientv3.WithPrefix())
	if err != nil {
		t.Fatal(err)
	}
	fresh := newIndex()
	if err := fresh.load(all.Kvs, all.Header.Revision); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(dump(fresh.current), dump(s.index.newest())); diff != "" {
		t.Errorf("index (-loaded +fed):\n%s", diff)
	}
}

func dump(s snapshot) map[string]string {
	d := map[string]string{}
	s.tree.Ascend(func(e *entry) bool {
		raw, err := encodeNoun(e.noun)
		d[e.key] = fmt.Sprint(e.mod, e.members, string(raw), err)
		return true
	})
	return d
}

func TestASecondOpenIsRefused(t *testing.T) {
	dir := t.TempDir()
	s := openIn(t, dir)
	defer s.Close()
	_, err := Open(t.Context(), Options{Dir: dir, NoFsync: true})
	inUse, ok := errors.AsType[*InUseError](err)
	if !ok || inUse.PID != os.Getpid() {
		t.Errorf("err = %v, want in use by %d", err, os.Getpid())
	}
}

func TestAStoreKeepsItsNouns(t *testing.T) {
	dir := t.TempDir()
	s := openIn(t, dir)
	var first uint64
	update(t, s, func(tx *Tx) error {
		tx.PutGroup(group("r", "sg-1"))
		first = tx.Take(InterfaceNumbers, 1)
		return nil
	})
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	s = openIn(t, dir)
	defer s.Close()
	if view(t, s).Group("r", "sg-1") == nil {
		t.Error("the group is gone")
	}
	update(t, s, func(tx *Tx) error {
		if n := tx.Take(InterfaceNumbers, 1); n != first+1 {
			t.Errorf("number %d after %d", n, first)
		}
		return nil
	})
}

func TestARecordOfANewerVersionIsRefused(t *testing.T) {
	dir := t.TempDir()
	s := openIn(t, dir)
	if _, err := s.engine.client.Put(t.Context(), groupKey("r", albert, "sg-1"), `{"v":2}`); err != nil {
		t.Fatal(err)
	}
	s.Close()
	if s, err := Open(t.Context(), Options{Dir: dir, NoFsync: true}); err == nil {
		s.Close()
		t.Error("a store of a newer version was opened")
	}
}

func TestReset(t *testing.T) {
	s := openIn(t, t.TempDir())
	defer s.Close()
	kept := &vpc.Account{ID: albert, AccessKey: "AKIA1"}
	var number uint64
	update(t, s, func(tx *Tx) error {
		tx.PutAccount(kept)
		tx.PutAccount(&vpc.Account{ID: "999988887777", AccessKey: "AKIA2"})
		tx.PutGroup(group("us-east-1", "sg-1"))
		tx.PutGroup(group("zz-last-9", "sg-2"))
		tx.PutCursor("us-east-1", vpc.ClassicSubnet, netip.MustParseAddr("10.254.0.4"))
		number = tx.Take(InterfaceNumbers, 1)
		return nil
	})
	watcher := s.Watch()
	if _, err := watcher.Next(t.Context()); err != nil {
		t.Fatal(err)
	}
	begin := time.Now()
	if _, err := s.Reset(t.Context(), []vpc.AccountID{albert}); err != nil {
		t.Fatal(err)
	}
	v := view(t, s)
	t.Logf("reset and view took %v", time.Since(begin))

	if len(v.Accounts()) != 1 || v.AccountWithKey("AKIA1") == nil || v.AccountWithKey("AKIA2") != nil {
		t.Errorf("accounts: %v", v.Accounts())
	}
	if v.Group("us-east-1", "sg-1") != nil || v.Group("zz-last-9", "sg-2") != nil {
		t.Error("a group is left")
	}
	update(t, s, func(tx *Tx) error {
		if n := tx.Take(InterfaceNumbers, 1); n <= number {
			t.Errorf("number %d was handed out again", n)
		}
		if tx.Cursor("us-east-1", vpc.ClassicSubnet, netip.MustParsePrefix("10.254.0.0/16")).IsValid() {
			t.Error("the cursor is left")
		}
		return nil
	})
	f, err := watcher.Next(t.Context())
	if err != nil || len(f.GoneGroups) != 2 {
		t.Errorf("feed %+v, %v: want both groups gone", f, err)
	}
}

// A transaction that has begun before Reset must not write into the fresh
// store what it has concluded from the old one.
func TestResetOvertakesATransaction(t *testing.T) {
	s := openIn(t, t.TempDir())
	defer s.Close()
	tries := 0
	update(t, s, func(tx *Tx) error {
		if tries++; tries == 1 {
			if _, err := s.Reset(t.Context(), nil); err != nil {
				return err
			}
		}
		tx.PutGroup(group("r", "sg-1"))
		return nil
	})
	if tries != 2 {
		t.Errorf("%d tries, want 2", tries)
	}
}

func TestWatch(t *testing.T) {
	s := openIn(t, t.TempDir())
	defer s.Close()
	g := group("r", "sg-1")
	update(t, s, func(tx *Tx) error { tx.PutGroup(g); return nil })

	w := s.Watch()
	f := next(t, w)
	if !f.Whole || len(f.Groups) != 1 {
		t.Fatalf("first feed %+v, want everything", f)
	}

	// What changes no verdict goes along with what does.
	update(t, s, func(tx *Tx) error { tx.PutGroup(group("r", "sg-2")); return nil })
	first := update(t, s, func(tx *Tx) error { tx.PutRule(g, &vpc.Rule{ID: "sgr-1", Group: g.ID}); return nil })
	update(t, s, func(tx *Tx) error { tx.DeleteGroup(group("r", "sg-2")); return nil })
	last := update(t, s, func(tx *Tx) error {
		tx.DeleteRule(g, &vpc.Rule{ID: "sgr-1", Group: g.ID})
		tx.PutRule(g, &vpc.Rule{ID: "sgr-2", Group: g.ID, Egress: true})
		return nil
	})
	view(t, s) // the feeds have arrived
	f = next(t, w)
	if f.Whole || f.Revision < first || f.Revision >= last || len(f.Rules) != 1 || f.Rules[0].ID != "sgr-1" || len(f.GoneRules) != 0 || len(f.GoneGroups) != 1 {
		t.Errorf("feed %+v, want sgr-1 at %d and sg-2 gone", f, first)
	}
	f = next(t, w)
	if f.Whole || f.Revision != last || len(f.Rules) != 1 || f.Rules[0].ID != "sgr-2" || len(f.GoneRules) != 1 {
		t.Errorf("feed %+v, want sgr-2 at %d and sgr-1 gone", f, last)
	}

	// A watcher may go on where another one has ended.
	update(t, s, func(tx *Tx) error { tx.DeleteGroup(tx.Group("r", "sg-1")); return nil })
	f = next(t, s.Resume(last))
	if f.Whole || len(f.GoneGroups) != 1 || len(f.GoneRules) != 1 {
		t.Errorf("resumed feed %+v, want the group and its rule gone", f)
	}

	// One that is too far behind starts again.
	s.index.mu.Lock()
	s.index.log, s.index.floor = nil, s.index.current.revision
	s.index.mu.Unlock()
	if f = next(t, s.Resume(last)); !f.Whole {
		t.Errorf("feed %+v, want everything", f)
	}

	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := w.Next(ctx); err != nil { // there is still something to tell
		t.Error(err)
	}
	if _, err := w.Next(ctx); !errors.Is(err, context.Canceled) {
		t.Errorf("err = %v", err)
	}
}

// Revisions are enforced in one step only where each packet meets one of them.
func TestRevisionsThatAreToldTogether(t *testing.T) {
	s := openIn(t, t.TempDir())
	defer s.Close()
	g := group("r", "sg-1")
	update(t, s, func(tx *Tx) error { tx.PutGroup(g); return nil })
	rule := func(id vpc.RuleID, egress bool) func(*Tx) error {
		return func(tx *Tx) error { tx.PutRule(g, &vpc.Rule{ID: id, Group: g.ID, Egress: egress}); return nil }
	}
	both := func(tx *Tx) error { return errors.Join(rule("in", false)(tx), rule("out", true)(tx)) }
	acl := func(tx *Tx) error {
		tx.PutACL(&vpc.NetworkACL{ID: "acl-1", Region: "r", Account: albert, Subnets: nil})
		return nil
	}
	named := func(tx *Tx) error { tx.PutKeyPair(&vpc.KeyPair{Region: "r", Account: albert, Name: "k"}); return nil }
	for name, test := range map[string]struct {
		revisions []func(*Tx) error
		feeds     int
	}{
		"rules of one direction":                   {[]func(*Tx) error{rule("1", false), rule("2", false), rule("1", false)}, 1},
		"with what is not enforced in between":     {[]func(*Tx) error{named, rule("1", true), named, rule("2", true), named}, 1},
		"rules of one direction, then the other's": {[]func(*Tx) error{rule("1", false), rule("2", false), rule("3", true), rule("4", true)}, 2},
		"rules of both directions at once":         {[]func(*Tx) error{both, both, rule("1", false)}, 3},
		"anything else":                            {[]func(*Tx) error{acl, acl, rule("1", false), acl}, 4},
	} {
		t.Run(name, func(t *testing.T) {
			w := s.Resume(s.Revision())
			var last int64
			for _, f := range test.revisions {
				last = update(t, s, f)
			}
			view(t, s) // the feeds have arrived
			feeds := 1
			for next(t, w).Revision < last {
				feeds++
			}
			if feeds != test.feeds {
				t.Errorf("%d feeds, want %d", feeds, test.feeds)
			}
		})
	}
}

func next(t *testing.T, w *Watcher) *vpc.Feed {
	t.Helper()
	f, err := w.Next(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	return f
}

// A watch that etcd has compacted away is replaced by reading everything.
func TestACompactedWatchLoadsAgain(t *testing.T) {
	s := openIn(t, t.TempDir())
	defer s.Close()
	update(t, s, func(tx *Tx) error { tx.PutGroup(group("r", "sg-1")); return nil })
	s.stop()
	s.follower.Wait()
	if _, err := s.engine.client.Put(t.Context(), groupKey("r", albert, "sg-1")+"/", `{"v":1}`); err != nil {
		t.Fatal(err)
	}
	put, err := s.engine.client.Put(t.Context(), homeKey("r", "sg-2"), `{"v":1,"noun":{"Region":"r"}}`)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := s.engine.client.Compact(t.Context(), put.Header.Revision); err != nil {
		t.Fatal(err)
	}
	s.start()
	if _, err := s.index.at(t.Context(), put.Header.Revision); err != nil {
		t.Fatal(err)
	}
	compareWithEtcd(t, s)
}
