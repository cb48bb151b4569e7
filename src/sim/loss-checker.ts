/**
 * Is what was confirmed to a client still there? Looked at whenever a gate opens, and in the end.
 *
 * Under the policy `strict` the node that opens holds every write that was confirmed before. What the
 * policy allows is counted and not expected again: an operator forced older data into service; nobody
 * better came for `staleWait`; the only disk that held it was lost; the server had gone on alone by itself
 * and nobody could know yet (D-029, README "What is not guaranteed").
 */
import type { Event } from '../core/event.ts'
import { type NodeName, peerOf } from '../core/policy.ts'
import type { Reason } from '../core/reason.ts'
import type { Confirming, State } from '../core/state.ts'
import type { ConfirmedWrite, DataListener, DataWorld } from './data-world.ts'
import type { SimNode } from './node.ts'
import type { Checker, World } from './world.ts'

const NAMES = ['sp1', 'sp2'] as const

/** What became of the data in one run. */
export interface DataTally {
  /** Writes confirmed to a client: with the peer's copy, alone as ordered, alone by itself. */
  confirmed: Record<ConfirmedWrite['by'], number>
  /** Openings without the peer's word that found everything there. */
  takeovers: number
  /** Confirmed writes that the node which opened did not hold, by what allowed it. */
  lost: {
    forced: number
    stale: number
    /** Nowhere any more. */
    disk: number
    /** Confirmed by a server that had gone on alone by itself. */
    itself: number
  }
  /** Longest time from a server's going alone by itself to a write that was lost for it. */
  itselfMaxMs: number
  /** How often the pair came into step, and an active came to confirm alone. */
  steps: { together: number; alone: number }
  /** Writes given up on return; none of them may be one that is expected. */
  dropped: number
  /**
   * Nobody serves in the end, until `staleWait` or an operator: the other was fenced in the
   * last moment of the faults; what was confirmed is gone with a disk; a node
   * is behind one that lost its disk; each is behind the other.
   */
  vacant: { fenced: number; gone: number; behind: number; bothBehind: number }
}

export class LossChecker implements Checker, DataListener {
  violation: string | null = null
  readonly tally: DataTally = {
    confirmed: { peer: 0, ordered: 0, itself: 0 },
    takeovers: 0,
    lost: { forced: 0, stale: 0, disk: 0, itself: 0 },
    itselfMaxMs: 0,
    steps: { together: 0, alone: 0 },
    dropped: 0,
    vacant: { fenced: 0, gone: 0, behind: 0, bothBehind: 0 },
  }
  readonly #world: World
  readonly #data: DataWorld
  readonly #expected = new Map<number, ConfirmedWrite>()
  /** Confirmed by a server alone by itself, and by nothing else yet. */
  readonly #unproven = new Map<number, ConfirmedWrite>()
  readonly #gone = new Set<number>()
  readonly #confirming: Record<NodeName, Confirming | 'none'> = { sp1: 'none', sp2: 'none' }
  /** Since when nobody served, as far as the node knew; on its clock, as all beside it. */
  readonly #vacantSinceMs: Record<NodeName, number> = { sp1: 0, sp2: 0 }
  readonly #forcedUntilMs: Record<NodeName, number> = { sp1: 0, sp2: 0 }
  /**
   * Somebody was let into service although this node, `sole` on disk, could not be asked: it will not know
   * when it comes back, and what either confirms from then on may be lost.
   */
  #parted: { node: NodeName; by: 'forced' | 'stale' } | null = null
  readonly #openUntilMs: Record<NodeName, number> = { sp1: 0, sp2: 0 }

  constructor(world: World, data: DataWorld) {
    this.#world = world
    this.#data = data
    data.listener = this
    world.checkers.push(this)
  }

  /** Whoever forces a node into service accepts older data, for X. */
  stepped(node: SimNode, event: Event, before: Readonly<State>): void {
    if (before.vacantSinceMs !== null) this.#vacantSinceMs[node.name] = before.vacantSinceMs
    if (event.type !== 'ask' || !event.force) return
    this.#forcedUntilMs[node.name] = event.nowMs + node.policy.timing.prepareMs
  }

  confirmed(write: ConfirmedWrite): void {
    this.tally.confirmed[write.by] += 1
    this.#expected.set(write.id, write)
    if (write.by === 'itself') this.#unproven.set(write.id, write)
  }

  dropped(_node: NodeName, ids: readonly number[]): void {
    this.tally.dropped += ids.length
  }

  gone(_node: NodeName, ids: readonly number[]): void {
    for (const id of ids) this.#gone.add(id)
  }

  /** What the peer has, or `sole` on disk vouches for, is proven whoever confirmed it. */
  looked(): void {
    for (const name of NAMES) {
      const state = this.#world.nodes[name].loop?.state
      this.#countStep(name, state?.role === 'active' ? state.confirming : 'none')
    }
    if (this.#parted !== null && !this.#world.nodes[this.#parted.node].disk.sole)
      this.#parted = null
    if (this.#unproven.size === 0) return
    for (const write of [...this.#unproven.values()]) {
      const there = this.#data.servers[peerOf(write.node)].log
      // While the server is still alone by itself, `sole` may be cleared by an earlier word of it.
      const known = this.#data.servers[write.node].aloneSinceMs === null
      const vouched = known && this.#world.nodes[write.node].disk.sole
      if (vouched || there.includes(write.id)) this.#unproven.delete(write.id)
    }
  }

  #countStep(name: NodeName, confirming: Confirming | 'none'): void {
    const before = this.#confirming[name]
    if (before === confirming) return
    this.#confirming[name] = confirming
    if (confirming === 'together') this.tally.steps.together += 1
    else if (confirming === 'alone' && before !== 'inviting') this.tally.steps.alone += 1
  }

  gateMoved(node: SimNode, world: World): void {
    const { nowMs } = world.timeline
    const untilMs = node.servesUntil()
    const wasOpen = this.#openUntilMs[node.name] > nowMs
    this.#openUntilMs[node.name] = untilMs
    if (untilMs <= nowMs || wasOpen) return
    const state = node.loop?.state
    if (state !== undefined) this.#opened(node, state)
  }

  #opened(node: SimNode, state: Readonly<State>): void {
    const nowMs = node.now()
    const { stale, staleWaitMs } = node.policy.data
    const silentMs = nowMs - Math.max(state.silentSinceMs, state.startedAtMs)
    const vacantMs = nowMs - this.#vacantSinceMs[node.name]
    const waited = stale === 'serve' && Math.max(silentMs, vacantMs) > staleWaitMs
    const forced = nowMs < this.#forcedUntilMs[node.name]
    const other = peerOf(node.name)
    const own = forced ? 'forced' : waited ? 'stale' : null
    const allowed = own ?? (this.#parted?.node === node.name ? this.#parted.by : null)
    if (allowed !== null && this.#world.nodes[other].disk.sole) {
      this.#parted = { node: other, by: allowed }
    }
    // Who is let into service with old data, by a server that cannot apply, need not apply the rest.
    const missing = this.#missingAt(node.name, allowed === null)
    if (missing.length === 0 && state.reason === 'takeover-done') this.tally.takeovers += 1
    for (const write of missing) {
      this.#expected.delete(write.id)
      if (allowed !== null) this.tally.lost[allowed] += 1
      else this.#judge(write, node.name, state.reason)
      this.#unproven.delete(write.id)
    }
  }

  /** Nobody allowed the loss. */
  #judge(write: ConfirmedWrite, lacks: NodeName, reason: Reason | null): void {
    const { tally } = this
    if (this.#unproven.has(write.id)) {
      tally.lost.itself += 1
      tally.itselfMaxMs = Math.max(
        tally.itselfMaxMs,
        write.atMs - (write.aloneSinceMs ?? write.atMs),
      )
      return
    }
    const { log, applied } = this.#data.servers[peerOf(lacks)]
    // What a copy had received and not applied is not known to hold more.
    const elsewhere = log.indexOf(write.id)
    if (this.#gone.has(write.id) && (elsewhere < 0 || elsewhere >= applied)) {
      tally.lost.disk += 1
      return
    }
    const { id, node, by, atMs } = write
    const when = reason === null ? 'in the end' : `when its gate opens (${reason})`
    this.violation ??= `${lacks} lacks write ${id} at ${this.#nowText()} ms ${when}; ${node} confirmed it at ${atMs.toFixed(0)} ms (${by})`
  }

  #nowText(): string {
    return this.#world.timeline.nowMs.toFixed(0)
  }

  /** @param received  what was received counts as held, where it can be applied */
  #missingAt(name: NodeName, received: boolean = true): ConfirmedWrite[] {
    const { kept, log, applied } = this.#data.servers[name]
    const held = new Set(received ? kept : log.slice(0, applied))
    return [...this.#expected.values()].filter(({ id }) => !held.has(id))
  }

  /** In the end: whoever serves has everything; what it lacks was lost on the way, unseen. */
  finish(): void {
    for (const name of NAMES) {
      if (this.#world.nodes[name].servesUntil() <= this.#world.timeline.nowMs) continue
      for (const write of this.#missingAt(name)) this.#judge(write, name, null)
    }
  }

  /** Nobody serves in the end, and why that is as the policy has it; counted. */
  mayBeVacant(): boolean {
    const { vacant } = this.tally
    const states = NAMES.map((name) => this.#world.nodes[name].loop?.state)
    if (NAMES.some((name) => !this.#world.nodes[name].running)) vacant.fenced += 1
    else if (!this.#somebodyHasAll()) vacant.gone += 1
    else if (states.every((state) => state?.behind)) vacant.bothBehind += 1
    else if (this.#gone.size > 0 && states.some((state) => state?.behind)) vacant.behind += 1
    else return false
    return true
  }

  /** Some node holds all that is expected, as far as any disk still does. */
  #somebodyHasAll(): boolean {
    return NAMES.some((name) => {
      const there = new Set(this.#data.servers[peerOf(name)].log)
      return this.#missingAt(name).every(({ id }) => this.#gone.has(id) && !there.has(id))
    })
  }
}
