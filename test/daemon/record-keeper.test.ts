/**
 * Goal: what happened around a change of the role ends up in a file, so many of them and no more, and a disk
 * that does not take it is said and costs nothing else. Method: a keeper over a real ring and real directories.
 */
import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import type { Transition } from '../../src/control/snapshot.ts'
import { initialState } from '../../src/core/state.ts'
import { RECORDS, RECORDS_KEPT, RecordKeeper } from '../../src/daemon/record-keeper.ts'
import { unpackRecords } from '../../src/record/file.ts'
import { Recorder, type Slice } from '../../src/record/recorder.ts'
import { OUR_BOOT, POLICY } from '../helpers/snapshot-case.ts'

const STATE = initialState(OUR_BOOT, { term: 0, sole: false }, 3)
const FACTS = {
  node: 'sp1',
  boot: OUR_BOOT,
  program: '1.2.3',
  policy: POLICY,
  paths: ['crosslink'],
  pingNodes: ['192.0.2.1'],
  floatingIps: ['192.0.2.9'],
  stores: [],
} as const
const CHANGE: Transition = {
  atMs: 1_000,
  from: 'standby',
  to: 'active',
  opened: true,
  term: 3,
  reason: 'takeover-done',
  peerSilentMs: 200,
}

let stateDir: string
let lines: string[]
beforeEach(async () => {
  stateDir = await mkdtemp(join(tmpdir(), 'tandem-records-'))
  lines = []
})
afterEach(() => rm(stateDir, { recursive: true, force: true }))

function keeper(slice?: () => Promise<Slice | null>): RecordKeeper {
  const recorder = new Recorder(() => 2_000, 4096)
  for (let nowMs = 900; nowMs < 1_100; nowMs += 20) {
    recorder.stepped(STATE, { type: 'tick', nowMs }, STATE)
  }
  return new RecordKeeper({
    stateDir,
    facts: FACTS,
    ring: recorder.ring.buffer,
    slice: slice ?? (async (fromMs) => recorder.slice(fromMs)),
    now: () => 2_000,
    wallOffsetMs: () => Date.UTC(2026, 10, 29, 3, 12, 4),
    log: (severity, event, text) => lines.push(`${severity} ${event}: ${text}`),
  })
}

async function names(): Promise<string[]> {
  return (await readdir(join(stateDir, RECORDS))).sort()
}

describe('the keeper of records', () => {
  test('keeps what came with a change of the role, before the agent ends', async () => {
    const records = keeper()
    records.noteTransition(CHANGE)
    await records.flush()
    expect(await names()).toEqual(['20261129T031205Z.record'])
    expect(lines).toEqual([
      'info record: what happened is kept: tandem record show 20261129T031205Z',
    ])
    const bytes = await readFile(join(stateDir, RECORDS, '20261129T031205Z.record'))
    const [record] = (await unpackRecords(bytes)) as Exclude<
      Awaited<ReturnType<typeof unpackRecords>>,
      string
    >
    expect(record?.header).toMatchObject({
      ...FACTS,
      pivotMs: 1_000,
      summary: { what: 'took over' },
      changes: [{ atMs: 1_000, from: 'standby', to: 'active', opened: true, term: 3 }],
    })
    await records.flush()
    expect(await names()).toHaveLength(1)
  })

  test('gives records of one second different names', async () => {
    const records = keeper()
    const first = await records.keep()
    const second = await records.keep()
    expect([first, second]).toMatchObject([
      { ok: true, id: '20261129T031206Z' },
      { ok: true, id: '20261129T031206Z-2' },
    ])
  })

  test('drops the oldest when there are too many', async () => {
    await mkdir(join(stateDir, RECORDS))
    for (let number = 0; number < RECORDS_KEPT; number += 1) {
      const name = `20250101T0000${String(number).padStart(2, '0')}Z.record`
      await writeFile(join(stateDir, RECORDS, name), 'old')
    }
    await keeper().keep()
    const left = await names()
    expect(left).toHaveLength(RECORDS_KEPT)
    expect(left[0]).toBe('20250101T000001Z.record')
    expect(left.at(-1)).toBe('20261129T031206Z.record')
  })

  test('says what could not be kept, and that it can again', async () => {
    await writeFile(join(stateDir, RECORDS), 'in the way')
    const records = keeper()
    expect(await records.keep()).toMatchObject({ ok: false })
    expect(records.trouble).toMatch(/EEXIST/)
    expect(lines[0]).toMatch(/^error record: what happened could not be kept: EEXIST/)
    await rm(join(stateDir, RECORDS))
    expect(await records.keep()).toMatchObject({ ok: true })
    expect(records.trouble).toBeNull()
  })

  test('says that a heart which does not answer has no record', async () => {
    const records = keeper(() =>
      Promise.reject(new Error('the heart of the agent does not answer')),
    )
    records.noteTransition(CHANGE)
    await records.flush()
    expect(records.trouble).toBe('the heart of the agent does not answer')
  })
})
