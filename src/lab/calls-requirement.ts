/**
 * Which figures are required of calls, and did the runs keep them?
 *
 * Cases and their figures are `calls-case.ts`. Nothing is forgiven here. A silence counts beyond the longest
 * pause that the telephones themselves made in speaking: the pair cannot relay what was not said.
 */
import type { CallsCase, CallsRun, Mode } from './calls-case.ts'
import { LETTERS } from './demand.ts'
import { PACKET_MS } from './media-gap.ts'
import { threeOf, type Verdict } from './verdict.ts'
import { VOIP_SERVICES, type VoipService } from './voip-config.ts'

const DETECTION_MS = LETTERS.fast.D + 3 * LETTERS.fast.H
/** Longest silence of any direction. */
const GAP_MS = {
  cutHot: DETECTION_MS + 100,
  cutCold: DETECTION_MS + 400,
  move: 100,
} as const
const BACK_MS = 500
/** Period and limit of the lab's probes, and what a line of a log may be late. */
const NOTICED_MS = 2_000
const LOG_MS = 50

interface Row {
  case: CallsCase
  mode: Mode
  service: VoipService | null
  title: string
  gapMs?: number
  required: string
}

const HOT = 'services on both nodes'
const COLD = 'services only on the active'

function rowsOf(): Row[] {
  const all = 'all survive'
  const calls = (
    name: CallsCase,
    mode: Mode,
    title: string,
    required: string,
    gapMs?: number,
  ): Row => ({
    ...{ case: name, mode, service: null, title, required },
    ...(gapMs === undefined ? {} : { gapMs }),
  })
  const silent = (ms: number): string => `${all}; silence at most ${ms} ms`
  const hung = `noticed within ${NOTICED_MS} ms, restarted, no role change`
  return [
    calls('power-cut', 'always', `power cut, ${HOT}`, silent(GAP_MS.cutHot), GAP_MS.cutHot),
    calls('power-cut', 'active', `power cut, ${COLD}`, silent(GAP_MS.cutCold), GAP_MS.cutCold),
    calls('move', 'always', `planned move, ${HOT}`, silent(GAP_MS.move), GAP_MS.move),
    calls('move', 'active', `planned move, ${COLD}`, silent(GAP_MS.move), GAP_MS.move),
    ...(['always', 'active'] as const).map((mode) =>
      calls(
        'ringing',
        mode,
        `power cut while calls ring, ${mode === 'always' ? HOT : COLD}`,
        'all connect, no media past the relay',
      ),
    ),
    calls('many', 'always', `planned move with many calls, ${HOT}`, all),
    ...VOIP_SERVICES.map((service): Row => {
      const required = `${all}; back within ${BACK_MS} ms, no role change`
      return {
        ...{ case: 'kill', mode: 'always', service, title: `${service} killed`, required },
      }
    }),
    ...VOIP_SERVICES.map((service): Row => {
      const title = `${service} stopped (SIGSTOP)`
      return { ...{ case: 'hang', mode: 'always', service, title, required: hung } }
    }),
    ...(['lb', 'proxy'] as const).map((service): Row => {
      const title = `SIP workers of one socket of ${service} stopped, its control socket answers`
      return { ...{ case: 'hang-workers', mode: 'always', service, title, required: hung } }
    }),
  ]
}

/** Verdicts in the order of the table; none for what was not measured. */
export function judgeCalls(runs: readonly CallsRun[]): Verdict[] {
  return rowsOf().flatMap((row) => {
    const here = runs.filter(
      (run) => run.case === row.case && run.mode === row.mode && run.service === row.service,
    )
    if (here.length === 0) return []
    const failures = here.flatMap((run) =>
      (run.trouble.length > 0 ? run.trouble : failuresOf(row, run)).map(
        (text) => `run ${run.run}: ${text}`,
      ),
    )
    const measured = measuredOf(here.filter(({ trouble }) => trouble.length === 0))
    const { title, required } = row
    return [{ title, required, measured, runs: here.length, failures, forgiven: [] }]
  })
}

/** The longest silence of a run beyond the telephones' own pauses, ms; null without any. */
export function beyondPauseMs({ silence }: CallsRun): number | null {
  if (silence === null) return null
  return silence.gapMs.max - Math.max(0, silence.controlMs - PACKET_MS)
}

function failuresOf(row: Row, run: CallsRun): string[] {
  const failures = [...run.left]
  const gapMs = beyondPauseMs(run)
  if (run.survived < run.calls) failures.push(`${run.survived} of ${run.calls} calls survived`)
  if (run.past > 0) failures.push(`${run.past} packets of media past the relay`)
  if (run.silence !== null && run.silence.directions < 2 * run.calls) {
    failures.push(`media in ${run.silence.directions} of ${2 * run.calls} directions`)
  }
  if (row.gapMs !== undefined) {
    if (gapMs === null) failures.push('nothing was heard')
    else if (gapMs > row.gapMs) failures.push(`silence ${gapMs.toFixed(0)} ms`)
  }
  if (row.service === null) return failures
  if (run.roleChanges > 0 || run.to !== run.from) failures.push(`${run.roleChanges} role changes`)
  if (run.noticedMs === null) failures.push('nobody noticed')
  if (run.backMs === null) failures.push('it did not come back')
  if (row.case === 'kill') {
    if ((run.backMs ?? 0) > BACK_MS) failures.push(`back after ${run.backMs} ms`)
  } else if ((run.noticedMs ?? 0) > NOTICED_MS + LOG_MS) {
    failures.push(`noticed after ${run.noticedMs} ms`)
  }
  // Its control socket cannot tell: only a question to the socket itself does.
  if (row.case === 'hang-workers' && !/OPTIONS/.test(run.noticed ?? '')) {
    failures.push(`noticed by "${run.noticed}"`)
  }
  return failures
}

function measuredOf(runs: readonly CallsRun[]): string {
  const sum = (of: (run: CallsRun) => number): number =>
    runs.reduce((total, run) => total + of(run), 0)
  const calls = sum((run) => run.calls)
  const gaps = runs.flatMap((run) => beyondPauseMs(run) ?? [])
  const controls = runs.flatMap(({ silence }) => silence?.controlMs ?? [])
  const noticed = runs.flatMap(({ noticedMs }) => noticedMs ?? [])
  const back = runs.flatMap(({ backMs }) => backMs ?? [])
  const past = sum((run) => run.past)
  return [
    calls === 0 ? '' : `${sum((run) => run.survived)} of ${calls}`,
    gaps.length === 0
      ? ''
      : `silence ${threeOf(gaps)} ms (telephones paused up to ${Math.max(...controls).toFixed(0)})`,
    calls > 0 && (gaps.length === 0 || past > 0) ? `${past} packets past the relay` : '',
    noticed.length === 0 || calls > 0 ? '' : `noticed after ${threeOf(noticed)} ms`,
    back.length === 0 ? '' : `back after ${threeOf(back)} ms`,
  ]
    .filter((part) => part !== '')
    .join('; ')
}
