package guest

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"os/signal"

	"github.com/cilium/ebpf/link"
	"golang.org/x/sys/unix"
)

// environment is what every program in a machine starts with.
var environment = []string{
	"PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
	"HOME=/root",
	"USER=root",
	"LANG=C.UTF-8",
}

// Main is the init of a machine; its result is the process's exit status. It
// must be process 1 of a process namespace, in mount, host name and network
// namespaces that are the machine's alone.
func Main() int {
	specFile := os.NewFile(SpecFD, "spec")
	ready := os.NewFile(ReadyFD, "ready")
	if specFile == nil || ready == nil || os.Getpid() != 1 {
		fmt.Fprintln(os.Stderr, "init is started by ringfenced only")
		return 2
	}
	unix.CloseOnExec(SpecFD)
	unix.CloseOnExec(ReadyFD)
	spec, err := readSpec(specFile)
	if err != nil {
		// The daemon died before it could speak: there is no machine to be.
		return 1
	}
	if err := run(spec, ready); err != nil {
		fmt.Fprintln(os.Stderr, "init:", err)
		fmt.Fprintln(ready, err)
		return 1
	}
	return 0
}

func readSpec(f *os.File) (Spec, error) {
	defer f.Close()
	var spec Spec
	text, err := io.ReadAll(f)
	if err != nil {
		return spec, err
	}
	err = json.Unmarshal(text, &spec)
	return spec, err
}

// run makes the machine, says so on ready, and returns when it is shut down.
func run(spec Spec, ready *os.File) error {
	hostPID, err := os.Readlink("/proc/self") // before the machine has a /proc of its own
	if err != nil {
		return fmt.Errorf("find own process: %w", err)
	}
	unix.Umask(0o022) // whatever the daemon's is
	if err := makeFiles(&spec); err != nil {
		return fmt.Errorf("make file system: %w", err)
	}
	if err := unix.Sethostname([]byte(spec.Hostname)); err != nil {
		return fmt.Errorf("set host name: %w", err)
	}
	if err := os.Chdir("/"); err != nil {
		return err
	}
	if spec.Kind == Instance {
		if err := makeUsers(spec.PublicKey); err != nil {
			return fmt.Errorf("make users: %w", err)
		}
	}

	ctx, stop := signal.NotifyContext(context.Background(), unix.SIGTERM, unix.SIGINT)
	defer stop()
	// What a process ignores, its programs ignore too, and a daemon of nohup
	// ignores hang-ups. One that is handled here is an ordinary one to programs.
	signal.Notify(make(chan os.Signal, 1), unix.SIGHUP)
	console, err := openConsole()
	if err != nil {
		return fmt.Errorf("open console: %w", err)
	}
	log := slog.New(slog.NewTextHandler(console.in, nil))
	log.Info("boot", "machine", spec.Machine, "number", spec.Generation, "hostname", spec.Hostname)
	children := newReaper()
	m := &machine{spec: spec, hostPID: hostPID, console: console.in, children: children, shutdown: stop, log: log}

	// Everything that runs from here on ends with the process, which takes the
	// whole machine with it; nothing waits for these.
	confined := make(chan error)
	go children.runStarter(spec.Kind != Outside, confined)
	if err := <-confined; err != nil {
		return err
	}
	go children.run()
	go console.run()
	if err := m.listen(); err != nil {
		return err
	}
	if err := m.startPrograms(); err != nil {
		if spec.Kind == Balancer {
			return err
		}
		log.Error("start programs", "err", err)
	}
	if _, err := io.WriteString(ready, Ready); err != nil && !errors.Is(err, unix.EPIPE) {
		return fmt.Errorf("tell daemon: %w", err)
	}
	ready.Close()

	<-ctx.Done()
	children.endAll()
	return nil
}

// A machine is what the init's servers need to know.
type machine struct {
	spec     Spec
	hostPID  string
	console  *os.File // output of the machine's programs
	children *reaper
	shutdown func()
	log      *slog.Logger
	steering *link.NetNsLink // see steer; nil when there is none
}
