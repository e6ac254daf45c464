package guest

import (
	"fmt"
	"os"
	"os/signal"
	"runtime"
	"sync"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

// A reaper starts processes and collects the ended ones, its own and those
// orphaned in the machine: process 1 inherits them. os/exec is not used, as its
// waiting and the reaper's would take statuses from each other.
type reaper struct {
	jobs      chan func()    // run by runStarter
	childEnds chan os.Signal // told when children have ended

	mu      sync.Mutex // held while a child is started and noted
	waiting map[int]chan<- syscall.WaitStatus
}

// shutdownGrace is how long programs have between SIGTERM and SIGKILL.
const shutdownGrace = 2 * time.Second

// newReaper returns a reaper that hears of every child that ends from now on.
func newReaper() *reaper {
	r := &reaper{
		jobs:      make(chan func()),
		childEnds: make(chan os.Signal, 1),
		waiting:   map[int]chan<- syscall.WaitStatus{},
	}
	signal.Notify(r.childEnds, unix.SIGCHLD)
	return r
}

// runStarter starts all children, on one thread, until the process ends. A
// child has the rights of the thread it is forked from: with confined set the
// thread gives up those that could harm the host, and says so on ready.
func (r *reaper) runStarter(confined bool, ready chan<- error) {
	runtime.LockOSThread()
	if confined {
		ready <- dropRights()
	} else {
		ready <- nil
	}
	for job := range r.jobs {
		job()
	}
}

// A process to start. Path is absolute.
type process struct {
	path     string
	args     []string
	env      []string
	dir      string
	files    [3]*os.File
	terminal bool // files[0] becomes the controlling terminal

	credential *syscall.Credential // nil: root
}

// start starts p as the leader of a session of its own. Its status arrives on
// ended.
func (r *reaper) start(p process) (pid int, ended <-chan syscall.WaitStatus, err error) {
	attr := &syscall.ProcAttr{
		Dir:   p.dir,
		Env:   p.env,
		Files: []uintptr{p.files[0].Fd(), p.files[1].Fd(), p.files[2].Fd()},
		Sys:   &syscall.SysProcAttr{Setsid: true, Setctty: p.terminal, Credential: p.credential},
	}
	status := make(chan syscall.WaitStatus, 1)
	started := make(chan struct{})
	r.jobs <- func() {
		defer close(started)
		r.mu.Lock()
		defer r.mu.Unlock()
		if pid, err = syscall.ForkExec(p.path, p.args, attr); err == nil {
			r.waiting[pid] = status
		}
	}
	<-started
	return pid, status, err
}

// run collects ended children until the process ends.
func (r *reaper) run() {
	for range r.childEnds {
		r.collect()
	}
}

// collect collects every child that has ended.
func (r *reaper) collect() {
	for {
		var status syscall.WaitStatus
		pid, err := syscall.Wait4(-1, &status, syscall.WNOHANG, nil)
		if err == syscall.EINTR {
			continue
		}
		if err != nil || pid == 0 {
			return
		}
		r.mu.Lock()
		if ch, ok := r.waiting[pid]; ok {
			ch <- status
			delete(r.waiting, pid)
		}
		r.mu.Unlock()
	}
}

// endAll ends every process of the machine but this one: all are asked, and
// what is left after shutdownGrace is killed.
func (r *reaper) endAll() {
	deadline := time.Now().Add(shutdownGrace)
	_ = unix.Kill(-1, unix.SIGTERM)
	_ = unix.Kill(-1, unix.SIGCONT) // stopped ones see it too
	for time.Now().Before(deadline) {
		if err := unix.Kill(-1, 0); err == unix.ESRCH {
			return
		}
		time.Sleep(5 * time.Millisecond)
	}
	_ = unix.Kill(-1, unix.SIGKILL)
}

// keptRights are the capabilities (capabilities(7)) of programs in an instance:
// what servers, ping, tcpdump, nmap and an own iptables need. None reaches
// beyond the instance's namespaces.
var keptRights = map[uintptr]bool{
	unix.CAP_CHOWN: true, unix.CAP_DAC_OVERRIDE: true, unix.CAP_FOWNER: true, unix.CAP_FSETID: true,
	unix.CAP_KILL: true, unix.CAP_SETGID: true, unix.CAP_SETUID: true, unix.CAP_SETPCAP: true,
	unix.CAP_SETFCAP: true, unix.CAP_SYS_CHROOT: true, unix.CAP_AUDIT_WRITE: true,
	unix.CAP_NET_BIND_SERVICE: true, unix.CAP_NET_RAW: true, unix.CAP_NET_ADMIN: true,
}

// dropRights takes all other capabilities from the bounding set of this thread:
// no program that it starts will have them.
func dropRights() error {
	for c := uintptr(0); c <= 63; c++ {
		if keptRights[c] {
			continue
		}
		err := unix.Prctl(unix.PR_CAPBSET_DROP, c, 0, 0, 0)
		if err == unix.EINVAL {
			return nil // beyond the kernel's last capability
		}
		if err != nil {
			return fmt.Errorf("drop capability %d: %w", c, err)
		}
	}
	return nil
}
