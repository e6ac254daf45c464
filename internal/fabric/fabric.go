package fabric

import (
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"sync"

	"github.com/vishvananda/netlink"
	"github.com/vishvananda/netns"
	"golang.org/x/sys/unix"

	"ringfence/internal/fabric/guest"
)

// A Config says which fabric to open.
type Config struct {
	// Name is carried by all that the fabric makes on the host: at most 8
	// letters, digits and hyphens. Fabrics of different names do not meet.
	Name    string
	DataDir string // holds the machines' directories
	Log     *slog.Logger
}

// A Fabric is the host's part of the network. Its methods may be called from
// several goroutines, those for one machine from one at a time.
type Fabric struct {
	name    string
	dataDir string
	log     *slog.Logger

	hostNS      netns.NsHandle // the daemon's own
	dataplaneNS netns.NsHandle
	dataplane   *netlink.Handle // in dataplaneNS
	groups      *cgroups
	initBinary  string

	limitsOnce sync.Once // to say once what limits cannot be had
	removals   removals
}

// validName keeps Name fit for links and cgroups.
var validName = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9-]{0,7}$`)

// CheckName says what is wrong with a name for Config.
func CheckName(name string) error {
	if !validName.MatchString(name) {
		return fmt.Errorf("%q is no name: want at most 8 letters, digits and hyphens", name)
	}
	return nil
}

// Open makes the dataplane namespace of c, or takes over the one that an
// earlier daemon of this name has left.
func Open(c Config) (*Fabric, error) {
	if err := CheckName(c.Name); err != nil {
		return nil, err
	}
	f := &Fabric{name: c.Name, log: c.Log, hostNS: netns.None(), dataplaneNS: netns.None()}
	var err error
	if f.dataDir, err = makeDataDir(c.DataDir); err != nil {
		return nil, fmt.Errorf("make data directory: %w", err)
	}
	if err := f.open(); err != nil {
		f.Close()
		return nil, err
	}
	return f, nil
}

func (f *Fabric) open() error {
	var err error
	if f.initBinary, err = keepBinary(f.dataDir); err != nil {
		return fmt.Errorf("keep a copy of the binary: %w", err)
	}
	if f.groups, err = findCgroups(f.name); err != nil {
		return fmt.Errorf("find cgroups: %w", err)
	}
	if f.hostNS, err = netns.Get(); err != nil {
		return fmt.Errorf("open own network namespace: %w", err)
	}
	if f.dataplaneNS, err = openNamed(namespacePath(f.name)); err != nil {
		return fmt.Errorf("open dataplane namespace: %w", err)
	}
	if f.dataplane, err = netlink.NewHandleAt(f.dataplaneNS, unix.NETLINK_ROUTE); err != nil {
		return fmt.Errorf("speak netlink in dataplane namespace: %w", err)
	}
	return nil
}

// makeDataDir makes dir, with the directory of the machines in it, and returns
// its path without links: machines must find the same one from another root.
func makeDataDir(dir string) (string, error) {
	if err := os.MkdirAll(filepath.Join(dir, "instances"), 0o755); err != nil {
		return "", err
	}
	dir, err := filepath.Abs(dir)
	if err != nil {
		return "", err
	}
	return filepath.EvalSymlinks(dir)
}

// Close lets go of the fabric. Everything in it stays as it is.
func (f *Fabric) Close() {
	if f.dataplane != nil {
		f.dataplane.Close()
	}
	for _, ns := range []*netns.NsHandle{&f.dataplaneNS, &f.hostNS} {
		if ns.IsOpen() {
			ns.Close()
		}
	}
}

// InDataplane runs fn on a thread that is in the dataplane namespace, and only
// fn: goroutines that fn starts are not in it.
func (f *Fabric) InDataplane(fn func() error) error {
	return OnOwnThread(func() error {
		if err := netns.Set(f.dataplaneNS); err != nil {
			return fmt.Errorf("enter dataplane namespace: %w", err)
		}
		return fn()
	})
}

// InitMain is the hidden command init of the daemon's binary: process 1 of a
// machine, or what serves files in one. Its result is the exit status.
func InitMain(args []string) int {
	if slices.Equal(args, []string{guest.SFTP}) {
		return guest.ServeSFTP()
	}
	return guest.Main()
}
