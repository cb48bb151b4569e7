/**
 * How does a node tell the peer how far each of its stores is? A section behind the body of a heartbeat (`section.ts`).
 *
 * For people and for records: no rule of the protocol reads it (PROTOCOL, "Data" has a position of its
 * own). It is made once per look at a store; only its age is written anew into each heartbeat. Signed
 * with the rest of the datagram. Big endian; what has a tag we do not know is passed over.
 *
 * | offset | size | field                                                                |
 * | -----: | ---: | -------------------------------------------------------------------- |
 * |      0 |    1 | tag, 1                                                               |
 * |      1 |    2 | bytes of this section after these three                              |
 * |      3 |    2 | milliseconds since it was made; 65 535 is that or more                |
 * |      5 |    1 | stores that are configured                                           |
 * |      6 |    1 | stores that follow here; the others did not fit                      |
 * |      7 |    2 | milliseconds the last promotion of all stores took; 65 535: none     |
 * |      9 |    2 | counts up whenever it is made anew, also when it says the same       |
 * |     11 |    n | the stores, in the order in which they are configured                |
 *
 * A store: flags (2, see FLAGS), name (1 + n), how long ago the look began when this was made (2, ms),
 * then what the flags announce: history (1 + n) and offset (8), highest rate (4, units a second), bytes
 * of its own log on disk (8), what may be lost (6 term of the takeover, 8 at most, 8 anchor, 8 from), and
 * what was found (6 term, 8 exactly). Numbers of 8 bytes are IEEE 754; not a number means not known.
 *
 * With names of up to 12 letters seven stores fit. A peer that is not told of a store says so.
 */

import { EARLY_WORD_BYTES } from './early-word.ts'
import { APPENDED_MAX_BYTES } from './heartbeat.ts'
import {
  atMost,
  f64,
  SectionReader,
  sectionIn,
  shortText,
  U16_MAX,
  u16,
  u32,
  u48,
} from './section.ts'

export const STORE_WORDS_MAX_BYTES = APPENDED_MAX_BYTES - EARLY_WORD_BYTES
/** Where the age lies. */
const AGE_AT = 3
const TAG = 1
const HEAD_BYTES = 11
const HISTORY_CHARS = 16

const FLAGS = {
  writable: 0x0001,
  readOnly: 0x0002,
  following: 0x0004,
  together: 0x0008,
  handedOver: 0x0010,
  position: 0x0020,
  rate: 0x0040,
  log: 0x0080,
  loss: 0x0100,
  compared: 0x0200,
  applied: 0x0400,
} as const

/** What a node may have lost of a store when it took over, as it tells the one that came back. */
export interface LossWord {
  /** Of the takeover. */
  term: number
  /** At most so much, in units of the offset; null when not known. */
  most: number | null
  /**
   * For a server that lost count in a crash: with `logBytes` in its log it held `anchor + logBytes`
   * units beyond ours, provided that is not below `from`. Null where there is no such log.
   */
  anchor: number | null
  from: number | null
}

/** What the one that came back found. */
export interface ComparedWord {
  term: number
  exact: number | null
}

export interface StoreWord {
  name: string
  /** Null when the last look failed. */
  role: 'writable' | 'read-only' | null
  following: boolean
  confirmsTogether: boolean
  /** Frozen, and all of it was seen at the peer: nothing can be lost. */
  handedOver: boolean
  /** Nothing that it received is still to be applied; false also where that cannot be told. */
  applied: boolean
  /** `history` as `historyToken` makes it; null when the last look failed. */
  position: { history: string; offset: number } | null
  /** Milliseconds from the begin of the look to when this was made. */
  lookedAgoMs: number
  /** Units a second; null when not known. */
  rate: number | null
  logBytes: number | null
  loss: LossWord | null
  compared: ComparedWord | null
}

export interface StoreWords {
  /** Of this word; only its lowest 16 bits travel. */
  number: number
  /** Those that fitted. */
  stores: readonly StoreWord[]
  /** How many there are. */
  configured: number
  /** How long the stores took to take writes when they were last told to; null when they were not. */
  promotedMs: number | null
}

/** Enough of a name of a history to know it again. */
export function historyToken(history: string): string {
  return history.slice(0, HISTORY_CHARS)
}

/** @returns at most STORE_WORDS_MAX_BYTES; stores that do not fit are left out, the last ones first */
export function encodeStoreWords(words: StoreWords): Buffer {
  const told: Buffer[] = []
  let length = HEAD_BYTES
  for (const store of words.stores) {
    const bytes = encodeStore(store)
    if (length + bytes.length > STORE_WORDS_MAX_BYTES) break
    told.push(bytes)
    length += bytes.length
  }
  const head = Buffer.alloc(HEAD_BYTES)
  head[0] = TAG
  head.writeUInt16BE(length - AGE_AT, 1)
  head[5] = Math.min(words.configured, 0xff)
  head[6] = told.length
  head.writeUInt16BE(words.promotedMs === null ? U16_MAX : atMost(words.promotedMs, U16_MAX - 1), 7)
  head.writeUInt16BE(words.number & U16_MAX, 9)
  return Buffer.concat([head, ...told])
}

/** Writes the age into a section, in place. */
export function stampStoreWords(section: Buffer, ageMs: number): void {
  section.writeUInt16BE(atMost(ageMs, U16_MAX), AGE_AT)
}

/** Whether two sections say the same, whatever their age. */
export function sameStoreWords(one: Buffer, other: Buffer): boolean {
  const after = AGE_AT + 2
  return one.length === other.length && one.compare(other, after, other.length, after) === 0
}

/** The section of the stores behind the body of a heartbeat, a view; null when there is none. */
export function storeWordsIn(appended: Buffer): Buffer | null {
  return sectionIn(appended, TAG)
}

/**
 * Reads what lies behind the body of a heartbeat. Never throws.
 *
 * @returns null when no word of stores is in it, or it is not as we know it
 */
export function decodeStoreWords(appended: Buffer): { ageMs: number; words: StoreWords } | null {
  const section = storeWordsIn(appended)
  if (section === null || section.length < HEAD_BYTES) return null
  const reader = new SectionReader(section, HEAD_BYTES)
  const stores: StoreWord[] = []
  for (let left = section.readUInt8(6); left > 0; left -= 1) stores.push(readStore(reader))
  if (reader.short) return null
  const promotedMs = section.readUInt16BE(7)
  return {
    ageMs: section.readUInt16BE(AGE_AT),
    words: {
      number: section.readUInt16BE(9),
      stores,
      configured: section.readUInt8(5),
      promotedMs: promotedMs === U16_MAX ? null : promotedMs,
    },
  }
}

function encodeStore(store: StoreWord): Buffer {
  const { position, rate, logBytes, loss, compared } = store
  const parts: Buffer[] = [u16(flagsOf(store)), shortText(store.name), u16(store.lookedAgoMs)]
  if (position !== null) parts.push(shortText(historyToken(position.history)), f64(position.offset))
  if (rate !== null) parts.push(u32(rate))
  if (logBytes !== null) parts.push(f64(logBytes))
  if (loss !== null) parts.push(u48(loss.term), f64(loss.most), f64(loss.anchor), f64(loss.from))
  if (compared !== null) parts.push(u48(compared.term), f64(compared.exact))
  return Buffer.concat(parts)
}

function readStore(reader: SectionReader): StoreWord {
  const flags = reader.uint(2)
  const has = (flag: number): boolean => (flags & flag) !== 0
  const role = has(FLAGS.writable) ? 'writable' : has(FLAGS.readOnly) ? 'read-only' : null
  // In the order of the bytes.
  return {
    role,
    following: has(FLAGS.following),
    confirmsTogether: has(FLAGS.together),
    handedOver: has(FLAGS.handedOver),
    applied: has(FLAGS.applied),
    name: reader.text(),
    lookedAgoMs: reader.uint(2),
    position: has(FLAGS.position) ? { history: reader.text(), offset: reader.number() ?? 0 } : null,
    rate: has(FLAGS.rate) ? reader.uint(4) : null,
    logBytes: has(FLAGS.log) ? reader.number() : null,
    loss: has(FLAGS.loss)
      ? {
          term: reader.uint(6),
          most: reader.number(),
          anchor: reader.number(),
          from: reader.number(),
        }
      : null,
    compared: has(FLAGS.compared) ? { term: reader.uint(6), exact: reader.number() } : null,
  }
}

function flagsOf(store: StoreWord): number {
  return (
    (store.role === 'writable' ? FLAGS.writable : 0) |
    (store.role === 'read-only' ? FLAGS.readOnly : 0) |
    (store.following ? FLAGS.following : 0) |
    (store.confirmsTogether ? FLAGS.together : 0) |
    (store.handedOver ? FLAGS.handedOver : 0) |
    (store.applied ? FLAGS.applied : 0) |
    (store.position === null ? 0 : FLAGS.position) |
    (store.rate === null ? 0 : FLAGS.rate) |
    (store.logBytes === null ? 0 : FLAGS.log) |
    (store.loss === null ? 0 : FLAGS.loss) |
    (store.compared === null ? 0 : FLAGS.compared)
  )
}
