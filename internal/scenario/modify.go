package scenario

import (
	"errors"
	"fmt"
	"maps"
	"net/netip"
	"slices"
	"strconv"
	"strings"

	"ringfence/internal/vpc"
)

// modifyVerb changes one thing about an interface.
func (s *stage) modifyVerb(words []string) error {
	if len(words) < 3 {
		return errors.New("want NAME, what to change and how")
	}
	nic, err := s.interfaceOf(words[0])
	if err != nil {
		return err
	}
	same := *nic
	same.Addresses, same.Public = slices.Clone(nic.Addresses), maps.Clone(nic.Public)
	groups := groupNames(nic)
	values := words[2:]
	switch words[1] {
	case "groups":
		groups = values
	case "source-dest-check":
		same.NoSourceDestCheck = values[0] == "off"
	case "load-balancer":
		same.LoadBalancer = vpc.LoadBalancerID(values[0])
	case "timeouts":
		if same.Timeouts, err = parseTimeouts(values); err != nil {
			return err
		}
	case "assign":
		if err := assign(&same, values[0]); err != nil {
			return err
		}
	case "unassign":
		address, err := netip.ParseAddr(values[0])
		if err != nil {
			return err
		}
		same.Addresses = slices.DeleteFunc(same.Addresses, func(a netip.Addr) bool { return a == address })
		delete(same.Public, address)
	default:
		return fmt.Errorf("an interface has no %q", words[1])
	}
	return s.follow(s.put(words[0], &same, groups))
}

// groupNames are the groups of an interface as a scenario calls them.
func groupNames(nic *vpc.NetworkInterface) []string {
	var names []string
	for _, id := range nic.Groups {
		names = append(names, strings.TrimPrefix(string(id), "sg-"))
	}
	return names
}

func parseTimeouts(words []string) (t vpc.ConnectionTimeouts, err error) {
	for _, w := range words {
		name, value, _ := strings.Cut(w, "=")
		at := map[string]*int{"tcp": &t.TCPEstablished, "stream": &t.UDPStream, "udp": &t.UDP}[name]
		if at == nil {
			return t, fmt.Errorf("want tcp=, stream= or udp= and seconds, not %q", w)
		}
		if *at, err = strconv.Atoi(value); err != nil {
			return t, err
		}
	}
	return t, nil
}
