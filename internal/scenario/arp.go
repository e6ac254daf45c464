package scenario

import (
	"errors"
	"fmt"
	"net"
	"net/netip"
	"slices"
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
	if len(words) < 3 || words[1] != "who-has" {
		return packet{}, errors.New("want NAME who-has ADDRESS")
	}
	port, mac, err := n.sender(words[0])
	if err != nil {
		return packet{}, err
	}
	target, _, err := n.parseEnd(words[2], false)
	if err != nil {
		return packet{}, err
	}
	own, _, err := n.parseEnd(words[0], false)
	if err != nil {
		return packet{}, err
	}
	for words = words[3:]; len(words) > 0; {
		switch {
		case words[0] == "tell" && len(words) > 1:
			if own, _, err = n.parseEnd(words[1], false); err != nil {
				return packet{}, err
			}
			words = words[2:]
		case len(words[0]) > 4 && words[0][:4] == "mac=":
			b, err := net.ParseMAC(words[0][4:])
			if err != nil {
				return packet{}, err
			}
			mac, words = [6]byte(b), words[1:]
		default:
			return packet{}, fmt.Errorf("a question has no %q", words[0])
		}
	}
	return packet{port, whoHas(mac, own, target)}, nil
}
