/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
/* Who has an address. */
#ifndef LOCATE_H
#define LOCATE_H

#include "work.h"

static __always_inline struct whereabouts *locate(__u32 network, const struct addr *a)
{
	struct location key = {.network = network, .addr = *a};

	return bpf_map_lookup_elem(&locations, &key);
}

#endif
