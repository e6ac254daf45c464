/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
/* What happens to a frame once it is decided: rewritten where addresses
 * differ, handed to the receiver's port, or counted and dropped.
 */
#ifndef DELIVER_H
#define DELIVER_H

#include <linux/if_packet.h>
#include <linux/pkt_cls.h>

#include "parse.h"
#include "decide.h"

static __always_inline __be32 ipv4_of(const struct addr *a)
{
	return a->lo >> 32;
}

enum { CHECKSUM_OFFSET = ETH_LEN + 10, SRC_OFFSET = ETH_LEN + 12, DST_OFFSET = ETH_LEN + 16 };

/* Brings the transport's checksum, which covers the addresses, to an exchange of
 * one of them. The transport header begins at l4.
 */
static __always_inline void exchange_transport(struct __sk_buff *skb, __u8 proto, __u32 l4, __be32 old, __be32 new)
{
	if (proto == PROTO_TCP)
		bpf_l4_csum_replace(skb, l4 + 16, old, new, BPF_F_PSEUDO_HDR | 4);
	if (proto == PROTO_UDP)
		bpf_l4_csum_replace(skb, l4 + 6, old, new, BPF_F_PSEUDO_HDR | BPF_F_MARK_MANGLED_0 | 4);
}

/* Exchanges an address of the IPv4 header, and with it the checksums that
 * cover it.
 */
static __always_inline void exchange(struct __sk_buff *skb, const struct packet *p, __u32 at, __be32 old, __be32 new)
{
	if (!p->later)
		exchange_transport(skb, p->t.proto, p->l4_offset, old, new);
	bpf_l3_csum_replace(skb, CHECKSUM_OFFSET, old, new, 4);
	bpf_skb_store_bytes(skb, at, &new, sizeof(new), 0);
}

/* The same in the packet that an ICMP error quotes. Its header's sum stays
 * what it was, and so does the sum of the message.
 */
static __always_inline void exchange_quoted(struct __sk_buff *skb, const struct packet *p, __u32 at, __be32 old,
					    __be32 new)
{
	bpf_l3_csum_replace(skb, p->quoted_offset + 10, old, new, 4);
	bpf_skb_store_bytes(skb, p->quoted_offset + at, &new, sizeof(new), 0);
}

/* Gives the packet the sender's public address for the private one. */
__noinline int leave(struct __sk_buff *skb, struct packet *p, __u32 public)
{
	__be32 old;

	if (!p)
		return 0;
	old = ipv4_of(&p->t.src);
	exchange(skb, p, SRC_OFFSET, old, public);
	if (p->has_quoted && same_addr(&p->quoted.dst, &p->t.src)) {
		exchange_quoted(skb, p, 16, old, public);
		set_ipv4(&p->quoted.dst, public);
	}
	set_ipv4(&p->t.src, public);
	return 0;
}

/* Gives the packet the receiver's private address for the public one. */
__noinline int arrive(struct __sk_buff *skb, struct packet *p, struct addr *private)
{
	__be32 old, new;

	if (!p || !private)
		return 0;
	old = ipv4_of(&p->t.dst);
	new = ipv4_of(private);
	exchange(skb, p, DST_OFFSET, old, new);
	if (p->has_quoted && same_addr(&p->quoted.src, &p->t.dst)) {
		exchange_quoted(skb, p, 12, old, new);
		p->quoted.src = *private;
	}
	p->t.dst = *private;
	return 0;
}

/* Hands the frame to whoever is behind a port. */
static __always_inline int hand_over(struct __sk_buff *skb, __u32 ifindex)
{
	if (skb->pkt_type != PACKET_HOST)
		bpf_skb_change_type(skb, PACKET_HOST);
	return bpf_redirect_peer(ifindex, 0);
}

/* Stores at fixed offsets from the context, which clang would otherwise turn
 * into a modified pointer that the verifier refuses.
 */
static __always_inline void show(struct __sk_buff *skb, __u32 reason, __u32 rule, __u32 ifindex)
{
	asm volatile("*(u32 *)(%[skb] + %[cb0]) = %[reason]\n\t"
		     "*(u32 *)(%[skb] + %[cb1]) = %[rule]\n\t"
		     "*(u32 *)(%[skb] + %[cb2]) = %[ifindex]"
		     :
		     : [skb] "r"(skb), [reason] "r"(reason), [rule] "r"(rule), [ifindex] "r"(ifindex),
		       [cb0] "i"(__builtin_offsetof(struct __sk_buff, cb[0])),
		       [cb1] "i"(__builtin_offsetof(struct __sk_buff, cb[1])),
		       [cb2] "i"(__builtin_offsetof(struct __sk_buff, cb[2]))
		     : "memory");
}

/* Hands the frame to a port by way of one of the programs of rewrite.h, with the
 * tail of the MAC address that is there, and perhaps another IPv4 address. As the
 * kernel knows which one, it is a jump.
 */
static __always_inline int rewrite(struct __sk_buff *skb, __u32 how, __u32 mac, __be32 address)
{
	asm volatile("*(u32 *)(%[skb] + %[cb3]) = %[mac]\n\t"
		     "*(u32 *)(%[skb] + %[cb4]) = %[address]"
		     :
		     : [skb] "r"(skb), [mac] "r"(mac), [address] "r"(address),
		       [cb3] "i"(__builtin_offsetof(struct __sk_buff, cb[3])),
		       [cb4] "i"(__builtin_offsetof(struct __sk_buff, cb[4]))
		     : "memory");
	bpf_tail_call_static(skb, &rewriters, how);
	return TC_ACT_SHOT; /* never: the agent puts them there before it attaches anything */
}

/* Hands the frame to the port that show was told, with the MAC addresses that it
 * has there. One that leaves its subnet comes from the virtual router, and so
 * does one from the internet.
 */
static __always_inline int deliver(struct __sk_buff *skb, const struct packet *p, __u32 ifindex, __u32 mac, bool routed)
{
	const struct mac receiver = mac_of(mac);

	if (routed)
		return rewrite(skb, REWRITE_ROUTED, mac, 0);
	if (!same_mac(&receiver, &p->ether.to))
		return rewrite(skb, REWRITE_RECEIVER, mac, 0);
	return hand_over(skb, ifindex);
}

/* Counts a frame that goes nowhere, exactly, and tells of it, now and then. */
__noinline int discard(struct __sk_buff *skb, struct work *w, __u32 reason)
{
	struct control *c = get_control();
	struct drop_count *n, none = {};
	struct drop_key key = {.reason = reason};
	bool wanted;

	if (!w || !c || only_asks)
		return TC_ACT_SHOT;
	key.number = w->judged;
	n = bpf_map_lookup_elem(&drops, &key);
	if (!n) {
		bpf_map_update_elem(&drops, &key, &none, BPF_NOEXIST);
		n = bpf_map_lookup_elem(&drops, &key);
	}
	if (n) {
		n->packets += w->segments;
		n->bytes += w->frame_length;
		wanted = is_wanted(w, c, reason);
		if (wanted || may_tell(n, c))
			tell(w, skb->ifindex, reason, wanted);
	}
	return TC_ACT_SHOT;
}

#endif
