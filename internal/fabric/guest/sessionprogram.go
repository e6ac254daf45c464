package guest

import (
	"io"
	"os"
	"sync"
	"syscall"

	"golang.org/x/crypto/ssh"
	"golang.org/x/sys/unix"

	"ringfence/internal/fabric/initproto"
)

// A program runs in a session, on a terminal or between pipes.
type program struct {
	pid   int
	ended <-chan syscall.WaitStatus
	over  chan struct{} // closed once it has ended

	// Our ends of its files. On a terminal all are that, and errors is nil.
	in, out, errors *os.File
	terminal        *os.File // nil when it runs between pipes
}

// startOnTerminal starts p with a terminal of its own.
func (r *reaper) startOnTerminal(p process, size initproto.WindowSize) (*program, error) {
	outer, inner, err := openTerminal(size)
	if err != nil {
		return nil, err
	}
	defer inner.Close()
	if err := inner.Chown(int(p.credential.Uid), int(p.credential.Gid)); err != nil {
		outer.Close()
		return nil, err
	}
	p.files, p.terminal = [3]*os.File{inner, inner, inner}, true
	p.env = append(p.env, "SSH_TTY="+inner.Name())
	pid, ended, err := r.start(p)
	if err != nil {
		outer.Close()
		return nil, err
	}
	return &program{pid: pid, ended: ended, over: make(chan struct{}), in: outer, out: outer, terminal: outer}, nil
}

// startOnPipes starts p with a pipe for each of its files.
func (r *reaper) startOnPipes(p process) (*program, error) {
	var ours [3]*os.File
	for i := range p.files {
		reader, writer, err := os.Pipe()
		if err != nil {
			closeFiles(ours[:i])
			closeFiles(p.files[:i])
			return nil, err
		}
		if i == 0 {
			p.files[i], ours[i] = reader, writer
		} else {
			ours[i], p.files[i] = reader, writer
		}
	}
	pid, ended, err := r.start(p)
	closeFiles(p.files[:])
	if err != nil {
		closeFiles(ours[:])
		return nil, err
	}
	return &program{pid: pid, ended: ended, over: make(chan struct{}), in: ours[0], out: ours[1], errors: ours[2]}, nil
}

func closeFiles(files []*os.File) {
	for _, f := range files {
		f.Close()
	}
}

// carry carries between a program and the client until the program has ended
// and all that it, or what it has left running, says is told; as in sshd, then
// comes its end.
func (p *program) carry(c ssh.Channel) {
	defer c.Close()
	go func() {
		_, _ = io.Copy(p.in, c) // either may be gone
		if p.terminal == nil {
			p.in.Close() // the program sees the end of its input
		}
	}()
	var wg sync.WaitGroup
	wg.Go(func() { p.tell(c, p.out) })
	if p.errors != nil {
		wg.Go(func() { p.tell(c.Stderr(), p.errors) })
	}
	status := <-p.ended
	close(p.over)
	wg.Wait()
	tellEnd(c, status)
	p.close()
}

// tell copies what a program says. Without a client nobody listens: whoever
// writes on meets a closed pipe.
func (p *program) tell(to io.Writer, from *os.File) {
	_, _ = io.Copy(to, from)
	if p.terminal == nil {
		from.Close()
	}
}

// tellEnd tells the client how a program has ended (RFC 4254 §6.10).
func tellEnd(c ssh.Channel, status syscall.WaitStatus) {
	for name, number := range signals {
		if status.Signaled() && status.Signal() == number {
			_, _ = c.SendRequest("exit-signal", false, ssh.Marshal(struct {
				Name     string
				Core     bool
				Text     string
				Language string
			}{name, status.CoreDump(), "", ""}))
			return
		}
	}
	_, _ = c.SendRequest("exit-status", false, ssh.Marshal(struct{ Status uint32 }{uint32(exitStatus(status))}))
}

// signal sends a signal to the program and those of its process group. What one
// that has ended has left running is let be.
func (p *program) signal(number syscall.Signal) bool {
	select {
	case <-p.over:
		return false
	default:
		return unix.Kill(-p.pid, number) == nil
	}
}

// hangUp tells the program that its client is gone.
func (p *program) hangUp() {
	p.signal(unix.SIGHUP)
	p.close()
}

// close closes our ends of the program's files, each at most once.
func (p *program) close() {
	for _, f := range []*os.File{p.in, p.out, p.errors} {
		if f != nil {
			f.Close()
		}
	}
}
