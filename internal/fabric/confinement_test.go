package fabric

import (
	"fmt"
	"net/netip"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"ringfence/internal/fabric/guest"
	"ringfence/internal/fabric/initproto"
)

// What a program in an instance finds, and what it cannot do to the host.
func TestInsideAnInstance(t *testing.T) {
	f := open(t)
	boot(t, f, instance(0x102))
	const id = "i-00000102"
	hostFile := filepath.Join(t.TempDir(), "mine") // below the host's /tmp
	if err := os.WriteFile(hostFile, nil, 0o644); err != nil {
		t.Fatal(err)
	}

	for _, tt := range []struct{ script, want string }{
		{"hostname", "ip-10-254-1-2"},
		{"cat /etc/hostname", "ip-10-254-1-2"},
		{"head -2 /etc/resolv.conf", "search ec2.internal\nnameserver 172.16.0.23"},
		{"getent hosts ip-10-254-1-2 | tr -s ' '", "10.254.1.2 ip-10-254-1-2.ec2.internal ip-10-254-1-2"},
		{"id -un; pwd; echo $HOME", "root\n/root\n/root"},
		{"tr '\\0' ' ' < /proc/1/cmdline", "ringfenced init " + f.name + " " + id},

		// The network is eth0 and lo.
		{"ls /sys/class/net", "eth0\nlo"},
		{"cat /sys/class/net/eth0/address", "02:52:0a:fe:01:02"},
		{"ip -4 -o address show eth0 | tr -s ' ' | cut -d' ' -f2-4", "eth0 inet 10.254.1.2/16"},
		{"ip route show default", "default via 10.254.0.1 dev eth0"},
		{"ip -6 -o address show eth0", ""},
		{"nmap -n -Pn -sS -p22 -oG - 10.254.1.2 | grep -o 22/open", "22/open"}, // a raw socket
		{"ip link set eth0 mtu 1400 && cat /sys/class/net/eth0/mtu", "1400"},

		// Other processes are not seen, and the usual devices are there.
		{"ls /proc | grep -c '^[0-9]' | awk '$1 < 8 {print \"few\"}'", "few"},
		{"ls /dev", "fd\nfull\nnull\nptmx\npts\nrandom\nshm\nstderr\nstdin\nstdout\ntty\nurandom\nzero"},
		{"echo x > /dev/shm/x && head -c2 /dev/zero | wc -c", "2"},

		// The host's files are there to read, and changes stay in here.
		{"ls /etc/passwd", "/etc/passwd"},
		{"ls " + hostFile + " 2>&1 || ls -A /tmp", "ls: cannot access '" + hostFile + "': No such file or directory"},
		{"touch /etc/ringfence-test && echo written", "written"},

		// The kernel's settings and the host's devices are out of reach.
		{"echo 1 2>&1 > /proc/sys/kernel/hostname", "sh: 1: cannot create /proc/sys/kernel/hostname: Read-only file system"},
		{"mount -o remount,rw /proc/sys 2>/dev/null || echo refused", "refused"},
		{"mknod /tmp/disk b 254 0 2>/dev/null || echo refused", "refused"},
		{"nsenter -t 1 -m true 2>/dev/null || echo refused", "refused"},
		{"unshare -n true 2>/dev/null || echo refused", "refused"},
		{"sysctl -qw net.ipv4.ip_forward=1 net.ipv6.conf.all.forwarding=1 && cat /proc/sys/net/ipv4/ip_forward", "1"}, // its own
		{"echo c 2>/dev/null > /proc/sysrq-trigger || echo refused", "refused"},
	} {
		got, _ := run(t, f, id, tt.script)
		if got = strings.TrimSpace(got); got != tt.want {
			t.Errorf("%s\n got %s\nwant %s", tt.script, got, tt.want)
		}
	}
	if _, err := os.Stat("/etc/ringfence-test"); err == nil {
		t.Error("a file written in the instance is on the host")
	}
}

func TestDataDirectoryIsHidden(t *testing.T) {
	f := openIn(t, tempDirIn(t, "/var/tmp")) // /tmp is another one inside anyway
	if err := os.WriteFile(filepath.Join(f.dataDir, "credentials"), []byte("secret"), 0o644); err != nil {
		t.Fatal(err)
	}
	boot(t, f, instance(0x102))
	if got := mustRun(t, f, "i-00000102", "ls -A "+f.dataDir); got != "" {
		t.Errorf("an instance sees %s in the data directory", got)
	}
}

// tempDirIn is t.TempDir with another parent.
func tempDirIn(t testing.TB, parent string) string {
	t.Helper()
	dir, err := os.MkdirTemp(parent, "fabric-test-")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(dir) })
	return dir
}

func TestLimits(t *testing.T) {
	f := open(t)
	m := instance(0x102)
	m.Limits = Limits{Memory: 64 << 20, Processes: 20, CPUWeight: 50}
	boot(t, f, m)
	s, err := f.readState(m.ID)
	if err != nil {
		t.Fatal(err)
	}
	for controller, limit := range map[string]struct{ v1, v2, v1Value, v2Value string }{
		"memory": {"memory.limit_in_bytes", "memory.max", "67108864", "67108864"},
		"pids":   {"pids.max", "pids.max", "20", "20"},
		"cpu":    {"cpu.shares", "cpu.weight", "512", "50"},
	} {
		mount, file, want := f.groups.v1[controller], limit.v1, limit.v1Value
		if mount == "" {
			mount, file, want = f.groups.v2, limit.v2, limit.v2Value
		}
		dir := filepath.Join(mount, f.groups.name, m.ID)
		got, err := os.ReadFile(filepath.Join(dir, file))
		if os.IsNotExist(err) {
			t.Logf("this host has no controller for %s", controller)
			continue
		}
		if err != nil || strings.TrimSpace(string(got)) != want {
			t.Errorf("%s is %q, want %s (%v)", file, got, want, err)
		}
		procs, err := os.ReadFile(filepath.Join(dir, "cgroup.procs"))
		if err != nil || !strings.Contains("\n"+string(procs), fmt.Sprintf("\n%d\n", s.Init.PID)) {
			t.Errorf("init %d is not in the %s group, which has %q (%v)", s.Init.PID, controller, procs, err)
		}
	}
	for _, dir := range []string{"/tmp", "/run", "/dev/shm"} { // all together, and the machine goes on
		if got, _ := run(t, f, m.ID, "head -c 128M /dev/zero 2>&1 > "+dir+"/full"); !strings.Contains(got, "No space left") {
			t.Errorf("128 MB fit into %s of a machine of 64 MB: %q", dir, got)
		}
		mustPing(t, f, m.ID)
	}
	got, _ := run(t, f, m.ID, "for i in $(seq 40); do sleep 60 & done 2>&1")
	if f.groups.v1["pids"] != "" && !strings.Contains(got, "fork") {
		t.Errorf("forty processes were started where twenty are allowed: %q", got)
	}
	mustPing(t, f, m.ID) // the init survives it
}

func mustPing(t testing.TB, f *Fabric, id string) {
	t.Helper()
	if _, err := initproto.Ping(t.Context(), initproto.SocketPath(f.dataDir, id)); err != nil {
		t.Errorf("%s does not answer: %v", id, err)
	}
}

func TestAnotherRoot(t *testing.T) {
	f := open(t)
	root := tempDirIn(t, "/var/tmp")
	for _, dir := range []string{"usr", "etc"} {
		if err := os.Mkdir(filepath.Join(root, dir), 0o755); err != nil {
			t.Fatal(err)
		}
	}
	m := instance(0x102)
	m.Root = root
	boot(t, f, m)
	if _, err := os.Stat(filepath.Join(root, "proc")); err == nil {
		t.Error("the instance has changed its image")
	}
}

func TestOutsideHost(t *testing.T) {
	f := open(t)
	boot(t, f, outside(7))
	boot(t, f, outside(8))
	bridge(t, f)
	for _, tt := range []struct{ script, want string }{
		{"ip -4 -o address show eth0 | tr -s ' ' | cut -d' ' -f2-4", "eth0 inet 203.0.113.7/24"},
		{"grep nameserver /etc/resolv.conf", "nameserver 127.0.0.53"},
		{"ls /sys/class/net", "eth0\nlo"},
		{"nmap -n -sn -PE -oG - 203.0.113.8 | grep -o Up", "Up"}, // ICMP
		{"ls " + f.dataDir, "init\ninstances"},                   // the host's files as they are
	} {
		if got := mustRun(t, f, "outside-203.0.113.7", tt.script); got != tt.want {
			t.Errorf("%s\n got %s\nwant %s", tt.script, got, tt.want)
		}
	}
	if text, err := os.ReadFile("/etc/resolv.conf"); err == nil && strings.Contains(string(text), "127.0.0.53") {
		t.Error("the host's own resolv.conf was changed")
	}
}

// With a gateway, it is the only neighbour of a host whose prefix is itself.
func TestOutsideHostWithGateway(t *testing.T) {
	f := open(t)
	m := outside(7)
	m.Ports[0].Addresses[0] = mustPrefix("203.0.113.7/32")
	m.Ports[0].Routers = []netip.Addr{mustAddr("169.254.0.1")}
	boot(t, f, m)
	if got, want := mustRun(t, f, m.ID, "ip route show default"), "default via 169.254.0.1 dev eth0 onlink"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
}

// outside is the host 203.0.113.n, whose neighbours are the others.
func outside(n int) Machine {
	m := instance(n)
	address := fmt.Sprintf("203.0.113.%d", n)
	m.ID, m.Kind, m.Hostname, m.Domain = "outside-"+address, guest.Outside, "outside-"+fmt.Sprint(n), ""
	m.Ports[0].Addresses, m.Ports[0].Routers = []netip.Prefix{mustPrefix(address + "/24")}, nil
	m.Resolvers = append(m.Resolvers[:0:0], mustAddr("127.0.0.53"))
	m.Metadata, m.Services = false, nil
	return m
}
