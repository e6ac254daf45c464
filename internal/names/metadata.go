package names

import (
	"fmt"
	"net/http"
	"slices"
	"strings"

	"ringfence/internal/vpc"
)

// A Subject is the instance that metadata is about.
type Subject struct {
	Instance *vpc.Instance

	// Interfaces are the instance's, by device index: the first is what the
	// instance itself is said to have.
	Interfaces []Interface

	VPC *vpc.VPC // nil in EC2-Classic
}

// View is how the subject sees names.
func (s *Subject) View() View { return View{Region: s.Instance.Region, Network: s.Instance.Network} }

// Answers reports whether the subject's resolver answers.
func (s *Subject) Answers() bool { return s.VPC == nil || s.VPC.DNSSupport }

// Metadata serves the metadata of one instance, with or without session tokens
// (EC2 User Guide 2012, "Instance Metadata"; EC2 User Guide, "Use the Instance
// Metadata Service"). lookup is called for each request; false says that the
// instance is not known now.
func Metadata(lookup func() (Subject, bool)) http.Handler {
	tokens := newTokens()
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Server", "EC2ws")
		isToken := r.URL.Path == tokenPath
		switch subject, ok := lookup(); {
		case !ok:
			status(w, http.StatusServiceUnavailable)
		case subject.Instance.Metadata.Disabled:
			status(w, http.StatusForbidden)
		case isToken && r.Method == http.MethodPut:
			tokens.issue(w, r)
		case isToken, r.Method != http.MethodGet && r.Method != http.MethodHead:
			status(w, http.StatusMethodNotAllowed)
		case !tokens.admit(r, subject.Instance.Metadata.TokensRequired):
			status(w, http.StatusUnauthorized)
		default:
			serveMetadata(w, r, subject)
		}
	})
}

// versions are the API versions, oldest first; all say the same here.
var versions = []string{
	"1.0", "2007-01-19", "2007-03-01", "2007-08-29", "2007-10-10", "2007-12-15", "2008-02-01", "2008-09-01",
	"2009-04-04", "2011-01-01", "2011-05-01", "2012-01-12", "2014-02-25", "2014-11-05", "2015-10-20", "2016-04-19",
	"2016-06-30", "2016-09-02", "2018-03-28", "2018-08-17", "2018-09-24", "2019-10-01", "2020-10-27", "2021-01-03",
	"2021-03-23", "2021-07-15", "2022-09-24", "2024-04-11", "latest",
}

// serveMetadata answers as EC2's servers do: a directory has a slash at its end
// and is redirected to it; a value may have one.
func serveMetadata(w http.ResponseWriter, r *http.Request, s Subject) {
	path := strings.TrimPrefix(r.URL.Path, "/")
	if path == "" {
		text(w, "text/plain", strings.Join(versions, "\n"))
		return
	}
	version, path, slash := strings.Cut(path, "/")
	if !slices.Contains(versions, version) {
		status(w, http.StatusNotFound)
		return
	}
	name := strings.TrimSuffix(path, "/")
	directory := ""
	if name != "" {
		directory, slash = name+"/", strings.HasSuffix(path, "/")
	}
	tree := metadataTree(s)
	value, isValue := tree[name]
	listing := list(tree, directory)
	switch {
	case isValue && name == userData:
		text(w, "application/octet-stream", value)
	case isValue:
		text(w, "text/plain", value)
	case listing == "":
		status(w, http.StatusNotFound)
	case !slash:
		w.Header().Set("Location", "http://"+r.Host+r.URL.Path+"/")
		w.WriteHeader(http.StatusMovedPermanently)
	default:
		text(w, "text/plain", listing)
	}
}

func text(w http.ResponseWriter, contentType, body string) {
	w.Header().Set("Content-Type", contentType)
	w.Header().Set("Content-Length", fmt.Sprint(len(body)))
	_, _ = w.Write([]byte(body)) // whoever asked may have left
}

// status answers with the page that EC2's servers show for a status.
func status(w http.ResponseWriter, code int) {
	title := fmt.Sprintf("%d - %s", code, http.StatusText(code))
	w.Header().Set("Content-Type", "text/html")
	w.WriteHeader(code)
	fmt.Fprintf(w, `<?xml version="1.0" encoding="iso-8859-1"?>
<!DOCTYPE html PUBLIC "-//W3C//DTD XHTML 1.0 Transitional//EN"
	"http://www.w3.org/TR/xhtml1/DTD/xhtml1-transitional.dtd">
<html xmlns="http://www.w3.org/1999/xhtml" xml:lang="en" lang="en">
 <head>
  <title>%s</title>
 </head>
 <body>
  <h1>%s</h1>
 </body>
</html>
`, title, title)
}
