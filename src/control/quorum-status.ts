/**
 * What is said of those who guard the right beside the two nodes: their part of the status, and their alarms.
 */
import type { Raised } from './alarm.ts'
import type { FenceSnapshot, QuorumSnapshot, WitnessSnapshot } from './quorum-snapshot.ts'
import type { StatusDocument } from './schema.ts'

/** A record that was taken from us stays an alarm for so long. */
const LOST_MS = 60_000

export function witnessPart(
  { witness }: QuorumSnapshot,
  nowMs: number,
  isoOf: (atMs: number) => string,
): StatusDocument['witness'] {
  if (witness === null) return null
  const { record, holder, held, trouble, calls, failures, renewals, callMs } = witness
  const since = (atMs: number | null): number | null =>
    atMs === null ? null : Math.round(Math.max(0, nowMs - atMs) * 10) / 10
  return {
    ...{ record, holder, held, trouble, calls, failures, renewals },
    unchangedMs: since(witness.changedMs),
    answeredMsAgo: since(witness.answeredMs),
    lostIso: witness.lost === null ? null : isoOf(witness.lost.atMs),
    callMs:
      callMs === null
        ? null
        : { median: round(callMs.median), p99: round(callMs.p99), max: round(callMs.max) },
    endpoints: witness.endpoints.map(({ url, answers, why }) => ({
      url,
      state: answers === null ? 'not-asked' : answers ? 'answering' : 'silent',
      why,
    })),
  }
}

export function fencePart(
  { fence }: QuorumSnapshot,
  nowMs: number,
  isoOf: (atMs: number) => string,
): StatusDocument['fence'] {
  if (fence === null) return null
  const { agent, power, lookedMs, trouble, running, last } = fence
  return {
    ...{ agent, power, trouble, running },
    lookedMsAgo: lookedMs === null ? null : Math.round(Math.max(0, nowMs - lookedMs)),
    last: last === null ? null : { atIso: isoOf(last.atMs), off: last.off, why: last.why },
  }
}

/** @param settled  the agent had the time to ask everybody */
export function quorumAlarms(
  { witness, fence }: QuorumSnapshot,
  { nowMs, settled, leaseMs }: { nowMs: number; settled: boolean; leaseMs: number },
): Raised[] {
  if (!settled) return []
  return [
    ...(witness === null ? [] : witnessAlarms(witness, nowMs, leaseMs)),
    ...(fence === null ? [] : fenceAlarms(fence)),
  ]
}

function witnessAlarms(witness: WitnessSnapshot, nowMs: number, leaseMs: number): Raised[] {
  const raised: Raised[] = []
  const { trouble, lost, callMs } = witness
  if (trouble !== null) {
    const sentence = `the witness does not answer, nobody can take over: ${trouble}`
    raised.push({ code: 'witness-silent', about: '', sentence })
  } else {
    for (const { url, answers, why } of witness.endpoints) {
      if (answers !== false) continue
      const sentence = `endpoint ${url} of the witness does not answer: ${why ?? 'unknown'}`
      raised.push({ code: 'witness-endpoint', about: url, sentence })
    }
  }
  // A call that takes longer is given up (`callLimitMs`): what comes near it is soon too late.
  if (trouble === null && callMs !== null && callMs.p99 > leaseMs / 8) {
    const bound = Math.round(leaseMs / 8)
    const sentence = `one call in a hundred to the witness takes more than ${bound} ms, an eighth of the lease`
    raised.push({ code: 'witness-slow', about: '', sentence })
  }
  if (lost !== null && nowMs - lost.atMs < LOST_MS) {
    const sentence = `its record was taken by ${lost.to ?? 'somebody else'} while this node held it`
    raised.push({ code: 'witness-lost', about: '', sentence })
  }
  return raised
}

/** A failed fencing is one while the peer is not seen to be off since. */
function fenceAlarms({ trouble, last, power }: FenceSnapshot): Raised[] {
  if (last?.off === false && power !== 'off') {
    const sentence = `the peer could not be switched off, so nobody takes over: ${last.why}`
    return [{ code: 'fence-failed', about: '', sentence }]
  }
  if (trouble === null) return []
  const sentence = `the fence could not be used now: ${trouble}`
  return [{ code: 'fence-unusable', about: '', sentence }]
}

function round(ms: number): number {
  return Math.round(ms * 10) / 10
}
