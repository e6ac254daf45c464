// Package procfs reads lines of the kernel's files.
package procfs

import (
	"fmt"
	"os"
	"path/filepath"
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

// MapMemory is how much memory the kernel has for those of this program's BPF maps
// that have room for so many entries, in bytes.
func MapMemory(entries int) (bytes int64, err error) {
	const directory = "/proc/self/fdinfo"
	files, err := os.ReadDir(directory)
	if err != nil {
		return 0, err
	}
	for _, f := range files {
		path := filepath.Join(directory, f.Name())
		if Field(path, "max_entries") != strconv.Itoa(entries) {
			continue
		}
		n, err := strconv.ParseInt(Field(path, "memlock"), 10, 64)
		if err != nil {
			return 0, fmt.Errorf("%s does not say how large a map is: %w", path, err)
		}
		bytes += n
	}
	return bytes, nil
}

// Available is how much memory the machine has left, in bytes.
func Available() int64 { return Bytes("/proc/meminfo", "MemAvailable") }
