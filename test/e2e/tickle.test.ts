/**
 * Goal: a client whose connections ran to the floating IP notices at once that it moved. Method: real
 * connections that say nothing, the power of node a cut, the addresses on node b, and its tickle.
 */
import { afterAll, afterEach, beforeEach, describe, expect, it } from 'vitest'
import { ClientConnections } from '../../src/links/client-connections.ts'
import { type ConnectionsRead, readConnections } from '../../src/links/connections.ts'
import { TICKLE_ROUNDS, type TickleReport, Tickler } from '../../src/links/tickle.ts'
import type { TcpConnection } from '../../src/wire/connection-list.ts'
import { makeKey } from '../../src/wire/key.ts'
import {
  announce,
  buildLan,
  cutPower,
  type End,
  FLOATING_IPS,
  FLOATING4,
  FLOATING6,
  inside,
  missing,
  monotonicMs,
  PORT,
  type Program,
  putAddresses,
  sleep,
  startEnds,
  tearLan,
  within,
} from '../helpers/tickle-lab.ts'

const why = missing()
if (why !== null) console.log(`skipped: ${why}`)

/** Of a firewall that only lets through what belongs to a connection it saw begin. */
const STATEFUL = `
  type filter hook input priority 0; policy drop;
  icmpv6 type { nd-neighbor-solicit, nd-neighbor-advert } accept
  ct state invalid drop
  ct state established accept
`

const key = makeKey(1, Buffer.alloc(32, 5))
const programs: Program[] = []

/** Connections per address, held by the client; as node a sees them. */
async function connected(count: number): Promise<{ client: Program; seen: TcpConnection[] }> {
  programs.push(await startEnds('a', ['serve', String(PORT), ...FLOATING_IPS]))
  const client = await startEnds('c', ['hold', String(PORT), String(count), ...FLOATING_IPS])
  programs.push(client)
  const read: ConnectionsRead = await within('a', () => readConnections(FLOATING_IPS))
  if (!read.ok) throw new Error(read.message)
  expect(read.leftOutCount).toBe(0)
  return { client, seen: read.connections }
}

/** The addresses move as after a power cut; the announcement is left to the caller. */
function move(): void {
  cutPower()
  putAddresses('b')
}

function tickleFromB(
  seen: readonly TcpConnection[],
  rounds = TICKLE_ROUNDS,
): Promise<TickleReport> {
  return within('b', () => new Tickler({ now: monotonicMs, rounds }).tickle(seen))
}

/** Waits until so many connections have ended, or the time is over. */
async function endsOf(client: Program, count: number, timeoutMs: number): Promise<End[]> {
  const limitMs = monotonicMs() + timeoutMs
  for (;;) {
    const ends = await client.ends()
    if (ends.length >= count || monotonicMs() > limitMs) return ends
    await sleep(20)
  }
}

const codesOf = (ends: readonly End[]) => [...new Set(ends.map(([code]) => code))]
const lastMsOf = (ends: readonly End[]) => Math.max(...ends.map(([, atMs]) => atMs))

describe.skipIf(why !== null)('a client that waits for a reply', () => {
  beforeEach(buildLan)

  afterEach(async () => {
    for (const program of programs.splice(0)) await program.stop()
  })

  afterAll(tearLan)

  it('notices nothing of a move by itself within a second', async () => {
    const { client } = await connected(3)
    move()
    await announce()
    await sleep(1000)
    expect(await client.ends()).toEqual([])
  })

  it('sees ECONNRESET within milliseconds of the tickle, IPv4 and IPv6', async () => {
    const { client, seen } = await connected(1)
    expect(seen.map((one) => [one.floatingIp, one.port, one.clientAddress])).toEqual([
      [FLOATING4, PORT, '10.83.0.9'],
      [FLOATING6, PORT, 'fd83::9'],
    ])
    move()
    await announce()
    const startMs = monotonicMs()
    const report = await tickleFromB(seen, TICKLE_ROUNDS.slice(0, 1))
    const ends = await endsOf(client, 2, 2000)
    console.log(`after ${(lastMsOf(ends) - startMs).toFixed(1)} ms`)
    expect(report).toMatchObject({ connections: 2, sent: 2, failed: 0, complete: true })
    expect([ends.length, codesOf(ends)]).toEqual([2, ['ECONNRESET']])
    expect(lastMsOf(ends) - startMs).toBeLessThan(100)
  })

  it('with 499 others notices as well, told of by the node that lost its power', async () => {
    const { client, seen } = await connected(250)
    const side = (node: 'sp1' | 'sp2', boot: string) =>
      new ClientConnections({
        node,
        boot,
        floatingIps: FLOATING_IPS,
        keys: [key],
        tickler: new Tickler({ now: monotonicMs }),
        now: monotonicMs,
      })
    const standby = side('sp2', '00000000000000bb')
    const boot = '00000000000000aa'
    for (const bytes of side('sp1', boot).tell(seen)) standby.hear(bytes, boot)
    move()
    await announce()
    const startMs = monotonicMs()
    const report = await within('b', () => standby.tickle())
    const ends = await endsOf(client, 500, 2000)
    console.log(
      `first round ${report.firstRoundMs.toFixed(1)} ms, all after ${(lastMsOf(ends) - startMs).toFixed(1)} ms`,
    )
    expect(report).toMatchObject({ connections: 500, sent: 4000, failed: 0, complete: true })
    expect([ends.length, codesOf(ends)]).toEqual([500, ['ECONNRESET']])
    expect(lastMsOf(ends) - startMs).toBeLessThan(1000)
  })

  it('behind a firewall that drops what is out of window is reached by one of four numbers', async () => {
    inside('c', 'nft -f -', `table inet guard {\n chain input {${STATEFUL} }\n}\n`)
    const { client, seen } = await connected(30)
    move()
    await announce()
    await tickleFromB(seen, TICKLE_ROUNDS.slice(0, 1))
    await sleep(100)
    const early = await client.ends()
    expect(early.length).toBeGreaterThan(0)
    expect(early.length).toBeLessThan(60)
    await tickleFromB(seen, TICKLE_ROUNDS.slice(1, 4))
    const ends = await endsOf(client, 60, 2000)
    expect([ends.length, codesOf(ends)]).toEqual([60, ['ECONNRESET']])
  })

  it('is reached through the firewall of the new active, whose own ACK opens the way', async () => {
    inside(
      'b',
      'nft -f -',
      `table inet guard {
        chain input {${STATEFUL} }
        chain output {
          type filter hook output priority 0; policy accept;
          ct state invalid drop
        }
      }
      `,
    )
    const { client, seen } = await connected(3)
    move()
    await announce()
    await tickleFromB(seen, TICKLE_ROUNDS.slice(0, 4))
    expect(codesOf(await endsOf(client, 6, 2000))).toEqual(['ECONNRESET'])
  })

  it('is not reached where that firewall takes up no connection midway, and is none the worse', async () => {
    inside('b', 'nft -f -', `table inet guard {\n chain input {${STATEFUL} }\n}\n`)
    inside('b', 'sysctl -qw net.netfilter.nf_conntrack_tcp_loose=0')
    const { client, seen } = await connected(3)
    move()
    await announce()
    await tickleFromB(seen, TICKLE_ROUNDS.slice(0, 4))
    await sleep(200)
    expect(await client.ends()).toEqual([])
  })

  it('whose answers went to the old owner is reached when it may answer again, after 500 ms', async () => {
    const { client, seen } = await connected(3)
    move()
    // Or node b would ask for the client's MAC in the name of the floating IP, which announces it too.
    inside('b', 'ping -c 1 -W 1 10.83.0.9; ping -c 1 -W 1 fd83::9')
    const startMs = monotonicMs()
    const tickling = tickleFromB(seen)
    await sleep(200)
    expect(await client.ends()).toEqual([])
    await announce()
    await tickling
    const ends = await endsOf(client, 6, 2000)
    expect([ends.length, codesOf(ends)]).toEqual([6, ['ECONNRESET']])
    expect(Math.min(...ends.map(([, atMs]) => atMs)) - startMs).toBeGreaterThan(500)
  })

  it('keeps a connection that is alive, tickled from where it lives', async () => {
    const { client, seen } = await connected(3)
    const report = await within('a', () => new Tickler({ now: monotonicMs }).tickle(seen))
    expect(report).toMatchObject({ connections: 6, sent: 48, complete: true })
    await sleep(100)
    expect(await client.ends()).toEqual([])
  })
})
