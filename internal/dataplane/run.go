package dataplane

import (
	"errors"
	"fmt"
	"runtime"
	"sync/atomic"
	"time"
	"unsafe"

	"github.com/cilium/ebpf"
	"golang.org/x/sys/unix"

	"ringfence/internal/policy"
)

// tcRedirect is what a program returns that hands a frame to another port
// (linux/pkt_cls.h).
const tcRedirect = 7

// ErrFrameTooShort is returned by Run for a frame that the kernel takes over a
// link but not in a test run: one without a whole IP header.
var ErrFrameTooShort = errors.New("frame is too short for a test run")

// minRunLength is that of an Ethernet header and an IPv6 header.
const minRunLength = 14 + 40

// StopClock stops the programs' clock at a moment, so that a test decides how
// much time passes between packets.
func (d *Dataplane) StopClock(at time.Duration) {
	c := d.tables.control.at(0)
	atomic.StoreUint64(&c.ClockOffset, uint64(at.Seconds()*float64(c.Hz)))
	atomic.StoreUint64(&c.ClockMask, 0)
}

// Run gives a frame to the program of a port, without any link, and returns
// its verdict and the frame as it would be delivered. The calling thread's
// network namespace must have a link of the port's index.
func (d *Dataplane) Run(port policy.Port, frame []byte) (policy.Verdict, []byte, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.run(&d.objects.kernelPrograms, port, frame)
}

// Ask says what the kernel would make of a packet that no flow covers. Nothing
// is counted, told or remembered. The calling thread is where Run's would be.
func (d *Dataplane) Ask(p *policy.Packet) (policy.Verdict, error) {
	if err := d.PrepareAsk(); err != nil {
		return policy.Verdict{}, err
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	v, _, err := d.run(d.asking, p.Port, policy.FrameOf(p).Bytes())
	return v, err
}

func (d *Dataplane) run(programs *kernelPrograms, port policy.Port, frame []byte) (policy.Verdict, []byte, error) {
	in := skBuff{Ifindex: uint32(port)}
	var out skBuff
	options := ebpf.RunOptions{Data: frame, DataOut: make([]byte, len(frame)+256), Context: in, ContextOut: &out}
	code, err := d.programOf(programs, port).Run(&options)
	if errors.Is(err, unix.EINVAL) && len(frame) < minRunLength {
		return policy.Verdict{}, nil, ErrFrameTooShort
	}
	if err != nil {
		return policy.Verdict{}, nil, fmt.Errorf("run program for a frame of %d bytes: %w", len(frame), err)
	}
	v := policy.Verdict{Reason: toReason(kernelReason(out.Cb[0])), Rule: d.ruleIndexes.rule(out.Cb[1])}
	v.Accept = v.Reason.Accepts()
	if v.Accept {
		v.To = policy.Port(out.Cb[2])
	}
	if redirected := code == tcRedirect; redirected != (v.Accept || v.Reason == policy.Answered) {
		return v, nil, fmt.Errorf("program returned %d for verdict %v", code, v.Reason)
	}
	return v, options.DataOut, nil
}

// skBuff is struct __sk_buff (linux/bpf.h), of which a test run takes and gives
// back the named part.
type skBuff struct {
	Len, PktType, Mark, QueueMapping, Protocol, VlanPresent, VlanTci, VlanProto uint32
	Priority, IngressIfindex, Ifindex, TcIndex                                  uint32
	Cb                                                                          [5]uint32
	_                                                                           [124]byte
}

// Measure runs the program of a port over one frame some times and returns the
// time of one run as the kernel takes it, its loop included.
func (d *Dataplane) Measure(port policy.Port, frame []byte, times int) (time.Duration, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	return measure(d.programOf(&d.objects.kernelPrograms, port), port, frame, times)
}

// MeasureLoop is Measure of a program that does nothing: what the kernel's loop
// itself costs.
func (d *Dataplane) MeasureLoop(port policy.Port, frame []byte, times int) (time.Duration, error) {
	return measure(d.objects.ToPort, port, frame, times)
}

func measure(program *ebpf.Program, port policy.Port, frame []byte, times int) (time.Duration, error) {
	in := skBuff{Ifindex: uint32(port)}
	// union bpf_attr for BPF_PROG_TEST_RUN (linux/bpf.h).
	attr := struct {
		program, retval, dataSize, dataSizeOut uint32
		data, dataOut                          unsafe.Pointer
		repeat, duration                       uint32
		contextSize, contextSizeOut            uint32
		context, contextOut                    unsafe.Pointer
		flags, cpu                             uint32
		batchSize, _                           uint32
	}{
		program: uint32(program.FD()), dataSize: uint32(len(frame)),
		data: unsafe.Pointer(&frame[0]), repeat: uint32(times),
		contextSize: uint32(unsafe.Sizeof(in)), context: unsafe.Pointer(&in),
	}
	errno := unix.EINTR
	for errno == unix.EINTR { // by a signal of Go's scheduler
		_, _, errno = unix.Syscall(unix.SYS_BPF, unix.BPF_PROG_TEST_RUN, uintptr(unsafe.Pointer(&attr)), unsafe.Sizeof(attr))
	}
	runtime.KeepAlive(&in)
	runtime.KeepAlive(frame)
	if errno != 0 {
		return 0, fmt.Errorf("run program %d times: %w", times, errno)
	}
	return time.Duration(attr.duration), nil
}

func (d *Dataplane) programOf(programs *kernelPrograms, port policy.Port) *ebpf.Program {
	if d.tables.ports.at(uint32(port)).Flags&uint32(kernelPortFlagsPORT_OUTSIDE) != 0 {
		return programs.FromOutside
	}
	return programs.FromInterface
}
