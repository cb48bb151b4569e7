/** Types of `judge.mjs`, which runs without a build step. */
export interface Verdict {
  index: number
  rule: string
  without: string
  /** Claims that fail with this mutant, and seeds that end unsafe or stuck. */
  claims: string[]
  seeds: number[]
  /** Why the mutant could not be built; null when it could. */
  error: string | null
}

export function judgeAll(all?: boolean): Promise<Verdict[]>

export function caughtBy(verdict: Verdict): string
