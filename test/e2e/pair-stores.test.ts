/**
 * Goal: the stores of a real pair follow the role, and nothing acknowledged is lost in silence. Method:
 * real agents and real Redis servers on the lab's two nodes, a client that writes through the floating
 * IP as applications do, and a look at what the surviving store holds.
 */
import { readFileSync } from 'node:fs'
import { setTimeout as sleep } from 'node:timers/promises'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { type LabNodeName, otherNode } from '../../src/lab/plan.ts'
import { lostOf, monotonicMs, StoreClient, stallOf } from '../../src/lab/store-client.ts'
import { StorePair } from '../../src/lab/store-pair.ts'
import { until } from '../helpers/until.ts'

const isRoot = process.getuid?.() === 0
const RATE = 500
const SETTLED_WITHIN_MS = 20_000

let pair: StorePair
let writers = 0

/** A client that writes through the floating IP from now on. */
function startWriter(): Promise<StoreClient> {
  writers += 1
  return StoreClient.start(pair.lab, { kind: 'redis', number: writers, perSecond: RATE })
}

/** One node serves and takes writes, the other follows it. */
const settled = (): Promise<LabNodeName> => pair.whole(SETTLED_WITHIN_MS)

async function syncCounts(node: LabNodeName): Promise<{ full: number; partial: number }> {
  const info = await pair.redis[node].ask('INFO', 'stats')
  const count = (name: string): number =>
    Number(new RegExp(`^${name}:(\\d+)`, 'm').exec(info)?.[1] ?? Number.NaN)
  return { full: count('sync_full'), partial: count('sync_partial_ok') }
}

describe.skipIf(!isRoot)('a real pair with Redis', () => {
  beforeAll(async () => {
    pair = await StorePair.build('tandemstores', { profile: 'fast', kinds: ['redis'] })
  }, 60_000)

  afterAll(() => pair.destroy(), 60_000)

  it('moves there and back without losing one acknowledged write, and resumes where it was', async () => {
    const writer = await startWriter()
    const begunMs = monotonicMs()
    await sleep(1_000)
    const stalls: number[] = []
    for (let move = 0; move < 6; move += 1) {
      const active = await settled()
      const before = await syncCounts(otherNode(active))
      const fromMs = monotonicMs()
      const moved = await pair.ask(active, 'make-standby')
      expect([moved.ok, moved.stdout]).toEqual([true, expect.any(String)])
      expect(await settled()).toBe(otherNode(active))
      await sleep(500)
      stalls.push(stallOf(writer.acknowledged(), fromMs, monotonicMs()))
      const after = await syncCounts(otherNode(active))
      expect({
        move,
        full: after.full - before.full,
        partial: after.partial - before.partial,
      }).toEqual({
        ...{ move, full: 0, partial: 1 },
      })
    }
    const seconds = (monotonicMs() - begunMs) / 1_000
    const writes = await writer.stop()
    const active = await settled()
    console.log(`stalls over 6 moves: ${stalls.map((ms) => ms.toFixed(0)).join(' ')} ms`)
    // Most of the time, on a slow machine too.
    expect(writes.length).toBeGreaterThan(0.6 * RATE * seconds)
    expect(await lostOf(writes, pair.redis[active])).toEqual([])
    expect(Math.max(...stalls)).toBeLessThan(1_000)
    // The writer was made to notice by the node it moved to, each time.
    const told = Object.values(pair.nodes).map((node) => readFileSync(node.logFile, 'utf8'))
    expect(told.join('').match(/clients: \d+ connections to the peer were ended/g)).toHaveLength(6)
  }, 120_000)

  it('goes on after a power cut, and what comes back is set aside and follows', async () => {
    const writer = await startWriter()
    await sleep(1_000)
    const active = await settled()
    const survivor = otherNode(active)
    const fromMs = monotonicMs()
    await pair.nodes[active].powerOff()
    await sleep(3_000)
    const toMs = monotonicMs()
    const writes = await writer.stop()
    console.log(`stall over a power cut: ${stallOf(writes, fromMs, toMs).toFixed(0)} ms`)
    expect(writes.filter(({ atMs }) => atMs > fromMs).length).toBeGreaterThan(RATE)
    // Asynchronous: what was on the wire may be lost, a few writes at this rate.
    const lost = await lostOf(writes, pair.redis[survivor])
    expect(lost.length).toBeLessThanOrEqual(5)
    await pair.comeBack(active)
    expect(await settled()).toBe(survivor)
    const status = await pair.statusOf(active)
    const [store] = status?.stores ?? []
    expect(store?.rejoin?.archived.length ?? 0).toBeGreaterThan(0)
    expect((await pair.redis[active].keys('w*')).length).toBe(
      (await pair.redis[survivor].keys('w*')).length,
    )
  }, 120_000)

  it('does not take the role with a store that does not answer, and says so', async () => {
    const active = await settled()
    const standby = otherNode(active)
    const pid = Number(
      /process_id:(\d+)/.exec(await pair.redis[standby].ask('INFO', 'server'))?.[1],
    )
    process.kill(pid, 'SIGSTOP')
    const sick = await until(async () => {
      const status = await pair.statusOf(standby)
      return status?.stores[0]?.sick === true ? status : null
    }, SETTLED_WITHIN_MS)
    expect(sick.local).toMatchObject({ healthy: false, able: false })
    // To its end: a request that is only waited for less long would still be carried out later.
    const refused = await pair.ask(active, 'make-standby')
    expect([refused.ok, refused.stderr]).toEqual([
      false,
      expect.stringContaining('could not serve'),
    ])
    process.kill(pid, 'SIGCONT')
    expect(await settled()).toBe(active)
  }, 60_000)
})
