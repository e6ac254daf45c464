package api_test

import (
	"bytes"
	"encoding/xml"
	"errors"
	"flag"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"ringfence/internal/awsquery"
	"ringfence/internal/vpc"
)

var rewrite = flag.Bool("rewrite", false, "rewrite the answers in testdata/*.txt")

// TestScripts plays testdata/*.txt. A script is a dialogue:
//
//	# prose
//	CreateSecurityGroup GroupName=web 'GroupDescription=My web server group'
//	----
//	the answer, indented; or an error's status, code and message
//
// Ids are told as sg-1, sg-2 … in the order in which they appear, and are
// understood in that form. These commands change who calls and how:
//
//	as 999988887777        an account: 123456789012 has a default VPC, all others
//	                       have EC2-Classic; at first 111122223333
//	region eu-west-1       at first us-east-1
//	version 2012-05-01     at first 2016-11-15
//	service sts            at first ec2
//	boot                   an agent reports all pending instances as running
//	report i-1 stopped     an agent reports an instance
//	health web i-1 failed  all nodes of a load balancer report an instance
//	certificate shop       a server certificate is uploaded
//
// -rewrite writes the answers that came; commit them only if you understand
// each.
func TestScripts(t *testing.T) {
	scripts, err := filepath.Glob("testdata/*.txt")
	if err != nil || len(scripts) == 0 {
		t.Fatalf("scripts: %v, %v", scripts, err)
	}
	for _, file := range scripts {
		t.Run(strings.TrimSuffix(filepath.Base(file), ".txt"), func(t *testing.T) { playScript(t, file) })
	}
}

func playScript(t *testing.T, file string) {
	want, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	w := fresh(t)
	p := &player{t: t, caller: w.caller(t, albert), names: map[string]string{}, ids: map[string]string{}, count: map[string]int{}}
	var got strings.Builder
	for chunk := range strings.SplitSeq(strings.TrimRight(string(want), "\n"), "\n\n") {
		got.WriteString(p.play(chunk))
		got.WriteString("\n\n")
	}
	answered := strings.TrimRight(got.String(), "\n") + "\n"
	if *rewrite {
		if err := os.WriteFile(file, []byte(answered), 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	if diff := cmp.Diff(string(want), answered); diff != "" {
		t.Errorf("%s (-want +got):\n%s", file, diff)
	}
}

// A player plays one script.
type player struct {
	t      *testing.T
	caller *caller
	names  map[string]string // id → sg-1
	ids    map[string]string // sg-1 → id
	count  map[string]int    // of each prefix
}

// play plays a paragraph and returns it with the answer that came.
func (p *player) play(paragraph string) string {
	var out strings.Builder
	for line := range strings.SplitSeq(paragraph, "\n") {
		if line == "----" {
			break
		}
		out.WriteString(line + "\n")
		if line == "" || strings.HasPrefix(line, "#") {
			continue
		}
		words := split(line)
		for i := range words {
			words[i] = shortName.ReplaceAllStringFunc(words[i], func(name string) string {
				if id, ok := p.ids[name]; ok {
					return id
				}
				return name
			})
		}
		if answer := p.do(words[0], words[1:]); answer != "" {
			out.WriteString("----\n" + answer + "\n")
		}
	}
	return strings.TrimRight(out.String(), "\n")
}

func (p *player) do(command string, args []string) string {
	c := p.caller
	switch command {
	case "as":
		p.caller = c.world.caller(p.t, vpc.AccountID(args[0]))
		p.caller.region, p.caller.version, p.caller.service = c.region, c.version, c.service
	case "region":
		c.region = args[0]
	case "version":
		c.version = args[0]
	case "service":
		c.service = awsquery.Service(args[0])
	case "boot":
		p.boot()
	case "report":
		p.report(vpc.InstanceID(args[0]), args[1])
	case "health":
		p.health(args[0], vpc.InstanceID(args[1]), vpc.HealthState(args[2]))
	case "certificate":
		pair := newKeyPair(p.t, args[0])
		iam := *c
		iam.service, iam.version = awsquery.IAM, "2010-05-08"
		iam.ok("UploadServerCertificate", "ServerCertificateName="+args[0], "CertificateBody="+pair.body, "PrivateKey="+pair.key)
	default:
		status, body := c.call(command, args...)
		return p.tell(status, body)
	}
	return ""
}

func (p *player) boot() {
	v, err := p.caller.world.store.View(p.t.Context())
	if err != nil {
		p.t.Fatal(err)
	}
	for _, i := range v.EveryInstance() {
		if i.State == vpc.Pending {
			p.report(i.ID, "running")
		}
	}
}

func (p *player) report(id vpc.InstanceID, state string) {
	states := map[string]vpc.InstanceState{"running": vpc.Running, "stopped": vpc.Stopped, "terminated": vpc.Terminated}
	v, err := p.caller.world.store.View(p.t.Context())
	if err != nil {
		p.t.Fatal(err)
	}
	i := v.Instance(id)
	if i == nil {
		p.t.Fatalf("report: no instance %s", id)
	}
	report := &vpc.Report{Host: "host", Instance: id, Generation: i.Generation, State: states[state]}
	if err := p.caller.world.server.Report(p.t.Context(), report); err != nil {
		p.t.Fatal(err)
	}
}

// health lets all nodes of a load balancer find an instance in a state.
func (p *player) health(name string, id vpc.InstanceID, state vpc.HealthState) {
	c := p.caller
	lb := view(p.t, c.world).LoadBalancerNamed(vpc.Region(c.region), c.account, name)
	if lb == nil {
		p.t.Fatalf("health: no load balancer %s", name)
	}
	report := &vpc.Report{Host: "host"}
	for _, n := range lb.Nodes {
		report.Health = append(report.Health, vpc.InstanceHealth{LoadBalancer: lb.ID, Node: n.Interface, Instance: id, State: state})
	}
	if err := c.world.server.Report(p.t.Context(), report); err != nil {
		p.t.Fatal(err)
	}
}

// tell is an answer as a script has it.
func (p *player) tell(status int, body string) string {
	if status != http.StatusOK {
		err := awsquery.DecodeError(status, []byte(body))
		fault, ok := errors.AsType[*vpc.Error](err)
		if !ok {
			return err.Error()
		}
		return p.hide(fmt.Sprintf("%d %s: %s", status, fault.Code, fault.Message))
	}
	return p.hide(indent(p.t, body))
}

var (
	longName  = regexp.MustCompile(`\b[a-z]+(?:-[a-z]+)*-(?:[0-9a-f]{17}|[0-9a-f]{8})\b`)
	shortName = regexp.MustCompile(`\b[a-z]+(?:-[a-z]+)*-[0-9]{1,3}\b`)
	givenID   = regexp.MustCompile(`^(a[mkr]i-.*|[a-z-]+-(0{7}.*|12345678)|sg-843f59ed|sg-5a9c116a)$`) // nothing in a script makes them
	clockTime = regexp.MustCompile(`\b20[0-9]{2}-[01][0-9]-[0-3][0-9][T ][0-9:.]{8,12}(Z| UTC)`)
	dnsNumber = regexp.MustCompile(`-[0-9]{10}\.`) // of a load balancer
	requestID = regexp.MustCompile(`(?i)\n *<requestId>[^<]*</requestId>`)
)

// hide replaces what differs from run to run. Ids that the service is known
// for stay.
func (p *player) hide(s string) string {
	s = requestID.ReplaceAllString(s, "")
	s = clockTime.ReplaceAllString(s, "TIME")
	s = dnsNumber.ReplaceAllString(s, "-NUMBER.")
	return longName.ReplaceAllStringFunc(s, func(id string) string {
		if givenID.MatchString(id) {
			return id
		}
		if name, ok := p.names[id]; ok {
			return name
		}
		prefix := id[:strings.LastIndexByte(id, '-')]
		p.count[prefix]++
		name := fmt.Sprintf("%s-%d", prefix, p.count[prefix])
		p.names[id], p.ids[name] = name, id
		return name
	})
}

// split cuts a line into words; 'quotes' and "quotes" keep what is between
// them together.
func split(line string) []string {
	var words []string
	var word strings.Builder
	var quote rune // 0 outside quotes
	any := false
	for _, c := range line {
		switch {
		case quote != 0 && c == quote:
			quote = 0
		case quote == 0 && (c == '\'' || c == '"'):
			quote, any = c, true
		case c == ' ' && quote == 0:
			if any {
				words = append(words, word.String())
			}
			word.Reset()
			any = false
		default:
			word.WriteRune(c)
			any = true
		}
	}
	if any {
		words = append(words, word.String())
	}
	return words
}

// indent prints XML with one element a line.
func indent(t *testing.T, body string) string {
	t.Helper()
	d := xml.NewDecoder(strings.NewReader(body))
	var out bytes.Buffer
	depth, text, open := 0, "", false
	line := func(format string, args ...any) {
		fmt.Fprintf(&out, "\n%s"+format, append([]any{strings.Repeat("  ", depth)}, args...)...)
	}
	for {
		token, err := d.RawToken()
		if errors.Is(err, io.EOF) {
			return strings.TrimLeft(out.String(), "\n")
		}
		if err != nil {
			t.Fatalf("answer is no XML: %v\n%s", err, body)
		}
		switch e := token.(type) {
		case xml.StartElement:
			attrs := ""
			for _, a := range e.Attr {
				attrs += fmt.Sprintf(" %s=%q", a.Name.Local, a.Value)
			}
			line("<%s%s>", e.Name.Local, attrs)
			depth++
			text, open = "", true
		case xml.CharData:
			text += string(e)
		case xml.EndElement:
			depth--
			switch {
			case open && text == "":
				out.Truncate(out.Len() - 1)
				out.WriteString("/>")
			case open:
				fmt.Fprintf(&out, "%s</%s>", text, e.Name.Local)
			default:
				line("</%s>", e.Name.Local)
			}
			open = false
		}
	}
}
