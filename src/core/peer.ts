/**
 * What do we make of a heartbeat? Which ones count at all, how old they are, and what they say of us.
 *
 * Anything we hear breaks the silence, even when it is old: it still counts against us. Only what
 * provably answers something we sent a moment ago counts in our favour (B2); that bounds its age
 * without comparing clocks.
 *
 * Source: PROTOCOL, B0 to B2; B4 is ours (see below).
 */
import type { Heartbeat } from './heartbeat.ts'
import type { Policy } from './policy.ts'
import { NEVER, type PeerBoot, SENT_REMEMBERED, type State } from './state.ts'
import type { Turn } from './turn.ts'

/** Starts of the peer remembered at a time; far more than two, so that replays cannot wash one out. */
const BOOTS_REMEMBERED = 64

/** When our heartbeat of this number was sent; NEVER when it is too old or not ours. */
export function sentAt(s: State, seq: number): number {
  if (seq <= 0 || seq > s.seq || seq <= s.seq - SENT_REMEMBERED) return NEVER
  return s.sentAtMs[seq % SENT_REMEMBERED] ?? NEVER
}

/** When the peer's acknowledgement was sent by us; NEVER when it is not of this start. */
export function acknowledgedAt(s: State, heartbeat: Heartbeat): number {
  return heartbeat.ackBoot === s.boot ? sentAt(s, heartbeat.ackSeq) : NEVER
}

/**
 * Takes in one heartbeat, or drops it whole.
 *
 * B1: a number not above the highest heard of its start is a duplicate, a replay or was overtaken.
 * B4: nothing is accepted of a start that a later start of the peer has proven to be over. A start Y
 * is later than X when Y acknowledges one of our heartbeats sent after we last heard X: Y lived after
 * X did, and only one agent of a node runs at a time. So a recording of an old start breaks the
 * silence once at most for each of its datagrams, and not at all once the peer's newer start was
 * heard answering us. In the one-way case (the peer does not hear us, so it acknowledges nothing)
 * nothing is proven and nothing is dropped.
 *
 * @returns whether it was accepted
 */
export function hear(turn: Turn, heartbeat: Heartbeat, direct: boolean): boolean {
  const { s, now } = turn
  if (heartbeat.node === turn.policy.node) return false
  const known = s.boots.find((entry) => entry.boot === heartbeat.boot)
  if (known !== undefined && (known.superseded || heartbeat.seq <= known.highest)) return false

  const acknowledged = acknowledgedAt(s, heartbeat)
  s.boots = rememberBoot(s.boots, heartbeat, now, acknowledged)
  s.peer = heartbeat
  s.lastHeardMs = now
  s.silentSinceMs = now
  s.tellSinceMs = null
  s.heardSinceStart = true
  if (direct) s.lastDirectMs = now
  if (heartbeat.term > s.termHeard) s.termHeard = heartbeat.term
  if (isFresh(turn, heartbeat)) s.lastFreshMs = now
  return true
}

function rememberBoot(
  boots: readonly PeerBoot[],
  heartbeat: Heartbeat,
  now: number,
  acknowledged: number,
): readonly PeerBoot[] {
  const heard = {
    boot: heartbeat.boot,
    highest: heartbeat.seq,
    lastHeardMs: now,
    superseded: false,
  }
  if (boots.length === 1 && boots[0]?.boot === heartbeat.boot) return [heard]
  const others = boots
    .filter((entry) => entry.boot !== heartbeat.boot)
    .map((entry) =>
      entry.superseded || entry.lastHeardMs >= acknowledged
        ? entry
        : { ...entry, superseded: true },
    )
  if (others.length >= BOOTS_REMEMBERED) others.shift()
  return [...others, heard]
}

/** B2: answers a heartbeat of this start, and was sent at most S ago. */
export function isFresh(turn: Turn, heartbeat: Heartbeat): boolean {
  const acknowledged = acknowledgedAt(turn.s, heartbeat)
  return turn.now - acknowledged - heartbeat.heardAgoMs <= turn.policy.timing.suspicionMs
}

/**
 * The peer is active, by a word of at most S ago that answers this start of ours: no recording says that.
 * Only then may anything of ours be given up for what the peer holds.
 */
export function isProvenActive(s: State, policy: Policy, now: number): boolean {
  const { peer } = s
  return peer?.role === 'active' && isFresh({ s, policy, now, effects: [] }, peer)
}

/** A3: the peer is configured as we are, as far as it was ever heard. */
export function agreesWithPeer(turn: Turn): boolean {
  return turn.s.peer === null || turn.s.peer.digest === turn.policy.digest
}
