package scenario

import (
	"math/rand/v2"
	"time"

	"ringfence/internal/dataplane"
	"ringfence/internal/policy"
)

// Load makes a host and a kernel that know nothing equal to a world.
func Load(h *policy.Host, d *dataplane.Dataplane, w *World) error {
	if err := d.Apply(h, h.Apply(w.Whole())); err != nil {
		return err
	}
	return Connect(h, d, w)
}

// Connect connects all ports of a world, those again whose interface is
// another one now.
func Connect(h *policy.Host, d *dataplane.Dataplane, w *World) error {
	w.Plug(h)
	for port, plug := range w.ports {
		isGone := plug.Interface != "" && h.Interface(plug.Interface) == nil
		if isGone || port == w.unplugged {
			continue
		}
		if err := d.Connect(h, port); err != nil {
			return err
		}
	}
	return nil
}

// Plug puts what a world has behind its ports, without a kernel.
func (w *World) Plug(h *policy.Host) {
	for port, plug := range w.ports {
		if port != w.unplugged {
			h.Connect(port, plug)
		}
	}
}

// Unplug leaves nothing behind one port, until the next change of the world.
func Unplug(h *policy.Host, d *dataplane.Dataplane, w *World) error {
	if w.unplugged != 0 {
		return nil
	}
	w.unplugged = policy.Port(pick(w.rnd, Ports))
	h.Disconnect(w.unplugged)
	return d.Disconnect(w.unplugged)
}

// Pause is a time between two packets. The sum of any few is never so near a
// timeout that the kernel's coarser clock could see it on the other side.
func Pause(rnd *rand.Rand) time.Duration {
	switch rnd.IntN(12) {
	case 0:
		long := pick(rnd, []time.Duration{29, 30, 31, 59, 60, 61, 119, 179, 180, 181, 301, 599, 600, 601, 432001})
		return long*time.Second + 130*time.Millisecond
	default:
		return 200 * time.Microsecond
	}
}
