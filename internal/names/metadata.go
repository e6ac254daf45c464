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
		switch {
		case isToken && r.Method == http.MethodPut:
			tokens.issue(w, r)
		case isToken, r.Method != http.MethodGet && r.Method != http.MethodHead:
			status(w, http.StatusMethodNotAllowed)
		default:
			switch subject, ok := lookup(); {
			case !ok:
				status(w, http.StatusServiceUnavailable)
			case !tokens.admit(r, subject.Instance.Metadata.TokensRequired):
				status(w, http.StatusUnauthorized)
			default:
				serveMetadata(w, r, subject)
			}
		}
	})
}

// versions are the API versions, oldest first; all say the same here.
var versions = []string{
	"1.0", "2007-01-19", "2007-03-01", "2007-08-29", "2007-10-10", "2007-12-15", "2008-02-01", "2008-09-01",
	"2009-04-04", "2011-01-01", "2011-05-01", "2012-01-12", "latest",
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
	tree := metadataTree(s)
	value, isValue := tree[name]
	var listing string
	switch {
	case name == "":
		listing = "meta-data"
		if len(s.Instance.UserData) > 0 {
			listing += "\nuser-data"
		}
	case !isValue:
		listing = list(tree, name+"/")
		slash = strings.HasSuffix(path, "/")
	}
	switch {
	case name == "user-data" && len(s.Instance.UserData) > 0:
		text(w, "application/octet-stream", string(s.Instance.UserData))
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

// list lists what is directly in a directory of tree, directories with a slash;
// "" says that there is no such directory.
func list(tree map[string]string, directory string) string {
	var names []string
	for path := range tree {
		if rest, ok := strings.CutPrefix(path, directory); ok {
			name, _, deeper := strings.Cut(rest, "/")
			if deeper {
				name += "/"
			}
			names = append(names, name)
		}
	}
	slices.Sort(names)
	return strings.Join(slices.Compact(names), "\n")
}

// metadataTree is all the metadata of s, by path below the version. What has no
// value is not there.
func metadataTree(s Subject) map[string]string {
	i, first := s.Instance, s.Interfaces[0]
	values := map[string]string{
		"ami-id":                      string(i.Image),
		"ami-launch-index":            fmt.Sprint(i.LaunchIndex),
		"ami-manifest-path":           "(unknown)",
		"hostname":                    first.localName(),
		"instance-action":             "none",
		"instance-id":                 string(i.ID),
		"instance-type":               i.Type,
		"ipv6":                        firstOf(first.ipv6()),
		"kernel-id":                   i.Kernel,
		"local-hostname":              first.localName(),
		"local-ipv4":                  first.Primary().String(),
		"mac":                         first.hardware(),
		"placement/availability-zone": string(i.Zone),
		"placement/region":            string(i.Region),
		"profile":                     "default-paravirtual",
		"public-hostname":             first.publicName(s.VPC),
		"public-ipv4":                 firstOf(first.public()),
		"ramdisk-id":                  i.Ramdisk,
		"reservation-id":              string(i.Reservation),
		"security-groups":             strings.Join(first.GroupNames, "\n"),
		"services/domain":             "amazonaws.com",
	}
	for _, n := range s.Interfaces {
		for name, value := range n.metadata(s.VPC) {
			values["network/interfaces/macs/"+n.hardware()+"/"+name] = value
		}
	}
	tree := map[string]string{}
	for path, value := range values {
		if value != "" {
			tree["meta-data/"+path] = value
		}
	}
	return tree
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
