/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
/* What a program knows of the packet at hand. It lives in a per-CPU map,
 * because 512 bytes of stack must do for the whole chain of calls; programs
 * run with bottom halves off, so nobody else on the CPU is using it.
 */
#ifndef WORK_H
#define WORK_H

#include "maps.h"

#define IPV4_MAPPED_HI 0
#define IPV4_MAPPED(ip) ((__u64)(ip) << 32 | bpf_htonl(0xffff))

#define likely(x) __builtin_expect(!!(x), 1)
/* Keeps the compiler from reasoning about x, where what it would make of it
 * does not pass the verifier.
 */
#define opaque(x) asm volatile("" : "+r"(x))

enum { LOW, HIGH };
enum { INGRESS, EGRESS };
enum { SENDER, RECEIVER };

enum { ETH_LEN = 14, IPV4_LEN = 20, IPV6_LEN = 40, TCP_LEN = 20, UDP_LEN = 8, ICMP_LEN = 8 };
enum { PROTO_ICMP = 1, PROTO_TCP = 6, PROTO_UDP = 17, PROTO_ICMPV6 = 58 };
enum { TCP_FIN = 1, TCP_SYN = 2, TCP_RST = 4, TCP_PSH = 8, TCP_ACK = 16 };

struct ethernet {
	struct mac to, from;
	__be16 type;
};

struct tuple {
	struct addr src, dst;
	__be16 sport, dport; /* of the flow; an ICMP query's are its identifier, and type and code */
	__u8 proto;
	__u8 pad[3];
};

struct packet {
	struct tuple t;
	__be16 match;	/* what rules look at: destination port, or ICMP type and code */
	__u8 in_flow;	/* of a kind that flows are made of */
	__u8 opens;	/* may begin one */
	__u8 later;	/* a later fragment */
	__u8 more;	/* not the last fragment */
	__u8 any_port;	/* ports are not known */
	__u8 discovery; /* of neighbours */
	__u8 solicits;	/* a neighbour */
	__u8 has_link, has_quoted;
	__u8 fragmented;	    /* IPv6; whole datagrams may be, too */
	__u8 tcp_flags;		    /* 0 for all else */
	__u32 seq, ack, length;	    /* TCP; length of the payload */
	__u32 id;		    /* of the datagram */
	__u32 l4_offset, l4_length; /* in the frame; while it is parsed */
	__u32 quoted_offset;	    /* of its IP header in the frame */
	struct tuple quoted;	    /* valid iff has_quoted */
	struct addr target;	    /* valid iff solicits */
	struct mac link;	    /* valid iff has_link: what the sender says of itself */
	struct ethernet ether;
	__u8 options[40]; /* of IPv4, while they are looked at */
	__u32 next_option;
};

/* An end of a packet: an interface, or whoever is on the internet side, with
 * all but the address zero.
 */
struct end {
	__u32 number;
	__u32 ifindex;
	__u32 set, subnet;
	__u32 mac;  /* what follows 02:52 */
	__u32 own;  /* the packet's address is one of the interface's */
	__u32 node; /* PORT_NODE for one of a load balancer: its subnet's ACL is asked about all that it sends */
	__u32 tcp_timeout, udp_timeouts;
};

/* A question to a slot, and what it says. */
struct query {
	struct addr peer;
	__u32 identity; /* of the peer */
	__u32 slot;
	__be16 match;
	__u8 proto;
	__u8 any_port;
	__u32 rule; /* host-wide number of the first match */
	__u8 wide;  /* some match is for everybody */
	__u8 deny;  /* the first match denies */
	/* While the chunks of a large slot are looked at. */
	__u8 found;
	__u8 pad;
	__u32 chunk;
	__u32 bit; /* the first match */
	__u64 candidates[2];
};

/* What rules say of an opening. */
struct judgement {
	struct {
		__u32 rule;
		__u8 failed, tracked;
		__u8 pad[2];
	} at[2];      /* SENDER, RECEIVER */
	__u32 reason; /* UNDECIDED: all allow it */
	__u32 acl_rule;
};

/* An opening, and what its judgement depends on. */
struct question {
	struct addr src, dst;
	__u32 number[2], set_version[2], acl_version[2]; /* SENDER, RECEIVER */
	__u32 network;
	__be16 match;
	__u8 proto;
	__u8 own; /* 1: the sender, 2: the receiver; or'ed with node of the sender */
};

union opening_key {
	struct question is;
	__u64 word[8];
};
_Static_assert(sizeof(struct question) == 64, "a question is compared word by word");

struct answer {
	union opening_key key;
	struct judgement j;
};

struct work {
	struct packet p;
	struct end end[2]; /* SENDER, RECEIVER */
	__u64 clock;	   /* tick */
	__u32 network;
	__be32 public; /* address of the interface, where the other end is on the internet side; or 0 */
	__u32 epoch;
	__u32 now; /* the lower half of clock */
	__u32 hz;
	__u32 half_open_limit;
	__u32 strict;
	__u32 frame_length; /* bytes, for counters */
	__u32 segments;
	/* What to answer. */
	__u32 rule;
	__u32 judged; /* number of the interface that the verdict is about */
	/* Room that would not fit on the stack. */
	struct tuple opening;
	struct flow_key key;
	struct flow fresh;
	struct query q;
	struct judgement j, kept;
	union opening_key question;
	struct seed_key seed_key;
	struct seed seed;
};

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__type(key, __u32);
	__type(value, struct work);
	__uint(max_entries, 1);
} scratch SEC(".maps");

/* The latest answers, which hold for ever: versions are never used again. */
#define ANSWERS 1024

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__type(key, __u32);
	__type(value, struct answer);
	__uint(max_entries, ANSWERS);
} answers SEC(".maps");

/* Set in the copy of the programs that only answers what would become of a
 * packet: it changes nothing, and does not look at flows.
 */
const volatile bool only_asks = false;

static __always_inline struct control *get_control(void)
{
	__u32 zero = 0;
	return bpf_map_lookup_elem(&control, &zero);
}

/* The clock, in ticks: the kernel's jiffies, which cost a load. The lower 32
 * bits last for seven weeks at 1,000 Hz, long enough for what is collected.
 */
static __always_inline __u64 ticks_now(const struct control *c)
{
	return (bpf_jiffies64() & c->clock_mask) + c->clock_offset;
}

/* Headers lie in frames at odd multiples of two bytes. All CPUs that this runs on
 * read and write there what is longer in one go, which the compiler does not know.
 */
static __always_inline __u32 load32(const void *at)
{
	return *(const __u32 *)at;
}

static __always_inline __u64 load64(const void *at)
{
	return *(const __u64 *)at;
}

static __always_inline void store32(void *at, __u32 value)
{
	*(__u32 *)at = value;
}

static __always_inline bool same_addr(const struct addr *a, const struct addr *b)
{
	return a->hi == b->hi && a->lo == b->lo;
}

static __always_inline bool same_mac(const struct mac *a, const struct mac *b)
{
	return a->part[0] == b->part[0] && a->part[1] == b->part[1] && a->part[2] == b->part[2];
}

/* Addresses of a link, from which and to which nothing is forwarded (RFC 4291
 * section 2.5).
 */
static __always_inline bool is_unspecified(const struct addr *a)
{
	return !(a->hi | a->lo);
}

static __always_inline bool is_link_local(const struct addr *a)
{
	return (a->hi & bpf_htonl(0xffc00000)) == bpf_htonl(0xfe800000);
}

static __always_inline bool of_link(const struct addr *a)
{
	return is_unspecified(a) || is_link_local(a);
}

/* Of the virtual router, and of the internet. */
#define ROUTER_MAC                                                                                                     \
	{                                                                                                              \
		.part = { bpf_htons(0x0252), 0, bpf_htons(1) }                                                         \
	}

/* What follows 02:52 in a MAC address; all addresses here begin so. */
static __always_inline __u32 mac_tail(const struct mac *mac)
{
	return mac->part[1] | (__u32)mac->part[2] << 16;
}

static __always_inline struct mac mac_of(__u32 tail)
{
	return (struct mac){.part = {bpf_htons(0x0252), tail, tail >> 16}};
}

static __always_inline bool has_ports(__u8 proto)
{
	return proto == PROTO_TCP || proto == PROTO_UDP;
}

static __always_inline bool is_icmp(__u8 proto)
{
	return proto == PROTO_ICMP || proto == PROTO_ICMPV6;
}

static __always_inline bool is_ipv4(const struct addr *a)
{
	return a->hi == IPV4_MAPPED_HI && (__u32)a->lo == bpf_htonl(0xffff);
}

#endif
