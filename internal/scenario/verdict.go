package scenario

import (
	"errors"
	"fmt"
	"strconv"

	"ringfence/internal/dataplane"
	"ringfence/internal/policy"
	"ringfence/internal/vpc"
)

func (s *stage) verdictVerb(words []string) error {
	if s.sent == nil {
		return errors.New("no packet was sent")
	}
	o := s.sent
	s.sent = nil
	want, counted, err := s.parseVerdict(words)
	if err != nil {
		return err
	}
	if err := o.check(want); err != nil {
		return err
	}
	if o.Drops == nil {
		return nil
	}
	for got, packets := range o.Drops {
		if counted == nil || got != *counted || packets != 1 {
			return fmt.Errorf("%d packets of interface %d are counted as %s", packets, got.Number, got.Reason)
		}
	}
	if counted != nil && len(o.Drops) == 0 {
		return errors.New("no counter has moved")
	}
	return nil
}

// parseVerdict reads a verdict, and which counter of drops it moves, if any.
func (s *stage) parseVerdict(words []string) (v policy.Verdict, counted *Counted, err error) {
	if len(words) == 1 {
		v.Reason, err = parseReason(words[0])
		return v, nil, err
	}
	if len(words) < 3 {
		return v, nil, errors.New("want accept or drop, a name, a reason and perhaps a rule")
	}
	if v.Reason, err = parseReason(words[2]); err != nil {
		return v, nil, err
	}
	if len(words) > 3 {
		if v.Rule, err = s.ruleID(words[3]); err != nil {
			return v, nil, err
		}
	}
	switch words[0] {
	case "accept":
		v.Accept, v.To = true, s.ports[words[1]]
		if v.To == 0 {
			err = fmt.Errorf("there is no %s", words[1])
		}
		return v, nil, err
	case "drop":
		number, err := s.numberOf(words[1])
		return v, &Counted{number, v.Reason}, err
	}
	return v, nil, fmt.Errorf("%q is neither accept nor drop", words[0])
}

func parseReason(s string) (policy.Reason, error) {
	for _, r := range policy.Reasons() {
		if r.String() == s {
			return r, nil
		}
	}
	return 0, fmt.Errorf("there is no reason %q", s)
}

// numberOf is by what the kernel's counters know a name.
func (s *stage) numberOf(name string) (vpc.InterfaceNumber, error) {
	if name == "-" {
		return 0, nil
	}
	if nic := s.interfaces[name]; nic != nil {
		return nic.Number, nil
	}
	if port := s.ports[name]; port != 0 {
		return dataplane.OutsideNumber(port), nil
	}
	return 0, fmt.Errorf("there is no %s", name)
}

func (s *stage) arrivesVerb(words []string) error {
	if s.last == nil {
		return errors.New("no packet was sent")
	}
	if s.last.Frame == nil {
		return nil // an oracle that delivers nothing
	}
	want, err := s.parseArrival(words)
	if err != nil {
		return err
	}
	got, err := readArrival(s.last.Frame)
	if err != nil {
		return err
	}
	if got != want {
		return fmt.Errorf("got  %s\nwant %s", got, want)
	}
	return nil
}

func (s *stage) countersVerb(words []string) error {
	c, err := s.oracle.Counters()
	if err != nil || c == nil {
		return err
	}
	var got uint64
	switch len(words) {
	case 2:
		rule, err := s.ruleID(words[0])
		if err != nil {
			return err
		}
		got = c.Hits[rule]
	case 3:
		number, err := s.numberOf(words[0])
		if err != nil {
			return err
		}
		reason, err := parseReason(words[1])
		if err != nil {
			return err
		}
		got = c.Drops[Counted{number, reason}]
	default:
		return errors.New("want RULE NUMBER or NAME REASON NUMBER")
	}
	if want := words[len(words)-1]; strconv.FormatUint(got, 10) != want {
		return fmt.Errorf("%d, not %s", got, want)
	}
	return nil
}

// check compares what an oracle has seen with what the scenario says.
func (o *Outcome) check(want policy.Verdict) error {
	got := o.Verdict
	if got.Reason == 0 && got.Accept {
		if want.Reason == policy.Admitted && want.Rule != "" {
			return fmt.Errorf("the packet arrives, but no rule has admitted it: want %s", describe(want))
		}
		got.Reason, got.Rule = want.Reason, want.Rule
	}
	if !got.Accept && got.Rule == "" && o.Drops != nil {
		got.Rule = want.Rule // counters do not name what denies
	}
	if got != want {
		return fmt.Errorf("got %s\nwant %s", describe(got), describe(want))
	}
	return nil
}

func describe(v policy.Verdict) string {
	verb := "drop"
	if v.Accept {
		verb = "accept"
	}
	s := fmt.Sprintf("%s %s", verb, v.Reason)
	if v.Rule != "" {
		s += fmt.Sprintf(" by %s", v.Rule)
	}
	if v.To != 0 {
		s += fmt.Sprintf(" into port %d", v.To)
	}
	return s
}
