/**
 * Calls that stand while something happens to the pair: who lives on, and what was heard meanwhile.
 */
import { setTimeout as sleep } from 'node:timers/promises'
import { Calls, type CallsPlan, type Silence, silenceOf } from './calls.ts'
import type { Lab } from './topology.ts'

/** Media settles. */
export const LEAD_MS = 500
/** From the end of the hold to the last BYE, with what is sent again. */
export const END_WITHIN_MS = 20_000

/** What became of them. */
export interface Stood {
  calls: number
  /** Whose re-INVITE and BYE were answered with 200. */
  survived: number
  /** Null when nothing was heard at all. */
  silence: Silence | null
  /** Packets of media that did not go through the relay. */
  past: number
}

/**
 * Has calls stand; what happens next happens to them.
 *
 * @returns when media flows both ways in every call
 */
export async function stand(
  lab: Lab,
  plan: CallsPlan,
): Promise<{ end(watchMs: number): Promise<Stood> }> {
  const calls = await Calls.start(lab, plan)
  await calls.untilEstablished()
  await sleep(LEAD_MS)
  const beginMs = Date.now()
  return {
    /** @param watchMs  so long from their standing silence is looked for; within their hold */
    async end(watchMs) {
      const { survived, media } = await calls.end(plan.holdMs + END_WITHIN_MS)
      const silence = silenceOf(media, beginMs - LEAD_MS, beginMs + watchMs)
      return { calls: plan.count, survived, silence, past: media.past }
    },
  }
}
