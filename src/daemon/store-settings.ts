/**
 * Which settings do our stores run with, of those that both nodes should have alike? Asked now and then, one
 * store after the other; what does not answer keeps what it said before.
 */
import type { ReplicatedStore } from '../resources/replicated-store.ts'

const ASK_MS = 60_000
const ASK_LIMIT_MS = 800

export interface StoreSettingsOptions {
  stores: readonly ReplicatedStore[]
  wait: (ms: number) => Promise<void>
}

export class StoreSettings {
  readonly #options: StoreSettingsOptions
  readonly #told = new Map<string, ReadonlyMap<string, string>>()
  #stopped = false

  constructor(options: StoreSettingsOptions) {
    this.#options = options
  }

  /** By name; empty for a store that was not asked yet. */
  of({ name }: Pick<ReplicatedStore, 'name'>): ReadonlyMap<string, string> {
    return this.#told.get(name) ?? new Map()
  }

  /** Runs until stopped. */
  start(): void {
    void this.#repeat()
  }

  stop(): void {
    this.#stopped = true
  }

  async #repeat(): Promise<void> {
    while (!this.#stopped) {
      for (const store of this.#options.stores) {
        const asked = await store.settings(ASK_LIMIT_MS)
        if (asked.ok) this.#told.set(store.name, asked.value)
      }
      await this.#options.wait(ASK_MS)
    }
  }
}
