/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
/* The short way of packets that nothing has to be decided about: they belong to
 * a flow that was judged at this very epoch, from this end. Where they go is known
 * since then.
 */
#ifndef FAST_H
#define FAST_H

#include "usual.h"
#include "deliver.h"

/* The flow of w->p that interface number, or for 0 a host on the internet side,
 * sends in a network; NULL if it must go the whole way. *from is its end, w->key
 * its key.
 */
static __always_inline struct flow *settled(struct work *w, __u32 network, __u32 number, __u32 *from)
{
	const struct packet *p = &w->p;
	const struct flow_end *e;
	struct flow *f;

	if ((p->tcp_flags & (TCP_SYN | TCP_ACK)) == TCP_SYN)
		return NULL;
	*from = make_key(&w->key, &p->t, network, 0, 0) & 1;
	f = bpf_map_lookup_elem(&flows, &w->key);
	if (!f || f->flags & FLOW_CUT)
		return NULL;
	e = &f->end[*from];
	if (e->epoch != w->epoch || e->number != number || !f->end[*from ^ 1].ifindex)
		return NULL;
	if (e->last != w->now && expired(f, p->t.proto, w->now, w->hz))
		return NULL;
	return f;
}

/* Delivers w->p as a packet of a settled flow. Where it goes is read before the
 * flow may be forgotten: another CPU might have use for its memory at once.
 */
static __always_inline int pass_settled(struct __sk_buff *skb, struct work *w, struct flow *f, __u32 from,
					__u32 exchange, __be32 address)
{
	const struct flow_end *to = &f->end[(from ^ 1) & 1];
	__u32 ifindex = to->ifindex, mac = to->mac, flags = f->flags;

	show(skb, flags & FLOW_LINGERS ? LINGERING : KNOWN, decisive(f), ifindex);
	if (observe(f, &w->p, from, w))
		bpf_map_delete_elem(&flows, &w->key);
	if (address)
		return rewrite(skb, exchange, mac, address);
	return deliver(skb, &w->p, ifindex, mac, flags & FLOW_ROUTED);
}

enum { WHOLE_WAY = -2 }; /* no TC_ACT_ is that */

/* A packet of an interface. */
static __always_inline int fast_from_interface(struct __sk_buff *skb, struct work *w, const struct port *port)
{
	struct flow *f;
	__u32 from;

	if (only_asks || !same_mac(&w->p.ether.from, &port->mac))
		return WHOLE_WAY;
	f = settled(w, port->network, port->number, &from);
	return f ? pass_settled(skb, w, f, from, REWRITE_LEAVING, f->public) : WHOLE_WAY;
}

/* A packet of a host on the internet side to an interface. */
static __always_inline int fast_from_outside(struct __sk_buff *skb, struct work *w, const struct whereabouts *to)
{
	struct addr public = w->p.t.dst;
	struct flow *f;
	__u32 from;

	if (only_asks || !to->network)
		return WHOLE_WAY;
	w->p.t.dst = to->private;
	f = settled(w, to->network, 0, &from);
	w->p.t.dst = public;
	if (!f)
		return WHOLE_WAY;
	return pass_settled(skb, w, f, from, REWRITE_ARRIVING, f->public ? ipv4_of(&to->private) : 0);
}

#endif
