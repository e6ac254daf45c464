package names

import (
	"net/netip"
	"strings"

	"github.com/miekg/dns"

	"ringfence/internal/vpc"
)

// A View is from where a question is asked. The zero View is outside: the
// internet, and the host.
type View struct {
	Region  vpc.Region
	Network vpc.NetworkID
}

// A Host is what answers are about: an address of an interface.
type Host struct {
	Region  vpc.Region
	Network vpc.NetworkID
	Private netip.Addr
	Public  netip.Addr // not valid when it has none
}

// A Directory knows which addresses there are now. Both functions may be called
// from several goroutines.
type Directory struct {
	// ByPublic finds the host that has a name by a public address.
	ByPublic func(public netip.Addr) (Host, bool)

	// ByPrivate finds the host that holds a private address in a network.
	ByPrivate func(in View, private netip.Addr) (Host, bool)

	// ByBalancer finds the addresses of the load balancer that has a DNS name,
	// in lower case.
	ByBalancer func(name string) (addrs []netip.Addr, ok bool)
}

// A Resolver answers DNS questions.
type Resolver struct{ Directory Directory }

// The answers' time to live is that of Amazon's resolver, in seconds (Amazon
// VPC User Guide, "DNS attributes for your VPC").
const ttl = 60

// udpSize is the largest answer that fits into one packet on every path, in
// bytes (DNS Flag Day 2020; RFC 9715 §3.1).
const udpSize = 1232

// Answer answers the message query, which came over network (udp or tcp) from
// view. It is nil when query deserves no answer: it is not a DNS message, or an
// answer itself.
func (r *Resolver) Answer(view View, network string, query []byte) []byte {
	var q dns.Msg
	if err := q.Unpack(query); err != nil {
		return malformed(query)
	}
	reply := r.reply(view, network, &q)
	if reply == nil {
		return nil
	}
	text, err := reply.Pack()
	if err != nil {
		return malformed(query)
	}
	return text
}

// malformed answers a message that cannot be read beyond its header.
func malformed(query []byte) []byte {
	const header, response = 12, 0x80 // RFC 1035 §4.1.1
	if len(query) < header || query[2]&response != 0 {
		return nil
	}
	reply := dns.Msg{MsgHdr: dns.MsgHdr{
		Id: uint16(query[0])<<8 | uint16(query[1]), Response: true, Rcode: dns.RcodeFormatError,
	}}
	text, err := reply.Pack()
	if err != nil {
		return nil
	}
	return text
}

// reply answers q, nil when q is an answer itself.
func (r *Resolver) reply(view View, network string, q *dns.Msg) *dns.Msg {
	if q.Response {
		return nil
	}
	reply := new(dns.Msg)
	reply.SetReply(q)
	reply.RecursionAvailable = true
	reply.Compress = true
	limit := dns.MinMsgSize
	if opt := q.IsEdns0(); opt != nil {
		limit = min(max(limit, int(opt.UDPSize())), udpSize)
		reply.SetEdns0(udpSize, false)
		if opt.Version() != 0 {
			reply.Rcode = dns.RcodeBadVers
			return reply
		}
	}
	switch {
	case q.Opcode != dns.OpcodeQuery:
		reply.Rcode = dns.RcodeNotImplemented
	case len(q.Question) != 1:
		reply.Rcode = dns.RcodeFormatError
	case q.Question[0].Qclass != dns.ClassINET:
		reply.Rcode = dns.RcodeRefused
	default:
		r.resolve(view, q.Question[0], reply)
	}
	if network == "tcp" {
		limit = dns.MaxMsgSize
	}
	reply.Truncate(limit)
	return reply
}

// resolve puts into reply what there is to say about question: records; none,
// and who says so, for a name without such records; or that there is no such
// name (RFC 2308).
func (r *Resolver) resolve(view View, question dns.Question, reply *dns.Msg) {
	name := dns.CanonicalName(question.Name)
	zone := zoneOf(name)
	reply.Authoritative = zone != "."
	found := r.lookup(view, name)
	header := dns.RR_Header{Name: question.Name, Class: dns.ClassINET, Ttl: ttl}
	asked := func(rrtype uint16) bool {
		header.Rrtype = rrtype
		return question.Qtype == rrtype || question.Qtype == dns.TypeANY
	}
	for _, addr := range found.addrs {
		if addr.Is4() && asked(dns.TypeA) {
			reply.Answer = append(reply.Answer, &dns.A{Hdr: header, A: addr.AsSlice()})
		}
		if addr.Is6() && asked(dns.TypeAAAA) {
			reply.Answer = append(reply.Answer, &dns.AAAA{Hdr: header, AAAA: addr.AsSlice()})
		}
	}
	switch {
	case len(reply.Answer) > 0:
	case found.pointer != "" && asked(dns.TypePTR):
		reply.Answer = append(reply.Answer, &dns.PTR{Hdr: header, Ptr: dns.Fqdn(found.pointer)})
	case name == zone && zone != "." && asked(dns.TypeSOA):
		reply.Answer = append(reply.Answer, soa(zone))
	default:
		if !found.exists {
			reply.Rcode = dns.RcodeNameError
		}
		reply.Ns = append(reply.Ns, soa(zone))
	}
}

// soa says who has said that there is nothing, and for how long that holds
// (RFC 2308 §5).
func soa(zone string) dns.RR {
	host := strings.TrimPrefix(zone, ".") // the root's is "ns."
	return &dns.SOA{
		Hdr:     dns.RR_Header{Name: zone, Rrtype: dns.TypeSOA, Class: dns.ClassINET, Ttl: ttl},
		Ns:      "ns." + host,
		Mbox:    "hostmaster." + host,
		Serial:  1, // there are no secondaries to compare it
		Refresh: 3600,
		Retry:   900,
		Expire:  86400,
		Minttl:  ttl,
	}
}
