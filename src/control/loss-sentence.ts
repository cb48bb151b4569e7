/**
 * What may a takeover have lost, in a sentence? Said alike by log, alarm, status and history.
 */
import { type NodeName, peerOf } from '../core/policy.ts'
import { amountOf } from './amount.ts'
import type { LossRecord } from './schema.ts'
import type { LossSnapshot } from './snapshot.ts'

type Figures = Omit<LossSnapshot, 'atMs'>

/** For history and status. */
export function lossRecordOf(loss: LossSnapshot, atIso: string): LossRecord {
  const { atMs: _atMs, overMs, ...told } = loss
  const rounded = overMs === null ? null : Math.round(overMs)
  return { ...told, overMs: rounded, atIso, sentence: lossSentence(loss) }
}

export function lossSentence(loss: LossSnapshot): string {
  const found = loss.settled ? `; ${foundWords(loss)}` : ''
  return `${boundWords(loss, peerOf(loss.by))}${found}`
}

/** `12.4 kB`, `unknown`, `none confirmed`: the bound in a table. */
export function boundCell({ kind, most, confirmedSafe }: Figures): string {
  if (confirmedSafe) return 'none confirmed'
  return most === null ? 'unknown' : amountOf(kind, most)
}

/** The exact figure in a table. */
export function exactCell({ kind, settled, exact }: Figures): string {
  if (!settled) return 'not compared yet'
  return exact === null ? 'unknown' : amountOf(kind, exact)
}

function boundWords(
  { store, kind, most, overMs, confirmedSafe }: LossSnapshot,
  of: NodeName,
): string {
  if (confirmedSafe) {
    return `nothing confirmed of ${store} is lost: a write was confirmed only when both nodes had it`
  }
  if (most === null) return `how much ${store} of ${of} held beyond ours is not known`
  const amount = `at most ${amountOf(kind, most)} of ${store} of ${of} may be lost`
  return overMs === null || overMs === 0
    ? amount
    : `${amount}, with the writes of its last ${Math.round(overMs)} ms`
}

function foundWords({ kind, most, exact, confirmedSafe }: LossSnapshot): string {
  if (exact === null) return 'exactly: it could not be told, all it held was set aside'
  const only = `exactly ${amountOf(kind, exact)}`
  if (confirmedSafe && exact > 0) return `${only} that nobody was told of`
  const more = most !== null && !confirmedSafe && exact > most
  return more
    ? `${only}, more than was thought possible: writes came faster than ever before`
    : only
}
