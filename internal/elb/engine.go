package elb

import (
	"context"
	"errors"
	"fmt"
	"os/exec"
	"regexp"
	"strconv"
	"time"
)

// An Engine is the proxy that is installed on the host.
type Engine struct {
	Path    string // of the program
	Version string // such as HAProxy 2.6.12
}

// minVersion is the oldest HAProxy that reloads and answers as is needed here.
var minVersion = [2]int{2, 6}

var versionLine = regexp.MustCompile(`(?m)^HAProxy version ((\d+)\.(\d+)\.?\d*)`)

// FindEngine finds HAProxy on this host. The error says in a sentence what is
// wrong and what to do.
func FindEngine(ctx context.Context) (Engine, error) {
	path, err := exec.LookPath("haproxy")
	if err != nil {
		path, err = exec.LookPath("/usr/sbin/haproxy") // not in everybody's PATH
	}
	if err != nil {
		return Engine{}, errors.New("load balancers need HAProxy 2.6 or newer, which this host does not have: install the package haproxy and restart ringfenced")
	}
	ctx, cancel := context.WithTimeout(ctx, 5*time.Second)
	defer cancel()
	out, err := exec.CommandContext(ctx, path, "-v").Output()
	if err != nil {
		return Engine{}, fmt.Errorf("load balancers need HAProxy, and %s -v fails: %w", path, err)
	}
	return parseVersion(path, string(out))
}

func parseVersion(path, out string) (Engine, error) {
	m := versionLine.FindStringSubmatch(out)
	if m == nil {
		return Engine{}, fmt.Errorf("load balancers need HAProxy 2.6 or newer, and %s is something else: install the package haproxy and restart ringfenced", path)
	}
	major, _ := strconv.Atoi(m[2]) // digits, by the expression
	minor, _ := strconv.Atoi(m[3])
	if major < minVersion[0] || major == minVersion[0] && minor < minVersion[1] {
		return Engine{}, fmt.Errorf("load balancers need HAProxy 2.6 or newer, and %s is %s: install a newer one and restart ringfenced", path, m[1])
	}
	return Engine{Path: path, Version: "HAProxy " + m[1]}, nil
}
