package guest

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"golang.org/x/sys/unix"
)

// makeOutsideFiles leaves the host's file system as it is, except for what a
// program learns about processes, the network and names.
func makeOutsideFiles(spec *Spec) error {
	if err := unix.Mount("proc", "/proc", "proc", unix.MS_NOSUID|unix.MS_NODEV|unix.MS_NOEXEC, ""); err != nil {
		return fmt.Errorf("mount /proc: %w", err)
	}
	if err := leaveNamespaces(); err != nil {
		return err
	}
	if err := coverResolvConf(spec); err != nil {
		return fmt.Errorf("cover resolv.conf: %w", err)
	}
	// The host's name services would be asked before resolv.conf is.
	for _, socket := range []string{"/run/systemd/resolve/io.systemd.Resolve", "/run/nscd/socket"} {
		if err := cover(socket, "/dev/null"); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return err
		}
	}
	if err := unix.Mount("sysfs", "/sys", "sysfs", unix.MS_NOSUID|unix.MS_NODEV|unix.MS_NOEXEC, ""); err != nil {
		return fmt.Errorf("mount /sys: %w", err)
	}
	return nil
}

// leaveNamespaces lets go of the named network namespaces that are mounted
// here: they would live as long as this machine.
func leaveNamespaces() error {
	mounts, err := readMounts()
	if err != nil {
		return err
	}
	for _, m := range mounts {
		if m.fstype == "nsfs" {
			if err := unix.Unmount(m.point, unix.MNT_DETACH); err != nil {
				return fmt.Errorf("let go of %s: %w", m.point, err)
			}
		}
	}
	return nil
}

// coverResolvConf gives the machine a resolv.conf of its own. On a host that
// has none to cover, the machine gets its own layer over /etc to hold one.
func coverResolvConf(spec *Spec) error {
	const path = "/etc/resolv.conf"
	own := filepath.Join(spec.Dir, "resolv.conf")
	if err := os.WriteFile(own, []byte(resolvConf(spec)), 0o644); err != nil {
		return err
	}
	err := cover(path, own)
	if !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	if err := unix.Chdir(spec.Dir); err != nil {
		return err
	}
	if err := overlay(spec, "/etc", "/etc", "etc"); err != nil {
		return err
	}
	if err := os.Remove(path); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	return os.WriteFile(path, []byte(resolvConf(spec)), 0o644)
}

// cover mounts file over the file at path, or where that link leads.
func cover(path, file string) error {
	target, err := filepath.EvalSymlinks(path)
	if err != nil {
		return err
	}
	if err := unix.Mount(file, target, "", unix.MS_BIND, ""); err != nil {
		return fmt.Errorf("cover %s: %w", target, err)
	}
	return nil
}
