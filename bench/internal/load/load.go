// Package load makes traffic between two namespaces and says how fast it was:
// TCP streams, datagrams, requests, connections.
//
// Each end is one thread, kept on one CPU and scheduled in real time, so that
// whatever else the machine does is felt as little as possible. TCP is always
// cubic: BBR paces, and then every path looks the same. No load is longer than
// Options say, and no end waits longer than Patience for the other.
package load

import (
	"errors"
	"fmt"
	"io/fs"
	"net/netip"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"golang.org/x/sys/unix"

	"ringfence/bench/internal/netns"
)

// The ports at the server that a filter must let pass, and one that it must not.
const (
	StreamPort     = 5001 // TCP
	RequestPort    = 5002 // TCP
	ConnectionPort = 5003 // TCP
	DatagramPort   = 5004 // UDP
	RefusedPort    = 5009 // TCP
)

// Ends are where the load is made and where it goes.
type Ends struct {
	Client, Server         *netns.Namespace
	ClientAddr, ServerAddr netip.Addr
}

// Options of a load.
type Options struct {
	Duration time.Duration

	// Realtime schedules both ends before everything else on their CPUs. A
	// Duration beyond a second is cut by the kernel's own limits.
	Realtime bool
}

// Patience bounds every wait of one end for the other.
const Patience = 5 * time.Second

// CPUs are the two on which the ends run, the same one twice where there is
// only one.
func CPUs() (client, server int, err error) {
	var allowed unix.CPUSet
	if err := unix.SchedGetaffinity(unix.Getpid(), &allowed); err != nil {
		return 0, 0, fmt.Errorf("ask which CPUs there are: %w", err)
	}
	var list []int
	for cpu := range len(allowed) * 64 {
		if allowed.IsSet(cpu) {
			list = append(list, cpu)
		}
	}
	return list[0], list[min(1, len(list)-1)], nil
}

// ProbeRealtime says what forbids real-time scheduling, or cuts it short, if
// anything does.
func ProbeRealtime() error {
	cpu, _, err := CPUs()
	if err != nil {
		return err
	}
	if err := new(netns.Namespace).Do(func() error { return schedule(cpu, true) }); err != nil {
		return err
	}
	return cutShort("/proc/sys/kernel")
}

// leastShare is how much of a CPU an end may take at a stretch, in percent: what
// kernels leave to it as they come.
const leastShare = 95

// cutShort says whether a kernel's settings, in a directory, stop real-time
// threads before (sched(7), "Limiting the CPU usage of real-time and deadline
// processes").
func cutShort(settings string) error {
	var limits [2]int64 // µs
	for i, name := range []string{"sched_rt_runtime_us", "sched_rt_period_us"} {
		text, err := os.ReadFile(filepath.Join(settings, name))
		if errors.Is(err, fs.ErrNotExist) {
			return nil
		}
		if err == nil {
			limits[i], err = strconv.ParseInt(strings.TrimSpace(string(text)), 10, 64)
		}
		if err != nil {
			return fmt.Errorf("read how long real-time threads may run: %w", err)
		}
	}
	if runtime, period := limits[0], limits[1]; runtime >= 0 && 100*runtime < leastShare*period {
		return fmt.Errorf("real-time threads may run for %d µs of %d (sysctl kernel.sched_rt_runtime_us)", runtime, period)
	}
	return nil
}

// realtimePriority is above that of everything that is not real-time; the
// kernel's own real-time threads have 50 and more.
const realtimePriority = 5

// schedule keeps the calling thread, which runs nothing else, on a CPU.
func schedule(cpu int, realtime bool) error {
	var one unix.CPUSet
	one.Set(cpu)
	if err := unix.SchedSetaffinity(0, &one); err != nil {
		return fmt.Errorf("stay on CPU %d: %w", cpu, err)
	}
	if !realtime {
		return nil
	}
	attr := unix.SchedAttr{
		Size: unix.SizeofSchedAttr, Policy: unix.SCHED_FIFO,
		Priority: realtimePriority, Flags: unix.SCHED_FLAG_RESET_ON_FORK,
	}
	if err := unix.SchedSetAttr(0, &attr, 0); err != nil {
		return fmt.Errorf("schedule in real time: %w", err)
	}
	return nil
}

// An end is one of the two threads of a load.
type end struct {
	in  *netns.Namespace
	cpu int
	run func() error
}

// together runs both ends at the same time.
func together(realtime bool, ends ...end) error {
	results := make(chan error, len(ends))
	for _, e := range ends {
		go func() {
			results <- e.in.Do(func() error {
				if err := schedule(e.cpu, realtime); err != nil {
					return err
				}
				return e.run()
			})
		}()
	}
	var errs []error
	for range ends {
		errs = append(errs, <-results)
	}
	return errors.Join(errs...)
}
