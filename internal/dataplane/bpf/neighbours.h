/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
/* Questions for the MAC address of a neighbour. They go no further than here. */
#ifndef NEIGHBOURS_H
#define NEIGHBOURS_H

#include "parse6.h"
#include "route.h"

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

static __always_inline bool owns_ipv4(const struct port *port, __be32 ip)
{
	struct addr a;

	set_ipv4(&a, ip);
	return owns(port, &a);
}

/* Answers every question with the MAC address that the interface of that
 * address has or would have. The answer goes back the way the question came:
 * bpf_redirect would send it through to_port, which drops. An interface that
 * forwards asks from whichever address its own routes prefer.
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
	if (!same_mac(&f.from, &port->mac) || !same_mac(&f.sender_mac, &port->mac) ||
	    (sender && !(port->flags & PORT_NO_CHECK) && !owns_ipv4(port, sender)))
		return SPOOFED;
	first = (__u8)target;
	if (f.operation != bpf_htons(1) || owns_ipv4(port, target) || first == 0 || first >= 224)
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

struct advertisement {
	struct ethernet ether;
	__u8 version_class, class_flow;
	__be16 flow, payload_length;
	__u8 next, hop_limit;
	__u8 src[16], dst[16];
	__u8 type, code;
	__be16 checksum;
	__u8 flags, reserved[3];
	__u8 target[16];
	__u8 option, option_length;
	struct mac mac;
} __attribute__((packed, aligned(2)));

enum { ADVERTISEMENT_PAYLOAD = 32, ADVERTISEMENT_FLAGS = 0xe0 /* of a router, solicited, override */ };

/* Puts the answer to a solicitation in its place: the virtual router has every
 * address.
 */
static __always_inline int advertise(struct __sk_buff *skb, const struct packet *p)
{
	struct advertisement a = {
		.ether = {.to = p->ether.from, .from = ROUTER_MAC, .type = bpf_htons(ETHER_IPV6)},
		.version_class = 6 << 4,
		.payload_length = bpf_htons(ADVERTISEMENT_PAYLOAD),
		.next = PROTO_ICMPV6,
		.hop_limit = DISCOVERY_HOP_LIMIT,
		.type = NEIGHBOUR_ADVERTISEMENT,
		.flags = ADVERTISEMENT_FLAGS,
		.option = TARGET_LINK_ADDRESS,
		.option_length = 1,
		.mac = ROUTER_MAC,
	};
	__u32 sum;

	__builtin_memcpy(a.src, &p->target, sizeof(a.src));
	__builtin_memcpy(a.dst, &p->t.src, sizeof(a.dst));
	__builtin_memcpy(a.target, &p->target, sizeof(a.target));
	/* The addresses, and all that follows them, are what the checksum covers
	 * (RFC 8200 section 8.1), besides length and protocol.
	 */
	sum = bpf_csum_diff(NULL, 0, (void *)a.src, sizeof(a) - __builtin_offsetof(struct advertisement, src),
			    bpf_htons(ADVERTISEMENT_PAYLOAD + PROTO_ICMPV6));
	sum = (sum & 0xffff) + (sum >> 16);
	a.checksum = ~(sum + (sum >> 16));
	if (skb->len != sizeof(a) && bpf_skb_change_tail(skb, sizeof(a), 0))
		return IGNORED;
	return bpf_skb_store_bytes(skb, 0, &a, sizeof(a), 0) ? IGNORED : ANSWERED;
}

/* Answers whoever looks for a neighbour. Other messages would only fill
 * neighbour tables, and routes are not learnt from instances.
 */
__noinline int answer_discovery(struct __sk_buff *skb, struct work *w, struct port *port)
{
	const struct packet *p;

	if (!w || !port)
		return MALFORMED;
	p = &w->p;
	if (!p->solicits || is_unspecified(&p->t.src))
		return IGNORED;
	if (!(port->flags & PORT_NO_CHECK) && !is_link_local(&p->t.src) && !owns(port, &p->t.src))
		return SPOOFED;
	if (p->has_link && !same_mac(&p->link, &port->mac))
		return SPOOFED;
	if (owns(port, &p->target))
		return IGNORED;
	return advertise(skb, p);
}

#endif
