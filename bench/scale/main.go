// Scale measures a daemon with many instances and groups: how long they take to
// start and to list, what memory they need, and, by packets, how long it takes
// from an AuthorizeSecurityGroupIngress call until the first SYN passes. Run it
// as root after make build:
//
//	go run ./bench/scale
package main

import (
	"bufio"
	"context"
	"flag"
	"fmt"
	"io"
	"net/netip"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"

	"ringfence/internal/admin"
	"ringfence/internal/fabric/initproto"
)

var (
	daemon    = flag.String("daemon", "bin/ringfenced", "binary of the daemon")
	instances = flag.Int("instances", 200, "instances to launch")
	groups    = flag.Int("groups", 100, "groups to make")
	rules     = flag.Int("rules", 100, "rules of each group; the last is left for the probes")
	probes    = flag.Int("probes", 200, "times to authorise and wait for a SYN to pass")
	probe     = flag.String("probe", "", "address to send SYNs to: used by the program itself, on the internet side")
)

func main() {
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	var err error
	if *probe != "" {
		err = sendProbes(*probe)
	} else {
		err = measure(ctx)
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "scale:", err)
		os.Exit(1)
	}
}

func measure(ctx context.Context) (err error) {
	dir, err := os.MkdirTemp("", "ringfence-scale-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	d, err := startDaemon(ctx, dir)
	if err != nil {
		return err
	}
	defer func() {
		if stopErr := d.stop(); err == nil {
			err = stopErr
		}
	}()
	fmt.Printf("%-48s %10v\n", "daemon ready after", d.readyAfter.Round(time.Millisecond))

	if err := d.timed(fmt.Sprintf("%d groups of %d rules made in", *groups, *rules-1), func() error { return d.makeGroups(ctx) }); err != nil {
		return err
	}
	before := available()
	if err := d.timed(fmt.Sprintf("%d instances running after", *instances), func() error { return d.launch(ctx) }); err != nil {
		return err
	}
	fmt.Printf("%-48s %10s\n", "memory of each instance", fmt.Sprintf("%.1f MB", float64(before-available())/1e6/float64(*instances)))
	fmt.Printf("%-48s %10s\n", "memory of the daemon (RSS)", fmt.Sprintf("%.0f MB", float64(d.rss())/1e6))
	if err := d.timed("all instances described in", func() error {
		var out struct{}
		return d.call(ctx, "DescribeInstances", nil, &out)
	}); err != nil {
		return err
	}
	if err := d.timed("all groups described in", func() error {
		var out struct{}
		return d.call(ctx, "DescribeSecurityGroups", nil, &out)
	}); err != nil {
		return err
	}
	return d.measureProbes(ctx)
}

// measureProbes authorises one port after another and prints how long it took
// until a SYN to it passed.
func (d *running) measureProbes(ctx context.Context) error {
	address, err := d.publicAddress(ctx)
	if err != nil {
		return err
	}
	outside, err := admin.NewClient(admin.SocketPath(d.dir)).Outside(ctx, admin.OutsideRequest{IP: "203.0.113.7"})
	if err != nil {
		return err
	}
	p, err := startProber(ctx, outside.Init, address)
	if err != nil {
		return err
	}
	var took []time.Duration
	for i := range *probes {
		port := uint16(20000 + i)
		if err := p.aim(port); err != nil {
			return err
		}
		start := monotonic()
		if err := d.authorize(ctx, "g0", port); err != nil {
			return err
		}
		passed, err := p.passed()
		if err != nil {
			return err
		}
		took = append(took, passed-start)
		if err := d.revoke(ctx, "g0", port); err != nil {
			return err
		}
	}
	slices.Sort(took)
	at := func(q float64) time.Duration { return took[int(q*float64(len(took)-1))].Round(10 * time.Microsecond) }
	fmt.Printf("%-48s p50 %v, p99 %v, longest %v (%d times)\n", "from the call to authorise to the first SYN", at(0.5), at(0.99), at(1), len(took))
	return p.stop()
}

// A prober sends SYNs from a host on the internet side.
type prober struct {
	in     *os.File
	out    *bufio.Scanner
	result chan error
}

func startProber(ctx context.Context, socket string, address netip.Addr) (*prober, error) {
	self, err := os.Executable()
	if err != nil {
		return nil, err
	}
	stdin, in, err := os.Pipe()
	if err != nil {
		return nil, err
	}
	out, stdout, err := os.Pipe()
	if err != nil {
		return nil, err
	}
	p := &prober{in: in, out: bufio.NewScanner(out), result: make(chan error, 1)}
	go func() {
		defer stdin.Close()
		defer stdout.Close()
		status, err := initproto.Exec(ctx, socket, initproto.Command{
			Args: []string{self, "-probe", address.String()}, Stdin: stdin, Stdout: stdout, Stderr: os.Stderr,
		})
		if err == nil && status != 0 {
			err = fmt.Errorf("prober ended with status %d", status)
		}
		p.result <- err
	}()
	return p, nil
}

// aim makes the prober send SYNs to a port until one passes.
func (p *prober) aim(port uint16) error {
	if _, err := fmt.Fprintln(p.in, port); err != nil {
		return err
	}
	return p.expect("aimed")
}

func (p *prober) expect(word string) error {
	if !p.out.Scan() || p.out.Text() != word {
		return fmt.Errorf("prober said %q, not %q", p.out.Text(), word)
	}
	return nil
}

// passed waits until a SYN has passed and returns when.
func (p *prober) passed() (time.Duration, error) {
	if !p.out.Scan() {
		return 0, io.ErrUnexpectedEOF
	}
	ns, err := strconv.ParseInt(p.out.Text(), 10, 64)
	return time.Duration(ns), err
}

func (p *prober) stop() error {
	p.in.Close()
	return <-p.result
}

// timed prints how long something takes.
func (d *running) timed(what string, do func() error) error {
	start := time.Now()
	if err := do(); err != nil {
		return fmt.Errorf("%s: %w", what, err)
	}
	fmt.Printf("%-48s %10v\n", what, time.Since(start).Round(100*time.Microsecond))
	return nil
}

// available is how much memory the machine has left, in bytes.
func available() int64 { return meminfo("/proc/meminfo", "MemAvailable:") }

// rss is how much memory the daemon has, in bytes.
func (d *running) rss() int64 {
	return meminfo(filepath.Join("/proc", strconv.Itoa(d.process.Process.Pid), "status"), "VmRSS:")
}

// meminfo reads a line such as "VmRSS: 123 kB".
func meminfo(path, name string) int64 {
	text, err := os.ReadFile(path)
	if err != nil {
		return 0
	}
	for line := range strings.Lines(string(text)) {
		if fields := strings.Fields(line); len(fields) == 3 && fields[0] == name {
			kb, _ := strconv.ParseInt(fields[1], 10, 64)
			return kb << 10
		}
	}
	return 0
}

// startDaemon starts a daemon that keeps nothing, and waits until it is ready.
func startDaemon(ctx context.Context, dir string) (*running, error) {
	start := time.Now()
	c := exec.CommandContext(ctx, *daemon, "dev", "--ephemeral", "--name", "scale", "--data-dir", dir,
		"--listen", "127.0.0.1:0", "--no-host-route", "--limit", "instances-per-launch=1000", "--limit", "rules-per-group=1000")
	c.Cancel = func() error { return c.Process.Signal(os.Interrupt) }
	out, err := c.StdoutPipe()
	if err != nil {
		return nil, err
	}
	log, err := os.Create(filepath.Join(os.TempDir(), "ringfence-scale.log"))
	if err != nil {
		return nil, err
	}
	defer log.Close()
	c.Stderr = log
	if err := c.Start(); err != nil {
		return nil, fmt.Errorf("start %s (run make build first): %w", *daemon, err)
	}
	line := bufio.NewScanner(out)
	if !line.Scan() {
		return nil, fmt.Errorf("the daemon did not become ready: see %s", log.Name())
	}
	d := &running{dir: dir, process: c, readyAfter: time.Since(start), endpoint: strings.TrimPrefix(line.Text(), "ready ")}
	if d.key, err = readKey(filepath.Join(dir, "credentials")); err != nil {
		return nil, err
	}
	return d, nil
}

func (d *running) stop() error {
	if err := d.process.Process.Signal(os.Interrupt); err != nil {
		return err
	}
	return d.process.Wait()
}
