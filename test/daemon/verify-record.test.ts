/** Goal: what was found and where to go on survive, and nothing that is torn or old is gone by. */
import { mkdtempSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { reasonIn } from '../../src/daemon/verify-process.ts'
import { finishedResult, VerifyRecord, verifySentence } from '../../src/daemon/verify-record.ts'
import { addDifference, addNote, emptyTally, LISTED_MAX } from '../../src/resources/verify-tally.ts'

const NOW_MS = Date.parse('2026-11-21T12:00:00.000Z')
const PLACE = {
  startedIso: '2026-11-21T11:00:00.000Z',
  writtenIso: '2026-11-21T11:30:00.000Z',
  spentMs: 1_800_000,
  at: { place: 'app.t', upTo: ['17'] },
  tally: emptyTally(),
}
const RESULT = finishedResult({ name: 'mariadb', kind: 'mariadb' }, emptyTally(), {
  ...{ startedIso: PLACE.startedIso, finishedIso: PLACE.writtenIso, durationMs: 1_800_000 },
})

let directory = ''
let record: VerifyRecord
beforeEach(async () => {
  directory = mkdtempSync(join(tmpdir(), 'tandem-record-'))
  record = new VerifyRecord(directory, 'mariadb')
  expect(await record.prepare()).toBe(null)
})
afterEach(() => rmSync(directory, { recursive: true }))

const pathOf = (what: string): string => join(directory, 'verify', `mariadb.${what}.json`)

describe('a comparison', () => {
  it('that was stopped goes on where it was, for a day', async () => {
    expect(await record.unfinished(NOW_MS)).toBe(null)
    expect(await record.keepUnfinished(PLACE)).toBe(null)
    expect(await record.unfinished(NOW_MS)).toEqual({ schema: 1, ...PLACE })
    expect(await record.unfinished(NOW_MS + 86_400_000)).toBe(null)
    expect(await record.unfinished(NOW_MS - 3_600_000)).toBe(null)
  })

  it('that is done leaves its result, for its owner alone, and no place', async () => {
    await record.keepUnfinished(PLACE)
    expect(await record.keepResult(RESULT)).toBe(null)
    expect(await record.result()).toEqual(RESULT)
    expect(await record.unfinished(NOW_MS)).toBe(null)
    expect(statSync(pathOf('result')).mode & 0o777).toBe(0o600)
  })

  it('whose files are torn, of another kind or of a later version is none', async () => {
    for (const text of ['', '{"schema":1', '[]', 'null', '{"schema":2}', '{"schema":1,"at":{}}']) {
      writeFileSync(pathOf('result'), text)
      writeFileSync(pathOf('place'), text)
      expect([text, await record.result(), await record.unfinished(NOW_MS)]).toEqual([
        text,
        null,
        null,
      ])
    }
  })

  it('whose directory cannot be made says so', async () => {
    writeFileSync(join(directory, 'file'), '')
    const trouble = await new VerifyRecord(join(directory, 'file'), 'mariadb').prepare()
    expect(trouble).toMatch(/^cannot make .*file\/verify: ENOTDIR$/)
  })
})

describe('a tally', () => {
  it('counts every difference and lists the first', () => {
    const tally = emptyTally()
    for (let number = 0; number < LISTED_MAX + 3; number += 1) {
      addDifference(tally, { place: 'app.t', key: `id=${number}`, onlyOn: null })
    }
    addNote(tally, 'once')
    addNote(tally, 'once')
    expect([tally.differences, tally.listed.length, tally.notes]).toEqual([
      ...[LISTED_MAX + 3, LISTED_MAX, ['once']],
    ])
  })

  it('is told in one sentence', () => {
    const of = (kind: 'redis' | 'mariadb', compared: number, places: number, differences: number) =>
      verifySentence({ ...emptyTally(), kind, compared, places, differences })
    expect(of('mariadb', 1_000_002, 3, 2)).toBe('1 000 002 rows in 3 tables: 2 differences')
    expect(of('redis', 1, 1, 0)).toBe('1 key in 1 database: the same on both nodes')
  })
})

it('why a run failed is read from its document', () => {
  expect(reasonIn(['{', '"message": "nobody listens there"', '}'])).toBe('nobody listens there')
  expect(reasonIn(['tandem: a mistake'])).toBe(null)
})
