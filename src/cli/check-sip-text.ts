/**
 * How does a test call read: as lines for people, and as a document?
 *
 * Words of answers come from the network; nothing in them reaches the terminal as a command.
 */

import { formatMs } from '../control/duration.ts'
import type { MediaCount } from '../sip/media.ts'
import type { TestCallPlan } from '../sip/test-call.ts'
import type { Step, TestCallReport } from '../sip/test-call-report.ts'
import type { Paint } from './paint.ts'
import { type Cell, cell, printable, table } from './table.ts'

export interface TargetReport {
  /** Null when no target was named. */
  target: string | null
  plan: TestCallPlan
  report: TestCallReport
}

/** Every step, the audio, and one line that says how it went. */
export function callText({ target, plan, report }: TargetReport, paint: Paint): string {
  const place = target === null ? '' : `${target}: `
  const title = `${place}${plan.from} calls ${plan.to} by ${plan.transport}`
  const steps = report.steps.map((step) => [
    `  ${step.who}`,
    step.step,
    answerCell(step),
    formatMs(step.durationMs),
  ])
  // A table of its own: its long cells would push the times far to the right.
  const sounds: (Cell | string)[][] = []
  if (report.audio !== null) {
    sounds.push(audioRow('caller', report.audio.caller))
    if (report.audio.callee !== null) sounds.push(audioRow('callee', report.audio.callee))
  }
  const head = paint(printable(title), 'title')
  return `${head}\n${table(steps, paint)}${table(sounds, paint)}${lastLine(report, place, paint)}`
}

/** The verdicts of several targets in one line. */
export function sumLine(reports: readonly TargetReport[]): string {
  const bad = reports.filter(({ report }) => report.outcome !== 'ok')
  const count = `${reports.length - bad.length} of ${reports.length} targets ok`
  if (bad.length === 0) return `${count}\n`
  const named = bad.map(({ target, report }) => `${target} ${report.outcome}`).join(', ')
  return `${printable(`${count}: ${named}`)}\n`
}

/** As `--json` prints it: milliseconds with one decimal, and nothing of credentials. */
export function callDocument({ target, plan, report }: TargetReport): Record<string, unknown> {
  const { outcome, why, steps, audio } = report
  const { from, to, transport } = plan
  return {
    target,
    from,
    to,
    transport,
    outcome,
    why,
    steps: steps.map((step) => ({ ...step, durationMs: tenths(step.durationMs) })),
    audio:
      audio === null
        ? null
        : {
            caller: countDocument(audio.caller),
            callee: audio.callee === null ? null : countDocument(audio.callee),
          },
  }
}

function answerCell({ status, reason }: Step): Cell {
  if (status === null) return cell(reason, reason === 'connected' ? 'plain' : 'bad')
  return cell(`${status} ${reason}`.trimEnd(), status < 300 ? 'plain' : 'bad')
}

function audioRow(who: Step['who'], count: MediaCount): (Cell | string)[] {
  const { sent, received, lost, bytes, gapMs, firstMs } = count
  const first = firstMs === null ? '' : `, first after ${formatMs(firstMs)}`
  const gap = gapMs === null ? '' : `, longest gap ${formatMs(gapMs)}`
  const counts = `sent ${sent}, received ${received} (${bytes} bytes), lost ${lost}${first}${gap}`
  return [`  ${who}`, 'audio', cell(counts, received === 0 ? 'bad' : 'plain')]
}

function lastLine({ outcome, why }: TestCallReport, place: string, paint: Paint): string {
  return `${place}${paint(outcome, outcome === 'ok' ? 'good' : 'bad')}: ${printable(why)}\n`
}

function countDocument(count: MediaCount): MediaCount {
  const { gapMs, firstMs } = count
  return {
    ...count,
    gapMs: gapMs === null ? null : tenths(gapMs),
    firstMs: firstMs === null ? null : tenths(firstMs),
  }
}

function tenths(ms: number): number {
  return Math.round(ms * 10) / 10
}
