package names

import (
	"context"
	"log/slog"
	"net/netip"
	"strings"
	"testing"

	"github.com/miekg/dns"
	"pgregory.net/rapid"

	"ringfence/internal/vpc"
)

// Two hosts of a region's EC2-Classic, one of another region, and one of a VPC
// with an address that Classic has too.
var hosts = []Host{
	{Region: "us-east-1", Network: vpc.ClassicNetwork, Private: ip("10.254.1.2"), Public: ip("203.0.113.12")},
	{Region: "us-east-1", Network: vpc.ClassicNetwork, Private: ip("10.254.1.3")},
	{Region: "eu-west-1", Network: vpc.ClassicNetwork, Private: ip("10.254.1.2"), Public: ip("203.0.113.13")},
	{Region: "us-east-1", Network: "vpc-1", Private: ip("10.254.1.2"), Public: ip("203.0.113.14")},
}

var (
	outside = View{}
	classic = View{"us-east-1", vpc.ClassicNetwork}
	ireland = View{"eu-west-1", vpc.ClassicNetwork}
	virtual = View{"us-east-1", "vpc-1"}
)

func ip(s string) netip.Addr { return netip.MustParseAddr(s) }

func newResolver() *Resolver {
	return &Resolver{Directory{
		ByPublic: func(a netip.Addr) (Host, bool) {
			for _, h := range hosts {
				if h.Public == a {
					return h, true
				}
			}
			return Host{}, false
		},
		ByPrivate: func(in View, a netip.Addr) (Host, bool) {
			for _, h := range hosts {
				if in == (View{h.Region, h.Network}) && h.Private == a {
					return h, true
				}
			}
			return Host{}, false
		},
		ByBalancer: func(name string) ([]netip.Addr, bool) {
			return []netip.Addr{ip("203.0.113.14"), ip("203.0.113.15")}, name == "front-1234567890.us-east-1.elb.amazonaws.com"
		},
	}}
}

// ask asks "NAME TYPE" over UDP and returns the answer in one line: the code,
// then the values of the answers, or who says that there are none.
func ask(t *testing.T, view View, question string) string {
	t.Helper()
	name, rrtype, _ := strings.Cut(question, " ")
	q := new(dns.Msg).SetQuestion(dns.Fqdn(name), dns.StringToType[rrtype])
	return summary(t, exchange(t, view, "udp", q))
}

func exchange(t *testing.T, view View, network string, q *dns.Msg) *dns.Msg {
	t.Helper()
	text, err := q.Pack()
	if err != nil {
		t.Fatal(err)
	}
	var reply dns.Msg
	if err := reply.Unpack(newResolver().Answer(view, network, text)); err != nil {
		t.Fatal(err)
	}
	if reply.Id != q.Id || !reply.Response {
		t.Fatalf("answer does not belong to the question: %v", &reply)
	}
	return &reply
}

func summary(t *testing.T, reply *dns.Msg) string {
	t.Helper()
	parts := []string{dns.RcodeToString[reply.Rcode]}
	for _, rr := range reply.Answer {
		if rr.Header().Ttl != 60 {
			t.Errorf("TTL of %v is not 60", rr)
		}
		parts = append(parts, strings.TrimPrefix(rr.String(), rr.Header().String()))
	}
	for _, rr := range reply.Ns {
		parts = append(parts, "says", rr.Header().Name)
	}
	return strings.Join(parts, " ")
}

func TestAnswers(t *testing.T) {
	tests := []struct {
		view     View
		question string
		want     string
	}{
		// A public name means the private address to neighbours only.
		{outside, "ec2-203-0-113-12.compute-1.amazonaws.com A", "NOERROR 203.0.113.12"},
		{classic, "ec2-203-0-113-12.compute-1.amazonaws.com A", "NOERROR 10.254.1.2"},
		{virtual, "ec2-203-0-113-12.compute-1.amazonaws.com A", "NOERROR 203.0.113.12"},
		{ireland, "ec2-203-0-113-12.compute-1.amazonaws.com A", "NOERROR 203.0.113.12"},
		{virtual, "ec2-203-0-113-14.compute-1.amazonaws.com A", "NOERROR 10.254.1.2"},
		{ireland, "ec2-203-0-113-13.eu-west-1.compute.amazonaws.com A", "NOERROR 10.254.1.2"},
		{classic, "ec2-203-0-113-13.eu-west-1.compute.amazonaws.com A", "NOERROR 203.0.113.13"},

		// Case does not matter.
		{classic, "EC2-203-0-113-12.Compute-1.AmazonAWS.com A", "NOERROR 10.254.1.2"},

		// Names have a region, and it is the right one.
		{outside, "ec2-203-0-113-13.compute-1.amazonaws.com A", "NXDOMAIN says compute-1.amazonaws.com."},
		{outside, "ec2-203-0-113-12.us-east-1.compute.amazonaws.com A", "NXDOMAIN says compute.amazonaws.com."},
		{outside, "ec2-203-0-113-12.eu-west-1.compute.amazonaws.com A", "NXDOMAIN says compute.amazonaws.com."},

		// Addresses that nobody holds have no names.
		{outside, "ec2-203-0-113-99.compute-1.amazonaws.com A", "NXDOMAIN says compute-1.amazonaws.com."},
		{outside, "ec2-203-0-113-012.compute-1.amazonaws.com A", "NXDOMAIN says compute-1.amazonaws.com."},
		{outside, "x.ec2-203-0-113-12.compute-1.amazonaws.com A", "NXDOMAIN says compute-1.amazonaws.com."},

		// Private names are known inside their network.
		{classic, "ip-10-254-1-3.ec2.internal A", "NOERROR 10.254.1.3"},
		{ireland, "ip-10-254-1-2.eu-west-1.compute.internal A", "NOERROR 10.254.1.2"},
		{outside, "ip-10-254-1-3.ec2.internal A", "NXDOMAIN says ec2.internal."},
		{virtual, "ip-10-254-1-3.ec2.internal A", "NXDOMAIN says ec2.internal."},
		{classic, "ip-10-254-1-2.eu-west-1.compute.internal A", "NXDOMAIN says compute.internal."},
		{classic, "ip-10-254-1-9.ec2.internal A", "NXDOMAIN says ec2.internal."},

		{classic, "instance-data.ec2.internal A", "NOERROR 169.254.169.254"},
		{outside, "instance-data.ec2.internal A", "NXDOMAIN says ec2.internal."},

		{classic, "localhost A", "NOERROR 127.0.0.1"},
		{outside, "localhost AAAA", "NOERROR ::1"},
		{classic, "Any.LocalHost A", "NOERROR 127.0.0.1"},
		{classic, "localhost MX", "NOERROR says ."},

		// Names that exist without such a record: no error, and no record.
		{classic, "ip-10-254-1-3.ec2.internal AAAA", "NOERROR says ec2.internal."},
		{outside, "ec2-203-0-113-12.compute-1.amazonaws.com AAAA", "NOERROR says compute-1.amazonaws.com."},
		{outside, "ec2-203-0-113-12.compute-1.amazonaws.com MX", "NOERROR says compute-1.amazonaws.com."},
		{outside, "eu-west-1.compute.amazonaws.com A", "NOERROR says compute.amazonaws.com."},
		{outside, "compute-1.amazonaws.com A", "NOERROR says compute-1.amazonaws.com."},

		// Addresses have names.
		{classic, "2.1.254.10.in-addr.arpa PTR", "NOERROR ip-10-254-1-2.ec2.internal."},
		{ireland, "2.1.254.10.in-addr.arpa PTR", "NOERROR ip-10-254-1-2.eu-west-1.compute.internal."},
		{outside, "2.1.254.10.in-addr.arpa PTR", "NXDOMAIN says in-addr.arpa."},
		{outside, "12.113.0.203.in-addr.arpa PTR", "NOERROR ec2-203-0-113-12.compute-1.amazonaws.com."},
		{classic, "12.113.0.203.in-addr.arpa PTR", "NOERROR ec2-203-0-113-12.compute-1.amazonaws.com."},
		{outside, "13.113.0.203.in-addr.arpa PTR", "NOERROR ec2-203-0-113-13.eu-west-1.compute.amazonaws.com."},
		{outside, "113.0.203.in-addr.arpa PTR", "NXDOMAIN says in-addr.arpa."},

		// Nobody else's names are known.
		{classic, "example.com A", "NXDOMAIN says ."},
		{classic, ". NS", "NOERROR says ."},
	}
	for _, tt := range tests {
		if got := ask(t, tt.view, tt.question); got != tt.want {
			t.Errorf("%v %s\n got %s\nwant %s", tt.view, tt.question, got, tt.want)
		}
	}
}

func TestUnusualQuestions(t *testing.T) {
	const name = "ec2-203-0-113-12.compute-1.amazonaws.com."
	question := func(change func(*dns.Msg)) *dns.Msg {
		q := new(dns.Msg).SetQuestion(name, dns.TypeA)
		change(q)
		return q
	}
	tests := []struct {
		what string
		q    *dns.Msg
		want string
	}{
		{"EDNS", question(func(q *dns.Msg) { q.SetEdns0(4096, true) }), "NOERROR 203.0.113.12"},
		{"EDNS of a later version", question(func(q *dns.Msg) { q.SetEdns0(4096, false); q.IsEdns0().SetVersion(1) }), "BADVERS"},
		{"any type", question(func(q *dns.Msg) { q.Question[0].Qtype = dns.TypeANY }), "NOERROR 203.0.113.12"},
		{"another class", question(func(q *dns.Msg) { q.Question[0].Qclass = dns.ClassCHAOS }), "REFUSED"},
		{"another operation", question(func(q *dns.Msg) { q.Opcode = dns.OpcodeUpdate }), "NOTIMP"},
		{"no question", question(func(q *dns.Msg) { q.Question = nil }), "FORMERR"},
		{"two questions", question(func(q *dns.Msg) { q.Question = append(q.Question, q.Question[0]) }), "FORMERR"},
	}
	for _, tt := range tests {
		got := summary(t, exchange(t, outside, "udp", tt.q))
		if got == "BADSIG" { // another name of code 16
			got = "BADVERS"
		}
		if got != tt.want {
			t.Errorf("%s: got %s, want %s", tt.what, got, tt.want)
		}
	}
}

func TestAnswerToNoQuestion(t *testing.T) {
	answer := new(dns.Msg).SetQuestion("example.com.", dns.TypeA)
	answer.Response = true
	text, err := answer.Pack()
	if err != nil {
		t.Fatal(err)
	}
	for _, query := range [][]byte{nil, []byte("hello"), text} {
		if got := newResolver().Answer(outside, "udp", query); got != nil {
			t.Errorf("%q was answered with %q", query, got)
		}
	}
}

// Whatever comes in, what goes out is nothing or a message with the same id
// that fits into what the network takes.
func TestAnyInput(t *testing.T) {
	r := newResolver()
	rapid.Check(t, func(t *rapid.T) {
		query := rapid.SliceOfN(rapid.Byte(), 0, 64).Draw(t, "query")
		if rapid.Bool().Draw(t, "damaged question") {
			text, err := new(dns.Msg).SetQuestion("2.1.254.10.in-addr.arpa.", dns.TypePTR).Pack()
			if err != nil {
				t.Fatal(err)
			}
			for range rapid.IntRange(0, 3).Draw(t, "damages") {
				text[rapid.IntRange(0, len(text)-1).Draw(t, "at")] = rapid.Byte().Draw(t, "byte")
			}
			query = text[:rapid.IntRange(0, len(text)).Draw(t, "length")]
		}
		answer := r.Answer(classic, "udp", query)
		if answer == nil {
			return
		}
		var reply dns.Msg
		if err := reply.Unpack(answer); err != nil {
			t.Fatalf("answer cannot be read: %v", err)
		}
		if reply.Id != uint16(query[0])<<8|uint16(query[1]) || len(answer) > udpSize {
			t.Fatalf("wrong answer %v", &reply)
		}
	})
}

func TestServer(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	s, err := Listen(ctx, "127.0.0.1:0", newResolver(), slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	ended := make(chan error)
	go func() { ended <- s.Run(ctx) }()
	for _, network := range []string{"udp", "tcp"} {
		client := dns.Client{Net: network}
		q := new(dns.Msg).SetQuestion("ec2-203-0-113-12.compute-1.amazonaws.com.", dns.TypeA)
		reply, _, err := client.ExchangeContext(ctx, q, s.Addr().String())
		if err != nil {
			t.Fatal(err)
		}
		if got := summary(t, reply); got != "NOERROR 203.0.113.12" {
			t.Errorf("%s: got %s", network, got)
		}
	}
	cancel()
	if err := <-ended; err != nil {
		t.Error(err)
	}
}

func TestLookup(t *testing.T) {
	r := newResolver()
	for _, c := range []struct {
		view View
		name string
		want string // "" for none
	}{
		{outside, "ec2-203-0-113-12.compute-1.amazonaws.com", "203.0.113.12"},
		{classic, "ec2-203-0-113-12.compute-1.amazonaws.com", "10.254.1.2"},
		{classic, "EC2-203-0-113-12.Compute-1.AmazonAWS.com.", "10.254.1.2"},
		{classic, "ip-10-254-1-3.ec2.internal", "10.254.1.3"},
		{outside, "ip-10-254-1-3.ec2.internal", ""},
		{outside, "compute-1.amazonaws.com", ""},
		{outside, "example.com", ""},
		{outside, "i-12345678", ""},
		{outside, "203.0.113.12", ""},
		{outside, "", ""},
	} {
		addr, ok := r.Lookup(c.view, c.name)
		if ok != (c.want != "") || ok && addr.String() != c.want {
			t.Errorf("as %v sees it, %q has %v, %v, want %q", c.view, c.name, addr, ok, c.want)
		}
	}
}

func TestNamesOfLoadBalancers(t *testing.T) {
	for question, want := range map[string]int{
		"front-1234567890.us-east-1.elb.amazonaws.com A":             2,
		"Front-1234567890.US-EAST-1.elb.amazonaws.com A":             2,
		"dualstack.front-1234567890.us-east-1.elb.amazonaws.com A":   2,
		"front-1234567890.us-east-1.elb.amazonaws.com AAAA":          0,
		"ipv6.front-1234567890.us-east-1.elb.amazonaws.com A":        0,
		"us-east-1.elb.amazonaws.com A":                              0,
		"dualstack.another-1234567890.us-east-1.elb.amazonaws.com A": -1,
	} {
		name, rrtype, _ := strings.Cut(question, " ")
		reply := exchange(t, outside, "udp", new(dns.Msg).SetQuestion(dns.Fqdn(name), dns.StringToType[rrtype]))
		if len(reply.Answer) != max(0, want) || (reply.Rcode == dns.RcodeNameError) != (want < 0) {
			t.Errorf("%s: %v", question, reply)
		}
	}
}
