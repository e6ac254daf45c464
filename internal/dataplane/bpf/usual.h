/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
/* Almost every frame is TCP or UDP over IP without anything in between, whole,
 * and with its headers in the linear part of the buffer. Those are read where
 * they lie; all others go the way of parse.h.
 */
#ifndef USUAL_H
#define USUAL_H

#include "parse6.h"

struct usual_ipv4 {
	struct ethernet ether;
	__u8 version_ihl, tos;
	__be16 total_length, id, fragment;
	__u8 ttl, proto;
	__be16 checksum;
	__be16 src[2], dst[2];
} __attribute__((packed, aligned(2)));

struct usual_ipv6 {
	struct ethernet ether;
	__u8 version_class, class_flow;
	__be16 flow, payload_length;
	__u8 next, hop_limit;
	__u8 src[16], dst[16];
};

struct usual_tcp {
	__be16 sport, dport;
	__be16 seq[2], ack[2];
	__u8 offset, flags;
	__be16 window, checksum, urgent;
};

struct usual_udp {
	__be16 sport, dport, length, checksum;
};

static __always_inline void load_addr(struct addr *a, const __u8 at[16])
{
	a->hi = load64(at);
	a->lo = load64(at + 8);
}

static __always_inline void load_ethernet(struct ethernet *to, const struct ethernet *h)
{
	store32(to->to.part, load32(h->to.part));
	store32(to->to.part + 2, load32(h->to.part + 2));
	store32(to->from.part + 1, load32(h->from.part + 1));
	to->type = h->type;
}

/* Reads the length bytes behind the IP header, whose protocol is in *p. */
static __always_inline bool usual_transport(void *at, void *end, __u32 length, struct packet *p)
{
	struct usual_tcp *tcp = at;
	struct usual_udp *udp = at;
	__u32 header;

	if (p->t.proto == PROTO_TCP && (void *)(tcp + 1) <= end) {
		header = (tcp->offset >> 4) * 4;
		if (header < TCP_LEN || header > length)
			return false;
		p->tcp_flags = tcp->flags & (TCP_FIN | TCP_SYN | TCP_RST | TCP_PSH | TCP_ACK);
		p->seq = bpf_ntohl(load32(tcp->seq));
		p->ack = bpf_ntohl(load32(tcp->ack));
		p->length = length - header;
		p->opens = (tcp->flags & (TCP_SYN | TCP_ACK)) == TCP_SYN;
	} else if (p->t.proto == PROTO_UDP && (void *)(udp + 1) <= end) {
		header = bpf_ntohs(udp->length);
		if (header < UDP_LEN || header > length)
			return false;
		p->tcp_flags = 0;
		p->opens = true;
	} else {
		return false;
	}
	p->t.sport = udp->sport;
	p->t.dport = p->match = udp->dport;
	p->in_flow = true;
	p->later = p->more = p->any_port = p->discovery = p->solicits = p->has_link = p->has_quoted = false;
	return true;
}

static __always_inline bool parse_usual_ipv6(struct __sk_buff *skb, struct packet *p)
{
	struct usual_ipv6 *h = (void *)(long)skb->data;
	void *end = (void *)(long)skb->data_end;
	__u32 length;

	if ((void *)(h + 1) > end || h->version_class >> 4 != 6)
		return false;
	length = bpf_ntohs(h->payload_length);
	if (ETH_LEN + IPV6_LEN + length > skb->len)
		return false;
	load_addr(&p->t.src, h->src);
	load_addr(&p->t.dst, h->dst);
	if (is_ipv4(&p->t.src) || is_ipv4(&p->t.dst))
		return false;
	p->t.proto = h->next;
	load_ethernet(&p->ether, &h->ether);
	p->l4_offset = ETH_LEN + IPV6_LEN;
	return usual_transport(h + 1, end, length, p);
}

static __always_inline bool parse_usual_ipv4(struct __sk_buff *skb, struct packet *p)
{
	struct usual_ipv4 *h = (void *)(long)skb->data;
	void *end = (void *)(long)skb->data_end;
	__u32 total;

	if ((void *)(h + 1) > end || h->version_ihl != 0x45 || h->fragment & bpf_htons(0x3fff))
		return false;
	total = bpf_ntohs(h->total_length);
	if (total < IPV4_LEN || ETH_LEN + total > skb->len)
		return false;
	set_ipv4(&p->t.src, load32(h->src));
	set_ipv4(&p->t.dst, load32(h->dst));
	p->t.proto = h->proto;
	load_ethernet(&p->ether, &h->ether);
	p->l4_offset = ETH_LEN + IPV4_LEN;
	return usual_transport(h + 1, end, total - IPV4_LEN, p);
}

/* Fills in *p from the frame if it is a usual one. */
static __always_inline bool parse_usual(struct __sk_buff *skb, struct packet *p)
{
	struct ethernet *h = (void *)(long)skb->data;
	void *end = (void *)(long)skb->data_end;

	if ((void *)(h + 1) > end || skb->vlan_present)
		return false;
	if (h->type == bpf_htons(ETHER_IPV4))
		return parse_usual_ipv4(skb, p);
	return h->type == bpf_htons(ETHER_IPV6) && parse_usual_ipv6(skb, p);
}

#endif
