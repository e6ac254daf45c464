package main

import (
	"strings"
	"testing"
)

func TestFlagsThatCannotBeAreRefusedInASentence(t *testing.T) {
	good := options{name: "rf", listen: "127.0.0.1:0", revoke: "aws"}
	if _, _, err := good.parse(); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		change func(*options)
		want   string
	}{
		{func(o *options) { o.name = "ninechars" }, `--name: "ninechars" is no name`},
		{func(o *options) { o.name = "../x" }, `--name: "../x" is no name`},
		{func(o *options) { o.name = "" }, `--name: "" is no name`},
		{func(o *options) { o.listen = "0.0.0.0:8773" }, "needs TLS"},
		{func(o *options) { o.listen = ":8773" }, "needs TLS"},
		{func(o *options) { o.listen = "8773" }, "not host:port"},
		{func(o *options) { o.revoke = "never" }, "neither aws nor strict"},
		{func(o *options) { o.dns = "5353" }, "not host:port"},
		{func(o *options) { o.limits = []string{"fame=1"} }, `limit "fame" is unknown`},
		{func(o *options) { o.publicCIDRs = []string{"100.64.0.1/24"} }, "not an IPv4 block"},
		{func(o *options) { o.publicCIDRs = []string{"2001:db8::/32"} }, "not an IPv4 block"},
		{func(o *options) { o.publicCIDRs = []string{"127.0.0.0/8"} }, "not an IPv4 block"},
		{func(o *options) { o.publicCIDRs = []string{"203.0.113.128/25"} }, "overlaps 203.0.113.0/24"},
		{func(o *options) { o.publicCIDRs = []string{"10.0.0.0/8"} }, "overlaps 10.254.0.0/16"},
		{func(o *options) { o.publicCIDRs = []string{"100.64.0.0/16", "100.64.3.0/24"} }, "overlaps 100.64.0.0/16"},
		{func(o *options) { o.images = "/nonexistent/catalogue" }, "--images"},
	} {
		o := good
		c.change(&o)
		if _, _, err := o.parse(); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("with %+v the error is %v, want one with %q", o, err, c.want)
		}
	}
}
