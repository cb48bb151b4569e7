/**
 * Who asks the witness, and when? Once per heartbeat interval, for the lease while the core wants it, else
 * only to know since when the record stands, so that a takeover need not begin to wait.
 *
 * One call at a time; a call that fails is tried at the other endpoints at once. The heart is told of
 * every answer and waits for none.
 */
import type { WitnessSnapshot } from '../../control/quorum-snapshot.ts'
import type { Timing } from '../../core/policy.ts'
import type { EndpointReport } from '../../links/witness-store.ts'
import type { WitnessAnswer, WitnessEntry, WitnessReading } from '../../wire/witness-record.ts'
import type { Happening } from '../loop.ts'
import type { WitnessLedger } from './witness-ledger.ts'

/** Endpoints that are not in use are looked at so often. */
const OTHERS_MS = 5_000

/** The store, as `links/witness-store.ts` has it. */
export interface WitnessDoor {
  readonly size: number
  readonly reports: EndpointReport[]
  readonly durations: readonly number[]
  read(): Promise<WitnessAnswer>
  swap(seen: WitnessReading, entry: WitnessEntry): Promise<WitnessAnswer>
  lookAtOthers(): Promise<void>
}

export interface WitnessKeeperOptions {
  ledger: WitnessLedger
  store: WitnessDoor
  timing: Pick<Timing, 'heartbeatMs' | 'leaseMs'>
  now: () => number
  take: (happening: Happening) => void
  log: (severity: 'info' | 'warning', text: string) => void
}

/** How long one call may take: three of them fit into a lease that was just renewed. */
export function callLimitMs({ leaseMs }: Pick<Timing, 'leaseMs'>): number {
  return leaseMs / 4
}

export class WitnessKeeper {
  readonly #options: WitnessKeeperOptions
  /** The newest attempt that asked and was not answered yet. */
  #asked: number | null = null
  #askedMs = Number.NEGATIVE_INFINITY
  #attempt: number | null = null
  #busy = false
  #othersMs: number
  #counts = { calls: 0, failures: 0, renewals: 0 }
  #answeredMs: number | null = null
  #silentSinceMs: number | null = null
  #trouble: string | null = null
  #lost: WitnessSnapshot['lost'] = null

  constructor(options: WitnessKeeperOptions) {
    this.#options = options
    this.#othersMs = options.now()
  }

  get snapshot(): Omit<WitnessSnapshot, 'record'> {
    const { ledger, store } = this.#options
    const { seen } = ledger
    return {
      endpoints: store.reports,
      holder: seen?.reading.entry?.node ?? null,
      held: this.#attempt !== null && ledger.holds(this.#attempt),
      changedMs: seen?.sinceMs ?? null,
      answeredMs: this.#answeredMs,
      silentSinceMs: this.#silentSinceMs,
      trouble: this.#trouble,
      lost: this.#lost,
      ...this.#counts,
      callMs: spread(store.durations),
    }
  }

  /** The core wants the lease for this attempt. */
  ask(attempt: number): void {
    this.#asked = attempt
    this.#askedMs = this.#options.now()
    this.#attempt = attempt
    void this.#work()
  }

  /** Every heartbeat interval. */
  beat(): void {
    const { now, timing, store } = this.#options
    const idle = now() - this.#askedMs > 1.5 * timing.heartbeatMs
    if (idle) {
      this.#attempt = null
      if (!this.#busy) void this.#once(() => this.#look())
    }
    if (store.size > 1 && now() - this.#othersMs > OTHERS_MS) {
      this.#othersMs = now()
      void store.lookAtOthers()
    }
  }

  async #work(): Promise<void> {
    await this.#once(async () => {
      for (let attempt = this.#next(); attempt !== null; attempt = this.#next()) {
        await this.#claim(attempt)
      }
    })
  }

  #next(): number | null {
    const attempt = this.#asked
    this.#asked = null
    return attempt
  }

  async #once(act: () => Promise<void>): Promise<void> {
    if (this.#busy) return
    this.#busy = true
    try {
      await act()
    } finally {
      this.#busy = false
    }
    // Asked while we only looked.
    if (this.#asked !== null) await this.#work()
  }

  async #look(): Promise<void> {
    for (let tries = 0; tries < this.#options.store.size; tries += 1) {
      const answer = await this.#options.store.read()
      // Whoever asked meanwhile does not wait for the other endpoints.
      if (this.#noted(answer) || this.#asked !== null) return
    }
  }

  /** At every endpoint until one answers. A reading tells only whether a swap is allowed by now. */
  async #claim(attempt: number): Promise<void> {
    const { ledger, store, now } = this.#options
    for (let tries = 0; tries < store.size; tries += 1) {
      const request = ledger.request(attempt, now())
      const answer =
        request.kind === 'read' ? await store.read() : await store.swap(request.seen, request.entry)
      if (!this.#noted(answer)) continue
      this.#tell(attempt)
      return
    }
  }

  #tell(attempt: number): void {
    const { ledger, now, take, log } = this.#options
    const verdict = ledger.judge(attempt)
    const granted = verdict.kind === 'granted'
    if (granted) this.#counts.renewals += 1
    if (verdict.kind === 'lost') {
      this.#lost = { atMs: now(), to: verdict.to }
      log('warning', `its record was taken by ${verdict.to ?? 'somebody else'} while we held it`)
    }
    take({ type: 'witness', sentAtMs: granted ? verdict.sentAtMs : now(), attempt, granted })
  }

  /** @returns whether there was an answer */
  #noted(answer: WitnessAnswer): boolean {
    const { ledger, now, log } = this.#options
    this.#counts.calls += 1
    if (answer.ok) {
      if (this.#trouble !== null) log('info', 'it answers again')
      this.#answeredMs = now()
      this.#silentSinceMs = null
      this.#trouble = null
      ledger.note(answer.reading, now())
      return true
    }
    this.#counts.failures += 1
    this.#silentSinceMs ??= now()
    // One lost call is nothing to speak of; the lease goes on, and the next one is on its way.
    const silentMs = now() - this.#silentSinceMs
    if (silentMs > this.#options.timing.leaseMs) {
      if (this.#trouble === null) log('warning', answer.why)
      this.#trouble = answer.why
    }
    return false
  }
}

/** Null while nothing was answered. */
function spread(durations: readonly number[]): WitnessSnapshot['callMs'] {
  if (durations.length === 0) return null
  const sorted = [...durations].sort((a, b) => a - b)
  const at = (share: number): number =>
    sorted[Math.min(sorted.length - 1, Math.floor(share * sorted.length))] ?? 0
  return { median: at(0.5), p99: at(0.99), max: at(1) }
}
