/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
/* The way of a packet between two ends of a network. Each function here is the
 * one of the same name in policy/decide.go. All return a reason.
 */
#ifndef DECIDE_H
#define DECIDE_H

#include "answers.h"
#include "events.h"
#include "fragments.h"
#include "parse.h"
#include "route.h"

static __always_inline void count_hit(__u32 rule)
{
	__u64 *n = rule && !only_asks ? bpf_map_lookup_elem(&hits, &rule) : NULL;

	if (n)
		(*n)++;
}

static __always_inline int refused(struct work *w)
{
	w->rule = w->j.acl_rule;
	w->judged = w->j.reason == NO_EGRESS_RULE || w->j.reason == ACL_OUT ? w->end[SENDER].number :
									      w->end[RECEIVER].number;
	return w->j.reason;
}

/* What the ACLs say of this very packet: UNDECIDED, or why it is dropped. */
static __always_inline int acls_refuse(struct work *w)
{
	w->opening = w->p.t;
	w->q.any_port = false;
	w->j.reason = UNDECIDED;
	judge_packet_acls(w, w->p.match);
	return w->j.reason == UNDECIDED ? UNDECIDED : refused(w);
}

static __always_inline int admitted(struct work *w, int reason)
{
	w->rule = w->end[RECEIVER].number ? w->j.at[RECEIVER].rule : w->j.at[SENDER].rule;
	w->judged = w->end[RECEIVER].number ? w->end[RECEIVER].number : w->end[SENDER].number;
	count_hit(w->j.at[SENDER].rule);
	count_hit(w->j.at[RECEIVER].rule);
	return tell_admitted(w, reason);
}

/* The interface that is there for an address that is not its own, 0 for none. */
static __always_inline __u32 via(const struct end *e)
{
	return e->own ? 0 : e->number;
}

/* What rules look at in the answer to an opening. */
static __always_inline __be16 match_of_answer(const struct packet *p)
{
	__u16 query = bpf_ntohs(p->match);

	if (!is_icmp(p->t.proto))
		return p->t.sport;
	return bpf_htons(reply_of(p->t.proto, query >> 8) << 8 | (query & 0xff));
}

/* Whether the rules allow the packet the other way. */
__noinline int allows_back(struct work *w)
{
	int reason;

	if (!w)
		return false;
	reverse(&w->opening, &w->p.t);
	swap_ends(w);
	reason = judge(w, match_of_answer(&w->p), false);
	swap_ends(w);
	return reason == UNDECIDED;
}

/* Where the packets of an end go, for those that need not be decided about. */
static __always_inline void remember_way(struct flow *f, const struct work *w, __u32 from)
{
	f->end[from ^ 1].ifindex = w->end[RECEIVER].ifindex;
	f->end[from ^ 1].mac = w->end[RECEIVER].mac;
	f->public = w->public;
}

static __always_inline __u32 lesser(__u32 a, __u32 b)
{
	return a < b ? a : b;
}

/* Nobody on the internet side says how long to remember a flow. */
static __always_inline __u32 shorter_timeout(const struct work *w)
{
	const struct end *a = &w->end[SENDER], *b = &w->end[RECEIVER];

	if (!a->number)
		a = b;
	if (!b->number)
		b = a;
	if (w->p.t.proto == PROTO_TCP)
		return lesser(a->tcp_timeout, b->tcp_timeout);
	return lesser(a->udp_timeouts & 0xffff, b->udp_timeouts & 0xffff) |
	       lesser(a->udp_timeouts >> 16, b->udp_timeouts >> 16) << 16;
}

/* Begins a flow that w->j admits. Returns false when there is no room for it. */
__noinline int open(struct work *w, __u32 from, struct dependencies *d)
{
	struct flow *f;

	if (!w || !d)
		return false;
	if (only_asks)
		return true;
	from &= 1;
	f = &w->fresh;
	__builtin_memset(f, 0, sizeof(*f));
	f->opener = from;
	f->timeout = shorter_timeout(w);
	f->end[from].epoch = is_icmp(w->p.t.proto) ? 0 : w->epoch;
	f->end[from].number = w->end[SENDER].number;
	f->end[from].ifindex = w->end[SENDER].ifindex;
	f->end[from].mac = w->end[SENDER].mac;
	f->end[from ^ 1].number = w->end[RECEIVER].number;
	f->end[from ^ 1].last = w->now;
	if (w->end[SENDER].subnet != w->end[RECEIVER].subnet)
		f->flags = FLOW_ROUTED;
	else if (!w->end[RECEIVER].node) /* nobody is asked about the reply, which goes back the way that this came */
		f->end[from ^ 1].epoch = f->end[from].epoch;
	remember_way(f, w, from);
	store_dependencies(f, d, from);
	f->flags |= record(f, &w->j, from).set;
	if (observe(f, &w->p, from, w))
		return true; /* and over already */
	charge(w, f);
	return !bpf_map_update_elem(&flows, &w->key, f, BPF_ANY);
}

/* Judges the opening of the flow of a key by the rules of now, into w->j. The
 * packet's sender is end from.
 */
static __always_inline void judge_opening(struct work *w, const struct flow_key *k, const struct flow *f, __u32 from)
{
	__u32 o = f->opener & 1, other = o ^ 1;
	bool back = from != o;

	w->opening.src = k->addr[o];
	w->opening.dst = k->addr[other];
	w->opening.sport = k->port[o];
	w->opening.dport = k->port[other];
	w->opening.proto = (__u8)k->network_proto;
	w->q.match = k->port[other];
	w->q.any_port = false;
	if (back)
		swap_ends(w);
	judge_groups(w);
	if (back)
		swap_ends(w);
}

static __always_inline bool cuts(const struct work *w, const struct flow *f)
{
	__u32 o = f->opener & 1;

	if (w->j.at[SENDER].failed && (w->strict & STRICT_REVOCATION || !(f->flags & FLOW_TRACKED << o)))
		return true;
	return w->j.at[RECEIVER].failed && (w->strict & STRICT_REVOCATION || !(f->flags & FLOW_TRACKED << (o ^ 1)));
}

static __always_inline int revoked(struct work *w, struct flow *f, __u32 from)
{
	f->end[from & 1].last = w->now;
	w->rule = 0;
	w->judged = w->end[RECEIVER].number ? w->end[RECEIVER].number : w->end[SENDER].number;
	return REVOKED;
}

static __always_inline int passes(struct work *w, struct flow *f, __u32 from)
{
	w->rule = decisive(f);
	if (observe(f, &w->p, from, w))
		bpf_map_delete_elem(&flows, &w->key);
	return f->flags & FLOW_LINGERS ? LINGERING : KNOWN;
}

/* A packet of a flow. UNDECIDED: it was cut, and this opens it anew as w->j
 * allows.
 */
__noinline int known(struct work *w, struct flow *f, __u32 from, struct dependencies *d)
{
	bool judged_anew = false;

	if (!w || !f || !d)
		return NO_ROUTE;
	from &= 1; /* for the verifier, as elsewhere */
	if (f->flags & FLOW_CUT) {
		if (w->p.t.proto != PROTO_TCP && !w->p.later && from == f->opener) {
			w->opening = w->p.t;
			if (judge(w, w->p.match, false) == UNDECIDED)
				return UNDECIDED;
		}
		return revoked(w, f, from);
	}
	if (!same_sets(f, d, from)) {
		judge_opening(w, &w->key, f, from);
		if (cuts(w, f)) {
			set_flags(f, FLOW_CUT);
			f->end[LOW].epoch = f->end[HIGH].epoch = 0;
			return revoked(w, f, from);
		}
		change_flags(f, record(f, &w->j, f->opener & 1));
		judged_anew = true;
	}
	if (judged_anew || !same_acls(f, d, from)) {
		store_dependencies(f, d, from);
		f->end[LOW].epoch = f->end[HIGH].epoch = 0;
	}
	if (!f->end[from].epoch) {
		int reason = acls_refuse(w);

		if (reason != UNDECIDED)
			return reason;
	}
	if (!is_icmp(w->p.t.proto))
		f->end[from].epoch = w->epoch;
	remember_way(f, w, from);
	return passes(w, f, from);
}

/* An ICMP error that quotes a packet of a flow. UNDECIDED: it does not.
 * w->end[SENDER] becomes the quoted packet's receiver.
 */
__noinline int related(struct work *w)
{
	const struct tuple *q;
	struct whereabouts *at;
	struct dependencies d;
	struct flow *f;
	__u32 from;
	int reason;

	if (!w)
		return UNDECIDED;
	q = &w->p.quoted;
	if (!same_addr(&q->src, &w->p.t.dst) || same_addr(&q->src, &q->dst))
		return UNDECIDED;
	if (w->end[SENDER].number && !same_addr(&q->dst, &w->p.t.src)) {
		if (!w->end[RECEIVER].number)
			return UNDECIDED;
		at = locate(w->network, &q->dst);
		w->end[SENDER].own = at && at->number == w->end[SENDER].number;
	}
	/* The quoted packet's sender is our receiver. */
	from = make_key(&w->key, q, w->network, via(&w->end[RECEIVER]), via(&w->end[SENDER]));
	f = find_flow(w, from ^ 1);
	if (!f || f->flags & FLOW_CUT)
		return UNDECIDED;
	depend(w, &d);
	if (!same_sets(f, &d, from ^ 1)) {
		judge_opening(w, &w->key, f, from ^ 1);
		if (cuts(w, f))
			return UNDECIDED;
	}
	reason = acls_refuse(w);
	if (reason != UNDECIDED)
		return reason;
	w->rule = decisive(f);
	return RELATED;
}

/* Begins a flow that w->j admits; in the middle of a TCP connection, or where
 * there is no room to remember it, only if the rules allow the other way too.
 */
static __always_inline int begin_flow(struct work *w, __u32 from, struct dependencies *d)
{
	w->kept = w->j;
	if (w->p.t.proto == PROTO_TCP && !w->p.opens) {
		if (!allows_back(w)) {
			w->rule = 0;
			return NO_FLOW;
		}
		w->j = w->kept;
	}
	if (open(w, from, d))
		return admitted(w, ADMITTED);
	if (!allows_back(w)) {
		w->rule = 0;
		return TABLE_FULL;
	}
	w->j = w->kept;
	return admitted(w, UNTRACKED);
}

/* One datagram, or a later fragment whose first one has told the ports. */
static __always_inline int decide(struct work *w)
{
	struct dependencies d;
	struct flow *f = NULL;
	bool tcp = w->p.t.proto == PROTO_TCP, begins = false, reopens = false;
	__u32 from = LOW;
	int reason;

	if (w->p.has_quoted && !w->p.later && !(w->strict & STRICT_ERRORS) && !only_asks) {
		__u32 own = w->end[SENDER].own;

		reason = related(w);
		w->end[SENDER].own = own;
		if (reason != UNDECIDED)
			return reason;
	}
	if (w->p.in_flow) {
		from = make_key(&w->key, &w->p.t, w->network, via(&w->end[SENDER]), via(&w->end[RECEIVER]));
		if (!only_asks && !(tcp && w->p.opens))
			f = find_flow(w, from); /* a SYN is judged whatever was before */
		if (f && is_icmp(w->p.t.proto) && !w->p.later && w->p.opens != (from == f->opener))
			f = NULL; /* asked by the one who was asked, or answered by the one who asked */
		depend(w, &d);
		begins = w->p.opens || (tcp && !w->p.later);
	}
	if (f) {
		reason = known(w, f, from, &d);
		if (reason != UNDECIDED)
			return reason;
		reopens = true;
	}
	if (!reopens) {
		w->opening = w->p.t;
		if (!w->p.opens) {
			judge(w, w->p.match, w->p.any_port);
		} else if (!answered(w, &d)) {
			judge(w, w->p.match, false);
			keep_answer(w);
		}
		if (w->j.reason != UNDECIDED)
			return refused(w);
	}
	return begins ? begin_flow(w, from, &d) : admitted(w, ADMITTED);
}

/* The packet w->p from w->end[SENDER] to w->end[RECEIVER] of w->network. */
__noinline int pass(struct work *w)
{
	bool alone = false;
	int reason;

	if (!w)
		return NO_ROUTE;
	if (same_addr(&w->p.t.src, &w->p.t.dst)) {
		w->rule = 0; /* of another network */
		return MALFORMED;
	}
	if (w->p.later) {
		struct seed *s = find_seed(w);

		alone = !s;
		w->p.any_port = !s;
		w->p.in_flow = s && s->in_flow;
		w->p.opens = false;
		if (s) {
			w->p.t.sport = s->sport;
			w->p.t.dport = s->dport;
			w->p.match = s->match;
			w->p.t.proto = s->proto;
		}
	}
	reason = decide(w);
	if (alone && reason != ADMITTED)
		return FRAGMENT_ALONE;
	if (w->p.more && !w->p.later && reason <= UNTRACKED && !only_asks)
		plant(w);
	return reason;
}

#endif
