package fabric

import (
	"context"
	"errors"
	"fmt"
	"net/netip"
	"os"
	"path/filepath"
	"regexp"

	"github.com/vishvananda/netlink"
	"github.com/vishvananda/netns"

	"ringfence/internal/fabric/guest"
	"ringfence/internal/fabric/initproto"
)

// A Machine is a place where programs run, behind its ports.
type Machine struct {
	ID         string // letters, digits, dots and hyphens; a directory's name
	Kind       guest.Kind
	Generation int    // told back by Adopt
	Ports      []Port // not none
	Hostname   string
	Domain     string       // searched by its resolver; "" is none
	Resolvers  []netip.Addr // on its own loopback; asked for DNS
	Metadata   bool         // serve instance metadata
	Shared     string       // directory of the host that a balancer sees

	Command []string // run beside the services; all that a balancer runs
	Limits  Limits

	// For instances.
	Root      string // directory under the instance's own layer; "" is /
	Services  []guest.Service
	PublicKey string // of who may log in: a line of authorized_keys; "" is nobody
	UserData  []byte
}

// validID keeps ID fit for a file's name.
var validID = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9.-]*$`)

// address is the one that m's own name stands for.
func (m *Machine) address() netip.Addr { return m.Ports[0].Addresses[0].Addr() }

// A Prepared machine has its namespace and its ports, which are down.
type Prepared struct {
	fabric  *Fabric
	machine Machine
	ns      netns.NsHandle
}

// Prepare makes the network of m, with the ports down: now is the time to attach
// programs to them. An earlier boot of m is ended; its files stay. The caller
// calls Boot or Abandon.
func (f *Fabric) Prepare(ctx context.Context, m Machine) (*Prepared, error) {
	if !validID.MatchString(m.ID) {
		return nil, fmt.Errorf("%q is no id for a machine", m.ID)
	}
	if len(m.Ports) == 0 || len(m.Ports[0].Addresses) == 0 {
		return nil, fmt.Errorf("machine %s has no port, or none with an address", m.ID)
	}
	if err := f.Stop(ctx, m.ID); err != nil {
		return nil, fmt.Errorf("end earlier boot: %w", err)
	}
	dir := initproto.MachineDir(f.dataDir, m.ID)
	for _, d := range []string{initproto.RunDir(f.dataDir, m.ID), filepath.Join(dir, "root")} {
		if err := os.MkdirAll(d, 0o755); err != nil {
			return nil, fmt.Errorf("make machine's directory: %w", err)
		}
	}
	err := f.writeState(m.ID, state{Kind: m.Kind, Generation: m.Generation, Ports: m.Ports})
	if err != nil {
		return nil, err
	}
	p := &Prepared{fabric: f, machine: m, ns: netns.None()}
	if err := p.makeNetwork(); err != nil {
		return nil, errors.Join(fmt.Errorf("make network: %w", err), p.Abandon(ctx))
	}
	return p, nil
}

// makeNetwork makes the namespace and all that is in it.
func (p *Prepared) makeNetwork() error {
	return OnOwnThread(func() error {
		if err := newNetwork(); err != nil {
			return err
		}
		var err error
		if p.ns, err = netns.Get(); err != nil { // keeps the namespace, which nothing else holds yet
			return err
		}
		return speakNetlink(p.furnish)
	})
}

// furnish makes what is in the namespace of this thread.
func (p *Prepared) furnish(h *netlink.Handle) error {
	loopback := p.machine.Resolvers
	if p.machine.Metadata {
		loopback = append([]netip.Addr{guest.MetadataAddr, guest.TimeAddr}, loopback...)
	}
	if err := configureLoopback(h, loopback); err != nil {
		return err
	}
	for _, port := range p.machine.Ports {
		if err := p.fabric.addPort(port, p.ns, port.device()); err != nil {
			return err
		}
		if err := configure(h, port); err != nil {
			return err
		}
	}
	return nil
}

// Abandon removes what Prepare has made.
func (p *Prepared) Abandon(ctx context.Context) error {
	if p.ns.IsOpen() {
		p.ns.Close()
	}
	return p.fabric.Stop(ctx, p.machine.ID)
}

// Boot sets the ports up, starts the machine's init and returns when all its
// services listen. A machine that does not boot is ended.
func (p *Prepared) Boot(ctx context.Context) error {
	var err error
	for _, port := range p.machine.Ports {
		if err == nil {
			err = p.fabric.SetPortUp(port.Name)
		}
	}
	if err == nil {
		err = p.start(ctx)
	}
	if err != nil {
		return errors.Join(fmt.Errorf("boot %s: %w", p.machine.ID, err), p.Abandon(context.WithoutCancel(ctx)))
	}
	p.ns.Close() // the init holds it now
	return nil
}
