// What takeovers may have lost, on disk: kept beside the changes of the role, the later line stands.
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'
import type { LossRecord } from '../../src/control/schema.ts'
import { History } from '../../src/daemon/history.ts'

let directory = ''
beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'tandem-losses-'))
})
afterEach(() => rmSync(directory, { recursive: true, force: true }))

const file = (): string => join(directory, 'history.jsonl')

function loss(changes: Partial<LossRecord> = {}): LossRecord {
  return {
    atIso: '2026-11-21T12:00:00.000Z',
    by: 'sp2',
    store: 'redis',
    kind: 'redis',
    term: 8,
    most: 41_000,
    overMs: 820,
    confirmedSafe: false,
    settled: false,
    exact: null,
    sentence: 'at most 41 kB',
    ...changes,
  }
}
const found = loss({
  ...{ atIso: '2026-11-21T12:09:00.000Z', overMs: null },
  ...{ settled: true, exact: 1_200, sentence: 'exactly 1.2 kB' },
})
const settled = { ...found, atIso: '2026-11-21T12:00:00.000Z', overMs: 820 }

test('the exact figure joins the bound, with the moment of the takeover, also for the next agent', async () => {
  const history = await History.open(directory)
  history.addLoss(loss())
  expect(history.openLosses).toEqual([loss()])
  expect(history.addLoss(found)).toEqual(settled)
  await history.flush()
  expect(readFileSync(file(), 'utf8').trimEnd().split('\n').length).toBe(2)
  const next = await History.open(directory)
  for (const kept of [history, next]) {
    expect([kept.newestLosses(9), kept.openLosses, kept.last]).toEqual([[settled], [], null])
  }
})

test('only the newest of a store is open', async () => {
  const history = await History.open(directory)
  history.addLoss(loss())
  history.addLoss(loss({ store: 'mariadb', kind: 'mariadb' }))
  history.addLoss(loss({ term: 10, settled: true }))
  expect(history.openLosses.map(({ store }) => store)).toEqual(['mariadb'])
  expect(history.newestLosses(2).map(({ term }) => term)).toEqual([10, 8])
})

test('lines that are no loss, or a broken one, are passed over', async () => {
  const broken = [
    { loss: null },
    { loss: {} },
    { loss: { ...loss(), most: 'much' } },
    { loss: loss() },
  ]
  writeFileSync(file(), `${broken.map((line) => JSON.stringify(line)).join('\n')}\nnull\n{"lo`)
  expect((await History.open(directory)).newestLosses(9)).toEqual([loss()])
})

test('survives the dropping of the older half of the changes', async () => {
  const history = await History.open(directory)
  history.addLoss(loss())
  for (let term = 0; term < 2_001; term += 1) {
    history.add({
      ...{ atIso: '2026-11-21T12:00:00.000Z', from: 'elect', to: 'active', term, outageMs: null },
      reason: { code: 'elected', sentence: 'elected' },
    })
  }
  await history.flush()
  const next = await History.open(directory)
  expect(next.newestLosses(9)).toEqual([loss()])
  expect(next.newest(1).map(({ term }) => term)).toEqual([2_000])
})
