/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
/* Sizes are defaults; the agent sets them before it creates the maps. */
#ifndef RINGFENCE_MAPS_H
#define RINGFENCE_MAPS_H

#include "ringfence.h"

#define MAP(name_, type_, key_, value_, entries_, flags_)                                                              \
	struct {                                                                                                       \
		__uint(type, type_);                                                                                   \
		__type(key, key_);                                                                                     \
		__type(value, value_);                                                                                 \
		__uint(max_entries, entries_);                                                                         \
		__uint(map_flags, flags_);                                                                             \
		__uint(pinning, LIBBPF_PIN_BY_NAME);                                                                   \
	} name_ SEC(".maps")

MAP(ports, BPF_MAP_TYPE_ARRAY, __u32, struct port, 4096, BPF_F_MMAPABLE);
MAP(locations, BPF_MAP_TYPE_HASH, struct location, struct whereabouts, 1 << 20, BPF_F_NO_PREALLOC);

/* The public IPv4 addresses of private ones. */
MAP(publics, BPF_MAP_TYPE_HASH, struct location, struct public, 1 << 17, BPF_F_NO_PREALLOC);

/* Asked about what nobody in the network has. */
MAP(routes, BPF_MAP_TYPE_LPM_TRIE, struct route_key, struct route, 1 << 17, BPF_F_NO_PREALLOC);

/* Judged by: written in place through a mapping, see struct judges. */
MAP(sets, BPF_MAP_TYPE_ARRAY, __u32, struct judges, 1 << 16, BPF_F_MMAPABLE);
MAP(subnets, BPF_MAP_TYPE_ARRAY, __u32, struct judges, 1 << 14, BPF_F_MMAPABLE);

MAP(slots, BPF_MAP_TYPE_ARRAY, __u32, struct slot, 1 << 15, 0);
MAP(identities, BPF_MAP_TYPE_HASH, struct identity_key, struct vector, 1 << 20, BPF_F_NO_PREALLOC);
MAP(cidrs, BPF_MAP_TYPE_LPM_TRIE, struct cidr_key, struct vector, 1 << 20, BPF_F_NO_PREALLOC);
MAP(l4, BPF_MAP_TYPE_LPM_TRIE, struct l4_key, struct vector, 1 << 20, BPF_F_NO_PREALLOC);
MAP(parts, BPF_MAP_TYPE_ARRAY, __u32, struct summary, 1 << 19, BPF_F_MMAPABLE);
MAP(chunks, BPF_MAP_TYPE_ARRAY, __u32, struct vector, 1 << 18, BPF_F_MMAPABLE);

/* The host-wide numbers of the rules of each slot, for counters and names. */
MAP(rule_numbers, BPF_MAP_TYPE_ARRAY, __u32, struct rule_number, 1 << 19, BPF_F_MMAPABLE);

/* Names for them, for whoever reads them. */
MAP(rule_names, BPF_MAP_TYPE_HASH, __u32, struct rule_name, 1 << 17, BPF_F_NO_PREALLOC);

MAP(flows, BPF_MAP_TYPE_HASH, struct flow_key, struct flow, 1 << 18, 0);
MAP(seeds, BPF_MAP_TYPE_LRU_HASH, struct seed_key, struct seed, 1 << 14, 0);

MAP(budgets, BPF_MAP_TYPE_ARRAY, __u32, struct budget, 4096, BPF_F_MMAPABLE);
MAP(pending, BPF_MAP_TYPE_ARRAY, __u32, struct flow_key, PENDING_PLACES *PENDING_INTERFACES, 0);
MAP(collection, BPF_MAP_TYPE_ARRAY, __u32, struct collection, 1, BPF_F_MMAPABLE);

MAP(hits, BPF_MAP_TYPE_PERCPU_ARRAY, __u32, __u64, 1 << 17, 0);
MAP(drops, BPF_MAP_TYPE_PERCPU_HASH, struct drop_key, struct drop_count, 1 << 16, BPF_F_NO_PREALLOC);

/* The programs of rewrite.h. */
MAP(rewriters, BPF_MAP_TYPE_PROG_ARRAY, __u32, __u32, 4, 0);

struct {
	__uint(type, BPF_MAP_TYPE_RINGBUF);
	__uint(max_entries, 8 << 20);
	__uint(pinning, LIBBPF_PIN_BY_NAME);
} events SEC(".maps");

/* Interfaces of which all is told, and how many events of theirs found no room. */
MAP(watched, BPF_MAP_TYPE_HASH, __u32, __u8, 1 << 12, BPF_F_NO_PREALLOC);
MAP(lost, BPF_MAP_TYPE_PERCPU_ARRAY, __u32, __u64, 1, 0);

MAP(control, BPF_MAP_TYPE_ARRAY, __u32, struct control, 1, BPF_F_MMAPABLE);

#endif
