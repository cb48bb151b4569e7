/**
 * The main thread's side of the stores: what the heart may ask of them without waiting.
 *
 * What they tell comes back as happenings of the loop; `store-position.ts` puts it in the core's words.
 */
import { Worker } from 'node:worker_threads'
import type { StoreConfig } from '../config/config.ts'
import type { LossSnapshot, MoveStep, StoreSnapshot } from '../control/snapshot.ts'
import { isProvenActive } from '../core/peer.ts'
import type { Policy } from '../core/policy.ts'
import type { State } from '../core/state.ts'
import type { DataOrder } from './data-orders.ts'
import { endWorker } from './end-worker.ts'
import type { ServedBefore } from './last-served.ts'
import type { Happening } from './loop.ts'
import type { Severity } from './message.ts'
import type { OrderNews } from './order-posts.ts'
import { StoreMail } from './store-mail.ts'
import type { FromStores, StoresThreadData, ToStores } from './store-message.ts'
import { type ProvingConfig, StorePositions, silentMaxMs } from './store-position.ts'

/** As long as a store may take to be demoted. */
const STOP_LIMIT_MS = 3_000

/**
 * How long a server holds a write back for the peer before it goes on alone by itself: beyond what the
 * core may take to let it. That a write is confirmed alone is the core's decision (PROTOCOL, "Data").
 *
 * One that is silent to us and not to its clients must hold out, too: until it is called alone for its
 * silence (D-029), `sole` is on disk, and a freeze that began before has come to its end.
 */
export function semiSyncTimeoutOf(
  { data, timing }: Policy,
  configs: readonly ProvingConfig[],
): number {
  // Nobody decides for it.
  if (data.takeover === 'none') return timing.suspicionMs
  const decidedMs = 2 * (data.confirmAloneAfterMs + timing.takeoverSilenceMs)
  return LOOKS_MS + silentMaxMs(configs) + timing.prepareMs + decidedMs
}

/** Until it is seen that the peer's store does not confirm although its agent is well. */
const LOOKS_MS = 1_500

/** What the heart asks of the stores. */
export interface StoreDoor {
  /** There is nothing that would take time. */
  readonly atOnce: boolean
  promote(): void
  demote(): void
  freeze(): void
  unfreeze(): void
  confirm(alone: boolean): void
}

/** A pair without stores: they follow the role at once. */
export function noStores(
  take: (happening: Happening) => void,
  state: () => Readonly<State>,
): StoreDoor {
  return {
    atOnce: true,
    promote: () => {},
    demote: () => setImmediate(() => take({ type: 'demoted' })),
    freeze: () => setImmediate(() => take({ type: 'frozen', position: state().position })),
    unfreeze: () => {},
    confirm: () => {},
  }
}

export interface StoresOptions {
  configs: readonly StoreConfig[]
  stateDir: string
  before: ServedBefore
  policy: Policy
  state: () => Readonly<State>
  take: (happening: Happening) => void
  /** The stores take writes now. */
  promoted: (durationMs: number) => void
  /** One thing was done to one of them, or all. */
  step: (step: Omit<MoveStep, 'number'>) => void
  /** What a takeover may have lost. */
  lost: (loss: LossSnapshot) => void
  /** A store follows the peer anew: what it held before may be gone. */
  linked: (store: string) => void
  /** `unfit` is another. */
  fitnessChanged: () => void
  /** What became of an operator's order. */
  dataNews: (id: number, news: OrderNews) => void
  log: (severity: Severity, event: string, text: string) => void
  died: (message: string) => void
}

export class Stores implements StoreDoor {
  readonly atOnce = false
  readonly #options: StoresOptions
  readonly #worker: Worker
  readonly #positions: StorePositions
  /** What our heartbeats carry of the stores, and the peer's. */
  readonly mail = new StoreMail((mail) => this.#tell({ type: 'peer-words', mail }))
  #peerPromotedMs: number | null = null
  #views: readonly StoreSnapshot[] = []
  #unfit: readonly string[] = []
  #freezeNumber = 0
  #confirmNumber = 0
  #peer = { heard: false, serves: false, proven: false }

  constructor(options: StoresOptions) {
    this.#options = options
    this.#positions = new StorePositions(options.configs)
    const { configs: stores, stateDir, before, policy } = options
    const semiSyncTimeoutMs = semiSyncTimeoutOf(policy, stores)
    const data: StoresThreadData = {
      node: policy.node,
      stores,
      stateDir,
      semiSyncTimeoutMs,
      before,
    }
    this.#worker = new Worker(new URL('./stores-thread.js', import.meta.url), {
      workerData: data,
      resourceLimits: { maxOldGenerationSizeMb: 64, maxYoungGenerationSizeMb: 4 },
    })
    this.#worker.on('message', (message: FromStores) => this.#hear(message))
    this.#worker.on('error', (error) => options.died(error.message))
  }

  get views(): readonly StoreSnapshot[] {
    return this.#views
  }

  /** Why the stores keep this node from serving; empty when they do not. */
  get unfit(): readonly string[] {
    return this.#unfit
  }

  /** How long the peer's stores took to take writes; null when it does not tell. */
  get peerPromotedMs(): number | null {
    return this.#peerPromotedMs
  }

  /** Losses that were open when the agent ended. */
  restore(losses: readonly LossSnapshot[]): void {
    this.#tell({ type: 'losses', losses })
  }

  promote(): void {
    const { state, policy } = this.#options
    const { openedAtMs, term, reason, peer, inSync } = state()
    const taking = {
      atMs: openedAtMs,
      term,
      unplanned: reason === 'takeover-done',
      peerBoot: peer?.boot ?? null,
      inSync: policy.data.takeover === 'none' ? null : inSync,
    }
    this.#tell({ type: 'promote', taking })
  }

  demote(): void {
    this.#tell({ type: 'demote' })
  }

  freeze(): void {
    this.#freezeNumber += 1
    const limitMs = this.#options.policy.timing.prepareMs
    const { sole } = this.#options.state()
    this.#tell({ type: 'freeze', limitMs, number: this.#freezeNumber, sole })
  }

  unfreeze(): void {
    // What was frozen until now stands still no longer, whatever is on its way here.
    this.#freezeNumber += 1
    this.#tell({ type: 'unfreeze' })
  }

  confirm(alone: boolean): void {
    this.#confirmNumber += 1
    this.#tell({ type: 'confirm', alone, number: this.#confirmNumber })
  }

  /** An operator wants something done with a store. */
  order(id: number, order: DataOrder): void {
    this.#tell({ type: 'data', id, order })
  }

  /** To be told after every step: whether there is somebody to follow. */
  noteState(state: Readonly<State>): void {
    const { policy } = this.#options
    const heard = state.lastRunMs - state.lastHeardMs <= policy.timing.suspicionMs
    const serves = heard && state.peer?.role === 'active'
    const proven = serves && isProvenActive(state, policy, state.lastRunMs)
    if (this.#positions.wantsLook(state)) this.#tell({ type: 'look' })
    const before = this.#peer
    if (serves === before.serves && heard === before.heard && proven === before.proven) return
    this.#peer = { heard, serves, proven }
    this.#tell({ type: 'peer-serves', ...this.#peer })
  }

  /** Demotes what is still writable, and ends. */
  stop(): Promise<boolean> {
    const order: ToStores = { type: 'stop' }
    return endWorker(this.#worker, order, STOP_LIMIT_MS)
  }

  #tell(message: ToStores): void {
    this.#worker.postMessage(message)
  }

  #hear(message: FromStores): void {
    const { take, promoted, fitnessChanged, log, died, state } = this.#options
    switch (message.type) {
      case 'promoted':
        promoted(message.durationMs)
        return
      case 'demoted':
        take({ type: 'demoted' })
        return
      case 'frozen': {
        if (message.number !== this.#freezeNumber) return
        take(this.#positions.frozen(message, state()))
        return
      }
      case 'data-news':
        this.#options.dataNews(message.id, message.news)
        return
      case 'caught-up':
        take({ type: 'behind', behind: false })
        return
      case 'looked':
        this.#views = message.stores
        for (const news of this.#positions.looked(message.stores, state())) {
          // What is taken first may lead to an order, and a look from before is no word for after.
          const isWord = news.type !== 'confirms' || message.confirmNumber === this.#confirmNumber
          if (isWord) take(news)
        }
        return
      case 'linked':
        this.#options.linked(message.store)
        return
      case 'fitness':
        this.#unfit = message.whys
        fitnessChanged()
        return
      case 'words':
        this.mail.put(message.section, message.madeMs)
        return
      case 'lost':
        this.#options.lost(message.loss)
        return
      case 'step':
        this.#options.step(message.step)
        return
      case 'peer-promoted':
        this.#peerPromotedMs = message.durationMs
        return
      case 'log':
        log(message.severity, message.event, message.text)
        return
      case 'failed':
        died(message.why)
        return
      case 'stopped':
        return
    }
  }
}
