// SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause
/* The programs. Each is attached where frames of one kind of port come in, and
 * is the way of a packet from top to bottom: docs/packet.md draws it, and
 * policy.Host.Decide is the same lines in Go.
 *
 * A verdict is left in skb->cb, for whoever runs a program by hand:
 * cb[0] reason, cb[1] rule, cb[2] port that the packet is delivered to. The others
 * are for rewrite.h.
 */
#include "fast.h"
#include "neighbours.h"
#include "rewrite.h"

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
	w->clock = ticks_now(c);
	w->now = w->clock;
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
	if (w->p.ether.type == bpf_htons(ETHER_IPV4))
		return parse_ipv4(skb, &w->p);
	if (w->p.ether.type == bpf_htons(ETHER_IPV6))
		return parse_ipv6(skb, &w->p);
	return NOT_IP;
}

static __always_inline bool is_multicast(const struct addr *a)
{
	__u8 first;

	if (!is_ipv4(a))
		return (__u8)a->hi == 0xff;
	first = (__u8)ipv4_of(a);
	return first == 0 || first >= 224;
}

/* What goes nowhere, whatever routes and rules say. Addresses of the link are no
 * foreign ones, but lead nowhere either.
 */
static __always_inline int undeliverable(const struct work *w, bool may_send)
{
	const struct tuple *t = &w->p.t;

	if (!may_send && !of_link(&t->src))
		return SPOOFED;
	if (is_multicast(&t->dst))
		return MULTICAST;
	return of_link(&t->src) || of_link(&t->dst) ? NO_ROUTE : UNDECIDED;
}

static __always_inline void end_at(struct end *e, const struct port *p, __u32 ifindex, bool own)
{
	e->number = p->number;
	e->ifindex = ifindex;
	e->set = *(volatile __u32 *)&p->set;
	e->subnet = p->subnet;
	e->mac = mac_tail(&p->mac);
	e->own = own;
	e->node = p->flags & PORT_NODE;
	e->tcp_timeout = *(volatile __u32 *)&p->tcp_timeout;
	e->udp_timeouts = *(volatile __u32 *)&p->udp_timeouts;
}

/* An end on the internet side; its port is 0 where it is not a host there but
 * another interface.
 */
static __always_inline void internet(struct end *e, __u32 ifindex)
{
	struct port *port = bpf_map_lookup_elem(&ports, &ifindex);

	__builtin_memset(e, 0, sizeof(*e));
	if (ifindex && port) {
		e->ifindex = ifindex;
		e->mac = mac_tail(&port->mac);
	}
}

static __always_inline bool receiver_at(struct work *w, const struct whereabouts *at, bool own)
{
	__u32 ifindex = at->ifindex;
	struct port *port = bpf_map_lookup_elem(&ports, &ifindex);

	if (!port || port->number != at->number)
		return false;
	end_at(&w->end[RECEIVER], port, ifindex, own);
	return true;
}

/* A packet on the internet side, to another host there or to the public
 * address of an interface.
 */
static __always_inline int to_public(struct __sk_buff *skb, struct work *w, struct whereabouts *to)
{
	w->public = 0;
	internet(&w->end[SENDER], 0);
	if (!to->network) { /* nothing judges on the internet side */
		internet(&w->end[RECEIVER], to->ifindex);
		return ADMITTED;
	}
	if (!receiver_at(w, to, true))
		return NO_ROUTE;
	w->network = to->network;
	if (is_ipv4(&w->p.t.dst)) {
		w->public = ipv4_of(&w->p.t.dst);
		arrive(skb, &w->p, &to->private);
	}
	return pass(w);
}

/* A packet that a route leads to the internet. It leaves by a public address of
 * the very address that it comes from. An IPv6 address is public itself.
 */
static __always_inline int to_internet(struct __sk_buff *skb, struct work *w)
{
	struct whereabouts *to = locate(0, &w->p.t.dst);
	__u8 proto = w->p.t.proto;
	__be32 public = 0;
	int reason;

	if (!to || !w->end[SENDER].own)
		return NO_ROUTE;
	if (is_ipv4(&w->p.t.src)) {
		public = find_public(w->network, w->end[SENDER].number, &w->p.t.src);
		if (!public)
			return NO_ROUTE;
	}
	w->public = public;
	internet(&w->end[RECEIVER], to->network ? 0 : to->ifindex);
	reason = pass(w);
	if (reason > UNTRACKED)
		return reason;
	if (public)
		leave(skb, &w->p, public);
	w->p.t.proto = proto; /* not what this network knows of a first fragment */
	return to->network ? to_public(skb, w, to) : reason;
}

/* A packet that a route leads to an interface which takes it for others. */
static __always_inline int to_forwarder(struct work *w, const struct route *r)
{
	struct whereabouts *at = locate(w->network, &r->addr);

	if (!at || at->number != r->number || at->number == w->end[SENDER].number || !receiver_at(w, at, false))
		return NO_ROUTE;
	return pass(w);
}

/* The packet w->p of w->end[SENDER]. */
static __always_inline int to_anybody(struct __sk_buff *skb, struct work *w)
{
	struct whereabouts *to = locate(w->network, &w->p.t.dst);
	struct route *r;

	w->public = 0;
	if (to)
		return receiver_at(w, to, true) ? pass(w) : NO_ROUTE;
	r = find_route(w->end[SENDER].subnet, &w->p.t.dst);
	if (!r)
		return NO_ROUTE;
	switch (r->kind) {
	case ROUTE_INTERNET:
		return to_internet(skb, w);
	case ROUTE_INTERFACE:
		return to_forwarder(w, r);
	default:
		return NO_ROUTE;
	}
}

/* Does what was decided; one that passes goes to w->end[RECEIVER]. */
static __always_inline int finish(struct __sk_buff *skb, struct work *w, int reason)
{
	const struct end *to = &w->end[RECEIVER];

	if (reason > UNTRACKED)
		return answer(skb, w, reason);
	show(skb, reason, w->rule, to->ifindex);
	return deliver(skb, &w->p, to->ifindex, to->mac, !to->number || w->end[SENDER].subnet != to->subnet);
}

/* Where frames of an instance come in. */
SEC("tc")
int from_interface(struct __sk_buff *skb)
{
	__u32 zero = 0, ifindex = skb->ifindex;
	struct port *port = bpf_map_lookup_elem(&ports, &ifindex);
	struct work *w = bpf_map_lookup_elem(&scratch, &zero);
	bool own;
	int done, reason;

	if (!w)
		return TC_ACT_SHOT;
	if (!port || !port->number || port->flags & PORT_OUTSIDE)
		return from_nobody(skb, w);
	if (!begin(skb, w, port->number))
		return TC_ACT_SHOT;
	if (likely(parse_usual(skb, &w->p))) {
		done = fast_from_interface(skb, w, port);
		if (likely(done != WHOLE_WAY))
			return done;
	} else {
		reason = parse(skb, w, port);
		if (reason != UNDECIDED)
			return answer(skb, w, reason);
	}
	if (!same_mac(&w->p.ether.from, &port->mac))
		return answer(skb, w, SPOOFED);
	if (w->p.discovery)
		return answer(skb, w, answer_discovery(skb, w, port));
	own = owns(port, &w->p.t.src);
	reason = undeliverable(w, own || port->flags & PORT_NO_CHECK);
	if (reason != UNDECIDED)
		return answer(skb, w, reason);
	w->network = port->network;
	end_at(&w->end[SENDER], port, ifindex, own);
	reason = to_anybody(skb, w);
	return finish(skb, w, reason);
}

/* Where frames of a host on the internet side come in. */
SEC("tc")
int from_outside(struct __sk_buff *skb)
{
	__u32 zero = 0, ifindex = skb->ifindex;
	struct port *port = bpf_map_lookup_elem(&ports, &ifindex);
	struct work *w = bpf_map_lookup_elem(&scratch, &zero);
	struct whereabouts *to;
	int done, reason;
	bool usual;

	if (!w)
		return TC_ACT_SHOT;
	if (!port || !port->number || !(port->flags & PORT_OUTSIDE))
		return from_nobody(skb, w);
	if (!begin(skb, w, port->number))
		return TC_ACT_SHOT;
	usual = parse_usual(skb, &w->p);
	if (!usual) {
		reason = parse(skb, w, port);
		if (reason != UNDECIDED)
			return answer(skb, w, reason);
	}
	if (!same_mac(&w->p.ether.from, &port->mac))
		return answer(skb, w, SPOOFED);
	if (w->p.discovery)
		return answer(skb, w, answer_discovery(skb, w, port));
	reason = undeliverable(w, same_addr(&w->p.t.src, &port->addr));
	if (reason != UNDECIDED)
		return answer(skb, w, reason);
	to = locate(0, &w->p.t.dst);
	if (!to)
		return answer(skb, w, NO_ROUTE);
	if (likely(usual)) {
		done = fast_from_outside(skb, w, to);
		if (likely(done != WHOLE_WAY))
			return done;
	}
	reason = to_public(skb, w, to);
	return finish(skb, w, reason);
}

/* Where frames would leave a host-side link by any other road than
 * bpf_redirect_peer. There is none.
 */
SEC("tc")
int to_port(struct __sk_buff *skb)
{
	return TC_ACT_SHOT;
}

/* What user space names flows in, told the time; NULL while there is no clock. */
static __always_inline struct collection *named_flows(const struct control *control)
{
	__u32 zero = 0;
	struct collection *c = bpf_map_lookup_elem(&collection, &zero);

	if (!c || !control)
		return NULL;
	c->now = ticks_now(control);
	return c;
}

/* The i-th of the flows that user space names; NULL for one that is gone, and for
 * one that has expired where such are not asked for, or has not where they are.
 */
static __always_inline struct flow *named_flow(const struct collection *c, __u32 i, __u32 hz, bool has_expired)
{
	const struct flow_key *key = &c->key[i];
	struct flow *f = bpf_map_lookup_elem(&flows, key);

	return f && expired(f, (__u8)key->network_proto, c->now, hz) == has_expired ? f : NULL;
}

/* Forgets those of some flows that have expired. The agent finds them, in the
 * map of the same name, and this looks again, so that a packet that has come
 * in between counts.
 */
SEC("syscall")
int collect(void *unused)
{
	struct control *control = get_control();
	struct collection *c = named_flows(control);

	if (!c)
		return 0;
	for (__u32 i = 0; i < COLLECTION_KEYS && i < c->count; i++) {
		if (named_flow(c, i, control->hz, true) && !bpf_map_delete_elem(&flows, &c->key[i]))
			c->deleted++;
	}
	return 0;
}

/* Cuts the flows that user space names, for whatever reason it has. */
SEC("syscall")
int cut(void *unused)
{
	struct control *control = get_control();
	struct collection *c = named_flows(control);

	if (!c)
		return 0;
	for (__u32 i = 0; i < COLLECTION_KEYS && i < c->count; i++) {
		struct flow *f = named_flow(c, i, control->hz, false);

		if (f && !(set_flags(f, FLOW_CUT) & FLOW_CUT))
			c->cut++;
	}
	return 0;
}

char _license[] SEC("license") = "Dual BSD/GPL";
