/**
 * What did the peer tell of its stores last? Kept per start of its agent, so that one that comes back
 * does not wipe out what the one before said in its last moments.
 */
import { decodeStoreWords, type StoreWord, type StoreWords } from '../wire/store-words.ts'
import type { PeerMail } from './store-mail.ts'

/** The start that is heard, and the one before. */
const BOOTS_KEPT = 2

export interface PeerStoreView {
  /** The newest word. */
  word: StoreWord
  /** The newest word that says how far its data is; null when none did. */
  told: StoreWord | null
  /** When the look behind that one began, on our clock, or earlier. */
  lookedMs: number
  /** It took writes at some time since we did. */
  served: boolean
}

export class PeerStores {
  /** By start and name; the start that was heard last is the last. */
  readonly #boots = new Map<string, Map<string, PeerStoreView>>()

  /** @returns what was said; null when it could not be read */
  hear({ bytes, sentMs, boot }: PeerMail): StoreWords | null {
    const read = decodeStoreWords(Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length))
    if (read === null) return null
    const stores = this.#boots.get(boot) ?? new Map<string, PeerStoreView>()
    this.#boots.delete(boot)
    this.#boots.set(boot, stores)
    for (const old of [...this.#boots.keys()].slice(0, -BOOTS_KEPT)) this.#boots.delete(old)
    const madeMs = sentMs - read.ageMs
    for (const word of read.words.stores) {
      const before = stores.get(word.name)
      const told = word.position === null ? (before?.told ?? null) : word
      const lookedMs =
        word.position === null ? (before?.lookedMs ?? madeMs) : madeMs - word.lookedAgoMs
      const served = word.role === 'writable' || before?.served === true
      stores.set(word.name, { word, told, lookedMs, served })
    }
    return read.words
  }

  /** What one start of the peer's agent said of a store; null when it said nothing. */
  of(boot: string | null, store: string): PeerStoreView | null {
    return boot === null ? null : (this.#boots.get(boot)?.get(store) ?? null)
  }

  /** What was heard last, from whichever start. */
  newest(store: string): PeerStoreView | null {
    return [...this.#boots.values()].at(-1)?.get(store) ?? null
  }

  /** We take the writes from now on: what the peer did before is settled. */
  forgetServing(): void {
    for (const stores of this.#boots.values()) {
      for (const view of stores.values()) view.served = false
    }
  }
}
