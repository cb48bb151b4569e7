/**
 * What does an operator see of this node? The snapshot of the heart as the status document.
 *
 * Pure: everything comes in as values. The sentences of alarms live here, each with its code.
 */
import type { PairConfig } from '../config/config.ts'
import { fingerprintsOf } from '../config/parts.ts'
import { saysSync } from '../core/data.ts'
import { isAble } from '../core/fitness.ts'
import type { Role } from '../core/heartbeat.ts'
import { agreesWithPeer } from '../core/peer.ts'
import { peerOf } from '../core/policy.ts'
import { hasMajority, score } from '../core/reachability.ts'
import { REASONS, type Reason } from '../core/reason.ts'
import { hearsPeer, type Turn } from '../core/turn.ts'
import { stateWordOf } from '../wire/state-line.ts'
import { lossRecordOf } from './loss-sentence.ts'
import { fencePart, witnessPart } from './quorum-status.ts'
import type { StatusDocument, TransitionRecord } from './schema.ts'
import type { PeerStoreSnapshot, ServiceSnapshot, Snapshot, VerifiedSnapshot } from './snapshot.ts'
import { stepSentence } from './step-sentence.ts'

/** What the control thread adds to the heart's snapshot. */
export interface Around {
  config: PairConfig
  version: string
  nowIso: string
  /** Wall time of a moment of the heart's clock. */
  isoOf(atMs: number): string
  lastTransition: TransitionRecord | null
  alarms: StatusDocument['alarms']
  notices: StatusDocument['notices']
  drift: StatusDocument['drift']
  watchdog: StatusDocument['watchdog']
  operations: NonNullable<StatusDocument['operations']>
  /** By store; none for one that was never compared. */
  verified?: ReadonlyMap<string, VerifiedSnapshot>
  rssBytes: number
  pid: number
}

/** A path that lost more than this is shown as lossy. */
const LOSSY_ABOVE = 0.02

/** A turn over a snapshot: lets the predicates of the core answer without deciding anything. */
export function readingTurn(snapshot: Snapshot, config: PairConfig): Turn {
  return { s: snapshot.state, policy: config.policy, now: snapshot.nowMs, effects: [] }
}

/** A reason code with its sentence. */
export function because(reason: Reason): { code: string; sentence: string } {
  return { code: reason, sentence: REASONS[reason] }
}

/** Builds the status document. */
export function buildStatus(snapshot: Snapshot, around: Around): StatusDocument {
  const { config } = around
  const turn = readingTurn(snapshot, config)
  const { timing } = config.policy
  const { lateness } = snapshot.heart
  return {
    schema: 1,
    node: config.node,
    peerNode: peerOf(config.node),
    version: around.version,
    timeIso: around.nowIso,
    profile: config.timingProfile,
    mode: config.mode,
    timing: {
      heartbeatMs: timing.heartbeatMs,
      suspicionMs: timing.suspicionMs,
      leaseMs: timing.leaseMs,
      marginMs: timing.marginMs,
      dampingMs: timing.dampingMs,
    },
    local: localPart(snapshot, around, turn),
    peer: peerPart(turn, snapshot.peerSteps),
    paths: pathsPart(snapshot, timing.suspicionMs),
    pingNodes: snapshot.pingNodes.map((node) => ({
      address: node.address,
      source: node.source,
      state: node.state,
      lossRatio: node.lossRatio ?? 0,
      roundTripMs: roundTripOf(node.roundTrip),
      reflects: node.reflects,
    })),
    score: score(turn),
    majority: hasMajority(turn),
    witness: witnessPart(snapshot.quorum, snapshot.nowMs, around.isoOf),
    fence: fencePart(snapshot.quorum, snapshot.nowMs, around.isoOf),
    floatingIps: snapshot.floatingIps.map((address) => ({
      address: address.address,
      prefixLength: address.prefixLength,
      interface: address.interface,
      label: address.label,
      present: snapshot.addressesPresent,
      verified: address.look === 'verified' ? true : address.look === 'unanswered' ? false : null,
      lastAnnouncedMsAgo: ago(snapshot.announcedMs, snapshot.nowMs),
    })),
    stores: snapshot.stores.map(({ rejoin, peer, loss, settings: _told, ...store }) => ({
      ...store,
      peer: peer === null ? null : peerStorePart(peer, snapshot.nowMs),
      loss: loss === null ? null : lossRecordOf(loss, around.isoOf(loss.atMs ?? snapshot.nowMs)),
      hazards: [...store.hazards],
      rejoin:
        rejoin === null
          ? null
          : {
              atIso: around.isoOf(rejoin.atMs),
              sentence: rejoin.sentence,
              archived: [...rejoin.archived],
            },
      verified: around.verified?.get(store.name) ?? null,
    })),
    services: snapshot.services.map((service) => servicePart(service, snapshot.nowMs)),
    outside: snapshot.outside.map((found) => ({ ...found })),
    drained: snapshot.drained,
    loadBalancers: snapshot.loadBalancers.map((balancer) => ({ ...balancer })),
    call: callOf(snapshot, around.isoOf),
    lastTransition: around.lastTransition,
    alarms: around.alarms,
    notices: around.notices,
    drift: around.drift,
    watchdog: around.watchdog,
    operations: around.operations,
    self: {
      pid: around.pid,
      uptimeMs: Math.round(snapshot.nowMs - snapshot.heart.startedMs),
      loopDelayMs: {
        max: round1(lateness.worst?.ms ?? 0),
        maxAtIso: lateness.worst === null ? null : around.isoOf(lateness.worst.atMs),
        maxLastMinute: round1(lateness.lastMinuteMs),
      },
      pauses: lateness.pauses,
      configuration: fingerprintsOf(config),
      realtime: snapshot.heart.realtime,
      rssBytes: around.rssBytes,
    },
  }
}

function servicePart(
  { runsSinceMs, ...service }: ServiceSnapshot,
  nowMs: number,
): StatusDocument['services'][number] {
  return { ...service, runsMs: runsSinceMs === null ? null : Math.round(nowMs - runsSinceMs) }
}

function peerStorePart(
  { lookedMs, ...peer }: PeerStoreSnapshot,
  nowMs: number,
): NonNullable<StatusDocument['stores'][number]['peer']> {
  return { ...peer, lookedMsAgo: Math.round(Math.max(0, nowMs - lookedMs)) }
}

function localPart(snapshot: Snapshot, around: Around, turn: Turn): StatusDocument['local'] {
  const { state, gate, nowMs } = snapshot
  const serving = gate.serveUntilMs > nowMs
  // Before its first change the role is that of the start.
  const sinceMs = Math.max(state.changedAtMs, snapshot.heart.startedMs)
  return {
    role: state.role,
    state: stateWordOf(state.role, state.armed && serving),
    term: state.term,
    able: isAble(turn),
    healthy: state.healthy,
    unhealthyReasons: [
      ...snapshot.withoutCarrier.map(
        (name) => `interface ${name} carries floating IPs and has no link`,
      ),
      ...snapshot.storesUnfit,
      ...snapshot.servicesUnfit,
    ],
    maintenance: state.maintenance,
    reason: because(state.reason),
    sinceIso: around.isoOf(sinceMs),
    sinceMsAgo: Math.round(nowMs - sinceMs),
    leaseLeftMs: state.role === 'active' ? round1(state.leaseUntilMs - nowMs) : null,
    grantLeftMs: state.grantUntilMs > nowMs ? round1(state.grantUntilMs - nowMs) : null,
    sync: saysSync(turn),
    inSync: state.inSync,
    sole: state.sole,
    gate: {
      kind: gate.kind,
      state: serving ? 'open' : gate.occupiedUntilMs > nowMs ? 'occupied' : 'shut',
      weaker: gate.weaker,
      attached: gate.missing.length === 0,
      commands: gate.commands,
      refusals: gate.refusals,
    },
  }
}

function peerPart(turn: Turn, told: Snapshot['peerSteps']): StatusDocument['peer'] {
  const { s, now } = turn
  const { peer } = s
  const heard = hearsPeer(turn)
  return {
    heard,
    lastHeardMsAgo: ago(s.lastHeardMs, now),
    state: peer === null || !heard ? 'unknown' : stateWordOf(peer.role as Role, true),
    role: peer?.role ?? null,
    term: peer?.term ?? null,
    able: peer?.able ?? null,
    healthy: peer?.healthy ?? null,
    maintenance: peer?.maintenance ?? null,
    score: peer?.score ?? null,
    majority: peer?.majority ?? null,
    version: null,
    boot: peer?.boot ?? null,
    hearsUs: peer?.hears ?? null,
    inSync: peer?.inSync ?? null,
    digestEqual: peer === null ? null : agreesWithPeer(turn),
    steps: (told?.steps ?? []).map(({ kind, afterMs, subject }) => ({
      ...{ afterMs, sentence: stepSentence(kind, subject) },
    })),
  }
}

function pathsPart(snapshot: Snapshot, suspicionMs: number): StatusDocument['paths'] {
  return snapshot.paths.map((path) => {
    const lossRatio = path.lossRatio ?? 0
    const heardMsAgo = ago(path.lastHeardMs, snapshot.nowMs)
    // Reflected paths idle at a low rate; only what is sent at full rate can be late.
    const limitMs = path.kind === 'reflected' ? 100 * suspicionMs : suspicionMs
    const silent = heardMsAgo === null || heardMsAgo > limitMs
    const state =
      path.carrier === false
        ? 'no-carrier'
        : silent
          ? 'silent'
          : lossRatio > LOSSY_ABOVE
            ? 'lossy'
            : 'up'
    return {
      name: path.name,
      kind: path.kind,
      interface: path.interface ?? '-',
      ours: path.ours,
      theirs: path.theirs,
      state,
      lossRatio,
      roundTripMs: roundTripOf(path.roundTrip),
      lastHeardMsAgo: heardMsAgo,
    }
  })
}

function callOf({ call }: Snapshot, isoOf: Around['isoOf']): StatusDocument['call'] {
  if (call === null) return null
  const { check, atMs, ok, why } = call
  return { check, atIso: isoOf(atMs), ok, why }
}

function roundTripOf(
  value: { medianMs: number; maxMs: number } | null,
): { median: number; max: number } | null {
  return value === null ? null : { median: round2(value.medianMs), max: round2(value.maxMs) }
}

function ago(atMs: number | null, nowMs: number): number | null {
  return atMs === null || !Number.isFinite(atMs) ? null : round1(Math.max(0, nowMs - atMs))
}

function round1(value: number): number {
  return Math.round(value * 10) / 10
}

function round2(value: number): number {
  return Math.round(value * 100) / 100
}
