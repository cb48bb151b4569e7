/**
 * How is a state copied before a decision changes the copy? Field by field.
 *
 * A spread does the same in one line, and a decision then takes seven times as long, for the engine
 * goes over the properties one by one (measured on Node 20: 0.4 against 2.9 million decisions a second
 * of processor time). Written out, the copy is about a fifth of a decision. The compiler tells when a
 * field is missing. Nested values are shared: they are replaced, never changed.
 */
import type { State } from './state.ts'

/** A copy that the caller may change. */
export function copyState(state: Readonly<State>): State {
  return {
    boot: state.boot,
    term: state.term,
    sole: state.sole,
    termHeard: state.termHeard,
    reservedTerm: state.reservedTerm,
    reservedTicket: state.reservedTicket,
    ticket: state.ticket,
    persistedTicket: state.persistedTicket,
    soleTicket: state.soleTicket,
    role: state.role,
    reason: state.reason,
    changedAtMs: state.changedAtMs,
    armed: state.armed,
    openedAtMs: state.openedAtMs,
    leaseUntilMs: state.leaseUntilMs,
    gateUntilMs: state.gateUntilMs,
    attempt: state.attempt,
    attemptTicket: state.attemptTicket,
    grantUntilMs: state.grantUntilMs,
    seq: state.seq,
    sentAtMs: state.sentAtMs,
    told: state.told,
    peer: state.peer,
    boots: state.boots,
    lastHeardMs: state.lastHeardMs,
    lastDirectMs: state.lastDirectMs,
    silentSinceMs: state.silentSinceMs,
    lastFreshMs: state.lastFreshMs,
    tellSinceMs: state.tellSinceMs,
    lastRunMs: state.lastRunMs,
    heardSinceStart: state.heardSinceStart,
    vacantSinceMs: state.vacantSinceMs,
    round: state.round,
    roundBefore: state.roundBefore,
    streakFromMs: state.streakFromMs,
    lastMajorityMs: state.lastMajorityMs,
    pair: state.pair,
    pongAtMs: state.pongAtMs,
    probesClearFromMs: state.probesClearFromMs,
    probeLastClearMs: state.probeLastClearMs,
    probeConflictMs: state.probeConflictMs,
    holdOffUntilMs: state.holdOffUntilMs,
    quietUntilMs: state.quietUntilMs,
    occupiedAtMs: state.occupiedAtMs,
    fence: state.fence,
    healthy: state.healthy,
    maintenance: state.maintenance,
    position: state.position,
    inSync: state.inSync,
    confirming: state.confirming,
    soleMarkTicket: state.soleMarkTicket,
    unaidedAtMs: state.unaidedAtMs,
    announcedAtMs: state.announcedAtMs,
    announcedSeq: state.announcedSeq,
    ask: state.ask,
    askUntilMs: state.askUntilMs,
    forceUntilMs: state.forceUntilMs,
    preparation: state.preparation,
    prepareAgainMs: state.prepareAgainMs,
    prepareFailures: state.prepareFailures,
    avoidUntilMs: state.avoidUntilMs,
    moreSinceMs: state.moreSinceMs,
    moreMovesMs: state.moreMovesMs,
    startedAtMs: state.startedAtMs,
  }
}
