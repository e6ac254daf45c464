package fabric

import (
	"bytes"
	"context"
	"crypto/rand"
	"fmt"
	"log/slog"
	"net/netip"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/vishvananda/netlink"

	"ringfence/internal/fabric/guest"
	"ringfence/internal/fabric/initproto"
)

// The test binary is also the init of the machines that it makes.
func TestMain(m *testing.M) {
	if len(os.Args) > 1 && os.Args[1] == "init" {
		os.Exit(InitMain(os.Args[2:]))
	}
	if config := os.Getenv(crashEnv); config != "" {
		daemonToBeKilled(config)
	}
	os.Exit(m.Run())
}

// open opens a fabric of the test's own, which is gone after it.
func open(t testing.TB) *Fabric {
	t.Helper()
	return openIn(t, t.TempDir())
}

func openIn(t testing.TB, dataDir string) *Fabric {
	t.Helper()
	needRoot(t)
	f, err := Open(Config{
		Name:    "t" + strings.ToLower(rand.Text()[:5]),
		DataDir: dataDir,
		Log:     slog.New(slog.NewTextHandler(t.Output(), nil)),
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := f.Clean(context.Background()); err != nil {
			t.Errorf("clean: %v", err)
		}
		f.Close()
	})
	return f
}

func needRoot(t testing.TB) {
	t.Helper()
	if os.Geteuid() != 0 {
		t.Skip("needs root, to make network namespaces")
	}
}

func mustAddr(s string) netip.Addr {
	if s == "" {
		return netip.Addr{}
	}
	return netip.MustParseAddr(s)
}

func mustPrefix(s string) netip.Prefix { return netip.MustParsePrefix(s) }

var resolver = netip.MustParseAddr("172.16.0.23")

// instance is number n of a network whose members are neighbours.
func instance(n int) Machine {
	ip := netip.AddrFrom4([4]byte{10, 254, byte(n >> 8), byte(n)})
	return Machine{
		ID:         fmt.Sprintf("i-%08x", n),
		Kind:       guest.Instance,
		Generation: 1,
		Ports: []Port{{
			Name:      fmt.Sprintf("p%d", n),
			Index:     1000 + n,
			MAC:       [6]byte{2, 0x52, 10, 254, byte(n >> 8), byte(n)},
			Addresses: []netip.Prefix{netip.PrefixFrom(ip, 16)},
			Routers:   []netip.Addr{netip.MustParseAddr("10.254.0.1")},
		}},
		Hostname:  fmt.Sprintf("ip-10-254-%d-%d", n>>8, n&255),
		Domain:    "ec2.internal",
		Resolvers: []netip.Addr{resolver},
		Metadata:  true,
		Services:  []guest.Service{{Kind: "ssh", Port: 22}, {Kind: "http", Port: 80}, {Kind: "tcp", Port: 3306}},
		Limits:    Limits{Memory: 256 << 20, Processes: 200, CPUWeight: 100},
	}
}

func boot(t testing.TB, f *Fabric, m Machine) {
	t.Helper()
	p, err := f.Prepare(t.Context(), m)
	if err != nil {
		t.Fatal(err)
	}
	if err := p.Boot(t.Context()); err != nil {
		console, _, _ := f.Console(m.ID)
		t.Fatalf("%v\nconsole:\n%s", err, console)
	}
}

// bridge joins all ports of f, in the place of the programs that decide.
func bridge(t testing.TB, f *Fabric) {
	t.Helper()
	attrs := netlink.NewLinkAttrs()
	attrs.Name = "bridge"
	br := &netlink.Bridge{LinkAttrs: attrs}
	if err := f.dataplane.LinkAdd(br); err != nil {
		t.Fatal(err)
	}
	if err := f.dataplane.LinkSetUp(br); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = f.dataplane.LinkDel(br) }) // its namespace may be gone already
	ports, err := f.Ports()
	if err != nil {
		t.Fatal(err)
	}
	for _, p := range ports {
		link, err := f.dataplane.LinkByName(p.Name)
		if err == nil {
			err = f.dataplane.LinkSetMaster(link, br)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
}

// run runs a shell command in a machine and returns all it says and its status.
func run(t testing.TB, f *Fabric, id, script string) (string, int) {
	t.Helper()
	out, err := os.Create(filepath.Join(t.TempDir(), "out"))
	if err != nil {
		t.Fatal(err)
	}
	defer out.Close()
	status, err := initproto.Exec(t.Context(), initproto.SocketPath(f.dataDir, id), initproto.Command{
		Args: []string{"sh", "-c", script}, Stdout: out, Stderr: out,
	})
	if err != nil {
		t.Fatalf("%s: %v", script, err)
	}
	text, err := os.ReadFile(out.Name())
	if err != nil {
		t.Fatal(err)
	}
	return string(bytes.TrimSpace(text)), status
}

// mustRun is run for a command that succeeds.
func mustRun(t testing.TB, f *Fabric, id, script string) string {
	t.Helper()
	text, status := run(t, f, id, script)
	if status != 0 {
		t.Fatalf("%s: status %d\n%s", script, status, text)
	}
	return text
}

func TestMachinesReachEachOther(t *testing.T) {
	f := open(t)
	boot(t, f, instance(0x102))
	boot(t, f, instance(0x103))
	bridge(t, f)

	const peer = "10.254.1.3"
	if got := mustRun(t, f, "i-00000102", "curl -sS http://"+peer+"/any/path"); got != "instance i-00000103\naddress 10.254.1.3\npeer 10.254.1.2" {
		t.Errorf("HTTP service says\n%s", got)
	}
	if got := mustRun(t, f, "i-00000102", "nmap -Pn -n -p 20-25,80,3306 "+peer); !strings.Contains(got, "22/tcp   open") || !strings.Contains(got, "23/tcp   closed") {
		t.Errorf("nmap says\n%s", got)
	}
}
