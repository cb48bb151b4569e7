/**
 * Goal: after a double outage a node that may lack what the peer confirmed does not serve as if it had
 * everything, and an operator sees and does what there is to do about data that was set aside. Method:
 * real agents and real Redis servers on the lab's two nodes; machines lose power one after the other.
 */
import { existsSync } from 'node:fs'
import { setTimeout as sleep } from 'node:timers/promises'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { DataDocument } from '../../src/control/data-schema.ts'
import type { ExplainDocument } from '../../src/control/schema.ts'
import { type LabNodeName, otherNode } from '../../src/lab/plan.ts'
import { StorePair } from '../../src/lab/store-pair.ts'
import { LONG } from '../helpers/long.ts'
import { until } from '../helpers/until.ts'

const isRoot = process.getuid?.() === 0
/** Much longer than everything that a busy machine makes of the steps before it ends. */
const STALE_WAIT_MS = 60_000

let pair: StorePair

const dataOf = (node: LabNodeName) => pair.documentOf<DataDocument>(node, 'data', 'show')

/** The standby dies, the active writes alone and dies too, the standby boots with what it had. */
async function doubleOutage(key: string): Promise<{ newer: LabNodeName; older: LabNodeName }> {
  const newer = await pair.whole()
  const older = otherNode(newer)
  await pair.nodes[older].powerOff()
  expect(await pair.redis[newer].ask('SET', key, 'confirmed by the one that went on')).toBe('OK')
  await sleep(1_200)
  await pair.nodes[newer].powerOff()
  await pair.comeBack(older)
  return { newer, older }
}

describe.skipIf(!isRoot)('a double outage', () => {
  beforeAll(async () => {
    // Not the quick times: a pause of a busy machine lets the wait begin anew.
    pair = await StorePair.build('tandemdata', {
      ...{ profile: 'default', kinds: ['redis'] },
      more: [`data: {stale_wait_ms: ${STALE_WAIT_MS}}`],
    })
  }, 120_000)

  afterAll(() => pair.destroy(), 120_000)

  it('leaves the node with older data waiting, says why, and an operator may accept it', async () => {
    const { newer, older } = await doubleOutage('first')
    const startedMs = Date.now()
    await until(() => pair.statusOf(older))
    // Long enough for a takeover by all other rules, and well before stale data may serve.
    while (Date.now() < startedMs + 4_000) {
      const local = (await pair.statusOf(older))?.local
      expect([local?.able, ['demoting', 'standby'].includes(local?.role ?? '')]).toEqual([
        false,
        true,
      ])
      await sleep(200)
    }
    const status = await pair.statusOf(older)
    expect(status?.alarms.map(({ code }) => code)).toContain('data-behind')
    const explain = await pair.documentOf<ExplainDocument>(older, 'explain')
    expect(explain?.blockers.map(({ code }) => code)).toContain('data-may-be-stale')
    expect((await dataOf(older))?.behind).toContain('the peer served last')

    const forced = await pair.ask(older, 'make-active', '--force')
    expect([forced.ok, forced.stderr]).toEqual([true, ''])
    expect(Date.now() - startedMs).toBeLessThan(STALE_WAIT_MS)
    await until(() => pair.serves(older))
    expect(await pair.redis[older].ask('SET', 'second', 'of the older data')).toBe('OK')
    expect((await pair.statusOf(older))?.alarms.map(({ code }) => code)).not.toContain(
      'data-behind',
    )

    // What the other had confirmed is set aside when it comes back, and is nowhere in the live data.
    await pair.comeBack(newer)
    expect(await pair.whole()).toBe(older)
    expect(await pair.redis[newer].keys('*')).not.toContain('first')
    const [store] = (await dataOf(newer))?.stores ?? []
    const [archive] = store?.archives ?? []
    expect(archive?.bytes).toBeGreaterThan(100)
    expect(existsSync(`${archive?.directory}/dump.rdb`)).toBe(true)
    const shown = await pair.ask(newer, 'data', 'show')
    expect(shown.stdout).toContain(archive?.directory)
    expect(shown.stdout).toContain('follows the peer')
  }, 240_000)

  it.runIf(LONG)(
    'ends by itself after the wait that the policy says',
    async () => {
      const { newer, older } = await doubleOutage('third')
      const startedMs = Date.now()
      await until(() => pair.serves(older), 2 * STALE_WAIT_MS + 20_000)
      const tookMs = Date.now() - startedMs
      expect(tookMs).toBeGreaterThan(STALE_WAIT_MS - 1_000)
      await pair.comeBack(newer)
      expect(await pair.whole()).toBe(older)
    },
    240_000,
  )

  it('of both at once ends with the one that served last', async () => {
    let active = await pair.whole()
    // By name alone it would be sp1.
    if (active === 'sp1') {
      expect((await pair.ask('sp1', 'make-standby')).ok).toBe(true)
      active = await pair.whole()
    }
    expect(active).toBe('sp2')
    await sleep(1_000)
    await Promise.all([pair.nodes.sp1.powerOff(), pair.nodes.sp2.powerOff()])
    await Promise.all([pair.comeBack('sp1'), pair.comeBack('sp2')])
    expect(await pair.whole()).toBe('sp2')
  }, 240_000)

  it('is not what an agent that restarts on a standby has: it follows again and is able', async () => {
    const active = await pair.whole()
    const standby = otherNode(active)
    const pid = (await pair.statusOf(standby))?.self.pid ?? 0
    process.kill(pid, 'SIGTERM')
    await until(async () => !pair.nodes[standby].processes().includes(pid))
    await pair.startAgent(standby)
    await pair.whole()
    const status = await until(async () => {
      const now = await pair.statusOf(standby)
      return now?.alarms.some(({ code }) => code === 'data-behind') ? null : now
    })
    expect(status?.local).toMatchObject({ able: true, healthy: true })
  }, 120_000)

  it('asks for nothing that an operator cannot do: archives and returns by hand', async () => {
    const active = await pair.whole()
    const standby = otherNode(active)
    const refused = await pair.ask(active, 'data', 'archive', 'redis')
    expect([refused.ok, refused.stderr]).toEqual([
      false,
      expect.stringMatching(
        /^tandem data: refused: sp\d serves, .*\(serves-here\)\n {2}mend: ask on/,
      ),
    ])
    const unknown = await pair.ask(standby, 'data', 'rejoin', 'mysql')
    expect([unknown.ok, unknown.stderr]).toEqual([
      false,
      'tandem data: refused: there is no store mysql (store-unknown)\n  mend: name one of: redis\n',
    ])
    const archived = await pair.ask(standby, 'data', 'archive', 'redis')
    expect([archived.ok, archived.stderr]).toEqual([true, ''])
    expect(archived.stdout).toMatch(
      /redis: Set aside \d+ keys of redis; .*\n.*wrote .*\/dump\.rdb\n/,
    )
    const following = await pair.ask(standby, 'data', 'rejoin', 'redis')
    expect(following.stdout).toMatch(
      /redis follows the peer already\ndone: the store follows the peer\n$/,
    )
    const fullSyncs = async () =>
      Number(/^sync_full:(\d+)/m.exec(await pair.redis[active].ask('INFO', 'stats'))?.[1])
    const before = await fullSyncs()
    const copied = await pair.ask(standby, 'data', 'rejoin', 'redis', '--copy')
    expect([copied.ok, copied.stderr]).toEqual([true, ''])
    expect(copied.stdout).toMatch(
      /the peer sends everything\n.*done: the store follows the peer\n$/s,
    )
    expect((await fullSyncs()) - before).toBe(1)
    expect(await pair.whole()).toBe(active)
  }, 120_000)
})
