/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
/* Asks a slot about a packet: the rules about this peer AND the rules about
 * this protocol and port; the first bit left is the rule that decides. See
 * policy.Classifier for how the vectors are made.
 */
#ifndef CLASSIFY_H
#define CLASSIFY_H

#include "work.h"

/* clang 14 has no count of trailing zeros for BPF, and a search by halves would
 * make the verifier look at 64 ways. A de Bruijn sequence has every six bits
 * once (C. Leiserson, H. Prokop, K. Randall, 1998).
 */
static const __u8 bit_of_sequence[64] = {
	0,  1,	2,  53, 3,  7,	54, 27, 4,  38, 41, 8,	34, 55, 48, 28, 62, 5,	39, 46, 44, 42,
	22, 9,	24, 35, 59, 56, 49, 18, 29, 11, 63, 52, 6,  26, 37, 40, 33, 47, 61, 45, 43, 21,
	23, 58, 17, 10, 51, 25, 36, 32, 60, 20, 57, 16, 50, 31, 19, 15, 30, 14, 13, 12,
};

static __always_inline __u32 first_bit(__u64 word)
{
	__u64 i = (word & -word) * 0x022fdd63cc95386dull >> 58;

	return bit_of_sequence[i & 63];
}

static __always_inline struct vector *find_identity(const struct query *q)
{
	struct identity_key key = {.slot = q->slot, .identity = q->identity};

	return bpf_map_lookup_elem(&identities, &key);
}

static __always_inline struct vector *find_cidr(const struct slot *s, const struct query *q)
{
	struct cidr_key key = {.prefixlen = 32 + 128, .division = bpf_htonl(s->division), .addr = q->peer};

	return bpf_map_lookup_elem(&cidrs, &key);
}

static __always_inline struct vector *find_l4(const struct slot *s, const struct query *q)
{
	struct l4_key key = {
		.prefixlen = 32 + 8 + 8 + 16,
		.division = bpf_htonl(s->division),
		.proto = q->proto,
		.kind = q->any_port ? PORTS_UNKNOWN : PORTS_KNOWN,
		.port = q->any_port ? 0 : q->match,
	};

	return bpf_map_lookup_elem(&l4, &key);
}

static __always_inline __u32 rule_number(const struct slot *s, __u32 bit)
{
	__u32 at = s->rule_base + bit;
	struct rule_number *r = bpf_map_lookup_elem(&rule_numbers, &at);

	return r ? r->number : 0;
}

/* The first bit of (a | b) & c, or -1; *wide where any & c is not empty. Each
 * of a, b and any may be missing.
 */
static __always_inline int match_chunk(const struct vector *a, const struct vector *b, const struct vector *c,
				       const struct vector *any, __u8 *wide)
{
	__u64 common = 0, first = 0;
	int at = 0;

#pragma unroll
	for (int i = CHUNK_WORDS - 1; i >= 0; i--) {
		__u64 both = ((a ? a->word[i] : 0) | (b ? b->word[i] : 0)) & c->word[i];

		if (any)
			common |= any->word[i] & c->word[i];
		if (both) {
			first = both;
			at = i * 64;
		}
	}
	if (common)
		*wide = true;
	return first ? at + (int)first_bit(first) : -1;
}

/* The number of bits, counted in ever larger fields side by side. */
static __always_inline __u32 count_bits(__u64 word)
{
	word -= word >> 1 & 0x5555555555555555ull;
	word = (word & 0x3333333333333333ull) + (word >> 2 & 0x3333333333333333ull);
	word = (word + (word >> 4)) & 0x0f0f0f0f0f0f0f0full;
	return word * 0x0101010101010101ull >> 56;
}

/* What a large slot has as a summary is at the beginning of a vector. */
static __always_inline struct summary *summary_in(const struct vector *v)
{
	return (struct summary *)v;
}

/* The summary that a large slot has by what a trie has given, NULL for NULL. */
static __always_inline struct summary *find_part(const struct slot *s, const struct vector *found)
{
	__u32 at;

	if (!found)
		return NULL;
	at = s->part_base + found->word[0];
	return bpf_map_lookup_elem(&parts, &at);
}

/* A chunk of a vector of a large slot, NULL where it has no bit set. */
static __always_inline struct vector *find_chunk(const struct summary *v, __u32 chunk)
{
	__u64 below = (1ull << (chunk & 63)) - 1;
	__u32 at;

	if (!v || !(v->word[(chunk >> 6) & 1] >> (chunk & 63) & 1))
		return NULL;
	at = v->word[2];
	if (chunk < 64)
		at += count_bits(v->word[0] & below);
	else
		at += count_bits(v->word[0]) + count_bits(v->word[1] & below);
	return bpf_map_lookup_elem(&chunks, &at);
}

/* Looks at chunk q->chunk of a large slot. The first rule found stays; a later
 * chunk can only add that some match is for everybody.
 */
__noinline int classify_chunk(struct query *q, struct summary *by_identity, struct summary *by_cidr,
			      struct summary *by_l4, struct summary *any)
{
	struct vector *c;
	__u32 chunk;
	int bit;

	if (!q || !by_l4)
		return 0;
	chunk = q->chunk;
	c = find_chunk(by_l4, chunk);
	if (!c)
		return 0;
	bit = match_chunk(find_chunk(by_identity, chunk), find_chunk(by_cidr, chunk), c, find_chunk(any, chunk),
			  &q->wide);
	if (bit >= 0 && !q->found) {
		q->found = true;
		q->bit = chunk * CHUNK_RULES + bit;
	}
	return 0;
}

static __always_inline __u64 chunks_of(const struct summary *v, int word)
{
	return v ? v->word[word] : 0;
}

/* Takes the next candidate. */
__noinline int next_chunk(struct query *q)
{
	if (!q)
		return false;
	if (q->candidates[0]) {
		q->chunk = first_bit(q->candidates[0]);
		q->candidates[0] &= q->candidates[0] - 1;
	} else if (q->candidates[1]) {
		q->chunk = 64 + first_bit(q->candidates[1]);
		q->candidates[1] &= q->candidates[1] - 1;
	} else {
		return false;
	}
	return true;
}

/* A slot of more rules than fit one vector: first which chunks can have a
 * match at all, then those. What changes from one chunk to the next is kept in
 * memory, where the verifier does not follow it.
 */
__noinline int classify_large(struct query *q, struct summary *by_identity, struct summary *by_cidr,
			      struct summary *by_l4, struct summary *any)
{
	if (!q || !by_l4)
		return false;
	q->candidates[0] = by_l4->word[0] & (chunks_of(by_identity, 0) | chunks_of(by_cidr, 0) | chunks_of(any, 0));
	q->candidates[1] = by_l4->word[1] & (chunks_of(by_identity, 1) | chunks_of(by_cidr, 1) | chunks_of(any, 1));
	q->found = false;
	for (int i = 0; i < MAX_CHUNKS && next_chunk(q); i++) {
		if (q->found && !find_chunk(any, q->chunk))
			continue;
		classify_chunk(q, by_identity, by_cidr, by_l4, any);
		if (q->found && q->wide)
			break;
	}
	return q->found;
}

static __always_inline bool has_bit(const struct vector *v, __u64 bit)
{
	__u64 word = bit >> 6;

	opaque(word);
	return v->word[word & (CHUNK_WORDS - 1)] >> (bit & 63) & 1;
}

static __always_inline bool denies(const struct slot *s, __u32 bit)
{
	const struct vector *deny = &s->deny;

	if (s->flags & SLOT_LARGE)
		deny = find_chunk(summary_in(deny), bit / CHUNK_RULES);
	return deny && has_bit(deny, bit % CHUNK_RULES);
}

/* Names the rule of a bit, and says whether it denies. */
static __always_inline bool decided(const struct slot *s, struct query *q, __u32 bit)
{
	q->rule = rule_number(s, bit);
	if (s->flags & SLOT_ACL)
		q->deny = denies(s, bit);
	return true;
}

/* classify for what some rule decides whoever the peer is; false where that is
 * not known.
 */
__noinline int classify_ports(struct query *q)
{
	const struct stretch *t;
	struct slot *s;
	__u32 family;
	__u16 port;

	if (!q || !has_ports(q->proto) || q->any_port)
		return false;
	s = bpf_map_lookup_elem(&slots, &q->slot);
	if (!s)
		return false;
	family = !is_ipv4(&q->peer);
	t = q->proto == PROTO_TCP ? &s->tcp[family & 1] : &s->udp[family & 1];
	port = bpf_ntohs(q->match);
	if (!t->rule || port < t->from || port > t->to)
		return false;
	q->wide = true;
	q->deny = false;
	return decided(s, q, t->rule - 1);
}

/* Fills in rule, wide and deny of *q. Returns whether a rule matches; one that
 * denies is a match too.
 */
__noinline int classify(struct query *q)
{
	struct vector *by_identity = NULL, *by_cidr = NULL, *by_l4, *any;
	struct slot *s;
	int bit;

	if (!q)
		return false;
	q->rule = 0;
	q->wide = q->deny = false;
	s = bpf_map_lookup_elem(&slots, &q->slot);
	if (!s)
		return false;
	if (s->flags & SLOT_OPEN) {
		q->wide = true;
		return true;
	}
	any = is_ipv4(&q->peer) ? &s->any[0] : &s->any[1];
	by_l4 = find_l4(s, q);
	if (!by_l4)
		return false;
	if (s->flags & SLOT_CIDRS)
		by_cidr = find_cidr(s, q);
	if (s->flags & SLOT_GROUPS && q->identity)
		by_identity = find_identity(q);
	if (s->flags & SLOT_LARGE) {
		struct summary *of_cidr = find_part(s, by_cidr);

		if (!of_cidr)
			of_cidr = summary_in(any);
		if (!classify_large(q, summary_in(by_identity), of_cidr, find_part(s, by_l4), summary_in(any)))
			return false;
		return decided(s, q, q->bit);
	}
	if (!by_cidr)
		by_cidr = any;
	bit = match_chunk(by_identity, by_cidr, by_l4, any, &q->wide);
	return bit >= 0 && decided(s, q, bit);
}

/* Asks a slot, the short way first. */
static __always_inline bool ask(struct query *q)
{
	return classify_ports(q) || classify(q);
}

/* Whether a slot lets all ports of everybody of the family pass. */
static __always_inline bool all_ports_open(__u32 slot, __u8 proto, bool ipv4)
{
	struct slot *s = bpf_map_lookup_elem(&slots, &slot);
	__u32 flag =
		proto == PROTO_TCP ? (ipv4 ? SLOT_ALL_TCP4 : SLOT_ALL_TCP6) : (ipv4 ? SLOT_ALL_UDP4 : SLOT_ALL_UDP6);

	return s && s->flags & (SLOT_OPEN | flag);
}

#endif
