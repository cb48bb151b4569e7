/**
 * Goal: a store that is sick but alive hands the role over or is ended before the other node takes it,
 * a pause moves nothing, and heartbeats never wait for a store. Method: a real pair with Redis and MariaDB,
 * clients that write through the floating IP, and servers that are stopped, killed, locked, filled up or
 * replaced; afterwards every acknowledged write must be in the store that serves.
 */
import { spawn } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { setTimeout as sleep } from 'node:timers/promises'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import type { HistoryDocument, StatusDocument } from '../../src/control/schema.ts'
import { mariadbMissing } from '../../src/lab/mariadb.ts'
import { askTandem } from '../../src/lab/pair.ts'
import { type LabNodeName, NODE_NAMES, otherNode } from '../../src/lab/plan.ts'
import { inside } from '../../src/lab/process.ts'
import { REDIS_PORT } from '../../src/lab/redis.ts'
import {
  lostOf,
  monotonicMs,
  nextAfter,
  type StoreClient,
  stallOf,
  type Write,
} from '../../src/lab/store-client.ts'
import { StorePair } from '../../src/lab/store-pair.ts'
import { LONG } from '../helpers/long.ts'
import { SmallDisk } from '../helpers/small-disk.ts'
import { until } from '../helpers/until.ts'

const isRoot = process.getuid?.() === 0
const MIB = 1024 ** 2
/** Enough to see what is lost, and not so much that a shared machine is the one that fails. */
const PER_SECOND = 200
/** Three missed probes of 0.8 s, a second apart, and what the move itself takes; on a busy machine. */
const MOVED_WITHIN_MS = 15_000

/** A client that waits for an answer learns of the move by being told (ARCHITECTURE, D-022). */
const NOTICED_WITHIN_MS = 5_000

let pair: StorePair
let clients: Readonly<Record<'redis' | 'mariadb', StoreClient>>
let active: LabNodeName
let standby: LabNodeName
let before: Record<LabNodeName, number>
/** What a test took away, to be given back whatever became of it. */
let mends: (() => Promise<unknown> | unknown)[]

async function changesOf(name: LabNodeName): Promise<HistoryDocument['transitions']> {
  const asked = await askTandem(pair.nodes[name], 'history', '--json', '--limit', '1000')
  return (JSON.parse(asked.stdout) as HistoryDocument).transitions
}

const status = (name: LabNodeName): Promise<StatusDocument | null> => pair.statusOf(name)

/** Waits until the other node serves with all stores, and both clients have noticed. */
async function moved(): Promise<StatusDocument> {
  const there = await until(async () => {
    const found = await status(standby)
    const writable = found?.stores.every(({ role }) => role === 'writable') === true
    return found?.local.state === 'active' && writable ? found : null
  }, MOVED_WITHIN_MS)
  const sinceMs = monotonicMs()
  for (const client of [clients.redis, clients.mariadb]) {
    await until(async () => nextAfter(client.acknowledged(), sinceMs), NOTICED_WITHIN_MS)
  }
  return there
}

/** Roles that were left and taken since the test began, oldest first, with the reason. */
async function story(): Promise<Record<'active' | 'standby', string[]>> {
  const told = async (name: LabNodeName): Promise<string[]> => {
    const changes = await changesOf(name)
    return changes
      .slice(0, changes.length - before[name])
      .toReversed()
      .filter(({ from, to }) => from === 'active' || to === 'active')
      .map(({ from, to, reason }) => `${from} -> ${to}: ${reason.code}`)
  }
  return { active: await told(active), standby: await told(standby) }
}

const MOVED_AS_UNFIT = {
  active: ['active -> demoting: unhealthy'],
  standby: ['elect -> active: elected'],
}
const NOTHING = { active: [], standby: [] }

async function redisPid(name: LabNodeName): Promise<number> {
  return Number(/process_id:(\d+)/.exec(await pair.redis[name].ask('INFO', 'server'))?.[1])
}

function runs(pid: number): boolean {
  try {
    process.kill(pid, 0)
    return true
  } catch {
    return false
  }
}

function isAgent(pid: number): boolean {
  return readFileSync(`/proc/${pid}/cmdline`, 'utf8').includes('tandem.js\0agent')
}

function killNow(pid: number): Promise<true> {
  process.kill(pid, 'SIGKILL')
  return until(async () => (runs(pid) ? null : true), 5_000)
}

/** Ends the clients; nothing that was acknowledged is missing where the pair serves now. */
async function nothingLost(holder: LabNodeName): Promise<Record<'redis' | 'mariadb', Write[]>> {
  const writes = { redis: await clients.redis.stop(), mariadb: await clients.mariadb.stop() }
  const lost = {
    redis: await lostOf(writes.redis, pair.redis[holder]),
    mariadb: await lostOf(writes.mariadb, pair.mariadb[holder]),
  }
  expect(lost).toEqual({ redis: [], mariadb: [] })
  return writes
}

function tell(what: string, writes: Record<'redis' | 'mariadb', Write[]>): void {
  const stalls = Object.entries(writes).map(([kind, of]) => {
    const stall = stallOf(of, of[0]?.atMs ?? 0, of.at(-1)?.atMs ?? 0)
    return `${kind} ${of.length} writes, longest stall ${stall.toFixed(0)} ms`
  })
  console.log(`${what}: ${stalls.join('; ')}`)
}

const missing = mariadbMissing()
describe.skipIf(!isRoot || missing !== null)('a store that is sick but alive', () => {
  beforeAll(async () => {
    pair = await StorePair.build('tfsick', { profile: 'default', semiSync: true })
  })

  afterAll(async () => {
    await pair?.destroy()
  })

  beforeEach(async () => {
    mends = []
    active = await pair.whole(60_000)
    standby = otherNode(active)
    before = { sp1: (await changesOf('sp1')).length, sp2: (await changesOf('sp2')).length }
    clients = await pair.startClients(PER_SECOND)
    await sleep(1_000)
  })

  afterEach(async () => {
    await Promise.all([clients.redis.stop(), clients.mariadb.stop()])
    for (const mend of mends.toReversed()) await mend()
  })

  /** Starts a server again that a test or the agent ended. */
  const startAgain = (kind: 'redis' | 'mariadb', name: LabNodeName) => () =>
    pair[kind][name].start()

  it.runIf(LONG)(
    'that is busy with a script of 3 s is waited for: nothing moves, and nothing is lost',
    async () => {
      const busy =
        "local function now() local t = redis.call('TIME') return t[1] * 1000 + t[2] / 1000 end " +
        'local e = now() + 3000 while now() < e do end return 1'
      expect(await pair.redis[active].ask('EVAL', busy, '0')).toBe('1')
      await sleep(1_000)
      expect(await story()).toEqual(NOTHING)
      expect((await status(active))?.local.state).toBe('active')
      const writes = await nothingLost(active)
      tell('script of 3 s', writes)
    },
  )

  it('a stopped Redis is ended before the other node takes over, and loses nothing', async () => {
    const pid = await redisPid(active)
    mends.push(startAgain('redis', active))
    process.kill(pid, 'SIGSTOP')
    const found = await moved()
    expect(found.local.reason.code).toBe('elected')
    expect(runs(pid)).toBe(false)
    await sleep(500)
    expect(await story()).toEqual(MOVED_AS_UNFIT)
    expect((await status(active))?.local).toMatchObject({
      ...{ healthy: false, able: false },
      unhealthyReasons: expect.arrayContaining(['store redis does not do its work']),
    })
    tell('stopped Redis', await nothingLost(standby))
  })

  it('a stopped MariaDB is ended before the other node takes over, and loses nothing', async () => {
    const pid = await pair.mariadb[active].pid()
    mends.push(startAgain('mariadb', active))
    process.kill(pid, 'SIGSTOP')
    await moved()
    expect(runs(pid)).toBe(false)
    await sleep(500)
    expect(await story()).toEqual(MOVED_AS_UNFIT)
    tell('stopped MariaDB', await nothingLost(standby))
  })

  it.runIf(LONG)(
    'a Redis that was killed and comes back at once takes writes again where it is',
    async () => {
      await killNow(await redisPid(active))
      await pair.redis[active].start()
      await until(async () => {
        const [store] = (await status(active))?.stores ?? []
        return store?.role === 'writable' && !store.sick ? true : null
      }, 10_000)
      await sleep(1_000)
      expect(await story()).toEqual(NOTHING)
      const writes = { redis: await clients.redis.stop(), mariadb: await clients.mariadb.stop() }
      // What the append-only file was not given yet, within a second, is lost with a killed process.
      expect((await lostOf(writes.redis, pair.redis[active])).length).toBeLessThan(PER_SECOND)
      expect(await lostOf(writes.mariadb, pair.mariadb[active])).toEqual([])
    },
  )

  it.runIf(LONG)('a Redis that was killed and stays away moves the role', async () => {
    mends.push(startAgain('redis', active))
    await killNow(await redisPid(active))
    await moved()
    await sleep(500)
    expect(await story()).toEqual(MOVED_AS_UNFIT)
    tell('killed Redis', await nothingLost(standby))
  })

  it.runIf(LONG)('a port that accepts and never answers moves the role', async () => {
    await killNow(await redisPid(active))
    const program = `require('net').createServer(()=>{}).listen(${REDIS_PORT}, '::')`
    const [command = '', ...args] = inside(pair.nodes[active].namespace, [
      process.execPath,
      '-e',
      program,
    ])
    const mute = spawn(command, args, { stdio: 'ignore' })
    mends.push(async () => {
      mute.kill('SIGKILL')
      await sleep(100)
      await pair.redis[active].start()
    })
    await moved()
    await sleep(500)
    expect(await story()).toEqual(MOVED_AS_UNFIT)
    tell('mute port', await nothingLost(standby))
  })

  it('a forgotten global lock on MariaDB moves the role, and its holder is cut off', async () => {
    const { socketPath } = pair.mariadb[active]
    const holder = spawn('mariadb', ['--no-defaults', `--socket=${socketPath}`, '--user=root'], {
      stdio: ['pipe', 'ignore', 'ignore'],
    })
    holder.stdin.write('FLUSH TABLES WITH READ LOCK;\n')
    mends.push(() => holder.kill('SIGKILL'))
    await moved()
    await sleep(500)
    expect(await story()).toEqual(MOVED_AS_UNFIT)
    expect(runs(await pair.mariadb[active].pid())).toBe(true)
    const sessions = await pair.mariadb[active].sql(
      "SELECT COUNT(*) FROM information_schema.processlist WHERE user = 'root' AND command = 'Sleep';",
    )
    expect(sessions).toEqual([['0']])
    tell('global lock', await nothingLost(standby))
  })

  describe('on a small disk', () => {
    let disks: Record<'redis' | 'mariadb', Record<LabNodeName, SmallDisk>>

    beforeAll(async () => {
      const put = async (kind: 'redis' | 'mariadb', name: LabNodeName): Promise<SmallDisk> => {
        const server = pair[kind][name]
        await killNow(kind === 'redis' ? await redisPid(name) : await pair.mariadb[name].pid())
        const disk = SmallDisk.put(server.directory, kind === 'redis' ? 100 : 200)
        await server.start()
        return disk
      }
      const both = async (kind: 'redis' | 'mariadb'): Promise<Record<LabNodeName, SmallDisk>> => {
        const ready: Partial<Record<LabNodeName, SmallDisk>> = {}
        for (const name of NODE_NAMES) {
          await pair.whole(60_000)
          ready[name] = await put(kind, name)
        }
        return ready as Record<LabNodeName, SmallDisk>
      }
      disks = { redis: await both('redis'), mariadb: await both('mariadb') }
    }, 120_000)

    afterEach(async () => {
      for (const of of Object.values(disks)) for (const disk of Object.values(of)) disk.empty()
      for (const name of NODE_NAMES) {
        if ((await status(name))?.local.healthy !== true) await restartAgent(name)
      }
    })

    /** A level is left only after a minute; an agent that starts anew has seen none of it. */
    async function restartAgent(name: LabNodeName): Promise<void> {
      for (const pid of pair.nodes[name].processes().filter(isAgent)) {
        process.kill(pid, 'SIGTERM')
        await until(async () => !runs(pid), 10_000)
      }
      await pair.startAgent(name)
    }

    it('hands over before it is full, while everything still works, and says so before', async () => {
      const disk = disks.redis[active]
      disk.fill(12 * MIB)
      const low = await until(async () => {
        const found = await status(active)
        return found?.alarms.some(({ code }) => code === 'store-space') === true ? found : null
      }, 10_000)
      expect(low.local).toMatchObject({ state: 'active', healthy: true })
      expect(low.stores[0]?.space).toMatchObject({ state: 'low', directory: disk.directory })
      disk.fill(3 * MIB)
      await moved()
      await sleep(500)
      expect(await story()).toEqual(MOVED_AS_UNFIT)
      expect((await status(active))?.local.unhealthyReasons).toContain(
        `store redis: ${disk.directory} is nearly full`,
      )
      const refused = await askTandem(pair.nodes[standby], 'make-standby')
      expect([refused.ok, refused.stderr]).toEqual([
        false,
        expect.stringContaining('could not serve'),
      ])
      tell('nearly full', await nothingLost(standby))
    })

    it('hands a Redis over that can write no more, without ending it', async () => {
      const pid = await redisPid(active)
      const disk = disks.redis[active]
      // Should it have to copy everything anew meanwhile, it ends itself, as it cannot write its log.
      mends.push(async () => {
        disk.empty()
        if (!runs(pid)) await startAgain('redis', active)()
      })
      disk.fill()
      await moved()
      expect(runs(pid)).toBe(true)
      await sleep(500)
      expect(await story()).toEqual(MOVED_AS_UNFIT)
      tell('full disk, Redis', await nothingLost(standby))
    })

    it('ends a MariaDB that hangs in a commit before the other node takes over', async () => {
      const pid = await pair.mariadb[active].pid()
      mends.push(async () => {
        disks.mariadb[active].empty()
        await startAgain('mariadb', active)()
      })
      disks.mariadb[active].fill()
      await moved()
      expect(runs(pid)).toBe(false)
      await sleep(500)
      expect(await story()).toEqual(MOVED_AS_UNFIT)
      tell('full disk, MariaDB', await nothingLost(standby))
    })

    it.runIf(LONG)('hands over once, also while it confirms alone', async () => {
      disks.redis[active].fill(3 * MIB)
      await moved()
      disks.redis[active].empty()
      // The one that served before is well again, and its agent too young to be in sync.
      await restartAgent(active)
      await until(async () => (await status(active))?.local.able === true, 10_000)
      disks.redis[standby].fill(3 * MIB)
      await until(() => pair.serves(active), MOVED_WITHIN_MS)
      await sleep(3_000)
      const taken = { active: 'elect -> active: elected', left: 'active -> demoting: unhealthy' }
      expect(await story()).toEqual({
        active: [taken.left, taken.active],
        standby: [taken.active, taken.left],
      })
      await nothingLost(active)
    })

    it.runIf(LONG)('stays where it is when both nodes are nearly full', async () => {
      disks.redis[standby].fill(3 * MIB)
      await until(async () => (await status(standby))?.local.healthy === false, 10_000)
      disks.redis[active].fill(3 * MIB)
      await sleep(6_000)
      expect(await story()).toEqual(NOTHING)
      expect((await status(active))?.local).toMatchObject({ state: 'active', healthy: false })
      await nothingLost(active)
    })
  })

  it('never let a heartbeat wait: no lease ended, and no node took over by itself', async () => {
    await nothingLost(active)
    for (const name of NODE_NAMES) {
      const codes = (await changesOf(name)).map(({ reason }) => reason.code)
      expect(
        codes.filter((code) => /^(lease-ended|takeover-done|peer-silent)$/.test(code)),
      ).toEqual([])
    }
  })
})
