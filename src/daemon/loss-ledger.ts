/**
 * What may be lost since a takeover, and what was it in the end? Both nodes keep book.
 *
 * The one that took over notes an upper bound and tells it with its heartbeats. The one that came back
 * compares its stores before it links them, finds the exact figure and tells that. Each notes both. What
 * neither holds any more, a crash took from the disk; nobody can count that, but it is within the bound.
 */
import type { LossSnapshot } from '../control/snapshot.ts'
import type { NodeName } from '../core/policy.ts'
import { peerOf } from '../core/policy.ts'
import type { StorePosition } from '../resources/replicated-store.ts'
import type { ComparedWord, LossWord, StoreWord } from '../wire/store-words.ts'
import { anchorOf, boundOf, exactOf, type Found } from './loss-bound.ts'
import type { PeerStores } from './peer-stores.ts'

/** How this node came to serve. */
export interface Taking {
  /** When its gate opened. */
  atMs: number
  term: number
  /** The peer had not handed over but was silent. */
  unplanned: boolean
  /** Start of the peer that was heard last; null when none was. */
  peerBoot: string | null
  /** We held everything that was confirmed; null when the pair keeps no book of that. */
  inSync: boolean | null
}

export interface LossLedgerOptions {
  node: NodeName
  stores: readonly { name: string; kind: 'redis' | 'mariadb'; semiSync: boolean }[]
  /** How long a server holds writes back for the peer before it confirms them alone. */
  holdsMs: number
  peer: PeerStores
  /** Something was noted, or became known. */
  tell: (loss: LossSnapshot) => void
}

type Owed = LossSnapshot & Pick<LossWord, 'anchor' | 'from'>

export class LossLedger {
  readonly #options: LossLedgerOptions
  /** What we took over without, until the peer has compared. */
  readonly #owed = new Map<string, Owed>()
  /** Until when this node served last. */
  #servedMs: number | null = null
  /** What our last comparison found, while we follow. */
  readonly #found = new Map<string, Found>()
  /** What we told of it. */
  readonly #compared = new Map<string, ComparedWord>()

  constructor(options: LossLedgerOptions) {
    this.#options = options
  }

  /** Not settled by the time the agent ended. */
  restore(losses: readonly LossSnapshot[]): void {
    for (const loss of losses) {
      const owed = this.#owed.get(loss.store)
      const better = owed === undefined || (owed.most === null && loss.most !== null)
      if (loss.by === this.#options.node && better) {
        this.#owed.set(loss.store, { ...loss, anchor: null, from: null })
      }
    }
  }

  /** What a store lacks at most; null when it lacks nothing, or that is settled. */
  of(store: string): LossSnapshot | null {
    const owed = this.#owed.get(store)
    if (owed === undefined) return null
    const { anchor: _anchor, from: _from, ...loss } = owed
    return loss
  }

  /** What is to be told of a store with our heartbeats. */
  wordsOf(store: string): Pick<StoreWord, 'loss' | 'compared'> {
    const owed = this.#owed.get(store)
    const loss =
      owed === undefined
        ? null
        : { term: owed.term, most: owed.most, anchor: owed.anchor, from: owed.from }
    return { loss, compared: this.#compared.get(store) ?? null }
  }

  /**
   * This node took over and its stores take writes.
   *
   * @param positions  where each was when everything received was applied
   * @param ownRates   highest rates we saw ourselves, by name
   */
  tookOver(
    taking: Taking,
    positions: ReadonlyMap<string, StorePosition>,
    ownRates: ReadonlyMap<string, number | null>,
  ): void {
    const { peer, stores } = this.#options
    for (const { name, kind, semiSync } of stores) {
      this.#found.delete(name)
      this.#compared.delete(name)
      const ours = positions.get(name) ?? null
      const view = peer.of(taking.peerBoot, name)
      // Without a word of the peer's, what an earlier takeover lacked is all that is known.
      if (view === null && (!taking.unplanned || this.#owed.has(name))) continue
      // The peer's store stood by since we served, or did not tell otherwise.
      const again = !taking.unplanned || this.#owed.has(name)
      if (view !== null && !view.served && again) continue
      const said = { by: this.#options.node, store: name, kind, term: taking.term }
      const open = { ...said, atMs: taking.atMs, settled: false, exact: null }
      if (view === null || view.told === null) {
        const unknown = { most: null, overMs: null, confirmedSafe: false }
        this.#note({ ...open, ...unknown, anchor: null, from: null })
        continue
      }
      const bound = boundOf({
        word: view.told,
        unplanned: taking.unplanned,
        lookedMs: view.lookedMs,
        servedMs: this.#servedMs,
        ours,
        takenMs: taking.atMs,
        ownRate: ownRates.get(name) ?? null,
        inSync: semiSync ? taking.inSync : null,
        holdsMs: this.#options.holdsMs,
      })
      this.#close(name)
      // Frozen and seen here before it was handed over, or not written at all.
      if (bound.most === 0 && bound.overMs === 0) continue
      this.#note({ ...open, ...bound, ...anchorOf(view.told, ours) })
    }
    peer.forgetServing()
  }

  /** This node serves no longer. */
  stoppedServing(nowMs: number): void {
    this.#servedMs = nowMs
  }

  /** Our store was compared with the peer's, which serves, and is about to follow it. */
  compared(store: string, found: Found): void {
    this.#found.set(store, found)
    this.#compared.delete(store)
    const word = this.#options.peer.newest(store)?.word
    if (word !== undefined) this.#answer(word)
  }

  /** The peer told of a store. */
  hear(word: StoreWord): void {
    const owed = this.#owed.get(word.name)
    if (owed !== undefined && word.compared?.term === owed.term) {
      this.#owed.delete(word.name)
      const { anchor: _anchor, from: _from, ...loss } = owed
      this.#options.tell({ ...loss, settled: true, exact: word.compared.exact })
    }
    this.#answer(word)
  }

  /** The peer wants to know what it lacks of ours. */
  #answer({ name, loss }: StoreWord): void {
    const found = this.#found.get(name)
    if (loss === null) {
      this.#compared.delete(name)
      return
    }
    if (found === undefined || this.#compared.get(name)?.term === loss.term) return
    const compared = exactOf(loss, found)
    this.#compared.set(name, compared)
    const kind = this.#options.stores.find((store) => store.name === name)?.kind
    if (kind === undefined) return
    this.#options.tell({
      ...{ by: peerOf(this.#options.node), store: name, kind, term: loss.term, atMs: null },
      ...{ most: loss.most, overMs: null, confirmedSafe: false },
      ...{ settled: true, exact: compared.exact },
    })
  }

  /** The peer served since then: what an earlier takeover lacked will never be compared. */
  #close(store: string): void {
    const owed = this.of(store)
    this.#owed.delete(store)
    if (owed !== null) this.#options.tell({ ...owed, settled: true })
  }

  #note(loss: Owed): void {
    this.#owed.set(loss.store, loss)
    const { anchor: _anchor, from: _from, ...told } = loss
    this.#options.tell(told)
  }
}
