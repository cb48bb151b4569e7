/**
 * What of the floating IPs reaches this node's own kernel through a gate that is shut, occupied, open?
 *
 * The inbound half of K5 by itself: seen from a client, a request that got in and whose answer was kept
 * back looks like one that never got in, but the node has learned from it (the client's neighbour entry,
 * a half-open connection). Counted by tables of nftables that stand behind both kinds of gate.
 */
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { removeGate } from '../../src/gate/choose.ts'
import type { GateKind } from '../../src/gate/gate.ts'
import {
  buildLab,
  clientLater,
  FLOATING4,
  FLOATING6,
  forgetNeighbours,
  type Hold,
  holding,
  makeRunDir,
  must,
  OTHER4,
  prepareHere,
  removeLab,
  SERVICE,
  sleep,
} from '../helpers/gate-lab.ts'

beforeAll(buildLab)
afterAll(removeLab)

/** The target of neighbour discovery, 8 bytes into ICMPv6. */
const SOLICITS = `icmpv6 type nd-neighbor-solicit @th,64,128 0x${'fd99'.padEnd(30, '0')}50`

/** What may come in, and the rule that counts it. */
const COUNTERS = {
  arpProbe: ['arp', `arp operation request arp saddr ip 0.0.0.0 arp daddr ip ${FLOATING4}`],
  arpRequest: [
    'arp',
    `arp operation request arp saddr ip != { 0.0.0.0, ${FLOATING4} } arp daddr ip ${FLOATING4}`,
  ],
  arpClaim: ['arp', `arp saddr ip ${FLOATING4} arp daddr ip ${FLOATING4}`],
  packet4: ['ip', `ip daddr ${FLOATING4}`],
  solicitedByProbe: ['ip6', `ip6 saddr :: ${SOLICITS}`],
  solicited: ['ip6', `ip6 saddr != :: ${SOLICITS}`],
  packet6: ['ip6', `ip6 daddr ${FLOATING6}`],
  otherRequest: ['arp', `arp operation request arp daddr ip ${OTHER4}`],
} as const

type Counter = keyof typeof COUNTERS

function count(): void {
  for (const family of ['arp', 'ip', 'ip6'] as const) {
    const hook = family === 'arp' ? 'input' : 'prerouting'
    must('nft', 'add', 'table', family, 'behind')
    must('nft', `add chain ${family} behind in { type filter hook ${hook} priority -300; }`)
  }
  for (const [name, [family, matches]] of Object.entries(COUNTERS)) {
    must('nft', `add counter ${family} behind ${name}`)
    must('nft', `add rule ${family} behind in iifname ${SERVICE} ${matches} counter name ${name}`)
  }
}

/** How often each was counted, and anew from here. */
function counted(): Record<Counter, number> {
  const text = must('nft', 'reset', 'counters')
  const of = (name: string): number =>
    Number(new RegExp(`counter ${name} \\{\\s+packets (\\d+)`).exec(text)?.[1] ?? Number.NaN)
  return Object.fromEntries(Object.keys(COUNTERS).map((name) => [name, of(name)])) as Record<
    Counter,
    number
  >
}

/** The client sends one of each kind, whatever is answered. @returns what got in */
async function sendAll(): Promise<Record<Counter, boolean>> {
  const arping = (...args: string[]) =>
    clientLater('arping', '-c', '1', '-w', '1', '-I', 'cli0', ...args)
  const [, mac = ''] = /link\/ether (\S+)/.exec(must('ip', '-o', 'link', 'show', SERVICE)) ?? []
  await forgetNeighbours()
  counted()
  await arping(FLOATING4)
  await arping('-D', FLOATING4)
  await arping(OTHER4)
  await clientLater('ip', 'address', 'add', `${FLOATING4}/32`, 'dev', 'cli0')
  await arping('-U', FLOATING4)
  await clientLater('ip', 'address', 'del', `${FLOATING4}/32`, 'dev', 'cli0')
  // Duplicate address detection asks from the unspecified address.
  await clientLater('ip', 'address', 'add', `${FLOATING6}/64`, 'dev', 'cli0')
  await sleep(1_800)
  await clientLater('ip', 'address', 'del', `${FLOATING6}/64`, 'dev', 'cli0')
  await clientLater('ping', '-n', '-c', '1', '-W', '0.3', FLOATING6)
  // With a known neighbour nothing is asked: the packets themselves.
  for (const address of [FLOATING4, FLOATING6]) {
    await clientLater('ip', 'neigh', 'replace', address, 'lladdr', mac, 'dev', 'cli0')
    await clientLater('ping', '-n', '-c', '1', '-W', '0.3', address)
    await clientLater('ip', 'neigh', 'del', address, 'dev', 'cli0')
  }
  const seen = Object.entries(counted()).map(([name, times]) => [name, times > 0])
  return Object.fromEntries(seen) as Record<Counter, boolean>
}

const NOTHING: Record<Counter, boolean> = {
  arpProbe: false,
  arpRequest: false,
  arpClaim: false,
  packet4: false,
  solicitedByProbe: false,
  solicited: false,
  packet6: false,
  otherRequest: true,
}
const PROBES_ONLY = { ...NOTHING, arpProbe: true, solicitedByProbe: true }
const EVERYTHING = Object.fromEntries(Object.keys(NOTHING).map((name) => [name, true]))

const EXPECTED: readonly [Hold, string, Record<string, boolean>][] = [
  ['shut', 'nothing', NOTHING],
  ['occupied', 'address probes and nothing else (K5)', PROBES_ONLY],
  ['open', 'everything', EVERYTHING],
]

describe.each<GateKind>(['ebpf', 'nftables'])('through the %s gate', (kind) => {
  const { runDir, remove } = makeRunDir()
  let gate: Awaited<ReturnType<typeof prepareHere>>['gate']
  beforeAll(async () => {
    gate = (await prepareHere(runDir, kind)).gate
    count()
  })
  afterAll(async () => {
    for (const family of ['arp', 'ip', 'ip6']) must('nft', 'delete', 'table', family, 'behind')
    expect(await removeGate(runDir)).toEqual([])
    remove()
  })

  it.each(EXPECTED)('while it is %s comes in: %s', async (hold, _what, expected) => {
    expect(await holding(gate, hold, sendAll)).toEqual(expected)
  })
})
