/**
 * Did audio flow, and in which directions?
 *
 * A direction is good when more than half of what was sent arrived. Of our own callee we know what was sent;
 * of somebody else only what the sequence numbers tell. Less than half is no conversation, and one lost
 * packet in a hundred is not what this asks about: the counts tell that.
 */
import type { MediaCount } from './media.ts'

export interface AudioCounts {
  caller: MediaCount
  /** Null: somebody else was called. */
  callee: MediaCount | null
}

export interface AudioReport extends AudioCounts {
  ok: boolean
  why: string
}

export function judgeAudio(counts: AudioCounts): AudioReport {
  return { ...counts, ...(counts.callee === null ? ofOther(counts.caller) : ofBoth(counts)) }
}

type Judged = Pick<AudioReport, 'ok' | 'why'>

function ofOther({ received, lost }: MediaCount): Judged {
  if (received === 0) return { ok: false, why: 'no audio came from the callee' }
  const share = `${received} packets, ${lost} lost`
  if (received <= lost) return { ok: false, why: `most audio of the callee was lost: ${share}` }
  return { ok: true, why: `audio came from the callee: ${share}` }
}

function ofBoth({ caller, callee }: AudioCounts): Judged {
  const there = callee?.received ?? 0
  const back = caller.received
  const sentBack = callee?.sent ?? 0
  const way = `${there} of ${caller.sent} packets reached the callee`
  const both = `${way}, ${back} of ${sentBack} the caller`
  const reached = [2 * there > caller.sent, 2 * back > sentBack]
  if (reached[0] && reached[1]) return { ok: true, why: `audio in both directions: ${both}` }
  if (!reached[0] && !reached[1]) return { ok: false, why: `no audio: ${both}` }
  return { ok: false, why: `one-way audio: ${both}` }
}
