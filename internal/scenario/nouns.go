package scenario

import (
	"fmt"
	"hash/fnv"
	"net/netip"
	"slices"
	"strings"

	"ringfence/internal/policy"
	"ringfence/internal/vpc"
)

// owner is the account whose groups a scenario names without one: that of the
// examples in the EC2 User Guide 2012.
const owner = "111122223333"

// nouns are what a scenario has made so far, in EC2-Classic where no VPC is
// named. Each method returns what has changed, as a feed.
type nouns struct {
	networks
	scenario   uint32 // tells its rules from other scenarios', whose counters live on
	revision   int64
	groups     map[string]vpc.GroupID // by account/name
	rules      []*vpc.Rule            // as they were added
	texts      map[vpc.RuleID]string  // how the scenario calls them
	interfaces map[string]*vpc.NetworkInterface
	identities map[string]vpc.Identity // of sets of groups

	ruleNumbers      int
	interfaceNumbers uint32

	ports map[string]policy.Port // by the name of who is behind it
	names map[policy.Port]string
}

func newNouns(scenario string) *nouns {
	h := fnv.New32a()
	h.Write([]byte(scenario))
	return &nouns{
		networks: newNetworks(), scenario: h.Sum32(),
		groups: make(map[string]vpc.GroupID), texts: make(map[vpc.RuleID]string),
		interfaces: make(map[string]*vpc.NetworkInterface), identities: make(map[string]vpc.Identity),
		ports: make(map[string]policy.Port), names: make(map[policy.Port]string),
	}
}

func (n *nouns) feed() *vpc.Feed {
	n.revision++
	return &vpc.Feed{Revision: n.revision}
}

// fullName is a group's name with its owner.
func fullName(name string) string {
	if strings.Contains(name, "/") {
		return name
	}
	return owner + "/" + name
}

// createGroup makes a group; its id has the order of its name, so that a
// scenario can tell which rule a verdict names.
func (n *nouns) createGroup(name string) error {
	full := fullName(name)
	if n.groups[full] != "" {
		return fmt.Errorf("there is a group %s already", full)
	}
	n.groups[full] = vpc.GroupID("sg-" + full)
	return nil
}

func (n *nouns) group(name string) (vpc.GroupID, error) {
	id := n.groups[fullName(name)]
	if id == "" {
		return "", fmt.Errorf("there is no group %s", fullName(name))
	}
	return id, nil
}

// authorize adds rules, all at once.
func (n *nouns) authorize(rules []*vpc.Rule, texts []string) (*vpc.Feed, error) {
	for i, r := range rules {
		if slices.ContainsFunc(n.rules, r.SameAs) {
			return nil, fmt.Errorf("there is a rule '%s' already", texts[i])
		}
		n.ruleNumbers++
		r.ID = vpc.RuleID(fmt.Sprintf("sgr-%08x%06d", n.scenario, n.ruleNumbers))
		n.rules = append(n.rules, r)
		n.texts[r.ID] = texts[i]
	}
	f := n.feed()
	f.Rules = rules
	return f, nil
}

// revoke removes rules, all at once.
func (n *nouns) revoke(rules []*vpc.Rule, texts []string) (*vpc.Feed, error) {
	f := n.feed()
	for i, r := range rules {
		at := slices.IndexFunc(n.rules, r.SameAs)
		if at < 0 {
			return nil, fmt.Errorf("there is no rule '%s'", texts[i])
		}
		f.GoneRules = append(f.GoneRules, n.rules[at].ID)
		n.rules = slices.Delete(n.rules, at, at+1)
	}
	return f, nil
}

// ruleID finds a rule in force by its text, or an entry of a network ACL by the
// ACL's name and its number: strict:100, strict:* for the end of the list.
func (n *nouns) ruleID(text string) (vpc.RuleID, error) {
	if name, number, ok := strings.Cut(text, ":"); ok && n.acls[name] != nil {
		return vpc.RuleID(string(n.acls[name].ID) + ":" + number), nil
	}
	for _, r := range n.rules {
		if n.texts[r.ID] == text {
			return r.ID, nil
		}
	}
	// A flow may have been admitted by a rule that is gone.
	var gone vpc.RuleID
	for id, t := range n.texts {
		if t == text {
			gone = max(gone, id)
		}
	}
	if gone == "" {
		return "", fmt.Errorf("there has never been a rule '%s'", text)
	}
	return gone, nil
}

// attach makes an interface, which is never one that has been before. public
// need not be valid.
func (n *nouns) attach(name string, private, public netip.Addr, groups []string) (*vpc.Feed, error) {
	number := n.interfaceNumber()
	nic := &vpc.NetworkInterface{
		ID:     vpc.InterfaceID(fmt.Sprintf("eni-%d", number)),
		Number: number, Instance: vpc.InstanceID(name),
		Network: vpc.ClassicNetwork, NetworkNo: 1, Subnet: vpc.ClassicSubnet, SubnetNo: 1,
		Addresses: []netip.Addr{private},
	}
	if public.IsValid() {
		nic.Public = map[netip.Addr]netip.Addr{private: public}
	}
	return n.put(name, nic, groups)
}

// interfaceNumber makes a number that no interface has had, not even in another
// scenario.
func (n *nouns) interfaceNumber() vpc.InterfaceNumber {
	n.interfaceNumbers++
	return vpc.InterfaceNumber(n.scenario>>1&^0xfff | n.interfaceNumbers)
}

// regroup puts an interface into other groups.
func (n *nouns) regroup(name string, groups []string) (*vpc.Feed, error) {
	nic, err := n.interfaceOf(name)
	if err != nil {
		return nil, err
	}
	same := *nic
	return n.put(name, &same, groups)
}

func (n *nouns) put(name string, nic *vpc.NetworkInterface, groups []string) (*vpc.Feed, error) {
	nic.Groups = nil
	for _, g := range groups {
		id, err := n.group(g)
		if err != nil {
			return nil, err
		}
		nic.Groups = append(nic.Groups, id)
	}
	slices.Sort(nic.Groups)
	key := fmt.Sprint(nic.Groups)
	if n.identities[key] == 0 {
		// Never another set's, not even in another scenario: a kernel that
		// plays both takes its time to forget.
		n.identities[key] = vpc.Identity(n.scenario&^0xff | uint32(len(n.identities)+1))
	}
	nic.Identity = n.identities[key]
	n.interfaces[name] = nic
	f := n.feed()
	f.Interfaces = []*vpc.NetworkInterface{nic}
	return f, nil
}

// detach ends an interface.
func (n *nouns) detach(name string) (*vpc.Feed, error) {
	nic, err := n.interfaceOf(name)
	if err != nil {
		return nil, err
	}
	delete(n.interfaces, name)
	f := n.feed()
	f.GoneInterfaces = []vpc.InterfaceID{nic.ID}
	return f, nil
}

func (n *nouns) interfaceOf(name string) (*vpc.NetworkInterface, error) {
	nic := n.interfaces[name]
	if nic == nil {
		return nil, fmt.Errorf("nothing is attached that is called %s", name)
	}
	return nic, nil
}

// takePort gives a name the first free port.
func (n *nouns) takePort(name string) (policy.Port, error) {
	if n.ports[name] != 0 {
		return 0, fmt.Errorf("there is a %s already", name)
	}
	for _, i := range Ports {
		port := policy.Port(i)
		if n.names[port] == "" {
			n.ports[name], n.names[port] = port, name
			return port, nil
		}
	}
	return 0, fmt.Errorf("a scenario has at most %d interfaces and outside hosts", len(Ports))
}

func (n *nouns) givePort(name string) (policy.Port, error) {
	port := n.ports[name]
	if port == 0 {
		return 0, fmt.Errorf("there is no %s", name)
	}
	delete(n.ports, name)
	delete(n.names, port)
	return port, nil
}

// sender returns the port and the MAC address of a name.
func (n *nouns) sender(name string) (policy.Port, [6]byte, error) {
	port := n.ports[name]
	if port == 0 {
		return 0, [6]byte{}, fmt.Errorf("there is no %s", name)
	}
	if nic := n.interfaces[name]; nic != nil {
		return port, nic.MAC(), nil
	}
	addr, err := netip.ParseAddr(name)
	return port, vpc.MACOf(addr), err
}
