/**
 * What do the stores prove to the core? Offsets become positions, with the term of the history they
 * belong to.
 *
 * Only a store that confirms writes together with the peer can prove what the peer has: its offset is the
 * pair's position, and its word that it waits for the peer is what `sync` rests on. Without one,
 * positions prove nothing and are not told. Of several, the first one of the configuration proves; the
 * others are handed over with it all the same. Pure: what is to be told comes back as happenings.
 */
import type { StoreConfig } from '../config/config.ts'
import type { StoreSnapshot } from '../control/snapshot.ts'
import { endedAt } from '../core/ended-store.ts'
import type { Position } from '../core/heartbeat.ts'
import type { State } from '../core/state.ts'
import type { Happening } from './loop.ts'

/** What of the core's state it takes. */
export type PositionState = Pick<
  State,
  | 'role'
  | 'armed'
  | 'term'
  | 'position'
  | 'positionUnknown'
  | 'together'
  | 'confirming'
  | 'sole'
  | 'peer'
  | 'lastRunMs'
>

/**
 * A server that does not answer confirms nothing alone: it hangs, or it waits for the peer. Its last word
 * stands for as long as it may take until it counts as sick and is handed over; were "alone" told
 * before that, this node would be marked as the one with the newest data, and the peer could not serve.
 */
const SILENT_MAX_MS = 5_000
/** One missed probe and the pause to the next. */
const MISS_MS = 1_800

/** What of its configuration a store proves by. */
export type ProvingConfig = Pick<StoreConfig, 'semiSync' | 'probeMisses'>

/** How long a store that proves keeps its last word without an answer. */
export function silentMaxMs(configs: readonly ProvingConfig[]): number {
  const proving = configs.find(({ semiSync }) => semiSync)
  return SILENT_MAX_MS + (proving?.probeMisses ?? 0) * MISS_MS
}

export class StorePositions {
  /** Name of the store that proves; null when none does. */
  readonly provenBy: string | null
  /** When the first look failed since the last good one; null when none did. */
  #silentSinceMs: number | null = null
  #answered = false
  readonly #silentMaxMs: number
  /** Position of the peer that was looked for last. */
  #lookedFor: Position | null = null

  constructor(configs: readonly (ProvingConfig & Pick<StoreConfig, 'name'>)[]) {
    this.provenBy = configs.find(({ semiSync }) => semiSync)?.name ?? null
    this.#silentMaxMs = silentMaxMs(configs)
  }

  /** What a look at the stores tells the core: what is new of it. */
  looked(views: readonly StoreSnapshot[], state: Readonly<PositionState>): Happening[] {
    if (this.provenBy === null) return []
    const view = views.find(({ name }) => name === this.provenBy)
    const told: Happening[] = []
    if (view !== undefined && view.offset !== null) {
      const position = { term: historyOf(view, state), offset: view.offset }
      const news = state.positionUnknown || !same(position, state.position)
      if (news) told.push({ type: 'position', position })
    }
    if (view !== undefined && this.#isSilent(view, state.lastRunMs)) return told
    // After the position: what the store held before it waited for the peer is for the core to compare.
    const together = view?.confirmsTogether ?? false
    if (together !== state.together) told.push({ type: 'confirms', together })
    return told
  }

  /** It does not answer any more, and that is not so for long. */
  #isSilent({ offset }: StoreSnapshot, nowMs: number): boolean {
    if (offset !== null) {
      this.#silentSinceMs = null
      this.#answered = true
    } else this.#silentSinceMs ??= nowMs
    return (
      this.#answered &&
      this.#silentSinceMs !== null &&
      nowMs - this.#silentSinceMs < this.#silentMaxMs
    )
  }

  /** Nobody can write any more. A store that is not among the offsets had to be ended for that. */
  frozen(
    { offsets, applied }: { offsets: ReadonlyMap<string, number>; applied: ReadonlySet<string> },
    state: Readonly<PositionState>,
  ): Happening {
    const { position } = state
    const name = this.provenBy ?? ''
    const offset = offsets.get(name) ?? endedAt(state, applied.has(name))
    return { type: 'frozen', position: { term: position.term, offset } }
  }

  /**
   * Whether to look at once: the active tells more than we know of ours, and may be waiting for our
   * word. Once for each position it tells.
   */
  wantsLook({ role, peer, position }: Readonly<PositionState>): boolean {
    if (this.provenBy === null || role !== 'standby' || peer?.role !== 'active') return false
    const theirs = peer.position
    if (theirs.term === position.term && theirs.offset <= position.offset) return false
    if (this.#lookedFor !== null && same(theirs, this.#lookedFor)) return false
    this.#lookedFor = theirs
    return true
  }
}

/**
 * The history is our own while we serve, and the peer's while we follow it. A store that receives what
 * it does not apply follows nobody any more, whatever its server acknowledges: its position must not
 * count as one in the active's history.
 */
function historyOf(view: StoreSnapshot, state: Readonly<PositionState>): number {
  if (state.armed) return state.term
  if (!view.applies) return 0
  return view.following && state.peer !== null ? state.peer.position.term : state.position.term
}

function same(a: Position, b: Position): boolean {
  return a.term === b.term && a.offset === b.offset
}
