/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
/* What is remembered of packets, as policy.Flows has it. */
#ifndef FLOW_H
#define FLOW_H

#include "judge.h"

/* Seconds, from policy/flows.go. The others are in struct port. */
enum {
	TCP_OPENING = 60,
	TCP_CLOSING = 60,
	ICMP_QUERY = 30,
	OTHER_PROTO = 600,
	FRAGMENT_SEED = 30,
};

/* Writes both ports at once: who reads four bytes that were written by two and two
 * waits until both are in the cache.
 */
static __always_inline void set_pair(__be16 port[2], __be16 low, __be16 high)
{
	*(__u32 *)port = low | (__u32)high << 16;
}

/* Fills in the key of a tuple. Returns which end its sender is. */
static __always_inline __u32 make_key(struct flow_key *k, const struct tuple *t, __u32 network, __u32 src_via,
				      __u32 dst_via)
{
	k->network_proto = network << 8 | t->proto;
	if (t->src.hi < t->dst.hi || (t->src.hi == t->dst.hi && t->src.lo < t->dst.lo)) {
		k->addr[LOW] = t->src;
		k->addr[HIGH] = t->dst;
		set_pair(k->port, t->sport, t->dport);
		k->via[LOW] = src_via;
		k->via[HIGH] = dst_via;
		return LOW;
	}
	k->addr[LOW] = t->dst;
	k->addr[HIGH] = t->src;
	set_pair(k->port, t->dport, t->sport);
	k->via[LOW] = dst_via;
	k->via[HIGH] = src_via;
	return HIGH;
}

/* How long a flow is remembered after its last packet, in seconds. */
static __always_inline __u32 timeout(const struct flow *f, __u8 proto)
{
	switch (proto) {
	case PROTO_TCP:
		if (f->flags & FLOW_RESET || (f->flags & (FLOW_FIN | FLOW_FIN << 1)) == (FLOW_FIN | FLOW_FIN << 1))
			return TCP_CLOSING;
		return f->flags & FLOW_CONFIRMED ? f->timeout : TCP_OPENING;
	case PROTO_UDP:
		return f->flags & FLOW_STREAM ? f->timeout & 0xffff : f->timeout >> 16;
	case PROTO_ICMP:
	case PROTO_ICMPV6:
		return ICMP_QUERY;
	default:
		return OTHER_PROTO;
	}
}

enum { CLOCK_SKEW = 10000 }; /* ticks by which a packet may seem to be ahead of now */

/* Ticks since a packet. Another CPU may have seen the tick before this one. */
static __always_inline __u32 since(__u32 last, __u32 now)
{
	__u32 ticks = now - last;

	return ticks > (__u32)-CLOCK_SKEW ? 0 : ticks;
}

/* Ticks since the later of the last packets of both ends. */
static __always_inline __u32 idle(const struct flow *f, __u32 now)
{
	__u32 low = since(f->end[LOW].last, now), high = since(f->end[HIGH].last, now);

	return low < high ? low : high;
}

static __always_inline bool expired(const struct flow *f, __u8 proto, __u32 now, __u32 hz)
{
	return idle(f, now) > timeout(f, proto) * hz;
}

/* The flow of w->key whose ends are those of the packet, the sender being end
 * from. An entry that has expired, or belongs to earlier owners of its
 * addresses, is as good as none.
 */
static __always_inline struct flow *find_flow(struct work *w, __u32 from)
{
	struct flow *f = bpf_map_lookup_elem(&flows, &w->key);

	from &= 1;
	if (!f || expired(f, (__u8)w->key.network_proto, w->now, w->hz))
		return NULL;
	if (f->end[from].number != w->end[SENDER].number || f->end[from ^ 1].number != w->end[RECEIVER].number)
		return NULL;
	return f;
}

/* Where a flow counts as long as it is unanswered. */
static __always_inline struct budget *budget_of(const struct flow *f)
{
	__u32 o = f->opener & 1, index = f->end[o].number ? f->end[o].ifindex : f->end[o ^ 1].ifindex;

	return bpf_map_lookup_elem(&budgets, &index);
}

/* Forgets the oldest of the pending flows of an interface if it is still
 * unanswered, and gives its place to w->key.
 */
__noinline int take_place(struct work *w, __u32 index, struct budget *b)
{
	struct flow_key *place;
	struct flow *old;
	__u32 at;

	if (!w || !b)
		return 0;
	at = index % PENDING_INTERFACES * PENDING_PLACES + __sync_fetch_and_add(&b->next, 1) % PENDING_PLACES;
	place = bpf_map_lookup_elem(&pending, &at);
	if (!place)
		return 0;
	old = bpf_map_lookup_elem(&flows, place);
	if (old && (old->flags & (FLOW_PENDING | FLOW_CONFIRMED)) == FLOW_PENDING)
		bpf_map_delete_elem(&flows, place);
	*place = w->key;
	return 0;
}

/* Counts a flow that begins. */
static __always_inline void charge(struct work *w, struct flow *f)
{
	__u32 o = f->opener & 1, index = f->end[o].number ? f->end[o].ifindex : f->end[o ^ 1].ifindex;
	struct budget *b = bpf_map_lookup_elem(&budgets, &index);

	if (!b)
		return;
	if (b->half_open < w->half_open_limit) {
		__sync_fetch_and_add(&b->half_open, 1);
		return;
	}
	f->flags |= FLOW_PENDING;
	take_place(w, index, b);
}

/* Counts a flow that is answered. The agent counts anew now and then, so what
 * is missed when a flow takes the place of another does not add up.
 */
static __always_inline void discharge(const struct flow *f)
{
	struct budget *b = f->flags & FLOW_PENDING ? NULL : budget_of(f);

	if (b && b->half_open)
		__sync_fetch_and_add(&b->half_open, -1);
}

/* Sets flags and returns those that were there. What another CPU sets at the
 * same time stays: nothing may bring back a flow that was just cut.
 */
static __always_inline __u32 set_flags(struct flow *f, __u32 flags)
{
	return __sync_fetch_and_or(&f->flags, flags);
}

/* What a packet from one end says of the exchange. */
static __always_inline __u32 answer_flags(const struct flow *f, __u32 from)
{
	if (from != f->opener)
		return FLOW_CONFIRMED;
	return f->flags & FLOW_CONFIRMED ? FLOW_STREAM : 0;
}

/* Brings f forward by a packet from one of its ends, like flow.observe.
 * Returns whether the flow is over.
 */
static __always_inline bool observe(struct flow *f, const struct packet *p, __u32 from, const struct work *w)
{
	const __u32 both_acked = FLOW_FIN_ACK | FLOW_FIN_ACK << 1;
	struct flow_end *e;
	__u32 flags = f->flags, to;

	from &= 1;
	to = from ^ 1;
	e = &f->end[from];
	e->last = w->now;
	e->bytes += w->frame_length;
	e->packets += w->segments;
	flags |= answer_flags(f, from);
	if (flags & ~f->flags & FLOW_CONFIRMED)
		discharge(f);
	if (p->tcp_flags & TCP_RST)
		flags |= FLOW_RESET;
	if (p->tcp_flags & TCP_FIN) {
		flags |= FLOW_FIN << from;
		e->fin = p->seq + p->length + 1;
	}
	if (p->tcp_flags & TCP_ACK && flags & FLOW_FIN << to && (__s32)(p->ack - f->end[to].fin) >= 0)
		flags |= FLOW_FIN_ACK << to;
	if (flags != f->flags)
		set_flags(f, flags);
	return (flags & both_acked) == both_acked;
}

struct flag_change {
	__u32 set, clear; /* no flag is in both */
};

/* Remembers which rules of *j admit a flow, and returns what else follows from
 * it. The sender in *j is the opener.
 */
static __always_inline struct flag_change record(struct flow *f, const struct judgement *j, __u32 opener)
{
	__u32 set = 0, judged = FLOW_LINGERS;

#pragma unroll
	for (__u32 which = SENDER; which <= RECEIVER; which++) {
		__u32 end = (opener ^ which) & 1;

		if (j->at[which].failed) {
			set |= FLOW_LINGERS;
			continue;
		}
		f->end[end].rule = j->at[which].rule;
		judged |= FLOW_TRACKED << end;
		set |= (__u32)j->at[which].tracked * FLOW_TRACKED << end;
	}
	return (struct flag_change){.set = set, .clear = judged & ~set};
}

static __always_inline void change_flags(struct flow *f, struct flag_change c)
{
	if (f->flags & c.clear)
		__sync_fetch_and_and(&f->flags, ~c.clear);
	if (c.set & ~f->flags)
		set_flags(f, c.set);
}

/* The rule to name: that of the end which was not the opener, where it is an
 * interface.
 */
static __always_inline __u32 decisive(const struct flow *f)
{
	__u32 opener = f->opener & 1, other = opener ^ 1;

	return f->end[other].number ? f->end[other].rule : f->end[opener].rule;
}

static __always_inline __u32 version_of(void *map, __u32 index)
{
	struct judges *j = find_judges(map, index);

	return j ? *(volatile __u32 *)&j->version : 0;
}

/* What a judgement now would depend on, for the ends of the packet. */
struct dependencies {
	__u32 set[2], acl[2]; /* SENDER, RECEIVER */
};

static __always_inline void depend(const struct work *w, struct dependencies *d)
{
	d->set[SENDER] = version_of(&sets, w->end[SENDER].set);
	d->set[RECEIVER] = version_of(&sets, w->end[RECEIVER].set);
	d->acl[SENDER] = version_of(&subnets, w->end[SENDER].subnet);
	d->acl[RECEIVER] = version_of(&subnets, w->end[RECEIVER].subnet);
	barrier_var(d->acl[RECEIVER]); /* versions are read before slots */
}

static __always_inline void store_dependencies(struct flow *f, const struct dependencies *d, __u32 from)
{
	from &= 1;
	f->end[from].set_version = d->set[SENDER];
	f->end[from ^ 1].set_version = d->set[RECEIVER];
	f->end[from].acl_version = d->acl[SENDER];
	f->end[from ^ 1].acl_version = d->acl[RECEIVER];
}

static __always_inline bool same_sets(const struct flow *f, const struct dependencies *d, __u32 from)
{
	from &= 1;
	return f->end[from].set_version == d->set[SENDER] && f->end[from ^ 1].set_version == d->set[RECEIVER];
}

static __always_inline bool same_acls(const struct flow *f, const struct dependencies *d, __u32 from)
{
	from &= 1;
	return f->end[from].acl_version == d->acl[SENDER] && f->end[from ^ 1].acl_version == d->acl[RECEIVER];
}

static __always_inline void swap_ends(struct work *w)
{
	struct end e = w->end[SENDER];

	w->end[SENDER] = w->end[RECEIVER];
	w->end[RECEIVER] = e;
}

static __always_inline void reverse(struct tuple *to, const struct tuple *t)
{
	to->src = t->dst;
	to->dst = t->src;
	to->sport = t->dport;
	to->dport = t->sport;
	to->proto = t->proto;
}

#endif
