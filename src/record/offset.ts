/**
 * How far apart are the clocks of the two nodes? Only for pictures; no decision ever asks.
 *
 * A heartbeat that one node sent at `a` of its clock and the other heard at `b` of its own bounds the
 * difference from one side, for it cannot have come before it was sent; one the other way bounds it from the
 * other side. The tightest of both make an interval, and its middle is wrong by half of it at most. What a
 * heartbeat acknowledges, and how long ago it was heard, says the same of a record that has only one side.
 */
import type { Heartbeat } from '../core/heartbeat.ts'
import { entriesOf } from './entry.ts'
import type { FlightRecord } from './file.ts'

export interface Offset {
  /** To be added to moments of the second to have them on the clock of the first. */
  addMs: number
  /** The order across both nodes is sure only beyond this; null: by their wall clocks, nothing is sure. */
  boundMs: number | null
}

interface Mail {
  sent: Map<number, number>
  heard: { heartbeat: Heartbeat; atMs: number }[]
}

/** @param first  and `second`, records of the two nodes of one pair */
export function offsetOf(first: FlightRecord, second: FlightRecord): Offset {
  const ours = mailOf(first)
  const theirs = mailOf(second)
  // Clock of the second minus that of the first: at most, and at least.
  const most = lowest(ours.sent, theirs.heard, first.header.boot)
  const least = -lowest(theirs.sent, ours.heard, second.header.boot)
  if (!Number.isFinite(most) || !Number.isFinite(least)) {
    return { addMs: second.header.wallOffsetMs - first.header.wallOffsetMs, boundMs: null }
  }
  return { addMs: -(most + least) / 2, boundMs: Math.abs(most - least) / 2 }
}

/** Least of "heard, on the hearer's clock, minus sent, on the sender's". */
function lowest(sent: Mail['sent'], heard: Mail['heard'], boot: string): number {
  let least = Number.POSITIVE_INFINITY
  for (const { heartbeat, atMs } of heard) {
    if (heartbeat.boot !== boot) continue
    const sentMs = sent.get(heartbeat.seq)
    if (sentMs !== undefined) least = Math.min(least, atMs - sentMs)
  }
  return least
}

function mailOf({ header, numbers }: FlightRecord): Mail {
  const mail: Mail = { sent: new Map(), heard: [] }
  let nowMs = header.beginMs
  for (const entry of entriesOf(numbers, header.texts)) {
    if (entry.type === 'step') {
      nowMs = entry.event.nowMs
      if (entry.event.type === 'heartbeat') {
        mail.heard.push({ heartbeat: entry.event.heartbeat, atMs: nowMs })
      }
    } else if (entry.type === 'effect' && entry.effect.type === 'send') {
      mail.sent.set(entry.effect.heartbeat.seq, nowMs)
    }
  }
  return mail
}
