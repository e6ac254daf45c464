package dataplane

import (
	"errors"
	"fmt"
	"sync/atomic"
	"unsafe"

	"github.com/cilium/ebpf"
	"golang.org/x/sys/unix"
)

// A shared array is a kernel array that is written by plain stores, so that
// what a program reads in one load changes in one step.
type shared[T any] struct {
	mem    []byte
	values []T
}

func share[T any](m *ebpf.Map, s **shared[T]) error {
	var zero T
	size := int(unsafe.Sizeof(zero)) * int(m.MaxEntries())
	page := unix.Getpagesize()
	mem, err := unix.Mmap(m.FD(), 0, (size+page-1)/page*page, unix.PROT_READ|unix.PROT_WRITE, unix.MAP_SHARED)
	if err != nil {
		return fmt.Errorf("map memory of %v: %w", m, err)
	}
	*s = &shared[T]{mem, unsafe.Slice((*T)(unsafe.Pointer(&mem[0])), m.MaxEntries())}
	return nil
}

func (s *shared[T]) at(index uint32) *T { return &s.values[index] }

func (s *shared[T]) len() uint32 { return uint32(len(s.values)) }

func (s *shared[T]) close() error {
	if s == nil {
		return nil
	}
	return unix.Munmap(s.mem)
}

// publish gives a set, or a subnet's ACL, its slots: both by one store, the
// version after them. See struct judges.
func publish(j *kernelJudges, ingress, egress, version uint32) {
	both := (*uint64)(unsafe.Pointer(&j.Ingress))
	atomic.StoreUint64(both, uint64(ingress)|uint64(egress)<<32)
	atomic.StoreUint32(&j.Version, version)
}

// tables are all arrays that are written in place.
type tables struct {
	control       *shared[kernelControl]
	ports         *shared[kernelPort]
	sets, subnets *shared[kernelJudges]
	ruleNumbers   *shared[kernelRuleNumber]
	parts         *shared[kernelSummary]
	chunks        *shared[kernelVector]
	budgets       *shared[kernelBudget]
	collection    *shared[kernelCollection]
}

func (t *tables) open(m *kernelMaps) error {
	return errors.Join(
		share(m.Control, &t.control), share(m.Ports, &t.ports), share(m.Sets, &t.sets), share(m.Subnets, &t.subnets),
		share(m.RuleNumbers, &t.ruleNumbers), share(m.Parts, &t.parts), share(m.Chunks, &t.chunks),
		share(m.Budgets, &t.budgets), share(m.Collection, &t.collection),
	)
}

func (t *tables) close() error {
	return errors.Join(
		t.control.close(), t.ports.close(), t.sets.close(), t.subnets.close(),
		t.ruleNumbers.close(), t.parts.close(), t.chunks.close(), t.budgets.close(), t.collection.close(),
	)
}
