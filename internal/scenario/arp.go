package scenario

import (
	"errors"
	"fmt"
	"net"
	"net/netip"
	"slices"

	"ringfence/internal/policy"
)

// whoHas is an ARP question (RFC 826) as a frame to everybody.
func whoHas(mac [6]byte, sender, target netip.Addr) []byte {
	s, t := sender.As4(), target.As4()
	return slices.Concat(
		[]byte{0xff, 0xff, 0xff, 0xff, 0xff, 0xff}, mac[:], []byte{8, 6},
		[]byte{0, 1, 8, 0, 6, 4, 0, 1}, mac[:], s[:], make([]byte, 6), t[:],
	)
}

// parseARP reads an ARP question:
//
//	NAME who-has ADDRESS [tell ADDRESS] [mac=02:52:…]
func (n *nouns) parseARP(words []string) (packet, error) {
	q, err := n.parseQuestion(words, "")
	if err != nil {
		return packet{}, err
	}
	return packet{q.port, whoHas(q.mac, q.sender, q.target)}, nil
}

// parseSolicitation reads a question of IPv6 neighbour discovery in the same
// words. The frame is NAME's own, whatever the question says.
func (n *nouns) parseSolicitation(words []string) (packet, error) {
	q, err := n.parseQuestion(words, ".six")
	if err != nil {
		return packet{}, err
	}
	f := policy.Solicitation(q.mac, q.sender, q.target)
	_, f.SrcMAC, err = n.sender(words[0])
	return packet{q.port, f.Bytes()}, err
}

// A question is who has an address.
type question struct {
	port           policy.Port
	mac            [6]byte
	sender, target netip.Addr
}

// parseQuestion reads one that, if nothing else is said, is asked by the name's
// own address: its IPv6 address with the suffix .six.
func (n *nouns) parseQuestion(words []string, suffix string) (q question, err error) {
	if len(words) < 3 || words[1] != "who-has" {
		return q, errors.New("want NAME who-has ADDRESS")
	}
	if q.port, q.mac, err = n.sender(words[0]); err != nil {
		return q, err
	}
	if q.target, _, err = n.parseEnd(words[2], false); err != nil {
		return q, err
	}
	if n.interfaces[words[0]] == nil {
		suffix = ""
	}
	if q.sender, _, err = n.parseEnd(words[0]+suffix, false); err != nil {
		return q, err
	}
	for words = words[3:]; len(words) > 0; {
		switch {
		case words[0] == "tell" && len(words) > 1:
			if q.sender, _, err = n.parseEnd(words[1], false); err != nil {
				return q, err
			}
			words = words[2:]
		case len(words[0]) > 4 && words[0][:4] == "mac=":
			b, err := net.ParseMAC(words[0][4:])
			if err != nil {
				return q, err
			}
			q.mac, words = [6]byte(b), words[1:]
		default:
			return q, fmt.Errorf("a question has no %q", words[0])
		}
	}
	return q, nil
}
