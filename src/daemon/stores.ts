/**
 * The main thread's side of the stores: what the heart may ask of them without waiting.
 *
 * Also translates: an offset of a store becomes a position in the core's words, with the term of the
 * history it belongs to. Only a store that confirms writes together with the peer can prove what the
 * peer has; its offset is the pair's position. Without one, positions prove nothing and are not told.
 */
import { Worker } from 'node:worker_threads'
import type { StoreConfig } from '../config/config.ts'
import type { StoreSnapshot } from '../control/snapshot.ts'
import type { Policy } from '../core/policy.ts'
import type { State } from '../core/state.ts'
import { endWorker } from './end-worker.ts'
import type { Happening } from './loop.ts'
import type { Severity } from './message.ts'
import type { FromStores, StoresThreadData, ToStores } from './store-message.ts'

/** As long as a store may take to be demoted. */
const STOP_LIMIT_MS = 3_000

/**
 * How long a server holds a write back for the peer before it goes on alone by itself: beyond what the
 * core may take to let it. That a write is confirmed alone is the core's decision (PROTOCOL, "Data").
 */
export function semiSyncTimeoutOf({ data, timing }: Policy): number {
  return 2 * (data.confirmAloneAfterMs + timing.takeoverSilenceMs)
}

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
  policy: Policy
  state: () => Readonly<State>
  take: (happening: Happening) => void
  /** The stores take writes now. */
  promoted: (durationMs: number) => void
  health: (healthy: boolean) => void
  log: (severity: Severity, event: string, text: string) => void
  died: (message: string) => void
}

export class Stores implements StoreDoor {
  readonly atOnce = false
  readonly #options: StoresOptions
  readonly #worker: Worker
  readonly #provenBy: string | null
  #views: readonly StoreSnapshot[] = []
  #peerServes = false

  constructor(options: StoresOptions) {
    this.#options = options
    this.#provenBy = options.configs.find((config) => config.semiSync)?.name ?? null
    const { configs: stores, stateDir, policy } = options
    const semiSyncTimeoutMs = semiSyncTimeoutOf(policy)
    const data: StoresThreadData = { stores, stateDir, semiSyncTimeoutMs }
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

  promote(): void {
    this.#tell({ type: 'promote' })
  }

  demote(): void {
    this.#tell({ type: 'demote' })
  }

  freeze(): void {
    this.#tell({ type: 'freeze', limitMs: this.#options.policy.timing.prepareMs })
  }

  unfreeze(): void {
    this.#tell({ type: 'unfreeze' })
  }

  confirm(alone: boolean): void {
    this.#tell({ type: 'confirm', alone })
  }

  /** To be told after every step: whether there is somebody to follow. */
  noteState(state: Readonly<State>): void {
    const serves = state.peer?.role === 'active'
    if (serves === this.#peerServes) return
    this.#peerServes = serves
    this.#tell({ type: 'peer-serves', serves })
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
    const { take, promoted, health, log, died, state } = this.#options
    switch (message.type) {
      case 'promoted':
        promoted(message.durationMs)
        return
      case 'demoted':
        take({ type: 'demoted' })
        return
      case 'frozen': {
        const offset = message.offsets.get(this.#provenBy ?? '') ?? state().position.offset
        take({ type: 'frozen', position: { term: state().position.term, offset } })
        return
      }
      case 'looked':
        this.#views = message.stores
        this.#tellPosition()
        return
      case 'health':
        health(message.healthy)
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

  /** The history is our own while we serve, and the peer's while we follow it. */
  #tellPosition(): void {
    const view = this.#views.find(({ name }) => name === this.#provenBy)
    if (view === undefined || view.offset === null) return
    const { position, armed, term, peer } = this.#options.state()
    const followed = view.following && peer !== null ? peer.position.term : position.term
    const told = { term: armed ? term : followed, offset: view.offset }
    if (told.term === position.term && told.offset === position.offset) return
    this.#options.take({ type: 'position', position: told })
  }
}
