package fabric

import (
	"fmt"

	"github.com/vishvananda/netlink"
)

// Scratch runs fn on a thread in a network namespace of its own, which has a
// link of each index and is gone when fn returns. Programs that look at a
// frame's link can be run there without a machine behind any.
func Scratch(indexes []int, fn func() error) error {
	return OnOwnThread(func() error {
		if err := newNetwork(); err != nil {
			return err
		}
		h, err := netlink.NewHandle()
		if err != nil {
			return fmt.Errorf("open netlink: %w", err)
		}
		defer h.Close()
		for _, i := range indexes {
			link := &netlink.Bridge{LinkAttrs: netlink.LinkAttrs{Name: fmt.Sprintf("port%d", i), Index: i}}
			if err := h.LinkAdd(link); err != nil {
				return fmt.Errorf("add link %d: %w", i, err)
			}
		}
		return fn()
	})
}
