/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
/* Answers to questions that were asked before. Clients open connections to the
 * same services again and again, and the rules of both ends, four lists of them,
 * would say the same each time.
 */
#ifndef ANSWERS_H
#define ANSWERS_H

#include "flow.h"

static __always_inline struct answer *answer_place(const union opening_key *k)
{
	__u64 hash = k->is.src.lo ^ k->is.src.hi;
	__u32 index;

	hash = hash * 0x9e3779b97f4a7c15ull + (k->is.dst.lo ^ k->is.dst.hi);
	hash = hash * 0x9e3779b97f4a7c15ull + k->word[7];
	index = hash * 0x9e3779b97f4a7c15ull >> 54;
	return bpf_map_lookup_elem(&answers, &index);
}

/* Whether the opening w->p has been judged before, as is in w->j then. *d was
 * read just now.
 */
__noinline int answered(struct work *w, struct dependencies *d)
{
	union opening_key *k;
	struct answer *a;
	__u64 differs = 0;

	if (!w || !d)
		return false;
	k = &w->question;
	k->is.src = w->p.t.src;
	k->is.dst = w->p.t.dst;
#pragma unroll
	for (int i = SENDER; i <= RECEIVER; i++) {
		k->is.number[i] = w->end[i].number;
		k->is.set_version[i] = d->set[i];
		k->is.acl_version[i] = d->acl[i];
	}
	k->is.network = w->network;
	k->is.match = w->p.match;
	k->is.proto = w->p.t.proto;
	k->is.own = w->end[SENDER].own | w->end[RECEIVER].own << 1 | w->end[SENDER].node;
	a = answer_place(k);
	if (!a)
		return false;
#pragma unroll
	for (int i = 0; i < 8; i++)
		differs |= a->key.word[i] ^ k->word[i];
	if (differs)
		return false;
	w->j = a->j;
	return true;
}

/* Keeps what was just judged, in the place of an earlier one. */
__noinline int keep_answer(struct work *w)
{
	struct answer *a;

	if (!w)
		return 0;
	a = answer_place(&w->question);
	if (a) {
		a->key = w->question;
		a->j = w->j;
	}
	return 0;
}

#endif
