//go:build linux

package cli

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"io/fs"
	"maps"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/rogpeppe/go-internal/testscript"

	"ringfence/internal/admin"
	"ringfence/internal/awsquery"
	"ringfence/internal/vpc"
)

var rewrite = flag.Bool("rewrite", false, "rewrite what testdata has of what is printed")

// The key that scripts sign with, and that the endpoint knows.
const (
	scriptAccess = "AKIDEXAMPLE"
	scriptSecret = "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY"
)

// TestMain makes this test the ringfence command, by all of its names and one that
// is none.
func TestMain(m *testing.M) {
	commands := map[string]func(){"ringfence": runCommand, "ec2-bundle-vol": runCommand}
	for _, t := range tools() {
		for _, name := range t.names {
			commands[name] = runCommand
		}
	}
	testscript.Main(m, commands)
}

// runCommand is main, with one thing more: TERMINAL=1 makes standard output one.
func runCommand() {
	os.Exit(Main(context.Background(), &Env{
		Args:       os.Args,
		Stdin:      os.Stdin,
		Stdout:     os.Stdout,
		Stderr:     os.Stderr,
		Getenv:     os.Getenv,
		Transport:  http.DefaultTransport.(*http.Transport),
		Now:        time.Now,
		IsTerminal: func(f *os.File) bool { return f == os.Stdout && os.Getenv("TERMINAL") == "1" },
		Executable: os.Executable,
	}))
}

// TestScripts runs testdata/*.txtar. Each script has an endpoint of the API and
// a daemon of its own, which answer with the script's files (see answers), and
// write down in requests.txt what they were asked.
//
// -rewrite writes what was printed into the scripts; read the difference before
// you keep it.
func TestScripts(t *testing.T) {
	testscript.Run(t, testscript.Params{
		Dir:           "testdata",
		UpdateScripts: *rewrite,
		Setup: func(e *testscript.Env) error {
			a := &answers{dir: e.WorkDir, calls: map[string]int{}}
			api := httptest.NewServer(http.HandlerFunc(a.serveAPI))
			e.Defer(api.Close)
			listener, err := net.Listen("unix", admin.SocketPath(e.WorkDir))
			if err != nil {
				return err
			}
			daemon := &httptest.Server{Listener: listener, Config: &http.Server{Handler: http.HandlerFunc(a.serveDaemon)}}
			daemon.Start()
			e.Defer(daemon.Close)
			stop, err := startInit(filepath.Join(e.WorkDir, "init.sock"))
			if err != nil {
				return err
			}
			e.Defer(stop)
			e.Setenv("ENDPOINT", api.URL)
			e.Setenv("EC2_URL", api.URL)
			e.Setenv("AWS_ACCESS_KEY", scriptAccess)
			e.Setenv("AWS_SECRET_KEY", scriptSecret)
			e.Setenv("RINGFENCE_DATA_DIR", e.WorkDir)
			return nil
		},
	})
}

// answers are files in a script's directory: NAME for every call, or NAME.1 for
// the first, NAME.2 for the second. Action.xml answers a call of the API, and
// accounts.json one of the daemon. A name with a number of three digits in it is
// for another HTTP status than 200: CreateSecurityGroup.400.xml.
type answers struct {
	dir string

	mu    sync.Mutex
	calls map[string]int // by name
}

// find returns the answer to the next call of a name such as Action or accounts.
func (a *answers) find(name, ext string) (status int, body []byte, err error) {
	a.mu.Lock()
	a.calls[name]++
	n := a.calls[name]
	a.mu.Unlock()
	candidates := []struct {
		file   string
		status int
	}{
		{fmt.Sprintf("%s%s.%d", name, ext, n), http.StatusOK},
		{name + ext, http.StatusOK},
		{name + ".400" + ext, http.StatusBadRequest},
		{name + ".503" + ext, http.StatusServiceUnavailable},
	}
	for _, c := range candidates {
		body, err = os.ReadFile(filepath.Join(a.dir, c.file))
		if !errors.Is(err, fs.ErrNotExist) {
			return c.status, body, err
		}
	}
	return http.StatusNotFound, []byte("the script has no answer to " + name), nil
}

// record appends to requests.txt, a parameter to a line.
func (a *answers) record(title string, lines ...string) error {
	a.mu.Lock()
	defer a.mu.Unlock()
	f, err := os.OpenFile(filepath.Join(a.dir, "requests.txt"), os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		return err
	}
	_, err = f.WriteString(strings.Join(append([]string{title}, lines...), "\n  ") + "\n")
	return errors.Join(err, f.Close())
}

func (a *answers) serveAPI(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(r.Body)
	if err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	call, err := awsquery.ParseCall(r, body)
	if err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	signer, err := awsquery.Received{Request: r, Body: body, Call: call, Service: awsquery.EC2}.Verify(func(key, _ string) (string, bool) {
		return scriptSecret, key == scriptAccess
	}, time.Now())
	if err != nil {
		code := vpc.CodeOf(err)
		w.WriteHeader(awsquery.Status(code))
		reply(w, awsquery.EncodeError(awsquery.EC2, call.Version, "r-1",
			vpc.Errorf(code, "%s", strings.TrimPrefix(err.Error(), string(code)+": "))))
		return
	}
	var params []string
	for _, name := range slices.Sorted(maps.Keys(call.Params)) {
		params = append(params, name+"="+call.Params[name])
	}
	title := call.Action
	if signer.Region != "us-east-1" {
		title += " in " + signer.Region
	}
	if token := r.Header.Get("X-Amz-Security-Token"); token != "" {
		title += " with token " + token
	}
	a.answer(w, call.Action, ".xml", a.record(title, params...))
}

func (a *answers) serveDaemon(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(r.Body)
	if err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	name := strings.ReplaceAll(strings.Trim(r.URL.Path, "/"), "/", "-")
	if name == "status" {
		a.answer(w, name, ".json", nil) // asked too often to be written down
		return
	}
	var lines []string
	if len(body) > 0 {
		lines = []string{string(body)}
	}
	a.answer(w, name, ".json", a.record(r.Method+" "+r.URL.Path, lines...))
}

// answer replies with the script's file, in which $WORK stands for its directory.
func (a *answers) answer(w http.ResponseWriter, name, ext string, err error) {
	status, body, err2 := a.find(name, ext)
	if err := errors.Join(err, err2); err != nil {
		http.Error(w, err.Error(), http.StatusInternalServerError)
		return
	}
	if ext == ".json" && status == http.StatusNotFound {
		body, _ = json.Marshal(admin.Failure{Code: vpc.InternalError, Message: string(body)})
	}
	w.WriteHeader(status)
	reply(w, bytes.ReplaceAll(body, []byte("$WORK"), []byte(a.dir)))
}

// reply writes body; a client that has gone fails its script by itself.
func reply(w io.Writer, body []byte) { _, _ = w.Write(body) }
