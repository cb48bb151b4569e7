/**
 * Which figures does a node give away, and under which names? The reference for `/metrics`.
 *
 * All of them come from the status document and from counts of the control thread. What is not known has
 * no sample. Units are seconds and bytes; a figure of both nodes (the peer's state) is told by each as it
 * sees it.
 */
import { exposition, type Metric, type Sample } from './exposition.ts'
import { HELD_METRICS } from './held-metrics.ts'
import { type Definition, type Facts, type Row, seconds, type Value } from './metric-rows.ts'
import { PAIR_METRICS } from './pair-metrics.ts'
import { QUORUM_METRICS } from './quorum-metrics.ts'
import type { TransitionRecord } from './schema.ts'

const AGENT_METRICS: readonly Definition[] = [
  [
    'build_info',
    'gauge',
    'Always 1; which program this is and how it was set up.',
    ({ status: { version, node, profile, mode, local } }) => [
      [{ version, node, profile, mode, gate: local.gate.kind }, 1],
    ],
  ],
  [
    'start_time_seconds',
    'gauge',
    'When the agent started, seconds since 1970.',
    ({ status }) => seconds(Date.parse(status.timeIso) - status.self.uptimeMs),
  ],
  // The agent itself.
  ['alarms', 'gauge', 'Alarms that are raised now, by code.', alarmRows],
  [
    'loop_lateness_max_seconds',
    'gauge',
    'How late the loop ran at worst in the last minute.',
    ({ status }) => seconds(status.self.loopDelayMs.maxLastMinute),
  ],
  [
    'pauses_total',
    'counter',
    'How often the agent stood still for longer than the gap rule allows.',
    ({ status }) => status.self.pauses,
  ],
  [
    'realtime',
    'gauge',
    '1 if the heart has a real-time scheduling class.',
    ({ status }) => status.self.realtime,
  ],
  [
    'resident_memory_bytes',
    'gauge',
    'Resident memory of the agent.',
    ({ status }) => status.self.rssBytes,
  ],
  [
    'watchdog_fed_age_seconds',
    'gauge',
    'How long ago the hardware watchdog was fed; none without one.',
    ({ status }) => seconds(status.watchdog?.fedMsAgo ?? null),
  ],
  [
    'api_certificate_end_timestamp_seconds',
    'gauge',
    'When the certificate of the API runs out, seconds since 1970.',
    ({ certificateEndsMs }) => seconds(certificateEndsMs),
  ],
]

const DEFINITIONS = [...AGENT_METRICS, ...PAIR_METRICS, ...QUORUM_METRICS, ...HELD_METRICS]

/** Every name, with its prefix. */
export const METRIC_NAMES: readonly string[] = DEFINITIONS.map(([name]) => `tandem_${name}`)

/** What `/metrics` answers. */
export function metricsText(facts: Facts): string {
  return exposition(metricsOf(facts))
}

export function metricsOf(facts: Facts): Metric[] {
  return DEFINITIONS.map(([name, type, help, rows]) => ({
    ...{ name: `tandem_${name}`, type, help },
    samples: samplesOf(rows(facts)),
  }))
}

function samplesOf(found: Value | readonly Row[]): Sample[] {
  const rows: readonly Row[] = Array.isArray(found) ? found : [[{}, found as Value]]
  return rows.flatMap(([labels, value]) =>
    value === null ? [] : [{ labels, value: typeof value === 'boolean' ? Number(value) : value }],
  )
}

function alarmRows({ status }: Facts): Row[] {
  const counts = new Map<string, number>()
  for (const { code } of status.alarms) counts.set(code, (counts.get(code) ?? 0) + 1)
  return [...counts].map(([code, count]) => [{ code }, count])
}

/** Counts changes of the role since the start. */
export class TransitionTally {
  readonly #counts = new Map<string, { to: string; reason: string; count: number }>()

  note({ to, reason }: TransitionRecord): void {
    const key = `${to} ${reason.code}`
    const known = this.#counts.get(key) ?? { to, reason: reason.code, count: 0 }
    this.#counts.set(key, { ...known, count: known.count + 1 })
  }

  get all(): { to: string; reason: string; count: number }[] {
    return [...this.#counts.values()]
  }
}
