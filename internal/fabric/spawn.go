package fabric

import (
	"cmp"
	"context"
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"syscall"
	"time"

	"github.com/vishvananda/netns"
	"golang.org/x/sys/unix"

	"ringfence/internal/fabric/guest"
	"ringfence/internal/fabric/initproto"
)

// bootWait bounds how long an init may take until its services listen.
const bootWait = 30 * time.Second

// consolePath is the file that keeps what a machine's programs say.
func (f *Fabric) consolePath(id string) string {
	return filepath.Join(initproto.MachineDir(f.dataDir, id), "console.log")
}

// start starts the init and waits until it is ready.
func (p *Prepared) start(ctx context.Context) error {
	f, m := p.fabric, p.machine
	made, unlimited, err := f.groups.add(m.ID, m.Limits)
	if err != nil {
		return fmt.Errorf("make cgroup: %w", err)
	}
	if len(unlimited) > 0 {
		f.limitsOnce.Do(func() {
			f.log.Warn("this host cannot limit machines", "without", unlimited)
		})
	}
	specOut, specIn, err := os.Pipe()
	if err != nil {
		return err
	}
	defer specIn.Close()
	readyOut, readyIn, err := os.Pipe()
	if err != nil {
		specOut.Close()
		return err
	}
	defer readyOut.Close()

	id, err := p.spawn(made, specOut, readyIn)
	specOut.Close()
	readyIn.Close()
	if err != nil {
		return fmt.Errorf("start init: %w", err)
	}
	// Until it has its spec the init does nothing, and it ends when the pipe
	// closes: a daemon that dies here leaves no machine that nobody knows of.
	err = f.writeState(m.ID, state{Kind: m.Kind, Generation: m.Generation, Ports: m.Ports, Init: id})
	if err != nil {
		return errors.Join(err, id.kill(ctx))
	}
	if err := json.NewEncoder(specIn).Encode(f.spec(m)); err != nil {
		return fmt.Errorf("tell init its spec: %w", err)
	}
	specIn.Close()
	return awaitReady(ctx, readyOut)
}

// spec is m as its init needs it.
func (f *Fabric) spec(m Machine) guest.Spec {
	return guest.Spec{
		Machine:    m.ID,
		Kind:       m.Kind,
		Generation: m.Generation,
		BootID:     rand.Text(),
		Hostname:   m.Hostname,
		Domain:     m.Domain,
		Address:    m.address(),
		Resolvers:  m.Resolvers,
		Metadata:   m.Metadata,
		Memory:     m.Limits.Memory,
		DataDir:    f.dataDir,
		Dir:        initproto.MachineDir(f.dataDir, m.ID),
		RunDir:     initproto.RunDir(f.dataDir, m.ID),
		Shared:     m.Shared,
		Root:       m.Root,
		Services:   m.Services,
		PublicKey:  m.PublicKey,
		UserData:   m.UserData,
		Command:    m.Command,
	}
}

// spawn starts an init in the machine's network namespace and control group,
// and in other namespaces of its own, outside the daemon's session.
func (p *Prepared) spawn(made group, specOut, readyIn *os.File) (processID, error) {
	f := p.fabric
	console, err := os.OpenFile(f.consolePath(p.machine.ID), os.O_CREATE|os.O_RDWR|os.O_APPEND, 0o600)
	if err != nil {
		return processID{}, err
	}
	defer console.Close()
	cmd := &exec.Cmd{
		Path: f.initBinary,
		Args: []string{"ringfenced", "init", f.name, p.machine.ID}, // the last two for who looks at ps(1)
		// An init is small and mostly asleep: collect garbage early, and do
		// not keep threads and caches for every processor.
		Env:        []string{"GOGC=40", "GOMAXPROCS=2"},
		Dir:        "/",
		Stdout:     console,
		Stderr:     console,
		ExtraFiles: []*os.File{specOut, readyIn},
		SysProcAttr: &syscall.SysProcAttr{
			Cloneflags: unix.CLONE_NEWNS | unix.CLONE_NEWPID | unix.CLONE_NEWUTS | unix.CLONE_NEWIPC,
			Setsid:     true,
		},
	}
	if made.v2 != "" {
		dir, err := os.Open(made.v2)
		if err != nil {
			return processID{}, err
		}
		defer dir.Close()
		cmd.SysProcAttr.UseCgroupFD, cmd.SysProcAttr.CgroupFD = true, int(dir.Fd())
	}
	err = OnOwnThread(func() error {
		if err := netns.Set(p.ns); err != nil {
			return fmt.Errorf("enter network namespace: %w", err)
		}
		if err := made.join(); err != nil {
			return err
		}
		return cmd.Start()
	})
	if err != nil {
		return processID{}, err
	}
	// Stop collects it, by number: a later daemon could do nothing else.
	pid := cmd.Process.Pid
	if err := cmd.Process.Release(); err != nil {
		return processID{}, err
	}
	return identify(pid)
}

// awaitReady returns when the init has said that it is ready, or why it is not.
func awaitReady(ctx context.Context, ready *os.File) error {
	ctx, cancel := context.WithTimeout(ctx, bootWait)
	defer cancel()
	stop := context.AfterFunc(ctx, func() { ready.SetReadDeadline(time.Unix(1, 0)) })
	defer stop()
	said, err := io.ReadAll(ready)
	if err != nil {
		return fmt.Errorf("wait for init: %w", errors.Join(ctx.Err(), err))
	}
	if string(said) != guest.Ready {
		return fmt.Errorf("init gave up: %s", cmp.Or(string(said), "it said nothing"))
	}
	return nil
}
