package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/netip"
	"os"
	"path/filepath"

	"github.com/spf13/cobra"

	"ringfence/internal/agent"
	"ringfence/internal/api"
	"ringfence/internal/lock"
)

// options are the flags of ringfenced.
type options struct {
	name        string
	dataDir     string
	listen      string
	publicCIDRs []string
	dns         string
	ephemeral   bool
	testAPI     bool
	revoke      string
	strictICMP  bool
	limits      []string
	noHostRoute bool
	maxFlows    int
	filters     bool
	images      string
	verbose     bool
}

const defaultDataDir = "/var/lib/ringfence"

func command() *cobra.Command {
	var o options
	root := &cobra.Command{
		Use:           "ringfenced",
		Short:         "EC2 security groups, enforced in the kernel",
		SilenceUsage:  true,
		SilenceErrors: true,
	}
	root.CompletionOptions.HiddenDefaultCmd = true
	root.PersistentFlags().StringVar(&o.name, "name", "rf", "carried by everything made on this host; at most 8 letters, digits and hyphens")
	root.PersistentFlags().StringVar(&o.dataDir, "data-dir", dataDirOf(os.Getenv), "`directory` for all state (RINGFENCE_DATA_DIR)")

	dev := &cobra.Command{
		Use:   "dev",
		Short: "Run everything on this host, in the foreground",
		Long: "Dev runs API, store and agent in one process. It prints one line on standard output when\n" +
			"calls are answered and packets are judged; logs go to standard error. Instances run on when\n" +
			"it ends and are adopted when it is started again.",
		Example: "  sudo ringfenced dev --data-dir /tmp/rf --ephemeral",
		Args:    cobra.NoArgs,
		RunE:    func(c *cobra.Command, _ []string) error { return dev(c.Context(), o, os.Stdout, os.Stderr) },
	}
	f := dev.Flags()
	f.StringVar(&o.listen, "listen", "127.0.0.1:8773", "`host:port` of the API; loopback only")
	f.StringArrayVar(&o.publicCIDRs, "public-cidr", nil, "`block` of further public addresses; may be repeated")
	f.StringVar(&o.dns, "dns", "", "`host:port` on which to answer the names of instances as the internet sees them")
	f.BoolVar(&o.ephemeral, "ephemeral", false, "keep nothing: at exit every instance, namespace, link and file is gone")
	f.BoolVar(&o.testAPI, "test-api", false, "let anybody empty the store by POST /_ringfence/reset")
	f.StringVar(&o.revoke, "revoke", "aws", "what revoking a rule does to its flows: `aws` lets tracked ones go on, strict cuts all")
	f.BoolVar(&o.strictICMP, "strict-icmp-errors", false, "let ICMP errors pass only by a rule, also those that tell of admitted connections")
	f.StringArrayVar(&o.limits, "limit", nil, "`name=n`: another quota, such as rules-per-group=1000; may be repeated")
	f.BoolVar(&o.noHostRoute, "no-host-route", false, "do not give this host a link and routes to the instances' public addresses")
	f.IntVar(&o.maxFlows, "max-flows", 0, "flows to remember, about 250 bytes each (default 262144)")
	f.StringVar(&o.images, "images", "", "`file` that adds to the catalogue of images")
	f.BoolVar(&o.filters, "clsact", false, "attach programs by clsact filters although the kernel has TCX")
	f.BoolVar(&o.verbose, "verbose", false, "log more")

	clean := &cobra.Command{
		Use:   "clean",
		Short: "End what a daemon has left behind, and keep its data",
		Args:  cobra.NoArgs,
		RunE:  func(c *cobra.Command, _ []string) error { return clean(c.Context(), o, os.Stderr) },
	}
	root.AddCommand(dev, clean)
	return root
}

func dataDirOf(getenv func(string) string) string {
	if dir := getenv("RINGFENCE_DATA_DIR"); dir != "" {
		return dir
	}
	return defaultDataDir
}

// needRoot says in one sentence what is missing, and what to do.
func needRoot() error {
	if os.Geteuid() != 0 {
		return errors.New("namespaces and BPF programs need root: run it with sudo")
	}
	return nil
}

// lockName takes the daemon's name on this host.
func lockName(name string) (*os.File, error) {
	if err := os.MkdirAll("/run/ringfence", 0o755); err != nil {
		return nil, err
	}
	f, err := lock.Acquire(filepath.Join("/run/ringfence", name+".lock"))
	if held, ok := errors.AsType[*lock.HeldError](err); ok {
		return nil, fmt.Errorf("a daemon named %q runs already, process %d: choose another --name, or end it", name, held.PID)
	}
	return f, err
}

// parse checks what flags cannot check by themselves.
func (o *options) parse() (a agent.Options, opts api.Options, err error) {
	host, _, err := net.SplitHostPort(o.listen)
	if err != nil {
		return a, opts, fmt.Errorf("--listen %q is not host:port", o.listen)
	}
	if ip, err := netip.ParseAddr(host); host != "localhost" && (err != nil || !ip.IsLoopback()) {
		return a, opts, fmt.Errorf("--listen %s is beyond loopback, which needs TLS; that is not there yet: listen on 127.0.0.1", o.listen)
	}
	if err := agent.CheckName(o.name); err != nil {
		return a, opts, fmt.Errorf("--name: %w", err)
	}
	if opts.PublicPools, err = publicPools(o.publicCIDRs); err != nil {
		return a, opts, fmt.Errorf("--public-cidr: %w", err)
	}
	if opts.Limits, err = api.ParseLimits(o.limits); err != nil {
		return a, opts, fmt.Errorf("--limit: %w", err)
	}
	if a.Revoke, err = parseRevocation(o.revoke); err != nil {
		return a, opts, err
	}
	if o.dns != "" {
		if _, _, err := net.SplitHostPort(o.dns); err != nil {
			return a, opts, fmt.Errorf("--dns %q is not host:port", o.dns)
		}
	}
	if opts.Catalogue, err = o.catalogue(); err != nil {
		return a, opts, err
	}
	a.StrictICMPErrors = o.strictICMP
	a.Name, a.DNS, a.MaxFlows, a.Filters = o.name, o.dns, o.maxFlows, o.filters
	a.PublicPools, a.Catalogue = opts.PublicPools, opts.Catalogue
	if !o.noHostRoute {
		a.HostLink = opts.PublicPools[0].Addr().Next()
	}
	return a, opts, nil
}

// publicPools are the default pools and further blocks, of which none may lie
// in another: an address would be given out twice.
func publicPools(blocks []string) ([]netip.Prefix, error) {
	pools := api.DefaultPublicPools()
	for _, s := range blocks {
		p, err := netip.ParsePrefix(s)
		if err != nil || !p.Addr().Is4() || p != p.Masked() || !p.Addr().IsGlobalUnicast() {
			return nil, fmt.Errorf("%q is not an IPv4 block such as 100.64.0.0/24", s)
		}
		for _, taken := range append(pools, api.ClassicPool()) {
			if p.Overlaps(taken) {
				return nil, fmt.Errorf("%s overlaps %s, whose addresses are given out already", p, taken)
			}
		}
		pools = append(pools, p)
	}
	return pools, nil
}

func clean(ctx context.Context, o options, stderr *os.File) error {
	if err := agent.CheckName(o.name); err != nil {
		return fmt.Errorf("--name: %w", err)
	}
	if err := needRoot(); err != nil {
		return err
	}
	held, err := lockName(o.name)
	if err != nil {
		return err
	}
	defer held.Close()
	if _, err := os.Stat(o.dataDir); err == nil {
		data, err := o.holdData()
		if err != nil {
			return err
		}
		defer data.Close()
	}
	return errors.Join(agent.Clean(ctx, o.name, o.dataDir, slog.New(slog.NewTextHandler(stderr, nil))), lock.Remove(held))
}
