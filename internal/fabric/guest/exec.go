package guest

import (
	"errors"
	"fmt"
	"io/fs"
	"net"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"

	"golang.org/x/sys/unix"

	"ringfence/internal/fabric/initproto"
)

// serveExec answers on the exec socket until the process ends.
func (m *machine) serveExec(l *net.UnixListener) {
	for {
		u, err := l.AcceptUnix()
		if err != nil {
			m.log.Error("accept on exec socket", "err", err)
			return
		}
		go func() {
			c := initproto.NewConn(u)
			defer c.Close()
			m.converse(c)
		}()
	}
}

// converse answers one client. One that breaks off has no more to be told.
func (m *machine) converse(c *initproto.Conn) {
	request, files, err := c.Receive()
	if err != nil {
		return
	}
	defer func() {
		for _, f := range files {
			f.Close()
		}
	}()
	switch {
	case request.Ask:
		pid, err := strconv.Atoi(m.hostPID)
		if err != nil {
			m.log.Error("answer hello", "err", err)
			return
		}
		_ = c.Send(initproto.Message{Hello: &initproto.Hello{
			Instance: m.spec.Machine, Generation: m.spec.Generation, BootID: m.spec.BootID, PID: pid,
		}})
	case request.Shutdown:
		m.shutdown()
		_, _, _ = c.Receive() // the connection ends when this process does
	case request.Exec != nil:
		exit := m.exec(c, request.Exec, files)
		_ = c.Send(initproto.Message{Exit: &exit})
	}
}

// exec runs cmd with files as its input and outputs, or on a terminal when it
// wants one, and kills it when the client is gone.
func (m *machine) exec(c *initproto.Conn, cmd *initproto.Command, files []*os.File) initproto.Exit {
	p, err := prepare(cmd)
	if err != nil {
		return cannotRun(err)
	}
	var send []*os.File
	if cmd.TTY {
		outer, inner, err := openTerminal(cmd.Size)
		if err != nil {
			return cannotRun(fmt.Errorf("open terminal: %w", err))
		}
		defer outer.Close()
		defer inner.Close()
		p.files, p.terminal = [3]*os.File{inner, inner, inner}, true
		send = []*os.File{outer}
	} else if len(files) == 3 {
		p.files = [3]*os.File(files)
	} else {
		return cannotRun(fmt.Errorf("got %d files with the command, not 3", len(files)))
	}

	pid, ended, err := m.children.start(p)
	if err != nil {
		return cannotRun(err)
	}
	if err := c.Send(initproto.Message{Started: true}, send...); err != nil {
		_ = unix.Kill(-pid, unix.SIGKILL)
	}
	for _, f := range slices.Concat(send, p.files[:]) {
		f.Close() // so that the client sees the end of its pipes when the command ends
	}
	return awaitEnd(c, pid, ended)
}

// awaitEnd sends the client's signals on to the command's process group, until
// the command has ended.
func awaitEnd(c *initproto.Conn, pid int, ended <-chan syscall.WaitStatus) initproto.Exit {
	signals := make(chan int)
	done := make(chan struct{})
	defer close(done)
	go func() { // ends when the client, or converse, closes the connection
		defer close(signals)
		for {
			request, _, err := c.Receive()
			if err != nil {
				return
			}
			select {
			case signals <- request.Signal:
			case <-done:
				return
			}
		}
	}()
	for {
		select {
		case status := <-ended:
			return initproto.Exit{Status: exitStatus(status)}
		case s, ok := <-signals:
			if !ok {
				_ = unix.Kill(-pid, unix.SIGKILL)
				return initproto.Exit{Status: exitStatus(<-ended)}
			}
			if s > 0 {
				_ = unix.Kill(-pid, syscall.Signal(s))
			}
		}
	}
}

func exitStatus(s syscall.WaitStatus) int {
	if s.Signaled() {
		return initproto.SignalStatus + int(s.Signal())
	}
	return s.ExitStatus()
}

func cannotRun(err error) initproto.Exit {
	status := initproto.StatusCannotRun
	if errors.Is(err, fs.ErrNotExist) {
		status = initproto.StatusNotFound
	}
	return initproto.Exit{Status: status, Reason: err.Error()}
}

// prepare completes cmd: the program's path, environment and directory.
func prepare(cmd *initproto.Command) (process, error) {
	if len(cmd.Args) == 0 {
		return process{}, errors.New("no command given")
	}
	env := environment
	if cmd.TTY {
		env = withEnv(env, []string{"TERM=xterm"})
	}
	env = withEnv(env, cmd.Env)

	dir := cmd.Dir
	if dir == "" {
		dir = "/root"
		if _, err := os.Stat(dir); err != nil {
			dir = "/"
		}
	}
	path, err := lookPath(cmd.Args[0], dir, env)
	if err != nil {
		return process{}, err
	}
	return process{path: path, args: cmd.Args, env: env, dir: dir}, nil
}

// withEnv returns env with more, which is stronger. The last of two equal names
// would not win in every program: the first is dropped.
func withEnv(env, more []string) []string {
	env = slices.DeleteFunc(slices.Clone(env), func(kv string) bool {
		name, _, _ := strings.Cut(kv, "=")
		return slices.ContainsFunc(more, func(o string) bool { return strings.HasPrefix(o, name+"=") })
	})
	return append(env, more...)
}

// lookPath finds the program called name as a shell in dir would.
func lookPath(name, dir string, env []string) (string, error) {
	if strings.Contains(name, "/") {
		if !filepath.IsAbs(name) {
			name = filepath.Join(dir, name)
		}
		return name, executable(name)
	}
	var denied error
	for _, kv := range env {
		list, ok := strings.CutPrefix(kv, "PATH=")
		if !ok {
			continue
		}
		for _, d := range filepath.SplitList(list) {
			path := filepath.Join(dir, d, name)
			if filepath.IsAbs(d) {
				path = filepath.Join(d, name)
			}
			err := executable(path)
			if err == nil {
				return path, nil
			}
			if !errors.Is(err, fs.ErrNotExist) {
				denied = err
			}
		}
	}
	if denied != nil {
		return "", denied
	}
	return "", &fs.PathError{Op: "find", Path: name, Err: fs.ErrNotExist}
}

func executable(path string) error {
	info, err := os.Stat(path)
	if err != nil {
		return err
	}
	if info.IsDir() {
		return &fs.PathError{Op: "run", Path: path, Err: unix.EISDIR}
	}
	if info.Mode()&0o111 == 0 {
		return &fs.PathError{Op: "run", Path: path, Err: fs.ErrPermission}
	}
	return nil
}
