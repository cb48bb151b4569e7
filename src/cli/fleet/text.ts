/**
 * How do many pairs read at a glance? A row each, what is wrong below, and one line that counts.
 */
import { SCHEMA_VERSION } from '../../control/schema.ts'
import type { NodeName } from '../../core/policy.ts'
import type { Paint, PaintTone } from '../paint.ts'
import { type Cell, cell, printable, table } from '../table.ts'
import type { PairOutcome, RollResult } from './roll.ts'
import type { PairView, Verdict } from './survey.ts'

const VERDICTS: Readonly<Record<Verdict, { word: string; tone: PaintTone }>> = {
  well: { word: 'well', tone: 'good' },
  degraded: { word: 'degraded', tone: 'warn' },
  unserved: { word: 'NOT SERVED', tone: 'bad' },
  'both-active': { word: 'BOTH ACTIVE', tone: 'bad' },
  unknown: { word: 'unknown', tone: 'bad' },
}

/** `tandem fleet status`. */
export function fleetText(views: readonly PairView[], paint: Paint): string {
  const titles = ['PAIR', 'STATE', 'SP1', 'SP2', 'TERM', 'ALARMS', 'VERSION'].map((title) =>
    cell(title, 'title'),
  )
  const rows = views.map(({ name, verdict, term, nodes }): (Cell | string)[] => {
    const { word, tone } = VERDICTS[verdict]
    const statuses = [nodes.sp1.status, nodes.sp2.status].flatMap((status) => status ?? [])
    const alarms = statuses.reduce((sum, status) => sum + status.alarms.length, 0)
    const versions = [...new Set(statuses.map(({ version }) => version))]
    return [
      name,
      cell(word, tone),
      stateCell(nodes.sp1.status?.local.state),
      stateCell(nodes.sp2.status?.local.state),
      term === null ? '-' : String(term),
      cell(statuses.length === 0 ? '-' : String(alarms), alarms > 0 ? 'warn' : 'plain'),
      cell(versions.join(' / ') || '-', versions.length > 1 ? 'warn' : 'plain'),
    ]
  })
  const notes = views.flatMap(({ name, notes: told }) =>
    told.map((note) => `  ${name}  ${printable(note)}\n`),
  )
  const below = notes.length === 0 ? '' : `\n${notes.join('')}`
  return `${table([titles, ...rows], paint)}${below}\n${countText(views)}\n`
}

function stateCell(state: string | undefined): Cell {
  if (state === undefined) return cell('no answer', 'bad')
  return cell(state, state === 'active' ? 'good' : state === 'standby' ? 'plain' : 'warn')
}

function countText(views: readonly PairView[]): string {
  const counts = Object.entries(VERDICTS).flatMap(([verdict, { word }]) => {
    const number = views.filter((view) => view.verdict === verdict).length
    return number === 0 ? [] : [`${number} ${word}`]
  })
  return `${views.length} ${views.length === 1 ? 'pair' : 'pairs'}: ${counts.join(', ')}`
}

const RESULTS: Readonly<Record<RollResult, { word: string; tone: PaintTone }>> = {
  done: { word: 'done', tone: 'good' },
  already: { word: 'nothing to do', tone: 'plain' },
  refused: { word: 'REFUSED', tone: 'bad' },
  failed: { word: 'FAILED', tone: 'bad' },
  left: { word: 'left alone', tone: 'warn' },
}

/** One line as soon as a pair is through. */
export function outcomeText({ name, result, told }: PairOutcome, paint: Paint): string {
  const { word, tone } = RESULTS[result]
  return `${name}: ${paint(word, tone)}: ${printable(told)}\n`
}

/** What would be done to a pair, before it is. */
export function planText(name: string, doubt: string | null, step: string, paint: Paint): string {
  return doubt === null
    ? `${name}: ${step}\n`
    : `${name}: ${paint('would stop here', 'bad')}: ${printable(doubt)}\n`
}

/** `--json` of `status`. */
export function fleetDocument(views: readonly PairView[]): Record<string, unknown> {
  return {
    schema: SCHEMA_VERSION,
    pairs: views.map(({ nodes, ...view }) => ({
      ...view,
      nodes: { sp1: nodeDocument(nodes, 'sp1'), sp2: nodeDocument(nodes, 'sp2') },
    })),
  }
}

function nodeDocument(nodes: PairView['nodes'], node: NodeName): Record<string, unknown> {
  const { status, why } = nodes[node]
  if (status === null) return { reached: false, why }
  const { local, version, alarms } = status
  return {
    reached: true,
    ...{ state: local.state, able: local.able, maintenance: local.maintenance, version },
    alarms: alarms.map(({ code, about, sentence }) => ({ code, about, sentence })),
  }
}
