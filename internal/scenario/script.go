package scenario

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"ringfence/internal/policy"
)

// A Mode is how a daemon is run; the zero value is AWS's way.
type Mode struct {
	Revoke           policy.Revocation
	StrictICMPErrors bool
}

// modes are what a scenario may begin with, to be played in another mode.
var modes = map[string]Mode{
	"ringfenced --revoke strict":      {Revoke: policy.RevokeStrict},
	"ringfenced --strict-icmp-errors": {StrictICMPErrors: true},
}

// ModeOf is the mode that a scenario asks for by its first line, comments aside.
func ModeOf(text string) Mode {
	for line := range strings.Lines(text) {
		if line = strings.TrimSpace(line); line != "" && line[0] != '#' {
			return modes[line]
		}
	}
	return Mode{}
}

func (m Mode) newHost() *policy.Host {
	h := policy.NewHost(m.Revoke)
	h.StrictICMPErrors = m.StrictICMPErrors
	return h
}

// Play plays a scenario before an oracle, which it resets, and stops at the first line where
// the oracle says something else. name and the line begin the error.
func Play(name, text string, oracle Oracle) error {
	if err := oracle.Reset(); err != nil {
		return fmt.Errorf("%s: reset: %w", name, err)
	}
	s := &stage{nouns: newNouns(name), oracle: oracle, now: time.Hour}
	if err := s.beginDefaultGroup(); err != nil {
		return err
	}
	number := 0
	for line := range strings.Lines(text) {
		number++
		if err := s.line(line); err != nil {
			return fmt.Errorf("%s:%d: %s: %w", name, number, strings.TrimSpace(line), err)
		}
	}
	if s.sent != nil {
		return fmt.Errorf("%s: the last packet has no verdict", name)
	}
	return nil
}

// A stage is where a scenario is played.
type stage struct {
	*nouns
	oracle Oracle
	now    time.Duration
	sent   *Outcome // of the last packet, until its verdict; nil then
	last   *Outcome
}

// beginDefaultGroup makes the group that every account has, whose members reach
// each other (EC2 User Guide 2012, "Default Security Group").
func (s *stage) beginDefaultGroup() error {
	if err := s.createGroup("default"); err != nil {
		return err
	}
	return s.authorizeVerb([]string{"default", "-o", "default"})
}

func (s *stage) line(line string) error {
	line = strings.TrimSpace(line)
	if _, isMode := modes[line]; isMode || line == "" || line[0] == '#' {
		return nil
	}
	words, err := splitWords(line)
	if err != nil {
		return err
	}
	verb, ok := s.verbs()[words[0]]
	if !ok {
		return fmt.Errorf("there is no verb %q: want %s", words[0], strings.Join(slices.Sorted(maps.Keys(s.verbs())), ", "))
	}
	if s.sent != nil && words[0] != "verdict" {
		return errors.New("a packet is followed by its verdict")
	}
	return verb(words[1:])
}

// splitWords splits a line at blanks that are not in single quotes. A word that
// begins with # begins a comment.
func splitWords(line string) ([]string, error) {
	var words []string
	for {
		line = strings.TrimLeft(line, " \t")
		switch {
		case line == "" || line[0] == '#':
			return words, nil
		case line[0] == '\'':
			word, rest, ok := strings.Cut(line[1:], "'")
			if !ok {
				return nil, errors.New("a quote is not closed")
			}
			words, line = append(words, word), rest
		default:
			end := strings.IndexAny(line+" ", " \t")
			words, line = append(words, line[:end]), line[end:]
		}
	}
}
