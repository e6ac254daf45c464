// Package netns makes network namespaces for measurements. They have no name
// and no process: nothing but this program holds them, so whatever ends it,
// be it SIGKILL, also removes them with all their links, rules and sockets.
package netns

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"strings"
	"syscall"

	"golang.org/x/sys/unix"

	"ringfence/internal/fabric"
)

// A Namespace is a network namespace. The zero value is that of this program.
type Namespace struct{ file *os.File }

// New makes a namespace with a loopback that is up. It forwards nothing, and
// speaks IPv6 only where an address is given to a link.
func New() (*Namespace, error) {
	n := new(Namespace)
	err := fabric.OnOwnThread(func() error {
		if err := unix.Unshare(unix.CLONE_NEWNET); err != nil {
			return fmt.Errorf("make network namespace: %w", err)
		}
		file, err := os.Open("/proc/thread-self/ns/net")
		if err != nil {
			return err
		}
		n.file = file
		for path, value := range map[string]string{
			// A new namespace may inherit these (ip-sysctl.rst, devconf_inherit_init_net).
			"ipv4/ip_forward":                        "0",
			"ipv6/conf/default/accept_ra":            "0",
			"ipv6/conf/default/accept_dad":           "0",
			"ipv6/conf/default/router_solicitations": "0",
			"ipv6/conf/default/addr_gen_mode":        "1", // no link-local address by itself
		} {
			err := set(path, value)
			if err != nil && !errors.Is(err, fs.ErrNotExist) { // a kernel without IPv6
				return err
			}
		}
		return nil
	})
	if err == nil {
		err = n.Command(context.Background(), "", "ip", "link", "set", "lo", "up")
	}
	if err != nil {
		return nil, errors.Join(err, n.Close())
	}
	return n, nil
}

// Close lets go of the namespace, which is gone with the last socket in it.
func (n *Namespace) Close() error {
	if n.file == nil {
		return nil
	}
	return n.file.Close()
}

// Path names the namespace for ip(8), as long as it is open.
func (n *Namespace) Path() string {
	return fmt.Sprintf("/proc/%d/fd/%d", os.Getpid(), n.file.Fd())
}

// Do runs fn on a thread in the namespace that runs nothing else and ends with
// it: fn may change how the thread is scheduled.
func (n *Namespace) Do(fn func() error) error {
	return fabric.OnOwnThread(func() error {
		if n.file != nil {
			if err := unix.Setns(int(n.file.Fd()), unix.CLONE_NEWNET); err != nil {
				return fmt.Errorf("enter network namespace: %w", err)
			}
		}
		return fn()
	})
}

// Command runs a program in the namespace, with a text as its input. What it
// says when it fails is in the error.
func (n *Namespace) Command(ctx context.Context, input, name string, args ...string) error {
	return n.Do(func() error {
		c := exec.CommandContext(ctx, name, args...)
		var said bytes.Buffer
		c.Stdin, c.Stdout, c.Stderr = strings.NewReader(input), &said, &said
		c.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
		if err := c.Run(); err != nil {
			return fmt.Errorf("%s %s: %w: %s", name, strings.Join(args, " "), err, bytes.TrimSpace(said.Bytes()))
		}
		return nil
	})
}

// Set writes a setting of the namespace by its path below /proc/sys/net.
func (n *Namespace) Set(path, value string) error {
	return n.Do(func() error { return set(path, value) })
}

func set(path, value string) error { return os.WriteFile("/proc/sys/net/"+path, []byte(value), 0) }
