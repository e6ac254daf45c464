package dataplane

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"

	"github.com/cilium/ebpf"
	"github.com/cilium/ebpf/link"

	"ringfence/internal/policy"
)

// putRewriters gives the programs those that they end in, where frames change.
func (d *Dataplane) putRewriters() error {
	for how, program := range map[kernelRewriter]*ebpf.Program{
		kernelRewriterREWRITE_RECEIVER: d.objects.RewriteReceiver,
		kernelRewriterREWRITE_ROUTED:   d.objects.RewriteRouted,
		kernelRewriterREWRITE_LEAVING:  d.objects.RewriteLeaving,
		kernelRewriterREWRITE_ARRIVING: d.objects.RewriteArriving,
	} {
		if err := d.objects.Rewriters.Put(uint32(how), program); err != nil {
			return fmt.Errorf("put program that rewrites frames: %w", err)
		}
	}
	return nil
}

// Attach puts the programs on a host-side link, which drops everything until
// Connect. The calling thread is in the link's network namespace, and the link
// is best still down: then no frame ever passes unjudged.
func (d *Dataplane) Attach(port policy.Port, outside bool) error {
	d.mu.Lock()
	defer d.mu.Unlock()
	a := d.attachment(port)
	if a.closer != nil {
		return nil
	}
	program := d.objects.FromInterface
	if outside {
		program = d.objects.FromOutside
	}
	var closers []func() error
	for _, hook := range []struct {
		attach  ebpf.AttachType
		program *ebpf.Program
		name    string
	}{{ebpf.AttachTCXIngress, program, "in"}, {ebpf.AttachTCXEgress, d.objects.ToPort, "out"}} {
		detach, err := d.attachTo(port, hook.attach, hook.program, hook.name)
		if err != nil {
			return errors.Join(fmt.Errorf("attach program to link %d: %w", port, err), closeAll(closers))
		}
		closers = append(closers, detach)
	}
	a.closer = func() error { return closeAll(closers) }
	return nil
}

func closeAll(closers []func() error) error {
	var errs []error
	for _, c := range closers {
		errs = append(errs, c())
	}
	return errors.Join(errs...)
}

// attachTo attaches one program, or gives the link that an earlier process has
// pinned this program, which no packet notices.
func (d *Dataplane) attachTo(port policy.Port, hook ebpf.AttachType, program *ebpf.Program, name string) (func() error, error) {
	if d.options.ForceFilters {
		return d.attachFilter(port, hook, program)
	}
	pin := ""
	if d.options.Pins != "" {
		pin = filepath.Join(d.options.Pins, fmt.Sprintf("link-%d-%s", port, name))
		if l, err := link.LoadPinnedLink(pin, nil); err == nil {
			if err := reuse(l, port, program); err == nil {
				return unpinner(l), nil
			}
			// Its device is gone: another has the index now.
			if err := errors.Join(l.Unpin(), l.Close()); err != nil {
				return nil, err
			}
		} else if !errors.Is(err, os.ErrNotExist) {
			return nil, fmt.Errorf("load pinned link: %w", err)
		}
	}
	l, err := link.AttachTCX(link.TCXOptions{Interface: int(port), Program: program, Attach: hook, Anchor: link.Head()})
	if errors.Is(err, ebpf.ErrNotSupported) {
		return d.attachFilter(port, hook, program)
	}
	if err != nil {
		return nil, err
	}
	if pin != "" {
		if err := l.Pin(pin); err != nil {
			return nil, errors.Join(fmt.Errorf("pin link: %w", err), l.Close())
		}
	}
	return unpinner(l), nil
}

// attachFilter attaches by a clsact filter, which kernels before 6.6 have.
func (d *Dataplane) attachFilter(port policy.Port, hook ebpf.AttachType, program *ebpf.Program) (func() error, error) {
	if d.options.Filter == nil {
		return nil, errors.New("the kernel has no TCX links, and no way to attach clsact filters was given")
	}
	return d.options.Filter(int(port), hook == ebpf.AttachTCXIngress, program.FD())
}

// reuse swaps the program of a link that is still attached to a port.
func reuse(l link.Link, port policy.Port, program *ebpf.Program) error {
	info, err := l.Info()
	if err != nil {
		return err
	}
	if tcx := info.TCX(); tcx == nil || tcx.Ifindex != uint32(port) {
		return errors.New("pinned link is not attached to this port")
	}
	return l.Update(program)
}

func unpinner(l link.Link) func() error {
	return func() error { return errors.Join(l.Unpin(), l.Close()) }
}

// Detach takes the programs off a link, or forgets those of a link that is
// gone, so that its index can be used again.
func (d *Dataplane) Detach(port policy.Port) error {
	d.mu.Lock()
	defer d.mu.Unlock()
	a := d.attached[port]
	if a == nil {
		return nil
	}
	if a.number != 0 {
		if err := d.disconnect(a); err != nil {
			return err
		}
		d.raiseEpoch()
	}
	delete(d.attached, port)
	if a.closer == nil {
		return nil
	}
	return a.closer()
}
