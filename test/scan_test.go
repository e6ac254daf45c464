package test

import (
	"fmt"
	"os/exec"
	"regexp"
	"strconv"
	"strings"
	"testing"
)

// A scan is what nmap says of some ports.
type scan struct {
	open     []int
	filtered int
	closed   int
}

func (s scan) String() string {
	return fmt.Sprintf("%v open, %d filtered, %d closed", s.open, s.filtered, s.closed)
}

// scan lets a machine scan ports of an address. where is a command such as
// outside --ip 203.0.113.7, or exec i-….
func (d *daemon) scan(where []string, address, ports string) scan {
	d.t.Helper()
	if _, err := exec.LookPath("nmap"); err != nil {
		d.t.Skip("needs nmap")
	}
	family := "-4"
	if strings.Contains(address, ":") {
		family = "-6"
	}
	command := []string{"--", "nmap", family, "-n", "-Pn", "-sT", "-p", ports, "--max-retries", "1", "--min-rate", "300", "--host-timeout", "60s", "-oG", "-", address}
	s, err := readScan(d.run(append(where, command...)...))
	if err != nil {
		d.t.Fatal(err)
	}
	return s
}

var (
	onePort      = regexp.MustCompile(`(\d+)/(open|filtered|closed)/`)
	ignoredState = regexp.MustCompile(`Ignored State: (filtered|closed) \((\d+)\)`)
)

// readScan reads nmap's grepable form.
func readScan(out string) (s scan, err error) {
	if !strings.Contains(out, "Ports:") {
		return s, fmt.Errorf("nmap tells of no ports:\n%s", out)
	}
	for _, m := range onePort.FindAllStringSubmatch(out, -1) {
		port, err := strconv.Atoi(m[1])
		if err != nil {
			return s, err
		}
		switch m[2] {
		case "open":
			s.open = append(s.open, port)
		case "filtered":
			s.filtered++
		case "closed":
			s.closed++
		}
	}
	if m := ignoredState.FindStringSubmatch(out); m != nil {
		n, err := strconv.Atoi(m[2])
		if err != nil {
			return s, err
		}
		if m[1] == "filtered" {
			s.filtered += n
		} else {
			s.closed += n
		}
	}
	return s, nil
}

func outside(ip string) []string { return []string{"outside", "--ip", ip} }
func inside(i instance) []string { return []string{"exec", i.id} }
func (d *daemon) expect(what string, got scan, want string) {
	d.t.Helper()
	if got.String() != want {
		d.t.Errorf("%s: %s, want %s", what, got, want)
	}
}

func TestReadScan(t *testing.T) {
	for out, want := range map[string]string{
		"Host: 203.0.113.5 ()\tPorts: \tIgnored State: filtered (100)":                             "[] open, 100 filtered, 0 closed",
		"Host: 203.0.113.5 ()\tPorts: 22/open/tcp//ssh///\tIgnored State: filtered (99)":           "[22] open, 99 filtered, 0 closed",
		"Host: 10.254.0.4 ()\tPorts: 22/open/tcp//ssh///, 80/closed/tcp//http///, 81/filtered/tcp": "[22] open, 1 filtered, 1 closed",
	} {
		got, err := readScan(out)
		if err != nil || got.String() != want {
			t.Errorf("%q: %v %v, want %s", out, got, err, want)
		}
	}
}
