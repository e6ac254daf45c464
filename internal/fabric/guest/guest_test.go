package guest

import (
	"errors"
	"io/fs"
	"net/netip"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"golang.org/x/net/dns/dnsmessage"

	"ringfence/internal/fabric/initproto"
)

func TestLookPath(t *testing.T) {
	dir := t.TempDir()
	for name, mode := range map[string]os.FileMode{"bin/tool": 0o755, "sbin/tool": 0o755, "sbin/text": 0o644, "here": 0o755} {
		path := filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, nil, mode); err != nil {
			t.Fatal(err)
		}
	}
	env := []string{"HOME=/", "PATH=" + dir + "/none:" + dir + "/sbin:bin"}
	for _, tt := range []struct {
		name string
		want string // in dir
		err  error
	}{
		{"tool", "sbin/tool", nil}, // the first in PATH
		{"./here", "here", nil},
		{"bin/tool", "bin/tool", nil},
		{dir + "/here", "here", nil},
		{"here", "", fs.ErrNotExist}, // the directory is not in PATH
		{"text", "", fs.ErrPermission},
		{"./none", "", fs.ErrNotExist},
	} {
		got, err := lookPath(tt.name, dir, env)
		if !errors.Is(err, tt.err) || err == nil && got != filepath.Join(dir, tt.want) {
			t.Errorf("%s: got %s, %v, want %s, %v", tt.name, got, err, tt.want, tt.err)
		}
	}
}

func TestPrepareEnvironment(t *testing.T) {
	p, err := prepare(&initproto.Command{Args: []string{"sh"}, Env: []string{"HOME=/tmp", "A=b"}, Dir: "/"})
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"HOME=/tmp", "A=b", "USER=root"} {
		if !slices.Contains(p.env, want) {
			t.Errorf("%s is not in %q", want, p.env)
		}
	}
	if slices.Contains(p.env, "HOME=/root") {
		t.Errorf("HOME is in %q twice", p.env)
	}
}

func TestResolvConf(t *testing.T) {
	spec := &Spec{Domain: "ec2.internal", Resolvers: []netip.Addr{
		netip.MustParseAddr("172.16.0.23"), netip.MustParseAddr("169.254.169.253"),
	}}
	want := "search ec2.internal\nnameserver 172.16.0.23\nnameserver 169.254.169.253\noptions timeout:2 attempts:2\n"
	if got := resolvConf(spec); got != want {
		t.Errorf("got\n%s, want\n%s", got, want)
	}
}

func TestConsoleKeepsTheEnd(t *testing.T) {
	file, err := os.OpenFile(filepath.Join(t.TempDir(), "console"), os.O_CREATE|os.O_RDWR|os.O_APPEND, 0o600)
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	c := &console{file: file}
	line := strings.Repeat("x", 999) + "\n"
	for range 1000 {
		if err := c.keep([]byte(line)); err != nil {
			t.Fatal(err)
		}
	}
	text, err := os.ReadFile(file.Name())
	if err != nil {
		t.Fatal(err)
	}
	if len(text) < keepConsole-len(line) || len(text) > maxConsole || len(text)%len(line) != 0 {
		t.Errorf("%d bytes are kept, which is too few, too many or no whole lines", len(text))
	}
}

func TestServerFailure(t *testing.T) {
	name := dnsmessage.MustNewName("some.name.")
	query := dnsmessage.Message{
		Header:    dnsmessage.Header{ID: 7, RecursionDesired: true},
		Questions: []dnsmessage.Question{{Name: name, Type: dnsmessage.TypeA, Class: dnsmessage.ClassINET}},
	}
	pack := func(m dnsmessage.Message) []byte {
		text, err := m.Pack()
		if err != nil {
			t.Fatal(err)
		}
		return text
	}
	var got dnsmessage.Message
	if err := got.Unpack(serverFailure(pack(query))); err != nil {
		t.Fatal(err)
	}
	if got.ID != 7 || !got.Response || got.RCode != dnsmessage.RCodeServerFailure || len(got.Questions) != 1 || got.Questions[0].Name != name {
		t.Errorf("got %+v", got)
	}
	answer, empty := query, query
	answer.Response, empty.Questions = true, nil
	for _, text := range [][]byte{nil, []byte("nothing"), pack(answer), pack(empty)} {
		if got := serverFailure(text); got != nil {
			t.Errorf("%q was answered with %q", text, got)
		}
	}
}
