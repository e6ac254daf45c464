/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
/* The structs that Go and BPF share. This file is their only definition: go
 * generate turns each into a Go type. Rules of the house:
 *   - addresses are 16 bytes, IPv4 as ::ffff:a.b.c.d, so there is one path;
 *   - ports and addresses are in network order, everything else in host order;
 *   - padding is spelled out and zero, or the verifier rejects the key.
 */
#ifndef RINGFENCE_H
#define RINGFENCE_H

#include <stdbool.h>
#include <linux/bpf.h>
#include <linux/types.h>
#include <bpf/bpf_endian.h>
#include <bpf/bpf_helpers.h>

/* Why a packet is delivered or dropped. The numbers are those of
 * policy.Reason; a test holds the two together.
 */
enum reason {
	UNDECIDED,
	ADMITTED,
	KNOWN,
	LINGERING,
	RELATED,
	UNTRACKED,
	ANSWERED,
	IGNORED,
	UNKNOWN_PORT,
	MALFORMED,
	NOT_IP,
	SPOOFED,
	MULTICAST,
	NO_ROUTE,
	FRAGMENT_ALONE,
	NO_EGRESS_RULE,
	NO_INGRESS_RULE,
	ACL_OUT,
	ACL_IN,
	REVOKED,
	NO_FLOW,
	TABLE_FULL,
};
const enum reason *keep_reason __attribute__((unused));

struct addr {
	__u64 hi, lo; /* as they lie in memory: network order */
};

struct mac {
	__u16 part[3]; /* likewise */
};

/* ---- who is where ---- */

enum port_flags {
	PORT_OUTSIDE = 1,  /* a host on the internet side */
	PORT_NO_CHECK = 2, /* source/destination check is off */
	PORT_NODE = 4,	   /* of a load balancer */
};
const enum port_flags *keep_port_flags __attribute__((unused));

/* What is behind a host-side link, by its index. All zero: nothing. */
struct port {
	__u32 number; /* the interface's, which tells it from earlier ones; 0: nothing */
	__u32 network;
	__u32 set;    /* index into sets */
	__u32 subnet; /* index into subnets */
	__u32 flags;
	__u32 tcp_timeout;  /* seconds that an established flow may be idle */
	__u32 udp_timeouts; /* likewise: a stream's, and << 16 that of a packet without an answer */
	struct mac mac;
	__u16 pad[3];
	struct addr addr; /* primary */
};

/* An address in a network; network 0 is the internet. */
struct location {
	__u32 network;
	__u32 pad;
	struct addr addr;
};

/* Who has it. */
struct whereabouts {
	__u32 number;
	__u32 ifindex; /* of the host-side link */
	__u32 network; /* for addresses on the internet side: where the private one is */
	__u32 pad;
	struct addr private; /* for public IPv4 addresses; otherwise the address itself */
};

/* What a private IPv4 address of an interface is on the internet side. */
struct public
{
	__u32 number; /* of the interface */
	__be32 addr;
};

/* ---- where packets go that leave their subnet ---- */

enum route_kind {
	ROUTE_NOWHERE, /* nobody in the network has the address, or the target is gone */
	ROUTE_INTERNET,
	ROUTE_INTERFACE,
};
const enum route_kind *keep_route_kind __attribute__((unused));

/* Like struct cidr_key, by the index of the sender's subnet. */
struct route_key {
	__u32 prefixlen;
	__be32 subnet;
	struct addr addr;
};

/* The number and the primary address are those of an interface that takes
 * packets for others.
 */
struct route {
	__u32 kind;
	__u32 number;
	struct addr addr;
};

/* ---- rules as bit vectors ---- */

#define CHUNK_RULES 512u
#define CHUNK_WORDS 8
#define MAX_CHUNKS 128 /* 65,536 rules in a slot */

/* Bit i stands for rule i of a slot. */
struct vector {
	__u64 word[CHUNK_WORDS];
};

/* What a large slot has in the first words of a vector: two that say in which
 * chunks of CHUNK_RULES any bit is set, and where those chunks are, one after
 * another.
 */
struct summary {
	__u64 word[3];
};

enum slot_flags {
	SLOT_OPEN = 1,	 /* everything passes; no rule is named */
	SLOT_CIDRS = 2,	 /* there are blocks other than 0.0.0.0/0 and ::/0 */
	SLOT_GROUPS = 4, /* there are groups as peers */
	SLOT_LARGE = 8,	 /* summaries stand for vectors, and the tries give parts */
	SLOT_ACL = 16,	 /* some rules deny */
	/* a rule lets all ports of everybody pass, by protocol and family */
	SLOT_ALL_TCP4 = 32,
	SLOT_ALL_TCP6 = 64,
	SLOT_ALL_UDP4 = 128,
	SLOT_ALL_UDP6 = 256,
};
const enum slot_flags *keep_slot_flags __attribute__((unused));

/* Slots that are always there. An index of 0 is in every zeroed struct, so 0
 * refuses everything.
 */
enum { SLOT_CLOSED_INDEX = 0, SLOT_OPEN_INDEX = 1 };

/* The widest range of ports, in host order, whose first rule is about everybody. */
struct stretch {
	__u16 from, to;
	__u32 rule; /* its bit, plus 1; 0: there is none */
};

/* A compiled list of rules. It never changes once it is in use, but for
 * identities that appear and vanish.
 *
 * In the tries of addresses and ports a small slot has vectors of its own, under
 * its own number. Large slots that follow one another share entries, under the
 * number of their division. Those give the number of a part in the first word,
 * and by it each slot has its own summary.
 */
struct slot {
	__u32 flags;
	__u32 rule_base; /* where its rules begin in rule_numbers */
	__u32 rule_count;
	__u32 division;	 /* the slot's number in the keys of the tries */
	__u32 part_base; /* where its summaries begin in parts */
	__u32 part_count;
	struct stretch tcp[2], udp[2]; /* IPv4 and IPv6 */
	struct vector any[2];	       /* rules for everybody, likewise */
	struct vector deny;
};

/* The slots of an interned set of groups, or of a subnet's ACL. Both slots are
 * written by one 8-byte store, the version after them: whoever reads the
 * version first may judge by newer slots than it says, never by older ones.
 */
struct judges {
	__u32 ingress, egress; /* slots */
	__u32 version;	       /* never twice the same */
	__u32 identity;	       /* of the set */
};

struct identity_key {
	__u32 slot, identity;
};

struct cidr_key {
	__u32 prefixlen;
	__be32 division;
	struct addr addr;
};

enum { PORTS_KNOWN, PORTS_UNKNOWN };

struct l4_key {
	__u32 prefixlen;
	__be32 division;
	__u8 proto;
	__u8 kind; /* PORTS_KNOWN: by port; PORTS_UNKNOWN: what a fragment without ports may match */
	__be16 port;
};

/* Eight bytes, because that is how far apart the elements of an array are. */
struct rule_number {
	__u32 number;
	__u32 pad;
};

struct rule_name {
	__u8 text[40]; /* padded with zeros */
};

/* ---- what holds for all ---- */

enum strictness {
	STRICT_REVOCATION = 1, /* cuts tracked flows too */
	STRICT_ERRORS = 2,     /* of ICMP: they need a rule, whatever flow they quote */
};
const enum strictness *keep_strictness __attribute__((unused));

struct control {
	__u32 epoch;		 /* every change of policy raises it, as its last step */
	__u32 strict;		 /* of enum strictness */
	__u64 clock_mask;	 /* 0 stops the clock at clock_offset, for tests; else all ones */
	__u64 clock_offset;	 /* ticks added to it */
	__u32 hz;		 /* ticks in a second */
	__u32 events_per_second; /* of one reason at one interface and CPU */
	__u32 half_open_limit;	 /* unanswered flows of one interface, beside those in pending */
	__u32 watched;		 /* how many interfaces are; 0 spares the look */
};

/* ---- what is remembered ---- */

/* A flow through an interface that forwards for others has the addresses and
 * ports of the flow before it, or behind it; via tells them apart.
 */
struct flow_key {
	struct addr addr[2]; /* the lower first */
	__be16 port[2];
	__u32 network_proto; /* network << 8 | protocol */
	__u32 via[2];	     /* the interface that is there for an address, where it is not its own; else 0 */
};
_Static_assert(sizeof(struct flow_key) == 48, "flow_key is a map key");

enum flow_flags {
	FLOW_CUT = 1, /* a tombstone */
	FLOW_CONFIRMED = 2,
	FLOW_STREAM = 4,
	FLOW_RESET = 8,
	FLOW_LINGERS = 16,   /* some rule that admitted it is gone */
	FLOW_TRACKED = 32,   /* at the low end; shifted by one: at the high end */
	FLOW_FIN = 128,	     /* sent by the low end; likewise */
	FLOW_FIN_ACK = 512,  /* of the low end's; likewise */
	FLOW_PENDING = 2048, /* opened beyond the limit of unanswered flows */
	FLOW_ROUTED = 4096,  /* leaves its subnet */
};
const enum flow_flags *keep_flow_flags __attribute__((unused));

/* What is remembered of an end, and of the packets that it sends. Where those
 * go is in the other end, as of the epoch at which they were last judged.
 */
struct flow_end {
	__u32 epoch;			/* at which its packets were last judged; 0: not yet */
	__u32 number;			/* of the interface; 0: on the internet side */
	__u32 ifindex;			/* of its port; 0: not known */
	__u32 mac;			/* what follows 02:52 in its MAC address; valid iff ifindex */
	__u32 set_version, acl_version; /* what the judgement depended on */
	__u32 rule;			/* host-wide number of the rule that admitted the flow at this end */
	__u32 fin;			/* the acknowledgement that covers its FIN */
	__u64 bytes;
	__u32 packets;
	__u32 last; /* tick */
};

/* Index 0 is the end with the lower address. */
struct flow {
	struct flow_end end[2];
	__u32 flags;
	__u32 opener;  /* which end */
	__u32 timeout; /* like tcp_timeout or udp_timeouts of struct port, as of its opening */
	__be32 public; /* address of the interface on the internet side; 0: none, or none is needed */
};

/* The unanswered flows of an interface, by the index of its link. A flow counts
 * at its opener, or, if that is on the internet side, at whom it was sent to.
 */
struct budget {
	__u32 half_open;
	__u32 next; /* place in pending */
};

/* Beyond its limit, an interface has this many places for unanswered flows, and
 * each new one takes that of the oldest. Interfaces share them by the lowest
 * bits of their index.
 */
#define PENDING_PLACES 512
#define PENDING_INTERFACES 128

#define COLLECTION_KEYS 64

/* What the programs that forget expired flows, and that cut some, are to look
 * at.
 */
struct collection {
	__u32 count;
	__u32 now; /* tick at which it was done */
	__u32 deleted;
	__u32 cut;
	struct flow_key key[COLLECTION_KEYS];
};

struct seed_key {
	struct addr src, dst;
	__u32 network;
	__u32 id;
	__u32 proto; /* of IPv4; fragments of IPv6 may tell different ones (RFC 8200 section 4.5) */
	__u32 pad;
};

struct seed {
	__be16 sport, dport, match;
	__u8 in_flow;
	__u8 proto;
	__u64 at; /* tick; nobody collects seeds, so 32 bits would come round */
};

/* ---- what frames are made into ---- */

enum rewriter {
	REWRITE_RECEIVER,
	REWRITE_ROUTED,
	REWRITE_LEAVING,
	REWRITE_ARRIVING,
};
const enum rewriter *keep_rewriter __attribute__((unused));

/* ---- what is told ---- */

struct drop_key {
	__u32 number; /* of the interface, 0 when unknown */
	__u32 reason;
};

struct drop_count {
	__u64 packets, bytes;
	__u32 tokens; /* events left in this second */
	__u32 second;
};

struct event {
	__u64 at; /* nanoseconds since boot */
	struct addr src, dst;
	__be16 sport, dport;
	__u8 proto, tcp_flags;
	__u8 reason;
	__u8 pad;
	__u32 rule;    /* host-wide number; 0: none */
	__u32 number;  /* the interface that is judged; 0: none */
	__u32 ifindex; /* where the packet came in; 0: not told */
	__u32 bytes;
	struct {
		__u32 number; /* 0: on the internet side, or not known yet */
		__u32 rule;   /* that admitted it there */
	} end[2];	      /* sender and receiver */
};
const struct event *keep_event __attribute__((unused));

#endif
