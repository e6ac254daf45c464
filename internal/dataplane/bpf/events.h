/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
/* What is told of packets, beside the counters: of drops, now and then; of an
 * interface that somebody watches, all drops and all openings.
 */
#ifndef EVENTS_H
#define EVENTS_H

#include "work.h"

/* Whether one more event of a kind may be told this second. */
static __always_inline bool may_tell(struct drop_count *n, const struct control *c)
{
	__u32 second = ticks_now(c) / (c->hz ?: 1);

	if (n->second != second) {
		n->second = second;
		n->tokens = c->events_per_second;
	}
	if (!n->tokens)
		return false;
	n->tokens--;
	return true;
}

static __always_inline bool is_watched(__u32 number)
{
	return number && bpf_map_lookup_elem(&watched, &number);
}

/* Whether both ends are this packet's: w is another's until they are known. */
static __always_inline bool has_ends(__u32 reason)
{
	return reason <= UNTRACKED || reason >= FRAGMENT_ALONE;
}

/* Whether somebody wants to know what becomes of the packet. */
static __always_inline bool is_wanted(const struct work *w, const struct control *c, __u32 reason)
{
	if (!c->watched)
		return false;
	return is_watched(w->judged) ||
	       (has_ends(reason) && (is_watched(w->end[SENDER].number) || is_watched(w->end[RECEIVER].number)));
}

/* Tells of the packet, which came in by a port. An event that finds no room is
 * counted where somebody waits for it.
 */
static __always_inline void tell(const struct work *w, __u32 ifindex, __u8 reason, bool wanted)
{
	struct event *e = bpf_ringbuf_reserve(&events, sizeof(*e), 0);
	__u32 zero = 0;
	__u64 *n;

	if (!e) {
		n = wanted ? bpf_map_lookup_elem(&lost, &zero) : NULL;
		if (n)
			(*n)++;
		return;
	}
	e->at = bpf_ktime_get_ns();
	e->src = w->p.t.src;
	e->dst = w->p.t.dst;
	e->sport = w->p.t.sport;
	e->dport = w->p.t.dport;
	e->proto = w->p.t.proto;
	e->tcp_flags = w->p.tcp_flags;
	e->reason = reason;
	e->pad = 0;
	e->rule = w->rule;
	e->number = w->judged;
	e->ifindex = ifindex;
	e->bytes = w->frame_length;
	for (int i = SENDER; i <= RECEIVER; i++) {
		e->end[i].number = has_ends(reason) ? w->end[i].number : 0;
		e->end[i].rule = reason <= UNTRACKED ? w->j.at[i].rule : 0;
	}
	bpf_ringbuf_submit(e, 0);
}

/* Tells of an opening that was admitted, if somebody wants to know. */
__noinline int tell_admitted(struct work *w, __u32 reason)
{
	struct control *c = get_control();

	if (w && c && !only_asks && is_wanted(w, c, reason))
		tell(w, w->end[SENDER].ifindex, reason, true);
	return reason;
}

#endif
