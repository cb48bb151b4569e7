/**
 * What should an operator mend before it hurts? Alarms are read off a snapshot, never remembered by
 * whoever causes them; this file only remembers since when each stands.
 */
import type { PairConfig } from '../config/config.ts'
import { agreesWithPeer } from '../core/peer.ts'
import { hasMajority } from '../core/reachability.ts'
import { hearsPeer } from '../core/turn.ts'
import { lossSentence } from './loss-sentence.ts'
import type { StatusDocument } from './schema.ts'
import type { Snapshot, VerifiedSnapshot } from './snapshot.ts'
import { spaceSentence } from './space-sentence.ts'
import { readingTurn } from './status.ts'

type Alarm = StatusDocument['alarms'][number]
type Raised = { code: string; sentence: string }

/** After its start an agent is given this long before what is not there yet counts as missing. */
const SETTLE_MS = 5_000

/** Every alarm that a snapshot gives reason for. */
export function alarmsOf(
  snapshot: Snapshot,
  config: PairConfig,
  verified: ReadonlyMap<string, VerifiedSnapshot> = new Map(),
): Raised[] {
  const raised: Raised[] = []
  const raise = (code: string, sentence: string): void => {
    raised.push({ code, sentence })
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
      raise('gate-removed', `the gate was taken away at ${place}; it is being put back`)
    } else {
      raise(
        'gate-lost',
        `the gate is not in force at ${place} and could not be put back: everything passes there; ` +
          'it is tried again every minute',
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
  if (settled && !hasMajority(turn)) {
    raise('no-majority', 'no strict majority of the ping nodes answers')
  }
  for (const node of snapshot.pingNodes) {
    if (settled && node.state === 'never-answered') {
      raise(
        'ping-node-never-answered',
        `ping node ${node.address} has never answered since the start`,
      )
    } else if (node.state === 'silent') {
      raise('ping-node-silent', `ping node ${node.address} does not answer`)
    }
  }
  for (const path of snapshot.paths) {
    if (path.carrier === false) {
      raise('path-no-carrier', `heartbeat path ${path.name} has no link on ${path.interface}`)
    } else if (settled && hearsPeer(turn) && path.kind !== 'reflected' && lateOn(path, snapshot)) {
      raise('path-silent', `nothing is heard on heartbeat path ${path.name}, others still work`)
    }
  }
  for (const name of snapshot.withoutCarrier) {
    raise('service-no-carrier', `interface ${name} carries floating IPs and has no link`)
  }
  for (const address of snapshot.floatingIps) {
    if (state.armed && address.look === 'unanswered') {
      raise(
        'address-not-verified',
        `${address.address} was taken, but no ping node answers it: check switch, VLAN and gateway`,
      )
    }
    // The peer knocks when it does not hear us; only a claim while we serve is a quarrel.
    const { conflict } = address
    if (state.armed && conflict !== null && conflict.kind !== 'probe' && isLater(conflict.atMs)) {
      raise('address-conflict', `${conflict.mac} also claims ${address.address} (${conflict.kind})`)
    }
  }
  if (state.behind && state.role === 'standby') raise('data-behind', behindSentence(config))
  const steady = settled && snapshot.nowMs - state.changedAtMs > SETTLE_MS
  if (state.armed && steady && config.policy.data.takeover !== 'none') {
    const why = notInSyncSentence(state.confirming)
    if (why !== null) raise('not-in-sync', why)
  }
  for (const store of snapshot.stores) {
    if (store.sick)
      raise('store-sick', `store ${store.name} fails its probes: ${store.trouble ?? ''}`)
    const { loss } = store
    if (loss !== null && loss.most !== 0) raise('store-loss', lossSentence(loss))
    const space = spaceSentence(store.space)
    if (space !== null) raise('store-space', `store ${store.name}: ${space}`)
    const alone = store.role === 'read-only' && !store.following
    if (alone && steady && hearsPeer(turn) && state.peer?.role === 'active') {
      raise('store-alone', `store ${store.name} does not follow the peer's`)
    }
    for (const hazard of store.hazards) raise('store-hazard', `store ${store.name}: ${hazard}`)
    const differs = differsSentence(store.name, verified.get(store.name))
    if (differs !== null) raise('store-differs', differs)
  }
  return raised
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
    for (const { code, sentence } of raised) {
      const key = `${code}\n${sentence}`
      const known = this.#standing.get(key)
      const alarm = known ?? { code, sentence, sinceIso: nowIso }
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
