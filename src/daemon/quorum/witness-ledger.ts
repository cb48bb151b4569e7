/**
 * May this node take the witness's record, and was that a lease? The rules of R3 for a store without a clock
 * of that grain, without sockets: who asks and who answers is the keeper's business.
 *
 * - The record is swapped, by compare: nobody ever writes over what it has not read.
 * - Who holds it renews at once. Who does not may swap it only when it was seen unchanged for L + M, counted
 *   on this node's clock from the receipt of the first reading, whoever's name it bears, our own as well.
 * - A swap that was confirmed is a lease from the moment it was sent. One whose answer was lost is confirmed
 *   by whatever later answer shows it as the record's newest entry.
 * - Holding ends with the attempt (PROTOCOL, "Words").
 */
import type { NodeName } from '../../core/policy.ts'
import type { WitnessEntry, WitnessReading } from '../../wire/witness-record.ts'

/** Requests whose end is remembered; far more than can be under way within a lease. */
const SENT_REMEMBERED = 64

export interface LedgerOptions {
  node: NodeName
  boot: string
  leaseMs: number
  marginMs: number
}

/** What to ask the store. */
export type LedgerRequest =
  | { kind: 'read' }
  | { kind: 'swap'; seen: WitnessReading; entry: WitnessEntry; sentAtMs: number }

/** What an answer means for the attempt that asked. */
export type LedgerVerdict =
  /** The lease counts from that moment. */
  | { kind: 'granted'; sentAtMs: number }
  | { kind: 'refused' }
  /** The record was held in this attempt and is another's now: somebody waited, and took it. */
  | { kind: 'lost'; to: NodeName | null }

export class WitnessLedger {
  readonly #options: LedgerOptions
  readonly #sent = new Map<number, { attempt: number; sentAtMs: number }>()
  #number = 0
  #seen: { reading: WitnessReading; sinceMs: number } | null = null
  #heldFor: number | null = null

  constructor(options: LedgerOptions) {
    this.#options = options
  }

  /** What the record was when last read, and since when it is known to be that; null before. */
  get seen(): { reading: WitnessReading; sinceMs: number } | null {
    return this.#seen
  }

  /** Held by this node in this attempt. */
  holds(attempt: number): boolean {
    return this.#heldFor === attempt
  }

  /** The next request of an attempt that wants the lease. */
  request(attempt: number, nowMs: number): LedgerRequest {
    const seen = this.#seen
    if (seen === null || !this.#maySwap(attempt, nowMs)) return { kind: 'read' }
    this.#number += 1
    const { node, boot } = this.#options
    this.#sent.set(this.#number, { attempt, sentAtMs: nowMs })
    this.#sent.delete(this.#number - SENT_REMEMBERED)
    return {
      kind: 'swap',
      seen: seen.reading,
      entry: { node, boot, number: this.#number },
      sentAtMs: nowMs,
    }
  }

  /**
   * Takes in what the store held when it answered, to a reading or to a swap.
   *
   * @param nowMs  of the receipt
   */
  note(reading: WitnessReading, nowMs: number): void {
    const known = this.#seen?.reading
    if (known?.revision === reading.revision && known.text === reading.text) return
    this.#seen = { reading, sinceMs: nowMs }
  }

  /** What the newest reading means for this attempt. To be asked after `note`. */
  judge(attempt: number): LedgerVerdict {
    const entry = this.#seen?.reading.entry ?? null
    const own = entry?.boot === this.#options.boot ? this.#sent.get(entry.number) : undefined
    if (own?.attempt === attempt) {
      this.#heldFor = attempt
      return { kind: 'granted', sentAtMs: own.sentAtMs }
    }
    if (this.#heldFor !== attempt) return { kind: 'refused' }
    this.#heldFor = null
    return { kind: 'lost', to: entry?.node ?? null }
  }

  #maySwap(attempt: number, nowMs: number): boolean {
    if (this.#heldFor === attempt) return true
    const { leaseMs, marginMs } = this.#options
    return this.#seen !== null && nowMs - this.#seen.sinceMs >= leaseMs + marginMs
  }
}
