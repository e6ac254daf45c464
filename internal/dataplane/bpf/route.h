/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
/* Who has an address, and where packets go for addresses that nobody has. */
#ifndef ROUTE_H
#define ROUTE_H

#include "work.h"

static __always_inline struct whereabouts *locate(__u32 network, const struct addr *a)
{
	struct location key = {.network = network, .addr = *a};

	return bpf_map_lookup_elem(&locations, &key);
}

/* The public IPv4 address of a private one of an interface, 0 for none. */
static __always_inline __be32 find_public(__u32 network, __u32 number, const struct addr *a)
{
	struct location key = {.network = network, .addr = *a};
	struct public *p = bpf_map_lookup_elem(&publics, &key);

	return p && p->number == number ? p->addr : 0;
}

/* Whether an address is one of those of whoever is behind a port. */
static __always_inline bool owns(const struct port *port, const struct addr *a)
{
	struct whereabouts *at;

	if (same_addr(a, &port->addr))
		return true;
	at = locate(port->network, a);
	return at && at->number == port->number;
}

/* The route for what leaves a subnet, NULL for none. */
static __always_inline struct route *find_route(__u32 subnet, const struct addr *dst)
{
	struct route_key key = {.prefixlen = 32 + 128, .subnet = bpf_htonl(subnet), .addr = *dst};

	return bpf_map_lookup_elem(&routes, &key);
}

#endif
