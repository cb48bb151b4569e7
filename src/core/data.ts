/**
 * Who holds which data, and who may confirm a write? `inSync`, `sole`, `sync`.
 *
 * In everyday words: a standby may only claim to have everything while a provably recent word of the
 * peer says so. An active may only confirm writes the standby lacks after it has marked on disk that
 * it alone holds them, and after the standby knows, or can no longer act on the claim.
 *
 * Source: PROTOCOL, "Data (T4)".
 */
import { comparePositions } from './fitness.ts'
import type { Heartbeat, Position } from './heartbeat.ts'
import { acknowledgedAt, isFresh } from './peer.ts'
import { NEVER } from './state.ts'
import { hearsPeer, persist, type Turn } from './turn.ts'

/** Stores are looked at several times a second; a look that takes longer than this has failed. */
const LOOKED_AGAIN_MS = 1_200

/** What a heartbeat says about our data: set by a fresh one only, cleared by any. */
export function noteSync(turn: Turn, heartbeat: Heartbeat): void {
  const { s } = turn
  yieldSole(turn, heartbeat)
  const says = saysInSync(turn, heartbeat)
  if (says === false) s.inSync = false
  else if (says === true && isFresh(turn, heartbeat)) s.inSync = true
}

/** How far our data reaches. What was promised for one history is not for another. */
export function notePosition({ s }: Turn, position: Position): void {
  if (position.term !== s.position.term) s.inSync = false
  s.position = position
  s.positionUnknown = false
}

/**
 * A peer that is provably active in a later history than ours may hold what we lack: what we alone
 * held is no longer the newest. (It came to be active without our grant, which clears `sole` too.)
 */
function yieldSole(turn: Turn, heartbeat: Heartbeat): void {
  const { s } = turn
  if (!s.sole || s.role === 'active' || heartbeat.role !== 'active') return
  if (heartbeat.position.term <= s.position.term || !isFresh(turn, heartbeat)) return
  s.sole = false
  s.soleTicket = persist(turn)
}

/**
 * A peer that has not looked at its stores since its start says nothing either way: what an active said
 * before holds for as long as nobody became active since, and `sole` is on its disk.
 *
 * @returns null: nothing is said
 */
function saysInSync(turn: Turn, heartbeat: Heartbeat): boolean | null {
  const { position, positionUnknown } = turn.s
  if (heartbeat.role === 'active')
    return heartbeat.sync && position.term === heartbeat.position.term
  if (heartbeat.want || heartbeat.sole) return false
  if (heartbeat.positionUnknown || positionUnknown) return null
  return comparePositions(heartbeat.position, position) <= 0
}

/** Somebody answered a probe later than `lastFresh` + D: there was an active we did not follow. */
export function noteAnsweredProbe(turn: Turn): void {
  const { s, policy, now } = turn
  if (now > s.lastFreshMs + policy.timing.takeoverSilenceMs) s.inSync = false
}

/**
 * Moves the confirmation of writes on an active: together, waiting, alone, and back.
 *
 * The store confirms, not we: that it was asked to wait for the peer is not yet that it does, and one
 * that waited too long goes on by itself. So `sync` needs its own word as well.
 */
export function confirmWrites(turn: Turn): void {
  const { s, policy } = turn
  if (s.role !== 'active' || !s.armed || policy.data.takeover === 'none') return
  switch (s.confirming) {
    case 'together':
      if (!hearsPeer(turn) || !standbyFollows(turn)) announceNotSync(turn)
      else if (!s.together) announceNotSync(turn)
      return
    case 'waiting':
      if (s.together && standbyCaughtUp(turn)) join(turn)
      else if (mayConfirmAlone(turn)) {
        s.confirming = 'marking'
        s.sole = true
        s.soleMarkTicket = persist(turn)
      }
      return
    case 'marking':
      if (s.persistedTicket < s.soleMarkTicket) return
      confirmAlone(turn)
      return
    case 'alone':
      if (!standbyCaughtUp(turn) || !positionIsOfLate(turn)) return
      s.confirming = 'inviting'
      turn.effects.push({ type: 'confirm', alone: false })
      return
    case 'inviting':
      if (!hearsPeer(turn) || !standbyFollows(turn)) {
        // Only what is seen from now on counts for the next invitation.
        s.announcedAtMs = turn.now
        confirmAlone(turn)
      } else if (s.together && standbyCaughtUp(turn)) join(turn)
      return
    case 'joining':
      if (s.persistedTicket < s.soleMarkTicket) return
      // What is written meanwhile is confirmed by the standby; it need not be reached for a moment.
      if (s.together && hearsPeer(turn) && standbyFollows(turn)) s.confirming = 'together'
      else announceNotSync(turn)
      return
    default:
      s.confirming satisfies never
  }
}

/** What the store said before is not its word for after: it waits again when it is seen to. */
function confirmAlone(turn: Turn): void {
  turn.s.confirming = 'alone'
  turn.s.together = false
  turn.effects.push({ type: 'confirm', alone: true })
}

/** `sync` of the heartbeat. */
export function saysSync(turn: Turn): boolean {
  const { s, policy } = turn
  return policy.data.takeover !== 'none' && s.role === 'active' && s.confirming === 'together'
}

function join(turn: Turn): void {
  turn.s.confirming = 'joining'
  turn.s.sole = false
  turn.s.soleMarkTicket = persist(turn)
  // Nor does the role leave, or a grant, before that is on disk.
  turn.s.soleTicket = turn.s.soleMarkTicket
}

function announceNotSync(turn: Turn): void {
  const { s, now } = turn
  s.confirming = 'waiting'
  s.announcedAtMs = now
  s.announcedSeq = s.seq + 1
}

/**
 * Our position was looked at since we stopped to wait for the standby. Before, it is that of the last
 * write the standby has, which then seems to have caught up although its store hangs, and every write
 * would wait for it once more.
 */
function positionIsOfLate(turn: Turn): boolean {
  const { s, policy, now } = turn
  return now - s.announcedAtMs >= LOOKED_AGAIN_MS + policy.data.confirmAloneAfterMs
}

/** The peer's position lies in our own history; the tail of another history confirms nothing. */
function standbyFollows(turn: Turn): boolean {
  const { s } = turn
  return s.peer !== null && !s.peer.want && s.peer.position.term === s.position.term
}

function standbyCaughtUp(turn: Turn): boolean {
  const { s } = turn
  if (s.peer === null || !hearsPeer(turn) || !isFresh(turn, s.peer)) return false
  return standbyFollows(turn) && comparePositions(s.peer.position, s.position) >= 0
}

/**
 * The standby knows that we are no longer in step and does not claim to be; or W has passed and we
 * held the right without it, so its own claim has run out.
 */
function mayConfirmAlone(turn: Turn): boolean {
  const { s, policy } = turn
  if (s.unaidedAtMs >= s.announcedAtMs + policy.data.confirmAloneAfterMs) return true
  if (s.peer === null || s.peer.inSync) return false
  return acknowledgedAt(s, s.peer) !== NEVER && s.peer.ackSeq >= s.announcedSeq
}
