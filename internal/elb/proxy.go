package elb

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"strconv"
	"syscall"
	"time"
)

// A proxy is one HAProxy: a master process, which reads the configuration, and
// workers, of which the newest takes connections and the older ones end those
// they have (HAProxy Management Guide, "Starting HAProxy").
//
// Its methods are called by one goroutine at a time.
type proxy struct {
	engine Engine
	dir    string // holds all its files; its own
	log    *slog.Logger

	current *configuration // that it runs; nil when it does not
	cmd     *exec.Cmd
	ended   chan struct{} // closed when the process has ended
}

const (
	configName = "haproxy.cfg"
	masterName = "master.sock"
	logName    = "log.sock"

	// startWait bounds how long HAProxy may take to read its configuration and
	// to start a worker, with some thousand certificates or on a busy host.
	startWait = 20 * time.Second
	checkWait = 20 * time.Second
)

// unprivileged is whom HAProxy runs as: the user that its package makes, or
// nobody. In a node's namespace all ports are open to everybody.
func unprivileged() (*syscall.Credential, error) {
	const nobody = 65534
	if os.Geteuid() != 0 {
		return nil, nil // the caller is nobody special itself
	}
	u, err := user.Lookup("haproxy")
	if err != nil {
		return &syscall.Credential{Uid: nobody, Gid: nobody}, nil
	}
	uid, err := strconv.ParseUint(u.Uid, 10, 32)
	if err != nil {
		return nil, err
	}
	gid, err := strconv.ParseUint(u.Gid, 10, 32)
	return &syscall.Credential{Uid: uint32(uid), Gid: uint32(gid)}, err
}

// newProxy takes a directory for a proxy, which does not run yet.
func newProxy(engine Engine, dir string, log *slog.Logger) (*proxy, error) {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, err
	}
	who, err := unprivileged()
	if err != nil {
		return nil, fmt.Errorf("find user for HAProxy: %w", err)
	}
	if who != nil {
		if err := os.Chown(dir, int(who.Uid), int(who.Gid)); err != nil {
			return nil, err
		}
	}
	return &proxy{engine: engine, dir: dir, log: log}, nil
}

// command is HAProxy with arguments.
func (p *proxy) command(ctx context.Context, args ...string) (*exec.Cmd, error) {
	who, err := unprivileged()
	if err != nil {
		return nil, err
	}
	cmd := exec.CommandContext(ctx, p.engine.Path, args...)
	cmd.Dir, cmd.Stderr = p.dir, os.Stderr
	cmd.SysProcAttr = &syscall.SysProcAttr{Credential: who}
	return cmd, nil
}

// run makes c the configuration of the proxy, and starts it if it does not run.
// With an error the one before stays in force.
func (p *proxy) run(ctx context.Context, c *configuration) error {
	if err := p.write(ctx, c); err != nil {
		return err
	}
	var err error
	if p.isRunning() {
		err = p.reload(ctx)
	} else {
		err = p.start(ctx)
	}
	if err == nil {
		p.current = c
	}
	return err
}

// write puts c in place once HAProxy has said that it can read it.
func (p *proxy) write(ctx context.Context, c *configuration) error {
	for name, text := range c.files {
		if err := p.writeFile(name, text); err != nil {
			return err
		}
	}
	if err := p.writeFile(configName+".new", c.text); err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(ctx, checkWait)
	defer cancel()
	check, err := p.command(ctx, "-c", "-q", "-f", filepath.Join(p.dir, configName+".new"))
	if err != nil {
		return err
	}
	check.Stderr = nil
	if out, err := check.CombinedOutput(); err != nil {
		return fmt.Errorf("HAProxy refuses the configuration: %w: %s", err, out)
	}
	return os.Rename(filepath.Join(p.dir, configName+".new"), filepath.Join(p.dir, configName))
}

// writeFile replaces a file of the proxy's at once. Only its owner can read it:
// some have private keys. The directory is HAProxy's, which has fewer rights than
// this process: no link in it may lead out of it.
func (p *proxy) writeFile(name, text string) error {
	dir, err := os.OpenRoot(p.dir)
	if err != nil {
		return err
	}
	defer dir.Close()
	if err := dir.WriteFile(name+".part", []byte(text), 0o600); err != nil {
		return err
	}
	who, err := unprivileged()
	if err == nil && who != nil {
		err = dir.Chown(name+".part", int(who.Uid), int(who.Gid))
	}
	if err != nil {
		return err
	}
	return dir.Rename(name+".part", name)
}

// start starts master and worker, and returns when the worker takes connections.
func (p *proxy) start(ctx context.Context) error {
	// It outlives this call: its end is that of the node, or its own.
	cmd, err := p.command(context.WithoutCancel(ctx), "-W", "-S", filepath.Join(p.dir, masterName)+",mode,600", "-f", filepath.Join(p.dir, configName))
	if err != nil {
		return err
	}
	if err := cmd.Start(); err != nil {
		return fmt.Errorf("start HAProxy: %w", err)
	}
	ended := make(chan struct{})
	p.cmd, p.ended = cmd, ended
	go func() {
		defer close(ended)
		p.log.Info("HAProxy has ended", "state", cmd.Wait())
	}()
	return p.await(ctx, "start HAProxy", func(w workers) bool { return w.current != 0 })
}

// isRunning reports whether the master runs.
func (p *proxy) isRunning() bool {
	if p.ended == nil {
		return false
	}
	select {
	case <-p.ended:
		return false
	default:
		return true
	}
}

// reload starts a new worker that takes over the listening sockets, and returns
// when it takes connections. The command is answered before that is done, and
// the master may break the connection (HAProxy 2.6), so it is asked how far it
// is.
func (p *proxy) reload(ctx context.Context) error {
	before, err := p.workers(ctx)
	if err != nil {
		return fmt.Errorf("reload HAProxy: %w", err)
	}
	if _, err := p.ask(ctx, "reload"); err != nil {
		p.log.Debug("reload", "err", err)
	}
	return p.await(ctx, "reload HAProxy", func(w workers) bool {
		return w.reloads > before.reloads && w.current != 0 && w.current != before.current
	})
}

// await asks the master how it is until it is as wanted.
func (p *proxy) await(ctx context.Context, what string, wanted func(workers) bool) error {
	ctx, cancel := context.WithTimeout(ctx, startWait)
	defer cancel()
	tick := time.NewTicker(5 * time.Millisecond)
	defer tick.Stop()
	var last error
	for {
		w, err := p.workers(ctx)
		if err == nil && wanted(w) {
			return nil
		}
		if err != nil {
			last = err
		}
		select {
		case <-ctx.Done():
			return fmt.Errorf("%s: %w", what, errors.Join(ctx.Err(), last))
		case <-p.ended:
			return fmt.Errorf("%s: it has ended: %w", what, last)
		case <-tick.C:
		}
	}
}

// stop ends the proxy with all its connections.
func (p *proxy) stop() {
	if !p.isRunning() {
		return
	}
	_ = p.cmd.Process.Signal(syscall.SIGTERM) // it may have ended meanwhile
	<-p.ended
	p.current = nil
}
