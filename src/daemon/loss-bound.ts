/**
 * How much may be lost at most when a node takes over, and how much was it in the end? The arithmetic.
 *
 *     we have ours      they had told           they could write until here
 *          |------ sure -----|------ rate x time ------|
 *
 * What the peer told of its store a moment before it fell silent, less what we hold, is missing for
 * sure. After that word it went on writing, at the longest until we took over (by then its lease is over
 * by every reckoning): at most twice as fast as it was ever seen in the last ten minutes. Who writes
 * faster than that for the first time in this very moment exceeds the bound; nobody can tell beforehand.
 *
 * A store that confirms writes only together with the peer loses nothing that was confirmed, provided it
 * still did so. Pure.
 */
import type { ComparedWord, LossWord, StoreWord } from '../wire/store-words.ts'
import { historyToken } from '../wire/store-words.ts'

/**
 * A server writes its log out of memory late while the disk is busy, and a power cut takes what was not
 * synchronized; both at most so many seconds of writes (Redis: `appendfsync everysec`).
 */
const LOG_LAG_S = 3

/** What was seen is an average between two looks; in between it may have been faster. */
const RATE_FACTOR = 2

export interface Bound {
  /** Units of the offset: bytes of Redis, transactions of MariaDB; null when not known. */
  most: number | null
  /** Writes of the last so many milliseconds of the peer may be among them; null when not known. */
  overMs: number | null
  /** Nothing of it was confirmed to anybody. */
  confirmedSafe: boolean
}

/** A peer that stood by and was not heard for longer than this may have served since. */
const STOOD_BY_MAX_MS = 10_000

export interface BoundFacts {
  /** The peer's last word of the store with a position. */
  word: Pick<StoreWord, 'role' | 'confirmsTogether' | 'handedOver' | 'position' | 'rate'>
  /** The peer did not give the role up, so it may have given the store free again. */
  unplanned: boolean
  /** When the look behind it began, on our clock, or earlier. */
  lookedMs: number
  /** Until when we served ourselves last; null when we did not. */
  servedMs: number | null
  /** Ours, with everything applied that was received; null when it could not be told. */
  ours: { history: string; offset: number } | null
  /** When we took over. */
  takenMs: number
  /** Highest rate that we saw ourselves; null when we did not. */
  ownRate: number | null
  /** The peer's writes were confirmed only when we had them; null when the pair does not keep book. */
  inSync: boolean | null
  /** How long its server holds a write back before it confirms it alone. */
  holdsMs: number
}

export function boundOf(facts: BoundFacts): Bound {
  const { word, unplanned, ours, lookedMs, takenMs } = facts
  const agoMs = Math.max(0, takenMs - lookedMs)
  const wrote = word.role === 'writable' && (unplanned || !word.handedOver)
  const overMs = wrote ? agoMs : 0
  const together = facts.inSync ?? (word.confirmsTogether && agoMs < facts.holdsMs)
  if (together) return { most: 0, overMs, confirmedSafe: true }
  const { position } = word
  const unknown = { most: null, overMs, confirmedSafe: false }
  const stoodByMs = takenMs - Math.max(lookedMs, facts.servedMs ?? lookedMs)
  if (unplanned && !wrote && stoodByMs > STOOD_BY_MAX_MS) return { ...unknown, overMs: null }
  if (ours === null || position === null) return unknown
  if (historyToken(ours.history) !== historyToken(position.history)) return unknown
  const behind = Math.max(0, position.offset - ours.offset)
  if (overMs === 0) return { most: behind, overMs, confirmedSafe: false }
  if (word.rate === null && facts.ownRate === null) return unknown
  const rate = RATE_FACTOR * Math.max(word.rate ?? 0, facts.ownRate ?? 0)
  return { most: behind + Math.ceil((rate * overMs) / 1000), overMs, confirmedSafe: false }
}

/** By which a server that lost count in a crash can be measured later; see `LossWord`. */
export function anchorOf(
  word: Pick<StoreWord, 'position' | 'logBytes' | 'rate'>,
  ours: { history: string; offset: number } | null,
): Pick<LossWord, 'anchor' | 'from'> {
  const { position, logBytes } = word
  if (ours === null || position === null || logBytes === null) return { anchor: null, from: null }
  if (historyToken(ours.history) !== historyToken(position.history))
    return { anchor: null, from: null }
  // Shorter than this and it was begun anew.
  const from = Math.max(0, logBytes - Math.ceil(LOG_LAG_S * (word.rate ?? 0)))
  return { anchor: position.offset - logBytes - ours.offset, from }
}

/** What comparing found on the node that came back. */
export interface Found {
  /** Units that only it holds, where the servers could tell; null when they could not. */
  ours: number | null
  /** Bytes of its own log before it was linked; null when it keeps none. */
  logBytes: number | null
}

/** How much only the node that came back holds; null when it cannot be told. */
export function exactOf(loss: LossWord, found: Found): ComparedWord {
  const { term, most, anchor, from } = loss
  if (found.ours !== null) return { term, exact: found.ours }
  if (anchor === null || from === null || found.logBytes === null || found.logBytes < from)
    return { term, exact: null }
  const exact = Math.max(0, anchor + found.logBytes)
  // What cannot be is the sign of another log, not of more writes.
  return { term, exact: most !== null && exact > most ? null : exact }
}
