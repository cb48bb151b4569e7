/**
 * Does a write wait for the peer? Carries the core's word to every store until it took it, and again to
 * one whose server was started anew: servers forget it.
 *
 * A store that goes on alone against the word only costs sync, for what the store itself says is what
 * counts (`core/data.ts`). One that goes on waiting would hold up every write of the applications.
 */
import type { ReplicatedStore } from '../resources/replicated-store.ts'

const LIMIT_MS = 1_000
const AGAIN_MS = 250

export class StoreConfirm {
  readonly #stores: readonly ReplicatedStore[]
  readonly #trouble: (store: ReplicatedStore, text: string) => void
  readonly #wait: (ms: number) => Promise<void>
  /** As last ordered since this node serves; null before. */
  #alone: boolean | null = null
  /** Number of the newest order. */
  #order = 0

  constructor(
    stores: readonly ReplicatedStore[],
    trouble: (store: ReplicatedStore, text: string) => void,
    wait: (ms: number) => Promise<void>,
  ) {
    this.#stores = stores
    this.#trouble = trouble
    this.#wait = wait
  }

  /** @param alone  a write is confirmed at once; else it waits for the peer */
  async order(alone: boolean): Promise<void> {
    this.#order += 1
    this.#alone = alone
    await Promise.all(this.#stores.map((store) => this.again(store)))
  }

  /** Repeats the last order for one store, until it takes it or another order comes. */
  async again(store: ReplicatedStore): Promise<void> {
    const order = this.#order
    for (let told = false; order === this.#order && this.#alone !== null; told = true) {
      const result = await store.confirm(this.#alone, LIMIT_MS)
      if (result.ok) return
      if (!told) this.#trouble(store, result.fault.message)
      await this.#wait(AGAIN_MS)
    }
  }

  /** This node serves no longer: a demotion says how its stores are left. */
  forget(): void {
    this.#order += 1
    this.#alone = null
  }
}
