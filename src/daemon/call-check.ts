/**
 * Can subscribers call since this node serves? One real call once everything is up, tried on only while it
 * fails.
 *
 * What every probe leaves out is the chain of them. The role does not follow from it: a wrong password would
 * move it for ever.
 */
import type { CallSnapshot } from '../control/snapshot.ts'
import type { Check, CheckResult } from '../resources/checks/check.ts'

export interface CallCheckOptions {
  check: Check
  now: () => number
  wait: (ms: number) => Promise<void>
  changed: () => void
  /** It went well, or it failed for good: once per takeover, and when it is over. */
  told: (ok: boolean, why: string) => void
}

/** Services that do not come up are no reason not to call. */
const PATIENCE_MS = 10_000
const LOOK_MS = 100
/** For all of a call; each step has a shorter one of its own. */
const LIMIT_MS = 45_000
/** The first failure may be a moment in which a switch or a phone still learns. */
const AGAIN_MS = 5_000
const MISSES = 2
const EVERY_MS = 60_000

export class CallCheck {
  readonly #options: CallCheckOptions
  /** Counts up whenever this node begins or ends to serve. */
  #turn = 0
  #served = false
  #last: CallSnapshot | null = null

  constructor(options: CallCheckOptions) {
    this.#options = options
  }

  /** Of the newest takeover; null before its first call, and where this node does not serve. */
  get last(): CallSnapshot | null {
    return this.#last
  }

  /** This node begins to serve, or ends. */
  serve(on: boolean): void {
    this.#turn += 1
    this.#served = false
    this.#last = null
    if (on) void this.#follow(this.#turn)
  }

  /** Every service is up. */
  allServed(): void {
    this.#served = true
  }

  stop(): void {
    this.#turn += 1
    this.#options.check.close()
  }

  async #follow(turn: number): Promise<void> {
    const { check, now, wait } = this.#options
    const untilMs = now() + PATIENCE_MS
    while (!this.#served && now() < untilMs && turn === this.#turn) await wait(LOOK_MS)
    for (let misses = 0; turn === this.#turn; ) {
      const result = await check.run(LIMIT_MS)
      if (turn !== this.#turn) return
      misses = result.ok ? 0 : misses + 1
      if (result.ok || misses >= MISSES) this.#tell(result, misses)
      if (result.ok) return
      await wait(misses < MISSES ? AGAIN_MS : (check.everyMs ?? EVERY_MS))
    }
  }

  #tell({ ok, why }: CheckResult, misses: number): void {
    const { check, now, changed, told } = this.#options
    const sentence = why ?? (ok ? 'it was answered' : 'no answer')
    this.#last = { check: check.label, atMs: now(), ok, why: sentence }
    if (ok || misses === MISSES) told(ok, sentence)
    changed()
  }
}
