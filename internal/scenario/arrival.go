package scenario

import (
	"encoding/binary"
	"errors"
	"fmt"
	"net"
	"net/netip"

	"ringfence/internal/policy"
	"ringfence/internal/vpc"
)

// parseArrival reads what a scenario says of a delivered frame, as text in one
// form: every end is an address.
func (n *nouns) parseArrival(words []string) (string, error) {
	if len(words) == 4 && words[2] == "is-at" {
		addr, err := netip.ParseAddr(words[1])
		return answerText(words[0], addr, words[3]), err
	}
	words, about := cut(words, "about")
	f, err := n.parseFrame(words, false, false)
	if err != nil {
		return "", err
	}
	text := packetText(f.Proto, f.Src, f.Dst, f.SrcPort, f.DstPort)
	if about == nil {
		return text, nil
	}
	q, err := n.parseFrame(about, false, false)
	return text + " about " + packetText(q.Proto, q.Src, q.Dst, q.SrcPort, q.DstPort), err
}

// answerText is who has an address, by arp or nd.
func answerText(protocol string, addr netip.Addr, mac string) string {
	return fmt.Sprintf("%s %s is-at %s", protocol, addr, mac)
}

func packetText(proto vpc.Proto, src, dst netip.Addr, srcPort, dstPort uint16) string {
	if !proto.HasPorts() {
		return fmt.Sprintf("%s %s > %s", proto, src, dst)
	}
	return fmt.Sprintf("%s %s > %s", proto, netip.AddrPortFrom(src, srcPort), netip.AddrPortFrom(dst, dstPort))
}

// readArrival puts a delivered frame into the same form, if its checksums are
// right.
func readArrival(frame []byte) (string, error) {
	p, reason := policy.ParseFrame(frame)
	if reason != 0 {
		return "", fmt.Errorf("the frame that arrives is %s: %x", reason, frame)
	}
	if p.ARP != nil {
		return answerText("arp", p.ARP.Sender, net.HardwareAddr(p.ARP.SenderMAC[:]).String()), nil
	}
	if err := checkSums(frame[etherLen:], &p); err != nil {
		return "", fmt.Errorf("%w: %x", err, frame)
	}
	if target, mac, ok := advertised(frame); ok {
		return answerText("nd", target, mac.String()), nil
	}
	text := packetText(p.Proto, p.Src, p.Dst, p.SrcPort, p.DstPort)
	if q := p.ICMP.Quoted; q != nil {
		text += " about " + packetText(q.Proto, q.Src, q.Dst, q.SrcPort, q.DstPort)
	}
	return text, nil
}

// Lengths of headers without options, in bytes.
const (
	etherLen = 14
	ipv6Len  = 40
)

// advertised reads a neighbour advertisement with one option (RFC 4861 §4.4):
// who has which address.
func advertised(frame []byte) (target netip.Addr, mac net.HardwareAddr, ok bool) {
	const length, advertisement, linkAddress = etherLen + ipv6Len + 32, 136, 2
	if len(frame) != length || frame[12] != 0x86 || frame[54] != advertisement || frame[78] != linkAddress {
		return target, nil, false
	}
	return netip.AddrFrom16([16]byte(frame[62:78])), frame[80:86], true
}

// checkSums checks the checksums of an IP packet: that of an IPv4 header, of a
// whole datagram's transport, and of the IPv4 header which an ICMP error
// quotes.
func checkSums(b []byte, p *policy.Packet) error {
	if p.Src.Is4() && policy.Checksum(0, b[:headerLen(b)]) != 0 {
		return errors.New("wrong checksum of the IP header")
	}
	if p.Fragment.Later || p.Fragment.More {
		return nil
	}
	transport := transportOf(b)
	if p.Proto == vpc.UDP && p.Src.Is4() && transport[6] == 0 && transport[7] == 0 {
		return nil // it has none (RFC 768)
	}
	if !p.Proto.HasPorts() && !p.Proto.IsICMP() {
		return nil
	}
	var pseudo uint32
	if p.Proto != vpc.ICMP {
		pseudo = policy.PseudoSum(p.Src, p.Dst, p.Proto, len(transport))
	}
	if policy.Checksum(pseudo, transport) != 0 {
		return fmt.Errorf("wrong checksum of %s", p.Proto)
	}
	if p.ICMP.Quoted != nil && p.Src.Is4() {
		quoted := transport[8:]
		if policy.Checksum(0, quoted[:headerLen(quoted)]) != 0 {
			return errors.New("wrong checksum of the IP header that is quoted")
		}
	}
	return nil
}

// headerLen is the length of an IPv4 header.
func headerLen(b []byte) int { return int(b[0]&0xf) * 4 }

// transportOf is what an IP packet of sound headers carries.
func transportOf(b []byte) []byte {
	if b[0]>>4 == 4 {
		return b[headerLen(b):binary.BigEndian.Uint16(b[2:])]
	}
	next, rest := b[6], b[ipv6Len:ipv6Len+int(binary.BigEndian.Uint16(b[4:]))]
	for {
		switch next {
		case 0, 60: // options
			next, rest = rest[0], rest[8*(int(rest[1])+1):]
		case 44: // fragment
			next, rest = rest[0], rest[8:]
		default:
			return rest
		}
	}
}
