/**
 * How did the service go from the old active to its peer? Moments after the fault, as clients saw them.
 */
import { probesWithin, type TimeWindow } from './outage.ts'
import type { Prober } from './prober.ts'
import type { Stage } from './scenario.ts'

/** How the service went from one node to the other, in ms after the fault; null: it did not. */
export interface Change {
  /** Sending of the last question that the old active answered, counted from when the fault was done. */
  oldAnsweredMs: number | null
  /** Arrival of the peer's first answer, in the family that came later. */
  peerServedMs: number | null
  /** Floating IPs gone from the old active's kernel; null also where nobody looked. */
  addressGoneMs: number | null
}

/** The floating IPs that clients ask for and the manager moves. */
export function floatingOf({ lab, driver }: Stage) {
  return lab.plan.floatingIps.filter(
    ({ family, interface: on }) => on === 'eth0' && driver.families.includes(family),
  )
}

/** When the old active answered last, asked directly, and when the peer answered a client first. */
export function changeOver(
  prober: Prober,
  { driver, active, standby }: Stage,
  window: TimeWindow,
  injectedMs: number,
): Pick<Change, 'oldAnsweredMs' | 'peerServedMs'> {
  const whole = (ms: number): number => Math.round(ms * 10) / 10
  const last: number[] = []
  const first: (number | undefined)[] = []
  for (const family of driver.families) {
    const asked = probesWithin(prober.recorded(`vip${family}@${active.name}`), window)
    last.push(...asked.filter(({ by }) => by === active.name).map(({ sentMs }) => sentMs))
    const answers = probesWithin(prober.recorded(`vip${family}`), window)
      .filter(({ by }) => by === standby.name)
      .flatMap(({ answeredMs }) => answeredMs ?? [])
    first.push(answers.length === 0 ? undefined : answers.reduce((a, b) => Math.min(a, b)))
  }
  const served = first.every((ms) => ms !== undefined)
  const lastMs = last.reduce((a, b) => Math.max(a, b), Number.NEGATIVE_INFINITY)
  return {
    oldAnsweredMs: last.length === 0 ? null : whole(Math.max(0, lastMs - injectedMs)),
    peerServedMs: served ? whole(Math.max(...first.map((ms) => ms ?? 0)) - window.fromMs) : null,
  }
}
