/**
 * What do our heartbeats carry of the stores, and what came with the peer's? The heart's side of it.
 *
 * The words are made and read by the thread of the stores; here they are only kept, stamped with their
 * age and compared with the last ones, for the heart handles fifty heartbeats a second and more.
 */
import type { Heartbeat } from '../core/heartbeat.ts'
import type { State } from '../core/state.ts'
import { sameStoreWords, stampStoreWords, storeWordsIn } from '../wire/store-words.ts'

/** Words of the peer about its stores. */
export interface PeerMail {
  bytes: Uint8Array
  /** The peer sent it then or later, on our clock. */
  sentMs: number
  /** Start of the peer's agent that said it, and its term then. */
  boot: string
  term: number
}

export class StoreMail {
  readonly #deliver: (mail: PeerMail) => void
  #ours: { section: Buffer; madeMs: number } | null = null
  #theirs: { section: Buffer; boot: string } | null = null

  constructor(deliver: (mail: PeerMail) => void) {
    this.#deliver = deliver
  }

  /** Our stores are like this now. */
  put(section: Uint8Array, madeMs: number): void {
    this.#ours = {
      section: Buffer.from(section.buffer, section.byteOffset, section.length),
      madeMs,
    }
  }

  /** To be appended to a heartbeat that is sent now; undefined when nothing is known yet. */
  appended(nowMs: number): Uint8Array | undefined {
    if (this.#ours === null) return undefined
    stampStoreWords(this.#ours.section, nowMs - this.#ours.madeMs)
    return this.#ours.section
  }

  /**
   * Takes what came with a heartbeat, when that is the newest of the peer that counts: a recording of
   * an old one must not speak for its stores. What says nothing new, or whose age nobody can tell, is
   * passed over.
   */
  hear(bytes: Buffer, heartbeat: Heartbeat, sentMs: number | null, state: Readonly<State>): void {
    const { peer } = state
    if (sentMs === null || peer?.boot !== heartbeat.boot || peer.seq !== heartbeat.seq) return
    const words = storeWordsIn(bytes)
    if (words === null) return
    const last = this.#theirs
    if (last?.boot === heartbeat.boot && sameStoreWords(last.section, words)) return
    const { boot, term } = heartbeat
    const section = Buffer.from(words)
    this.#theirs = { section, boot }
    this.#deliver({ bytes: section, sentMs, boot, term })
  }
}
