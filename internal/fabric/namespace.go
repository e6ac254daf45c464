package fabric

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/vishvananda/netns"
	"golang.org/x/sys/unix"
)

// namespaceDir is where ip-netns(8) keeps network namespaces by name.
const namespaceDir = "/run/netns"

// namespacePath is the file that names the dataplane namespace of a fabric.
func namespacePath(name string) string { return filepath.Join(namespaceDir, name+"-dp") }

// openNamed opens the network namespace at path, and makes it when there is
// none.
func openNamed(path string) (netns.NsHandle, error) {
	var st unix.Statfs_t
	err := unix.Statfs(path, &st)
	if err == nil && st.Type == unix.NSFS_MAGIC {
		return netns.GetFromPath(path)
	}
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return netns.None(), &fs.PathError{Op: "statfs", Path: path, Err: err}
	}
	// A plain file is what a daemon leaves that ended between the next steps.
	if err := shareNamespaceDir(); err != nil {
		return netns.None(), err
	}
	f, err := os.OpenFile(path, os.O_CREATE|os.O_RDONLY, 0o444)
	if err != nil {
		return netns.None(), err
	}
	f.Close()
	err = OnOwnThread(func() error {
		if err := newNetwork(); err != nil {
			return err
		}
		if err := unix.Mount("/proc/thread-self/ns/net", path, "", unix.MS_BIND, ""); err != nil {
			return fmt.Errorf("name namespace: %w", err)
		}
		return nil
	})
	if err != nil {
		return netns.None(), err
	}
	return netns.GetFromPath(path)
}

// shareNamespaceDir makes namespaceDir a shared mount, as ip-netns(8) does, so
// that a namespace unmounted here does not live on in other mount namespaces.
func shareNamespaceDir() error {
	if err := os.MkdirAll(namespaceDir, 0o755); err != nil {
		return err
	}
	err := unix.Mount("", namespaceDir, "", unix.MS_SHARED|unix.MS_REC, "")
	if errors.Is(err, unix.EINVAL) { // no mount point yet
		if err := unix.Mount(namespaceDir, namespaceDir, "", unix.MS_BIND|unix.MS_REC, ""); err != nil {
			return fmt.Errorf("mount %s: %w", namespaceDir, err)
		}
		err = unix.Mount("", namespaceDir, "", unix.MS_SHARED|unix.MS_REC, "")
	}
	if err != nil {
		return fmt.Errorf("share %s: %w", namespaceDir, err)
	}
	return nil
}

// newNetwork moves this thread to a new network namespace, which forwards
// nothing and whose links speak no IPv6. One that is let to waits for nobody to
// object to its addresses, and asks for no router.
func newNetwork() error {
	if err := unix.Unshare(unix.CLONE_NEWNET); err != nil {
		return fmt.Errorf("make network namespace: %w", err)
	}
	// A new namespace may inherit these from the host (ip-sysctl.rst,
	// devconf_inherit_init_net). A kernel without IPv6 has no such file.
	for path, value := range map[string]string{
		"/proc/sys/net/ipv4/ip_forward":                        "0",
		"/proc/sys/net/ipv6/conf/default/disable_ipv6":         "1",
		"/proc/sys/net/ipv6/conf/default/accept_ra":            "0",
		"/proc/sys/net/ipv6/conf/default/accept_dad":           "0",
		"/proc/sys/net/ipv6/conf/default/router_solicitations": "0",
	} {
		err := os.WriteFile(path, []byte(value), 0)
		if err != nil && !errors.Is(err, fs.ErrNotExist) {
			return err
		}
	}
	return nil
}

// removeNamed takes the name from the namespace at path. One that is not there
// is no error.
func removeNamed(path string) error {
	err := unix.Unmount(path, unix.MNT_DETACH)
	if err != nil && !errors.Is(err, unix.EINVAL) && !errors.Is(err, fs.ErrNotExist) {
		return &fs.PathError{Op: "unmount", Path: path, Err: err}
	}
	if err := os.Remove(path); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	return nil
}
