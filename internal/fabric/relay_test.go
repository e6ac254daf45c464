package fabric

import (
	"context"
	"fmt"
	"net/http"
	"testing"

	"golang.org/x/net/dns/dnsmessage"

	"ringfence/internal/fabric/initproto"
)

// answerAll answers every DNS question with one address and every request for
// metadata with its path.
func answerAll(address [4]byte) Handlers {
	return Handlers{
		Metadata: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			fmt.Fprintf(w, "%s %s", r.Host, r.URL.Path)
		}),
		DNS: func(_ context.Context, network string, query []byte) []byte {
			var m dnsmessage.Message
			if err := m.Unpack(query); err != nil {
				return nil
			}
			m.Response, m.Authoritative, m.Additionals = true, true, nil
			for _, q := range m.Questions {
				if q.Type == dnsmessage.TypeA {
					m.Answers = append(m.Answers, dnsmessage.Resource{
						Header: dnsmessage.ResourceHeader{Name: q.Name, Class: q.Class, TTL: 60},
						Body:   &dnsmessage.AResource{A: address},
					})
				}
			}
			text, err := m.Pack()
			if err != nil {
				return nil
			}
			return text
		},
	}
}

// serve answers a machine's questions until stop is called.
func serve(t testing.TB, f *Fabric, id string, h Handlers) (stop func()) {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() { ended <- f.ServeMachine(ctx, id, h) }()
	// The last socket that ServeMachine opens says that it serves.
	for {
		c, err := initproto.Dial(ctx, initproto.RunDir(f.dataDir, id)+"/"+initproto.MetadataSocket)
		if err == nil {
			c.Close()
			break
		}
		select {
		case err := <-ended:
			t.Fatal(err)
		default:
		}
	}
	return func() {
		cancel()
		if err := <-ended; err != nil {
			t.Error(err)
		}
	}
}

func TestMachinesAskTheAgent(t *testing.T) {
	f := open(t)
	m, other := instance(0x102), instance(0x103)
	other.ID = "i-a-name-that-is-so-long-that-no-socket-address-could-hold-a-path-in-its-directory-and-that-must-not-matter"
	boot(t, f, m)
	boot(t, f, other)

	const (
		name     = "getent ahostsv4 some.name | awk 'NR==1 {print $1}'"
		overTCP  = "RES_OPTIONS='use-vc attempts:1' " + name
		metadata = "curl -s -w ' %{http_code}' http://169.254.169.254/latest/meta-data/"
		none     = "instance metadata is not available now\n 503"
	)
	check := func(when, id, script, want string) {
		t.Helper()
		if got, _ := run(t, f, id, script); got != want {
			t.Errorf("%s, %s\n%s\n got %q\nwant %q", when, id, script, got, want)
		}
	}
	check("without an agent", m.ID, name, "")
	check("without an agent", m.ID, metadata, none)

	stop := serve(t, f, m.ID, answerAll([4]byte{192, 0, 2, 1}))
	stopOther := serve(t, f, other.ID, answerAll([4]byte{192, 0, 2, 2}))
	for range 2 {
		check("with an agent", m.ID, name, "192.0.2.1")
		check("with an agent", m.ID, overTCP, "192.0.2.1")
		check("with an agent", m.ID, metadata, "169.254.169.254 /latest/meta-data/ 200")
		check("with an agent", other.ID, name, "192.0.2.2")

		stop()
		check("after the agent", m.ID, name, "")
		check("after the agent", m.ID, metadata, none)
		stop = serve(t, f, m.ID, answerAll([4]byte{192, 0, 2, 1}))
	}
	stop()
	stopOther()
}

// Nobody answers at the address of clocks, and nobody refuses.
func TestClocksAreSilent(t *testing.T) {
	f := open(t)
	m := instance(0x102)
	boot(t, f, m)
	const ask = `python3 -c '
import socket
s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
s.connect(("169.254.169.123", 123))
s.send(bytes(48))
s.send(bytes(48))  # raises what the first has met
print("silence")
'`
	if got := mustRun(t, f, m.ID, ask); got != "silence" {
		t.Errorf("got %s", got)
	}
	const serve = `python3 -c '
import socket
s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
s.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
s.bind(("", 123))
print("listens")
'`
	if got := mustRun(t, f, m.ID, serve); got != "listens" {
		t.Errorf("an own clock says %q", got)
	}
}

// The ports of metadata and DNS are free for an instance's own programs.
func TestPortsOfTheInitAreFree(t *testing.T) {
	f := open(t)
	m := instance(0x102) // its HTTP service listens on every address at port 80
	boot(t, f, m)
	defer serve(t, f, m.ID, answerAll([4]byte{192, 0, 2, 1}))()
	if got, want := mustRun(t, f, m.ID, "curl -s http://169.254.169.254/x"), "169.254.169.254 /x"; got != want {
		t.Errorf("metadata says %q, want %q", got, want)
	}
	if got, want := mustRun(t, f, m.ID, "curl -s http://127.0.0.1/ | head -1"), "instance "+m.ID; got != want {
		t.Errorf("port 80 says %q, want %q", got, want)
	}
	listen := `python3 -c "import socket; s = socket.socket(); s.bind(('', 53)); s.listen(); print('listens')"`
	if got := mustRun(t, f, m.ID, listen); got != "listens" {
		t.Errorf("an own server on TCP port 53 says %q", got)
	}
}
