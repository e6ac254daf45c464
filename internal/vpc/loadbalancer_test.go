package vpc

import "testing"

func TestPortOfAHealthCheck(t *testing.T) {
	for target, want := range map[string]uint16{"TCP:22": 22, "HTTP:8080/ping:1/x": 8080, "HTTPS:443/": 443, "": 0, "TCP:70000": 0} {
		if got := (HealthCheck{Target: target}).Port(); got != want {
			t.Errorf("%q: %d, want %d", target, got, want)
		}
	}
}
