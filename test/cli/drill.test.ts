/**
 * Goal: `tandem drill` begins nothing that is not wanted or not safe, says so with the right exit code, and keeps
 * what was measured. Method: doors to a pretend agent and a drill that ends as it is told.
 */
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { type DrillDoors, run } from '../../src/cli/drill.ts'
import type { ControlClient } from '../../src/control/client.ts'
import type { ExplainDocument, StatusDocument } from '../../src/control/schema.ts'
import type { DrillParts } from '../../src/drill/run.ts'
import { capturedIo } from '../fixtures/captured-io.ts'
import { EXPLAIN, STATUS } from '../fixtures/control-documents.ts'
import { figure, reportWith } from '../fixtures/drill-report.ts'
import { CONFIG } from '../helpers/snapshot-case.ts'

const WELL = {
  status: {
    ...{ ...STATUS, alarms: [] },
    paths: STATUS.paths.map((path) => ({ ...path, state: 'up' })),
  } as StatusDocument,
  explain: { ...EXPLAIN, switchover: { to: 'sp2', blockers: [] } } as ExplainDocument,
}

let directory: string
let ran: DrillParts[]
beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'tandem-drill-'))
  ran = []
})
afterEach(() => rmSync(directory, { recursive: true }))

function doors(changes: Partial<DrillDoors> = {}, agent: Partial<typeof WELL> = {}): DrillDoors {
  const { status, explain } = { ...WELL, ...agent }
  const client = {
    status: async () => ({ ok: true, value: status }),
    explain: async () => ({ ok: true, value: explain }),
  } as unknown as ControlClient
  return {
    client: () => client,
    load: async () => ({ ok: true, config: CONFIG, mistakes: [] }) as never,
    find: async () => ({ pid: 4711, starts: 'systemd starts it again', kill: () => {} }),
    run: async (parts) => {
      ran.push(parts)
      const { id, request } = parts
      return { ok: true, report: reportWith({ id, kind: request.kind, back: request.back }) }
    },
    lockFile: () => true,
    confirm: async () => false,
    now: () => new Date('2026-11-30T12:00:00.123Z'),
    ...changes,
  }
}

async function call(words: string[], given = doors()) {
  const io = capturedIo()
  const exitCode = await run([...words, '--state', directory], io, given)
  return { exitCode, out: io.out, err: io.err }
}

const files = (): string[] => readdirSync(directory, { recursive: true }).map(String).sort()

describe('tandem drill', () => {
  it('asks, and does nothing without the word', async () => {
    const asked: string[] = []
    const confirm: DrillDoors['confirm'] = async (word) => {
      asked.push(word)
      return false
    }
    const { exitCode, err } = await call(['agent-kill'], doors({ confirm }))
    expect([exitCode, asked, ran.length, files()]).toEqual([3, ['agent-kill'], 0, []])
    expect(err).toContain('kill -9 of the agent of sp1, which serves')
    expect(err).toContain('systemd starts it again')
    expect(err).toContain('not confirmed, nothing was done')
  })

  it('begins with the word typed, or with --yes', async () => {
    const confirm = async () => true
    expect((await call([], doors({ confirm }))).exitCode).toBe(0)
    expect((await call(['switchover', '--back', '--yes'])).exitCode).toBe(0)
    expect(ran.map(({ request }) => request.back)).toEqual([false, true])
    expect(ran[1]?.plan.legs).toEqual([
      { from: 'sp1', to: 'sp2' },
      { from: 'sp2', to: 'sp1' },
    ])
  })

  it('shows what would be with --dry-run, and changes nothing', async () => {
    const { exitCode, out } = await call(['crosslink-cut', '--seconds', '4', '--dry-run'])
    expect([exitCode, ran.length, files()]).toEqual([0, 0, []])
    expect(out).toContain('packets to and from 192.168.255.252 on eth1 are dropped here for 4 s')
    expect(out).toContain('the kernel itself ends it')
    expect(out).toContain('not measured: writes to stores: no store is configured')
    expect(out).toContain('Nothing stands in the way now.')
    const json = JSON.parse((await call(['--dry-run', '--json'])).out)
    expect(json).toMatchObject({ kind: 'switchover', obstacles: [], bounds: { outageMs: 100 } })
  })

  it('is not begun while something stands in the way, --yes or not', async () => {
    const given = doors({}, { explain: EXPLAIN })
    for (const words of [['--yes'], ['--dry-run'], ['--yes', '--json']]) {
      const { exitCode, out, err } = await call(words, given)
      expect(exitCode).toBe(3)
      expect(out + err).toContain('the peer is not heard')
    }
    expect([ran.length, files()]).toEqual([0, []])
  })

  it('does not kill an agent that nobody would start again', async () => {
    const find = async () => ({ sentence: 'it is not started again', mend: 'write Restart=always' })
    const { exitCode, err } = await call(['agent-kill', '--yes'], doors({ find }))
    expect([exitCode, ran.length]).toEqual([3, 0])
    expect(err).toContain('write Restart=always')
  })

  it('runs one at a time', async () => {
    const { exitCode, err } = await call(['--yes'], doors({ lockFile: () => false }))
    expect([exitCode, ran.length]).toEqual([3, 0])
    expect(err).toContain('another drill runs on this node')
  })

  it.each([
    ['kept', 0],
    ['broken', 5],
    ['aborted', 6],
  ] as const)('ends with its own number when it is %s', async (outcome, exitCode) => {
    const report = reportWith({ outcome, reason: outcome === 'kept' ? null : 'it was slow' })
    const ended = await call(['--yes'], doors({ run: async () => ({ ok: true, report }) }))
    expect(ended.exitCode).toBe(exitCode)
    expect(ended.out).toContain('now: sp2 is standby in term 9, sp1 is active')
    if (outcome !== 'kept') expect(ended.out).toContain('it was slow')
    expect(files()).toContain('drills/20261130T120000Z-switchover.json')
  })

  it('keeps nothing of one that was not begun', async () => {
    const end = { ok: false as const, why: 'no floating IP answers', mend: 'look' }
    const { exitCode, err } = await call(['--yes'], doors({ run: async () => end }))
    expect([exitCode, files()]).toEqual([3, ['drills']])
    expect(err).toContain('no floating IP answers')
  })

  it('compares with the last one, lists and shows them, writes the page', async () => {
    const slower = reportWith({
      id: '20261207T120000Z-switchover',
      phases: [{ name: 'sp1>sp2', fromMs: 0, toMs: 9, figures: [figure({ value: 88 })] }],
    })
    await call(['--yes'])
    const page = join(directory, 'drill.html')
    const given = doors({ run: async () => ({ ok: true, report: slower }) })
    const second = await call(['--yes', '--html', page], given)
    expect(second.out).toContain('+76 ms, worse')
    expect(readFileSync(page, 'utf8')).toContain('+76 ms, worse')
    const listed = await call(['list'])
    expect(listed.out).toMatch(/20261207T120000Z-switchover .* kept +88 ms +- +1 figures/)
    expect(listed.out).toMatch(/20261130T120000Z-switchover .* kept +12 ms +0\n/)
    const rows = JSON.parse((await call(['list', '--json'])).out).drills
    expect(rows.map(({ outageMs }: { outageMs: number }) => outageMs)).toEqual([88, 12.4])
    expect(JSON.parse((await call(['show', '--json'])).out).id).toBe(slower.id)
    const first = await call(['show', '20261130T120000Z-switchover'])
    expect([first.exitCode, first.out]).toEqual([0, expect.stringContaining('12 ms')])
    const none = await call(['show', 'nothing'])
    expect([none.exitCode, none.err]).toEqual([3, expect.stringContaining('there is no drill')])
  })

  it.each([
    [['swichover'], 'did you mean switchover?'],
    [['agent-kill', '--back'], '--back does not belong to agent-kill'],
    [['switchover', '--seconds', '3'], '--seconds does not belong to switchover'],
    [['crosslink-cut', '--seconds', '61'], 'is not a number from 2 to 60'],
    [['list', '--yes'], '--yes does not belong to list'],
    [['list', '--html', 'x'], '--html does not belong to list'],
    [['switchover', 'x'], "unexpected argument 'x'"],
  ])('refuses %j', async (words, complaint) => {
    const { exitCode, err } = await call(words)
    expect([exitCode, err]).toEqual([1, expect.stringContaining(complaint)])
  })

  it('says what no agent means', async () => {
    const gone = {
      status: async () => ({
        ...{ ok: false, code: 'unreachable', errorCode: 'HA_CONTROL_UNREACHABLE' },
        ...{ message: 'no agent answers', mend: 'start it' },
      }),
    } as unknown as ControlClient
    const { exitCode, err } = await call(['--yes'], doors({ client: () => gone }))
    expect([exitCode, err]).toEqual([2, expect.stringContaining('no agent answers')])
  })
})
