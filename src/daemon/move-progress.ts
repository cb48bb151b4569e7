/**
 * What is an operator told while a role moves? Hazards before, the steps of both nodes with their times, and
 * whether the new active serves in full in the end. Read off the heart's snapshots, as everything an operation
 * tells; what the peer did comes with its heartbeats.
 */
import type { PairConfig } from '../config/config.ts'
import type { MoveStep, Snapshot } from '../control/snapshot.ts'
import { stepSentence } from '../control/step-sentence.ts'
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

/** Follows the steps of a move from the first snapshot on. */
export class MoveProgress {
  readonly #peerName: NodeName
  readonly #peerTermBefore: number
  #seen: number
  #peerSeen = 0
  #givenBack: string | null = null
  #allWritable = false
  /** Our stores that were demoted since then. */
  readonly #readOnly = new Set<string>()

  constructor(first: Snapshot, peerName: NodeName) {
    this.#peerName = peerName
    this.#peerTermBefore = first.peerSteps?.term ?? 0
    this.#seen = first.steps.at(-1)?.number ?? 0
  }

  /** Why the stores were given free again last; null when they were not. */
  get givenBack(): string | null {
    return this.#givenBack
  }

  /** What was done here since the last time this was asked. */
  news({ steps }: Snapshot): readonly MoveStep[] {
    const news = steps.filter(({ number }) => number > this.#seen)
    for (const { number, kind, sentence, subject } of news) {
      this.#seen = number
      if (kind === 'given-back') this.#givenBack = sentence
      if (kind === 'all-writable') this.#allWritable = true
      if (kind === 'store-read-only') this.#readOnly.add(subject)
    }
    return news
  }

  /** What the peer did since then, as it tells, each with its time since it began to take the role. */
  peerNews({ peerSteps }: Snapshot): readonly string[] {
    if (peerSteps === null || peerSteps.term === this.#peerTermBefore) return []
    const news = peerSteps.steps.slice(this.#peerSeen)
    this.#peerSeen = Math.max(this.#peerSeen, peerSteps.steps.length)
    return news.map(
      ({ kind, afterMs, subject }) =>
        `${this.#peerName}, ${afterMs} ms after it began: ${stepSentence(kind, subject)}`,
    )
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

  /** Every store of this node was demoted. */
  oursReadOnly({ stores }: Snapshot): boolean {
    return stores.every(({ name }) => this.#readOnly.has(name))
  }

  /** Whether every service of the node that serves now is up and told; null when nobody tells. */
  served(snapshot: Snapshot, target: NodeName, { node }: PairConfig): boolean | null {
    if (target === node) return snapshot.servesInFull
    const { peerSteps } = snapshot
    if (peerSteps === null || peerSteps.term === this.#peerTermBefore) return null
    return peerSteps.complete
  }
}
