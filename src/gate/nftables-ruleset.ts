/**
 * What does the fallback gate look like as nftables rules?
 *
 * Two sets hold at most one element each, with a lifetime: while `serving` has it, traffic of the
 * floating IPs passes; while `occupied` has it, address probes do. The agent renews the element
 * with the same 96-byte datagram that the eBPF gate takes, recognised by key and operation as it
 * passes `lo`. The last rule of `commands` writes the result, so an answer proves that the table is
 * in force; nothing else can be told in it.
 *
 * The element is `numgen inc mod 1`, always 0: nftables wants keys that come from the packet, and
 * frames and commands have nothing else in common. Lifetimes are constants of rules, so there is a
 * rule for each of STEPS lengths, picked by the slot byte, which is otherwise unused here.
 *
 * Pure text, loaded by nftables-gate.ts. Needs nftables 1.0 and Linux 5.16 (egress hook).
 */
import { addressBytes, type GuardedAddress } from './address.ts'

/** The one table of ours; every other is somebody else's. */
export const TABLE = 'tandem'

/** How many lengths of lifetime there are: each up to 1/64 of the lease shorter than wished. */
export const STEPS = 64

/** The kernel keeps lifetimes in jiffies, 4 ms at HZ=250; a lifetime of zero would mean for ever. */
const JIFFY_MS = 4

/** @returns length of one step in milliseconds, so that the longest lifetime reaches the lease */
export function stepMs(leaseMs: number): number {
  return Math.max(JIFFY_MS, Math.ceil(leaseMs / STEPS / JIFFY_MS) * JIFFY_MS)
}

export interface RulesetWish {
  /** 16 bytes. Stands in the rules, which only root can read. */
  key: Uint8Array
  addresses: readonly GuardedAddress[]
  /** Existing interfaces; a netdev chain cannot name one that is not there. */
  devices: readonly string[]
  leaseMs: number
}

/** Before every priority that has a name; 'raw' is -300. */
const PRIORITY = -500

/** Offsets in bits from the UDP header: command.ts, plus 8 bytes of header. */
const AT_OPERATION = '@th,96,8'
const AT_LENGTH = '@th,112,8'
const AT_RESULT = '@th,120,8'
const AT_KEY = '@th,128,128'

const OPERATION = { claim: 1, occupy: 2, open: 3, extend: 4, close: 5 }
const SERVING = '@serving { numgen inc mod 1'
const OCCUPIED = '@occupied { numgen inc mod 1'

/**
 * Writes the whole table. Loading it replaces an earlier one of ours in one transaction.
 *
 * @returns input for `nft -f -`
 */
export function writeRuleset(wish: RulesetWish): string {
  const four = wish.addresses.filter(({ family }) => family === 4).map(({ address }) => address)
  const six = wish.addresses.filter(({ family }) => family === 6).map(({ address }) => address)
  const devices = `devices = { ${wish.devices.map((device) => `"${device}"`).join(', ')} }`
  const lines = [
    `table netdev ${TABLE}`,
    `delete table netdev ${TABLE}`,
    `table netdev ${TABLE} {`,
    'set serving { typeof numgen inc mod 1; size 4; flags dynamic, timeout; }',
    'set occupied { typeof numgen inc mod 1; size 4; flags dynamic, timeout; }',
    ...addressSet('guarded4', 'ipv4_addr', four),
    ...addressSet('guarded6', 'ipv6_addr', six),
    'chain control {',
    `type filter hook ingress device lo priority ${PRIORITY}; policy accept;`,
    `ip daddr 127.71.0.1 udp length 104 ${AT_KEY} 0x${hexKey(wish.key)} jump commands`,
    '}',
    'chain commands {',
    ...commandRules(stepMs(wish.leaseMs)),
    '}',
  ]
  if (wish.devices.length > 0) {
    lines.push('chain in {', `type filter hook ingress ${devices} priority ${PRIORITY};`)
    lines.push('policy accept;', ...inboundRules(six), '}')
    lines.push('chain out {', `type filter hook egress ${devices} priority ${PRIORITY};`)
    lines.push('policy accept;', ...outboundRules(six), '}')
  }
  return `${[...lines, '}'].join('\n')}\n`
}

function addressSet(name: string, type: string, addresses: readonly string[]): string[] {
  const elements = addresses.length === 0 ? '' : `elements = { ${addresses.join(', ')} }`
  return [`set ${name} {`, `type ${type}`, elements, '}']
}

function commandRules(step: number): string[] {
  const shut = [OPERATION.claim, OPERATION.close].flatMap((operation) => [
    `${AT_OPERATION} ${operation} delete ${SERVING} }`,
    `${AT_OPERATION} ${operation} delete ${OCCUPIED} }`,
  ])
  const lifetimes = Array.from({ length: STEPS }, (_, index) => index + 1).flatMap((length) => {
    const when = `${AT_LENGTH} ${length}`
    const lifetime = `timeout ${length * step}ms }`
    return [
      `${AT_OPERATION} ${OPERATION.occupy} ${when} update ${OCCUPIED} ${lifetime}`,
      `${AT_OPERATION} ${OPERATION.open} ${when} update ${SERVING} ${lifetime}`,
      `${AT_OPERATION} ${OPERATION.extend} ${when} update ${SERVING} ${lifetime}`,
    ]
  })
  const answer = `${AT_RESULT} set 1`
  return [...shut, ...lifetimes, `${AT_OPERATION} ${OPERATION.open} delete ${OCCUPIED} }`, answer]
}

/** An open gate lets everything pass; what follows is judged for a shut or occupied one. */
const ACCEPT_WHEN_OPEN = 'numgen inc mod 1 @serving accept'
const WHEN_OCCUPIED = 'numgen inc mod 1 @occupied'

function inboundRules(six: readonly string[]): string[] {
  return [
    ACCEPT_WHEN_OPEN,
    'ip daddr @guarded4 drop',
    `arp operation request arp saddr ip 0.0.0.0 arp daddr ip @guarded4 ${WHEN_OCCUPIED} accept`,
    'arp daddr ip @guarded4 drop',
    ...six.flatMap((address) => {
      const solicited = `icmpv6 type nd-neighbor-solicit ${target(address)}`
      return [`ip6 saddr :: ${solicited} ${WHEN_OCCUPIED} accept`, `${solicited} drop`]
    }),
    'ip6 daddr @guarded6 drop',
  ]
}

function outboundRules(six: readonly string[]): string[] {
  return [
    ACCEPT_WHEN_OPEN,
    'ip saddr @guarded4 drop',
    `arp operation reply arp daddr ip 0.0.0.0 arp saddr ip @guarded4 ${WHEN_OCCUPIED} accept`,
    'arp saddr ip @guarded4 drop',
    ...six.flatMap((address) => {
      const claimed = `icmpv6 type nd-neighbor-advert ${target(address)}`
      return [`ip6 daddr ff00::/8 ${claimed} ${WHEN_OCCUPIED} accept`, `${claimed} drop`]
    }),
    'ip6 saddr @guarded6 drop',
  ]
}

/** nftables 1.0 has no name for the target of neighbour discovery; it follows 8 bytes of ICMPv6. */
function target(address: string): string {
  return `@th,64,128 0x${addressBytes(address).toString('hex')}`
}

function hexKey(key: Uint8Array): string {
  return Buffer.from(key).toString('hex')
}
