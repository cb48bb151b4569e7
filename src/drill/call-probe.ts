/**
 * Does a call that stands live on, and for how long is nothing heard? One real call, placed before and hung up
 * after what happens, as `tandem.call_check` says who calls whom.
 */
import type { CheckConfig } from '../config/check-text.ts'
import { callPlan } from '../resources/checks/call.ts'
import { placeTestCall } from '../sip/test-call.ts'
import type { TestCallReport } from '../sip/test-call-report.ts'

/** To register and to be answered. */
const ANSWERED_WITHIN_MS = 20_000
/** After it was hung up. */
const ENDED_WITHIN_MS = 15_000
/** No drill takes longer than this with a call that stands. */
const AUDIO_MAX_MS = 300_000

export interface StandingCall {
  /** Hangs up. @returns how it went; null when it did not end in time */
  end(): Promise<TestCallReport | null>
}

/** @returns when audio flows; why there is no call, when none came about */
export async function standCall(
  config: CheckConfig & { kind: 'call' },
  place: typeof placeTestCall = placeTestCall,
): Promise<StandingCall | string> {
  const planned = await callPlan(config)
  if (typeof planned === 'string') return planned
  const enough = new AbortController()
  const given = new AbortController()
  let talks = (): void => {}
  const talking = new Promise<'talking'>((resolve) => {
    talks = () => resolve('talking')
  })
  const watch = { talking: () => talks(), enough: enough.signal }
  const report = place({ ...planned, mediaMs: AUDIO_MAX_MS, watch }, given.signal)
  const first = await Promise.race([talking, report, after(ANSWERED_WITHIN_MS)])
  if (first === null) given.abort()
  if (first !== 'talking') {
    const { outcome, why } = first ?? (await report)
    return `${outcome}: ${why}`
  }
  return {
    async end() {
      enough.abort()
      const ended = await Promise.race([report, after(ENDED_WITHIN_MS)])
      if (ended === null) given.abort()
      return ended
    },
  }
}

function after(ms: number): Promise<null> {
  return new Promise((resolve) => {
    setTimeout(resolve, ms, null).unref()
  })
}
