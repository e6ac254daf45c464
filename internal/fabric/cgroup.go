package fabric

import (
	"bufio"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"

	"golang.org/x/sys/unix"
)

// Limits bound what a machine may use of the host. A zero field is no limit.
type Limits struct {
	Memory    int64 // bytes
	Processes int
	CPUWeight int // 1–10000, against other machines; 100 is the usual (cgroup v2, cpu.weight)
}

// A setting is one limit in the terms of a controller.
type setting struct {
	controller string
	v1, v2     string // name of the file in version 1 and 2
	v1Value    string
	v2Value    string
}

func (l Limits) settings() []setting {
	var all []setting
	if l.Memory > 0 {
		v := strconv.FormatInt(l.Memory, 10)
		all = append(all, setting{"memory", "memory.limit_in_bytes", "memory.max", v, v})
	}
	if l.Processes > 0 {
		v := strconv.Itoa(l.Processes)
		all = append(all, setting{"pids", "pids.max", "pids.max", v, v})
	}
	if l.CPUWeight > 0 {
		// Version 1 counts shares, 1024 being the usual.
		all = append(all, setting{"cpu", "cpu.shares", "cpu.weight",
			strconv.Itoa(max(2, l.CPUWeight*1024/100)), strconv.Itoa(l.CPUWeight)})
	}
	return all
}

// cgroups are the control groups of a fabric's machines, of version 1 and 2
// (cgroups(7)); a host may have both. Every machine has a directory
// ringfence-NAME/MACHINE in each hierarchy.
type cgroups struct {
	name string
	v2   string            // mount point of the unified hierarchy; "" is none
	v1   map[string]string // controller → mount point
}

// systemdHierarchy has no controller: systemd tells by it which service a
// process belongs to, and would end machines together with the daemon's.
const systemdHierarchy = "name=systemd"

// findCgroups finds the hierarchies of the host.
func findCgroups(name string) (*cgroups, error) {
	f, err := os.Open("/proc/self/mountinfo")
	if err != nil {
		return nil, err
	}
	defer f.Close()
	g := &cgroups{name: "ringfence-" + name, v1: map[string]string{}}
	lines := bufio.NewScanner(f)
	for lines.Scan() {
		before, after, _ := strings.Cut(lines.Text(), " - ")
		mount, super := strings.Fields(before), strings.Fields(after)
		if len(mount) < 5 || len(super) < 3 || unix.Access(mount[4], unix.W_OK) != nil {
			continue // in a container they are often read-only
		}
		switch super[0] {
		case "cgroup2":
			g.v2 = mount[4]
		case "cgroup":
			for _, option := range strings.Split(super[2], ",") {
				if slices.Contains([]string{"memory", "pids", "cpu", systemdHierarchy}, option) {
					g.v1[option] = mount[4]
				}
			}
		}
	}
	return g, lines.Err()
}

// A group is the control group of one machine.
type group struct {
	v1 []string // directories
	v2 string   // directory; "" is none
}

// add makes the control group of a machine. unlimited names the controllers
// that a limit was asked of and that this host does not have.
func (g *cgroups) add(machine string, l Limits) (made group, unlimited []string, err error) {
	for _, mount := range g.v1 {
		dir := filepath.Join(mount, g.name, machine)
		if !slices.Contains(made.v1, dir) { // several controllers may be mounted as one
			made.v1 = append(made.v1, dir)
		}
	}
	if g.v2 != "" {
		made.v2 = filepath.Join(g.v2, g.name, machine)
	}
	for _, dir := range made.dirs() {
		if err := os.MkdirAll(dir, 0o755); err != nil {
			return made, nil, err
		}
	}
	for _, s := range l.settings() {
		file, value := "", ""
		if mount, ok := g.v1[s.controller]; ok {
			file, value = filepath.Join(mount, g.name, machine, s.v1), s.v1Value
		} else if g.v2 != "" && g.enable(s.controller) {
			file, value = filepath.Join(made.v2, s.v2), s.v2Value
		} else {
			unlimited = append(unlimited, s.controller)
			continue
		}
		if err := os.WriteFile(file, []byte(value), 0); err != nil {
			return made, nil, err
		}
	}
	return made, unlimited, nil
}

// enable passes a controller down to the machines' groups of version 2, and
// reports whether that is possible.
func (g *cgroups) enable(controller string) bool {
	for _, dir := range []string{g.v2, filepath.Join(g.v2, g.name)} {
		if os.WriteFile(filepath.Join(dir, "cgroup.subtree_control"), []byte("+"+controller), 0) != nil {
			return false
		}
	}
	return true
}

func (made group) dirs() []string {
	if made.v2 == "" {
		return made.v1
	}
	return append(slices.Clone(made.v1), made.v2)
}

// join moves this thread to the groups of version 1, so that what it starts is
// in them. Writing 0 to tasks is the way that does not stop every process on
// the host for a grace period, as a write to cgroup.procs would.
func (made group) join() error {
	for _, dir := range made.v1 {
		if err := os.WriteFile(filepath.Join(dir, "tasks"), []byte("0"), 0); err != nil {
			return fmt.Errorf("join cgroup: %w", err)
		}
	}
	return nil
}

// removeWait bounds how long the kernel may take to notice that a group's last
// process has ended.
const removeWait = 2 * time.Second

// remove removes the control group of a machine whose processes have ended,
// or with machine "" the directories that held those groups. What is not there
// is no error.
func (g *cgroups) remove(machine string) error {
	mounts := slices.Collect(maps.Values(g.v1))
	if g.v2 != "" {
		mounts = append(mounts, g.v2)
	}
	for _, m := range mounts {
		if err := removeTree(filepath.Join(m, g.name, machine)); err != nil {
			return fmt.Errorf("remove cgroup: %w", err)
		}
	}
	return nil
}

// removeTree removes a group's directory and those in it.
func removeTree(dir string) error {
	entries, err := os.ReadDir(dir)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	for _, e := range entries {
		if e.IsDir() {
			if err := removeTree(filepath.Join(dir, e.Name())); err != nil {
				return err
			}
		}
	}
	return removeEmpty(dir)
}

// removeEmpty removes a group's directory as soon as it is empty, and kills
// what is still in it.
func removeEmpty(dir string) error {
	deadline := time.Now().Add(removeWait)
	for {
		err := unix.Rmdir(dir)
		if err == nil || errors.Is(err, fs.ErrNotExist) {
			return nil
		}
		if err != unix.EBUSY || time.Now().After(deadline) {
			return &fs.PathError{Op: "rmdir", Path: dir, Err: err}
		}
		killAll(dir)
		time.Sleep(2 * time.Millisecond)
	}
}

// killAll kills every process of a group. A group that cannot be read or a
// process that is gone is left to the next try.
func killAll(dir string) {
	text, err := os.ReadFile(filepath.Join(dir, "cgroup.procs"))
	if err != nil {
		return
	}
	for _, field := range strings.Fields(string(text)) {
		if pid, err := strconv.Atoi(field); err == nil && pid > 0 { // 0 is a process of another namespace
			_ = unix.Kill(pid, unix.SIGKILL)
		}
	}
}
