package guest

import (
	"cmp"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"syscall"

	"golang.org/x/crypto/ssh"
	"golang.org/x/sys/unix"

	"ringfence/internal/fabric/initproto"
)

// A session is a channel of a connection, on which one program runs
// (RFC 4254 §6). Its fields belong to the goroutine that serves its requests.
type session struct {
	*sshConn
	channel ssh.Channel
	env     []string // asked for by the client
	term    string   // kind of terminal; "" when none was asked for
	size    initproto.WindowSize
	program *program // nil until it is started
}

// maxEnv bounds the variables that a client may set.
const maxEnv = 100

// serveSession serves a session until the client, or its connection, is gone.
// Then the program is told so as by a terminal that hangs up.
func (c *sshConn) serveSession(n ssh.NewChannel) {
	channel, requests, err := n.Accept()
	if err != nil {
		return
	}
	s := &session{sshConn: c, channel: channel}
	for r := range requests {
		s.answer(r)
	}
	if s.program != nil {
		s.program.hangUp()
	}
}

// answer does what a client asks for, and says whether it is done.
func (s *session) answer(r *ssh.Request) {
	start := false
	var done bool
	switch r.Type {
	case "env":
		done = s.setEnv(r.Payload)
	case "pty-req":
		done = s.wantTerminal(r.Payload)
	case "window-change":
		done = s.resize(r.Payload)
	case "signal":
		done = s.signal(r.Payload)
	case "shell", "exec", "subsystem":
		start = s.program == nil && s.start(r)
		done = start
	}
	if r.WantReply {
		_ = r.Reply(done, nil) // a client that is gone asks no more
	}
	if start {
		go s.program.carry(s.channel) // only now: the answer comes before what the program says
	}
}

func (s *session) setEnv(payload []byte) bool {
	var kv struct{ Name, Value string }
	if ssh.Unmarshal(payload, &kv) != nil || len(s.env) == maxEnv {
		return false
	}
	s.env = append(s.env, kv.Name+"="+kv.Value)
	return true
}

// wantTerminal keeps what a client's terminal is like. Its modes are left at
// Linux's defaults, which are those of clients too.
func (s *session) wantTerminal(payload []byte) bool {
	var t struct {
		Term                         string
		Columns, Rows, Width, Height uint32
		Modes                        string
	}
	if s.program != nil || ssh.Unmarshal(payload, &t) != nil {
		return false
	}
	s.term, s.size = cmp.Or(t.Term, "dumb"), windowSize(t.Rows, t.Columns)
	return true
}

func (s *session) resize(payload []byte) bool {
	var size struct{ Columns, Rows, Width, Height uint32 }
	if ssh.Unmarshal(payload, &size) != nil || s.program == nil || s.program.terminal == nil {
		return false
	}
	return initproto.SetWindowSize(s.program.terminal, windowSize(size.Rows, size.Columns)) == nil
}

func windowSize(rows, columns uint32) initproto.WindowSize {
	return initproto.WindowSize{Rows: uint16(min(rows, 0xffff)), Columns: uint16(min(columns, 0xffff))}
}

// signals are those that clients send and are told of (RFC 4254 §6.10).
var signals = map[string]syscall.Signal{
	"ABRT": unix.SIGABRT, "ALRM": unix.SIGALRM, "FPE": unix.SIGFPE, "HUP": unix.SIGHUP, "ILL": unix.SIGILL,
	"INT": unix.SIGINT, "KILL": unix.SIGKILL, "PIPE": unix.SIGPIPE, "QUIT": unix.SIGQUIT, "SEGV": unix.SIGSEGV,
	"TERM": unix.SIGTERM, "USR1": unix.SIGUSR1, "USR2": unix.SIGUSR2,
}

func (s *session) signal(payload []byte) bool {
	var name struct{ Name string }
	if ssh.Unmarshal(payload, &name) != nil || s.program == nil {
		return false
	}
	number, ok := signals[name.Name]
	return ok && s.program.signal(number)
}

// start starts what a client asks for: its user's shell, a command of that
// shell, or the server of files.
func (s *session) start(r *ssh.Request) bool {
	var line struct{ Text string }
	if r.Type != "shell" && ssh.Unmarshal(r.Payload, &line) != nil {
		return false
	}
	p := process{path: s.user.shell, dir: s.user.home, credential: s.user.credential()}
	switch r.Type {
	case "shell":
		p.args = []string{"-" + filepath.Base(s.user.shell)} // a login shell
	case "exec":
		p.args = []string{filepath.Base(s.user.shell), "-c", line.Text}
	case "subsystem":
		if line.Text != SFTP {
			return false
		}
		p.path, p.args = "/proc/self/exe", []string{"ringfenced", "init", SFTP}
	}
	if _, err := os.Stat(p.dir); err != nil {
		p.dir = "/"
	}
	p.env = withEnv(s.environment(), s.env)
	var err error
	if s.term != "" {
		s.program, err = s.machine.children.startOnTerminal(p, s.size)
	} else {
		s.program, err = s.machine.children.startOnPipes(p)
	}
	if err != nil {
		s.machine.log.Error("start session", "user", s.user.name, "program", p.path, "err", err)
		return false
	}
	return true
}

// environment is what programs of a session start with (ssh(1), ENVIRONMENT).
func (s *session) environment() []string {
	env := withEnv(environment, []string{
		"HOME=" + s.user.home, "USER=" + s.user.name, "LOGNAME=" + s.user.name, "SHELL=" + s.user.shell,
	})
	host, port, err := net.SplitHostPort(s.conn.RemoteAddr().String())
	if err == nil {
		here, herePort, _ := net.SplitHostPort(s.conn.LocalAddr().String())
		env = append(env,
			fmt.Sprintf("SSH_CLIENT=%s %s %s", host, port, herePort),
			fmt.Sprintf("SSH_CONNECTION=%s %s %s %s", host, port, here, herePort))
	}
	if s.term != "" {
		env = append(env, "TERM="+s.term)
	}
	return env
}
