/**
 * How are many runs shown on one page? As Markdown that can stand in a README unchanged.
 *
 * Required figures with their verdicts, managers side by side, smaller heartbeat intervals, idle cost,
 * other faults. Rendered from recorded lines alone, so that a report can be made again at any time.
 */

import { HEARTBEAT_FAULTS } from './bench-plan.ts'
import { judgeCalls } from './calls-requirement.ts'
import { LETTERS, type Letters } from './demand.ts'
import type { IdleLine, Line, RunLine, SessionLine } from './record.ts'
import { REQUIREMENTS } from './requirement.ts'
import { SCENARIOS } from './scenario.ts'
import { judgeStores } from './store-requirement.ts'
import { hasProfileTimes, judgeAll, outagesOf, threeOf, type Verdict } from './verdict.ts'

export interface Report {
  text: string
  /** Whether every promise of our own pair held. */
  kept: boolean
}

/** Everything that lines have to tell. */
export function renderReport(lines: readonly Line[]): Report {
  const sessions = lines.filter((line) => line.kind === 'session')
  const runs = lines.filter((line) => line.kind === 'run')
  const idle = lines.filter((line) => line.kind === 'idle')
  const stores = lines.filter((line) => line.kind === 'store')
  const calls = lines.filter((line) => line.kind === 'calls')
  const verdicts = [...judgeAll(runs, idle), ...judgeStores(stores), ...judgeCalls(calls)]
  const others = otherFaults(runs)
  const parts = [
    machines(sessions),
    requiredTable(verdicts),
    sideBySide(runs, sessions),
    heartbeatTable(runs),
    idleTable(idle),
    others.text,
    notes(verdicts),
  ]
  return {
    text: parts.filter((part) => part !== '').join('\n'),
    kept: others.kept && verdicts.every(({ failures }) => failures.length === 0),
  }
}

function machines(sessions: readonly SessionLine[]): string {
  const all = [...new Set(sessions.map(({ machine }) => machine))]
  return all.length === 0
    ? ''
    : `Measured on ${all.join('; ')}. Outages in ms, beyond the longest silence of the control address in the same run; min / median / max.\n`
}

function requiredTable(verdicts: readonly Verdict[]): string {
  if (verdicts.length === 0) return ''
  return table([
    ['fault, profile `fast` unless noted', 'required', 'measured', 'runs', 'kept'],
    ...verdicts.map(({ title, required, measured, runs, failures, forgiven }) => [
      title,
      required,
      measured,
      `${runs}`,
      failures.length > 0 ? '**no**' : forgiven.length > 0 ? 'yes, one forgiven' : 'yes',
    ]),
  ])
}

/** Where other managers were measured too, each fault on one line. */
function sideBySide(runs: readonly RunLine[], sessions: readonly SessionLine[]): string {
  const fast = runs.filter((run) => run.profile === 'fast' && hasProfileTimes(run))
  const rivals = [...new Set(fast.map(({ pair }) => pair))].filter((pair) => pair !== 'tandem')
  if (rivals.length === 0) return ''
  const version = (pair: string): string =>
    sessions.flatMap(({ versions }) => versions[pair] ?? [])[0] ?? ''
  const tuning: Record<string, string> = {
    keepalived: 'advert_int 0.1',
    heartbeat: 'deadtime 1',
  }
  const pairs = ['tandem', ...rivals]
  const compared = SCENARIOS.filter(({ name }) =>
    fast.some((run) => run.fault === name && run.pair !== 'tandem'),
  )
  const cell = (fault: string, pair: string): string => {
    const here = fast.filter((run) => run.fault === fault && run.pair === pair)
    const dual = here.filter(({ during }) => during !== null && during.dualProofs > 0).length
    const both = dual === 0 ? '' : `, both served in ${dual}`
    return here.length === 0
      ? '-'
      : `${threeOf(outagesOf(here, 'during'))} (${here.length} runs${both})`
  }
  return table([
    [
      'side by side, in turns',
      ...pairs.map((pair) =>
        pair === 'tandem' ? 'Tandem' : `${pair} ${version(pair)}, ${tuning[pair] ?? ''}`,
      ),
    ],
    ...compared.map(({ name, title }) => [title, ...pairs.map((pair) => cell(name, pair))]),
  ])
}

/** What smaller intervals give, and what false alarms they cost. */
function heartbeatTable(runs: readonly RunLine[]): string {
  const fast = runs.filter((run) => run.pair === 'tandem' && run.profile === 'fast')
  const nameOf = ({ H, S, L, M }: Letters): string => `${H} / ${S} / ${L} / ${M}`
  const times = new Map(fast.map(({ letters }) => [nameOf(letters), letters]))
  times.delete(nameOf(LETTERS.fast))
  if (times.size === 0) return ''
  const rows = [LETTERS.fast, ...times.values()].sort((a, b) => b.H - a.H)
  return table([
    [
      'H / S / L / M',
      'power cut',
      'the dead node joins again',
      ...HEARTBEAT_FAULTS.slice(1).map((fault) => titleOf(fault)),
    ],
    ...rows.map((letters) => {
      const here = (fault: string): RunLine[] =>
        fast.filter((run) => run.fault === fault && nameOf(run.letters) === nameOf(letters))
      const cut = here('power-cut')
      return [
        nameOf(letters),
        cut.length === 0 ? '-' : `${threeOf(outagesOf(cut, 'during'))} (${cut.length} runs)`,
        cut.length === 0 ? '-' : threeOf(outagesOf(cut, 'mended')),
        ...HEARTBEAT_FAULTS.slice(1).map((fault) => falseAlarms(here(fault))),
      ]
    }),
  ])
}

function falseAlarms(runs: readonly RunLine[]): string {
  const told = runs.flatMap((run) => run.told ?? [])
  if (told.length === 0) return '-'
  const ends = told.reduce((sum, { leaseEnds }) => sum + leaseEnds, 0)
  const changes = told.reduce((sum, { activations }) => sum + activations, 0)
  const ms = runs.reduce((sum, { atMs }) => sum + (atMs === null ? 0 : atMs.mended - atMs.fault), 0)
  return `${changes} role changes, ${ends} lease ends in ${Math.round(ms / 1000)} s`
}

function idleTable(idle: readonly IdleLine[]): string {
  if (idle.length === 0) return ''
  const rows = idle.flatMap((line) =>
    (['active', 'standby'] as const).flatMap((role) => {
      const cost = line[role]
      if (cost === null) return []
      const times = line.pair !== 'tandem' ? '' : `, \`${line.profile}\``
      const own = hasProfileTimes(line) ? '' : `, H ${line.letters.H} ms`
      return [
        [
          `${line.pair === 'tandem' ? 'Tandem' : line.pair}${times}${own}, ${role}`,
          `${(cost.cpuRatio * 100).toFixed(2)} %`,
          cost.rssMiB.toFixed(0),
          cost.pssMiB.toFixed(0),
          `${cost.processes}`,
        ],
      ]
    }),
  )
  return table([['idle', 'of one core', 'resident MiB', 'PSS MiB', 'processes'], ...rows])
}

/** Faults without a required figure: held against PROTOCOL, run by run. */
function otherFaults(runs: readonly RunLine[]): Report {
  const required = new Set(REQUIREMENTS.map(({ fault, profile }) => `${fault} ${profile}`))
  const ours = runs.filter(
    (run) =>
      run.pair === 'tandem' && hasProfileTimes(run) && !required.has(`${run.fault} ${run.profile}`),
  )
  if (ours.length === 0) return { text: '', kept: true }
  const kinds = [...new Set(ours.map(({ fault, profile }) => `${fault} ${profile}`))]
  const rows = kinds.map((kind) => {
    const here = ours.filter((run) => `${run.fault} ${run.profile}` === kind)
    const failed = here.filter(({ failures }) => failures.length > 0).length
    const [fault = '', profile = ''] = kind.split(' ')
    return [
      `${titleOf(fault)}, \`${profile}\``,
      threeOf(outagesOf(here, 'during')),
      threeOf(outagesOf(here, 'mended')),
      `${here.length}`,
      failed === 0 ? 'yes' : `**no**, ${failed} runs`,
    ]
  })
  return {
    text: table([['other faults', 'outage', 'after mending', 'runs', 'kept'], ...rows]),
    kept: ours.every(({ failures }) => failures.length === 0),
  }
}

/** What broke and what was forgiven, in full. */
function notes(verdicts: readonly Verdict[]): string {
  return verdicts
    .flatMap(({ title, failures, forgiven }) => [
      ...failures.map((text) => `- NOT KEPT, ${title}: ${text}\n`),
      ...forgiven.map((text) => `- forgiven, ${title}: ${text}\n`),
    ])
    .join('')
}

function titleOf(fault: string): string {
  return SCENARIOS.find(({ name }) => name === fault)?.title ?? fault
}

function table(rows: readonly (readonly string[])[]): string {
  const [head = [], ...body] = rows
  const line = (cells: readonly string[]): string => `| ${cells.join(' | ')} |\n`
  return [line(head), line(head.map(() => '---')), ...body.map(line)].join('')
}
