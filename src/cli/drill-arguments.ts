/**
 * What was typed behind `tandem drill`?
 */
import { nearMiss } from '../config/near-miss.ts'
import type { DrillRequest } from '../drill/plan.ts'
import { DRILL_KINDS, isDrillKind } from '../drill/report.ts'
import type { Parsed } from './command.ts'

export type DrillWish =
  | { do: 'list' }
  | { do: 'show'; id: string }
  | { do: 'drill'; request: DrillRequest }

export type ReadWish = { ok: true; wish: DrillWish } | { ok: false; complaint: string }

const CUT_S = { usual: 10, min: 2, max: 60 }
const OF_DRILLS = ['dry-run', 'back', 'seconds', 'yes'] as const

export function wishOf({ positionals, values }: Parsed): ReadWish {
  const [word = 'switchover', id] = positionals
  const no = (complaint: string): ReadWish => ({ ok: false, complaint })
  if (word === 'list' || word === 'show') {
    const foreign = OF_DRILLS.find((option) => values[option] !== undefined)
    if (foreign !== undefined) return no(`--${foreign} does not belong to ${word}`)
    if (word === 'show') return { ok: true, wish: { do: 'show', id: id ?? 'last' } }
    if (values['html'] !== undefined) return no('--html does not belong to list')
    return id === undefined ? { ok: true, wish: { do: 'list' } } : no(`unexpected argument '${id}'`)
  }
  if (!isDrillKind(word)) {
    const words = [...DRILL_KINDS, 'list', 'show']
    const near = nearMiss(word, words)
    const hint = near === null ? `it is one of ${words.join(', ')}` : `did you mean ${near}?`
    return no(`there is no drill '${word}'; ${hint}`)
  }
  if (id !== undefined) return no(`unexpected argument '${id}'`)
  const back = values['back'] === true
  if (back && word !== 'switchover') return no(`--back does not belong to ${word}`)
  const seconds = values['seconds']
  if (seconds !== undefined && word !== 'crosslink-cut') {
    return no(`--seconds does not belong to ${word}`)
  }
  const given = String(seconds ?? CUT_S.usual)
  const cut = /^\d{1,2}$/.test(given) ? Number(given) : Number.NaN
  if (!(cut >= CUT_S.min && cut <= CUT_S.max)) {
    return no(`--seconds '${given}' is not a number from ${CUT_S.min} to ${CUT_S.max}`)
  }
  return { ok: true, wish: { do: 'drill', request: { kind: word, back, cutMs: cut * 1000 } } }
}
