/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
/* Questions for the MAC address of a neighbour. They go no further than here. */
#ifndef NEIGHBOURS_H
#define NEIGHBOURS_H

#include "parse.h"
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
 * bpf_redirect would send it through to_port, which drops.
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
	    (sender && !owns_ipv4(port, sender)))
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

#endif
