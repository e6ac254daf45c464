/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
/* What rules say, as policy.Host.judge has it. */
#ifndef JUDGE_H
#define JUDGE_H

#include "classify.h"

static __always_inline struct judges *find_judges(void *map, __u32 index)
{
	return bpf_map_lookup_elem(map, &index);
}

/* Both slots of a set or an ACL in one load, see struct judges. */
static __always_inline void read_slots(const struct judges *j, __u32 slot[2])
{
	__u64 both = *(volatile __u64 *)&j->ingress;

	slot[INGRESS] = (__u32)both;
	slot[EGRESS] = both >> 32;
}

/* What the slot that is open says, without asking it. */
static __always_inline bool everything(struct query *q)
{
	q->rule = 0;
	q->wide = true;
	return true;
}

/* Asks the groups of one end about an opening, into w->j. */
__noinline int judge_group(struct work *w, __u32 which)
{
	struct judges *own, *peers;
	struct end *end, *peer;
	__u32 slot[2];
	bool egress = which == SENDER, untracked, ok;

	if (!w || which > RECEIVER)
		return false;
	end = &w->end[which];
	peer = &w->end[which ^ 1];
	own = find_judges(&sets, end->set);
	peers = find_judges(&sets, peer->set);
	if (!own || !peers)
		return false;
	read_slots(own, slot);
	w->q.peer = egress ? w->opening.dst : w->opening.src;
	w->q.identity = peer->own ? peers->identity : 0;
	w->q.slot = egress ? slot[EGRESS] : slot[INGRESS];
	w->q.proto = w->opening.proto;
	ok = w->q.slot == SLOT_OPEN_INDEX ? everything(&w->q) : ask(&w->q);
	untracked = w->q.wide && has_ports(w->opening.proto) &&
		    all_ports_open(egress ? slot[INGRESS] : slot[EGRESS], w->opening.proto, is_ipv4(&w->opening.src));
	w->j.at[which].rule = w->q.rule;
	w->j.at[which].failed = !ok;
	w->j.at[which].tracked = !untracked;
	return ok;
}

/* Asks the groups of both ends, where they are interfaces, about w->opening
 * from SENDER to RECEIVER. w->q.match and w->q.any_port are set.
 */
static __always_inline void judge_groups(struct work *w)
{
	w->j.reason = UNDECIDED;
	w->j.at[SENDER].failed = w->j.at[RECEIVER].failed = false;
	w->j.at[SENDER].tracked = w->j.at[RECEIVER].tracked = false;
	w->j.at[SENDER].rule = w->j.at[RECEIVER].rule = 0;
	if (w->end[RECEIVER].number && !judge_group(w, RECEIVER))
		w->j.reason = NO_INGRESS_RULE;
	if (w->end[SENDER].number && !judge_group(w, SENDER))
		w->j.reason = NO_EGRESS_RULE;
}

static __always_inline bool acl_allows(struct work *w, __u32 subnet, bool egress)
{
	struct judges *j = find_judges(&subnets, subnet);
	__u32 slot[2];

	if (!j)
		return false;
	read_slots(j, slot);
	w->q.peer = egress ? w->opening.dst : w->opening.src;
	w->q.identity = 0;
	w->q.slot = egress ? slot[EGRESS] : slot[INGRESS];
	w->q.proto = w->opening.proto;
	return ask(&w->q) && !w->q.deny;
}

/* Asks the ACLs of both subnets about w->opening, if it leaves its subnet, and the
 * sender's about all that a load balancer's node sends. The rule is in w->q.rule.
 */
__noinline int judge_acls(struct work *w)
{
	bool leaves;

	if (!w)
		return ACL_OUT;
	leaves = w->end[SENDER].subnet != w->end[RECEIVER].subnet;
	if (w->end[SENDER].number && (leaves || w->end[SENDER].node) && !acl_allows(w, w->end[SENDER].subnet, true))
		return ACL_OUT;
	if (w->end[RECEIVER].number && leaves && !acl_allows(w, w->end[RECEIVER].subnet, false))
		return ACL_IN;
	return UNDECIDED;
}

static __always_inline void judge_packet_acls(struct work *w, __be16 match)
{
	int reason;

	w->q.match = match;
	reason = judge_acls(w);
	if (reason != UNDECIDED) {
		w->j.reason = reason;
		w->j.acl_rule = w->q.rule;
	}
}

/* Asks everybody about w->opening, in the order of its way. */
__noinline int judge(struct work *w, __u32 match, __u32 any_port)
{
	if (!w)
		return NO_EGRESS_RULE;
	w->q.match = match;
	w->q.any_port = any_port;
	w->j.acl_rule = 0;
	judge_groups(w);
	if (w->j.reason != NO_EGRESS_RULE)
		judge_packet_acls(w, match);
	return w->j.reason;
}

#endif
