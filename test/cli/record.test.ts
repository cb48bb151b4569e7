/**
 * Goal: an operator finds, reads, exports and replays records, and is told in one line what cannot be. Method:
 * records of the simulator in a state directory, the commands as they are typed.
 */
import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { RunOnPeer } from '../../src/cli/peer-shell.ts'
import { run as record } from '../../src/cli/record.ts'
import { run as replay } from '../../src/cli/replay.ts'
import { type FlightRecord, packRecord } from '../../src/record/file.ts'
import { offsetOf } from '../../src/record/offset.ts'
import { capturedIo } from '../fixtures/captured-io.ts'
import { pretendPorts, startPretendAgent } from '../fixtures/control-agent.ts'
import { recordSchedule } from '../helpers/recorded-schedule.ts'

let stateDir: string
let records: FlightRecord[]

beforeAll(async () => {
  stateDir = await mkdtemp(join(tmpdir(), 'tandem-record-'))
  await mkdir(join(stateDir, 'records'))
  const lives = recordSchedule(4, { virtualMs: 8_000, profile: 'fast' })
  records = ['sp1', 'sp2'].map((node) => {
    const longest = lives
      .filter((life) => life.record.header.node === node)
      .sort((a, b) => b.steps - a.steps)[0]
    if (longest === undefined) throw new Error(`${node} did not live`)
    return longest.record
  })
  await keep('20260101T000000Z', records[0])
  await writeFile(join(stateDir, 'sp2.record'), await packRecord(records[1] as FlightRecord))
})
afterAll(() => rm(stateDir, { recursive: true, force: true }))

async function keep(id: string, one: FlightRecord | undefined): Promise<string> {
  const file = join(stateDir, 'records', `${id}.record`)
  await writeFile(file, await packRecord(one as FlightRecord))
  return file
}

async function typed(command: typeof record, ...args: string[]) {
  const io = capturedIo({ env: { TANDEM_STATE: stateDir } })
  return { code: await command(args, io), out: io.out, err: io.err }
}

describe('record', () => {
  test('list shows what is kept', async () => {
    const { code, out } = await typed(record, 'list')
    expect(code).toBe(0)
    const [titles, first, ...rest] = out.trimEnd().split('\n')
    expect(titles).toMatch(/^ID +TIME +NODE +WHAT +OUTAGE +WHY$/)
    expect(first).toMatch(/^20260101T000000Z {2}2026-01-01T00:00:0.\.\d{3}Z {2}sp1 /)
    expect(rest).toEqual([])
  })

  test('show tells the last one, and both together', async () => {
    const one = await typed(record, 'show')
    expect(one.code).toBe(0)
    expect(one.out).toMatch(/^sp1 /)
    expect(one.out).toContain('\nTIME ')
    const both = await typed(record, 'show', 'last', join(stateDir, 'sp2.record'))
    expect(both.code).toBe(0)
    expect(both.out).toMatch(/\nTIME +MS +NODE +WHAT\n/)
  })

  test('fetches what the other node recorded, and says it when that does not come', async () => {
    const asked: string[][] = []
    const sent = (await packRecord(records[1] as FlightRecord)).toString('base64')
    const header = records[1]?.header
    if (header === undefined) throw new Error('no record')
    const iso = (ms: number) => new Date(ms + header.wallOffsetMs).toISOString()
    const listed = (id: string, shiftMs: number) => {
      const [fromIso, untilIso] = [iso(header.beginMs + shiftMs), iso(header.endMs + shiftMs)]
      return { id, node: 'sp2', fromIso, untilIso }
    }
    const entries = [
      listed('old', -500_000),
      listed('theirs', 0),
      { ...listed('x', 0), node: 'sp1' },
    ]
    const answering: RunOnPeer = async (host, { words }) => {
      asked.push([host, ...words])
      const stdout = words[1] === 'list' ? `motd\n${JSON.stringify({ records: entries })}` : sent
      return { ok: true, host, stdout }
    }
    const silent: RunOnPeer = async (host) => {
      const message = `${host} did not answer within 10 s`
      return { ok: false, code: 'timeout', host, message, mend: '' }
    }
    const places = [
      '--config',
      join(import.meta.dirname, '../fixtures/config/pro'),
      '--node',
      'sp1',
    ]
    const shown = async (run: RunOnPeer, ...args: string[]) => {
      const io = capturedIo({ env: { TANDEM_STATE: stateDir } })
      const code = await record([...places, ...args], io, { run })
      return { code, out: io.out, err: io.err }
    }
    const both = await shown(answering, 'show', '--peer')
    expect(both.code).toBe(0)
    expect(both.out).toBe((await typed(record, 'show', 'last', join(stateDir, 'sp2.record'))).out)
    expect(both.out).toMatch(/Those of sp2 fit by the heartbeats of both to \d+\.\d ms/)
    expect(asked).toEqual([
      ['192.168.255.252', 'record', 'list', '--json'],
      ['192.168.255.252', 'record', 'export', 'theirs', '--out', '-'],
    ])
    const out = join(stateDir, 'fetched.record')
    expect(await shown(answering, 'export', 'last', '--peer', '--out', out)).toMatchObject({
      code: 0,
      out: `the record of sp1 and sp2 is in ${out}\n`,
    })
    const svg = join(stateDir, 'fetched.svg')
    expect((await shown(answering, 'show', '--peer', '--svg', svg)).code).toBe(0)
    expect(await readFile(svg, 'utf8')).toMatch(/sp1[\s\S]*sp2/)

    const alone = await shown(silent, 'show', '--peer')
    expect([alone.code, alone.out.startsWith((await typed(record, 'show')).out)]).toEqual([0, true])
    expect(alone.out).toContain(
      '\nOf sp1 alone: sp2 does not answer: 192.168.255.252 did not answer within 10 s (',
    )
    const json = JSON.parse((await shown(silent, 'show', '--peer', '--json')).out)
    expect([json.records.length, json.missing]).toEqual([
      1,
      expect.stringContaining('Of sp1 alone'),
    ])
    entries.splice(1, 1)
    expect((await shown(answering, 'show', '--peer')).out).toContain(
      'sp2 has no record of that time',
    )
    expect((await shown(answering, 'list', '--peer')).code).toBe(1)
  })

  test('takes the return of a node whose power was cut, not what it recorded before', async () => {
    const [ours, theirs] = records as [FlightRecord, FlightRecord]
    const { addMs } = offsetOf(ours, theirs)
    const momentMs = ours.header.pivotMs - addMs
    const before = { ...theirs, header: { ...theirs.header, endMs: momentMs - 1 } }
    const returned = {
      ...theirs,
      header: {
        ...theirs.header,
        boot: 'another',
        beginMs: momentMs + 9_000,
        endMs: momentMs + 9_500,
      },
    }
    const oursOffsetMs = ours.header.wallOffsetMs + addMs
    const entries = Object.entries({ before, returned }).map(([id, { header }]) => ({
      ...{ id, node: 'sp2' },
      fromIso: new Date(header.beginMs + oursOffsetMs).toISOString(),
      untilIso: new Date(header.endMs + oursOffsetMs).toISOString(),
    }))
    const packed: Record<string, Buffer> = {
      before: await packRecord(before),
      returned: await packRecord({ ...returned, numbers: new Float64Array(0) }),
    }
    const answering: RunOnPeer = async (host, { words }) => ({
      ...{ ok: true, host },
      stdout:
        words[1] === 'list'
          ? JSON.stringify({ records: entries })
          : (packed[words[2] ?? '']?.toString('base64') ?? ''),
    })
    const io = capturedIo({ env: { TANDEM_STATE: stateDir } })
    const config = join(import.meta.dirname, '../fixtures/config/pro')
    const typedWords = ['--config', config, '--node', 'sp1', 'show', '--peer']
    expect(await record(typedWords, io, { run: answering })).toBe(0)
    expect(io.out).toMatch(
      /^sp2 kept nothing of that moment: its record begins [0-9.]+ s after it/m,
    )
    // The outage is what the one that saw it knows of it.
    const alone = (await typed(record, 'show', '--json')).out
    const told = JSON.parse(alone) as { outages: { ms: number | null }[] }
    const both = capturedIo({ env: { TANDEM_STATE: stateDir } })
    await record([...typedWords, '--json'], both, { run: answering })
    expect((JSON.parse(both.out) as typeof told).outages).toEqual(told.outages)
    // It is not back yet: what it recorded before tells nothing of this.
    entries.pop()
    const early = capturedIo({ env: { TANDEM_STATE: stateDir } })
    expect(await record(typedWords, early, { run: answering })).toBe(0)
    expect(early.out).toContain('Of sp1 alone: sp2 has no record of that time')
  })

  test('export has both in one file, which is read like any other', async () => {
    const out = join(stateDir, 'both.record')
    const files = ['last', join(stateDir, 'sp2.record')]
    const done = await typed(record, 'export', ...files, '--out', out)
    expect([done.code, done.out]).toEqual([0, `the record of sp1 and sp2 is in ${out}\n`])
    expect(JSON.parse((await typed(record, 'show', out, '--json')).out).records).toHaveLength(2)
    expect((await typed(replay, out)).out).toMatch(
      /^sp1: \d+ decisions, the same\nsp2: \d+ decisions, the same\n$/,
    )
  })

  test('show --svg draws', async () => {
    const out = join(stateDir, 'a.svg')
    expect((await typed(record, 'show', '--svg', out)).code).toBe(0)
    expect(await readFile(out, 'utf8')).toMatch(/^<svg /)
  })

  test('now is asked of the agent', async () => {
    const agent = await startPretendAgent(pretendPorts())
    const io = capturedIo({ env: { TANDEM_RUN: agent.runDir } })
    expect(await record(['now'], io)).toBe(0)
    expect(io.out).toBe('kept: tandem record show 20261129T031205Z\n')
    await agent.stop()
    expect(await record(['now'], io)).toBe(2)
  })

  test('now tells why it could not be kept', async () => {
    const keepRecord = async () => ({ ok: false as const, message: 'cannot write: ENOSPC' })
    const agent = await startPretendAgent(pretendPorts({ keepRecord }))
    const io = capturedIo({ env: { TANDEM_RUN: agent.runDir } })
    expect(await record(['now'], io)).toBe(3)
    expect(io.err).toContain('the record could not be kept: cannot write: ENOSPC')
    await agent.stop()
  })

  test.each([
    [['show', '20990101T000000Z'], 3, 'there is no record 20990101T000000Z'],
    [['show', './nowhere.record'], 3, 'cannot read ./nowhere.record: it does not exist'],
    [['show', 'last', 'last'], 3, 'there are 2 records, and two of them are of sp1'],
    [['dance'], 1, "'dance' is none of list, show, export, now"],
    [['list', '--svg', 'x'], 1, '--svg does not belong to list'],
    [['export'], 1, 'missing argument: ID'],
  ])('refuses %j with %i', async (args, code, message) => {
    const refused = await typed(record, ...args)
    expect([refused.code, refused.err]).toEqual([code, expect.stringContaining(message)])
  })

  test('a file that is none is named', async () => {
    const file = join(stateDir, 'none.record')
    await writeFile(file, 'hello')
    const refused = await typed(record, 'show', file)
    expect([refused.code, refused.err]).toEqual([
      3,
      `tandem record: ${file} is no record of Tandem, or is damaged\n  mend: take another copy of it\n`,
    ])
  })
})

describe('replay', () => {
  test('of the same decisions ends with 0', async () => {
    const { code, out } = await typed(replay, 'last')
    expect([code, out]).toEqual([0, expect.stringMatching(/^sp1: \d+ decisions, the same\n$/)])
  })

  test('of other decisions ends with 5 and shows them', async () => {
    const [one] = records
    if (one === undefined) throw new Error('no record')
    // What is written there was decided under a longer lease than the file says.
    const { header, numbers } = one
    const timing = { ...header.policy.timing, leaseMs: 80 }
    const file = join(stateDir, 'other.record')
    const other = { header: { ...header, policy: { ...header.policy, timing } }, numbers }
    await writeFile(file, await packRecord(other))
    const { code, out } = await typed(replay, file)
    expect(code).toBe(5)
    expect(out).toMatch(/^sp1: \d+ decisions, \d+ differences\nTIME +EVENT +RECORDED +TODAY\n/)
  })

  test('of another core is refused in one line', async () => {
    const [one] = records
    const header = { ...one?.header, core: '0123456789ab' } as FlightRecord['header']
    const file = join(stateDir, 'old.record')
    await writeFile(file, await packRecord({ header, numbers: one?.numbers ?? new Float64Array() }))
    const { code, err } = await typed(replay, file)
    expect(code).toBe(3)
    expect(err).toMatch(
      /^tandem replay: .*old\.record was made by a core with another state \(0123456789ab, version 0\.0\.0\); this one has [0-9a-f]{12}\n {2}mend: .*\n$/,
    )
    expect((await typed(record, 'show', file)).out).toContain(
      'the conditions T0 to T5 cannot be told',
    )
  })
})
