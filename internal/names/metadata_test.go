package names

import (
	"net/http"
	"net/http/httptest"
	"net/netip"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"ringfence/internal/vpc"
)

func subject() Subject {
	return Subject{
		Instance: &vpc.Instance{
			ID: "i-cfd732a6", Region: "us-east-1", Zone: "us-east-1a", Reservation: "r-1", LaunchIndex: 2,
			Image: "ami-eca54085", Type: "m1.small", UserData: []byte("#!/bin/sh\n"), PublicKey: "ssh-ed25519 AAAA my key",
			Account: "111122223333", LaunchTime: time.Date(2012, 5, 1, 12, 0, 0, 0, time.UTC),
			Volumes: []vpc.Volume{{Device: "/dev/sda1"}, {Device: "/dev/sdf"}}, Tags: []vpc.Tag{{Key: "Name", Value: "web"}, {Key: "empty"}},
		},
		Interfaces: []Interface{{
			NetworkInterface: &vpc.NetworkInterface{
				Account: "111122223333", Region: "us-east-1", Addresses: []netip.Addr{ip("10.254.1.2")},
				Public: map[netip.Addr]netip.Addr{ip("10.254.1.2"): ip("203.0.113.12")},
			},
			GroupNames: []string{"default", "web"},
		}},
	}
}

// get asks h and returns the answer in one line: the status, the media type of
// a success or where a redirect leads, and a success's body.
func get(h http.Handler, method, path string, header ...string) string {
	r := httptest.NewRequest(method, "http://169.254.169.254"+path, nil)
	for i := 0; i < len(header); i += 2 {
		r.Header.Set(header[i], header[i+1])
	}
	w := httptest.NewRecorder()
	h.ServeHTTP(w, r)
	parts := []string{strings.TrimSpace(http.StatusText(w.Code))}
	switch {
	case w.Code == http.StatusOK:
		parts = append(parts, w.Header().Get("Content-Type"), w.Body.String())
	case w.Header().Get("Location") != "":
		parts = append(parts, w.Header().Get("Location"))
	}
	return strings.Join(parts, " ")
}

func TestMetadata(t *testing.T) {
	h := Metadata(func() (Subject, bool) { return subject(), true })
	tests := []struct{ path, want string }{
		{"/latest/meta-data/instance-id", "OK text/plain i-cfd732a6"},
		{"/latest/meta-data/local-ipv4", "OK text/plain 10.254.1.2"},
		{"/latest/meta-data/public-ipv4", "OK text/plain 203.0.113.12"},
		{"/latest/meta-data/hostname", "OK text/plain ip-10-254-1-2.ec2.internal"},
		{"/latest/meta-data/local-hostname", "OK text/plain ip-10-254-1-2.ec2.internal"},
		{"/latest/meta-data/public-hostname", "OK text/plain ec2-203-0-113-12.compute-1.amazonaws.com"},
		{"/latest/meta-data/ami-id", "OK text/plain ami-eca54085"},
		{"/latest/meta-data/ami-launch-index", "OK text/plain 2"},
		{"/latest/meta-data/instance-type", "OK text/plain m1.small"},
		{"/latest/meta-data/mac", "OK text/plain 02:52:0a:fe:01:02"},
		{"/latest/meta-data/security-groups", "OK text/plain default\nweb"},
		{"/latest/meta-data/reservation-id", "OK text/plain r-1"},
		{"/latest/meta-data/placement/availability-zone", "OK text/plain us-east-1a"},
		{"/latest/meta-data/network/interfaces/macs/02:52:0a:fe:01:02/local-ipv4s", "OK text/plain 10.254.1.2"},
		{"/latest/user-data", "OK application/octet-stream #!/bin/sh\n"},

		// Every version says the same.
		{"/1.0/meta-data/instance-id", "OK text/plain i-cfd732a6"},
		{"/2009-04-04/meta-data/instance-id", "OK text/plain i-cfd732a6"},
		{"/", "OK text/plain " + strings.Join(versions, "\n")},

		// A value may have a slash at its end, a directory must.
		{"/latest/meta-data/instance-id/", "OK text/plain i-cfd732a6"},
		{"/latest/user-data/", "OK application/octet-stream #!/bin/sh\n"},
		{"/latest/meta-data/placement/", "OK text/plain availability-zone\navailability-zone-id\nregion"},
		{"/latest/meta-data/placement", "Moved Permanently http://169.254.169.254/latest/meta-data/placement/"},
		{"/latest/meta-data", "Moved Permanently http://169.254.169.254/latest/meta-data/"},
		{"/latest", "Moved Permanently http://169.254.169.254/latest/"},
		{"/latest/", "OK text/plain dynamic\nmeta-data\nuser-data"},
		{"/latest/meta-data/network/interfaces/macs/", "OK text/plain 02:52:0a:fe:01:02/"},

		{"/latest/meta-data/kernel-id", "Not Found"}, // it has none
		{"/latest/meta-data/no-such-thing", "Not Found"},
		{"/latest/meta-data/instance", "Not Found"},
		{"/latest//meta-data/", "Not Found"},
		{"/newest/meta-data/", "Not Found"},
		{"/latest/dynamic/instance-identity/signature", "Not Found"}, // nobody signs for AWS
		{"/latest/meta-data/iam/security-credentials/", "Not Found"}, // it has no role
		{"/latest/meta-data/tags/instance/", "Not Found"},            // not asked for at the launch

		// The key pair is listed by number and name.
		{"/latest/meta-data/public-keys/", "OK text/plain 0=my key"},
		{"/latest/meta-data/public-keys/0/", "OK text/plain openssh-key"},
		{"/latest/meta-data/public-keys/0/openssh-key", "OK text/plain ssh-ed25519 AAAA my key"},

		{"/latest/meta-data/block-device-mapping/", "OK text/plain ami\nebs1\nroot"},
		{"/latest/meta-data/block-device-mapping/ami", "OK text/plain sda1"},
		{"/latest/meta-data/block-device-mapping/root", "OK text/plain /dev/sda1"},
		{"/latest/meta-data/block-device-mapping/ebs1", "OK text/plain sdf"},
		{"/latest/meta-data/placement/availability-zone-id", "OK text/plain use1-az1"},
		{"/latest/meta-data/services/partition", "OK text/plain aws"},
		{"/latest/meta-data/instance-life-cycle", "OK text/plain on-demand"},
		{"/2021-03-23/dynamic/instance-identity/", "OK text/plain document"},
	}
	for _, tt := range tests {
		if got := get(h, "GET", tt.path); got != tt.want {
			t.Errorf("%s\n got %s\nwant %s", tt.path, got, tt.want)
		}
	}
}

func TestMetadataIndex(t *testing.T) {
	h := Metadata(func() (Subject, bool) { return subject(), true })
	want := `OK text/plain ami-id
ami-launch-index
ami-manifest-path
block-device-mapping/
events/
hostname
instance-action
instance-id
instance-life-cycle
instance-type
local-hostname
local-ipv4
mac
metrics/
network/
placement/
profile
public-hostname
public-ipv4
public-keys/
reservation-id
security-groups
services/`
	if got := get(h, "GET", "/latest/meta-data/"); got != want {
		t.Errorf("got %s\nwant %s", got, want)
	}
}

func TestMetadataOfALesserInstance(t *testing.T) {
	s := subject()
	s.Interfaces[0].Public, s.Instance.UserData, s.Instance.PublicKey = nil, nil, ""
	h := Metadata(func() (Subject, bool) { return s, true })
	for path, want := range map[string]string{
		"/latest/user-data":                 "Not Found",
		"/latest/":                          "OK text/plain dynamic\nmeta-data",
		"/latest/meta-data/public-keys/":    "Not Found",
		"/latest/meta-data/public-ipv4":     "Not Found",
		"/latest/meta-data/public-hostname": "Not Found",
	} {
		if got := get(h, "GET", path); got != want {
			t.Errorf("%s: got %s, want %s", path, got, want)
		}
	}
	unknown := Metadata(func() (Subject, bool) { return Subject{}, false })
	if got := get(unknown, "GET", "/latest/meta-data/instance-id"); got != "Service Unavailable" {
		t.Errorf("an unknown instance: got %s", got)
	}
}

func TestMetadataWithTags(t *testing.T) {
	s := subject()
	s.Instance.Metadata.Tags = true
	h := Metadata(func() (Subject, bool) { return s, true })
	for path, want := range map[string]string{
		"":       "OK text/plain Name\nempty",
		"Name":   "OK text/plain web",
		"empty":  "OK text/plain ",
		"absent": "Not Found",
	} {
		if got := get(h, "GET", "/latest/meta-data/tags/instance/"+path); got != want {
			t.Errorf("%s: got %s, want %s", path, got, want)
		}
	}
}

func TestMetadataTurnedOff(t *testing.T) {
	s := subject()
	s.Instance.Metadata.Disabled = true
	h := Metadata(func() (Subject, bool) { return s, true })
	for _, got := range []string{
		get(h, "GET", "/latest/meta-data/instance-id"), get(h, "PUT", tokenPath, ttlHeader, "60"), get(h, "GET", "/"),
	} {
		if got != "Forbidden" {
			t.Errorf("got %s", got)
		}
	}
}

func TestIdentityDocument(t *testing.T) {
	h := Metadata(func() (Subject, bool) { return subject(), true })
	want := `OK text/plain {
  "accountId": "111122223333",
  "architecture": "x86_64",
  "availabilityZone": "us-east-1a",
  "billingProducts": null,
  "devpayProductCodes": null,
  "marketplaceProductCodes": null,
  "imageId": "ami-eca54085",
  "instanceId": "i-cfd732a6",
  "instanceType": "m1.small",
  "kernelId": null,
  "pendingTime": "2012-05-01T12:00:00Z",
  "privateIp": "10.254.1.2",
  "ramdiskId": null,
  "region": "us-east-1",
  "version": "2017-09-30"
}`
	if got := get(h, "GET", "/latest/dynamic/instance-identity/document"); got != want {
		t.Errorf("got %s\nwant %s", got, want)
	}
}

func TestMetadataTokens(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := Metadata(func() (Subject, bool) { return subject(), true })
		other := Metadata(func() (Subject, bool) { return subject(), true })
		const path = "/latest/meta-data/instance-id"
		issue := func(h http.Handler) string {
			return strings.TrimPrefix(get(h, "PUT", tokenPath, ttlHeader, "60"), "OK text/plain ")
		}
		token := issue(h)
		for _, tt := range []struct{ what, got, want string }{
			{"its token", get(h, "GET", path, tokenHeader, token), "OK text/plain i-cfd732a6"},
			{"an invented token", get(h, "GET", path, tokenHeader, "AAAA"), "Unauthorized"},
			{"another instance's token", get(h, "GET", path, tokenHeader, issue(other)), "Unauthorized"},
			{"no time to live", get(h, "PUT", tokenPath), "Bad Request"},
			{"no time", get(h, "PUT", tokenPath, ttlHeader, "0"), "Bad Request"},
			{"too long a time", get(h, "PUT", tokenPath, ttlHeader, "21601"), "Bad Request"},
			{"through a proxy", get(h, "PUT", tokenPath, ttlHeader, "60", "X-Forwarded-For", "192.0.2.1"), "Forbidden"},
			{"a token to read", get(h, "GET", tokenPath), "Method Not Allowed"},
			{"a value to write", get(h, "PUT", path), "Method Not Allowed"},
		} {
			if tt.got != tt.want {
				t.Errorf("%s: got %s, want %s", tt.what, tt.got, tt.want)
			}
		}
		strict := subject()
		strict.Instance.Metadata.TokensRequired = true
		strictly := Metadata(func() (Subject, bool) { return strict, true })
		if got := get(strictly, "GET", path); got != "Unauthorized" {
			t.Errorf("no token where one is required: got %s", got)
		}
		if got := get(strictly, "GET", path, tokenHeader, issue(strictly)); got != "OK text/plain i-cfd732a6" {
			t.Errorf("a token where one is required: got %s", got)
		}
		time.Sleep(time.Minute)
		if got := get(h, "GET", path, tokenHeader, token); got != "Unauthorized" {
			t.Errorf("a token after its time: got %s", got)
		}
	})
}
