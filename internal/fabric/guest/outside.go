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
	// Named network namespaces that are mounted here would live as long as
	// this machine.
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
	resolver := filepath.Join(spec.Dir, "resolv.conf")
	if err := os.WriteFile(resolver, []byte(resolvConf(spec)), 0o644); err != nil {
		return err
	}
	if err := cover("/etc/resolv.conf", resolver); err != nil {
		return err
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
