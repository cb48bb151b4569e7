/**
 * Where does the data live? Two pretend servers, the wires between them, and applications that write.
 *
 * Applications write where the gate is open, at the pace the seed draws, and learn of a confirmation only
 * while that gate is open. Whoever wants to know what was confirmed, by whom, or given up, listens.
 * Steps of a few milliseconds; the order of what happens within one is drawn.
 */
import { type NodeName, peerOf } from '../core/policy.ts'
import type { SimNode } from './node.ts'
import { Random } from './random.ts'
import { StoreHands } from './store-hands.ts'
import { type Confirmer, StoreServer } from './store-server.ts'
import { SILENT_MAX_MS } from './store-word.ts'
import type { World } from './world.ts'

const NAMES = ['sp1', 'sp2'] as const
const STEP_MIN_MS = 2
const STEP_MAX_MS = 24

/** Hears of every write that matters to somebody. */
export interface DataListener {
  confirmed(write: ConfirmedWrite): void
  /** Given up because the server follows one that never saw them. */
  dropped(node: NodeName, ids: readonly number[]): void
  /** Gone with a disk. */
  gone(node: NodeName, ids: readonly number[]): void
  /** A step is over. */
  looked(): void
}

export interface ConfirmedWrite {
  id: number
  node: NodeName
  by: Confirmer
  atMs: number
  /** Since when the server had been alone by itself; null when it was not. */
  aloneSinceMs: number | null
}

export interface DataOptions {
  seed: number
  /** A node that may lack what the peer confirmed says so after a start. */
  saysBehind: boolean
  /** Drawn unless it is said; then servers reach each other by the crosslink alone. */
  writesPerSecond?: number
}

/** How long a server holds a write for the peer at most: as the agent tells it (daemon/stores.ts). */
export function semiSyncTimeoutMs({ policy }: SimNode): number {
  const { data, timing } = policy
  const decidedMs = 2 * (data.confirmAloneAfterMs + timing.takeoverSilenceMs)
  return 1_500 + SILENT_MAX_MS + timing.prepareMs + decidedMs
}

export class DataWorld {
  readonly servers: Record<NodeName, StoreServer>
  readonly hands: Record<NodeName, StoreHands>
  listener: DataListener | null = null
  /** Told what was done to the stores; null when nobody listens. */
  note: ((node: NodeName, text: string) => void) | null = null
  readonly #world: World
  readonly #random: Random
  readonly #writesPerMs: number
  /** Servers reach each other by the LAN as well, not by the crosslink alone. */
  readonly #byLan: boolean
  readonly #stepMaxMs: number
  #writes = 0
  #beforeMs = 0

  constructor(world: World, options: DataOptions) {
    this.#world = world
    this.#random = new Random(options.seed ^ 0xda7a)
    const drawn = { pace: this.#random.spread(1, 60), byLan: this.#random.chance(0.4) }
    const { writesPerSecond } = options
    this.#writesPerMs = (writesPerSecond ?? drawn.pace) / 1000
    this.#byLan = writesPerSecond === undefined && drawn.byLan
    this.#stepMaxMs = this.#random.spread(2 * STEP_MIN_MS, STEP_MAX_MS)
    const { nodes } = world
    this.servers = { sp1: this.#server(nodes.sp1), sp2: this.#server(nodes.sp2) }
    const hands = (name: NodeName): StoreHands =>
      new StoreHands({
        timeline: world.timeline,
        random: this.#random,
        node: nodes[name],
        server: this.servers[name],
        peer: this.servers[peerOf(name)],
        carries: () => this.#carries(),
        saysBehind: options.saysBehind,
        note: (text) => this.note?.(name, text),
        peerTakesWrites: (word) => this.hands[peerOf(name)].toldPromoted(word),
      })
    this.hands = { sp1: hands('sp1'), sp2: hands('sp2') }
    for (const name of NAMES) nodes[name].stores = this.hands[name]
    this.#plan()
  }

  /** The disk of a node is lost, with its server's. */
  loseDisk(name: NodeName): void {
    this.hands[name].diskGone()
    this.listener?.gone(name, this.servers[name].wipe())
  }

  /** Ends what is wrong with the servers. One that is down comes back with its agent. */
  heal(): void {
    for (const name of NAMES) {
      const server = this.servers[name]
      server.hang = 'no'
      server.halt = 'no'
      server.pace = Number.POSITIVE_INFINITY
      server.aloneUntilMs = 0
    }
  }

  #server(node: SimNode): StoreServer {
    const { timeline } = this.#world
    const { name } = node
    return new StoreServer({
      now: () => timeline.nowMs,
      timeoutMs: semiSyncTimeoutMs(node),
      confirmed: (id, by, aloneSinceMs) => {
        // What leaves after the gate was shut reaches nobody.
        if (node.servesUntil() <= timeline.nowMs) return
        this.listener?.confirmed({ id, node: name, by, atMs: timeline.nowMs, aloneSinceMs })
      },
      dropped: (ids) => {
        if (ids.length === 0) return
        this.note?.(name, `gives up ${ids.length} writes that the peer never saw`)
        this.listener?.dropped(name, ids)
      },
    })
  }

  #carries(): boolean {
    const { network } = this.#world
    if (network.crosslink('sp1') && network.crosslink('sp2')) return true
    return this.#byLan && network.direct('sp1', 'sp2') && network.direct('sp2', 'sp1')
  }

  #plan(): void {
    const stepMs = this.#random.between(STEP_MIN_MS, this.#stepMaxMs)
    this.#world.timeline.after(stepMs, () => {
      this.#step()
      this.#plan()
    })
  }

  #step(): void {
    const { sp1, sp2 } = this.servers
    const chance = (ratio: number): boolean => this.#random.chance(ratio)
    if (this.#carries()) {
      sp1.copyFrom(sp2, chance)
      sp2.copyFrom(sp1, chance)
    }
    for (const name of NAMES) {
      this.servers[name].judgeWaiting()
      this.hands[name].noteState()
    }
    this.#write()
    this.listener?.looked()
  }

  #write(): void {
    const { timeline, nodes } = this.#world
    const passedMs = timeline.nowMs - this.#beforeMs
    this.#beforeMs = timeline.nowMs
    let due = this.#writesPerMs * passedMs
    for (; due > 0; due -= 1) {
      if (!this.#random.chance(due)) continue
      for (const name of NAMES) {
        const server = this.servers[name]
        if (nodes[name].servesUntil() <= timeline.nowMs || !server.takesWrites) continue
        this.#writes += 1
        server.write(this.#writes)
      }
    }
  }
}
