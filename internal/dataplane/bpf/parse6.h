/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
/* IPv6 frames to struct packet, as policy/parse6.go does it. */
#ifndef PARSE6_H
#define PARSE6_H

#include "parse.h"

enum { MAX_EXTENSIONS = 8 };

/* Neighbour discovery (RFC 4861 section 4). */
enum { ROUTER_SOLICITATION = 133, NEIGHBOUR_SOLICITATION = 135, NEIGHBOUR_ADVERTISEMENT = 136, REDIRECT = 137 };
enum { SOURCE_LINK_ADDRESS = 1, TARGET_LINK_ADDRESS = 2, DISCOVERY_HOP_LIMIT = 255 };

/* Steps over the extension header at p->l4_offset; what follows it is in
 * p->t.proto then. Where it ends is kept in memory, see options_allowed.
 * Returns UNDECIDED, or why the packet is dropped.
 */
__noinline int step_over(struct __sk_buff *skb, struct packet *p)
{
	struct {
		__u8 next, length;
		__be16 fragment;
		__be32 id;
	} h;
	__u32 length = 8;
	__u8 this;

	if (!p)
		return MALFORMED;
	this = p->t.proto;
	if (p->l4_length < length || this == ROUTING_HEADER || bpf_skb_load_bytes(skb, p->l4_offset, &h, sizeof(h)))
		return MALFORMED;
	p->t.proto = h.next;
	if (this != FRAGMENT_HEADER) {
		length *= h.length + 1;
	} else if (p->fragmented) {
		return MALFORMED;
	} else {
		__u16 fragment = bpf_ntohs(h.fragment);

		p->fragmented = true;
		p->more = fragment & 1;
		p->later = fragment >> 3 != 0;
		p->id = bpf_ntohl(h.id);
		if (fragment >> 3 == 1 && h.next == PROTO_TCP) /* see parse_ipv4 */
			return MALFORMED;
	}
	if (length > p->l4_length)
		return MALFORMED;
	p->l4_offset += length;
	p->l4_length -= length;
	return UNDECIDED;
}

/* Reads a message of neighbour discovery, of whose options the first counts. */
__noinline int parse_discovery(struct __sk_buff *skb, struct packet *p, __u32 hop_limit, __u32 type)
{
	struct {
		__u8 type, length;
		struct mac mac;
	} option;
	__u8 code;

	if (!p || p->fragmented || hop_limit != DISCOVERY_HOP_LIMIT ||
	    bpf_skb_load_bytes(skb, p->l4_offset + 1, &code, sizeof(code)) || code)
		return MALFORMED;
	p->discovery = true;
	if (type != NEIGHBOUR_SOLICITATION)
		return UNDECIDED;
	p->solicits = true;
	if (p->l4_length < ICMP_LEN + sizeof(p->target) ||
	    bpf_skb_load_bytes(skb, p->l4_offset + ICMP_LEN, &p->target, sizeof(p->target)) ||
	    (__u8)p->target.hi == 0xff || is_ipv4(&p->target))
		return MALFORMED;
	if (p->l4_length == ICMP_LEN + sizeof(p->target))
		return UNDECIDED;
	if (p->l4_length < ICMP_LEN + sizeof(p->target) + sizeof(option) ||
	    bpf_skb_load_bytes(skb, p->l4_offset + ICMP_LEN + sizeof(p->target), &option, sizeof(option)) ||
	    !option.length)
		return MALFORMED;
	if (option.type == SOURCE_LINK_ADDRESS) {
		p->has_link = true;
		p->link = option.mac;
	}
	return UNDECIDED;
}

/* Fills in *p, which is zero but for the Ethernet header, from an IPv6 frame.
 * Returns UNDECIDED, or why it is dropped.
 */
__noinline int parse_ipv6(struct __sk_buff *skb, struct packet *p)
{
	struct ipv6_header ip;
	int reason;

	if (!p || bpf_skb_load_bytes(skb, ETH_LEN, &ip, sizeof(ip)) || ip.version_class >> 4 != 6)
		return MALFORMED;
	p->t.src = ip.src;
	p->t.dst = ip.dst;
	p->t.proto = ip.next;
	p->l4_offset = ETH_LEN + IPV6_LEN;
	p->l4_length = bpf_ntohs(ip.payload_length);
	if (!p->l4_length || p->l4_offset + p->l4_length > skb->len || is_ipv4(&ip.src) || is_ipv4(&ip.dst))
		return MALFORMED;
	for (int i = 0; i <= MAX_EXTENSIONS && is_extension(p->t.proto) && !p->later; i++) {
		if (i == MAX_EXTENSIONS || (i > 0 && p->t.proto == HOP_BY_HOP) || step_over(skb, p) != UNDECIDED)
			return MALFORMED;
	}
	if (p->t.proto == PROTO_ICMP) /* is of IPv4 */
		return MALFORMED;
	if (p->later)
		return UNDECIDED;
	reason = parse_transport(skb, p);
	if (reason == UNDECIDED && p->t.proto == PROTO_ICMPV6) {
		__u8 type = bpf_ntohs(p->match) >> 8;

		if (type >= ROUTER_SOLICITATION && type <= REDIRECT)
			return parse_discovery(skb, p, ip.hop_limit, type);
	}
	return reason;
}

#endif
