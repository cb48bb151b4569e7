/**
 * Goal: whenever an agent dies in the course of a planned move, no two stores take a write from a client of
 * the floating IP, nothing acknowledged is lost, and the pair serves again by itself; and what a dead agent
 * leaves is safe also where nobody clears it away. Method: test/helpers/crash-lab.ts; the moment of each death is
 * told from outside, by the commands the agent gives its stores, its state line or its log.
 */
import { readFileSync } from 'node:fs'
import { setTimeout as sleep } from 'node:timers/promises'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { APPLICATION } from '../../src/lab/application.ts'
import { mariadbMissing } from '../../src/lab/mariadb.ts'
import { type LabNodeName, otherNode } from '../../src/lab/plan.ts'
import { CrashLab, KINDS, LETTERS, monotonicMs, type Order, RATE } from '../helpers/crash-lab.ts'
import { LONG } from '../helpers/long.ts'

const able = process.getuid?.() === 0 && mariadbMissing() === null
/** What a slow machine may add to the way of the last answer. */
const WAY_MS = 400
/** Longer than a server waits for the peer where so many probes may be missed. */
const SEMI_SYNC_LIMIT_MS = 90_000
const RELEASE_LIMIT_MS = 2_000

interface Step {
  who: 'old' | 'new'
  at: string
  order: Order
}

const before = (...command: string[]): Order => ({ command, when: 'before' })
const after = (...command: string[]): Order => ({ command, when: 'after' })

/** Commands as they stand on the wire; the assassin does not mind capitals. */
const HOLD = 'for flush tables with read lock'
const PAUSE = 'client\r\n$5\r\npause'
const TO_NOBODY = 'replicaof\r\n$9\r\n127.0.0.1'
const TO_THE_PEER = 'replicaof\r\n$15\r\n192.168.255'
const WRITABLE = 'replicaof\r\n$2\r\nno'

const STEPS: Step[] = [
  { who: 'old', at: 'asked, nothing frozen yet', order: before(HOLD) },
  { who: 'old', at: 'MariaDB frozen', order: after(HOLD) },
  { who: 'old', at: 'Redis frozen', order: after(PAUSE) },
  { who: 'old', at: 'the gate shut', order: { roles: ['demoting'] } },
  { who: 'old', at: 'MariaDB closed', order: after('for set global read_only=1') },
  { who: 'old', at: 'MariaDB lets go of what it held', order: after('unlock tables') },
  { who: 'old', at: 'Redis about to be demoted', order: before(TO_NOBODY) },
  { who: 'old', at: 'Redis demoted', order: after(TO_NOBODY) },
  { who: 'old', at: 'MariaDB demoted', order: after('stop all slaves') },
  { who: 'old', at: 'standby', order: { roles: ['standby'] } },
  { who: 'old', at: 'Redis about to be linked', order: before(TO_THE_PEER) },
  { who: 'old', at: 'Redis linked', order: after(TO_THE_PEER) },
  { who: 'old', at: 'MariaDB about to be linked', order: before('start slave') },
  { who: 'old', at: 'MariaDB linked', order: after('start slave') },
  { who: 'new', at: 'elected', order: { roles: ['elect', 'active'] } },
  { who: 'new', at: 'active', order: { roles: ['active'] } },
  { who: 'new', at: 'Redis about to be promoted', order: before(WRITABLE) },
  { who: 'new', at: 'Redis promoted', order: after(WRITABLE) },
  { who: 'new', at: 'MariaDB about to be promoted', order: before('set global read_only=0') },
  { who: 'new', at: 'MariaDB promoted', order: after('set global read_only=0') },
  { who: 'new', at: 'announced', order: { log: 'they take writes' } },
]

/** Without `LONG`: one of each way to be cut short. */
const SOME = ['MariaDB frozen', 'elected', 'MariaDB promoted']

/** Written by programs on a machine whose agent is dead; each name is found in an archive as it stands. */
const LOCAL = {
  keys: Array.from({ length: 37 }, (_, index) => `local-${index + 101}`),
  rows: Array.from({ length: 50 }, (_, index) => `row-${index + 101}`),
}

let pair: CrashLab

describe.skipIf(!able)('a pair whose agents die', () => {
  beforeAll(async () => {
    pair = await CrashLab.build('tdcrash')
  }, 300_000)

  afterAll(() => pair.destroy(), 60_000)

  it.each(STEPS.filter(({ at }) => LONG || SOME.includes(at)))(
    'loses nothing and serves again when the agent of the $who active dies: $at',
    { retry: 0, timeout: 400_000 },
    async ({ who, order }) => {
      const active = await pair.settled()
      const victim = who === 'old' ? active : otherNode(active)
      const pid = pair.agentPid(victim)
      const stop = await pair.traffic()
      await sleep(700)
      pair.order(victim, order)
      await sleep(30)
      await pair.moveUntilStruck(active, victim, pid)
      const holder = await pair.settled()
      await sleep(300)
      const traffic = await stop()
      const lost = await pair.lost(traffic, holder)
      // There, or there and back; a node whose turn is over takes nothing more.
      const paths = [[active], [active, otherNode(active)], [active, otherNode(active), active]]
      for (const kind of KINDS) {
        expect(paths).toContainEqual(traffic.turns[kind].map(({ node }) => node))
        expect(traffic.writes[kind].length).toBeGreaterThan(RATE / 5)
      }
      expect(lost).toEqual([])
    },
  )

  it.runIf(LONG)(
    'loses nothing when the agent of the active dies in quiet times, and goes on where it or its peer is',
    {
      retry: 0,
      timeout: 400_000,
    },
    async () => {
      const active = await pair.settled()
      const pid = pair.agentPid(active)
      const stop = await pair.traffic()
      await sleep(700)
      process.kill(pid, 'SIGKILL')
      await sleep(3_000)
      const holder = await pair.settled()
      await sleep(300)
      expect(await pair.lost(await stop(), holder)).toEqual([])
    },
  )

  it('leaves the stores of a standby linked when its agent dies and another one starts', async () => {
    const active = await pair.settled()
    const links = async (): Promise<string[]> => {
      const stats = await pair.redis[active].ask('INFO', 'stats')
      const dump = `(SELECT GROUP_CONCAT(ID) FROM information_schema.PROCESSLIST
        WHERE COMMAND LIKE 'Binlog Dump%')`
      const copies = [...stats.matchAll(/^sync_\w+:\d+/gm)].map(([line]) => line)
      return [...copies, await pair.mariadb[active].value(dump)]
    }
    const found = await links()
    const pid = pair.agentPid(otherNode(active))
    process.kill(pid, 'SIGKILL')
    await sleep(3_000)
    expect(await pair.settled()).toBe(active)
    expect(await links()).toEqual(found)
  }, 200_000)

  it('is safe where nobody clears away what a dead agent left, and what was written there is set aside', async () => {
    const victim = await pair.settled()
    const survivor = otherNode(victim)
    const stop = await pair.traffic()
    await sleep(700)
    const killedMs = monotonicMs()
    pair.killForGood(victim)
    await pair.serves(survivor)
    // Whoever is on the very machine can still write: nobody else can.
    for (const key of LOCAL.keys) {
      expect(await pair.redis[victim].ask('SET', key, 'kept')).toBe('OK')
    }
    const rows = LOCAL.rows.map((row, index) => `(${index + 1}, '${row}')`)
    // It waits for a peer that does not answer, until its server gives that up by itself.
    const insert = `INSERT INTO ${APPLICATION.table} VALUES ${rows.join(', ')}`
    await pair.mariadb[victim].sql(insert, SEMI_SYNC_LIMIT_MS)
    expect(await pair.release(victim)).toBeLessThan(RELEASE_LIMIT_MS)
    expect(await pair.redis[victim].ask('SET', 'late', 'late')).toContain('READONLY')
    expect(await pair.mariadb[victim].value('@@global.read_only')).toBe('1')
    await sleep(500)
    const traffic = await stop()
    for (const kind of KINDS) {
      const [first, second] = traffic.turns[kind]
      expect([first?.node, second?.node]).toEqual([victim, survivor])
      expect(first?.lastMs).toBeLessThan(killedMs + LETTERS.L + WAY_MS)
    }
    pair.startAgent(victim)
    expect(await pair.settled()).toBe(survivor)
    expect(await pair.lost(traffic, survivor)).toEqual([])
    expect(await heldBy(survivor)).toEqual({ redis: [], mariadb: '0' })
    expect(await heldBy(victim)).toEqual({ redis: [], mariadb: '0' })
    const status = await pair.statusOf(victim)
    const archives = (status?.stores ?? []).map(({ rejoin }) =>
      (rejoin?.archived ?? []).map((path) => readFileSync(path, 'latin1')).join('\n'),
    )
    const missing = [LOCAL.keys, LOCAL.rows].map((names, store) =>
      names.filter((name) => archives[store]?.includes(name) !== true),
    )
    expect(missing).toEqual([[], []])
  }, 400_000)
})

/** What of it is in the live data. */
async function heldBy(name: LabNodeName): Promise<{ redis: string[]; mariadb: string }> {
  return {
    redis: await pair.redis[name].keys('local-*'),
    mariadb: await pair.mariadb[name].value(
      `(SELECT COUNT(*) FROM ${APPLICATION.table} WHERE v LIKE 'row-%')`,
    ),
  }
}
