/**
 * Does whoever calls the floating IP get an answer? Asked by the node that does not serve, as a client would.
 *
 * No probe on the serving node sees what lies between it and its clients: switch, firewall, a gate that stays
 * shut. It is told and raised as an alarm; the role does not follow from it, for it may be our own LAN that is
 * broken, and that is what ping nodes are for.
 */
import type { OutsideSnapshot } from '../control/snapshot.ts'
import type { Check } from '../resources/checks/check.ts'

export interface OutsideViewOptions {
  checks: readonly Check[]
  /** Somebody else serves, and we do not. */
  watches: () => boolean
  now: () => number
  wait: (ms: number) => Promise<void>
  changed: () => void
}

const EVERY_MS = 5_000
const LIMIT_MS = 2_000
/** A takeover takes that long for a client; it is no outage to be raised. */
const MISSES = 2

export class OutsideView {
  readonly #options: OutsideViewOptions
  readonly #found = new Map<Check, OutsideSnapshot>()
  #stopped = false

  constructor(options: OutsideViewOptions) {
    this.#options = options
  }

  /** Empty while this node serves, or nobody does. */
  get findings(): readonly OutsideSnapshot[] {
    return this.#options.checks.flatMap((check) => this.#found.get(check) ?? [])
  }

  start(): void {
    for (const check of this.#options.checks) void this.#watch(check)
  }

  stop(): void {
    this.#stopped = true
    for (const check of this.#options.checks) check.close()
  }

  /** One that is dear has a pace of its own; soon after a move, and after a first miss, it is asked at once. */
  async #watch(check: Check): Promise<void> {
    const { watches, now, wait } = this.#options
    let misses = 0
    let dueMs = 0
    while (!this.#stopped) {
      await wait(EVERY_MS)
      if (this.#stopped) return
      if (watches() && now() >= dueMs) {
        const { ok, why } = await check.run(check.limitMs ?? LIMIT_MS)
        misses = ok ? 0 : misses + 1
        const settled = ok || misses >= MISSES
        if (settled) dueMs = now() + (check.everyMs ?? 0)
        this.#tell(check, {
          check: check.label,
          why: misses < MISSES ? null : (why ?? 'no answer'),
        })
      }
      // The role may have changed while we asked.
      if (!watches()) {
        misses = 0
        dueMs = 0
        this.#tell(check, null)
      }
    }
  }

  #tell(check: Check, found: OutsideSnapshot | null): void {
    const before = JSON.stringify(this.findings)
    if (found === null) this.#found.delete(check)
    else this.#found.set(check, found)
    if (JSON.stringify(this.findings) !== before) this.#options.changed()
  }
}
