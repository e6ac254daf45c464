/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
/* Frames to struct packet, as policy.ParseFrame does it: IPv4, and what both
 * families have in common. Everything is read by
 * bpf_skb_load_bytes, which also finds what is not in the linear part.
 */
#ifndef PARSE_H
#define PARSE_H

#include "work.h"

#define ETHER_IPV4 0x0800
#define ETHER_ARP 0x0806
#define ETHER_IPV6 0x86dd

struct ipv4_header {
	__u8 version_ihl, tos;
	__be16 total_length, id, fragment;
	__u8 ttl, proto;
	__be16 checksum;
	__be32 src, dst;
};

struct ipv6_header {
	__u8 version_class, class_flow;
	__be16 flow;
	__be16 payload_length;
	__u8 next, hop_limit;
	struct addr src, dst;
};

/* Extension headers that are walked, and the one that is refused. */
enum { HOP_BY_HOP = 0, ROUTING_HEADER = 43, FRAGMENT_HEADER = 44, DESTINATION_OPTIONS = 60 };

static __always_inline bool is_query(__u8 proto, __u8 type)
{
	return proto == PROTO_ICMP ? type == 8 || type == 13 || type == 15 || type == 17 : type == 128;
}

/* The query that a type answers, 0 for a type that answers none. */
static __always_inline __u8 query_of(__u8 proto, __u8 type)
{
	if (proto == PROTO_ICMPV6)
		return type == 129 ? 128 : 0;
	switch (type) {
	case 0:
		return 8;
	case 14:
	case 16:
	case 18:
		return type - 1;
	default:
		return 0;
	}
}

/* The type that answers a query. */
static __always_inline __u8 reply_of(__u8 proto, __u8 query)
{
	return proto == PROTO_ICMP && query == 8 ? 0 : query + 1;
}

static __always_inline bool is_icmp_error(__u8 proto, __u8 type)
{
	return proto == PROTO_ICMP ? type == 3 || type == 11 || type == 12 : type >= 1 && type <= 4;
}

/* The ports of an ICMP message's flow; false for one that is part of none. */
static __always_inline bool icmp_ports(struct tuple *t, __u8 type, __u8 code, __be16 id)
{
	__u8 query = query_of(t->proto, type);

	if (is_query(t->proto, type)) {
		t->sport = id;
		t->dport = bpf_htons(type << 8 | code);
		return true;
	}
	if (query) {
		t->sport = bpf_htons(query << 8 | code);
		t->dport = id;
		return true;
	}
	return false;
}

static __always_inline void set_ipv4(struct addr *a, __be32 ip)
{
	a->hi = IPV4_MAPPED_HI;
	a->lo = IPV4_MAPPED(ip);
}

/* Walks IPv4 options (RFC 791 §3.1) and refuses source routes. Where the next
 * option begins is kept in memory: the verifier, which does not follow it
 * there, then has one state to look at for each byte.
 */
__noinline int options_allowed(struct __sk_buff *skb, struct packet *p, __u64 length)
{
	if (!p || length > sizeof(p->options))
		return false;
	opaque(length);
	if (length < 1)
		return false;
	if (bpf_skb_load_bytes(skb, ETH_LEN + IPV4_LEN, p->options, length))
		return false;
	p->next_option = 0;
	for (__u32 i = 0; i < sizeof(p->options) && i < length; i++) {
		__u8 option = p->options[i], size;

		if (i != p->next_option)
			continue;
		if (option == 0)
			return true;
		if (option == 1) {
			p->next_option = i + 1;
			continue;
		}
		if (option == 131 || option == 137 || i + 1 >= length || i + 1 >= sizeof(p->options))
			return false;
		size = p->options[i + 1];
		if (size < 2 || i + size > length)
			return false;
		p->next_option = i + size;
	}
	return true;
}

/* Reads the transport header of a packet inside an ICMP error, of which eight
 * bytes are there. has_quoted stays 0 when it does not tell a flow.
 */
static __always_inline void quote_ports(struct __sk_buff *skb, struct packet *p, __u32 at)
{
	__be16 head[4];

	if (bpf_skb_load_bytes(skb, at, head, sizeof(head)))
		return;
	p->quoted.sport = p->quoted.dport = 0;
	if (has_ports(p->quoted.proto)) {
		p->quoted.sport = head[0];
		p->quoted.dport = head[1];
	} else if (is_icmp(p->quoted.proto)) {
		__u16 type_code = bpf_ntohs(head[0]);

		if (!icmp_ports(&p->quoted, type_code >> 8, type_code, head[2]))
			return;
	}
	p->has_quoted = true;
}

/* Reads the packet inside an ICMP error. */
static __always_inline void parse_quoted(struct __sk_buff *skb, struct packet *p, __u32 at, __u32 length)
{
	struct ipv4_header ip;
	__u32 ihl;

	if (length < IPV4_LEN || bpf_skb_load_bytes(skb, at, &ip, sizeof(ip)) || ip.version_ihl >> 4 != 4)
		return;
	ihl = (ip.version_ihl & 0xf) * 4;
	if (ihl < IPV4_LEN || length < ihl + 8 || ip.fragment & bpf_htons(0x1fff))
		return;
	set_ipv4(&p->quoted.src, ip.src);
	set_ipv4(&p->quoted.dst, ip.dst);
	p->quoted.proto = ip.proto;
	p->quoted_offset = at;
	quote_ports(skb, p, at + ihl);
}

static __always_inline bool is_extension(__u8 proto)
{
	return proto == HOP_BY_HOP || proto == ROUTING_HEADER || proto == FRAGMENT_HEADER ||
	       proto == DESTINATION_OPTIONS;
}

/* The same of IPv6, where the transport header must follow at once. */
static __always_inline void parse_quoted6(struct __sk_buff *skb, struct packet *p, __u32 at, __u32 length)
{
	struct ipv6_header ip;

	if (length < IPV6_LEN + 8 || bpf_skb_load_bytes(skb, at, &ip, sizeof(ip)) || ip.version_class >> 4 != 6)
		return;
	if (is_extension(ip.next) || ip.next == PROTO_ICMP || is_ipv4(&ip.src) || is_ipv4(&ip.dst))
		return;
	p->quoted.src = ip.src;
	p->quoted.dst = ip.dst;
	p->quoted.proto = ip.next;
	quote_ports(skb, p, at + IPV6_LEN);
}

static __always_inline int parse_tcp(struct __sk_buff *skb, struct packet *p, __u32 length)
{
	struct {
		__be16 sport, dport;
		__be32 seq, ack;
		__u8 offset, flags;
		__be16 window;
	} tcp;
	__u32 header;

	if (length < TCP_LEN || bpf_skb_load_bytes(skb, p->l4_offset, &tcp, sizeof(tcp)))
		return MALFORMED;
	header = (tcp.offset >> 4) * 4;
	if (header < TCP_LEN || header > length)
		return MALFORMED;
	p->t.sport = tcp.sport;
	p->t.dport = p->match = tcp.dport;
	p->seq = bpf_ntohl(tcp.seq);
	p->ack = bpf_ntohl(tcp.ack);
	p->tcp_flags = tcp.flags & (TCP_FIN | TCP_SYN | TCP_RST | TCP_PSH | TCP_ACK);
	p->length = length - header;
	p->in_flow = true;
	p->opens = (tcp.flags & (TCP_SYN | TCP_ACK)) == TCP_SYN;
	return UNDECIDED;
}

static __always_inline int parse_udp(struct __sk_buff *skb, struct packet *p, __u32 length)
{
	__be16 udp[4];
	__u32 said;

	if (length < UDP_LEN || bpf_skb_load_bytes(skb, p->l4_offset, udp, sizeof(udp)))
		return MALFORMED;
	said = bpf_ntohs(udp[2]);
	if (said < UDP_LEN || (!p->more && said > length))
		return MALFORMED;
	p->t.sport = udp[0];
	p->t.dport = p->match = udp[1];
	p->in_flow = p->opens = true;
	return UNDECIDED;
}

static __always_inline int parse_icmp(struct __sk_buff *skb, struct packet *p, __u32 length)
{
	__u8 icmp[ICMP_LEN];
	__be16 id;

	if (length < ICMP_LEN || bpf_skb_load_bytes(skb, p->l4_offset, icmp, sizeof(icmp)))
		return MALFORMED;
	id = *(__be16 *)(icmp + 4);
	p->match = bpf_htons(icmp[0] << 8 | icmp[1]);
	p->in_flow = icmp_ports(&p->t, icmp[0], icmp[1], id);
	p->opens = is_query(p->t.proto, icmp[0]);
	if (!is_icmp_error(p->t.proto, icmp[0]))
		return UNDECIDED;
	if (p->t.proto == PROTO_ICMP)
		parse_quoted(skb, p, p->l4_offset + ICMP_LEN, length - ICMP_LEN);
	else
		parse_quoted6(skb, p, p->l4_offset + ICMP_LEN, length - ICMP_LEN);
	return UNDECIDED;
}

/* Reads the p->l4_length bytes at p->l4_offset. A first fragment must hold the
 * whole header, so that no later one can change what was judged.
 */
__noinline int parse_transport(struct __sk_buff *skb, struct packet *p)
{
	if (!p)
		return MALFORMED;
	switch (p->t.proto) {
	case PROTO_TCP:
		return parse_tcp(skb, p, p->l4_length);
	case PROTO_UDP:
		return parse_udp(skb, p, p->l4_length);
	case PROTO_ICMP:
	case PROTO_ICMPV6:
		return parse_icmp(skb, p, p->l4_length);
	default:
		p->in_flow = p->opens = true;
		return UNDECIDED;
	}
}

/* Fills in *p, which is zero but for the Ethernet header, from an IPv4 frame.
 * Returns UNDECIDED, or why it is dropped.
 */
__noinline int parse_ipv4(struct __sk_buff *skb, struct packet *p)
{
	struct ipv4_header ip;
	__u32 ihl, total, offset;

	if (!p || bpf_skb_load_bytes(skb, ETH_LEN, &ip, sizeof(ip)))
		return MALFORMED;
	ihl = (ip.version_ihl & 0xf) * 4;
	total = bpf_ntohs(ip.total_length);
	if (ip.version_ihl >> 4 != 4 || ihl < IPV4_LEN || total < ihl || ETH_LEN + total > skb->len)
		return MALFORMED;
	if (ihl > IPV4_LEN && !options_allowed(skb, p, ihl - IPV4_LEN))
		return MALFORMED;
	set_ipv4(&p->t.src, ip.src);
	set_ipv4(&p->t.dst, ip.dst);
	p->t.proto = ip.proto;
	if (ip.proto == PROTO_ICMPV6) /* is of IPv6 */
		return MALFORMED;
	p->id = bpf_ntohs(ip.id);
	p->more = !!(ip.fragment & bpf_htons(0x2000));
	p->l4_offset = ETH_LEN + ihl;
	p->l4_length = total - ihl;
	offset = bpf_ntohs(ip.fragment) & 0x1fff;
	p->later = offset != 0;
	if (offset) /* the second eight bytes are TCP's flags (RFC 3128) */
		return offset == 1 && ip.proto == PROTO_TCP ? MALFORMED : UNDECIDED;
	return parse_transport(skb, p);
}

#endif
