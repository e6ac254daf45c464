package cli

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"time"
)

// A server is an instance as ec2-describe-instances tells it.
type server struct{ id, dns, public string }

// servers were launched together; the first one stands for all.
type servers []server

func (s servers) first() server {
	if len(s) == 0 {
		return server{} // the tour has stopped
	}
	return s[0]
}

func (s servers) others() servers { return s[min(1, len(s)):] }

func (s servers) id() string     { return s.first().id }
func (s servers) dns() string    { return s.first().dns }
func (s servers) public() string { return s.first().public }

// outsideAt begins a command of a host on the internet side.
func outsideAt(address string) []string {
	return []string{"ringfence", "outside", "--ip", address, "--"}
}

// insideOf begins a command in an instance.
func insideOf(s servers) []string { return []string{"ringfence", "exec", s.id(), "--"} }

// createGroup creates a group that the tour removes.
func (g *guide) createGroup(name, description string) {
	out := g.run("ec2-create-group", name, "-d", description)
	g.undo("ec2-delete-group", name)
	g.expect(strings.HasPrefix(out, "GROUP\tsg-"), "there is a group %s", name)
}

// rulesOf are the PERMISSION lines of a group.
func (g *guide) rulesOf(group string) []string {
	var rules []string
	for line := range strings.Lines(g.run("ec2-describe-group", group)) {
		if strings.HasPrefix(line, "PERMISSION\t") {
			rules = append(rules, strings.TrimSpace(line))
		}
	}
	return rules
}

func hasRule(rules []string, part string) bool {
	return slices.ContainsFunc(rules, func(r string) bool { return strings.Contains(r, part) })
}

// launch launches instances, and describes the first one when all run. It also
// returns the RESERVATION line.
func (g *guide) launch(args ...string) (reservation string, list servers) {
	var ids []string
	for line := range strings.Lines(g.run(args...)) {
		switch f := strings.Split(strings.TrimSpace(line), "\t"); f[0] {
		case "RESERVATION":
			reservation = strings.TrimSpace(line)
		case "INSTANCE":
			ids = append(ids, f[1])
		}
	}
	if g.err != nil {
		return "", nil
	}
	g.launched = append(g.launched, ids...)
	if err := g.awaitStates(g.ctx, stateRunning, ids); err != nil {
		g.failf("%w", err)
	}
	for _, f := range g.instances(g.ctx, ids) {
		list = append(list, server{id: f[1], dns: f[3], public: f[16]})
	}
	g.run("ec2-describe-instances", list.id())
	g.settle()
	return reservation, list
}

// awaitStates waits until all of some instances are in a state.
func (g *guide) awaitStates(ctx context.Context, state string, ids []string) error {
	ctx, cancel := context.WithTimeout(ctx, time.Minute)
	defer cancel()
	return g.env.watch(fmt.Sprintf("until %d instances are %s", len(ids), state), func() error {
		for {
			list := g.instances(ctx, ids)
			if len(list) == len(ids) && !slices.ContainsFunc(list, func(f []string) bool { return f[5] != state }) {
				return nil
			}
			select {
			case <-ctx.Done():
				return fmt.Errorf("wait until %d instances are %s: %w", len(ids), state, ctx.Err())
			case <-time.After(pollEvery):
			}
		}
	})
}

// instances are the fields of the INSTANCE lines of ec2-describe-instances, in
// the order of the ids.
func (g *guide) instances(ctx context.Context, ids []string) [][]string {
	out, err := g.prepare(ctx, append([]string{"ec2-describe-instances"}, ids...)).Output()
	if err != nil {
		return nil // who waits asks again, until it takes too long
	}
	var list [][]string
	for line := range strings.Lines(string(out)) {
		if f := strings.Split(strings.TrimRight(line, "\n"), "\t"); f[0] == "INSTANCE" {
			list = append(list, f)
		}
	}
	slices.SortFunc(list, func(a, b []string) int { return slices.Index(ids, a[1]) - slices.Index(ids, b[1]) })
	return list
}

var (
	openPort   = regexp.MustCompile(`(?m)^(\d+)/tcp +open`)
	closedPort = regexp.MustCompile(`(?m)^\d+/tcp +closed|\d+ closed tcp ports`)
)

// scan scans ports from somewhere. All but those that are to be open must be
// filtered: no answer at all, not even a refusal.
func (g *guide) scan(from []string, host, ports string, open ...string) {
	g.settle()
	out := g.run(append(slices.Clone(from), "nmap", "-Pn", "--min-rate", "100", "-p"+ports, host)...)
	var found []string
	for _, m := range openPort.FindAllStringSubmatch(out, -1) {
		found = append(found, m[1])
	}
	what := "every port is filtered"
	if len(open) > 0 {
		what = fmt.Sprintf("open is %s, and everything else is filtered", strings.Join(open, ", "))
	}
	g.expect(slices.Equal(found, open) && !closedPort.MatchString(out) && strings.Contains(out, "1 host up"), "%s", what)
}

// dial connects from somewhere, which must succeed or get no answer.
func (g *guide) dial(from []string, host, port string, connects bool) {
	g.settle()
	if connects { // and telnet ends when the other end hangs up
		out, _ := g.try(append(slices.Clone(from), "telnet", host, port)...)
		g.expect(strings.Contains(out, "Connected to"), "it connects")
		return
	}
	_, err := g.try(append(slices.Clone(from), "timeout", "2", "telnet", host, port)...)
	status := 0
	if exit, ok := errors.AsType[*exec.ExitError](err); ok {
		status = exit.ExitCode()
	}
	g.expect(status == timedOut, "nobody answers")
}

// timedOut is how timeout(1) ends if the command has not.
const timedOut = 124

// createKey creates a key pair that the tour removes, and keeps its private key
// in a file.
func (g *guide) createKey(name string) {
	if g.err != nil {
		return
	}
	dir, err := os.MkdirTemp("", "ringfence-tour-")
	if err != nil {
		g.failf("keep a private key: %w", err)
		return
	}
	g.keyFile = filepath.Join(dir, name+".pem")
	command := []string{"ec2-create-keypair", name}
	g.prompt(typed(command) + " >" + g.keyFile)
	out, err := g.perform(g.ctx, command)
	if err != nil {
		g.failf("%s: %w: %s", typed(command), err, strings.TrimSpace(out))
		return
	}
	g.undo("ec2-delete-keypair", name)
	_, key, found := strings.Cut(out, "\n") // behind the KEYPAIR line
	g.expect(found && strings.HasPrefix(key, "-----BEGIN"), "there is a private key")
	if err := os.WriteFile(g.keyFile, []byte(key), 0o600); err != nil {
		g.failf("keep a private key: %w", err)
	}
}

func (g *guide) removeKeyFile() error {
	if g.keyFile == "" {
		return nil
	}
	return os.RemoveAll(filepath.Dir(g.keyFile))
}
