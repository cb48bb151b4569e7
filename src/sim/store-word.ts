/**
 * What does an agent tell its core of the server? Position and confirmation, from one look to the next.
 *
 * The words and the patience of daemon/store-position.ts and resources/mariadb-semi-sync.ts, over the pretend
 * server's looks: a position bears the term of the history it belongs to, "waits for the peer" needs two looks
 * in a row, and a server that says nothing keeps its last word for a while (D-029).
 */
import type { Position } from '../core/heartbeat.ts'
import type { State } from '../core/state.ts'
import type { Happening } from '../daemon/loop.ts'
import type { ServerLook } from './store-server.ts'

/** Somebody waits and nothing was acknowledged for this long: the peer does not confirm. */
const STUCK_MS = 500
/** A server that says nothing keeps its last word so long (D-029). */
export const SILENT_MAX_MS = 10_400
/** It counts as sick after this long. */
const SICK_MS = 5_300

export class StoreWord {
  /** The server answered a look since the agent was started: its position is no guess. */
  answered = false
  sick = false
  #silentSinceMs: number | null = null
  #onBefore = false
  #stuck: { acknowledged: number; sinceMs: number } | null = null
  #lookedFor: Position | null = null

  /** What a look tells the core; null: the server did not answer. */
  looked(found: ServerLook | null, state: Readonly<State>, nowMs: number): Happening[] {
    if (found === null) {
      this.#silentSinceMs ??= nowMs
      const silentMs = nowMs - this.#silentSinceMs
      if (silentMs >= SICK_MS) this.sick = true
      const keepsWord = this.answered && silentMs < SILENT_MAX_MS
      return keepsWord ? [] : tell(false, state)
    }
    this.#silentSinceMs = null
    this.answered = true
    this.sick = false
    const position = { term: historyOf(found, state), offset: found.offset }
    const isNews = state.positionUnknown || !same(position, state.position)
    const told: Happening[] = isNews ? [{ type: 'position', position }] : []
    return [...told, ...tell(this.#judge(found, nowMs), state)]
  }

  /** Writes are to be confirmed alone: two looks in a row prove the contrary anew. */
  alone(): void {
    this.#onBefore = false
  }

  /** Every write since the look before was confirmed by the peer first. */
  #judge({ semiSync, waiting, acknowledged }: ServerLook, nowMs: number): boolean {
    const before = this.#onBefore
    this.#onBefore = semiSync
    if (!semiSync || waiting === 0) this.#stuck = null
    else if (this.#stuck?.acknowledged !== acknowledged) {
      this.#stuck = { acknowledged, sinceMs: nowMs }
    }
    if (!semiSync || !before) return false
    return this.#stuck === null || nowMs - this.#stuck.sinceMs < STUCK_MS
  }

  /** Whether to look at once: the active tells more than we know of ours. Once for each position. */
  wantsLook({ role, peer, position }: Readonly<State>): boolean {
    if (role !== 'standby' || peer?.role !== 'active') return false
    const theirs = peer.position
    if (theirs.term === position.term && theirs.offset <= position.offset) return false
    if (this.#lookedFor !== null && same(theirs, this.#lookedFor)) return false
    this.#lookedFor = theirs
    return true
  }
}

function tell(together: boolean, state: Readonly<State>): Happening[] {
  return together === state.together ? [] : [{ type: 'confirms', together }]
}

/** The history is our own while we serve, and the peer's while we follow it and apply what comes. */
function historyOf({ following, applies }: ServerLook, state: Readonly<State>): number {
  if (state.armed) return state.term
  if (!applies) return 0
  return following && state.peer !== null ? state.peer.position.term : state.position.term
}

function same(a: Position, b: Position): boolean {
  return a.term === b.term && a.offset === b.offset
}
