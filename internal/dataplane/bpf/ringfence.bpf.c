// SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause
/* The programs. Each is attached where frames of one kind of port come in, and
 * is the way of a packet from top to bottom: docs/packet.md draws it, and
 * policy.Host.Decide is the same lines in Go.
 *
 * A verdict is left in skb->cb, for whoever runs a program by hand:
 * cb[0] reason, cb[1] rule, cb[2] port that the packet is delivered to.
 */
#include "fast.h"
#include "neighbours.h"

static __always_inline int answer(struct __sk_buff *skb, struct work *w, int reason)
{
	show(skb, reason, w->rule, 0);
	if (reason == ANSWERED)
		return hand_over(skb, skb->ifindex);
	if (reason == IGNORED)
		return TC_ACT_SHOT;
	return discard(skb, w, reason);
}

/* How many packets a frame stands for. Only a long one can be more than one,
 * and to know costs a look at another cache line.
 */
static __always_inline __u32 segments(const struct __sk_buff *skb)
{
	return skb->len > 1600 ? skb->gso_segs ?: 1 : 1;
}

/* Prepares w for a frame by a port with the number of whoever is behind it. */
static __always_inline bool begin(struct __sk_buff *skb, struct work *w, __u32 number)
{
	struct control *c = get_control();

	w->rule = 0;
	w->judged = number;
	w->frame_length = skb->len;
	w->segments = segments(skb);
	if (!c)
		return false;
	w->epoch = *(volatile __u32 *)&c->epoch;
	w->strict = c->strict;
	w->now = ticks_now(c);
	w->hz = c->hz;
	w->half_open_limit = c->half_open_limit;
	return true;
}

/* A frame by a port of which nothing is known. It is not looked at, and *w is
 * still that of another frame.
 */
static __always_inline int from_nobody(struct __sk_buff *skb, struct work *w)
{
	__builtin_memset(&w->p, 0, sizeof(w->p));
	begin(skb, w, 0);
	return answer(skb, w, UNKNOWN_PORT);
}

/* Reads a frame that is not a usual one. Returns UNDECIDED for one that is a
 * packet to decide about.
 */
static __always_inline int parse(struct __sk_buff *skb, struct work *w, struct port *port)
{
	__builtin_memset(&w->p, 0, sizeof(w->p));
	if (bpf_skb_load_bytes(skb, 0, &w->p.ether, sizeof(w->p.ether)))
		return MALFORMED;
	if (skb->vlan_present)
		return NOT_IP;
	if (w->p.ether.type == bpf_htons(ETHER_ARP))
		return answer_arp(skb, port);
	if (w->p.ether.type != bpf_htons(ETHER_IPV4))
		return NOT_IP;
	return parse_ipv4(skb, &w->p);
}

static __always_inline bool is_multicast(const struct addr *a)
{
	__u8 first = (__u8)ipv4_of(a);

	return first == 0 || first >= 224;
}

static __always_inline void end_at(struct end *e, const struct port *p, __u32 ifindex)
{
	e->number = p->number;
	e->ifindex = ifindex;
	e->set = *(volatile __u32 *)&p->set;
	e->subnet = *(volatile __u32 *)&p->subnet;
	e->primary = true;
}

static __always_inline void internet(struct end *e)
{
	__builtin_memset(e, 0, sizeof(*e));
}

static __always_inline bool receiver_at(struct work *w, __u32 ifindex, __u32 number)
{
	struct port *port = bpf_map_lookup_elem(&ports, &ifindex);

	if (!port || port->number != number)
		return false;
	end_at(&w->end[RECEIVER], port, ifindex);
	w->end[RECEIVER].primary = same_addr(&w->p.t.dst, &port->addr);
	return true;
}

/* A packet on the internet side, to another host there or to the public
 * address of an interface. w->end[SENDER] is the internet.
 */
static __always_inline int to_public(struct __sk_buff *skb, struct work *w, struct whereabouts *to)
{
	if (!to->network) /* nothing judges on the internet side */
		return ADMITTED;
	internet(&w->end[SENDER]);
	if (!receiver_at(w, to->ifindex, to->number))
		return NO_ROUTE;
	w->network = to->network;
	arrive(skb, &w->p, &to->private);
	return pass(w);
}

static __always_inline int finish(struct __sk_buff *skb, struct work *w, int reason, __u32 ifindex, bool routed)
{
	struct port *port = bpf_map_lookup_elem(&ports, &ifindex);

	if (reason > UNTRACKED)
		return answer(skb, w, reason);
	if (!port || !port->number) /* has gone while the packet was judged */
		return answer(skb, w, NO_ROUTE);
	show(skb, reason, w->rule, ifindex);
	return deliver(skb, &w->p, &port->mac, ifindex, routed);
}

/* The whole way of a packet that an interface sends. */
static __always_inline int way_of(struct __sk_buff *skb, struct work *w, struct port *port)
{
	struct whereabouts *to, *own;
	bool primary;
	int reason;

	if (!same_mac(&w->p.ether.from, &port->mac))
		return answer(skb, w, SPOOFED);
	primary = same_addr(&w->p.t.src, &port->addr);
	if (!primary) {
		own = locate(port->network, &w->p.t.src);
		if (!(port->flags & PORT_NO_CHECK) && (!own || own->number != port->number))
			return answer(skb, w, SPOOFED);
	}
	if (is_multicast(&w->p.t.dst))
		return answer(skb, w, MULTICAST);
	w->network = port->network;
	end_at(&w->end[SENDER], port, skb->ifindex);
	w->end[SENDER].primary = primary;
	to = locate(port->network, &w->p.t.dst);
	if (to) {
		if (!receiver_at(w, to->ifindex, to->number))
			return answer(skb, w, NO_ROUTE);
		reason = pass(w);
		return finish(skb, w, reason, to->ifindex, w->end[SENDER].subnet != w->end[RECEIVER].subnet);
	}
	to = locate(0, &w->p.t.dst);
	if (!to || !primary || is_zero(&port->public))
		return answer(skb, w, NO_ROUTE);
	internet(&w->end[RECEIVER]);
	reason = pass(w);
	if (reason > UNTRACKED)
		return answer(skb, w, reason);
	leave(skb, &w->p, &port->public);
	if (to->network)
		reason = to_public(skb, w, to);
	return finish(skb, w, reason, to->ifindex, true);
}

/* Where frames of an instance come in. */
SEC("tc")
int from_interface(struct __sk_buff *skb)
{
	__u32 zero = 0, ifindex = skb->ifindex;
	struct port *port = bpf_map_lookup_elem(&ports, &ifindex);
	struct work *w = bpf_map_lookup_elem(&scratch, &zero);
	__u32 to;
	int reason;

	if (!w)
		return TC_ACT_SHOT;
	if (!port || !port->number || port->flags & PORT_OUTSIDE)
		return from_nobody(skb, w);
	if (!begin(skb, w, port->number))
		return TC_ACT_SHOT;
	if (likely(parse_usual(skb, &w->p))) {
		to = only_asks ? 0 : fast(skb, w, port);
		if (likely(to))
			return hand_over(skb, to);
	} else {
		reason = parse(skb, w, port);
		if (reason != UNDECIDED)
			return answer(skb, w, reason);
	}
	return way_of(skb, w, port);
}

/* Where frames of a host on the internet side come in. */
SEC("tc")
int from_outside(struct __sk_buff *skb)
{
	__u32 zero = 0, ifindex = skb->ifindex;
	struct port *port = bpf_map_lookup_elem(&ports, &ifindex);
	struct work *w = bpf_map_lookup_elem(&scratch, &zero);
	struct whereabouts *to;
	int reason;

	if (!w)
		return TC_ACT_SHOT;
	if (!port || !port->number || !(port->flags & PORT_OUTSIDE))
		return from_nobody(skb, w);
	if (!begin(skb, w, port->number))
		return TC_ACT_SHOT;
	if (!parse_usual(skb, &w->p)) {
		reason = parse(skb, w, port);
		if (reason != UNDECIDED)
			return answer(skb, w, reason);
	}
	if (!same_mac(&w->p.ether.from, &port->mac) || !same_addr(&w->p.t.src, &port->addr))
		return answer(skb, w, SPOOFED);
	if (is_multicast(&w->p.t.dst))
		return answer(skb, w, MULTICAST);
	to = locate(0, &w->p.t.dst);
	if (!to)
		return answer(skb, w, NO_ROUTE);
	reason = to_public(skb, w, to);
	return finish(skb, w, reason, to->ifindex, true);
}

/* Where frames would leave a host-side link by any other road than
 * bpf_redirect_peer. There is none.
 */
SEC("tc")
int to_port(struct __sk_buff *skb)
{
	return TC_ACT_SHOT;
}

/* Forgets those of some flows that have expired. The agent finds them, in the
 * map of the same name, and this looks again, so that a packet that has come
 * in between counts.
 */
SEC("syscall")
int collect(void *unused)
{
	__u32 zero = 0;
	struct collection *c = bpf_map_lookup_elem(&collection, &zero);
	struct control *control = get_control();

	if (!c || !control)
		return 0;
	c->now = ticks_now(control);
	for (__u32 i = 0; i < COLLECTION_KEYS && i < c->count; i++) {
		const struct flow_key *key = &c->key[i];
		struct flow *f = bpf_map_lookup_elem(&flows, key);

		if (f && expired(f, (__u8)key->network_proto, c->now, control->hz) && !bpf_map_delete_elem(&flows, key))
			c->deleted++;
	}
	return 0;
}

char _license[] SEC("license") = "Dual BSD/GPL";
