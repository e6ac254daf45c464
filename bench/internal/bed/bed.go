// Package bed builds ways for packets between two machines, each in a network
// namespace of its own: bare, over a bridge, over a router, through iptables,
// nftables or ringfence.
package bed

import (
	"context"
	"errors"
	"fmt"
	"net/netip"
	"os"
	"os/exec"
	"slices"
	"strings"

	"ringfence/bench/internal/load"
	"ringfence/bench/internal/netns"
)

// A Variant is one way to build a bed. Name and Rules tell it from the others.
type Variant struct {
	Name  string
	Rules int // that judge what comes to the server

	// Base is the variant that this one is compared with.
	Base string

	// Open variants have no firewall: everything passes.
	Open bool

	ipv6  bool     // it needs that of the kernel
	tools []string // that it needs, by the name of the program
	build func(context.Context, *Bed) error
}

func (v Variant) String() string {
	if v.Rules == 0 {
		return v.Name
	}
	return fmt.Sprintf("%s %d", v.Name, v.Rules)
}

// packages are the Debian packages of tools.
var packages = map[string]string{"ip": "iproute2", "nft": "nftables", "iptables-restore": "iptables", "ipset": "ipset"}

// Missing says what this machine lacks for a variant, "" for nothing.
func (v Variant) Missing() string {
	for _, tool := range append([]string{"ip"}, v.tools...) {
		if _, err := exec.LookPath(tool); err != nil {
			return fmt.Sprintf("there is no %s here: apt-get install %s", tool, packages[tool])
		}
	}
	if _, err := os.Stat("/proc/net/if_inet6"); v.ipv6 && err != nil {
		return "this kernel has no IPv6"
	}
	return ""
}

// A Bed is a way for packets that is in place.
type Bed struct {
	Variant
	load.Ends

	// told is closed when an event is read; nil where none are told.
	told chan struct{}

	closers []func() error
}

// New builds a bed. Close removes it, and so does the end of the program,
// however it comes.
func New(ctx context.Context, v Variant) (*Bed, error) {
	b := &Bed{Variant: v}
	err := b.machines()
	if err == nil {
		err = v.build(ctx, b)
	}
	if err != nil {
		return nil, errors.Join(fmt.Errorf("build %s: %w", v, err), b.Close())
	}
	return b, nil
}

// Close removes all that New has made, the last first.
func (b *Bed) Close() error {
	var errs []error
	for _, c := range slices.Backward(b.closers) {
		errs = append(errs, c())
	}
	b.closers = nil
	return errors.Join(errs...)
}

func (b *Bed) machines() (err error) {
	if b.Client, err = b.namespace(); err != nil {
		return err
	}
	b.Server, err = b.namespace()
	return err
}

// namespace makes one that goes with the bed.
func (b *Bed) namespace() (*netns.Namespace, error) {
	n, err := netns.New()
	if err != nil {
		return nil, err
	}
	b.closers = append(b.closers, n.Close)
	return n, nil
}

// The devices of a bed. A machine's is eth0; the host's ends have names and
// indexes.
const (
	clientDevice, serverDevice = "client", "server"
	clientIndex, serverIndex   = 11, 12
)

// A side is a machine and how it is plugged in.
type side struct {
	in      *netns.Namespace
	device  string // at the host
	index   int    // likewise
	mac     string
	address netip.Prefix
	router  netip.Addr // not valid: there is none
}

func (b *Bed) sides(client, server netip.Prefix) []side {
	b.ClientAddr, b.ServerAddr = client.Addr(), server.Addr()
	return []side{
		{in: b.Client, device: clientDevice, index: clientIndex, mac: "02:52:0a:63:01:0a", address: client},
		{in: b.Server, device: serverDevice, index: serverIndex, mac: "02:52:0a:63:01:14", address: server},
	}
}

// queues are those of every link here: one, as ringfence makes them. A veth
// takes no lock to send, and more of them serve only XDP and GRO.
const queues = "numtxqueues 1 numrxqueues 1"

// plug connects a machine to a host's namespace. The host's end stays down.
func (s side) plug(ctx context.Context, host *netns.Namespace) error {
	err := ip(ctx, host, fmt.Sprintf("link add %s index %d %s type veth peer name eth0 netns %s address %s %s",
		s.device, s.index, queues, s.in.Path(), s.mac, queues))
	if err != nil {
		return err
	}
	return s.configure(ctx)
}

// configure gives the machine its address and its way out.
func (s side) configure(ctx context.Context) error {
	commands := []string{"link set eth0 up", fmt.Sprintf("address add %s dev eth0%s", s.address, noDAD(s.address.Addr()))}
	if s.router.IsValid() {
		commands = append(commands, fmt.Sprintf("route add default via %s dev eth0", s.router))
	}
	return ip(ctx, s.in, commands...)
}

// noDAD lets an IPv6 address be used at once: nobody else can have it.
func noDAD(a netip.Addr) string {
	if a.Is6() {
		return " nodad"
	}
	return ""
}

// ip runs commands of ip(8) in a namespace.
func ip(ctx context.Context, in *netns.Namespace, commands ...string) error {
	return in.Command(ctx, strings.Join(commands, "\n")+"\n", "ip", "-batch", "-")
}
