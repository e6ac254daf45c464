package cli

import (
	"bufio"
	"fmt"
	"io"
	"os/exec"
	"slices"
	"time"
)

// A tourSession is a login that is held open.
type tourSession struct {
	cmd   *exec.Cmd
	in    io.WriteCloser
	lines chan string // that it prints; closed when it has ended
	sent  int
}

// sessionPatience bounds the wait for an answer.
const sessionPatience = 20 * time.Second

// login logs in to the first of some servers by SSH, with the key pair that was
// created last, and holds the session open.
func (g *guide) login(from []string, to servers) *tourSession {
	args := append(slices.Clone(from), "ssh", "-i", g.keyFile, "-o", "StrictHostKeyChecking=no", "-o", "UserKnownHostsFile=/dev/null", "-o", "LogLevel=ERROR",
		"ec2-user@"+to.dns(), "cat")
	if g.err != nil {
		return nil
	}
	g.prompt(typed(args))
	s := &tourSession{cmd: g.prepare(g.ctx, args), lines: make(chan string)}
	var err error
	if s.in, err = s.cmd.StdinPipe(); err != nil {
		g.failf("log in: %w", err)
		return nil
	}
	out, err := s.cmd.StdoutPipe()
	if err != nil {
		g.failf("log in: %w", err)
		return nil
	}
	s.cmd.Stderr = g.env.Stderr
	if err := s.cmd.Start(); err != nil {
		g.failf("log in: %w", err)
		return nil
	}
	g.sessions = append(g.sessions, s)
	go func() {
		defer close(s.lines)
		for scanner := bufio.NewScanner(out); scanner.Scan(); {
			s.lines <- scanner.Text()
		}
	}()
	g.answers(s)
	return s
}

// answers types a line into a session and expects cat to repeat it.
func (g *guide) answers(s *tourSession) {
	if g.err != nil {
		return
	}
	s.sent++
	line := fmt.Sprintf("line %d of the session", s.sent)
	fmt.Fprintln(g.env.Stdout, line)
	if _, err := fmt.Fprintln(s.in, line); err != nil {
		g.failf("type into the session: %w", err)
		return
	}
	select {
	case answer := <-s.lines:
		fmt.Fprintln(g.env.Stdout, answer)
		g.expect(answer == line, "the session is alive")
	case <-time.After(sessionPatience):
		g.expect(false, "the session is alive")
	case <-g.ctx.Done():
		g.failf("%w", g.ctx.Err())
	}
}

// endSessions ends what was held open.
func (g *guide) endSessions() {
	for _, s := range g.sessions {
		s.in.Close()
		if err := s.cmd.Process.Kill(); err != nil {
			continue // it has ended
		}
		for range s.lines { // until it has
		}
		_ = s.cmd.Wait() // killed, as it should be
	}
}
