package elb

import (
	"crypto/rand"
	"encoding/json"
	"fmt"
	"net/netip"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"
)

// logFormat is HAProxy's line for one request or connection: JSON, which entry
// reads. Strings that a client chose are escaped by the json converter.
func logFormat(l Listener) string {
	format := `{"at":%Ts,"ms":"%ms","client":"%ci:%cp","server":"%si:%sp","waited":%Tw,"connect":%Tc,` +
		`"received":%U,"sent":%B,"cipher":"%sslc","version":"%sslv"`
	if l.Protocol.IsHTTP() {
		format += `,"respond":%Tr,"total":%Ta,"status":%ST,"backend":"%[var(txn.status)]","http":"%HV",` +
			`"method":"%[var(txn.method),json]","url":"%[var(txn.url),json]","host":"%[var(txn.host),json]","agent":"%[var(txn.agent),json]"`
	}
	return "'" + format + fmt.Sprintf(`,"scheme":%q,"port":%d}'`, strings.ToLower(string(l.Protocol)), l.Port)
}

// An entry is one line of HAProxy's log. Times are milliseconds, −1 for what has
// not come to pass.
type entry struct {
	At                                      int64  // seconds since 1970, when the connection was accepted
	MS                                      string // and milliseconds
	Client, Server                          string
	Waited, Connect, Respond, Total         int64
	Status                                  int
	Received, Sent                          int64
	Cipher, Version                         string
	Backend, Method, URL, HTTP, Host, Agent string // of HTTP
	Scheme                                  string
	Port                                    uint16
}

// line is the entry as Classic load balancers write it (User Guide for Classic
// Load Balancers, "Access log entries").
func (e *entry) line(name string) string {
	at := time.Unix(e.At, 0).UTC().Format("2006-01-02T15:04:05.") + e.MS + "000Z"
	backend, request, process, response := e.Server, e.Waited+e.Connect, e.Respond, max(0, e.Total-e.Waited-e.Connect-e.Respond)
	if addr, err := netip.ParseAddrPort(e.Server); err != nil || addr.Port() == 0 || e.Connect < 0 {
		backend, request, process, response = "-", -1, -1, -1
	} else if e.HTTP != "" && e.Respond < 0 {
		process, response = -1, -1
	}
	fields := []string{at, name, e.Client, backend, seconds(request), seconds(process), seconds(response)}
	if e.HTTP == "" {
		fields = append(fields, "-", "-")
	} else {
		fields = append(fields, strconv.Itoa(e.Status), orDash(e.Backend, "0"))
	}
	fields = append(fields, strconv.FormatInt(e.Received, 10), strconv.FormatInt(e.Sent, 10), quote(e.request()), quote(orDash(e.Agent)),
		orDash(e.Cipher), orDash(e.Version))
	return strings.Join(fields, " ") + "\n"
}

// request is the request line with a whole URL.
func (e *entry) request() string {
	if e.HTTP == "" {
		return "- - - "
	}
	host, _, _ := strings.Cut(e.Host, ":")
	return fmt.Sprintf("%s %s://%s:%d%s %s", e.Method, e.Scheme, host, e.Port, e.URL, e.HTTP)
}

func seconds(ms int64) string {
	if ms < 0 {
		return "-1"
	}
	return strconv.FormatFloat(float64(ms)/1000, 'f', 6, 64)
}

// orDash is s, or - for nothing and what stands for it.
func orDash(s string, nothing ...string) string {
	for _, n := range append(nothing, "") {
		if s == n {
			return "-"
		}
	}
	return s
}

// quote puts a string in quotes. What would end it, or the line, is escaped.
func quote(s string) string {
	var b strings.Builder
	for _, r := range s {
		switch {
		case r == '"' || r == '\\':
			b.WriteByte('\\')
			b.WriteRune(r)
		case r < 0x20 || r == 0x7f:
			fmt.Fprintf(&b, `\x%02x`, r)
		default:
			b.WriteRune(r)
		}
	}
	return `"` + b.String() + `"`
}

// An accessLog collects a node's log lines and publishes them in a file for each
// interval, in a directory that stands for the bucket.
type accessLog struct {
	root string // has the buckets
	now  func() time.Time

	spec  *Spec
	file  *os.File // of the interval that ends at end; nil when nothing was written in it
	end   time.Time
	final string // what file becomes
}

// write writes HAProxy's line for a request.
func (a *accessLog) write(line []byte) error {
	var e entry
	if err := json.Unmarshal(line, &e); err != nil {
		return fmt.Errorf("read log line: %w", err)
	}
	if err := a.turn(); err != nil {
		return err
	}
	if a.file == nil {
		if err := a.open(); err != nil {
			return err
		}
	}
	_, err := a.file.WriteString(e.line(a.spec.Name))
	return err
}

// turn publishes the file of an interval that is over.
func (a *accessLog) turn() error {
	if a.file == nil || a.now().Before(a.end) {
		return nil
	}
	return a.publish()
}

// publish gives the file its name, by which whoever reads the bucket finds it.
func (a *accessLog) publish() error {
	if a.file == nil {
		return nil
	}
	name := a.file.Name()
	err := a.file.Close()
	a.file = nil
	if err != nil {
		return err
	}
	return os.Rename(name, a.final)
}

// open begins the file of this interval (User Guide for Classic Load Balancers,
// "Access log files").
func (a *accessLog) open() error {
	log := a.spec.AccessLog
	interval := time.Duration(log.EmitInterval) * time.Minute
	a.end = a.now().UTC().Truncate(interval).Add(interval)
	dir := filepath.Join(a.root, filepath.Clean("/"+log.Bucket), filepath.Clean("/"+log.Prefix), "AWSLogs", string(a.spec.Account),
		"elasticloadbalancing", string(a.spec.Region), a.end.Format("2006/01/02"))
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return err
	}
	a.final = filepath.Join(dir, fmt.Sprintf("%s_elasticloadbalancing_%s_%s_%s_%s_%s.log", a.spec.Account, a.spec.Region, a.spec.Name,
		a.end.Format("20060102T1504Z"), a.spec.Address, strings.ToLower(rand.Text()[:8])))
	var err error
	a.file, err = os.OpenFile(a.final+".part", os.O_CREATE|os.O_WRONLY|os.O_APPEND, 0o644)
	return err
}

// follow makes spec the one whose requests come from now on.
func (a *accessLog) follow(spec *Spec) error {
	var err error
	if a.spec != nil && (a.spec.AccessLog != spec.AccessLog) {
		err = a.publish()
	}
	a.spec = spec
	return err
}
