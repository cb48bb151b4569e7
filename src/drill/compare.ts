/**
 * Is it better or worse than the last time? Each figure beside the newest one of the same kind of drill and key.
 *
 * What differs by less than both measurements were late is the same. So is what chance explains: where between two
 * heartbeats something happens is luck.
 */
import { type Compared, type DrillReport, figuresOf, type Unit } from './report.ts'

/** Two goes of the same thing on a quiet host differ by so much. */
const LUCK_MS = 15
const LUCK_SHARE = 0.2

/**
 * @param earlier  newest first
 * @returns one line for each figure that was measured before
 */
export function compareWith(report: DrillReport, earlier: readonly DrillReport[]): Compared[] {
  const others = earlier.filter(({ kind, id }) => kind === report.kind && id !== report.id)
  return figuresOf(report).flatMap(({ key, value, unit }) => {
    if (value === null) return []
    for (const other of others) {
      const before = figuresOf(other).find((figure) => figure.key === key)?.value
      if (before == null) continue
      const delta = Math.round((value - before) * 10) / 10
      const noise = noiseOf(unit, Math.max(value, before), lateOf(key, report) + lateOf(key, other))
      const verdict = Math.abs(delta) <= noise ? 'same' : delta > 0 ? 'worse' : 'better'
      return [{ key, with: other.id, before, delta, verdict }]
    }
    return []
  })
}

function lateOf(key: string, { noiseMs, lateMs }: DrillReport): number {
  return key.startsWith('outage ') ? noiseMs : lateMs
}

/** Writes and calls are counted: one more is one more. */
function noiseOf(unit: Unit, larger: number, lateMs: number): number {
  return unit === 'ms' ? Math.max(LUCK_MS, LUCK_SHARE * larger, lateMs) : 0
}
