/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
/* The programs that end the way of frames whose headers change. They write where
 * the frame lies, which takes half the time of the kernel's helper; but a program
 * that does so anywhere is made to begin with a look whether the frame is a clone,
 * as TCP's are, and this must not cost those that are delivered as they are.
 *
 * What to write is in skb->cb, behind the verdict: cb[2] is the port, cb[3] the
 * tail of the MAC address there, cb[4] the IPv4 address that takes the place of
 * the sender's or the receiver's. While an agent takes over from another, programs
 * of the one call those of the other, so this is as fixed as the maps.
 */
#ifndef REWRITE_H
#define REWRITE_H

#include "usual.h"
#include "deliver.h"

/* Gives the frame the MAC addresses that it has at the receiver. */
static __always_inline int address_frame(struct __sk_buff *skb, bool routed)
{
	struct ethernet *h = (void *)(long)skb->data;

	if ((void *)(h + 1) > (void *)(long)skb->data_end)
		return TC_ACT_SHOT; /* it was longer when it was parsed */
	h->to = mac_of(skb->cb[3]);
	if (routed)
		h->from = (struct mac)ROUTER_MAC;
	return hand_over(skb, skb->cb[2]);
}

/* The checksum of an IPv4 header in which old has become new (RFC 1624). */
static __always_inline __be16 checksum_after(__be16 checksum, __be32 old, __be32 new)
{
	__u32 sum = (__u16)~checksum + (__u16)~old + (~old >> 16) + (__u16) new + (new >> 16);

	sum = (sum & 0xffff) + (sum >> 16);
	return ~(sum + (sum >> 16));
}

/* Exchanges an address of a usual IPv4 packet. */
static __always_inline int exchange_usual(struct __sk_buff *skb, bool sender)
{
	struct usual_ipv4 *h = (void *)(long)skb->data;
	__be32 old, new = skb->cb[4];
	__be16 *address;

	if ((void *)(h + 1) > (void *)(long)skb->data_end)
		return TC_ACT_SHOT;
	old = load32(sender ? h->src : h->dst);
	exchange_transport(skb, h->proto, ETH_LEN + IPV4_LEN, old, new);
	h = (void *)(long)skb->data;
	if ((void *)(h + 1) > (void *)(long)skb->data_end)
		return TC_ACT_SHOT;
	h->checksum = checksum_after(h->checksum, old, new);
	address = sender ? h->src : h->dst;
	store32(address, new);
	return address_frame(skb, true);
}

/* Within its subnet, to a MAC address that the sender got from somebody else. */
SEC("tc")
int rewrite_receiver(struct __sk_buff *skb)
{
	return address_frame(skb, false);
}

/* Between subnets, and from the internet. */
SEC("tc")
int rewrite_routed(struct __sk_buff *skb)
{
	return address_frame(skb, true);
}

/* To the internet, from a public address. */
SEC("tc")
int rewrite_leaving(struct __sk_buff *skb)
{
	return exchange_usual(skb, true);
}

/* From the internet, to a private address. */
SEC("tc")
int rewrite_arriving(struct __sk_buff *skb)
{
	return exchange_usual(skb, false);
}

#endif
