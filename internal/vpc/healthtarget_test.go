package vpc

import "testing"

func TestTargetsOfHealthChecks(t *testing.T) {
	for text, want := range map[string]HealthTarget{
		"TCP:80":              {ListenTCP, 80, ""},
		"ssl:443":             {ListenSSL, 443, ""},
		"http:080/":           {ListenHTTP, 80, "/"},
		"HTTPS:8443/a/b?c=d/": {ListenHTTPS, 8443, "/a/b?c=d/"},
	} {
		got, err := ParseHealthTarget(text)
		if err != nil || got != want {
			t.Errorf("%s is %+v (%v)", text, got, err)
		}
		if again, err := ParseHealthTarget(got.String()); err != nil || again != got {
			t.Errorf("%s is written as %s, which is %+v (%v)", text, got, again, err)
		}
	}
	for _, text := range []string{"", "TCP", "TCP:", "TCP:0", "TCP:65536", "TCP:80/", "HTTP:80", "UDP:53", "HTTP:x/"} {
		if got, err := ParseHealthTarget(text); CodeOf(err) != ValidationError || got != (HealthTarget{}) {
			t.Errorf("%q is taken for %+v (%v)", text, got, err)
		}
	}
}
