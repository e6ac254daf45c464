// Package probe finds out, by packets, when a port opens or closes: a program
// on the internet side sends it one SYN after another.
package probe

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"net/netip"
	"os"
	"strconv"
	"time"

	"ringfence/internal/admin"
	"ringfence/internal/fabric/initproto"
)

// Outside is the address of the host that probes come from.
var Outside = netip.MustParseAddr("203.0.113.7")

// A Prober is a program that sends SYNs from there.
type Prober struct {
	in     *os.File
	out    *bufio.Scanner
	result chan error
}

// Start starts this very program with args, which make it call Serve, on a host
// on the internet side of the daemon whose data are in a directory.
func Start(ctx context.Context, dir string, args ...string) (*Prober, error) {
	outside, err := admin.NewClient(admin.SocketPath(dir)).Outside(ctx, admin.OutsideRequest{IP: Outside.String()})
	if err != nil {
		return nil, err
	}
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
		return nil, errors.Join(err, stdin.Close(), in.Close())
	}
	p := &Prober{in: in, out: bufio.NewScanner(out), result: make(chan error, 1)}
	go func() {
		defer stdin.Close()
		defer stdout.Close()
		status, err := initproto.Exec(ctx, outside.Init, initproto.Command{
			Args: append([]string{self}, args...), Stdin: stdin, Stdout: stdout, Stderr: os.Stderr,
		})
		if err == nil && status != 0 {
			err = fmt.Errorf("prober ended with status %d", status)
		}
		p.result <- err
	}()
	return p, nil
}

// A Change is what is to become of a port.
type Change string

const (
	Open   Change = "open"
	Closed Change = "closed"
)

// Reaction makes a change of a port and returns how long it took from before
// the change until the first SYN was sent that met it.
func (p *Prober) Reaction(port uint16, c Change, change func() error) (time.Duration, error) {
	if _, err := fmt.Fprintln(p.in, c, port); err != nil {
		return 0, err
	}
	if aimed, err := p.line(); err != nil || aimed != "aimed" {
		return 0, errors.Join(err, fmt.Errorf("prober says %q", aimed))
	}
	begin := Now()
	if err := change(); err != nil {
		return 0, err
	}
	text, err := p.line()
	if err != nil {
		return 0, err
	}
	ns, err := strconv.ParseInt(text, 10, 64)
	// A SYN that was lost for another reason just before the change would make
	// it seem to precede its cause.
	return max(0, time.Duration(ns)-begin), err
}

func (p *Prober) line() (string, error) {
	if !p.out.Scan() {
		return "", errors.Join(p.out.Err(), io.ErrUnexpectedEOF)
	}
	return p.out.Text(), nil
}

// Stop ends the program.
func (p *Prober) Stop() error {
	return errors.Join(p.in.Close(), <-p.result)
}
