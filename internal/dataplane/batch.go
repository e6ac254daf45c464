package dataplane

import (
	"errors"
	"fmt"

	"github.com/cilium/ebpf"
)

// putAll writes many entries of a map with as few calls as the kernel allows.
// Large tries refuse a batch with ENOMEM now and then; single puts do not.
func putAll[K, V any](m *ebpf.Map, keys []K, values []V) error {
	if len(keys) == 0 {
		return nil
	}
	if len(keys) > 1 {
		if n, err := m.BatchUpdate(keys, values, nil); err == nil {
			return nil
		} else if n < len(keys) { // the kernel may not have counted at all
			keys, values = keys[n:], values[n:]
		}
	}
	for i := range keys {
		if err := m.Put(&keys[i], &values[i]); err != nil {
			return fmt.Errorf("put entry of map %v: %w", m, err)
		}
	}
	return nil
}

// deleteAll removes entries; one that is not there is no error.
func deleteAll[K any](m *ebpf.Map, keys []K) error {
	if len(keys) > 1 {
		if n, err := m.BatchDelete(keys, nil); err == nil {
			return nil
		} else if n < len(keys) {
			keys = keys[n:]
		}
	}
	for i := range keys {
		if err := m.Delete(&keys[i]); err != nil && !errors.Is(err, ebpf.ErrKeyNotExist) {
			return fmt.Errorf("delete entry of map %v: %w", m, err)
		}
	}
	return nil
}
