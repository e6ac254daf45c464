package server

import (
	"context"
	"errors"
	"io/fs"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"strings"
	"testing"

	"ringfence/internal/admin"
	"ringfence/internal/awsquery"
	"ringfence/internal/vpc"
)

// run runs a server on a port and a socket of its own until the test ends.
func run(t *testing.T, opts Options) *admin.Client {
	t.Helper()
	// t.TempDir is longer than a socket's path may be.
	dir, err := os.MkdirTemp("", "rf")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(dir) })
	// A socket that a killed daemon has left is in nobody's way.
	if err := os.WriteFile(admin.SocketPath(dir), nil, 0o644); err != nil {
		t.Fatal(err)
	}
	opts.DataDir = dir
	s := newServer(t, opts)
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- s.Run(ctx, listener) }()
	t.Cleanup(func() {
		cancel()
		if err := <-done; err != nil {
			t.Errorf("run: %v", err)
		}
	})
	url := "http://" + listener.Addr().String()
	// The port answers when both listeners are open: Run opens the socket first.
	resp, err := http.Get(url + "/healthz")
	if err != nil {
		t.Fatal(err)
	}
	resp.Body.Close()
	return admin.NewClient(admin.SocketPath(dir))
}

func TestAdministration(t *testing.T) {
	hooks := Hooks{
		Outside: func(_ context.Context, r admin.OutsideRequest) (*admin.Outside, error) {
			if r.IP == "203.0.113.5" {
				return nil, vpc.Errorf(vpc.InvalidParameterValue, "taken")
			}
			return &admin.Outside{IP: r.IP, Init: "/init"}, nil
		},
		Exec: func(_ context.Context, id vpc.InstanceID) (*admin.Exec, error) {
			return nil, errors.New("the agent has a secret problem with " + string(id))
		},
	}
	client := run(t, Options{Hooks: hooks, Endpoint: "http://127.0.0.1:8773"})
	ctx := t.Context()

	info, err := os.Stat(client.Socket())
	if err != nil || info.Mode().Perm() != 0o600 || info.Mode().Type() != fs.ModeSocket {
		t.Errorf("socket: %v, %v", info, err)
	}
	status, err := client.Status(ctx)
	if err != nil || status.Revision != shared.Revision() || !status.Ready || status.Endpoint != "http://127.0.0.1:8773" {
		t.Errorf("status: %+v, %v", status, err)
	}
	if outside, err := client.Outside(ctx, admin.OutsideRequest{IP: "203.0.113.7"}); err != nil || outside.Init != "/init" {
		t.Errorf("outside: %+v, %v", outside, err)
	}
	if _, err := client.Outside(ctx, admin.OutsideRequest{IP: "203.0.113.5"}); vpc.CodeOf(err) != vpc.InvalidParameterValue {
		t.Errorf("outside at a taken address: %v", err)
	}
	if _, err := client.Exec(ctx, "i-1"); vpc.CodeOf(err) != vpc.InternalError || strings.Contains(err.Error(), "secret") {
		t.Errorf("exec: %v", err)
	}
	if _, err := client.Explain(ctx, admin.ExplainRequest{}); vpc.CodeOf(err) != vpc.UnsupportedOperation {
		t.Errorf("explain without an agent: %v", err)
	}
}

func TestAccounts(t *testing.T) {
	client := run(t, Options{})
	ctx := t.Context()
	oldKey := signedPost(t, awsquery.EC2, "us-east-1", "Action=DescribeRegions&Version=2012-05-01")
	made, err := client.CreateAccount(ctx, admin.NewAccount{ID: "999988887777", Platform: vpc.PlatformClassic})
	if err != nil || made.Era != vpc.Era2012 || made.Profile != "999988887777" || made.AccessKey == "" {
		t.Errorf("new account: %+v, %v", made, err)
	}
	for _, in := range []admin.NewAccount{{ID: "999988887777"}, {ID: "1"}, {ID: "999988887776", Platform: "moon"}, {ID: "999988887776", Era: "stone"}} {
		if _, err := client.CreateAccount(ctx, in); vpc.CodeOf(err) != vpc.InvalidParameterValue {
			t.Errorf("%+v: %v", in, err)
		}
	}
	list, err := client.Accounts(ctx)
	if err != nil || len(list) != 3 || list[0].Profile != "classic" || list[1].Profile != "default" {
		t.Errorf("accounts: %+v, %v", list, err)
	}
	rotated, err := client.RotateKeys(ctx, albert)
	if err != nil || rotated.ID != albert || rotated.AccessKey == list[0].AccessKey || rotated.SecretKey == list[0].SecretKey {
		t.Errorf("new keys: %+v, %v", rotated, err)
	}
	if status, body := do(newServer(t, Options{}), oldKey); status != 401 || !strings.Contains(body, "AuthFailure") {
		t.Errorf("the old keys: %d %s", status, body)
	}
	if _, err := client.RotateKeys(ctx, "999988887776"); vpc.CodeOf(err) != vpc.InvalidParameterValue {
		t.Errorf("keys of nobody: %v", err)
	}
	if list, err = client.Accounts(ctx); err != nil || list[0] != *rotated {
		t.Errorf("accounts: %+v, %v", list, err)
	}
	path := strings.TrimSuffix(client.Socket(), "ringfenced.sock") + "credentials"
	file, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	for _, a := range list {
		section := "[" + a.Profile + "]\naws_access_key_id = " + a.AccessKey + "\naws_secret_access_key = " + a.SecretKey + "\n"
		if !strings.Contains(string(file), section) {
			t.Errorf("no section %q in\n%s", section, file)
		}
	}
}

// Keys outlive the daemon, and a reset.
func TestKeysArePersistent(t *testing.T) {
	before := newServer(t, Options{TestAPI: true})
	key := keyOf(t, albert)
	if status, body := do(before, httptest.NewRequest(http.MethodPost, "/_ringfence/reset", nil)); status != 200 {
		t.Fatalf("reset: %d %s", status, body)
	}
	newServer(t, Options{})
	if again := keyOf(t, albert); again != key {
		t.Errorf("key %v has become %v", key, again)
	}
}

func TestReset(t *testing.T) {
	s := newServer(t, Options{TestAPI: true})
	form := "Action=CreateSecurityGroup&Version=2012-05-01&GroupName=web&GroupDescription=d"
	for range 2 {
		if status, body := do(s, signedPost(t, awsquery.EC2, "us-east-1", form)); status != 200 {
			t.Fatalf("create: %d %s", status, body)
		}
		if status, body := do(s, httptest.NewRequest(http.MethodPost, "/_ringfence/reset", nil)); status != 200 {
			t.Fatalf("reset: %d %s", status, body)
		}
	}
}

// What is enforced is what the slowest agent has applied.
func TestEnforced(t *testing.T) {
	s := newServer(t, Options{})
	ctx := t.Context()
	enforced := func(want int64) {
		t.Helper()
		if got := s.status().Enforced; got != want {
			t.Errorf("enforced %d, want %d", got, want)
		}
	}
	report := func(host string, applied int64) {
		t.Helper()
		if err := s.Report(ctx, &vpc.Report{Host: host, Applied: applied}); err != nil {
			t.Fatal(err)
		}
	}
	enforced(0)
	one, two := s.Subscribe("one"), s.Subscribe("two")
	f, err := one.Next(ctx)
	if err != nil || !f.Whole {
		t.Fatalf("first feed: %+v, %v", f, err)
	}
	report("one", f.Revision)
	enforced(0)
	report("two", f.Revision-1)
	enforced(f.Revision - 1)
	report("two", f.Revision-2) // late
	report("three", 1)          // unknown
	enforced(f.Revision - 1)
	two.Close()
	enforced(f.Revision)
	one.Close()
	enforced(0)
}

// A call that changes the store reaches an agent as a delta at its revision.
func TestFeed(t *testing.T) {
	s := newServer(t, Options{})
	form := "Action=CreateSecurityGroup&Version=2012-05-01&GroupDescription=d&GroupName=feed"
	do(s, signedPost(t, awsquery.EC2, "us-west-1", form+"-first")) // makes the default group too
	sub := s.Subscribe("one")
	defer sub.Close()
	if _, err := sub.Next(t.Context()); err != nil {
		t.Fatal(err)
	}
	do(s, signedPost(t, awsquery.EC2, "us-west-1", form))
	f, err := sub.Next(t.Context())
	if err != nil || f.Whole || f.Revision != shared.Revision() || len(f.Groups) != 1 || f.Groups[0].Name != "feed" {
		t.Errorf("feed: %+v, %v", f, err)
	}
}
