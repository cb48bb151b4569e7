/** Types of `data-hunt.mjs`, which runs without a build step. */
import type { Outcome } from '../../src/sim/schedule.ts'

/** Every mutant that has a seed noted, and what that schedule makes of it. */
export function judgeNoted(): Promise<
  (Pick<Outcome, 'seed' | 'verdict' | 'what'> & { name: string })[]
>
