package fabric

import (
	"errors"
	"fmt"
	"os"

	"github.com/vishvananda/netlink"
	"golang.org/x/sys/unix"
)

// AttachFilter attaches a BPF program, given by its file descriptor, to a link
// of the calling thread's network namespace: where frames come in from the
// link, or where they leave by it. A filter of an earlier process is replaced
// in one step. It returns what detaches the program.
func AttachFilter(index int, ingress bool, program int) (detach func() error, err error) {
	clsact := &netlink.GenericQdisc{
		QdiscAttrs: netlink.QdiscAttrs{LinkIndex: index, Handle: netlink.MakeHandle(0xffff, 0), Parent: netlink.HANDLE_CLSACT},
		QdiscType:  "clsact",
	}
	if err := netlink.QdiscAdd(clsact); err != nil && !errors.Is(err, os.ErrExist) {
		return nil, fmt.Errorf("add clsact to link %d: %w", index, err)
	}
	filter := &netlink.BpfFilter{
		FilterAttrs: netlink.FilterAttrs{
			LinkIndex: index, Parent: netlink.HANDLE_MIN_EGRESS, Handle: 1, Priority: 1, Protocol: unix.ETH_P_ALL,
		},
		Fd: program, Name: "ringfence", DirectAction: true,
	}
	if ingress {
		filter.Parent = netlink.HANDLE_MIN_INGRESS
	}
	if err := netlink.FilterReplace(filter); err != nil {
		return nil, fmt.Errorf("add filter to link %d: %w", index, err)
	}
	return func() error {
		// Gone with the link, where that was faster.
		if err := netlink.FilterDel(filter); err != nil && !errors.Is(err, unix.ENODEV) && !errors.Is(err, unix.EINVAL) {
			return fmt.Errorf("remove filter of link %d: %w", index, err)
		}
		return nil
	}, nil
}
