/**
 * How does a drill look on a terminal? The plan before it, the report after it, and the list of them.
 */
import type { DrillPlan } from '../drill/plan.ts'
import { CONDITIONS, type Obstacle } from '../drill/preflight.ts'
import { type DrillReport, figuresOf } from '../drill/report.ts'
import {
  amountText,
  boundText,
  deltaText,
  judgementOf,
  OUTCOMES,
  phaseTitle,
  titleOf,
} from '../drill/words.ts'
import type { Paint, PaintTone } from './paint.ts'
import { cell, printable, table } from './table.ts'

/** What will happen, what has to be so, and what is measured. */
export function planText(plan: DrillPlan, obstacles: readonly Obstacle[], paint: Paint): string {
  const lines = [paint('What will happen', 'title'), ...items(plan.steps)]
  lines.push(`  afterwards: ${plan.undone}`)
  lines.push('', paint('It is not begun, or not gone on with, unless', 'title'))
  lines.push(...items(CONDITIONS))
  lines.push('', paint('Measured from this node', 'title'), ...items(plan.measured))
  lines.push(`  bound: no floating IP silent for more than ${plan.bounds.outageMs} ms`)
  for (const { what, why, mend } of plan.notMeasured) {
    lines.push(`  not measured: ${printable(what)}: ${printable(why)}; ${printable(mend)}`)
  }
  lines.push('', obstacleText(obstacles, paint))
  return lines.join('\n')
}

/** With its newline. */
export function obstacleText(obstacles: readonly Obstacle[], paint: Paint): string {
  if (obstacles.length === 0) return `${paint('Nothing stands in the way now.', 'good')}\n`
  const lines = obstacles.flatMap(({ sentence, mend }) => [
    `  ${printable(sentence)}`,
    `    mend: ${printable(mend)}`,
  ])
  return `${[paint('In the way now', 'title'), ...lines].join('\n')}\n`
}

function items(sentences: readonly string[]): string[] {
  return sentences.map((sentence) => `  ${printable(sentence)}`)
}

const TONES: Readonly<Record<DrillReport['outcome'], PaintTone>> = {
  kept: 'good',
  broken: 'bad',
  aborted: 'bad',
}

export function reportText(report: DrillReport, paint: Paint): string {
  const { outcome, reason, noiseMs, lateMs } = report
  const lines = [
    `${paint(titleOf(report), 'title')}, ${report.node}, ${report.startedIso} (${report.id})`,
    `${paint(OUTCOMES[outcome], TONES[outcome])}${reason === null ? '' : `: ${printable(reason)}`}`,
    `now: ${printable(report.after)}`,
  ]
  for (const phase of report.phases) {
    lines.push('', paint(phaseTitle(phase.name), 'title'))
    lines.push(
      table(
        phase.figures.map((figure) => figureRow(report, figure, noiseMs)),
        paint,
      ).trimEnd(),
    )
  }
  const waits = `questions to floating IPs were late by up to ${noiseMs} ms, others by ${lateMs} ms: less is no finding`
  const [first] = report.compared
  const beside =
    first === undefined ? 'no earlier drill to compare with' : `compared with ${first.with}`
  lines.push('', `${waits}; ${beside}`)
  if (report.steps.length > 0) lines.push('', paint('Steps', 'title'), ...stepLines(report))
  lines.push('', paint('Alarms meanwhile', 'title'))
  if (report.alarms.length === 0) lines.push('  none was raised')
  for (const { atMs, code, sentence } of report.alarms) {
    lines.push(`  +${atMs} ms  ${printable(code)}: ${printable(sentence)}`)
  }
  if (report.notMeasured.length > 0) lines.push('', paint('Not measured', 'title'))
  for (const { what, why, mend } of report.notMeasured) {
    lines.push(`  ${printable(what)}: ${printable(why)}; ${printable(mend)}`)
  }
  return `${lines.join('\n')}\n`
}

function figureRow(
  { compared }: DrillReport,
  figure: DrillReport['phases'][number]['figures'][number],
  noiseMs: number,
) {
  const judgement = judgementOf(figure, noiseMs)
  const tone = judgement === 'kept' ? 'good' : judgement === 'broken' ? 'bad' : 'plain'
  const beside = compared.find(({ key }) => key === figure.key)
  return [
    `  ${figure.what}`,
    amountText(figure.value, figure.unit),
    boundText(figure),
    cell(judgement === 'told' ? '' : judgement, tone),
    cell(deltaText(beside, figure.unit), beside?.verdict === 'worse' ? 'warn' : 'plain'),
    cell(figure.note ?? '', 'dim'),
  ]
}

function stepLines({ steps }: DrillReport): string[] {
  const times = steps.map(({ atMs }) => (atMs === null ? '' : `+${Math.round(atMs)} ms`))
  const width = Math.max(...times.map(({ length }) => length))
  return steps.map(({ node, sentence }, at) => {
    const who = node === null ? '' : `${node}: `
    return `  ${times[at]?.padStart(width)}  ${who}${printable(sentence)}`
  })
}

export function listText(reports: readonly DrillReport[], paint: Paint): string {
  if (reports.length === 0) return 'there was no drill on this node yet\n'
  const titles = ['ID', 'WHAT', 'OUTCOME', 'LONGEST SILENCE', 'LOST WRITES', 'WORSE']
  const rows = reports.map((report) => {
    const row = rowOf(report)
    return [
      row.id,
      titleOf(report),
      cell(row.outcome, TONES[row.outcome]),
      amountText(row.outageMs, 'ms'),
      row.lost === null ? '-' : String(row.lost),
      row.worse === 0 ? '' : cell(`${row.worse} figures`, 'warn'),
    ]
  })
  return table([titles.map((title) => cell(title, 'title')), ...rows], paint)
}

/** One report in the list. */
export function rowOf(report: DrillReport) {
  const figures = figuresOf(report)
  const values = (prefix: string): number[] =>
    figures.flatMap(({ key, value }) => (key.startsWith(prefix) && value !== null ? [value] : []))
  const outages = values('outage ')
  const lost = values('lost ')
  return {
    ...{ id: report.id, kind: report.kind, back: report.back, startedIso: report.startedIso },
    ...{ outcome: report.outcome, reason: report.reason },
    outageMs: outages.length === 0 ? null : Math.max(...outages),
    lost: lost.length === 0 ? null : lost.reduce((sum, one) => sum + one, 0),
    worse: report.compared.filter(({ verdict }) => verdict === 'worse').length,
  }
}
