/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
/* The short way of packets that nothing has to be decided about: they belong to
 * a flow that was judged at this very epoch, from this end, and nothing about
 * the flow changes but its counters. Where they go is known since then.
 */
#ifndef FAST_H
#define FAST_H

#include "usual.h"
#include "deliver.h"

/* The flow of w->p that interface number, or for 0 a host on the internet side,
 * sends in a network; NULL if it must go the whole way. *from is its end.
 */
static __always_inline struct flow *settled(struct work *w, __u32 network, __u32 number, __u32 *from)
{
	const struct packet *p = &w->p;
	struct flow_end *e;
	struct flow_key key;
	struct flow *f;

	if (p->tcp_flags & (TCP_FIN | TCP_SYN | TCP_RST))
		return NULL;
	*from = make_key(&key, &p->t, network, 0, 0) & 1;
	f = bpf_map_lookup_elem(&flows, &key);
	if (!f || f->flags & (FLOW_CUT | FLOW_RESET | FLOW_FIN | FLOW_FIN << 1))
		return NULL;
	e = &f->end[*from];
	if (e->epoch != w->epoch || e->number != number || !f->end[*from ^ 1].ifindex)
		return NULL;
	if (e->last != w->now) {
		if (expired(f, p->t.proto, w->now, w->hz))
			return NULL;
		e->last = w->now;
	}
	if (!(f->flags & FLOW_STREAM))
		note_answer(f, *from);
	e->bytes += w->frame_length;
	e->packets += w->segments;
	return f;
}

static __always_inline void show_settled(struct __sk_buff *skb, const struct flow *f, __u32 ifindex)
{
	show(skb, f->flags & FLOW_LINGERS ? LINGERING : KNOWN, decisive(f), ifindex);
}

static __always_inline int deliver_settled(struct __sk_buff *skb, const struct work *w, const struct flow *f,
					   __u32 from)
{
	const struct flow_end *to = &f->end[from ^ 1];

	show_settled(skb, f, to->ifindex);
	return deliver(skb, &w->p, to->ifindex, to->mac, f->flags & FLOW_ROUTED);
}

/* The checksum of an IPv4 header in which old has become new (RFC 1624). */
static __always_inline __be16 checksum_after(__be16 checksum, __be32 old, __be32 new)
{
	__u32 sum = (__u16)~checksum + (__u16)~old + (~old >> 16) + (__u16) new + (new >> 16);

	sum = (sum & 0xffff) + (sum >> 16);
	return ~(sum + (sum >> 16));
}

/* Delivers a usual IPv4 packet with an address of its sender, or of its receiver,
 * exchanged: each write costs about as much as a look-up, so there is one for all
 * but the transport's checksum.
 */
static __always_inline int deliver_exchanged(struct __sk_buff *skb, const struct work *w, const struct flow *f,
					     __u32 from, bool sender, __be32 old, __be32 new)
{
	const struct flow_end *to = &f->end[from ^ 1];
	struct usual_ipv4 *h = (void *)(long)skb->data, head;

	if ((void *)(h + 1) > (void *)(long)skb->data_end)
		return TC_ACT_SHOT; /* it was longer when it was parsed */
	head = *h;
	head.ether.to = mac_of(to->mac);
	head.ether.from = (struct mac)ROUTER_MAC;
	head.checksum = checksum_after(head.checksum, old, new);
	if (sender) {
		head.src[0] = new;
		head.src[1] = new >> 16;
	} else {
		head.dst[0] = new;
		head.dst[1] = new >> 16;
	}
	exchange_transport(skb, &w->p, old, new);
	bpf_skb_store_bytes(skb, 0, &head, sizeof(head), 0);
	show_settled(skb, f, to->ifindex);
	return hand_over(skb, to->ifindex);
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
	if (!f)
		return WHOLE_WAY;
	if (f->public)
		return deliver_exchanged(skb, w, f, from, true, ipv4_of(&w->p.t.src), f->public);
	return deliver_settled(skb, w, f, from);
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
	if (f->public)
		return deliver_exchanged(skb, w, f, from, false, f->public, ipv4_of(&to->private));
	return deliver_settled(skb, w, f, from);
}

#endif
