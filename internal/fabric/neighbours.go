package fabric

import (
	"fmt"
	"os"
	"strconv"
	"strings"
)

// neighbourLimits are how many neighbours the kernel keeps for all namespaces
// together (ip-sysctl, gc_thresh1 to 3). Its own limit of 1,024 is too low
// where hundreds of instances are all each other's neighbours.
var neighbourLimits = map[string]int{"gc_thresh1": 4096, "gc_thresh2": 32768, "gc_thresh3": 65536}

// RaiseNeighbourLimit raises the limits that are lower, and leaves those that
// are higher.
func RaiseNeighbourLimit() error {
	for name, want := range neighbourLimits {
		path := "/proc/sys/net/ipv4/neigh/default/" + name
		text, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		have, err := strconv.Atoi(strings.TrimSpace(string(text)))
		if err != nil {
			return fmt.Errorf("read %s: %w", path, err)
		}
		if have >= want {
			continue
		}
		if err := os.WriteFile(path, []byte(strconv.Itoa(want)), 0); err != nil {
			return err
		}
	}
	return nil
}
