package fabric

import (
	"errors"
	"fmt"
	"net"
	"net/netip"
	"os/exec"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// onHost runs fn with a fabric whose host is a network namespace of the test's
// own: nothing is done to the network of the machine that runs the tests.
func onHost(t *testing.T, fn func(f *Fabric) error) {
	t.Helper()
	needRoot(t)
	dir := t.TempDir()
	err := OnOwnThread(func() error {
		if err := unix.Unshare(unix.CLONE_NEWNET); err != nil {
			return err
		}
		f := openIn(t, dir)
		return fn(f)
	})
	if err != nil {
		t.Fatal(err)
	}
}

func hostLink() HostLink {
	return HostLink{
		Port: Port{
			Name: "host", Index: 99, MAC: [6]byte{2, 0x52, 203, 0, 113, 1}, Addresses: []netip.Prefix{mustPrefix("203.0.113.1/32")},
		},
		Routes: []netip.Prefix{mustPrefix("203.0.113.0/24"), mustPrefix("198.51.100.0/24")},
	}
}

// ipCommand runs ip(8) in the namespace of this thread.
func ipCommand(args string) (string, error) {
	text, err := exec.Command("ip", strings.Fields(args)...).CombinedOutput()
	if err != nil {
		return "", fmt.Errorf("ip %s: %w: %s", args, err, text)
	}
	return string(text), nil
}

// shell runs a script in the namespace of this thread.
func shell(script string) error {
	text, err := exec.Command("sh", "-ec", script).CombinedOutput()
	if err != nil {
		return fmt.Errorf("%s: %w: %s", script, err, text)
	}
	return nil
}

func TestHostLink(t *testing.T) {
	onHost(t, func(f *Fabric) error {
		for range 2 { // adding again takes over
			if err := f.AddHostLink(hostLink()); err != nil {
				return err
			}
		}
		if err := f.SetPortUp("host"); err != nil {
			return err
		}
		p, err := f.Prepare(t.Context(), outside(7))
		if err == nil {
			err = p.Boot(t.Context())
		}
		if err != nil {
			return err
		}
		bridge(t, f)
		text, err := ipCommand("route show dev " + f.name + "0")
		if err != nil {
			return err
		}
		if want := "198.51.100.0/24 scope link src 203.0.113.1 \n203.0.113.0/24 scope link src 203.0.113.1 \n"; text != want {
			t.Errorf("routes are\n%s, want\n%s", text, want)
		}
		// A closed port answers at once: the packet was there and back.
		d := net.Dialer{Timeout: 5 * time.Second}
		if _, err := d.DialContext(t.Context(), "tcp4", "203.0.113.7:9"); !errors.Is(err, unix.ECONNREFUSED) {
			t.Errorf("dial outside host: %v", err)
		}
		if err := f.RemoveHostLink(); err != nil {
			return err
		}
		if text, err = ipCommand("link"); err == nil && strings.Contains(text, f.name) {
			t.Errorf("a link is left:\n%s", text)
		}
		return err
	})
}

func TestHostLinkOverlap(t *testing.T) {
	onHost(t, func(f *Fabric) error {
		for _, args := range []string{"link add lan type veth peer name lan2", "link set lan up", "address add 10.0.0.2/24 dev lan",
			"route add default via 10.0.0.1", "route add 203.0.113.64/26 via 10.0.0.1"} {
			if _, err := ipCommand(args); err != nil {
				return err
			}
		}
		err := f.AddHostLink(hostLink())
		overlap, ok := errors.AsType[*RouteOverlapError](err)
		want := RouteOverlapError{Wanted: mustPrefix("203.0.113.0/24"), Existing: mustPrefix("203.0.113.64/26"), Device: "lan"}
		if !ok || *overlap != want {
			t.Errorf("got %v, want %v", err, &want)
		}
		ports, err := f.Ports()
		if err != nil || len(ports) > 0 {
			t.Errorf("ports were made: %v, %v", ports, err)
		}
		// A default route is in nobody's way.
		if _, err := ipCommand("route delete 203.0.113.64/26"); err != nil {
			return err
		}
		return f.AddHostLink(hostLink())
	})
}
