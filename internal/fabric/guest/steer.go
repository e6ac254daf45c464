package guest

import (
	"context"
	"fmt"
	"net"
	"net/netip"
	"os"

	"github.com/cilium/ebpf"
	"github.com/cilium/ebpf/asm"
	"github.com/cilium/ebpf/link"
	"golang.org/x/sys/unix"
)

// Programs in a machine may listen on every address at port 80 or 53, and Linux
// would refuse them while the init listens there on one. So the init listens
// on another port, and a program of the kernel's socket lookup gives it the
// connections that are meant for it (Linux, Documentation/bpf/prog_sk_lookup.rst).

// offsets in struct bpf_sk_lookup (linux/bpf.h).
const (
	lookupFamily    = 8
	lookupProtocol  = 12
	lookupLocalIP4  = 40 // network order
	lookupLocalPort = 60 // host order
)

// listenTCP listens for TCP connections to each of addrs, which belong to this
// machine. It leaves their ports free where the kernel lets it.
func (m *machine) listenTCP(addrs []netip.AddrPort) ([]*net.TCPListener, error) {
	listeners := make([]*net.TCPListener, len(addrs))
	for i, a := range addrs {
		l, err := listenPlainTCP(netip.AddrPortFrom(a.Addr(), 0))
		if err != nil {
			return nil, err
		}
		listeners[i] = l
	}
	err := m.steer(addrs, listeners)
	if err == nil {
		return listeners, nil
	}
	m.log.Warn("the ports of the machine's own services are not free for its programs", "err", err)
	for i, a := range addrs {
		listeners[i].Close()
		l, err := listenPlainTCP(a)
		if err != nil {
			return nil, err
		}
		listeners[i] = l
	}
	return listeners, nil
}

// listenPlainTCP listens without Multipath TCP, whose sockets cannot be steered
// to.
func listenPlainTCP(a netip.AddrPort) (*net.TCPListener, error) {
	var config net.ListenConfig
	config.SetMultipathTCP(false)
	l, err := config.Listen(context.Background(), "tcp4", a.String())
	if err != nil {
		return nil, err
	}
	return l.(*net.TCPListener), nil
}

// steer gives connections to addrs[i] to listeners[i], in this network
// namespace, for as long as m.steering is reachable.
func (m *machine) steer(addrs []netip.AddrPort, listeners []*net.TCPListener) error {
	sockets, err := ebpf.NewMap(&ebpf.MapSpec{
		Name: "steered", Type: ebpf.SockHash, KeySize: 8, ValueSize: 8, MaxEntries: uint32(max(1, len(addrs))),
	})
	if err != nil {
		return fmt.Errorf("make socket map: %w", err)
	}
	defer sockets.Close() // the program keeps it
	for i, l := range listeners {
		if err := putSocket(sockets, addrs[i], l); err != nil {
			return fmt.Errorf("put %s into socket map: %w", addrs[i], err)
		}
	}
	program, err := ebpf.NewProgram(&ebpf.ProgramSpec{
		Name: "steer", Type: ebpf.SkLookup, AttachType: ebpf.AttachSkLookup, License: "Dual MIT/GPL",
		Instructions: asm.Instructions{
			asm.Mov.Reg(asm.R6, asm.R1),
			asm.LoadMem(asm.R2, asm.R6, lookupFamily, asm.Word),
			asm.JNE.Imm(asm.R2, unix.AF_INET, "pass"),
			asm.LoadMem(asm.R2, asm.R6, lookupProtocol, asm.Word),
			asm.JNE.Imm(asm.R2, unix.IPPROTO_TCP, "pass"),
			// The key, as putSocket makes it.
			asm.LoadMem(asm.R2, asm.R6, lookupLocalIP4, asm.Word),
			asm.StoreMem(asm.RFP, -8, asm.R2, asm.Word),
			asm.LoadMem(asm.R2, asm.R6, lookupLocalPort, asm.Word),
			asm.StoreMem(asm.RFP, -4, asm.R2, asm.Word),
			asm.LoadMapPtr(asm.R1, sockets.FD()),
			asm.Mov.Reg(asm.R2, asm.RFP),
			asm.Add.Imm(asm.R2, -8),
			asm.FnMapLookupElem.Call(),
			asm.JEq.Imm(asm.R0, 0, "pass"),
			asm.Mov.Reg(asm.R7, asm.R0),
			asm.Mov.Reg(asm.R1, asm.R6),
			asm.Mov.Reg(asm.R2, asm.R7),
			asm.Mov.Imm(asm.R3, 0),
			asm.FnSkAssign.Call(),
			asm.Mov.Reg(asm.R1, asm.R7),
			asm.FnSkRelease.Call(),
			asm.Mov.Imm(asm.R0, 1).WithSymbol("pass"), // SK_PASS: go on with the socket, if one was assigned
			asm.Return(),
		},
	})
	if err != nil {
		return fmt.Errorf("load socket lookup: %w", err)
	}
	defer program.Close()
	self, err := os.Open("/proc/self/ns/net")
	if err != nil {
		return err
	}
	defer self.Close()
	m.steering, err = link.AttachNetNs(int(self.Fd()), program)
	if err != nil {
		return fmt.Errorf("attach socket lookup: %w", err)
	}
	return nil
}

func putSocket(sockets *ebpf.Map, a netip.AddrPort, l *net.TCPListener) error {
	ip := a.Addr().As4()
	raw, err := l.SyscallConn()
	if err != nil {
		return err
	}
	var put error
	err = raw.Control(func(fd uintptr) {
		put = sockets.Put(struct {
			IP   [4]byte
			Port uint32
		}{ip, uint32(a.Port())}, uint64(fd))
	})
	if err != nil {
		return err
	}
	return put
}
