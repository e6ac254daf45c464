package scenario

import (
	"encoding/hex"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"slices"
	"strconv"
	"strings"

	"ringfence/internal/policy"
	"ringfence/internal/vpc"
)

// A packet is what a scenario sends.
type packet struct {
	port  policy.Port
	frame []byte
}

// parsePacket reads a packet:
//
//	PROTO SOURCE > DESTINATION [WORD ...]
//
// An end is an address or the name of an instance, with a port for TCP and
// UDP. A name stands for the primary private address, and as the destination of
// who is on the internet side for the public one; NAME.public always for the
// latter, and NAME.six for the first IPv6 address.
//
//	tcp 203.0.113.7:40000 > i-1:22 syn,ack seq=7 ack=8 len=100
//	udp [2001:db8:8000::7]:40000 > i-1.six:53
//	udp i-1:53 > 10.254.0.9:53
//	icmp i-1 > i-2 echo query=7           or echo-reply, type=13:0
//	icmp 198.51.100.9 > i-1 unreachable about tcp i-1:40000 > 203.0.113.7:80
//	47 i-1 > i-2
//
// Words for all of them: via NAME for a sender that is not who has the source
// address, mac=02:52:… for another source MAC, datagram=7 offset=1480 more for
// fragments, options=830304… for IP options, headers=0,60,44 for extension
// headers of IPv6, 44 in place of the fragment's own. After about comes the packet that
// an ICMP error quotes, by the addresses that its sender has seen.
func (n *nouns) parsePacket(words []string) (packet, error) {
	words, about := cut(words, "about")
	if len(words) < 4 || words[2] != ">" {
		return packet{}, errPacket
	}
	words, via := cut(words, "via")
	sender, err := n.owner(words[1])
	if err != nil && via == nil {
		return packet{}, err
	}
	if via != nil {
		if len(via) == 0 {
			return packet{}, errors.New("want via NAME")
		}
		sender, words = via[0], slices.Concat(words, via[1:])
	}
	port, mac, err := n.sender(sender)
	if err != nil {
		return packet{}, err
	}
	outside := n.interfaces[sender] == nil
	f, err := n.parseFrame(words, false, outside)
	if err != nil {
		return packet{}, err
	}
	f.DstMAC = vpc.MACOf(f.Dst)
	if f.SrcMAC == [6]byte{} {
		f.SrcMAC = mac
	}
	if about != nil {
		quoted, err := n.parseFrame(about, outside, outside)
		if err != nil {
			return packet{}, fmt.Errorf("about: %w", err)
		}
		quoted.Payload = make([]byte, 8)
		f.Payload = quoted.Packet()
	}
	return packet{port, f.Bytes()}, nil
}

var errPacket = errors.New("want PROTO SOURCE > DESTINATION")

// cut returns what is before and what is behind a word, nil if it is not there.
func cut(words []string, at string) (before, behind []string) {
	i := slices.Index(words, at)
	if i < 0 {
		return words, nil
	}
	return words[:i], words[i+1:]
}

// parseFrame reads the IP packet of words. Names stand for public addresses
// where it is said so.
func (n *nouns) parseFrame(words []string, publicSource, publicDestination bool) (f policy.Frame, err error) {
	if len(words) < 4 || words[2] != ">" {
		return f, errPacket
	}
	if f.Proto, err = parseProto(words[0]); err != nil {
		return f, err
	}
	if f.Src, f.SrcPort, err = n.parseEnd(words[1], publicSource); err != nil {
		return f, err
	}
	if f.Dst, f.DstPort, err = n.parseEnd(words[3], publicDestination); err != nil {
		return f, err
	}
	for _, w := range words[4:] {
		if err := parseWord(&f, w); err != nil {
			return f, err
		}
	}
	return f, nil
}

// parseEnd reads an end of a packet.
func (n *nouns) parseEnd(s string, public bool) (addr netip.Addr, port uint16, err error) {
	host, portText := splitEnd(s)
	if portText != "" {
		p, err := strconv.ParseUint(portText, 10, 16)
		if err != nil {
			return addr, 0, fmt.Errorf("%q is no port", portText)
		}
		port = uint16(p)
	}
	name, isPublic := strings.CutSuffix(host, ".public")
	name, isSix := strings.CutSuffix(name, ".six")
	nic := n.interfaces[name]
	switch {
	case nic == nil:
		addr, err = netip.ParseAddr(host)
		return addr, port, err
	case isSix:
		i := slices.IndexFunc(nic.Addresses, netip.Addr.Is6)
		if i < 0 {
			return addr, 0, fmt.Errorf("%s has no IPv6 address", name)
		}
		return nic.Addresses[i], port, nil
	case public || isPublic:
		if addr = nic.Public[nic.Primary()]; !addr.IsValid() {
			return addr, 0, fmt.Errorf("%s has no public address", name)
		}
		return addr, port, nil
	}
	return nic.Primary(), port, nil
}

// splitEnd takes the port off an end, which is behind the last colon unless
// that is an IPv6 address's; with a port, that is in brackets.
func splitEnd(s string) (host, port string) {
	if inside, ok := strings.CutPrefix(s, "["); ok {
		host, port, _ = strings.Cut(inside, "]")
		return host, strings.TrimPrefix(port, ":")
	}
	if strings.Count(s, ":") > 1 {
		return s, ""
	}
	host, port, _ = strings.Cut(s, ":")
	return host, port
}

// owner is the name of who sends from an end, where only one can.
func (n *nouns) owner(end string) (string, error) {
	host, _ := splitEnd(end)
	addr, err := netip.ParseAddr(host)
	if err != nil {
		return strings.TrimSuffix(host, ".six"), nil
	}
	owner := host
	for name, nic := range n.interfaces {
		if !slices.Contains(nic.Addresses, addr) {
			continue
		}
		if owner != host {
			return "", fmt.Errorf("%s and %s have %s: say via whom the packet comes", owner, name, host)
		}
		owner = name
	}
	return owner, nil
}

// icmpTypes are the messages that have a word of their own (RFC 792, RFC 4443).
var icmpTypes = map[vpc.Proto]map[string][2]uint8{
	vpc.ICMP: {
		"echo": {8, 0}, "echo-reply": {0, 0}, "unreachable": {3, 1}, "port-unreachable": {3, 3},
		"fragmentation-needed": {3, 4}, "source-quench": {4, 0}, "redirect": {5, 1}, "time-exceeded": {11, 0},
	},
	vpc.ICMPv6: {
		"echo": {128, 0}, "echo-reply": {129, 0}, "unreachable": {1, 3}, "port-unreachable": {1, 4}, "too-big": {2, 0},
		"time-exceeded": {3, 0}, "router-solicitation": {133, 0}, "router-advertisement": {134, 0}, "advertisement": {136, 0},
	},
}

var tcpFlags = map[string]policy.TCPFlags{
	"fin": policy.FIN, "syn": policy.SYN, "rst": policy.RST, "psh": policy.PSH, "ack": policy.ACK,
}

// parseWord reads one of the words behind a packet's ends.
func parseWord(f *policy.Frame, word string) error {
	key, value, hasValue := strings.Cut(word, "=")
	if !hasValue {
		return parseBareWord(f, word)
	}
	switch key {
	case "mac":
		mac, err := net.ParseMAC(value)
		if err != nil || len(mac) != 6 {
			return fmt.Errorf("%q is no MAC address", value)
		}
		f.SrcMAC = [6]byte(mac)
		return nil
	case "options":
		b, err := hex.DecodeString(value)
		f.Options = b
		return err
	case "headers":
		for header := range strings.SplitSeq(value, ",") {
			n, err := strconv.ParseUint(header, 10, 8)
			if err != nil {
				return err
			}
			f.Extensions = append(f.Extensions, policy.Extension{Header: vpc.Proto(n)})
		}
		return nil
	case "type":
		_, err := fmt.Sscanf(value, "%d:%d", &f.ICMPType, &f.ICMPCode)
		return err
	}
	n, err := strconv.ParseUint(value, 10, 32)
	if err != nil {
		return fmt.Errorf("%s: %w", word, err)
	}
	switch key {
	case "seq":
		f.Seq = uint32(n)
	case "ack":
		f.Ack = uint32(n)
	case "len":
		f.Payload = make([]byte, n)
	case "query":
		f.ICMPID = uint16(n)
	case "hops":
		f.TTL = uint8(n)
	case "datagram":
		f.ID = uint32(n)
	case "offset":
		if n%8 != 0 {
			return fmt.Errorf("%s: the offset of a fragment is a multiple of eight bytes", word)
		}
		f.Offset = uint16(n / 8)
	default:
		return fmt.Errorf("a packet has no %q", key)
	}
	return nil
}

func parseBareWord(f *policy.Frame, word string) error {
	if word == "more" {
		f.More = true
		return nil
	}
	if t, ok := icmpTypes[f.Proto][word]; ok {
		f.ICMPType, f.ICMPCode = t[0], t[1]
		return nil
	}
	for flag := range strings.SplitSeq(word, ",") {
		bit, ok := tcpFlags[flag]
		if !ok || f.Proto != vpc.TCP {
			return fmt.Errorf("a packet of this protocol is not %q", flag)
		}
		f.Flags |= bit
	}
	return nil
}

// parseFrameBytes reads a frame in hexadecimal digits.
func (n *nouns) parseFrameBytes(words []string) (packet, error) {
	if len(words) < 2 {
		return packet{}, errors.New("want NAME HEX")
	}
	port, _, err := n.sender(words[0])
	if err != nil {
		return packet{}, err
	}
	b, err := hex.DecodeString(strings.Join(words[1:], ""))
	return packet{port, b}, err
}
