/**
 * What is an operator told of the stores while a role moves? Hazards before, steps with their times, and
 * whether they take writes in the end. Read off the heart's snapshots, as everything an operation tells.
 */
import type { PairConfig } from '../config/config.ts'
import type { Snapshot, StoreStep } from '../control/snapshot.ts'
import type { NodeName } from '../core/policy.ts'

/** So many hazards are said before a move; all of them by `tandem explain`. */
const HAZARDS_SAID_MAX = 5

/** What to know before a move; nothing stops it by itself. */
export function hazardNotes(snapshot: Snapshot): string[] {
  const hazards = snapshot.stores.flatMap(({ name, hazards }) =>
    hazards.map((sentence) => `to know: ${name}: ${sentence}`),
  )
  const more = hazards.length - HAZARDS_SAID_MAX
  const said = hazards.slice(0, HAZARDS_SAID_MAX)
  return more > 0 ? [...said, `to know: ${more} more; see tandem explain`] : said
}

/** Follows the steps of the stores from the first snapshot on. */
export class StoreProgress {
  #seen: number
  #givenBack: string | null = null
  #allWritable = false

  constructor(first: Snapshot) {
    this.#seen = first.storeSteps.at(-1)?.number ?? 0
  }

  /** Why the stores were given free again last; null when they were not. */
  get givenBack(): string | null {
    return this.#givenBack
  }

  /** What was done since the last time this was asked. */
  news({ storeSteps }: Snapshot): readonly StoreStep[] {
    const news = storeSteps.filter(({ number }) => number > this.#seen)
    for (const { number, kind, sentence } of news) {
      this.#seen = number
      if (kind === 'given-back') this.#givenBack = sentence
      if (kind === 'all-writable') this.#allWritable = true
    }
    return news
  }

  /** The stores were given free again, and nobody asks them any more. */
  isOver({ state, nowMs }: Snapshot): boolean {
    const asked = state.ask !== null && nowMs < state.askUntilMs
    return this.#givenBack !== null && state.preparation === null && !asked
  }

  /** Whether the stores of the node that serves now take writes; null when nobody tells. */
  writable(snapshot: Snapshot, target: NodeName, { node }: PairConfig): boolean | null {
    if (snapshot.stores.length === 0) return null
    if (target === node) return this.#allWritable
    if (snapshot.stores.every(({ peer }) => peer === null)) return null
    return snapshot.peerStoresPromotedMs !== null
  }
}
