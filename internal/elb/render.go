package elb

import (
	"bytes"
	"crypto/tls"
	_ "embed"
	"encoding/pem"
	"fmt"
	"maps"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"text/template"

	"ringfence/internal/vpc"
)

// A configuration is what HAProxy reads.
type configuration struct {
	text  string
	files map[string]string // certificates, by name in the directory of the text
}

func (c *configuration) equal(other *configuration) bool {
	return other != nil && c.text == other.text && maps.Equal(c.files, other.files)
}

// Limits of a node, as of Classic load balancers where these are known.
const (
	surgeQueue    = 1024     // requests that wait for an instance (CloudWatch metrics, SurgeQueueLength)
	perInstance   = 8192     // connections to one instance at a time; what is beyond waits
	maxMethod     = 127      // characters (Troubleshoot a Classic Load Balancer, HTTP 405)
	connectWait   = 10       // seconds until an instance counts as unreachable
	maxHeaders    = 64 << 10 // bytes of a request's line and headers
	reloadsToLive = 16       // configurations that a connection survives
)

//go:embed haproxy.cfg.tmpl
var templateText string

var configTemplate = template.Must(template.New("haproxy.cfg").Funcs(template.FuncMap{
	"frontend": Listener.frontend, "backend": Listener.backend, "server": Listener.server, "cookie": cookieValue,
	"bindOptions": bindOptions, "serverOptions": serverOptions, "logFormat": logFormat,
	"surgeQueue": func() int { return surgeQueue }, "perInstance": func() int { return perInstance },
	"maxMethod": func() int { return maxMethod }, "connectWait": func() int { return connectWait },
	"maxHeaders": func() int { return maxHeaders }, "reloadsToLive": func() int { return reloadsToLive },
}).Parse(templateText))

// render makes the configuration of a node that has its files in dir, while some
// instances are in service. With an error the Spec is one that nobody should
// have let through.
func (s *Spec) render(dir string, inService map[vpc.InstanceID]bool) (*configuration, error) {
	if err := s.validate(); err != nil {
		return nil, err
	}
	c := &configuration{files: make(map[string]string)}
	for _, l := range s.Listeners {
		if !l.Protocol.IsSecure() {
			continue
		}
		text, err := keyPair(l.Certificate)
		if err != nil {
			return nil, fmt.Errorf("certificate of port %d: %w", l.Port, err)
		}
		c.files[l.certificateFile()] = text
	}
	for _, l := range s.Listeners {
		if l.authenticates() {
			c.files[l.trustFile()] = strings.Join(l.PublicKeys, "\n") // see authenticate
		}
	}
	var text bytes.Buffer
	err := configTemplate.Execute(&text, struct {
		*Spec
		Dir       string
		InService map[vpc.InstanceID]bool
	}{s, dir, inService})
	c.text = text.String()
	return c, err
}

func (l Listener) certificateFile() string { return l.frontend() + ".pem" }
func (l Listener) trustFile() string       { return l.backend() + "-trusted.pem" }

// bindOptions say how a secure listener negotiates. Security level 0 lets
// OpenSSL speak TLS 1.0 and 1.1, for those policies that have them.
func bindOptions(l Listener, dir string) string {
	if !l.Protocol.IsSecure() {
		return ""
	}
	n := l.Negotiation
	options := fmt.Sprintf(" ssl crt %s ciphers %s:@SECLEVEL=0", filepath.Join(dir, l.certificateFile()), strings.Join(n.Ciphers, ":"))
	known := []string{"TLSv1", "TLSv1.1", "TLSv1.2"}
	enabled := func(p string) bool { return slices.Contains(n.Protocols, p) }
	first, last := slices.IndexFunc(known, enabled), len(known)-1
	for ; !enabled(known[last]); last-- {
	}
	options += " ssl-min-ver " + versionName(known[first]) + " ssl-max-ver " + versionName(known[last])
	if !n.ServerOrder {
		options += " prefer-client-ciphers"
	}
	return options
}

// versionName is HAProxy's name of a protocol.
func versionName(protocol string) string {
	if protocol == "TLSv1" {
		return "TLSv1.0"
	}
	return protocol
}

// serverOptions say how an instance is spoken to.
func serverOptions(l Listener, dir string) string {
	var options string
	if l.ProxyProtocol {
		options += " send-proxy"
	}
	switch {
	case !l.InstanceProtocol.IsSecure():
	case l.authenticates():
		options += " ssl verify required ca-file " + filepath.Join(dir, l.trustFile())
	default:
		options += " ssl verify none"
	}
	return options
}

var (
	validInstance = regexp.MustCompile(`^i-[0-9a-f]{1,32}$`)
	validCipher   = regexp.MustCompile(`^[A-Za-z0-9-]{1,64}$`)
)

// validate refuses what would mean something else to HAProxy than what it says
// here. Whatever comes from a client passes here, and nowhere else, on its way
// into a file.
func (s *Spec) validate() error {
	seen := make(map[uint16]bool)
	for _, l := range s.Listeners {
		if err := l.validate(); err != nil {
			return fmt.Errorf("listener on port %d: %w", l.Port, err)
		}
		if seen[l.Port] {
			return fmt.Errorf("two listeners on port %d", l.Port)
		}
		seen[l.Port] = true
	}
	known := make(map[vpc.InstanceID]bool)
	for _, t := range s.Targets {
		if !validInstance.MatchString(string(t.Instance)) || known[t.Instance] || !t.Address.Is4() {
			return fmt.Errorf("%q at %s is no target", t.Instance, t.Address)
		}
		known[t.Instance] = true
	}
	if s.IdleTimeout < 1 || s.DrainingTimeout < 0 {
		return fmt.Errorf("timeouts of %d and %d seconds cannot be", s.IdleTimeout, s.DrainingTimeout)
	}
	return nil
}

func (l Listener) validate() error {
	for _, p := range []vpc.ListenerProtocol{l.Protocol, l.InstanceProtocol} {
		if known, ok := vpc.ListenerProtocolNamed(string(p)); !ok || known != p {
			return fmt.Errorf("%q is no protocol", p)
		}
	}
	if l.Port == 0 || l.InstancePort == 0 {
		return fmt.Errorf("port 0 cannot be")
	}
	if l.Protocol.IsHTTP() != l.InstanceProtocol.IsHTTP() {
		return fmt.Errorf("%s cannot be passed on as %s", l.Protocol, l.InstanceProtocol)
	}
	if l.Cookie != nil {
		if l.Cookie.Application != "" && !vpc.IsCookieName(l.Cookie.Application) {
			return fmt.Errorf("%q is no name of a cookie", l.Cookie.Application)
		}
		if l.Cookie.Seconds < 0 {
			return fmt.Errorf("a cookie cannot expire after %d seconds", l.Cookie.Seconds)
		}
	}
	if !l.Protocol.IsSecure() {
		return nil
	}
	if missing := l.Negotiation.Unavailable(); len(missing) > 0 || len(l.Negotiation.Protocols) == 0 || len(l.Negotiation.Ciphers) == 0 {
		return fmt.Errorf("cannot negotiate %v: without %v", l.Negotiation, missing)
	}
	for _, c := range l.Negotiation.Ciphers {
		if !validCipher.MatchString(c) {
			return fmt.Errorf("%q is no cipher", c)
		}
	}
	return nil
}

// keyPair is the PEM of a certificate, its chain and its key, and of nothing
// else that may stand around them.
func keyPair(text string) (string, error) {
	if _, err := tls.X509KeyPair([]byte(text), []byte(text)); err != nil {
		return "", err
	}
	var out strings.Builder
	for rest := []byte(text); ; {
		var block *pem.Block
		if block, rest = pem.Decode(rest); block == nil {
			return out.String(), nil
		}
		block.Headers = nil
		if err := pem.Encode(&out, block); err != nil {
			return "", err
		}
	}
}
