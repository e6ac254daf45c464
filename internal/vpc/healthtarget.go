package vpc

import (
	"strconv"
	"strings"
)

// A HealthTarget is what a health check does to an instance (Classic Load
// Balancer, "Configure health checks"): connect, shake hands, or get a page.
type HealthTarget struct {
	Protocol ListenerProtocol
	Port     uint16
	Path     string // of HTTP and HTTPS, with its first slash; "" for TCP and SSL
}

// maxHealthPath is how many characters the path of a health check may have after
// its first slash.
const maxHealthPath = 1024

// ParseHealthTarget reads a target, such as HTTP:80/index.html. The case of the
// protocol makes no difference.
func ParseHealthTarget(text string) (HealthTarget, error) {
	invalid := func(format string, args ...any) (HealthTarget, error) {
		return HealthTarget{}, Errorf(ValidationError, "HealthCheck "+format, args...)
	}
	name, rest, _ := strings.Cut(text, ":")
	protocol, ok := ListenerProtocolNamed(name)
	port, path, hasPath := strings.Cut(rest, "/")
	n, err := strconv.ParseUint(port, 10, 16)
	switch {
	case !ok:
		return invalid("Target must begin with one of HTTP, TCP, HTTPS, SSL")
	case port == "":
		return invalid("Target must specify a port number")
	case err != nil || n == 0:
		return invalid("Target must specify a port number between 1 and 65535")
	case protocol.IsHTTP() && !hasPath:
		return invalid("HTTP Target must specify a port followed by a path that begins with a slash. e.g. HTTP:80/ping/this/path")
	case !protocol.IsHTTP() && hasPath:
		return invalid("%s Target must specify a port and nothing else. e.g. %s:80", protocol, protocol)
	case len(path) > maxHealthPath:
		return invalid("Target must not have a path of more than %d characters", maxHealthPath)
	case strings.ContainsFunc(path, notInPath):
		return invalid("Target must not have spaces or control characters in its path")
	}
	t := HealthTarget{Protocol: protocol, Port: uint16(n)}
	if hasPath {
		t.Path = "/" + path
	}
	return t, nil
}

// notInPath reports whether a character cannot be in the first line of a
// request.
func notInPath(c rune) bool { return c <= ' ' || c >= 0x7f }

// String returns the target as ParseHealthTarget reads it and a HealthCheck has
// it.
func (t HealthTarget) String() string {
	return string(t.Protocol) + ":" + strconv.Itoa(int(t.Port)) + t.Path
}
