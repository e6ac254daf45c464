package guest

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"

	"golang.org/x/crypto/ssh"
	"golang.org/x/sys/unix"
)

// The users of an instance that may log in: Amazon Linux's own and root.
const loginUser, rootUser = "ec2-user", "root"

// A user is a line of /etc/passwd (passwd(5)).
type user struct {
	name, home, shell string
	uid, gid          uint32
}

const fallbackShell = "/bin/sh"

func (u *user) credential() *syscall.Credential {
	return &syscall.Credential{Uid: u.uid, Gid: u.gid}
}

// lookupUser finds a user by name. fs.ErrNotExist says that there is none.
func lookupUser(name string) (*user, error) {
	text, err := os.ReadFile("/etc/passwd")
	if err != nil {
		return nil, err
	}
	for line := range strings.Lines(string(text)) {
		f := strings.Split(strings.TrimSpace(line), ":")
		if len(f) != 7 || f[0] != name {
			continue
		}
		uid, err := strconv.ParseUint(f[2], 10, 32)
		if err != nil {
			return nil, fmt.Errorf("user %s: %w", name, err)
		}
		gid, err := strconv.ParseUint(f[3], 10, 32)
		if err != nil {
			return nil, fmt.Errorf("user %s: %w", name, err)
		}
		u := &user{name: name, home: f[5], shell: f[6], uid: uint32(uid), gid: uint32(gid)}
		if u.shell == "" {
			u.shell = fallbackShell
		}
		return u, nil
	}
	return nil, fmt.Errorf("user %s: %w", name, fs.ErrNotExist)
}

// makeUsers makes, at an instance's first boot, the users of its image, and
// lets in by the key pair of its launch, and by no other key, whoever has it.
func makeUsers(publicKey string) error {
	made := filepath.Join(userDataDir, "users.made")
	if _, err := os.Stat(made); !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	for _, add := range []func() error{addRoot, addLoginUser} {
		if err := add(); err != nil {
			return err
		}
	}
	for _, name := range []string{loginUser, rootUser} {
		u, err := lookupUser(name)
		if err != nil {
			return err
		}
		if err := u.authorize(publicKey); err != nil {
			return fmt.Errorf("authorize key of %s: %w", name, err)
		}
	}
	if err := os.MkdirAll(userDataDir, 0o755); err != nil {
		return err
	}
	return os.WriteFile(made, nil, 0o600)
}

// addRoot makes root for an image that has no users at all.
func addRoot() error {
	if _, err := lookupUser(rootUser); !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	if err := os.MkdirAll("/root", 0o700); err != nil {
		return err
	}
	return appendLine("/etc/passwd", "root:x:0:0:root:/root:"+usualShell(), 0o644)
}

// addLoginUser makes ec2-user, who may do all by sudo where that is, as on
// Amazon Linux.
func addLoginUser() error {
	if _, err := lookupUser(loginUser); !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	id, err := freeID()
	if err != nil {
		return err
	}
	home := "/home/" + loginUser
	for path, line := range map[string]string{
		"/etc/passwd": fmt.Sprintf("%s:x:%d:%d:EC2 Default User:%s:%s", loginUser, id, id, home, usualShell()),
		"/etc/group":  fmt.Sprintf("%s:x:%d:", loginUser, id),
	} {
		if err := appendLine(path, line, 0o644); err != nil {
			return err
		}
	}
	for path, line := range map[string]string{
		"/etc/shadow":                        loginUser + ":!:::::::",
		"/etc/sudoers.d/90-cloud-init-users": loginUser + " ALL=(ALL) NOPASSWD:ALL",
	} {
		if _, err := os.Stat(filepath.Dir(path)); err == nil {
			if err := appendLine(path, line, 0o440); err != nil {
				return err
			}
		}
	}
	if err := os.MkdirAll(home, 0o700); err != nil {
		return err
	}
	return os.Chown(home, id, id)
}

// usualShell is the shell of those who are made here.
func usualShell() string {
	if _, err := os.Stat("/bin/bash"); err == nil {
		return "/bin/bash"
	}
	return fallbackShell
}

// freeID is the first number from 1000 on that no user or group has.
func freeID() (int, error) {
	taken := map[string]bool{}
	for _, path := range []string{"/etc/passwd", "/etc/group"} {
		text, err := os.ReadFile(path)
		if err != nil && !errors.Is(err, fs.ErrNotExist) {
			return 0, err
		}
		for line := range strings.Lines(string(text)) {
			if f := strings.Split(line, ":"); len(f) > 2 {
				taken[f[2]] = true
			}
		}
	}
	id := 1000
	for taken[strconv.Itoa(id)] {
		id++
	}
	return id, nil
}

func appendLine(path, line string, mode fs.FileMode) error {
	text, err := os.ReadFile(path)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	if len(text) > 0 && !bytes.HasSuffix(text, []byte("\n")) {
		line = "\n" + line
	}
	f, err := os.OpenFile(path, os.O_WRONLY|os.O_APPEND|os.O_CREATE, mode)
	if err != nil {
		return err
	}
	_, err = io.WriteString(f, line+"\n")
	return errors.Join(err, f.Close())
}

const authorizedKeysFile = ".ssh/authorized_keys"

// authorize makes key, a line of authorized_keys or "" for none, the user's
// only one.
func (u *user) authorize(key string) error {
	path := filepath.Join(u.home, authorizedKeysFile)
	if key != "" {
		key += "\n"
	}
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		return err
	}
	if err := os.RemoveAll(path); err != nil { // the host's, as the instance sees it
		return err
	}
	if err := os.WriteFile(path, []byte(key), 0o600); err != nil {
		return err
	}
	for _, p := range []string{filepath.Dir(path), path} {
		if err := os.Chown(p, int(u.uid), int(u.gid)); err != nil {
			return err
		}
	}
	return nil
}

// maxAuthorizedKeys bounds what is read of a user's file, in bytes.
const maxAuthorizedKeys = 64 << 10

// authorizedKeys are the keys that a user may log in with. A line with options,
// which would narrow what the key is good for, is not taken (sshd(8),
// "AUTHORIZED_KEYS FILE FORMAT").
func (u *user) authorizedKeys() ([]ssh.PublicKey, error) {
	// Without O_NONBLOCK the open of a named pipe would wait for a writer.
	f, err := os.OpenFile(filepath.Join(u.home, authorizedKeysFile), os.O_RDONLY|unix.O_NONBLOCK, 0)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil || !info.Mode().IsRegular() {
		return nil, errors.Join(err, fs.ErrInvalid)
	}
	rest, err := io.ReadAll(io.LimitReader(f, maxAuthorizedKeys))
	if err != nil {
		return nil, err
	}
	var keys []ssh.PublicKey
	for len(rest) > 0 {
		key, _, options, after, err := ssh.ParseAuthorizedKey(rest)
		if err != nil {
			break // no key is left
		}
		if len(options) == 0 {
			keys = append(keys, key)
		}
		rest = after
	}
	return keys, nil
}
