/**
 * How do two nodes speak about services that are started before a move? A section behind the body of a
 * heartbeat, sent only while there is something to say.
 *
 * | offset | size | field                                                                       |
 * | -----: | ---: | --------------------------------------------------------------------------- |
 * |      0 |    3 | tag, 3, and length (`section.ts`)                                           |
 * |      3 |    1 | bits: 1 start yours, 2 ours are being started, 4 ours are up; others ignored |
 */
import { SECTION_HEAD_BYTES, sectionIn, u16 } from './section.ts'

const TAG = 3
const WANTED = 1
const STARTING = 2
const UP = 4
/** Room that the others leave behind the body. */
export const EARLY_WORD_BYTES = SECTION_HEAD_BYTES + 1

export interface EarlyWord {
  /** The role is about to be asked for on behalf of whoever reads this: its services are to be started. */
  wanted: boolean
  /** What the writer starts before it serves: null when nothing is, else whether all of it is up. */
  up: boolean | null
}

/** Nothing to say. */
export const NO_EARLY_WORD: EarlyWord = { wanted: false, up: null }

/** @returns null when there is nothing to say */
export function encodeEarlyWord({ wanted, up }: EarlyWord): Buffer | null {
  if (!wanted && up === null) return null
  const bits = (wanted ? WANTED : 0) | (up === null ? 0 : STARTING) | (up === true ? UP : 0)
  return Buffer.concat([Buffer.from([TAG]), u16(1), Buffer.from([bits])])
}

/** Never throws; what is missing or too short says nothing. */
export function earlyWordIn(appended: Buffer): EarlyWord {
  const section = sectionIn(appended, TAG)
  if (section === null || section.length <= SECTION_HEAD_BYTES) return NO_EARLY_WORD
  const bits = section.readUInt8(SECTION_HEAD_BYTES)
  const starting = (bits & STARTING) !== 0
  return { wanted: (bits & WANTED) !== 0, up: starting ? (bits & UP) !== 0 : null }
}
