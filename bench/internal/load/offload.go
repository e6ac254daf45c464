package load

import (
	"fmt"
	"unsafe"

	"golang.org/x/sys/unix"

	"ringfence/bench/internal/netns"
)

// SetSegmentation lets a machine's eth0 take TCP segments of up to 64 KB, as a
// veth does, or makes the sender cut them to the size of a frame first.
func SetSegmentation(in *netns.Namespace, on bool) error {
	return in.Do(func() error {
		s, err := unix.Socket(unix.AF_INET, unix.SOCK_DGRAM|unix.SOCK_CLOEXEC, 0)
		if err != nil {
			return err
		}
		defer unix.Close(s)
		for _, command := range []uint32{unix.ETHTOOL_STSO, unix.ETHTOOL_SGSO} {
			if err := setOffload(s, "eth0", command, on); err != nil {
				return fmt.Errorf("set segmentation offload of eth0: %w", err)
			}
		}
		return nil
	})
}

// setOffload is ethtool(8) -K.
func setOffload(s int, device string, command uint32, on bool) error {
	value := struct{ command, data uint32 }{command: command} // struct ethtool_value
	if on {
		value.data = 1
	}
	request := struct { // struct ifreq
		name [unix.IFNAMSIZ]byte
		data unsafe.Pointer
		_    [16]byte
	}{data: unsafe.Pointer(&value)}
	copy(request.name[:], device)
	_, _, errno := unix.Syscall(unix.SYS_IOCTL, uintptr(s), unix.SIOCETHTOOL, uintptr(unsafe.Pointer(&request)))
	if errno != 0 {
		return errno
	}
	return nil
}
