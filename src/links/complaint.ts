/**
 * How do we complain about what may happen thousands of times a second?
 *
 * Once per kind and stretch of time; what was swallowed meanwhile is told with the next one.
 */

/** One sentence per kind in this time. */
const QUIET_MS = 10_000

export class Complaints {
  readonly #say: (sentence: string) => void
  readonly #quiet = new Map<string, { untilMs: number; swallowed: number }>()

  constructor(say: (sentence: string) => void) {
    this.#say = say
  }

  /**
   * @param kind   what is limited together; from a closed list, never from the network
   * @param nowMs  any steady clock
   * @param compose  makes the sentence, only when it is said
   */
  raise(kind: string, nowMs: number, compose: () => string): void {
    const quiet = this.#quiet.get(kind)
    if (quiet !== undefined && nowMs < quiet.untilMs) {
      quiet.swallowed += 1
      return
    }
    const swallowed = quiet?.swallowed ?? 0
    this.#quiet.set(kind, { untilMs: nowMs + QUIET_MS, swallowed: 0 })
    this.#say(
      swallowed === 0 ? compose() : `${compose()} (and ${swallowed} more of this kind before)`,
    )
  }
}
