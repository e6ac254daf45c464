package scenario

import (
	"errors"
	"fmt"
	"maps"
	"net/netip"
	"slices"
	"strconv"
	"strings"
	"time"

	"ringfence/internal/policy"
	"ringfence/internal/vpc"
)

// verbs are the whole language, with an example above each. Those about VPCs
// are in networkVerbs.
func (s *stage) verbs() map[string]func(words []string) error {
	verbs := map[string]func([]string) error{
		// ec2-create-group web
		// ec2-create-group 444455556666/partner
		// ec2-create-group web -c office
		// A group of a VPC begins with rules that let everything leave.
		"ec2-create-group": s.createGroupVerb,

		// ec2-authorize web -P tcp -p 80 -s 0.0.0.0/0
		// ec2-authorize app -o web
		// ec2-authorize web --egress -P all -s ::/0
		"ec2-authorize": s.authorizeVerb,

		// ec2-revoke web -P tcp -p 80 -s 0.0.0.0/0
		"ec2-revoke": s.revokeVerb,

		// repeat 10000-10999 ec2-authorize web -p % -s 203.0.113.0/24
		// repeat 1-500 join i-1 g%
		// % is each number in turn. Rules are changed by one call.
		"repeat": s.repeatVerb,

		// attach i-1 10.254.0.10 203.0.113.40 web app
		// The public address may be left out.
		"attach": s.attachVerb,

		// join i-1 app
		// leave i-1 app
		// In EC2-Classic this happens only to the kernel's idea of an instance.
		"join":  func(w []string) error { return s.regroupVerb(w, true) },
		"leave": func(w []string) error { return s.regroupVerb(w, false) },

		// detach i-1
		// The instance is terminated; its addresses are free.
		"detach": s.detachVerb,

		// outside 203.0.113.7
		"outside": s.outsideVerb,

		// packet tcp 203.0.113.7:40000 > i-1:22 syn
		// See parsePacket.
		"packet": func(w []string) error { return s.sendVerb(s.parsePacket(w)) },

		// handshake tcp 203.0.113.7:40000 > i-1:22
		// Three packets, all of which are accepted.
		"handshake": s.handshakeVerb,

		// cut tcp 203.0.113.7:40000 > i-1:22
		// One connection, of the client that has opened it to the server, by
		// private addresses.
		"cut": s.cutVerb,

		// arp i-1 who-has 10.254.0.11
		"arp": func(w []string) error { return s.sendVerb(s.parseARP(w)) },

		// solicit i-1 who-has 2001:db8:0:101::11
		// Neighbour discovery, the ARP of IPv6.
		"solicit": func(w []string) error { return s.sendVerb(s.parseSolicitation(w)) },

		// frame i-1 ffffffffffff 02520afe000a 86dd 60000000
		"frame": func(w []string) error { return s.sendVerb(s.parseFrameBytes(w)) },

		// verdict accept i-1 admitted 'web tcp 80 from 0.0.0.0/0'
		// verdict drop i-1 no-ingress-rule
		// verdict drop i-1 acl-out strict:100
		// Who is named receives the packet, or has the counter of what is
		// dropped; - is nobody.
		"verdict": s.verdictVerb,

		// arrives tcp 203.0.113.7:40000 > 10.254.0.10:22
		// arrives icmp 203.0.113.7 > i-1 about tcp i-1:40000 > 203.0.113.7:80
		// arrives arp 10.254.0.11 is-at 02:52:0a:fe:00:0b
		// arrives nd 2001:db8:0:101::11 is-at 02:52:00:00:00:01
		// How the last packet looks to its receiver; all checksums are right.
		"arrives": s.arrivesVerb,

		// wait 600s
		// This takes no time in any oracle.
		"wait": s.waitVerb,

		// counters i-1 no-ingress-rule 3
		// counters 'web tcp 80 from 0.0.0.0/0' 2
		// Packets dropped so far, and packets that a rule has admitted and no
		// flow covered. Only kernels count.
		"counters": s.countersVerb,
	}
	maps.Copy(verbs, s.networkVerbs())
	return verbs
}

func (s *stage) createGroupVerb(words []string) error {
	switch {
	case len(words) == 1:
		return s.createGroup(words[0])
	case len(words) != 3 || words[1] != "-c":
		return errors.New("want NAME or NAME -c VPC")
	}
	v, err := find("VPC", s.vpcs, words[2])
	if err != nil {
		return err
	}
	if err := s.createGroup(words[0]); err != nil {
		return err
	}
	for _, everybody := range everybodyIn(v) {
		if err := s.authorizeVerb([]string{words[0], "--egress", "-P", "all", "-s", everybody.String()}); err != nil {
			return err
		}
	}
	return nil
}

func (s *stage) authorizeVerb(words []string) error {
	return s.changeRules([][]string{words}, s.authorize)
}

func (s *stage) revokeVerb(words []string) error { return s.changeRules([][]string{words}, s.revoke) }

// changeRules lets a change of the rules of some lines reach the oracle, all at
// once.
func (s *stage) changeRules(lines [][]string, change func([]*vpc.Rule, []string) (*vpc.Feed, error)) error {
	var rules []*vpc.Rule
	var texts []string
	for _, words := range lines {
		some, someTexts, err := s.parseRules(words)
		if err != nil {
			return err
		}
		rules, texts = append(rules, some...), append(texts, someTexts...)
	}
	f, err := change(rules, texts)
	if err != nil {
		return err
	}
	return s.oracle.Follow(f)
}

func (s *stage) repeatVerb(words []string) error {
	if len(words) < 2 {
		return errors.New("want FIRST-LAST and a line")
	}
	r, err := parsePorts(words[0])
	if err != nil {
		return err
	}
	var lines [][]string
	for i := int(r.From); i <= int(r.To); i++ {
		lines = append(lines, strings.Fields(strings.ReplaceAll(strings.Join(words[2:], " "), "%", strconv.Itoa(i))))
	}
	switch verb, ok := s.verbs()[words[1]]; {
	case words[1] == "ec2-authorize":
		return s.changeRules(lines, s.authorize)
	case words[1] == "ec2-revoke":
		return s.changeRules(lines, s.revoke)
	case !ok:
		return fmt.Errorf("there is no verb %q", words[1])
	default:
		for _, line := range lines {
			if err := verb(line); err != nil {
				return err
			}
		}
		return nil
	}
}

func (s *stage) attachVerb(words []string) error {
	if len(words) < 3 {
		return errors.New("want NAME ADDRESS [PUBLIC-ADDRESS] and groups")
	}
	name, groups := words[0], words[2:]
	private, err := netip.ParseAddr(words[1])
	if err != nil {
		return err
	}
	public, err := netip.ParseAddr(words[2])
	if err == nil {
		groups = groups[1:]
	}
	port, err := s.takePort(name)
	if err != nil {
		return err
	}
	f, err := s.attach(name, private, public, groups)
	if err != nil {
		return err
	}
	if err := s.oracle.Follow(f); err != nil {
		return err
	}
	return s.oracle.Plug(port, policy.Plug{Interface: s.interfaces[name].ID})
}

func (s *stage) regroupVerb(words []string, join bool) error {
	if len(words) != 2 {
		return errors.New("want NAME GROUP")
	}
	nic, err := s.interfaceOf(words[0])
	if err != nil {
		return err
	}
	groups := groupNames(nic)
	if join {
		groups = append(groups, words[1])
	} else {
		groups = slices.DeleteFunc(groups, func(g string) bool { return g == fullName(words[1]) })
	}
	f, err := s.regroup(words[0], groups)
	if err != nil {
		return err
	}
	return s.oracle.Follow(f)
}

func (s *stage) detachVerb(words []string) error {
	if len(words) != 1 {
		return errors.New("want NAME")
	}
	f, err := s.detach(words[0])
	if err != nil {
		return err
	}
	port, err := s.givePort(words[0])
	if err != nil {
		return err
	}
	if err := s.oracle.Unplug(port); err != nil {
		return err
	}
	return s.oracle.Follow(f)
}

func (s *stage) outsideVerb(words []string) error {
	if len(words) != 1 {
		return errors.New("want ADDRESS")
	}
	addr, err := netip.ParseAddr(words[0])
	if err != nil {
		return err
	}
	port, err := s.takePort(words[0])
	if err != nil {
		return err
	}
	return s.oracle.Plug(port, policy.Plug{Outside: addr})
}

func (s *stage) waitVerb(words []string) error {
	if len(words) != 1 {
		return errors.New("want a time such as 30s")
	}
	d, err := time.ParseDuration(words[0])
	s.now += d
	return err
}

// sendVerb sends what was parsed, if it could be.
func (s *stage) sendVerb(p packet, err error) error {
	if err != nil {
		return err
	}
	o, err := s.oracle.Send(s.now, p.port, p.frame)
	if err != nil {
		return err
	}
	s.sent, s.last = &o, &o
	return nil
}

func (s *stage) cutVerb(words []string) error {
	f, err := s.parseFrame(words, false, false)
	if err != nil {
		return err
	}
	client, server := netip.AddrPortFrom(f.Src, f.SrcPort), netip.AddrPortFrom(f.Dst, f.DstPort)
	n, err := s.oracle.Cut(s.now, func(c *policy.Connection) bool {
		return c.Proto == f.Proto && c.Client.Addr == client && c.Server.Addr == server
	})
	if err == nil && n != 1 {
		err = fmt.Errorf("there are %d such connections that are not cut", n)
	}
	return err
}

func (s *stage) handshakeVerb(words []string) error {
	if len(words) != 4 || words[0] != "tcp" {
		return errors.New("want tcp CLIENT > SERVER")
	}
	forth := []string{"tcp", words[1], ">", words[3]}
	back := []string{"tcp", strings.Replace(words[3], ".public", "", 1), ">", words[1]}
	for _, step := range [][]string{append(forth, "syn"), append(back, "syn,ack"), append(forth, "ack")} {
		if err := s.sendVerb(s.parsePacket(step)); err != nil {
			return err
		}
		if !s.sent.Verdict.Accept {
			return fmt.Errorf("%s: %s", strings.Join(step, " "), describe(s.sent.Verdict))
		}
		s.sent = nil
	}
	return nil
}
