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
	if len(words) == 4 && words[0] == "arp" && words[2] == "is-at" {
		addr, err := netip.ParseAddr(words[1])
		return arpText(addr, words[3]), err
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

func arpText(addr netip.Addr, mac string) string { return fmt.Sprintf("arp %s is-at %s", addr, mac) }

func packetText(proto vpc.Proto, src, dst netip.Addr, srcPort, dstPort uint16) string {
	if !proto.HasPorts() {
		return fmt.Sprintf("%s %s > %s", proto, src, dst)
	}
	return fmt.Sprintf("%s %s:%d > %s:%d", proto, src, srcPort, dst, dstPort)
}

// readArrival puts a delivered frame into the same form, if its checksums are
// right.
func readArrival(frame []byte) (string, error) {
	p, reason := policy.ParseFrame(frame)
	if reason != 0 {
		return "", fmt.Errorf("the frame that arrives is %s: %x", reason, frame)
	}
	if p.ARP != nil {
		return arpText(p.ARP.Sender, net.HardwareAddr(p.ARP.SenderMAC[:]).String()), nil
	}
	if err := checkSums(frame[14:], &p); err != nil {
		return "", fmt.Errorf("%w: %x", err, frame)
	}
	text := packetText(p.Proto, p.Src, p.Dst, p.SrcPort, p.DstPort)
	if q := p.ICMP.Quoted; q != nil {
		text += " about " + packetText(q.Proto, q.Src, q.Dst, q.SrcPort, q.DstPort)
	}
	return text, nil
}

// checkSums checks the checksums of an IPv4 packet: its header's, that of a
// whole datagram's transport, and that of the header which an ICMP error
// quotes.
func checkSums(b []byte, p *policy.Packet) error {
	header := int(b[0]&0xf) * 4
	if policy.Checksum(0, b[:header]) != 0 {
		return errors.New("wrong checksum of the IP header")
	}
	if p.Fragment.Later || p.Fragment.More {
		return nil
	}
	transport := b[header:binary.BigEndian.Uint16(b[2:])]
	var pseudo uint32
	switch p.Proto {
	case vpc.TCP, vpc.UDP:
		if p.Proto == vpc.UDP && transport[6] == 0 && transport[7] == 0 {
			return nil // it has none (RFC 768)
		}
		pseudo = uint32(p.Proto) + uint32(len(transport))
		for i := 12; i < 20; i += 2 {
			pseudo += uint32(binary.BigEndian.Uint16(b[i:]))
		}
	case vpc.ICMP:
	default:
		return nil
	}
	if policy.Checksum(pseudo, transport) != 0 {
		return fmt.Errorf("wrong checksum of %s", p.Proto)
	}
	if p.ICMP.Quoted != nil {
		quoted := transport[8:]
		if policy.Checksum(0, quoted[:int(quoted[0]&0xf)*4]) != 0 {
			return errors.New("wrong checksum of the IP header that is quoted")
		}
	}
	return nil
}
