/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
/* The short way of packets that nothing has to be decided about. */
#ifndef FAST_H
#define FAST_H

#include "usual.h"
#include "deliver.h"

/* The port to which a packet goes at once, 0 for one that must go the whole
 * way: it belongs to a flow that was judged at this very epoch, from this end,
 * and nothing about the flow changes but its counters.
 */
static __always_inline __u32 fast(struct __sk_buff *skb, struct work *w, const struct port *port)
{
	const struct packet *p = &w->p;
	struct flow_half *half;
	struct flow_key key;
	struct flow *f;
	__u32 from, to, ip;

	if (p->tcp_flags & (TCP_FIN | TCP_SYN | TCP_RST))
		return 0;
	if (!same_addr(&p->t.src, &port->addr) || !same_mac(&p->ether.from, &port->mac))
		return 0;
	ip = ipv4_of(&p->t.dst);
	if (p->ether.to.part[0] != bpf_htons(0x0252) || p->ether.to.part[1] != (__u16)ip ||
	    p->ether.to.part[2] != ip >> 16)
		return 0;
	from = make_key(&key, &p->t, port->network) & 1;
	f = bpf_map_lookup_elem(&flows, &key);
	if (!f || (f->flags & (FLOW_PLAIN | FLOW_CUT | FLOW_RESET | FLOW_FIN | FLOW_FIN << 1)) != FLOW_PLAIN)
		return 0;
	if (f->epoch[from] != w->epoch || f->number[from] != port->number)
		return 0;
	half = &f->half[from];
	if (half->last != w->now) {
		if (expired(f, p->t.proto, w->now, w->hz))
			return 0;
		half->last = w->now;
	}
	if (!(f->flags & FLOW_STREAM))
		note_answer(f, from);
	half->bytes += w->frame_length;
	half->packets += w->segments;
	to = f->ifindex[from ^ 1];
	show(skb, f->flags & FLOW_LINGERS ? LINGERING : KNOWN, decisive(f), to);
	return to;
}

#endif
