package result

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"runtime"
	"strings"
	"time"

	"golang.org/x/sys/unix"

	"ringfence/bench/internal/procfs"
)

// Machine describes where figures were taken, in lines of Markdown: the
// machine, its kernel, the versions of what took part, and how busy it was.
// What cannot be found out is left out.
func Machine(ctx context.Context, command string) string {
	var t strings.Builder
	add := func(what, value string) {
		if value != "" {
			fmt.Fprintf(&t, "| %s | %s |\n", what, value)
		}
	}
	t.WriteString("| | |\n|---|---|\n")
	add("taken", time.Now().UTC().Format("2 January 2006, 15:04 UTC"))
	add("command", "`"+command+"`")
	add("ringfence", said(ctx, "git", "describe", "--always", "--dirty"))
	add("kernel", kernel())
	add("CPU", fmt.Sprintf("%d × %s", runtime.NumCPU(), procfs.Field("/proc/cpuinfo", "model name")))
	add("memory", procfs.Field("/proc/meminfo", "MemTotal"))
	add("load before", loadBefore)
	add("mitigations", commandLine("mitigations"))
	add("Go", runtime.Version())
	for _, tool := range [][]string{{"ip", "-V"}, {"nft", "--version"}, {"iptables", "--version"}, {"ipset", "--version"}} {
		add(tool[0], said(ctx, tool[0], tool[1:]...))
	}
	return t.String()
}

// loadBefore is how many tasks wanted a CPU in the minute before the program
// began, which then adds its own.
var loadBefore = func() string {
	text, err := os.ReadFile("/proc/loadavg")
	if err != nil {
		return ""
	}
	minute, _, _ := strings.Cut(string(text), " ")
	return minute
}()

func kernel() string {
	var u unix.Utsname
	if err := unix.Uname(&u); err != nil {
		return ""
	}
	return unix.ByteSliceToString(u.Release[:]) + " " + unix.ByteSliceToString(u.Machine[:])
}

// commandLine is a parameter that the kernel was started with.
func commandLine(name string) string {
	text, err := os.ReadFile("/proc/cmdline")
	if err != nil {
		return ""
	}
	for _, word := range strings.Fields(string(text)) {
		if value, ok := strings.CutPrefix(word, name+"="); ok {
			return value
		}
	}
	return ""
}

// said is the first line that a program prints, "" if there is no such program.
func said(ctx context.Context, name string, args ...string) string {
	out, err := exec.CommandContext(ctx, name, args...).Output()
	if err != nil {
		return ""
	}
	line, _, _ := strings.Cut(string(out), "\n")
	return strings.TrimSpace(line)
}
