/**
 * Goal: a Redis store keeps its contract with real servers: planned moves lose nothing, no moment has
 * two that take writes, nothing that only one holds is discarded unseen, and every call comes back.
 * Method: two servers on loopback with the configuration we recommend, a writer at 500 keys a second
 * that remembers each confirmation, an administrator who looks behind our back.
 */
import { randomBytes } from 'node:crypto'
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, statSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { basename, dirname, join } from 'node:path'
import { afterAll, afterEach, describe, expect, test } from 'vitest'
import { RedisStore } from '../../src/resources/redis.ts'
import { accessLines, configurationLines } from '../../src/resources/redis-setup.ts'
import type { ReplicatedStore, StoreResult } from '../../src/resources/replicated-store.ts'
import {
  ACCOUNT,
  freePort,
  missingKeys,
  SETUP,
  startRedis,
  TestRedis,
  type TestServerOptions,
  Writer,
} from '../helpers/redis-server.ts'

const LIMIT_MS = 5000
const HOLD_MS = 3000

interface Side {
  server: TestRedis
  store: RedisStore
}

const servers: TestRedis[] = []
const stores: RedisStore[] = []
const archives = mkdtempSync(join(tmpdir(), 'tandem-archive-'))

afterEach(async () => {
  for (const store of stores.splice(0)) store.close()
  for (const server of servers.splice(0)) {
    server.thaw()
    await server.remove()
  }
})
afterAll(() => rmSync(archives, { recursive: true, force: true }))

async function server(options: TestServerOptions = {}): Promise<TestRedis> {
  const started = await startRedis(options)
  servers.push(started)
  return started
}

function storeOf(ours: TestRedis, peer: TestRedis, account = ACCOUNT): RedisStore {
  const store = new RedisStore({
    name: 'redis',
    ours: ours.place,
    peer: peer.place,
    account,
    dataDirectory: null,
    pidFile: null,
    now: () => new Date('2031-02-03T04:05:06.789Z'),
  })
  stores.push(store)
  return store
}

/** Two that just booted. */
async function bootPair(options: TestServerOptions = {}): Promise<[Side, Side]> {
  const [a, b] = await Promise.all([server(options), server(options)])
  return [
    { server: a, store: storeOf(a, b) },
    { server: b, store: storeOf(b, a) },
  ]
}

/** The first takes writes, the second follows. */
async function pair(options: TestServerOptions = {}): Promise<[Side, Side]> {
  // With a file the stream begins at once; the other way has a test of its own.
  const extra = ['repl-diskless-sync no', ...(options.extra ?? [])]
  const [a, b] = await bootPair({ ...options, extra })
  value(await a.store.promote(LIMIT_MS))
  // Something to stream, sooner than the server's own heartbeat.
  const beat = setInterval(() => void a.server.admin('PUBLISH', 'nobody', 'hears'), 20)
  value(await b.store.rejoin(value(await b.store.compare(LIMIT_MS)), LIMIT_MS))
  clearInterval(beat)
  await untilFollowing(b.store)
  return [a, b]
}

function value<Value>(result: StoreResult<Value>): Value {
  if (!result.ok) throw new Error(`${result.fault.code}: ${result.fault.message}`)
  return result.value
}

function fault(result: StoreResult<unknown>): { code: string; message: string } {
  if (result.ok) throw new Error('it succeeded')
  return result.fault
}

async function untilFollowing(store: ReplicatedStore): Promise<void> {
  const endMs = performance.now() + LIMIT_MS
  while (!value(await store.monitor(LIMIT_MS)).following) {
    if (performance.now() > endMs) throw new Error('it does not follow')
    await wait(20)
  }
}

function wait(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms))
}

async function takesWrites(server: TestRedis): Promise<boolean> {
  return (await server.info('role')) === 'master'
}

/** The steps of a planned move, in the order in which a caller takes them. */
function switchSteps(old: Side, next: Side, holdMs = HOLD_MS): [string, () => Promise<void>][] {
  let position = { history: '', offset: 0 }
  return [
    [
      'freeze',
      async () => {
        position = value(await old.store.freeze(LIMIT_MS, holdMs))
      },
    ],
    ['reached', async () => value(await old.store.peerReached(position, holdMs / 2))],
    ['demote', async () => value(await old.store.demote(LIMIT_MS))],
    [
      'reached again',
      async () => {
        position = value(await old.store.monitor(LIMIT_MS)).position
        value(await old.store.peerReached(position, LIMIT_MS))
      },
    ],
    ['promote', async () => value(await next.store.promote(LIMIT_MS))],
    ['unfreeze', async () => value(await old.store.unfreeze(LIMIT_MS))],
  ]
}

async function switchOver(old: Side, next: Side): Promise<void> {
  for (const [, step] of switchSteps(old, next)) await step()
}

test('the settings that both should have alike are told with the rights of our account', async () => {
  const [one, two] = await bootPair()
  const settings = async ({ store }: Side) => {
    const told = await store.settings(LIMIT_MS)
    return told.ok ? Object.fromEntries(told.value) : told.fault
  }
  expect(await settings(one)).toEqual({
    ...{ redis_mode: 'standalone', aof_enabled: expect.stringMatching(/^[01]$/) },
    ...{ maxmemory: '0', maxmemory_policy: 'noeviction', maxclients: expect.any(String) },
  })
  expect(await settings(one)).toEqual(await settings(two))
})

describe('a planned move', () => {
  test('loses no confirmed write and resumes without a copy, twenty times of twenty, under load', async () => {
    const [a, b] = await pair()
    const writer = new Writer([a.server, b.server], 'k')
    await wait(200)
    writer.forgetGap()
    const stalls: number[] = []
    const ways: string[] = []
    const counts: string[] = []
    for (let round = 0; round < 20; round += 1) {
      const [old, next] = round % 2 === 0 ? [a, b] : [b, a]
      const partial = Number(await next.server.info('sync_partial_ok'))
      const full = Number(await next.server.info('sync_full'))
      await switchOver(old, next)
      const comparison = value(await old.store.compare(LIMIT_MS))
      expect(comparison).toEqual({
        verdict: 'same',
        ours: 0,
        sentence: "The peer's store has everything of ours.",
      })
      ways.push(value(await old.store.rejoin(comparison, LIMIT_MS)))
      const partialMore = Number(await next.server.info('sync_partial_ok')) - partial
      const fullMore = Number(await next.server.info('sync_full')) - full
      counts.push(`partial +${partialMore}, full +${fullMore}`)
      await wait(100)
      stalls.push(Math.round(writer.longestGapMs))
      writer.forgetGap()
    }
    await writer.stop()
    stalls.sort((left, right) => left - right)
    console.info(
      `redis: ${writer.acked.size} confirmed, ${writer.refused} refused, stall median ${stalls[10]} ms, longest ${stalls[19]} ms`,
    )
    expect(new Set(ways)).toEqual(new Set(['resumed']))
    expect(new Set(counts)).toEqual(new Set(['partial +1, full +0']))
    expect(writer.acked.size).toBeGreaterThan(1000)
    expect(await missingKeys(a.server, writer.acked)).toEqual([])
    await untilFollowing(b.store)
    expect(await missingKeys(b.server, writer.acked)).toEqual([])
  })

  test('never has two that take writes, looked at all the time', async () => {
    const [a, b] = await pair()
    let both = 0
    let looks = 0
    let done = false
    const watching = (async () => {
      while (!done) {
        // Around the other look, else a move between the two would look like both.
        const first = await takesWrites(a.server)
        const second = await takesWrites(b.server)
        if (first && second && (await takesWrites(a.server))) both += 1
        looks += 1
      }
    })()
    for (let round = 0; round < 6; round += 1) {
      const [old, next] = round % 2 === 0 ? [a, b] : [b, a]
      await switchOver(old, next)
      value(await old.store.rejoin(value(await old.store.compare(LIMIT_MS)), LIMIT_MS))
    }
    done = true
    await watching
    expect(looks).toBeGreaterThan(10)
    expect(both).toBe(0)
  })

  test.each([1, 2, 3, 4, 5, 6])(
    'that is abandoned after step %i leaves at most one that takes writes, and nothing confirmed is lost',
    async (count) => {
      const [a, b] = await pair()
      const writer = new Writer([a.server, b.server], 'c')
      await wait(100)
      for (const [, step] of switchSteps(a, b, 300).slice(0, count)) {
        await step()
        expect([await takesWrites(a.server), await takesWrites(b.server)]).not.toEqual([true, true])
      }
      a.store.close()
      b.store.close()
      // Longer than writes are held.
      await wait(450)
      const writable = [await takesWrites(a.server), await takesWrites(b.server)]
      expect(writable.filter(Boolean).length).toBeLessThanOrEqual(1)
      // As an agent that starts anew: whoever has it keeps it, else the first takes it.
      const again: [Side, Side] = [
        { server: a.server, store: storeOf(a.server, b.server) },
        { server: b.server, store: storeOf(b.server, a.server) },
      ]
      const [active, standby] = writable[1] ? [again[1], again[0]] : again
      value(await active.store.promote(LIMIT_MS))
      value(await standby.store.demote(LIMIT_MS))
      const comparison = value(await standby.store.compare(LIMIT_MS))
      expect(comparison.verdict).toBe('same')
      expect(value(await standby.store.rejoin(comparison, LIMIT_MS))).toBe('resumed')
      await wait(100)
      await writer.stop()
      expect(writer.acked.size).toBeGreaterThan(20)
      expect(await missingKeys(active.server, writer.acked)).toEqual([])
    },
  )

  test('whose hold expired is still safe: writes go on, and the position after the demotion has them', async () => {
    const [a, b] = await pair()
    const writer = new Writer([a.server, b.server], 'e')
    await wait(50)
    const early = value(await a.store.freeze(LIMIT_MS, 100))
    await wait(300)
    value(await a.store.demote(LIMIT_MS))
    const late = value(await a.store.monitor(LIMIT_MS)).position
    expect(late.history).toBe(early.history)
    expect(late.offset).toBeGreaterThan(early.offset)
    value(await a.store.peerReached(late, LIMIT_MS))
    value(await b.store.promote(LIMIT_MS))
    value(await a.store.unfreeze(LIMIT_MS))
    await wait(50)
    await writer.stop()
    expect(await missingKeys(b.server, writer.acked)).toEqual([])
  })

  test('that is taken back lets the held writes through, and none before', async () => {
    const [a] = await pair()
    const app = a.server.client()
    await app.ping()
    const position = value(await a.store.freeze(LIMIT_MS, HOLD_MS))
    const written = app.set('held', 'yes')
    expect(await Promise.race([written, wait(100)])).toBeUndefined()
    // Our own probe does not hang in our own freeze.
    value(await a.store.probe('writable', 500))
    const now = value(await a.store.monitor(LIMIT_MS)).position
    expect(now.history).toBe(position.history)
    // The server's own heartbeat to its replica is all that may have come.
    expect([0, 14]).toContain(now.offset - position.offset)
    value(await a.store.unfreeze(LIMIT_MS))
    expect(await Promise.race([written, wait(HOLD_MS / 2)])).toBe('OK')
    value(await a.store.unfreeze(LIMIT_MS))
    app.disconnect()
  })

  test('does not begin where the peer cannot keep up: the wait ends at its limit and says how far it is', async () => {
    const [a, b] = await pair()
    b.server.freeze()
    const position = value(await a.store.freeze(LIMIT_MS, HOLD_MS))
    const hung = await a.store.peerReached(position, 200)
    expect(fault(hung).code).toBe('HA_STORE_TIMEOUT')
    b.server.thaw()
    const never = await a.store.peerReached({ ...position, offset: position.offset + 999 }, 200)
    expect(fault(never).code).toBe('HA_STORE_TIMEOUT')
    expect(fault(never).message).toMatch(/position \d+ of [0-9a-f]{40}: it has \d+ of [0-9a-f]{40}/)
    value(await a.store.peerReached(position, LIMIT_MS))
  })

  test('sends applications to the other node, subscribers too', async () => {
    const [a, b] = await pair()
    const app = a.server.client()
    await app.set('x', '1')
    const subscriber = a.server.client()
    await subscriber.subscribe('news')
    await switchOver(a, b)
    const ended = Promise.all(
      [app, subscriber].map((client) => new Promise((resolve) => client.once('end', resolve))),
    )
    expect(value(await a.store.dropClients(LIMIT_MS))).toBeGreaterThanOrEqual(2)
    await ended
    // What it did to our own connections nobody notices.
    value(await a.store.monitor(LIMIT_MS))
    value(await a.store.probe('read-only', LIMIT_MS))
    value(await b.store.monitor(LIMIT_MS))
  })
})

describe('a store tells what it is', () => {
  test('from boot over following to writable, and says following only when writes arrive', async () => {
    const [a, b] = await bootPair()
    const boot = value(await a.store.monitor(LIMIT_MS))
    expect({ ...boot, position: null }).toEqual({
      role: 'read-only',
      position: null,
      following: false,
      applies: true,
      backlog: null,
      logBytes: 0,
      confirmsTogether: false,
      hazards: [],
      version: await a.server.info('redis_version'),
    })
    expect(fault(await a.store.freeze(LIMIT_MS, HOLD_MS)).code).toBe('HA_STORE_REFUSED')
    value(await a.store.promote(LIMIT_MS))
    value(await a.store.promote(LIMIT_MS))
    expect(value(await a.store.monitor(LIMIT_MS)).role).toBe('writable')
    value(await a.store.probe('writable', LIMIT_MS))
    expect(fault(await b.store.probe('writable', LIMIT_MS)).message).toMatch(/READONLY/)
    expect(value(await b.store.rejoin(value(await b.store.compare(LIMIT_MS)), LIMIT_MS))).toBe(
      'copied',
    )
    await untilFollowing(b.store)
    const report = value(await b.store.monitor(LIMIT_MS))
    expect([report.role, report.following, report.backlog]).toEqual(['read-only', true, 0])
    expect(value(await b.store.drain(LIMIT_MS))).toEqual(
      value(await b.store.monitor(LIMIT_MS)).position,
    )
    // The link is called up for seconds yet; nothing arrives.
    a.server.freeze()
    expect(value(await b.store.monitor(1000)).following).toBe(false)
    expect(await b.server.info('master_link_status')).toBe('up')
    a.server.thaw()
    await untilFollowing(b.store)
    value(await b.store.demote(LIMIT_MS))
    value(await b.store.demote(LIMIT_MS))
    expect(value(await b.store.monitor(LIMIT_MS)).following).toBe(false)
    value(await a.store.confirm(true, LIMIT_MS))
  })

  test('says following after a copy only when the stream flows, whatever both servers call the link', async () => {
    const [a, b] = await bootPair()
    value(await a.store.promote(LIMIT_MS))
    const app = a.server.client()
    for (let round = 0; round < 5; round += 1) {
      await b.server.admin('REPLICAOF', '127.0.0.1', String(a.server.port))
      await untilFollowing(b.store)
      const key = `after-${round}`
      await app.set(key, key)
      const { position } = value(await a.store.monitor(LIMIT_MS))
      value(await a.store.peerReached(position, 300))
      expect(await missingKeys(b.server, [key])).toEqual([])
      // A history of its own, so that the next one is a copy.
      await b.server.admin('REPLICAOF', 'NO', 'ONE')
      await b.server.admin('SET', 'own', String(round))
    }
    expect(Number(await a.server.info('sync_full'))).toBe(5)
    app.disconnect()
  })

  test('while it loads, says so, and is not taken for an empty one', async () => {
    const slow = [
      'appendonly no',
      'key-load-delay 40000',
      'loading-process-events-interval-bytes 1024',
    ]
    const [a, b] = await pair({ extra: slow })
    await b.server.admin('REPLICAOF', 'NO', 'ONE')
    for (let index = 0; index < 30; index += 1) {
      await b.server.admin('SET', `own-${index}`, randomBytes(400).toString('hex'))
    }
    await b.server.stop()
    b.server.launch()
    const endMs = performance.now() + LIMIT_MS
    let report = await b.store.monitor(500)
    while (!report.ok && performance.now() < endMs) report = await b.store.monitor(500)
    expect(value(report).hazards).toEqual(['It is still loading its data: wait until it has.'])
    expect(fault(await b.store.compare(500)).message).toBe(
      'redis: compare: it is still loading its data',
    )
    expect(fault(await b.store.probe('read-only', 500)).message).toBe(
      'redis: probe: it is still loading its data',
    )
    expect(fault(await b.store.promote(500)).code).toBe('HA_STORE_REFUSED')
    await b.server.loaded()
    expect(value(await b.store.compare(LIMIT_MS)).verdict).not.toBe('same')
    value(await a.store.monitor(LIMIT_MS))
  })

  test('over a unix socket as over a port', async () => {
    const socketPath = join(archives, 'redis.sock')
    const a = await server()
    const b = await server({ extra: [`unixsocket ${socketPath}`] })
    const active = storeOf(a, b)
    value(await active.promote(LIMIT_MS))
    const store = new RedisStore({
      name: 'redis',
      ours: { socketPath },
      peer: a.place,
      account: ACCOUNT,
      dataDirectory: null,
      pidFile: null,
      now: () => new Date(),
    })
    stores.push(store)
    value(await store.rejoin(value(await store.compare(LIMIT_MS)), LIMIT_MS))
    await untilFollowing(store)
  })

  test('that cannot save refuses the probe and warns before a switchover (MISCONF)', async () => {
    const [a] = await pair({ extra: ['appendonly no'] })
    await a.server.admin('SET', 'x', '1')
    rmSync(join(a.server.directory, 'dump.rdb'), { force: true })
    mkdirSync(join(a.server.directory, 'dump.rdb'))
    await a.server.admin('BGSAVE')
    while ((await a.server.info('rdb_bgsave_in_progress')) === '1') await wait(10)
    const refused = fault(await a.store.probe('writable', LIMIT_MS))
    expect(refused.code).toBe('HA_STORE_REFUSED')
    expect(refused.message).toMatch(/MISCONF/)
    expect(value(await a.store.monitor(LIMIT_MS)).hazards).toEqual([
      'The last save to disk failed, so writes are refused (MISCONF): free space on the disk and run BGSAVE.',
    ])
    const failed = fault(await a.store.archive(archives, LIMIT_MS))
    expect(failed).toEqual({
      code: 'HA_STORE_REFUSED',
      message: 'redis: BGSAVE: saving failed; see the log of the server (disk full?)',
    })
    // It can be made a standby all the same.
    value(await a.store.demote(LIMIT_MS))
  })
})

describe('what only one holds', () => {
  test('is found to the byte, set aside with all its keys, and only then replaced', async () => {
    const [a, b] = await pair()
    await a.server.admin('SET', 'common', 'yes')
    value(await a.store.peerReached(value(await a.store.monitor(LIMIT_MS)).position, LIMIT_MS))
    // The link is cut, the standby takes over, the old active goes on for a while.
    value(await b.store.demote(LIMIT_MS))
    value(await b.store.promote(LIMIT_MS))
    const before = Number(await a.server.info('master_repl_offset'))
    for (let index = 0; index < 37; index += 1) await a.server.admin('SET', `own-${index}`, 'mine')
    const bytes = Number(await a.server.info('master_repl_offset')) - before
    await b.server.admin('SET', 'theirs', 'yes')
    value(await a.store.demote(LIMIT_MS))

    const comparison = value(await a.store.compare(LIMIT_MS))
    expect(comparison.verdict).toBe('ahead')
    expect(comparison.ours).toBeGreaterThanOrEqual(bytes)
    // Who was told less than what is at stake is refused.
    const told = { verdict: 'same', ours: 0, sentence: '' } as const
    expect(fault(await a.store.rejoin(told, LIMIT_MS)).message).toMatch(/since the comparison/)
    expect(await a.server.info('master_host')).toBe('127.0.0.1')
    expect(await a.server.info('master_port')).toBe('1')

    const archive = value(await a.store.archive(join(archives, 'ahead'), LIMIT_MS))
    expect(archive.count).toBe(comparison.ours)
    expect(archive.sentence).toBe(
      `Set aside 38 keys of redis; ${comparison.ours} bytes the peer lacks.`,
    )
    const snapshot = archive.paths[0]!
    expect(basename(dirname(snapshot))).toBe('redis-2031-02-03T04-05-06-789Z')
    expect(archive.paths.map((path) => basename(path)).sort()).toEqual([
      'README.txt',
      'appendonly.aof.1.base.rdb',
      'appendonly.aof.1.incr.aof',
      'appendonly.aof.manifest',
      'dump.rdb',
    ])
    expect(archive.paths.every((path) => existsSync(path))).toBe(true)
    expect(statSync(dirname(snapshot)).mode & 0o777).toBe(0o700)
    const text = readFileSync(archive.paths.find((path) => path.endsWith('.txt'))!, 'utf8')
    expect(text).toContain(comparison.sentence)
    expect(text).toMatch(/keys {13}38\n/)

    expect(value(await a.store.rejoin(comparison, LIMIT_MS))).toBe('copied')
    expect(await a.server.admin('GET', 'own-0')).toBeNull()
    expect(await a.server.admin('GET', 'theirs')).toBe('yes')

    // Months later, somebody wants them back.
    const third = new TestRedis(await freePort(), {
      plain: true,
      extra: ['appendonly no', `dir ${dirname(snapshot)}`, "save ''"],
    })
    servers.push(third)
    await third.start()
    for (let index = 0; index < 37; index += 1) {
      expect(await third.admin('GET', `own-${index}`)).toBe('mine')
    }
    expect(await third.admin('GET', 'common')).toBe('yes')
  })

  test('cannot be told after a crash, so everything is set aside and copied', async () => {
    const [a, b] = await pair()
    await a.server.admin('SET', 'common', 'yes')
    value(await a.store.peerReached(value(await a.store.monitor(LIMIT_MS)).position, LIMIT_MS))
    await a.server.admin('WAIT', '1', '1000')
    value(await b.store.promote(LIMIT_MS))
    await a.server.admin('SET', 'unseen', 'yes')
    await wait(1200)
    await a.server.kill()
    await a.server.start()
    // It boots read-only and alone, and still has what only it holds.
    expect(value(await a.store.monitor(LIMIT_MS)).role).toBe('read-only')
    expect(await a.server.admin('GET', 'unseen')).toBe('yes')
    const comparison = value(await a.store.compare(LIMIT_MS))
    expect(comparison.verdict).toBe('unknown')
    expect(comparison.ours).toBeNull()
    const archive = value(await a.store.archive(join(archives, 'unknown'), LIMIT_MS))
    expect(archive.count).toBeNull()
    expect(archive.sentence).toBe('Set aside 2 keys of redis; how much the peer lacks is unknown.')
    expect(value(await a.store.rejoin(comparison, LIMIT_MS))).toBe('copied')
    expect(await a.server.admin('GET', 'unseen')).toBeNull()
    await untilFollowing(a.store)
  })

  test('is never linked away while the store takes writes, nor compared with one that is read-only', async () => {
    const [a, b] = await pair()
    const same = { verdict: 'unknown', ours: null, sentence: '' } as const
    expect(fault(await a.store.rejoin(same, LIMIT_MS))).toEqual({
      code: 'HA_STORE_REFUSED',
      message: 'redis: rejoin: it is writable; demote it first, then compare again',
    })
    expect(fault(await a.store.compare(LIMIT_MS)).code).toBe('HA_STORE_REFUSED')
    value(await b.store.demote(LIMIT_MS))
  })

  test('is not archived where the files are not those of this server', async () => {
    const [a, b] = await pair()
    const store = new RedisStore({
      name: 'redis',
      ours: a.server.place,
      peer: b.server.place,
      account: ACCOUNT,
      dataDirectory: b.server.directory,
      pidFile: null,
      now: () => new Date(),
    })
    stores.push(store)
    await b.server.admin('SAVE')
    await wait(1100)
    const wrong = fault(await store.archive(join(archives, 'wrong'), LIMIT_MS))
    expect(wrong.code).toBe('HA_STORE_REFUSED')
    expect(wrong.message).toMatch(/is older than the save that was just made/)
  })
})

describe('a sick server', () => {
  test('that hangs costs each call its limit and no more, and leaves no connection behind', async () => {
    const [a, b] = await pair()
    await switchOver(a, b)
    const calls: Record<string, (store: RedisStore) => Promise<StoreResult<unknown>>> = {
      monitor: (store) => store.monitor(150),
      freeze: (store) => store.freeze(150, HOLD_MS),
      unfreeze: (store) => store.unfreeze(150),
      drain: (store) => store.drain(150),
      promote: (store) => store.promote(150),
      demote: (store) => store.demote(150),
      dropClients: (store) => store.dropClients(150),
      'probe writable': (store) => store.probe('writable', 150),
      'probe read-only': (store) => store.probe('read-only', 150),
      compare: (store) => store.compare(150),
      archive: (store) => store.archive(archives, 150),
      rejoin: (store) => store.rejoin({ verdict: 'same', ours: 0, sentence: '' }, 150),
      inspect: (store) => store.inspect(150),
    }
    // One store of its own, so that only its connections are counted.
    stores.splice(0).forEach((store) => {
      store.close()
    })
    await wait(50)
    a.server.freeze()
    const sockets = (): number =>
      process.getActiveResourcesInfo().filter((name) => name === 'TCPSocketWrap').length
    const before = sockets()
    const store = storeOf(a.server, b.server)
    for (const [name, call] of Object.entries(calls)) {
      const startedMs = performance.now()
      const result = await call(store)
      const tookMs = performance.now() - startedMs
      expect([name, fault(result).code]).toEqual([name, 'HA_STORE_TIMEOUT'])
      expect(fault(result).message).toMatch(/within \d+ ms$/)
      expect(tookMs).toBeLessThan(150 + 350)
    }
    await wait(50)
    // To the peer, which is well, the comparing line stays open.
    expect(sockets() - before).toBeLessThanOrEqual(1)
  })

  test('that hung is not promoted, held or linked by what was asked of it meanwhile', async () => {
    const [a, b] = await pair()
    value(await b.store.demote(LIMIT_MS))
    value(await b.store.monitor(LIMIT_MS))
    b.server.freeze()
    const comparison = { verdict: 'unknown', ours: null, sentence: '' } as const
    expect(fault(await b.store.promote(200)).code).toBe('HA_STORE_TIMEOUT')
    expect(fault(await b.store.rejoin(comparison, 200)).code).toBe('HA_STORE_TIMEOUT')
    b.server.thaw()
    a.server.freeze()
    expect(fault(await a.store.freeze(200, HOLD_MS)).code).toBe('HA_STORE_TIMEOUT')
    a.server.thaw()
    await wait(100)
    expect(await takesWrites(b.server)).toBe(false)
    expect(await b.server.info('master_port')).toBe('1')
    const app = a.server.client()
    expect(await Promise.race([app.set('x', '1'), wait(1000)])).toBe('OK')
    app.disconnect()
    // And answers again at once.
    expect(value(await b.store.monitor(LIMIT_MS)).role).toBe('read-only')
  })

  test('that is gone is said so at once, and found again when it is back', async () => {
    const [a, b] = await pair()
    await a.server.kill()
    const gone = await a.store.monitor(LIMIT_MS)
    expect(gone.durationMs).toBeLessThan(1000)
    expect(fault(gone)).toEqual({
      code: 'HA_STORE_UNREACHABLE',
      message: `redis at 127.0.0.1:${a.server.port}: INFO server replication persistence memory keyspace: ECONNREFUSED`,
    })
    expect(fault(await b.store.compare(LIMIT_MS)).message).toMatch(/^the peer's redis at/)
    await a.server.start()
    expect(value(await a.store.monitor(LIMIT_MS)).role).toBe('read-only')
  })

  test('is ended for certain, also while it is frozen, and nobody else is', async () => {
    const [a, b] = await pair()
    value(await a.store.monitor(LIMIT_MS))
    a.server.freeze()
    value(await a.store.kill())
    await a.server.ended()
    // Known to be gone: nothing happens to whoever came after it.
    await a.server.start()
    value(await a.store.kill())
    expect(await a.server.info('role')).toBe('slave')

    const stranger = storeOf(b.server, a.server)
    expect(fault(await stranger.kill()).message).toMatch(/its process is not known/)
    const byFile = new RedisStore({
      name: 'redis',
      ours: b.server.place,
      peer: a.server.place,
      account: ACCOUNT,
      dataDirectory: null,
      pidFile: b.server.pidFile,
      now: () => new Date(),
    })
    stores.push(byFile)
    value(await byFile.kill())
    await b.server.ended()
  })
})

describe('access', () => {
  test('with a wrong password is one clear fault that does not tell the password', async () => {
    const [a, b] = await bootPair()
    const account = { username: ACCOUNT.username, password: 'quite-wrong-1' }
    const store = storeOf(a.server, b.server, account)
    const refused = fault(await store.monitor(LIMIT_MS))
    expect(refused).toEqual({
      code: 'HA_STORE_FORBIDDEN',
      message: `redis at 127.0.0.1:${a.server.port}: INFO server replication persistence memory keyspace: login refused (WRONGPASS)`,
    })
    expect(JSON.stringify(await store.inspect(LIMIT_MS))).not.toContain('quite-wrong-1')
  })

  test('as recommended is all that is needed, and nothing beyond it is allowed', async () => {
    const [a, b] = await pair()
    const own = a.server.client()
    await own.call('AUTH', ACCOUNT.username, ACCOUNT.password)
    const denied = [
      ['GET', 'app'],
      ['SET', 'app', '1'],
      ['GET', 'tandem:probe'],
      ['DEL', 'tandem:probe'],
      ['CONFIG', 'GET', '*'],
      ['CONFIG', 'REWRITE'],
      ['FLUSHALL'],
      ['KEYS', '*'],
      ['SHUTDOWN', 'NOSAVE'],
      ['ACL', 'LIST'],
      ['ACL', 'SETUSER', 'x'],
      ['CLIENT', 'LIST'],
      ['EVAL', 'return 1', '0'],
      ['PSYNC', '?', '-1'],
      ['SUBSCRIBE', 'x'],
    ]
    for (const [name, ...rest] of denied) {
      await expect(own.call(name!, ...rest), name).rejects.toThrow(/^NOPERM/)
    }
    own.disconnect()
    const app = a.server.client()
    for (const words of [
      ['REPLICAOF', 'NO', 'ONE'],
      ['CLIENT', 'PAUSE', '9'],
      ['FLUSHALL'],
      ['CONFIG', 'GET', '*'],
    ]) {
      await expect(app.call(words[0]!, ...words.slice(1)), words[0]).rejects.toThrow(/^NOPERM/)
    }
    app.disconnect()
    // Everything was done with that account so far; only this was not.
    value(await b.store.archive(join(archives, 'allowed'), LIMIT_MS))
    const findings = value(await a.store.inspect(LIMIT_MS))
    expect(findings.filter(({ setting }) => setting !== 'vm.overcommit_memory')).toEqual([])
  })

  test('that lacks a command is found by the check, which names it, and by the call', async () => {
    const access = (lines: string): string => lines.replace(' +bgsave', '').replace(' -@admin', '')
    const [a] = await pair({ access })
    const findings = value(await a.store.inspect(LIMIT_MS))
    expect(findings.filter(({ setting }) => setting !== 'vm.overcommit_memory')).toEqual([
      {
        severity: 'error',
        setting: 'user tandem',
        found: 'may not BGSAVE',
        wanted: '+bgsave',
        why: 'sets data aside before a copy replaces it',
        mend: 'add +bgsave to the account in the access list and run ACL LOAD',
      },
    ])
    const refused = fault(await a.store.archive(archives, LIMIT_MS))
    expect(refused.code).toBe('HA_STORE_FORBIDDEN')
    expect(refused.message).toMatch(/BGSAVE: NOPERM/)
  })

  test('of an unprepared server is judged: boot, limits, applications', async () => {
    const plain = { plain: true, access: (lines: string) => lines.replace(/ -@admin.*\n/, '\n') }
    const unprepared: TestServerOptions = {
      ...plain,
      extra: ['repl-backlog-size 1mb', 'repl-backlog-ttl 3600', 'min-replicas-to-write 1'],
    }
    const a = await server(unprepared)
    const findings = value(await storeOf(a, a).inspect(LIMIT_MS))
    const short = findings.map(({ severity, setting, found }) => `${severity} ${setting}: ${found}`)
    expect(short.filter((line) => !line.includes('overcommit'))).toEqual([
      "error the peer's server: our own server",
      'error replicaof: null',
      'warning repl-backlog-size: 1048576',
      'warning user default: may REPLICAOF',
      'warning repl-backlog-ttl: 3600',
      'warning min-replicas-to-write: 1',
    ])
  })

  test('text for operators never shows our password, and the lists hold', () => {
    const setup = { ...SETUP, aclFile: '/etc/redis/users.acl' }
    expect(accessLines(setup)).not.toContain('secret')
    expect(configurationLines(setup)).not.toContain(SETUP.password)
  })
})
