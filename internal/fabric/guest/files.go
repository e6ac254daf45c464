package guest

import (
	"bufio"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"golang.org/x/sys/unix"
)

// runDir is where an instance sees its RunDir.
const runDir = "/run/ringfence"

// makeFiles makes the machine's file system, and sets spec.RunDir to where the
// machine sees it from now on.
func makeFiles(spec *Spec) error {
	// Mounts made here stay here; the host's unmounts still arrive, so a
	// machine never keeps one of its file systems busy.
	if err := unix.Mount("", "/", "", unix.MS_REC|unix.MS_SLAVE, ""); err != nil {
		return fmt.Errorf("leave host's mounts: %w", err)
	}
	switch spec.Kind {
	case Instance:
		return makeInstanceFiles(spec)
	case Outside:
		return makeOutsideFiles(spec)
	case Balancer:
		return makeBalancerFiles(spec)
	}
	return fmt.Errorf("unknown kind of machine %q", spec.Kind)
}

// makeInstanceFiles puts a layer of the instance's own over the host's file
// systems and makes it the root.
func makeInstanceFiles(spec *Spec) error {
	root := filepath.Join(spec.Dir, "root")
	if err := layerRoot(spec, root); err != nil {
		return err
	}
	if err := mountRun(spec, root); err != nil {
		return err
	}
	if spec.DataDir != "" {
		if err := hide(filepath.Join(root, spec.DataDir)); err != nil {
			return fmt.Errorf("hide data directory: %w", err)
		}
	}
	if err := mountKernel(root); err != nil {
		return err
	}
	if err := makeDevices(spec, filepath.Join(root, "dev")); err != nil {
		return fmt.Errorf("make devices: %w", err)
	}
	if err := enter(root); err != nil {
		return fmt.Errorf("enter root: %w", err)
	}
	spec.RunDir = runDir
	return writeNetworkFiles(spec)
}

// layerRoot mounts spec.Root, and every file system of the host's disks that
// is mounted below it, at root, each under an own layer.
func layerRoot(spec *Spec, root string) error {
	lower := spec.Root
	if lower == "" {
		lower = "/"
	}
	below, err := diskMounts(lower)
	if err != nil {
		return err
	}
	// Relative paths keep the options short and free of characters that
	// overlayfs would read as separators.
	if err := unix.Chdir(spec.Dir); err != nil {
		return err
	}
	if err := overlay(spec, lower, "root", "layer"); err != nil {
		return fmt.Errorf("layer %s: %w", lower, err)
	}
	for i, m := range below {
		inside, err := filepath.Rel(lower, m)
		if err != nil {
			return err
		}
		if err := overlay(spec, m, filepath.Join(root, inside), fmt.Sprintf("layer%d", i+1)); err != nil {
			return fmt.Errorf("layer %s: %w", m, err)
		}
	}
	return nil
}

// overlay mounts lower at target with changes going to dir of the working
// directory. Where dir's file system cannot hold them (it is an overlay itself,
// as in a container), they go to memory: then every boot is the first.
func overlay(spec *Spec, lower, target, dir string) error {
	mount := func() error {
		upper, work := filepath.Join(dir, "upper"), filepath.Join(dir, "work")
		for _, d := range []string{upper, work} {
			if err := os.MkdirAll(d, 0o755); err != nil {
				return err
			}
		}
		escaped := strings.NewReplacer(`\`, `\\`, ":", `\:`, ",", `\,`).Replace(lower)
		return unix.Mount("overlay", target, "overlay", unix.MS_NODEV, "lowerdir="+escaped+",upperdir="+upper+",workdir="+work)
	}
	err := mount()
	if !errors.Is(err, unix.EINVAL) {
		return err
	}
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return err
	}
	if err := unix.Mount("layer", dir, "tmpfs", 0, spec.tmpfsOptions("755", layerShare)); err != nil {
		return err
	}
	return mount()
}

// diskMounts lists the mount points below dir of file systems that keep files
// on a disk, outermost first.
func diskMounts(dir string) ([]string, error) {
	disks := map[string]bool{"btrfs": true, "ext2": true, "ext3": true, "ext4": true, "f2fs": true, "xfs": true, "zfs": true}
	mounts, err := readMounts()
	if err != nil {
		return nil, err
	}
	var points []string
	for _, m := range mounts {
		inside := m.point != dir && strings.HasPrefix(m.point, strings.TrimSuffix(dir, "/")+"/")
		info, err := os.Stat(m.point)
		if inside && disks[m.fstype] && err == nil && info.IsDir() && !strings.HasPrefix(m.point, "/run/") {
			points = append(points, m.point)
		}
	}
	return points, nil
}

type mountPoint struct{ point, fstype string }

// readMounts lists the mounts of this process in the order they were made
// (proc_pid_mountinfo(5)).
func readMounts() ([]mountPoint, error) {
	f, err := os.Open("/proc/self/mountinfo")
	if err != nil {
		return nil, err
	}
	defer f.Close()
	unescape := strings.NewReplacer(`\040`, " ", `\011`, "\t", `\012`, "\n", `\134`, `\`)
	var mounts []mountPoint
	lines := bufio.NewScanner(f)
	for lines.Scan() {
		before, after, ok := strings.Cut(lines.Text(), " - ")
		fields, kind := strings.Fields(before), strings.Fields(after)
		if !ok || len(fields) < 5 || len(kind) < 1 {
			return nil, fmt.Errorf("unreadable line of mountinfo: %q", lines.Text())
		}
		mounts = append(mounts, mountPoint{unescape.Replace(fields[4]), kind[0]})
	}
	return mounts, lines.Err()
}

// mountRun gives root a /run and a /tmp of its own, and RunDir in it.
func mountRun(spec *Spec, root string) error {
	for dir, options := range map[string]string{
		"run": spec.tmpfsOptions("755", runShare),
		"tmp": spec.tmpfsOptions("1777", tmpShare),
	} {
		target := filepath.Join(root, dir)
		if err := os.MkdirAll(target, 0o755); err != nil {
			return err
		}
		if err := unix.Mount(dir, target, "tmpfs", unix.MS_NOSUID|unix.MS_NODEV, options); err != nil {
			return fmt.Errorf("mount /%s: %w", dir, err)
		}
	}
	target := filepath.Join(root, runDir)
	if err := os.Mkdir(target, 0o755); err != nil {
		return err
	}
	if err := unix.Mount(spec.RunDir, target, "", unix.MS_BIND, ""); err != nil {
		return fmt.Errorf("mount %s: %w", runDir, err)
	}
	return nil
}

// hide covers dir with an empty, read-only directory. A dir that is not there
// needs no hiding.
func hide(dir string) error {
	if _, err := os.Stat(dir); errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	return unix.Mount("hidden", dir, "tmpfs", unix.MS_RDONLY|unix.MS_NOSUID|unix.MS_NODEV, "size=4k,mode=755")
}

// routerSettings are what whoever makes a router of an instance sets; they are
// of its own network namespace, and stay writable.
var routerSettings = []string{"sys/net/ipv4/ip_forward", "sys/net/ipv6/conf/all/forwarding"}

// mountKernel mounts /proc and /sys so that nothing of the host's kernel can be
// set through them.
func mountKernel(root string) error {
	const safe = unix.MS_NOSUID | unix.MS_NODEV | unix.MS_NOEXEC
	proc, sys := filepath.Join(root, "proc"), filepath.Join(root, "sys")
	for _, dir := range []string{proc, sys} {
		if err := os.MkdirAll(dir, 0o755); err != nil {
			return err
		}
	}
	if err := unix.Mount("proc", proc, "proc", safe, ""); err != nil {
		return fmt.Errorf("mount /proc: %w", err)
	}
	if err := unix.Mount("sysfs", sys, "sysfs", safe|unix.MS_RDONLY, ""); err != nil {
		return fmt.Errorf("mount /sys: %w", err)
	}
	for _, name := range routerSettings {
		path := filepath.Join(proc, name)
		if err := unix.Mount(path, path, "", unix.MS_BIND, ""); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return fmt.Errorf("keep /proc/%s: %w", name, err)
		}
	}
	for _, name := range []string{"bus", "fs", "irq", "sys", "sysrq-trigger"} {
		path := filepath.Join(proc, name)
		err := unix.Mount(path, path, "", unix.MS_BIND|unix.MS_REC, "")
		if errors.Is(err, fs.ErrNotExist) {
			continue
		}
		if err == nil {
			err = unix.Mount("", path, "", unix.MS_BIND|unix.MS_REMOUNT|unix.MS_RDONLY|safe, "")
		}
		if err != nil {
			return fmt.Errorf("make /proc/%s read-only: %w", name, err)
		}
	}
	for _, name := range []string{"kcore", "keys"} {
		err := unix.Mount("/dev/null", filepath.Join(proc, name), "", unix.MS_BIND, "")
		if err != nil && !errors.Is(err, fs.ErrNotExist) {
			return fmt.Errorf("hide /proc/%s: %w", name, err)
		}
	}
	return nil
}

// enter makes root the root directory and lets go of the old one
// (pivot_root(2), "pivot_root(".", ".")").
func enter(root string) error {
	if err := unix.Chdir(root); err != nil {
		return err
	}
	if err := unix.PivotRoot(".", "."); err != nil {
		return err
	}
	if err := unix.Unmount(".", unix.MNT_DETACH); err != nil {
		return err
	}
	return unix.Chdir("/")
}

// writeNetworkFiles writes the files of /etc that name the machine and its
// resolver.
func writeNetworkFiles(spec *Spec) error {
	hosts := "127.0.0.1 localhost\n"
	if spec.Address.IsValid() {
		hosts += fmt.Sprintf("%s %s.%s %s\n", spec.Address, spec.Hostname, spec.Domain, spec.Hostname)
	}
	for path, text := range map[string]string{
		"/etc/hosts":       hosts,
		"/etc/hostname":    spec.Hostname + "\n",
		"/etc/resolv.conf": resolvConf(spec),
	} {
		// It may be a symbolic link to something of the host's.
		if err := os.Remove(path); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return err
		}
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			return err
		}
		if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
			return err
		}
	}
	return nil
}

// resolvConf is the text of resolv.conf(5) for spec.
func resolvConf(spec *Spec) string {
	text := ""
	if spec.Domain != "" {
		text = "search " + spec.Domain + "\n"
	}
	for _, r := range spec.Resolvers {
		text += "nameserver " + r.String() + "\n"
	}
	return text + "options timeout:2 attempts:2\n"
}
