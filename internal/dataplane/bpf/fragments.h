/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
/* What the first fragment of a datagram leaves for the later ones. */
#ifndef FRAGMENTS_H
#define FRAGMENTS_H

#include "flow.h"

static __always_inline void make_seed_key(struct work *w)
{
	w->seed_key.src = w->p.t.src;
	w->seed_key.dst = w->p.t.dst;
	w->seed_key.network = w->network;
	w->seed_key.id = w->p.id;
	w->seed_key.proto = is_ipv4(&w->p.t.src) ? w->p.t.proto : 0;
}

static __always_inline struct seed *find_seed(struct work *w)
{
	struct seed *s;

	make_seed_key(w);
	s = bpf_map_lookup_elem(&seeds, &w->seed_key);
	return s && (__s64)(w->clock - s->at) <= FRAGMENT_SEED * w->hz ? s : NULL;
}

static __always_inline void plant(struct work *w)
{
	make_seed_key(w);
	w->seed.sport = w->p.t.sport;
	w->seed.dport = w->p.t.dport;
	w->seed.match = w->p.match;
	w->seed.in_flow = w->p.in_flow;
	w->seed.proto = w->p.t.proto;
	w->seed.at = w->clock;
	bpf_map_update_elem(&seeds, &w->seed_key, &w->seed, BPF_ANY);
}

#endif
