/**
 * Goal: `tandem verify` says what it found with the right exit code, keeps its place, and refuses in one
 * line. Method: files of a real configuration and a comparison that does as it is told.
 */
import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { resultText, VerifyTeller } from '../../src/cli/verify-text.ts'
import { finishedResult } from '../../src/daemon/verify-record.ts'
import {
  addDifference,
  emptyTally,
  type VerifyEnd,
  type VerifyRequest,
  type VerifyTally,
} from '../../src/resources/verify-tally.ts'
import { capturedIo } from '../fixtures/captured-io.ts'
import { VerifyCase } from '../helpers/verify-case.ts'

let verify: VerifyCase
beforeEach(() => {
  const account = { user: 'verify', password: 'secret' }
  verify = new VerifyCase({ kind: 'mariadb', port: 1, peerPort: 2, ...account })
})
afterEach(() => verify.remove())

const NOON = new Date('2026-11-21T12:00:00.000Z')
const tallyOf = (changes: Partial<VerifyTally> = {}): VerifyTally => ({
  ...emptyTally(),
  ...{ compared: 1_000_002, places: 3 },
  ...changes,
})

/** Doors to a comparison that is this function. */
const comparing = (run: (request: VerifyRequest) => Promise<VerifyEnd>) => ({
  now: () => NOON,
  open: async () => ({ ok: true as const, verifier: { run, close: () => {} } }),
})
const ending = (end: VerifyEnd) => comparing(async () => end)

const differing = (): VerifyTally => {
  const tally = tallyOf()
  addDifference(tally, { place: 'app.big', key: 'id=17', onlyOn: null })
  addDifference(tally, { place: 'app.big', key: 'name=a\u001b[2J', onlyOn: 'sp2' })
  return tally
}

describe('tandem verify', () => {
  test('ends with 0 where both nodes hold the same, and status finds it', async () => {
    const ran = await verify.run(['mysql'], ending({ type: 'done', tally: tallyOf() }))
    expect(ran.exitCode).toBe(0)
    expect(ran.out).toMatch(
      /^mariadb: 1 000 002 rows in 3 tables: the same on both nodes \([\d.]+ m?s, 2026-11-21T12:00:00\.000Z\)\n$/,
    )
    const last = await verify.run(['mariadb', '--last'])
    expect([last.exitCode, last.out]).toEqual([0, ran.out])
  })

  test('ends with 5 and names what differs, and nothing odd reaches the terminal', async () => {
    const { exitCode, out } = await verify.run(
      ['mariadb'],
      ending({ type: 'done', tally: differing() }),
    )
    expect(exitCode).toBe(5)
    expect(out.split('\n').slice(1)).toEqual([
      '  app.big id=17: differs',
      '  app.big name=a?[2J: only on sp2',
      '  mend: on the standby, tandem data rejoin mariadb --copy copies everything anew',
      '',
    ])
    const last = await verify.run(['mariadb', '--last', '--json'])
    expect(JSON.parse(last.out)).toMatchObject({ schema: 1, differences: 2, store: 'mariadb' })
  })

  test('keeps its place when it is stopped, and goes on there unless told otherwise', async () => {
    const at = { place: 'app.big', upTo: ['17'] }
    const stoppable = comparing(async ({ step, stopped, pause }) => {
      step({ ratio: 0.5, place: 'app.big', tally: tallyOf() }, at)
      setImmediate(() => verify.stop())
      await pause(60_000)
      return stopped() ? { type: 'stopped' } : { type: 'done', tally: tallyOf() }
    })
    expect(await verify.run(['mariadb'], stoppable)).toEqual({
      exitCode: 6,
      out: ' 50 %  app.big  1000002 compared, no difference\n',
      err: 'tandem verify: stopped\n  mend: tandem verify mariadb goes on there; --restart begins anew\n',
    })
    const given: unknown[] = []
    const noting = comparing(async ({ from }) => {
      given.push(from?.at ?? null, from?.tally.compared ?? null)
      return { type: 'stopped' }
    })
    const goneOn = await verify.run(['mariadb'], noting)
    expect(goneOn.out).toBe('goes on with the run of 2026-11-21T12:00:00.000Z\n')
    await verify.run(['mariadb', '--restart'], noting)
    expect(given).toEqual([at, 1_000_002, null, null])
    const place = join(verify.directory, 'verify/mariadb.place.json')
    expect(existsSync(place) ? readFileSync(place, 'utf8') : '').toBe('')
  })

  test('refuses with 3 before it began and fails with 6 after, with the mend', async () => {
    const fault = {
      code: 'HA_STORE_FORBIDDEN' as const,
      message: 'v at 127.0.0.1:1: wrong password',
    }
    const refused = await verify.run(['mariadb'], ending({ type: 'failed', fault, begun: false }))
    expect(refused).toEqual({
      exitCode: 3,
      out: '',
      err:
        'tandem verify: mariadb: v at 127.0.0.1:1: wrong password\n' +
        '  mend: "tandem doctor" names what the account lacks, "tandem setup mariadb" prints it\n',
    })
    const broke = { code: 'HA_STORE_UNREACHABLE' as const, message: 'the connection broke' }
    const failed = await verify.run(
      ['mariadb', '--json'],
      ending({ type: 'failed', fault: broke, begun: true }),
    )
    expect([failed.exitCode, JSON.parse(failed.out)]).toEqual([
      6,
      {
        schema: 1,
        message: 'mariadb: the connection broke',
        mend: 'tandem verify mariadb, when that is over, goes on where it was',
      },
    ])
  })

  test('knows which stores there are, and that somebody else compares one', async () => {
    const unknown = await verify.run(['redis'])
    expect([unknown.exitCode, unknown.err]).toEqual([
      1,
      'tandem verify: no store is called redis\n  mend: configured are: mariadb\n',
    ])
    const busy = await verify.run(['mariadb'], { lockFile: () => false })
    expect([busy.exitCode, busy.err.split('\n')[0]]).toEqual([
      3,
      'tandem verify: mariadb is being compared by somebody else',
    ])
    const never = await verify.run(['mariadb', '--last'])
    expect(never.exitCode).toBe(3)
  })

  test('says in one line that nobody listens, without the password', async () => {
    const { exitCode, out, err } = await verify.run(['mariadb'])
    expect([exitCode, out]).toEqual([3, ''])
    expect(err.split('\n')[0]).toBe(
      'tandem verify: mariadb: verify at 127.0.0.1:1: nobody listens there',
    )
    expect(err).not.toContain('secret')
  })
})

describe('how far it is', () => {
  const progress = (ratio: number) => ({
    ratio,
    place: 'app.big',
    tally: tallyOf({ compared: 420 }),
  })

  test('is one line that is drawn again on a terminal, five times a second, and gone at the end', () => {
    const io = capturedIo({ isTty: true })
    let nowMs = 0
    const teller = new VerifyTeller(io, () => nowMs)
    teller.step(progress(0.25))
    nowMs = 199
    teller.step(progress(0.3))
    nowMs = 200
    teller.step(progress(1))
    teller.end()
    expect(io.out.split('\r').slice(1)).toEqual([
      `\u001b[K[${'='.repeat(6)}${' '.repeat(18)}]  25 %  app.big  420 compared, no difference`,
      `\u001b[K[${'='.repeat(24)}] 100 %  app.big  420 compared, no difference`,
      '\u001b[K',
    ])
  })

  test('is a line for every tenth elsewhere', () => {
    const io = capturedIo()
    const teller = new VerifyTeller(io)
    for (const ratio of [0.01, 0.1, 0.15, 0.31, 0.32]) teller.step(progress(ratio))
    teller.end()
    expect(io.out.split('\n').map((line) => line.slice(0, 5))).toEqual([' 10 %', ' 31 %', ''])
  })
})

test('what was not listed is counted, and what could not be compared is said', () => {
  const tally = tallyOf({ differences: 70, unsettled: 3, notes: ['app.x has no primary key'] })
  for (let id = 0; id < 60; id += 1)
    tally.listed.push({ place: 'app.t', key: `id=${id}`, onlyOn: null })
  const times = { startedIso: '', finishedIso: NOON.toISOString(), durationMs: 41_000 }
  const text = resultText(finishedResult({ name: 'redis', kind: 'redis' }, tally, times))
  expect(text.split('\n').slice(50)).toEqual([
    '  app.t id=49: differs',
    '  and 20 more; --json lists up to 60',
    '  3 changed too often to be compared; verify again when it is quieter',
    '  mend: on the standby, tandem data rejoin redis --copy copies everything anew',
    '  note: app.x has no primary key',
    '',
  ])
})
