/**
 * Goal: a Redis standby that merely was started again is not taken for one with data of its own, one
 * that was is; and a copy replaces content that is wrong although its history is right. Method: two real
 * servers on loopback, with and without an append-only file, and an administrator who tampers.
 */
import { existsSync, mkdtempSync, readdirSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, afterEach, describe, expect, test } from 'vitest'
import { RedisStore } from '../../src/resources/redis.ts'
import type { CopyRequest, StoreResult } from '../../src/resources/replicated-store.ts'
import { ACCOUNT, startRedis, type TestRedis } from '../helpers/redis-server.ts'

const LIMIT_MS = 5_000
const COPY_MS = 20_000
const directory = mkdtempSync(join(tmpdir(), 'tandem-redis-return-'))
const servers: TestRedis[] = []
const stores: RedisStore[] = []

afterEach(async () => {
  for (const store of stores.splice(0)) store.close()
  for (const server of servers.splice(0)) await server.remove()
})
afterAll(() => rmSync(directory, { recursive: true, force: true }))

async function server(...extra: string[]): Promise<TestRedis> {
  const started = await startRedis({ extra: ['repl-diskless-sync no', ...extra] })
  servers.push(started)
  return started
}

function storeOf(ours: TestRedis, peer: TestRedis, followedFile: string): RedisStore {
  const store = new RedisStore({
    ...{ name: 'redis', ours: ours.place, peer: peer.place, account: ACCOUNT },
    ...{ dataDirectory: null, pidFile: null, followedFile, now: () => new Date() },
  })
  stores.push(store)
  return store
}

function value<Value>(result: StoreResult<Value>): Value {
  if (!result.ok) throw new Error(`${result.fault.code}: ${result.fault.message}`)
  return result.value
}

const wait = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms))

async function untilFollowing(store: RedisStore, active: TestRedis): Promise<void> {
  for (let tries = 0; tries < 200; tries += 1) {
    // Something to stream, sooner than the server's own heartbeat.
    await active.admin('PUBLISH', 'nobody', 'hears')
    if (value(await store.monitor(LIMIT_MS)).following) return
    await wait(20)
  }
  throw new Error('it does not follow')
}

/** The first takes writes, the second follows, with 40 keys. */
async function pair(name: string, ...extra: string[]) {
  const [active, standby] = [await server(...extra), await server(...extra)]
  const first = storeOf(active, standby, join(directory, `${name}-1`))
  const second = storeOf(standby, active, join(directory, `${name}-2`))
  value(await first.promote(LIMIT_MS))
  value(await second.rejoin(value(await second.compare(LIMIT_MS)), LIMIT_MS))
  for (let key = 0; key < 40; key += 1) await active.admin('SET', `key:${key}`, `value ${key}`)
  await untilFollowing(second, active)
  return { active, standby, first, second }
}

const APPEND_ONLY = ['appendonly yes', 'appendfsync everysec']

describe('a standby with an append-only file', () => {
  test('that is started again holds nothing of its own, and is linked without an archive', async () => {
    const { active, standby, second } = await pair('restart', ...APPEND_ONLY)
    await standby.kill()
    await active.admin('SET', 'meanwhile', 'yes')
    await standby.start()
    expect(value(await second.compare(LIMIT_MS))).toEqual({
      verdict: 'same',
      ours: 0,
      sentence: expect.stringContaining('started again and forgot its history'),
    })
    // Also to an agent that was started again with it.
    const fresh = storeOf(standby, active, join(directory, 'restart-2'))
    const comparison = value(await fresh.compare(LIMIT_MS))
    expect(comparison.verdict).toBe('same')
    expect(value(await fresh.rejoin(comparison, LIMIT_MS))).toBe('copied')
    await untilFollowing(fresh, active)
    expect(await standby.admin('GET', 'meanwhile')).toBe('yes')
  }, 60_000)

  test('that took writes before it was started again may hold something', async () => {
    const { active, standby, first, second } = await pair('promoted', ...APPEND_ONLY)
    value(await first.demote(LIMIT_MS))
    value(await second.promote(LIMIT_MS))
    await standby.admin('SET', 'alone', 'yes')
    await standby.kill()
    await standby.start()
    value(await first.promote(LIMIT_MS))
    expect(value(await second.compare(LIMIT_MS)).verdict).toBe('unknown')
    await active.admin('SET', 'other', 'way')
  }, 60_000)

  test('whose peer was promoted anew since may hold something', async () => {
    const { standby, first, second } = await pair('again', ...APPEND_ONLY)
    await standby.kill()
    value(await first.demote(LIMIT_MS))
    value(await first.promote(LIMIT_MS))
    await standby.start()
    expect(value(await second.compare(LIMIT_MS)).verdict).toBe('unknown')
  }, 60_000)
})

describe('a copy', () => {
  test('replaces what is wrong although the histories agree, and sets it aside first', async () => {
    const { active, standby, second } = await pair('copy')
    await standby.admin('CONFIG', 'SET', 'replica-read-only', 'no')
    await standby.admin('SET', 'key:7', 'tampered')
    await standby.admin('DEL', 'key:8')
    await standby.admin('CONFIG', 'SET', 'replica-read-only', 'yes')
    expect(value(await second.compare(LIMIT_MS)).verdict).toBe('same')
    const told: string[] = []
    const request: CopyRequest = {
      directory: join(directory, 'archive'),
      whenStill: (work) => work(),
      tell: (progress) => told.push(progress),
    }
    const writer = standby.client()
    let accepted = 0
    const writing = setInterval(() => {
      writer.set('sneaked', 'in').then(
        () => {
          accepted += 1
        },
        () => undefined,
      )
    }, 1)
    const beat = setInterval(() => void active.admin('PUBLISH', 'nobody', 'hears'), 20)
    const archive = value(await second.copy(request, COPY_MS))
    clearInterval(writing)
    clearInterval(beat)
    expect(told).toEqual([
      expect.stringMatching(/^Set aside 39 keys of redis; \d+ bytes the peer lacks\.$/),
      'the peer sends everything',
    ])
    expect(archive.paths.every((path) => existsSync(path))).toBe(true)
    await untilFollowing(second, active)
    expect([
      await standby.admin('GET', 'key:7'),
      await standby.admin('GET', 'key:8'),
      await standby.admin('EXISTS', 'sneaked'),
      accepted,
    ]).toEqual(['value 7', 'value 8', 0, 0])
    writer.disconnect()
  }, 60_000)

  test('that the role does not allow any more changes nothing', async () => {
    const { standby, second } = await pair('role')
    const history = await standby.info('master_replid')
    const request: CopyRequest = {
      directory: join(directory, 'role-archive'),
      whenStill: async () => null,
      tell: () => undefined,
    }
    expect(await second.copy(request, COPY_MS)).toMatchObject({
      ok: false,
      fault: { message: expect.stringContaining('the role changed') },
    })
    expect(await standby.info('master_replid')).toBe(history)
    expect(readdirSync(join(directory, 'role-archive'))).toHaveLength(1)
  }, 60_000)
})
