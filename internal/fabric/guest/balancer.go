package guest

import (
	"fmt"
	"os"
	"path/filepath"

	"golang.org/x/sys/unix"
)

// Directories that a Balancer sees.
const (
	RunDir     = runDir // its RunDir
	PrivateDir = "/run/private"
	SharedDir  = "/run/shared" // its Shared
)

// makeBalancerFiles leaves the host's file system as it is, except for /proc
// and /run, where a balancer has a directory in memory for itself, which takes
// its secrets with it when it ends. All ports are open to every user.
func makeBalancerFiles(spec *Spec) error {
	if err := unix.Mount("proc", "/proc", "proc", unix.MS_NOSUID|unix.MS_NODEV|unix.MS_NOEXEC, ""); err != nil {
		return fmt.Errorf("mount /proc: %w", err)
	}
	if err := leaveNamespaces(); err != nil {
		return err
	}
	if err := coverRun(spec); err != nil {
		return fmt.Errorf("make /run: %w", err)
	}
	if err := os.WriteFile("/proc/sys/net/ipv4/ip_unprivileged_port_start", []byte("0"), 0); err != nil {
		return fmt.Errorf("open ports to all users: %w", err)
	}
	spec.RunDir = RunDir
	return nil
}

// coverRun mounts a /run of the machine's own, and in it what it shares with
// the host. That may be under the host's /run.
func coverRun(spec *Spec) error {
	shared := map[string]string{RunDir: spec.RunDir, SharedDir: spec.Shared}
	from := make(map[string]string)
	for target, dir := range shared {
		f, err := os.OpenFile(dir, unix.O_PATH|unix.O_DIRECTORY, 0)
		if err != nil {
			return err
		}
		defer f.Close()
		from[target] = fmt.Sprintf("/proc/self/fd/%d", f.Fd())
	}
	if err := unix.Mount("run", "/run", "tmpfs", unix.MS_NOSUID|unix.MS_NODEV, spec.tmpfsOptions("755", runShare)); err != nil {
		return err
	}
	for target, dir := range from {
		if err := os.Mkdir(target, 0o755); err != nil {
			return err
		}
		if err := unix.Mount(dir, target, "", unix.MS_BIND, ""); err != nil {
			return fmt.Errorf("mount %s: %w", filepath.Base(target), err)
		}
	}
	return nil
}
