/**
 * In which words is a report told? The same for the terminal and for the page.
 */
import type { Compared, DrillReport, Figure } from './report.ts'
import { isKept } from './report.ts'

export type Judgement = 'kept' | 'broken' | 'not measured' | 'told'

export const OUTCOMES: Readonly<Record<DrillReport['outcome'], string>> = {
  kept: 'done, everything within bounds',
  broken: 'done, not everything within bounds',
  aborted: 'begun and not brought to its end',
}

export function titleOf({ kind, back }: Pick<DrillReport, 'kind' | 'back'>): string {
  switch (kind) {
    case 'switchover':
      return back ? 'planned switchover, there and back' : 'planned switchover'
    case 'agent-kill':
      return 'agent of the active killed'
    case 'crosslink-cut':
      return 'crosslink cut'
  }
}

export function judgementOf(figure: Figure, noiseMs: number): Judgement {
  if (figure.value === null) return 'not measured'
  if (figure.bound === null) return 'told'
  return isKept(figure, noiseMs) ? 'kept' : 'broken'
}

/** `12 ms`, `0 writes`; a dash where nothing was measured. */
export function amountText(value: number | null, unit: Figure['unit']): string {
  if (value === null) return '-'
  return unit === 'ms' ? `${Math.round(value)} ms` : `${value} ${unit}`
}

export function boundText({ bound, unit }: Figure): string {
  return bound === null ? '' : `<= ${amountText(bound, unit)}`
}

/** `+12 ms worse`; empty where there is nothing to compare with. */
export function deltaText(compared: Compared | undefined, unit: Figure['unit']): string {
  if (compared === undefined) return ''
  const { delta, verdict } = compared
  const sign = delta > 0 ? '+' : ''
  const amount = `${sign}${unit === 'ms' ? `${Math.round(delta)} ms` : delta}`
  return verdict === 'same' ? `${amount}, the same` : `${amount}, ${verdict}`
}

/** `sp1 -> sp2`, `sp1 goes on`. */
export function phaseTitle(name: string): string {
  const [from, to] = name.split('>')
  return to === undefined ? `${from} is to go on` : `${from} -> ${to}`
}
