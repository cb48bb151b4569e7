/**
 * What should an operator mend before it hurts? Alarms are read off a snapshot, never remembered by
 * whoever causes them; this file only remembers since when each stands.
 */
import type { PairConfig } from '../config/config.ts'
import { agreesWithPeer } from '../core/peer.ts'
import { hasMajority } from '../core/reachability.ts'
import { tooOftenSentence } from '../core/supervision.ts'
import { hearsPeer } from '../core/turn.ts'
import { ALARMS, type AlarmCode } from './alarm-table.ts'
import { amountOf } from './amount.ts'
import { lossSentence } from './loss-sentence.ts'
import { quorumAlarms } from './quorum-status.ts'
import type { StatusDocument } from './schema.ts'
import type { ServiceSnapshot, Snapshot, StoreSnapshot, VerifiedSnapshot } from './snapshot.ts'
import { spaceSentence } from './space-sentence.ts'
import { readingTurn } from './status.ts'

type Alarm = StatusDocument['alarms'][number]
/** `about`: which path, store, service …; empty where there is only one. */
export type Raised = { code: AlarmCode; about: string; sentence: string }

/** After its start an agent is given this long before what is not there yet counts as missing. */
const SETTLE_MS = 5_000
const PING_NODES_MIN = 3

/** Every alarm that a snapshot gives reason for. */
export function alarmsOf(
  snapshot: Snapshot,
  config: PairConfig,
  verified: ReadonlyMap<string, VerifiedSnapshot> = new Map(),
  apiTroubles: readonly string[] = [],
): Raised[] {
  const raised: Raised[] = []
  const raise = (code: AlarmCode, sentence: string, about = ''): void => {
    raised.push({ code, about, sentence })
  }
  const turn = readingTurn(snapshot, config)
  const { state, heart, gate } = snapshot
  const settled = snapshot.nowMs - heart.startedMs > SETTLE_MS
  // Words of the old holder may be on their way while the address changes hands.
  const isLater = (atMs: number): boolean => atMs > state.openedAtMs + config.policy.timing.leaseMs

  if (heart.stalled) {
    raise('control-stalled', 'the agent makes no progress beside its heart; it renews nothing')
  }
  if (heart.storeTrouble !== null) {
    raise('state-disk', `the term cannot be written: ${heart.storeTrouble}`)
  }
  if (gate.weaker !== null) raise('gate-weaker', gate.weaker)
  for (const { place, now } of gate.missing) {
    if (now === 'removed') {
      raise('gate-removed', `the gate was taken away at ${place}; it is being put back`, place)
    } else {
      raise(
        'gate-lost',
        `the gate is not in force at ${place} and could not be put back: everything passes there; ` +
          'it is tried again every minute',
        place,
      )
    }
  }
  if (!agreesWithPeer(turn)) {
    raise(
      'digest-differs',
      'the nodes differ in ping nodes, times, mode or floating IPs: no switchover and no takeover until they are alike',
    )
  }
  if (settled && !hearsPeer(turn)) raise('peer-silent', 'the peer is not heard on any path')
  const serves = state.peer?.role === 'active' && hearsPeer(turn)
  const steady = settled && snapshot.nowMs - state.changedAtMs > SETTLE_MS
  if (steady && !state.armed && !serves) raise('nobody-serves', 'neither node serves')
  const unable = steady && state.armed && hearsPeer(turn) && state.peer?.able === false
  if (unable) raise('peer-not-able', notAbleSentence(state.peer))
  if (config.pingNodes.length < PING_NODES_MIN) {
    raise(
      'ping-nodes-few',
      `only ${config.pingNodes.length} ping nodes are configured: a single failure decides`,
    )
  }
  if (settled && !hasMajority(turn)) {
    raise('no-majority', 'no strict majority of the ping nodes answers')
  }
  const { nowMs } = snapshot
  const { leaseMs } = config.policy.timing
  raised.push(...quorumAlarms(snapshot.quorum, { nowMs, settled, leaseMs }))
  for (const node of snapshot.pingNodes) {
    if (settled && node.state === 'never-answered') {
      raise(
        'ping-node-never-answered',
        `ping node ${node.address} has never answered since the start`,
        node.address,
      )
    } else if (node.state === 'silent') {
      raise('ping-node-silent', `ping node ${node.address} does not answer`, node.address)
    }
  }
  for (const path of snapshot.paths) {
    if (path.carrier === false) {
      raise(
        'path-no-carrier',
        `heartbeat path ${path.name} has no link on ${path.interface}`,
        path.name,
      )
    } else if (settled && hearsPeer(turn) && path.kind !== 'reflected' && lateOn(path, snapshot)) {
      raise(
        'path-silent',
        `nothing is heard on heartbeat path ${path.name}, others still work`,
        path.name,
      )
    }
  }
  for (const name of snapshot.withoutCarrier) {
    raise('service-no-carrier', `interface ${name} carries floating IPs and has no link`, name)
  }
  for (const address of snapshot.floatingIps) {
    if (state.armed && address.look === 'unanswered') {
      raise(
        'address-not-verified',
        `${address.address} was taken, but no ping node answers it: check switch, VLAN and gateway`,
        address.address,
      )
    }
    // The peer knocks when it does not hear us; only a claim while we serve is a quarrel.
    const { conflict } = address
    if (state.armed && conflict !== null && conflict.kind !== 'probe' && isLater(conflict.atMs)) {
      raise(
        'address-conflict',
        `${conflict.mac} also claims ${address.address} (${conflict.kind})`,
        address.address,
      )
    }
  }
  if (state.behind && state.role === 'standby') raise('data-behind', behindSentence(config))
  if (state.armed && steady && config.policy.data.takeover !== 'none') {
    const why = notInSyncSentence(state.confirming)
    if (why !== null) raise('not-in-sync', why)
  }
  for (const store of snapshot.stores) {
    if (store.sick)
      raise(
        'store-sick',
        `store ${store.name} fails its probes: ${store.trouble ?? ''}`,
        store.name,
      )
    const { loss } = store
    if (loss !== null && loss.most !== 0) raise('store-loss', lossSentence(loss), store.name)
    const space = spaceSentence(store.space)
    if (space !== null) raise('store-space', `store ${store.name}: ${space}`, store.name)
    const alone = store.role === 'read-only' && !store.following
    if (alone && steady && hearsPeer(turn) && state.peer?.role === 'active') {
      raise('store-alone', `store ${store.name} does not follow the peer's`, store.name)
    }
    for (const hazard of store.hazards)
      raise('store-hazard', `store ${store.name}: ${hazard}`, `${store.name}: ${hazard}`)
    const lag = lagSentence(store, config)
    if (lag !== null) raise('replication-lag', `store ${store.name}: ${lag}`, store.name)
    const differs = differsSentence(store.name, verified.get(store.name))
    if (differs !== null) raise('store-differs', differs, store.name)
  }
  for (const { check, why } of snapshot.outside) {
    if (why !== null)
      raise('outside-view', `clients of the peer get no answer (${check}): ${why}`, check)
  }
  if (snapshot.drained) {
    raise(
      'drained',
      'no new calls are to come to this pair: an operator drained it (tandem drain off)',
    )
  }
  for (const { name, trouble } of snapshot.loadBalancers) {
    if (trouble !== null) raise('load-balancer', `load-balancer ${name}: ${trouble}`, name)
  }
  const { call } = snapshot
  if (call?.ok === false) {
    const sentence = `since this node serves its test call fails (${call.check}): ${call.why}`
    raise('call-check', `${sentence}; it is tried on until it goes well`)
  }
  for (const service of snapshot.services) {
    const sentence = serviceSentence(service)
    if (sentence !== null) raise('service', `service ${service.name}${sentence}`, service.name)
  }
  for (const trouble of apiTroubles) raise('api', `the API: ${trouble}`, trouble)
  return raised
}

/** @param trouble  why the last record could not be kept; null when it was */
export function recordAlarms(trouble: string | null): Raised[] {
  if (trouble === null) return []
  const sentence = `what happened at the last change of the role could not be kept: ${trouble}`
  return [{ code: 'record-not-kept', about: '', sentence }]
}

function notAbleSentence(peer: Snapshot['state']['peer']): string {
  const why =
    peer?.maintenance === true
      ? 'it is in maintenance'
      : peer?.healthy === false
        ? 'something there is unfit'
        : 'its data may not serve yet'
  return `the peer could not take over: ${why}`
}

/** Stays the same while it gets worse. Null where the copy is near enough, or nobody can tell. */
function lagSentence(store: StoreSnapshot, { stores }: PairConfig): string | null {
  const lagMax = stores.find(({ name }) => name === store.name)?.lagMax ?? 0
  if (lagMax === 0) return null
  const bound = amountOf(store.kind, lagMax)
  const { role, peer, backlog } = store
  if (role === 'writable' && peer?.following === true && (peer.behind ?? 0) > lagMax) {
    return `the copy of the peer is more than ${bound} behind`
  }
  if (role !== 'read-only' || (backlog ?? 0) <= lagMax) return null
  return `more than ${bound} came from the peer and are not applied yet`
}

/** What an operator should know of a service; null when it does what it is to do. */
function serviceSentence(service: ServiceSnapshot): string | null {
  const { exhausted, failures, why, monitored, held, mode, name, trouble } = service
  const again = `tandem service start ${name}`
  if (exhausted) return ` ${tooOftenSentence(name, failures, why)}`
  if (!monitored) return ` is not monitored: tandem service monitor ${name}`
  if (held) return ` was stopped by an operator: ${again}`
  if (mode === 'manual') return null
  if (trouble !== null) return `: ${trouble}`
  if (
    service.wanted === 'running' &&
    service.process === 'running' &&
    service.probe === 'failing'
  ) {
    return ` fails its probes: ${why ?? 'unknown'}`
  }
  return null
}

/** What an application's write has to do without; null when the peer has each before it is confirmed. */
function notInSyncSentence(confirming: Snapshot['state']['confirming']): string | null {
  switch (confirming) {
    case 'together':
      return null
    case 'alone':
    case 'inviting':
    case 'joining':
      return 'writes are confirmed without the peer: the peer does not take over as if it had them'
    case 'waiting':
    case 'marking':
      return 'writes wait until it is certain that the peer knows it lacks them'
  }
}

/** Null when nothing was found, or nobody looked. */
function differsSentence(name: string, verified: VerifiedSnapshot | undefined): string | null {
  if (verified === undefined || verified.differences === 0) return null
  return `store ${name} is not the same on both nodes, ${verified.sentence} (tandem verify ${name} --last)`
}

/** Also for `tandem data show`. */
export function behindSentence({ policy }: PairConfig): string {
  const { stale, staleWaitMs } = policy.data
  const wait = `${Math.round(staleWaitMs / 1000)} s without an active node pass`
  const ways = stale === 'serve' ? `${wait}, or an operator forces it` : 'an operator forces it'
  return (
    'the peer served last, and the stores have not followed it since this start: ' +
    `this node does not serve until they do, ${ways} (tandem make-active --force)`
  )
}

function lateOn(path: Snapshot['paths'][number], snapshot: Snapshot): boolean {
  return path.lastHeardMs === null || snapshot.nowMs - path.lastHeardMs > 2_000
}

/** Remembers since when each alarm stands; the same code and sentence is the same alarm. */
export class AlarmBoard {
  #standing = new Map<string, Alarm>()

  /** @returns what was raised and what was mended by this look */
  update(raised: readonly Raised[], nowIso: string): { began: Alarm[]; ended: Alarm[] } {
    const next = new Map<string, Alarm>()
    const began: Alarm[] = []
    for (const { code, about, sentence } of raised) {
      const key = `${code}\n${about}\n${sentence}`
      const known = this.#standing.get(key)
      const alarm = known ?? { code, about, sentence, mend: ALARMS[code].mend, sinceIso: nowIso }
      if (known === undefined) began.push(alarm)
      next.set(key, alarm)
    }
    const ended = [...this.#standing].filter(([key]) => !next.has(key)).map(([, alarm]) => alarm)
    this.#standing = next
    return { began, ended }
  }

  get standing(): Alarm[] {
    return [...this.#standing.values()]
  }
}
