/**
 * What should we do now? The whole decision: state and event in, next state and effects out.
 *
 * No clock, no socket, no random number, no promise: the same state and event always give the same
 * answer, which is what lets the simulator, `explain` and the agent run the very same lines.
 *
 * Order on every event (PROTOCOL, "Events"): the gap rule, the end of the lease, the event itself,
 * the decision.
 */
import { copyState } from './copy-state.ts'
import { confirmWrites, noteAnsweredProbe, notePosition, noteSync, saysSync } from './data.ts'
import type { Effect } from './effect.ts'
import { considerElection, continueElection, noteVacancy } from './election.ts'
import type { Event } from './event.ts'
import { comparePositions, isAble } from './fitness.ts'
import type { Heartbeat } from './heartbeat.ts'
import { assertInvariants } from './invariant.ts'
import {
  giveGrant,
  seesAnything,
  takeFenceRight,
  takeGrant,
  takeMajority,
  takeWitness,
} from './lease.ts'
import { hear } from './peer.ts'
import type { Policy } from './policy.ts'
import { beginRound, hasMajority, notePong, score } from './reachability.ts'
import { becomeDemoting, becomeStandby } from './role.ts'
import { REFLECT_EVERY, SENT_REMEMBERED, type State } from './state.ts'
import { compareReachability, considerSwitchover, endAsk } from './switchover.ts'
import { considerTakeover, continueTakeover } from './takeover.ts'
import { hearsPeer, nextTerm, reserveTerm, type Turn, takeTerm, wants } from './turn.ts'
import { leaveOccupation, leaveStaleOccupation, noteProbe, probeAndOccupy } from './vacancy.ts'

/** What a node must do, and what it knows afterwards. */
export interface Decision {
  state: Readonly<State>
  /** To be carried out strictly in this order (K1). */
  effects: readonly Effect[]
}

/**
 * Decides.
 *
 * @param state  as handed out by the step before; never changed
 * @throws Error when an invariant is broken: our mistake, never the network's
 */
export function step(state: Readonly<State>, event: Event, policy: Policy): Decision {
  const turn: Turn = { s: copyState(state), policy, now: event.nowMs, effects: [] }
  const { s } = turn
  noteGap(turn)
  endLease(turn)
  take(turn, event)
  const awaited = peerWaitsForUs(state, turn) || dataIsAwaited(state, turn)
  decide(turn, { tick: event.type === 'tick', awaited })
  s.lastRunMs = turn.now
  assertInvariants(state, s)
  return { state: s, effects: turn.effects }
}

/** Time in which this node was stopped is no evidence of the peer's silence. */
function noteGap(turn: Turn): void {
  const { s, policy, now } = turn
  if (now - s.lastRunMs <= policy.timing.gapMs) return
  s.silentSinceMs = now
  s.streakFromMs = null
  s.pair = null
  s.probesClearFromMs = null
  s.tellSinceMs = null
}

/** R5: an ended lease is not revived. The kernel has shut the gate by then. */
function endLease(turn: Turn): void {
  const { s, now } = turn
  if (s.role === 'active' && now >= s.leaseUntilMs) becomeDemoting(turn, 'lease-ended')
}

function take(turn: Turn, event: Event): void {
  const { s, policy, now } = turn
  switch (event.type) {
    case 'start':
      start(turn)
      return
    case 'tick':
      return
    case 'heartbeat':
      takeHeartbeat(turn, event.heartbeat, event.direct)
      return
    case 'pong':
      notePong(turn, event.round, event.pingNode)
      takeMajority(turn)
      return
    case 'probed':
      if (!event.clear) noteAnsweredProbe(turn)
      noteProbe(turn, event)
      return
    case 'persisted':
      s.persistedTicket = Math.max(s.persistedTicket, event.ticket)
      return
    case 'refused':
      noteRefusal(turn)
      return
    case 'demoted':
      if (s.role === 'demoting') becomeStandby(turn, 'data-demoted')
      return
    case 'witness':
      takeWitness(turn, event)
      return
    case 'fenced':
      if (s.fence === 'asked') s.fence = event.off ? 'off' : 'none'
      return
    case 'ask':
      s.ask = event.node
      s.askUntilMs = now + policy.timing.prepareMs
      // For the node that is named: whoever accepts old data there has not accepted ours.
      if (event.force && event.node === policy.node) {
        s.forceUntilMs = now + policy.timing.prepareMs
      }
      return
    case 'health':
      s.healthy = event.healthy
      return
    case 'maintenance':
      s.maintenance = event.on
      if (event.on && event.force === true && s.role === 'active') {
        becomeDemoting(turn, 'maintenance')
      }
      return
    case 'behind':
      s.behind = event.behind
      return
    case 'position':
      notePosition(turn, event.position)
      return
    case 'confirms':
      s.together = event.together
      return
    case 'frozen':
      notePosition(turn, event.position)
      if (s.preparation !== null) s.preparation = { ...s.preparation, frozenAt: event.position }
      return
    default:
      event satisfies never
  }
}

/** First of all the gate is shut: the kernel may still hold that of an agent that crashed. */
function start(turn: Turn): void {
  const { s, policy, now } = turn
  s.startedAtMs = now
  s.silentSinceMs = now
  // T0: an earlier start of this agent may have promised.
  s.grantUntilMs = now + policy.timing.leaseMs + policy.timing.marginMs
  turn.effects.push({ type: 'close' }, { type: 'demote' })
}

function takeHeartbeat(turn: Turn, heartbeat: Heartbeat, direct: boolean): void {
  const { s } = turn
  if (!hear(turn, heartbeat, direct)) return
  s.fence = 'none'
  noteSync(turn, heartbeat)
  if (s.role === 'active' && heartbeat.term > s.term) {
    if (heartbeat.role === 'active') {
      becomeDemoting(turn, 'higher-term')
      turn.effects.push({ type: 'set-aside' })
      return
    }
    if (!s.armed) s.attemptTicket = takeTerm(turn)
  }
  takeGrant(turn, heartbeat)
}

/**
 * An active that heard a higher term goes on in a higher one of its own, once that is on disk: it is the
 * term of what is written from then on, and a start that knows nothing of it could use it again.
 */
function raiseTerm(turn: Turn): void {
  const { s } = turn
  if (s.role !== 'active' || !s.armed || s.termHeard < s.term) return
  if (nextTerm(turn) > s.reservedTerm) reserveTerm(turn)
  if (s.persistedTicket >= s.reservedTicket) takeTerm(turn)
}

/** K4: the attempt or the role ends with a refusal. */
function noteRefusal(turn: Turn): void {
  const { s } = turn
  if (s.role === 'active') becomeDemoting(turn, 'gate-refused')
  else if (s.role === 'take') {
    becomeStandby(turn, 'gate-refused')
    leaveOccupation(turn)
  } else leaveOccupation(turn)
}

/**
 * The peer wants the right and was not heard for a while, because of the network or of a pause of
 * either machine: its lease may be about to end, and what renews it is our word on what just came.
 */
function peerWaitsForUs(before: Readonly<State>, turn: Turn): boolean {
  const { s, policy, now } = turn
  if (s.lastHeardMs === before.lastHeardMs || s.peer === null || !s.peer.want) return false
  return !wants(s) && now - before.lastHeardMs > 1.5 * policy.timing.heartbeatMs
}

/**
 * Writes are frozen until the peer has our position and has said so: neither word waits for the next
 * tick. A standby says it whenever it has reached what the active told.
 */
function dataIsAwaited(before: Readonly<State>, turn: Turn): boolean {
  const { s, policy } = turn
  if (policy.data.takeover === 'none' || s.position === before.position) return false
  if (s.role === 'active') return s.preparation?.frozenAt === s.position
  return (
    s.role === 'standby' &&
    s.peer?.role === 'active' &&
    comparePositions(s.position, s.peer.position) === 0
  )
}

function decide(turn: Turn, { tick, awaited }: { tick: boolean; awaited: boolean }): void {
  compareReachability(turn)
  noteVacancy(turn)
  endAsk(turn)
  if (tick) beginRound(turn)
  takeFenceRight(turn)
  considerElection(turn)
  continueElection(turn)
  raiseTerm(turn)
  considerTakeover(turn)
  continueTakeover(turn)
  considerSwitchover(turn)
  confirmWrites(turn)
  leaveStaleOccupation(turn)
  extendGate(turn)
  if (tick) probeAndOccupy(turn)
  if (tick) askWitness(turn)
  if (tick) writeNextTerm(turn)
  tellPeer(turn, tick || awaited)
}

function extendGate(turn: Turn): void {
  const { s } = turn
  if (s.role !== 'active' || !s.armed || s.leaseUntilMs <= s.gateUntilMs) return
  s.gateUntilMs = s.leaseUntilMs
  turn.effects.push({ type: 'extend', deadlineMs: s.leaseUntilMs })
}

/**
 * A disk that is busy keeps a write waiting for as long as it likes, and in the moment of a takeover
 * there is no time for that: the term is on disk before anybody knows that it will be needed.
 */
function writeNextTerm(turn: Turn): void {
  if (turn.s.role === 'standby' && nextTerm(turn) > turn.s.reservedTerm) reserveTerm(turn)
}

function askWitness(turn: Turn): void {
  const { s, policy } = turn
  if (policy.mode !== 'witness' || s.attempt === null || !seesAnything(turn)) return
  if (s.role !== 'take' && !(s.role === 'active' && s.armed)) return
  turn.effects.push({ type: 'ask-witness', attempt: s.attempt })
}

/** A heartbeat when it is due, and at once when what the peer waits for has changed. */
function tellPeer(turn: Turn, due: boolean): void {
  const { s } = turn
  const want = wants(s)
  const grant = giveGrant(turn)
  const { told } = s
  const changed =
    told !== null &&
    (told.want !== want || told.role !== s.role || told.grant !== grant || told.ask !== s.ask)
  if (!due && !changed) return
  s.told = { want, role: s.role, grant, ask: s.ask }
  const heartbeat = compose(turn, grant)
  turn.effects.push({ type: 'send', heartbeat, reflect: needsReflection(turn, heartbeat) })
}

/** Full rate as soon as nothing was heard for H on the direct paths, here or at the peer. */
function needsReflection(turn: Turn, heartbeat: Heartbeat): boolean {
  const { s } = turn
  if (!heartbeat.direct) return true
  if (s.peer !== null && !s.peer.direct) return true
  return heartbeat.seq % REFLECT_EVERY === 0
}

function compose(turn: Turn, grant: boolean): Heartbeat {
  const { s, policy, now } = turn
  const hears = hearsPeer(turn)
  const majority = hasMajority(turn)
  // What makes the peer give up R2 is both words in one heartbeat, without a break.
  if (hears || !majority) s.tellSinceMs = null
  else s.tellSinceMs ??= now
  s.seq += 1
  const sentAtMs = s.sentAtMs.slice()
  sentAtMs[s.seq % SENT_REMEMBERED] = now
  s.sentAtMs = sentAtMs
  return {
    node: policy.node,
    boot: s.boot,
    seq: s.seq,
    term: s.term,
    role: s.role,
    want: wants(s),
    able: isAble(turn),
    score: score(turn),
    majority,
    hears,
    ackBoot: s.peer?.boot ?? null,
    ackSeq: s.peer?.seq ?? 0,
    heardAgoMs: s.peer === null ? 0 : now - s.lastHeardMs,
    direct: now - s.lastDirectMs <= policy.timing.heartbeatMs,
    grant,
    position: s.position,
    positionUnknown: s.positionUnknown,
    sync: saysSync(turn),
    inSync: s.inSync,
    sole: s.sole,
    avoid: now < s.avoidUntilMs,
    ask: s.ask,
    digest: policy.digest,
    healthy: s.healthy,
    maintenance: s.maintenance,
  }
}
