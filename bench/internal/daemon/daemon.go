// Package daemon starts a ringfenced for measurements, and calls it. It keeps its
// data as any daemon does, so a change is on the disk before it is answered.
package daemon

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"time"

	"ringfence/bench/internal/procfs"
	"ringfence/internal/awsquery"
)

// Classic is the profile of the account that has EC2-Classic, Default that of the
// one that has a default VPC.
const Classic, Default = "classic", "default"

// A Daemon is one that runs.
type Daemon struct {
	Dir        string // of its data and its socket
	Endpoint   string
	Keys       map[string]awsquery.Key // by profile; Classic's has EC2-Classic
	ReadyAfter time.Duration           // from its start

	process *exec.Cmd
	name    string // that everything it makes carries
	log     string
}

// Start starts a binary with more flags and waits until it is ready. It carries
// a name, by which "ringfenced clean" would find what a crash leaves behind.
func Start(ctx context.Context, binary, name string, flags ...string) (d *Daemon, err error) {
	dir, err := os.MkdirTemp("", "ringfence-"+name+"-")
	if err != nil {
		return nil, err
	}
	defer func() {
		if err != nil {
			err = errors.Join(err, os.RemoveAll(dir))
		}
	}()
	log, err := os.Create(filepath.Join(dir, "log"))
	if err != nil {
		return nil, err
	}
	defer log.Close()
	start := time.Now()
	c := exec.CommandContext(ctx, binary, append([]string{
		"dev", "--name", name, "--data-dir", dir, "--listen", "127.0.0.1:0", "--no-host-route",
	}, flags...)...)
	c.Cancel = func() error { return c.Process.Signal(os.Interrupt) }
	c.SysProcAttr = &syscall.SysProcAttr{Setpgid: true} // Ctrl-C is ours to pass on
	c.Stderr = log
	out, err := c.StdoutPipe()
	if err != nil {
		return nil, err
	}
	if err := c.Start(); err != nil {
		return nil, fmt.Errorf("start %s (run make build first): %w", binary, err)
	}
	line := bufio.NewScanner(out)
	if !line.Scan() {
		return nil, errors.Join(errors.New("the daemon did not become ready"), c.Wait(), lastWords(log.Name()))
	}
	d = &Daemon{
		Dir: dir, Endpoint: strings.TrimPrefix(line.Text(), "ready "), ReadyAfter: time.Since(start),
		process: c, name: name, log: log.Name(),
	}
	if d.Keys, err = readKeys(filepath.Join(dir, "credentials")); err != nil {
		return nil, errors.Join(err, d.Stop())
	}
	return d, nil
}

// Stop ends the daemon and removes everything that it has made.
func (d *Daemon) Stop() error {
	err := d.process.Process.Signal(os.Interrupt)
	if err == nil || errors.Is(err, os.ErrProcessDone) {
		err = d.process.Wait()
	}
	if err != nil {
		err = errors.Join(fmt.Errorf("end the daemon: %w", err), lastWords(d.log))
	}
	clean := exec.Command(d.process.Path, "clean", "--name", d.name, "--data-dir", d.Dir)
	if said, failed := clean.CombinedOutput(); failed != nil {
		err = errors.Join(err, fmt.Errorf("remove what the daemon has made: %w: %s", failed, said))
	}
	return errors.Join(err, os.RemoveAll(d.Dir))
}

// lastWords are the end of what a daemon has said, as an error.
func lastWords(log string) error {
	const most = 2000 // bytes
	text, err := os.ReadFile(log)
	if err != nil {
		return err
	}
	return fmt.Errorf("it said last:\n%s", text[max(0, len(text)-most):])
}

// RSS is how much memory the daemon has, in bytes.
func (d *Daemon) RSS() int64 {
	return procfs.Bytes(filepath.Join("/proc", strconv.Itoa(d.process.Process.Pid), "status"), "VmRSS")
}
