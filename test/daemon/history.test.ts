// Changes of the role on disk: order, bound, and what a damaged or missing file costs.
import { mkdirSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'
import type { TransitionRecord } from '../../src/control/schema.ts'
import { History } from '../../src/daemon/history.ts'

let directory = ''
beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'tandem-history-'))
})
afterEach(() => rmSync(directory, { recursive: true, force: true }))

const file = (): string => join(directory, 'history.jsonl')
const lines = (): string[] => readFileSync(file(), 'utf8').split('\n').slice(0, -1)
const terms = (records: readonly TransitionRecord[]): number[] => records.map(({ term }) => term)

function record(term: number): TransitionRecord {
  return {
    atIso: '2026-11-21T12:00:00.000Z',
    from: 'elect',
    to: 'active',
    term,
    reason: { code: 'elected', sentence: 'elected: the peer granted the lease' },
    outageMs: null,
  }
}

test('what is added is on disk after a flush, one line each, and found by the next agent', async () => {
  const history = await History.open(directory)
  expect([history.last, history.newest(10)]).toEqual([null, []])
  for (const term of [1, 3, 5]) history.add(record(term))
  expect(terms(history.newest(2))).toEqual([5, 3])
  await history.flush()
  expect(lines()).toEqual([1, 3, 5].map((term) => JSON.stringify(record(term))))
  expect(statSync(file()).mode & 0o777).toBe(0o600)
  const next = await History.open(directory)
  expect([next.last, terms(next.newest(10))]).toEqual([record(5), [5, 3, 1]])
})

test('lines that cannot be read are passed over', async () => {
  const [one, two] = [JSON.stringify(record(1)), JSON.stringify(record(3))]
  writeFileSync(file(), `${one}\n{"atIso": "20\n\n\0\0\0\n${two}\n`)
  expect(terms((await History.open(directory)).newest(10))).toEqual([3, 1])
})

test('a last line that was cut short takes none of the next with it', async () => {
  writeFileSync(file(), `${JSON.stringify(record(1))}\n{"atIso":"2026-`)
  const history = await History.open(directory)
  for (const term of [3, 5]) history.add(record(term))
  await history.flush()
  expect(terms((await History.open(directory)).newest(10))).toEqual([5, 3, 1])
})

test('at 2000 the older half is dropped, in memory and on disk', async () => {
  const all = Array.from({ length: 2_000 }, (_, index) => `${JSON.stringify(record(index))}\n`)
  writeFileSync(file(), all.join(''))
  const history = await History.open(directory)
  expect(history.newest(10_000).length).toBe(2_000)
  history.add(record(2_000))
  history.add(record(2_001))
  await history.flush()
  expect(history.newest(10_000).length).toBe(1_001)
  expect(terms(history.newest(2))).toEqual([2_001, 2_000])
  const kept = lines()
  expect(kept.length).toBe(1_001)
  expect([kept[0], kept.at(-1)]).toEqual([1_001, 2_001].map((term) => JSON.stringify(record(term))))
})

test('a file that is longer than the limit is read from its end', async () => {
  const all = Array.from({ length: 2_500 }, (_, index) => `${JSON.stringify(record(index))}\n`)
  writeFileSync(file(), all.join(''))
  const found = terms((await History.open(directory)).newest(10_000))
  expect([found.length, found[0], found.at(-1)]).toEqual([2_000, 2_499, 500])
})

test('a disk that takes nothing costs the history on disk and nothing else', async () => {
  mkdirSync(file())
  const history = await History.open(directory)
  history.add(record(1))
  await history.flush()
  expect(history.last).toEqual(record(1))
})

test('lines that are JSON but no record are passed over like torn ones', async () => {
  const strange = [
    'null',
    '7',
    '{"a":1}',
    '{"atIso":"x","from":"a","to":"b","term":"1","reason":null}',
  ]
  const { outageMs: _, ...cut } = record(3)
  writeFileSync(file(), [...strange, JSON.stringify(cut), JSON.stringify(record(5)), ''].join('\n'))
  const history = await History.open(directory)
  expect(history.newest(10)).toEqual([record(5)])
})

test('what was done in a takeover stands with it, also for the next agent', async () => {
  const history = await History.open(directory)
  const step = (afterMs: number) => ({ afterMs, sentence: `step ${afterMs}` })
  history.addStep(7, step(1))
  history.add({ ...record(7), from: 'take' })
  for (const afterMs of [2, 41.5]) history.addStep(7, step(afterMs))
  history.add({ ...record(7), from: 'active', to: 'demoting' })
  history.addStep(7, step(99))
  await history.flush()
  const steps = [2, 41.5, 99].map(step)
  expect(history.newest(10).map((found) => found.steps)).toEqual([undefined, steps])
  writeFileSync(
    file(),
    `${readFileSync(file(), 'utf8')}{"step":{"term":7,"afterMs":"x"}}\n{"step":1}\n`,
  )
  const next = await History.open(directory)
  expect(next.newest(10).map((found) => found.steps)).toEqual([undefined, steps])
})

test('of one takeover sixty steps are kept', async () => {
  const history = await History.open(directory)
  history.add(record(7))
  for (let afterMs = 0; afterMs < 100; afterMs += 1) history.addStep(7, { afterMs, sentence: 's' })
  await history.flush()
  expect([history.last?.steps?.length, lines().length]).toEqual([60, 61])
})
