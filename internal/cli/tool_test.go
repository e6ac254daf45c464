package cli

import (
	"fmt"
	"maps"
	"net/http"
	"net/http/httptest"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"ringfence/internal/awsquery"
)

// TestToolsSpeakOfWhatTheAPIHas holds the parameters and the paths of all tools
// to AWS's model of the API.
func TestToolsSpeakOfWhatTheAPIHas(t *testing.T) {
	model, err := awsquery.NewModel()
	if err != nil {
		t.Fatal(err)
	}
	for _, tool := range tools() {
		if tool.action == "" {
			continue
		}
		var params []string
		for _, w := range tool.words {
			params = append(params, w.param)
		}
		for _, o := range tool.options {
			name, _, _ := strings.Cut(o.param, "=")
			params = append(params, name)
		}
		for _, p := range params {
			p = strings.ReplaceAll(p, ".N", ".1")
			if p != "" && p != ".1" && !model.HasParameter(tool.family().service, tool.action, p) {
				t.Errorf("%s: %s has no parameter %s", tool.name(), tool.action, p)
			}
		}
		for _, path := range recordPaths(tool.records, []string{""}) {
			if !model.HasElement(tool.family().service, tool.action, path) {
				t.Errorf("%s: the answer to %s has no element %s", tool.name(), tool.action, path)
			}
		}
	}
}

// recordPaths returns the paths from the top of the answer to all that records
// print. outer are the paths of the enclosing records, the innermost last.
func recordPaths(records []record, outer []string) []string {
	var paths []string
	for _, r := range records {
		scopes := append(slices.Clone(outer), join(outer[len(outer)-1], r.each))
		for _, c := range r.columns {
			if each, parts, ok := strings.Cut(strings.TrimSuffix(c.path, "}"), "{"); ok {
				for part := range strings.SplitSeq(parts, ",") {
					_, at, _ := strings.Cut(part, "=")
					at, _, _ = strings.Cut(at, "|")
					paths = append(paths, join(join(scopes[len(scopes)-1], each), at))
				}
				continue
			}
			path, _, _ := strings.Cut(c.path, "|")
			path, _, _ = strings.Cut(path, "?")
			for _, p := range strings.Split(path, " or ") {
				up := len(p) - len(strings.TrimLeft(p, "^"))
				p = p[up:]
				if !strings.HasPrefix(p, "$") && !strings.HasPrefix(p, "=") && p != "return" { // which the model leaves out
					paths = append(paths, join(scopes[len(scopes)-1-up], p))
				}
			}
		}
		paths = append(paths, recordPaths(r.inner, scopes)...)
	}
	return paths
}

func join(path, rest string) string { return strings.Trim(path+"."+rest, ".") }

// TestToolsAreWhole looks for what a table of tools may get wrong.
func TestToolsAreWhole(t *testing.T) {
	owners := map[string]string{}
	for _, tool := range tools() {
		for _, name := range tool.names {
			if other, ok := owners[name]; ok {
				t.Errorf("both %s and %s are called %s", other, tool.name(), name)
			}
			owners[name] = tool.name()
		}
		if !strings.HasPrefix(tool.example, tool.name()) {
			t.Errorf("the example of %s is %q", tool.name(), tool.example)
		}
		options := map[string]bool{}
		for _, o := range slices.Concat(tool.options, tool.family().options) {
			for _, name := range []string{"-" + o.short, "--" + o.long} {
				if name != "-" && options[name] {
					t.Errorf("%s has %s twice", tool.name(), name)
				}
				options[name] = true
			}
		}
		for _, alternatives := range tool.required {
			for _, long := range strings.Split(alternatives, "|") {
				if !options["--"+long] {
					t.Errorf("%s requires --%s, which it does not have", tool.name(), long)
				}
			}
		}
		for _, path := range formatsOf(tool.records) {
			if formats[path] == nil {
				t.Errorf("%s writes a column as %s, which is none of %v", tool.name(), path, slices.Sorted(maps.Keys(formats)))
			}
		}
	}
}

func formatsOf(records []record) []string {
	var names []string
	for _, r := range records {
		for _, c := range r.columns {
			for part := range strings.SplitSeq(strings.TrimSuffix(c.path, "}"), ",") { // of PATH{…}
				if _, format, ok := strings.Cut(part, "|"); ok {
					names = append(names, format)
				}
			}
		}
		names = append(names, formatsOf(r.inner)...)
	}
	return names
}

// TestHelp holds the help texts of all tools, without the options that all have,
// to testdata/help.golden.
func TestHelp(t *testing.T) {
	var b strings.Builder
	for _, tool := range tools() {
		tool.writeOwnHelp(&b)
		b.WriteString("\n")
	}
	const golden = "testdata/help.golden"
	if *rewrite {
		if err := os.WriteFile(golden, []byte(b.String()), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(golden)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(want), b.String()); diff != "" {
		t.Errorf("run this test with -rewrite and read the difference, if this is meant:\n%s", diff)
	}
}

// TestToolsBearAnything runs all tools with all of their options, given with and
// without sense, against an endpoint whose answers are empty.
func TestToolsBearAnything(t *testing.T) {
	api := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		fmt.Fprintf(w, "<%sResponse/>", r.PostFormValue("Action"))
	}))
	defer api.Close()
	null, err := os.OpenFile(os.DevNull, os.O_RDWR, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer null.Close()
	env := &Env{
		Stdin: null, Stdout: null, Stderr: null, Getenv: func(string) string { return "" }, Now: time.Now,
		Transport: http.DefaultTransport.(*http.Transport), IsTerminal: func(*os.File) bool { return false },
	}
	general := []string{"-U", api.URL, "-O", "AKIDEXAMPLE", "-W", "secret", "-H", "--show-empty-fields"}
	senseless := []string{"", "-", "=", ":", "-1", "a=b", "1-0", "\x00", "\xff", strings.Repeat("9", 99)}
	for _, tool := range tools() {
		for _, value := range senseless {
			var all []string
			for _, o := range tool.options {
				one := []string{"--" + o.long}
				if o.arg != "" {
					one = append(one, value)
				}
				all = append(all, one...)
				for _, words := range [][]string{nil, {value}, {value, value, value}} {
					_ = runTool(t.Context(), env, tool, slices.Concat(one, words, general)) // whatever it says
				}
			}
			_ = runTool(t.Context(), env, tool, slices.Concat(all, []string{value}, general))
		}
	}
}
