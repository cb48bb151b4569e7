/**
 * How does an answer of a store become a value?
 *
 * The few lines that every store needs to keep its contract: measured time, faults, and a limit that
 * is shared by several steps. Nothing here knows a server.
 */
import type { StoreFault, StoreFaultCode, StoreResult } from './replicated-store.ts'

/** A fault on its way out of a call; never leaves a store. */
export class StoreFailure extends Error {
  readonly fault: StoreFault

  constructor(code: StoreFaultCode, message: string) {
    super(message)
    this.fault = { code, message }
  }
}

/** What is left of the time one call has, on the monotonic clock. */
export class Limit {
  readonly limitMs: number
  readonly #startMs = performance.now()

  constructor(limitMs: number) {
    this.limitMs = limitMs
  }

  /** Never negative. */
  leftMs(): number {
    return Math.max(0, this.limitMs - this.spentMs())
  }

  spentMs(): number {
    return performance.now() - this.#startMs
  }

  over(): boolean {
    return this.leftMs() <= 0
  }
}

/**
 * Runs the steps of one call and turns what they throw into a value.
 *
 * @param steps  throws `StoreFailure` for what is expected; anything else is our mistake and goes on
 */
export async function answer<Value>(
  limitMs: number,
  steps: (limit: Limit) => Promise<Value>,
): Promise<StoreResult<Value>> {
  const limit = new Limit(limitMs)
  try {
    const value = await steps(limit)
    return { ok: true, value, durationMs: limit.spentMs() }
  } catch (cause) {
    if (!(cause instanceof StoreFailure)) throw cause
    return { ok: false, fault: cause.fault, durationMs: limit.spentMs() }
  }
}

/** Waits. */
export function pause(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms))
}
