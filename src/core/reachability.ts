/**
 * Does our own network work? Rounds of echo requests to the ping nodes, and what they prove.
 *
 * In everyday words: one answer proves little, because a round may straddle the moment in which a
 * network splits. The same strict majority answering two rounds in a row (a pair) proves that it was
 * on our side for a while; an unbroken streak of majorities proves that the other side had none.
 *
 * Source: PROTOCOL, "round", R2, T2 and the ping score of the heartbeat.
 */
import type { Policy } from './policy.ts'
import type { Round, State } from './state.ts'
import type { Turn } from './turn.ts'

/** Number of ones in a set of up to 31 ping nodes. */
export function countOf(set: number): number {
  let count = 0
  for (let rest = set; rest !== 0; rest &= rest - 1) count += 1
  return count
}

/** More than half of the configured ping nodes, answering or not (A3). */
export function isMajority(set: number, policy: Policy): boolean {
  return countOf(set) * 2 > policy.pingNodeCount
}

/**
 * Opens the next round and judges the ones whose time is up.
 *
 * A round that is over without a majority breaks the streak; so does a hole between two rounds.
 */
export function beginRound(turn: Turn): void {
  const { s, policy, now } = turn
  if (policy.pingNodeCount === 0) return
  judge(turn, s.roundBefore)
  judge(turn, s.round)
  if (s.round !== null && now - s.round.sentAtMs > policy.timing.gapMs) {
    s.streakFromMs = null
    s.pair = null
  }
  s.roundBefore = s.round
  s.round = { number: (s.round?.number ?? 0) + 1, sentAtMs: now, answered: 0 }
  turn.effects.push({ type: 'ping', round: s.round.number })
}

function judge(turn: Turn, round: Round | null): void {
  const { s, policy, now } = turn
  if (round === null || s.streakFromMs === null) return
  if (now - round.sentAtMs < policy.timing.roundMs || isMajority(round.answered, policy)) return
  const later = s.round !== null && s.round !== round ? s.round : null
  s.streakFromMs = later !== null && isMajority(later.answered, policy) ? later.sentAtMs : null
}

/** A ping node answered. Late answers count for nothing. */
export function notePong(turn: Turn, roundNumber: number, pingNode: number): void {
  const { s, policy, now } = turn
  const current = s.round?.number === roundNumber
  const round = current ? s.round : s.roundBefore
  if (round === null || round.number !== roundNumber) return
  if (now - round.sentAtMs > policy.timing.roundMs) return
  const answered = round.answered | (1 << pingNode)
  if (answered === round.answered) return

  const pongAtMs = s.pongAtMs.slice()
  pongAtMs[pingNode] = now
  s.pongAtMs = pongAtMs
  // Field by field: nearly half of all events end here, and a spread costs as much as all the rest.
  const next: Round = { number: round.number, sentAtMs: round.sentAtMs, answered }
  if (current) s.round = next
  else s.roundBefore = next
  if (isMajority(answered, policy)) {
    s.lastMajorityMs = Math.max(s.lastMajorityMs, next.sentAtMs)
    if (s.streakFromMs === null) s.streakFromMs = next.sentAtMs
  }
  notePair(s, policy)
}

/** Two rounds in a row, not more than G apart, answered by the same strict majority. */
function notePair(s: State, policy: Policy): void {
  const { round, roundBefore } = s
  if (round === null || roundBefore === null) return
  if (round.number !== roundBefore.number + 1) return
  if (round.sentAtMs - roundBefore.sentAtMs > policy.timing.gapMs) return
  if (!isMajority(round.answered & roundBefore.answered, policy)) return
  s.pair = { firstMs: roundBefore.sentAtMs, laterMs: round.sentAtMs }
}

/** Reaches a strict majority now: the newest round that had one is not older than G. */
export function hasMajority(turn: Turn): boolean {
  return turn.now - turn.s.lastMajorityMs <= turn.policy.timing.gapMs
}

/**
 * T2: a strict majority in every round for Q, the newest pair and the newest majority not older
 * than G.
 */
export function hasSteadyMajority(turn: Turn): boolean {
  const { s, policy, now } = turn
  const { majorityStreakMs, gapMs } = policy.timing
  if (s.streakFromMs === null || now - s.streakFromMs < majorityStreakMs) return false
  return s.pair !== null && now - s.pair.laterMs <= gapMs && hasMajority(turn)
}

/**
 * Ping nodes that answered lately: their newest answer is younger than one interval and the time an
 * answer may take. Single missed rounds show, and are damped by C where somebody acts on them.
 */
export function score(turn: Turn): number {
  const windowMs = 1.75 * turn.policy.timing.heartbeatMs
  let reached = 0
  for (const at of turn.s.pongAtMs) if (turn.now - at <= windowMs) reached += 1
  return reached
}
