/**
 * Goal: archives do not fill the disk, and none goes that should stay or goes unsaid. Method: a pretend
 * store that writes real directories.
 */
import { existsSync, mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { basename, join } from 'node:path'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { ArchiveKeeper } from '../../src/daemon/archive-keeper.ts'
import { type ArchiveEntry, listArchives, surplusOf } from '../../src/daemon/archive-list.ts'
import type { StoreComparison } from '../../src/resources/replicated-store.ts'
import { AHEAD, FAULT, PretendStore } from '../helpers/pretend-store.ts'

const UNKNOWN: StoreComparison = { verdict: 'unknown', ours: null, sentence: 'cannot be told' }

let root: string
let made: number
let store: PretendStore
let told: string[]
let keeper: ArchiveKeeper

beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), 'tandem-archives-'))
  made = 0
  told = []
  store = new PretendStore('redis')
  store.archive = async (parent) => {
    made += 1
    const directory = join(parent, `redis-${made}`)
    mkdirSync(join(directory, 'log'), { recursive: true })
    writeFileSync(join(directory, 'dump.rdb'), 'x'.repeat(100))
    writeFileSync(join(directory, 'log', 'part'), 'x'.repeat(20))
    const paths = [join(directory, 'dump.rdb'), join(directory, 'log', 'part')]
    return { ok: true, value: { paths, count: null, sentence: `${made} set aside` }, durationMs: 1 }
  }
  keeper = new ArchiveKeeper({
    root,
    kept: () => 3,
    nowIso: () => `2026-11-21T00:00:${String(made).padStart(2, '0')}.000Z`,
    told: (severity, text) => told.push(`${severity} ${text.replaceAll(root, 'ROOT')}`),
  })
})

afterEach(() => rmSync(root, { recursive: true, force: true }))

const names = async (): Promise<string[]> =>
  (await listArchives(root, 'redis')).map(({ directory }) => basename(directory))

describe('an archive', () => {
  test('is listed with when, why, how much and how large', async () => {
    await keeper.setAside(store, AHEAD, 1000)
    expect(await listArchives(root, 'redis')).toEqual([
      {
        directory: join(root, 'redis', 'redis-1'),
        atIso: '2026-11-21T00:00:01.000Z',
        verdict: 'ahead',
        count: 3,
        sentence: '1 set aside',
        // With the page itself.
        bytes: 120 + 90,
      },
    ])
  })

  test('without its page, or with one that makes no sense, is listed all the same', async () => {
    mkdirSync(join(root, 'redis', 'by-hand'), { recursive: true })
    mkdirSync(join(root, 'redis', 'garbled'))
    writeFileSync(join(root, 'redis', 'garbled', 'archive.json'), '{"atIso": 7')
    mkdirSync(join(root, 'redis', 'half.partial'))
    writeFileSync(join(root, 'redis', 'a-file'), '')
    const found = await listArchives(root, 'redis')
    expect(found.map(({ directory, verdict }) => [basename(directory), verdict]).sort()).toEqual([
      ['by-hand', null],
      ['garbled', null],
    ])
    expect(await listArchives(root, 'nothing')).toEqual([])
  })

  test('that could not be made removes none and leaves no page', async () => {
    for (let turn = 0; turn < 3; turn += 1) await keeper.setAside(store, AHEAD, 1000)
    store.archive = async () => ({ ok: false, fault: FAULT, durationMs: 1 })
    expect(await keeper.setAside(store, AHEAD, 1000)).toMatchObject({ ok: false, fault: FAULT })
    expect([await names(), told]).toEqual([['redis-3', 'redis-2', 'redis-1'], []])
  })

  test('that is one too many goes, the oldest first, and it is said', async () => {
    for (let turn = 0; turn < 4; turn += 1) await keeper.setAside(store, AHEAD, 1000)
    expect(await names()).toEqual(['redis-4', 'redis-3', 'redis-2'])
    expect(told).toEqual([
      'warning ROOT/redis/redis-1 was removed: redis keeps 3 archives (archives_kept); it was of 2026-11-21T00:00:01.000Z: 1 set aside',
    ])
  })

  test('with what is known to be nowhere else outlives those of which nothing is known', async () => {
    await keeper.setAside(store, AHEAD, 1000)
    for (let turn = 0; turn < 6; turn += 1) await keeper.setAside(store, UNKNOWN, 1000)
    expect(await names()).toEqual(['redis-7', 'redis-6', 'redis-1'])
  })

  test('that was never finished is removed and said', async () => {
    mkdirSync(join(root, 'redis', 'redis-0.partial'), { recursive: true })
    await keeper.setAside(store, AHEAD, 1000)
    expect(readdirSync(join(root, 'redis'))).toEqual(['redis-1'])
    expect(told).toEqual(['warning ROOT/redis/redis-0.partial was never finished and is removed'])
  })

  test('elsewhere than below its store gets no page', async () => {
    const elsewhere = join(root, 'elsewhere')
    mkdirSync(elsewhere)
    const value = { paths: [join(elsewhere, 'dump.rdb')], count: 1, sentence: 's' }
    await keeper.around('redis', AHEAD, async () => ({ ok: true, value, durationMs: 1 }))
    expect(existsSync(join(elsewhere, 'archive.json'))).toBe(false)
  })
})

test('the newest never goes', () => {
  const entry = (atIso: string, verdict: ArchiveEntry['verdict']): ArchiveEntry => ({
    ...{ directory: `/a/${atIso}`, atIso, verdict, count: null, sentence: null, bytes: 1 },
  })
  const entries = [entry('3', 'unknown'), entry('2', 'ahead'), entry('1', 'ahead')]
  expect(surplusOf(entries, 0).map(({ atIso }) => atIso)).toEqual(['1', '2'])
  expect(surplusOf(entries, 2).map(({ atIso }) => atIso)).toEqual(['1'])
  expect(surplusOf(entries, 3)).toEqual([])
  expect(surplusOf([], 1)).toEqual([])
})
