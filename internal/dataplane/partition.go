package dataplane

import (
	"cmp"
	"fmt"
	"slices"

	"github.com/cilium/ebpf"
)

// A partition is the entries of one trie that a division has.
type partition[K trieKey[K]] struct {
	trie  *ebpf.Map
	parts map[K]uint32 // by their keys in division 0
}

// A trieKey is of a trie in which the longest match counts.
type trieKey[K any] interface {
	comparable
	in(division uint32) K
	length() uint32
	shorter() K // by its last bit
}

// missing counts the entries that are no parts yet.
func (p *partition[K]) missing(entries []entry[K]) int {
	n := 0
	for _, e := range entries {
		if _, ok := p.parts[e.key]; !ok {
			n++
		}
	}
	return n
}

// find returns the part that the trie has for a key.
func (p *partition[K]) find(key K) (uint32, error) {
	var found kernelVector
	if err := p.trie.Lookup(&key, &found); err != nil {
		return 0, fmt.Errorf("look up %+v in map %v: %w", key, p.trie, err)
	}
	return uint32(found.Word[0]), nil
}

// drop removes the entries of a division.
func (p *partition[K]) drop(division uint32) error {
	var keys []K
	for k := range p.parts {
		keys = append(keys, k.in(division))
	}
	return deleteAll(p.trie, keys)
}

// extend makes parts of entries that are none yet.
func extend[K trieKey[K]](d *Dataplane, v *division, p *partition[K], entries []entry[K]) error {
	var keys []K
	var values []kernelVector
	for _, e := range entries {
		if _, ok := p.parts[e.key]; !ok {
			p.parts[e.key] = uint32(v.used)
			keys, values = append(keys, e.key.in(v.number)), append(values, kernelVector{Word: [chunkWords]uint64{uint64(v.used)}})
			v.used++
		}
	}
	if len(v.slots) == 0 {
		return putAll(p.trie, keys, values)
	}
	for i, k := range keys {
		around, err := p.find(k)
		if err != nil {
			return err
		}
		for s := range v.slots {
			*d.part(s, uint32(values[i].Word[0])) = *d.part(s, around)
		}
		d.step()
		if err := putAll(p.trie, keys[i:i+1], values[i:i+1]); err != nil {
			return err
		}
	}
	return nil
}

// fill summarizes the rules of a slot about each part, adding to chunks. A part
// that is none of its own entries means what the one around it does.
func fill[K trieKey[K]](v *division, p *partition[K], entries []entry[K], summaries []kernelSummary, chunks *[]kernelVector) error {
	own := make([]bool, v.room)
	for _, e := range entries {
		part := p.parts[e.key]
		own[part], summaries[part] = true, summarize(e.rules, chunks)
	}
	if len(entries) == len(p.parts) {
		return nil
	}
	var others []K
	for k, part := range p.parts {
		if !own[part] {
			others = append(others, k)
		}
	}
	slices.SortFunc(others, func(a, b K) int { return cmp.Compare(a.length(), b.length()) }) // the widest first
	for _, k := range others {
		around, err := p.find(k.in(v.number).shorter())
		if err != nil {
			return err
		}
		summaries[p.parts[k]] = summaries[around]
	}
	return nil
}
