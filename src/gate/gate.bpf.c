// SPDX-License-Identifier: MIT OR GPL-2.0-only
/*
 * May a frame of a floating IP pass now, and may the agent move that moment?
 *
 * Three tc programs of one object that share their maps (PROTOCOL, K1 to K5):
 *
 *   tandem_in       clsact ingress of every interface that might answer for a floating IP
 *   tandem_out      clsact egress of the same interfaces
 *   tandem_control  clsact egress of `lo`: carries out the agent's commands
 *
 * tandem_control sits on the EGRESS of lo because there it runs inside the agent's own sendmsg():
 * when the call returns, the gate has moved or refused to (K1). The agent's socket is bound to
 * 127.71.0.1 and connected to itself; the program writes its answer into the command, which comes
 * back as an ordinary datagram. Nobody listens, no other process takes part, and the agent needs no
 * privilege but the key.
 *
 * All moments are nanoseconds of CLOCK_BOOTTIME, the clock that goes on while the machine sleeps.
 * The gate keeps two absolute moments, so a stopped agent shuts it by doing nothing (A2, K2):
 *
 *               occupy(first)              open
 *     shut  ------------------> occupied --------> open
 *      ^                           |                 |
 *      +------ deadline, close ----+-----------------+
 *
 * Deliberately not done here:
 *   - Frames with a VLAN tag inside the frame are not parsed. The kernel takes the outer tag off
 *     before ingress, so such a frame is judged once more on the VLAN interface: attach there too.
 *   - Devices without an Ethernet header (tun, wireguard) are not parsed; the loader refuses them.
 *   - Neighbour discovery behind IPv6 extension headers is not parsed on the way in. What the
 *     kernel answers to it is judged on the way out.
 *   - lo is not filtered: the node itself may always talk to its own addresses.
 *   - A packet socket with PACKET_QDISC_BYPASS, XDP, and a tc filter before ours are out of reach.
 *
 * Needs Linux 5.8 (bpf_ktime_get_boot_ns). No CO-RE, no kernel headers but uapi. Byte order is the
 * machine's: one object serves little-endian machines. Build: build.sh. Loader: ebpf-loader.ts.
 *
 * Sections: libbpf before 1.0 (Debian 11) pins a program under the name of its section, with '_' for
 * '/'; later ones under its own name. So each has a section of its own, and the two names agree. No
 * libbpf knows these sections: the loader says that they are classifiers.
 */
#include <linux/bpf.h>
#include <linux/icmpv6.h>
#include <linux/if_ether.h>
#include <linux/in.h>
#include <linux/ip.h>
#include <linux/ipv6.h>
#include <linux/pkt_cls.h>
#include <linux/udp.h>

#include <bpf/bpf_endian.h>
#include <bpf/bpf_helpers.h>

/* TC_ACT_UNSPEC, not TC_ACT_OK: filters after ours still have their say. */
#define PASS TC_ACT_UNSPEC
#define DROP TC_ACT_SHOT

/* ---- what the agent and the kernel say to each other; ebpf-gate.ts writes the same ---- */

#define CONTROL_ADDRESS bpf_htonl(0x7f470001) /* 127.71.0.1: local on every host, seldom used */
#define COMMAND_MAGIC 0x31474e54	      /* "TNG1" on the wire */
#define SLOT_COUNT 8			      /* one set of addresses per slot; an agent uses one */

enum operation { QUERY, CLAIM, OCCUPY, OPEN, EXTEND, CLOSE };

/* One flag, two meanings: it asks OCCUPY to begin, and OPEN to demand a living occupation. */
#define FLAG_FIRST 1
#define FLAG_TAKEOVER 2

/* 0 is what the agent sent: it comes back when no program was there to answer. */
enum result {
	UNANSWERED,
	DONE,
	REFUSED_KEY,
	REFUSED_SESSION,
	REFUSED_REPLAY,
	REFUSED_PAST,
	REFUSED_FAR,
	REFUSED_LAPSED,
	REFUSED_STATE,
	REFUSED_OPERATION,
};

struct command {	   /* offset, host byte order, 96 bytes */
	__u32 magic;	   /*  0 */
	__u8 operation;	   /*  4 */
	__u8 flags;	   /*  5 */
	__u8 slot;	   /*  6 */
	__u8 result;	   /*  7  answer */
	__u64 key[2];	   /*  8  erased in the answer */
	__u64 session;	   /* 24 */
	__u64 sequence;	   /* 32 */
	__u64 deadline;	   /* 40 */
	__u64 boot_now;	   /* 48  answer: CLOCK_BOOTTIME as the rules saw it */
	__u64 serve_until; /* 56  answer: in force now */
	__u64 occupied_until; /* 64  answer: in force now */
	__u64 reserved[3]; /* 72 */
};
_Static_assert(sizeof(struct command) == 96, "the agent sends 96 bytes");

/* ---- maps ---- */

struct address6 {
	__u32 word[4];
};

struct config {
	__u64 key[2];	 /* random per start of the agent; all zero: nobody may command */
	__u64 ahead_max; /* a deadline further ahead than this is a mistake of units, not a wish */
};

struct gate {
	struct bpf_spin_lock lock;
	__u32 padding;
	__u64 session;
	__u64 sequence;
	__u64 serve_until;
	__u64 occupied_until;
};

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__type(key, __u32);
	__type(value, struct config);
	__uint(max_entries, 1);
} tandem_config SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__type(key, __u32);
	__type(value, struct gate);
	__uint(max_entries, SLOT_COUNT);
} tandem_state SEC(".maps");

/* Guarded addresses -> slot. Network byte order, as in the packet. */
struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__type(key, __u32);
	__type(value, __u32);
	__uint(max_entries, 256);
} tandem_address4 SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__type(key, struct address6);
	__type(value, __u32);
	__uint(max_entries, 256);
} tandem_address6 SEC(".maps");

/*
 * The data path takes no lock: it reads one aligned 64-bit word at a time, and every order of the
 * two reads against a writer gives a state that was in force at some instant between them.
 */
#define READ_ONCE(word) (*(volatile __u64 *)&(word))

/* ---- frames ---- */

enum direction { INBOUND, OUTBOUND };
enum passage { NOTHING, PROBES_ONLY, EVERYTHING };

static __always_inline enum passage passage_of(__u32 slot)
{
	struct gate *gate = bpf_map_lookup_elem(&tandem_state, &slot);
	if (!gate)
		return NOTHING;
	__u64 now = bpf_ktime_get_boot_ns();
	if (now < READ_ONCE(gate->serve_until))
		return EVERYTHING;
	return now < READ_ONCE(gate->occupied_until) ? PROBES_ONLY : NOTHING;
}

static __always_inline int filter_ipv4(struct iphdr *ip, enum direction direction)
{
	__u32 address = direction == INBOUND ? ip->daddr : ip->saddr;
	__u32 *slot = bpf_map_lookup_elem(&tandem_address4, &address);
	if (!slot)
		return PASS;
	return passage_of(*slot) == EVERYTHING ? PASS : DROP;
}

struct arp_ipv4 {
	__be16 hardware, protocol;
	__u8 hardware_length, protocol_length;
	__be16 operation;
	__u8 sender_mac[6];
	__be16 sender[2]; /* addresses in ARP are only aligned to 2 bytes */
	__u8 target_mac[6];
	__be16 target[2];
};

#define ARP_REQUEST bpf_htons(1)
#define ARP_REPLY bpf_htons(2)

static __always_inline __u32 arp_address(const __be16 *half)
{
	return half[0] | (__u32)half[1] << 16;
}

/* In: who is asked for. Out: who is claimed. Our own probes claim nobody and always leave. */
static __always_inline int filter_arp(struct arp_ipv4 *arp, enum direction direction)
{
	__u32 sender = arp_address(arp->sender), target = arp_address(arp->target);
	__u32 guarded = direction == INBOUND ? target : sender;
	__u32 *slot = bpf_map_lookup_elem(&tandem_address4, &guarded);
	if (!slot)
		return PASS;
	enum passage passage = passage_of(*slot);
	if (passage == EVERYTHING)
		return PASS;
	if (passage == NOTHING)
		return DROP;
	/* K5: a probe (RFC 5227: sender 0.0.0.0) and the reply to one, nothing else. */
	if (direction == INBOUND)
		return arp->operation == ARP_REQUEST && sender == 0 ? PASS : DROP;
	return arp->operation == ARP_REPLY && target == 0 ? PASS : DROP;
}

#define ND_SOLICITATION 135
#define ND_ADVERTISEMENT 136
#define ND_OVERRIDE bpf_htons(0x2000) /* in the upper half of the flags word */

struct neighbour {
	struct icmp6hdr icmp;
	struct address6 target;
};

#define ND_OFFSET (ETH_HLEN + sizeof(struct ipv6hdr))
#define ND_END (ND_OFFSET + sizeof(struct neighbour))

/*
 * Lets the answer to a probe leave, without the override flag.
 *
 * The kernel answers duplicate address detection with an advertisement to all nodes that carries
 * the flag, and clients with an entry for the address would turn to us: K5 forbids that.
 */
static __always_inline int answer_probe6(struct __sk_buff *skb)
{
	void *data = (void *)(long)skb->data, *end = (void *)(long)skb->data_end;
	struct ipv6hdr *ip = data + ETH_HLEN;
	struct neighbour *neighbour = data + ND_OFFSET;
	if ((void *)(neighbour + 1) > end)
		return DROP;
	/* To one node: the answer to an ordinary request. */
	if (ip->daddr.s6_addr[0] != 0xff)
		return DROP;
	__be16 flags = *(__be16 *)&neighbour->icmp.icmp6_dataun;
	__be16 mended = flags & ~ND_OVERRIDE;
	if (flags == mended)
		return PASS;
	if (bpf_l4_csum_replace(skb, ND_OFFSET + 2, flags, mended, 2))
		return DROP;
	if (bpf_skb_store_bytes(skb, ND_OFFSET + 4, &mended, sizeof(mended), 0))
		return DROP;
	return PASS;
}

static __always_inline int filter_ipv6(struct __sk_buff *skb, enum direction direction)
{
	void *data = (void *)(long)skb->data, *end = (void *)(long)skb->data_end;
	struct ipv6hdr *ip = data + ETH_HLEN;
	if ((void *)(ip + 1) > end)
		return DROP;
	struct address6 source = *(struct address6 *)&ip->saddr;
	struct address6 address = direction == INBOUND ? *(struct address6 *)&ip->daddr : source;
	__u32 *slot = bpf_map_lookup_elem(&tandem_address6, &address);

	/* Neighbour discovery names the address inside, whatever stands in the IPv6 header. */
	int asks_or_claims = 0;
	if (ip->nexthdr == IPPROTO_ICMPV6) {
		if (data + ND_END > end) {
			/* Shorter than that it is no neighbour discovery: the failure is ignored. */
			bpf_skb_pull_data(skb, ND_END);
			data = (void *)(long)skb->data;
			end = (void *)(long)skb->data_end;
		}
		struct neighbour *neighbour = data + ND_OFFSET;
		__u8 wanted = direction == INBOUND ? ND_SOLICITATION : ND_ADVERTISEMENT;
		if ((void *)(neighbour + 1) <= end && neighbour->icmp.icmp6_type == wanted) {
			struct address6 target = neighbour->target;
			__u32 *target_slot = bpf_map_lookup_elem(&tandem_address6, &target);
			if (target_slot) {
				slot = target_slot;
				asks_or_claims = 1;
			}
		}
	}
	if (!slot)
		return PASS;
	enum passage passage = passage_of(*slot);
	if (passage == EVERYTHING)
		return PASS;
	if (passage == NOTHING || !asks_or_claims)
		return DROP;
	if (direction == OUTBOUND)
		return answer_probe6(skb);
	/* RFC 4862: duplicate address detection asks from the unspecified address. */
	return source.word[0] | source.word[1] | source.word[2] | source.word[3] ? DROP : PASS;
}

static __always_inline int filter(struct __sk_buff *skb, enum direction direction)
{
	__u32 header_size;
	switch (skb->protocol) {
	case bpf_htons(ETH_P_IP):
		header_size = sizeof(struct iphdr);
		break;
	case bpf_htons(ETH_P_ARP):
		header_size = sizeof(struct arp_ipv4);
		break;
	case bpf_htons(ETH_P_IPV6):
		header_size = sizeof(struct ipv6hdr);
		break;
	default:
		return PASS;
	}
	/* What cannot be read cannot be judged: dropped, no honest frame is that short. */
	void *data = (void *)(long)skb->data, *end = (void *)(long)skb->data_end;
	if (data + ETH_HLEN + header_size > end) {
		if (bpf_skb_pull_data(skb, ETH_HLEN + header_size))
			return DROP;
		data = (void *)(long)skb->data;
		end = (void *)(long)skb->data_end;
	}
	if (skb->protocol == bpf_htons(ETH_P_IP)) {
		struct iphdr *ip = data + ETH_HLEN;
		return (void *)(ip + 1) > end ? DROP : filter_ipv4(ip, direction);
	}
	if (skb->protocol == bpf_htons(ETH_P_ARP)) {
		struct arp_ipv4 *arp = data + ETH_HLEN;
		return (void *)(arp + 1) > end ? DROP : filter_arp(arp, direction);
	}
	return filter_ipv6(skb, direction);
}

SEC("tandem/in")
int tandem_in(struct __sk_buff *skb)
{
	return filter(skb, INBOUND);
}

SEC("tandem/out")
int tandem_out(struct __sk_buff *skb)
{
	return filter(skb, OUTBOUND);
}

/* ---- commands ---- */

/* What a command wants, read out of the packet before the lock is taken. */
struct wish {
	__u8 operation, flags;
	__u64 session, sequence, deadline, ahead_max;
};

/*
 * The rules, in this order: session, sequence, deadline, state. model-gate.ts is their twin; one
 * table of tests runs against both. The caller holds the lock and has checked the key.
 *
 * @now    read before the lock, because helpers may not be called under it
 * @until  what was done holds only if it was done before this moment
 */
static __always_inline enum result obey(struct gate *gate, const struct wish *wish, __u64 now,
					__u64 *until)
{
	__u64 deadline = wish->deadline;

	if (wish->operation == CLAIM) {
		/* A new agent: shut, and every command of the old one is void from here on. */
		gate->serve_until = 0;
		gate->occupied_until = 0;
		gate->session = wish->session;
		gate->sequence = wish->sequence;
		return DONE;
	}
	if (wish->session != gate->session)
		return REFUSED_SESSION;
	if (wish->sequence <= gate->sequence)
		return REFUSED_REPLAY;
	gate->sequence = wish->sequence;

	if (wish->operation == CLOSE) {
		gate->serve_until = 0;
		gate->occupied_until = 0;
		return DONE;
	}
	if (wish->operation != OCCUPY && wish->operation != OPEN && wish->operation != EXTEND)
		return REFUSED_OPERATION;

	/* K2: an effect that runs late carries a deadline that has passed. */
	if (deadline <= now)
		return REFUSED_PAST;
	if (deadline - now > wish->ahead_max)
		return REFUSED_FAR;
	*until = deadline;

	if (wish->operation == EXTEND) {
		if (now >= gate->serve_until)
			return REFUSED_LAPSED;
		*until = gate->serve_until;
		if (deadline > gate->serve_until)
			gate->serve_until = deadline;
		return DONE;
	}
	if (now < gate->serve_until)
		return REFUSED_STATE;
	if (wish->operation == OCCUPY) {
		if (!(wish->flags & FLAG_FIRST)) {
			if (now >= gate->occupied_until)
				return REFUSED_LAPSED;
			*until = gate->occupied_until;
		}
		if (deadline > gate->occupied_until)
			gate->occupied_until = deadline;
		return DONE;
	}
	if (wish->flags & FLAG_TAKEOVER) {
		/* K3: who looked for others while occupying must have occupied until now. */
		if (now >= gate->occupied_until)
			return REFUSED_LAPSED;
		if (gate->occupied_until < deadline)
			*until = gate->occupied_until;
	}
	gate->serve_until = deadline;
	gate->occupied_until = 0;
	return DONE;
}

#define COMMAND_OFFSET (ETH_HLEN + sizeof(struct iphdr) + sizeof(struct udphdr))

SEC("tandem/control")
int tandem_control(struct __sk_buff *skb)
{
	void *data = (void *)(long)skb->data, *end = (void *)(long)skb->data_end;
	struct iphdr *ip = data + ETH_HLEN;

	/* Everything else on lo comes through here too: two comparisons and out. */
	if (skb->protocol != bpf_htons(ETH_P_IP) || (void *)(ip + 1) > end ||
	    ip->daddr != CONTROL_ADDRESS)
		return PASS;
	if (ip->protocol != IPPROTO_UDP || ip->ihl != 5)
		return PASS;
	if (bpf_skb_pull_data(skb, COMMAND_OFFSET + sizeof(struct command)))
		return PASS;
	data = (void *)(long)skb->data;
	end = (void *)(long)skb->data_end;
	struct command *command = data + COMMAND_OFFSET;
	if ((void *)(command + 1) > end || command->magic != COMMAND_MAGIC)
		return PASS;
	/* The payload changes, and UDP over IPv4 may go without a checksum. */
	struct udphdr *udp = data + ETH_HLEN + sizeof(struct iphdr);
	udp->check = 0;

	__u64 key0 = command->key[0], key1 = command->key[1];
	command->key[0] = 0; /* packet taps come after us and shall not see it */
	command->key[1] = 0;

	__u32 zero = 0, slot = command->slot;
	struct config *config = bpf_map_lookup_elem(&tandem_config, &zero);
	struct gate *gate = bpf_map_lookup_elem(&tandem_state, &slot);
	if (!config || !gate) {
		command->result = REFUSED_STATE;
		return PASS;
	}
	struct wish wish = {
		.operation = command->operation,
		.flags = command->flags,
		.session = command->session,
		.sequence = command->sequence,
		.deadline = command->deadline,
		.ahead_max = config->ahead_max,
	};
	enum result result = DONE;
	__u64 until = ~0ULL;
	if (wish.operation != QUERY &&
	    (!(config->key[0] | config->key[1]) || key0 != config->key[0] || key1 != config->key[1]))
		result = REFUSED_KEY;

	__u64 now = bpf_ktime_get_boot_ns();
	bpf_spin_lock(&gate->lock);
	if (result == DONE && wish.operation != QUERY)
		result = obey(gate, &wish, now, &until);
	__u64 serve_until = gate->serve_until, occupied_until = gate->occupied_until;
	bpf_spin_unlock(&gate->lock);

	/*
	 * A host may have paused this processor between reading the clock and moving the gate. Then
	 * the gate opened over an occupation, or renewed a right, that had lapsed: take it back.
	 */
	if (result == DONE && bpf_ktime_get_boot_ns() >= until) {
		bpf_spin_lock(&gate->lock);
		if (gate->session == wish.session && gate->sequence == wish.sequence) {
			gate->serve_until = 0;
			gate->occupied_until = 0;
		}
		serve_until = gate->serve_until;
		occupied_until = gate->occupied_until;
		bpf_spin_unlock(&gate->lock);
		result = until == wish.deadline ? REFUSED_PAST : REFUSED_LAPSED;
	}
	command->boot_now = now;
	command->serve_until = serve_until;
	command->occupied_until = occupied_until;
	command->result = result;
	return PASS;
}

/* The kernel's own rule: these helpers are for GPL-compatible programs. */
char _license[] SEC("license") = "Dual MIT/GPL";
