/**
 * How does a node that took the role tell the peer what it did, and when? A section behind the body of a
 * heartbeat, so that whoever asked the old active sees the steps of the new one.
 *
 * | offset | size | field                                                        |
 * | -----: | ---: | ------------------------------------------------------------ |
 * |      0 |    3 | tag, 2, and length (`section.ts`)                            |
 * |      3 |    6 | term of the takeover                                         |
 * |      9 |    1 | 1: nothing more is to come                                   |
 * |     10 |    n | steps in order: kind (1), milliseconds since it began (2), whom it is about (1 + n) |
 *
 * Steps that do not fit are left out, the last ones first; 65 535 ms is that or more. A kind that is not
 * known is passed over.
 */
import { SECTION_HEAD_BYTES, SectionReader, sectionIn, shortText, u16, u48 } from './section.ts'
import { KINDS, type StepWords, type ToldStep } from './told-step.ts'

const TAG = 2
const COMPLETE = 1
const HEAD_BYTES = SECTION_HEAD_BYTES + 7

/** @returns at most `maxBytes`; null when not even its head fits */
export function encodeStepWords(words: StepWords, maxBytes: number): Buffer | null {
  if (maxBytes < HEAD_BYTES) return null
  const told: Buffer[] = [u48(words.term), Buffer.from([words.complete ? COMPLETE : 0])]
  let length = HEAD_BYTES
  for (const { kind, afterMs, subject } of words.steps) {
    const number = Buffer.from([KINDS.indexOf(kind) + 1])
    const bytes = Buffer.concat([number, u16(afterMs), shortText(subject)])
    if (length + bytes.length > maxBytes) break
    told.push(bytes)
    length += bytes.length
  }
  return Buffer.concat([Buffer.from([TAG]), u16(length - SECTION_HEAD_BYTES), ...told])
}

/** The section behind the body of a heartbeat, as a view; null when there is none. */
export function stepWordsIn(appended: Buffer): Buffer | null {
  return sectionIn(appended, TAG)
}

/** Reads one such section. Never throws. @returns null when it is not as we know it */
export function decodeStepWords(section: Buffer): StepWords | null {
  if (section.length < HEAD_BYTES) return null
  const reader = new SectionReader(section, SECTION_HEAD_BYTES)
  const term = reader.uint(6)
  const complete = (reader.uint(1) & COMPLETE) !== 0
  const steps: ToldStep[] = []
  while (!reader.atEnd) {
    const kind = KINDS[reader.uint(1) - 1]
    const afterMs = reader.uint(2)
    const subject = reader.text()
    if (reader.short) return null
    if (kind !== undefined) steps.push({ kind, afterMs, subject })
  }
  return { term, complete, steps }
}
