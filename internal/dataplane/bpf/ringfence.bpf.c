// SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause
/* The programs. Each is attached where frames of one kind of port come in, and
 * is the way of a packet from top to bottom: docs/packet.md draws it, and
 * policy.Host.Decide is the same lines in Go.
 *
 * A verdict is left in skb->cb, for whoever runs a program by hand:
 * cb[0] reason, cb[1] rule, cb[2] port that the packet is delivered to.
 */
#include "deliver.h"

#define ETHER_OFFSET 12

struct arp_frame {
	struct mac to, from;
	__be16 type;
	__be16 hardware, protocol;
	__u8 hardware_length, protocol_length;
	__be16 operation;
	struct mac sender_mac;
	__be16 sender[2];
	struct mac target_mac;
	__be16 target[2];
};

/* Stores at fixed offsets from the context, which clang would otherwise turn
 * into a modified pointer that the verifier refuses.
 */
static __always_inline void show(struct __sk_buff *skb, __u32 reason, __u32 rule, __u32 ifindex)
{
	asm volatile("*(u32 *)(%[skb] + %[cb0]) = %[reason]\n\t"
		     "*(u32 *)(%[skb] + %[cb1]) = %[rule]\n\t"
		     "*(u32 *)(%[skb] + %[cb2]) = %[ifindex]"
		     :
		     : [skb] "r"(skb), [reason] "r"(reason), [rule] "r"(rule), [ifindex] "r"(ifindex),
		       [cb0] "i"(__builtin_offsetof(struct __sk_buff, cb[0])),
		       [cb1] "i"(__builtin_offsetof(struct __sk_buff, cb[1])),
		       [cb2] "i"(__builtin_offsetof(struct __sk_buff, cb[2]))
		     : "memory");
}

static __always_inline int answer(struct __sk_buff *skb, struct work *w, int reason)
{
	show(skb, reason, w->rule, 0);
	if (reason == IGNORED)
		return TC_ACT_SHOT;
	return discard(skb, w, reason);
}

static __always_inline bool is_multicast(const struct addr *a)
{
	__u8 first = (__u8)ipv4_of(a);

	return first == 0 || first >= 224;
}

static __always_inline struct whereabouts *locate(__u32 network, const struct addr *a)
{
	struct location key = {.network = network, .addr = *a};

	return bpf_map_lookup_elem(&locations, &key);
}

/* Whether an address is one of those of whoever is behind a port. */
static __always_inline bool owns(const struct port *port, __be32 ip)
{
	struct whereabouts *at;
	struct addr a;

	set_ipv4(&a, ip);
	if (same_addr(&a, &port->addr))
		return true;
	at = locate(port->network, &a);
	return at && at->number == port->number;
}

/* Answers every question with the MAC address that the interface of that
 * address has or would have. The answer goes back the way the question came:
 * bpf_redirect would send it through to_port, which drops.
 */
__noinline int answer_arp(struct __sk_buff *skb, struct port *port)
{
	struct arp_frame f;
	__be32 sender, target;
	__u8 first;

	if (!port || bpf_skb_load_bytes(skb, 0, &f, sizeof(f)))
		return MALFORMED;
	if (f.hardware != bpf_htons(1) || f.protocol != bpf_htons(ETHER_IPV4) || f.hardware_length != 6 ||
	    f.protocol_length != 4)
		return MALFORMED;
	if (f.operation != bpf_htons(1) && f.operation != bpf_htons(2))
		return MALFORMED;
	sender = f.sender[0] | (__u32)f.sender[1] << 16;
	target = f.target[0] | (__u32)f.target[1] << 16;
	if (!same_mac(&f.from, &port->mac) || !same_mac(&f.sender_mac, &port->mac) || (sender && !owns(port, sender)))
		return SPOOFED;
	first = (__u8)target;
	if (f.operation != bpf_htons(1) || owns(port, target) || first == 0 || first >= 224)
		return IGNORED;
	f.operation = bpf_htons(2);
	f.to = f.target_mac = f.from;
	f.from.part[0] = bpf_htons(0x0252);
	f.from.part[1] = f.target[0];
	f.from.part[2] = f.target[1];
	f.sender_mac = f.from;
	f.target[0] = f.sender[0];
	f.target[1] = f.sender[1];
	f.sender[0] = target;
	f.sender[1] = target >> 16;
	bpf_skb_store_bytes(skb, 0, &f, sizeof(f), 0);
	return ANSWERED;
}

/* How many packets a frame stands for. Only a long one can be more than one,
 * and to know costs a look at another cache line.
 */
static __always_inline __u32 segments(const struct __sk_buff *skb)
{
	return skb->len > 1600 ? skb->gso_segs ?: 1 : 1;
}

/* Prepares w for the frame. Returns UNDECIDED for one that is IPv4. */
static __always_inline int begin(struct __sk_buff *skb, struct work *w, struct port *port)
{
	struct control *c = get_control();
	struct usual_frame *h;
	struct segment s;
	__be16 type;

	w->rule = 0;
	w->judged = port->number;
	w->frame_length = skb->len;
	w->segments = segments(skb);
	if (!c)
		return UNKNOWN_PORT;
	w->epoch = *(volatile __u32 *)&c->epoch;
	w->strict = c->strict;
	w->now = ticks_now(c);
	w->hz = c->hz;
	w->half_open_limit = c->half_open_limit;
	h = usual(skb, &s);
	if (likely(h)) {
		parse_usual(h, &s, &w->p);
		return UNDECIDED;
	}
	__builtin_memset(&w->p, 0, sizeof(w->p));
	if (bpf_skb_load_bytes(skb, ETHER_OFFSET, &type, sizeof(type)))
		return MALFORMED;
	if (skb->vlan_present)
		return NOT_IP;
	if (type == bpf_htons(ETHER_ARP))
		return answer_arp(skb, port);
	if (type != bpf_htons(ETHER_IPV4))
		return NOT_IP;
	return parse_ipv4(skb, &w->p);
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
	int reason;

	if (!to->network) /* nothing judges on the internet side */
		return ADMITTED;
	internet(&w->end[SENDER]);
	if (!receiver_at(w, to->ifindex, to->number))
		return NO_ROUTE;
	w->network = to->network;
	arrive(skb, &w->p, &to->private);
	reason = pass(w);
	return reason;
}

static __always_inline int finish(struct __sk_buff *skb, struct work *w, int reason, __u32 ifindex, bool routed)
{
	struct port *port = bpf_map_lookup_elem(&ports, &ifindex);

	if (reason > UNTRACKED)
		return answer(skb, w, reason);
	if (!port || !port->number) /* has gone while the packet was judged */
		return answer(skb, w, NO_ROUTE);
	show(skb, reason, w->rule, ifindex);
	return deliver(skb, port, ifindex, routed);
}

static __always_inline int way_of(struct __sk_buff *skb, struct work *w, struct port *port)
{
	struct whereabouts *to, *own;
	int reason = begin(skb, w, port);
	bool primary;

	if (reason == ANSWERED) {
		show(skb, ANSWERED, 0, 0);
		return hand_over(skb, skb->ifindex);
	}
	if (reason != UNDECIDED)
		return answer(skb, w, reason);
	if (!same_mac(&w->p.src_mac, &port->mac))
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

/* The port to which a packet goes at once, 0 for one that must go the whole
 * way: it belongs to a flow that was judged at this very epoch, from this end,
 * and nothing about the flow changes but its counters.
 */
static __always_inline __u32 fast(struct __sk_buff *skb, const struct port *port)
{
	struct segment s;
	const struct usual_frame *h = usual(skb, &s);
	struct control *c = get_control();
	struct flow_half *half;
	struct flow *f;
	struct tuple t;
	struct flow_key key;
	__u32 from, now, epoch, to;

	if (!h || !c || two(h->src) != ipv4_of(&port->addr) || !same_mac(&h->from, &port->mac))
		return 0;
	if (h->to.part[0] != bpf_htons(0x0252) || h->to.part[1] != h->dst[0] || h->to.part[2] != h->dst[1])
		return 0;
	if (s.flags & (TCP_FIN | TCP_SYN | TCP_RST))
		return 0;
	set_ipv4(&t.src, two(h->src));
	set_ipv4(&t.dst, two(h->dst));
	t.sport = h->sport;
	t.dport = h->dport;
	t.proto = h->proto;
	epoch = *(volatile __u32 *)&c->epoch;
	now = ticks_now(c);
	from = make_key(&key, &t, port->network);
	f = bpf_map_lookup_elem(&flows, &key);
	if (!f || (f->flags & (FLOW_PLAIN | FLOW_CUT | FLOW_RESET | FLOW_FIN | FLOW_FIN << 1)) != FLOW_PLAIN)
		return 0;
	if (from == LOW) {
		if (f->epoch[LOW] != epoch || f->number[LOW] != port->number)
			return 0;
		half = &f->half[LOW];
		to = f->ifindex[HIGH];
	} else {
		if (f->epoch[HIGH] != epoch || f->number[HIGH] != port->number)
			return 0;
		half = &f->half[HIGH];
		to = f->ifindex[LOW];
	}
	if (half->last != now) {
		if (expired(f, t.proto, now, c->hz))
			return 0;
		half->last = now;
	}
	if (!(f->flags & FLOW_STREAM))
		note_answer(f, from);
	half->bytes += skb->len;
	half->packets += segments(skb);
	show(skb, f->flags & FLOW_LINGERS ? LINGERING : KNOWN, decisive(f), to);
	return to;
}

/* A frame by a port of which nothing is known. It is not looked at, and *w is
 * still that of another frame.
 */
static __always_inline int from_nobody(struct __sk_buff *skb, struct work *w)
{
	__builtin_memset(&w->p, 0, sizeof(w->p));
	w->rule = w->judged = 0;
	w->frame_length = skb->len;
	w->segments = segments(skb);
	return answer(skb, w, UNKNOWN_PORT);
}

/* Where frames of an instance come in. */
SEC("tc")
int from_interface(struct __sk_buff *skb)
{
	__u32 zero = 0, ifindex = skb->ifindex;
	struct port *port = bpf_map_lookup_elem(&ports, &ifindex);
	struct work *w = bpf_map_lookup_elem(&scratch, &zero);
	__u32 to;

	if (!w)
		return TC_ACT_SHOT;
	if (!port || !port->number || port->flags & PORT_OUTSIDE)
		return from_nobody(skb, w);
	to = only_asks ? 0 : fast(skb, port);
	if (likely(to))
		return hand_over(skb, to);
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
	reason = begin(skb, w, port);
	if (reason == ANSWERED) {
		show(skb, ANSWERED, 0, 0);
		return hand_over(skb, ifindex);
	}
	if (reason != UNDECIDED)
		return answer(skb, w, reason);
	if (!same_mac(&w->p.src_mac, &port->mac) || !same_addr(&w->p.t.src, &port->addr))
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
