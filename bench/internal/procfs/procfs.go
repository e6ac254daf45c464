// Package procfs reads lines of the kernel's files.
package procfs

import (
	"os"
	"strconv"
	"strings"
)

// Field is what follows a name and a colon in a file, "" if nothing does.
func Field(path, name string) string {
	text, err := os.ReadFile(path)
	if err != nil {
		return ""
	}
	for line := range strings.Lines(string(text)) {
		if n, value, ok := strings.Cut(line, ":"); ok && strings.TrimSpace(n) == name {
			return strings.TrimSpace(value)
		}
	}
	return ""
}

// Bytes reads a field such as "VmRSS: 123 kB", 0 if there is none.
func Bytes(path, name string) int64 {
	kb, err := strconv.ParseInt(strings.TrimSuffix(Field(path, name), " kB"), 10, 64)
	if err != nil {
		return 0
	}
	return kb << 10
}

// Available is how much memory the machine has left, in bytes.
func Available() int64 { return Bytes("/proc/meminfo", "MemAvailable") }
