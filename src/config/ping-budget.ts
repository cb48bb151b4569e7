/**
 * Can these ping nodes carry the pair's timing?
 *
 * A round's answers count for P and a request is repeated at P/3 and 2P/3 (PROTOCOL, "round"), so a
 * ping node misses a round when all three requests do: the first has P to be answered, the second
 * two thirds, the third one. From measured answers this file says how often that happens in each
 * profile. It measures nothing itself and takes losses as independent, which flatters bursts.
 */
import { deriveTiming, TIMING_PROFILES, type TimingChoice } from '../core/policy.ts'

/** What was measured at one ping node. */
export interface PingSample {
  address: string
  /** Requests sent, each once; above zero. */
  sentCount: number
  /** Round trips of those that were answered, in milliseconds. */
  roundTripsMs: readonly number[]
}

/**
 * `solid`: answers before the first repeat and misses next to no round. `tolerable`: lives on the
 * repeats. `unfit`: misses too many rounds to be counted on. `silent`: never answered.
 */
export type PingVerdict = 'solid' | 'tolerable' | 'unfit' | 'silent'

export interface PingJudgement {
  address: string
  lossRatio: number
  /** Null when nothing was answered. */
  medianMs: number | null
  p99Ms: number | null
  /** By profile, or by `custom` where the pair has numbers of its own. */
  verdicts: Readonly<Record<string, PingVerdict>>
  /** Expected share of rounds missed, by the same names. */
  missRatios: Readonly<Record<string, number>>
}

/** One round in a thousand: 100 s between misses with the default interval, 20 s with the fast. */
const SOLID_MISS_RATIO = 0.001
/** A ping node that misses more is often absent from two rounds in a row, which R2 needs. */
const TOLERABLE_MISS_RATIO = 0.02

/** Judges one ping node against both profiles and, where given, the numbers of the pair. */
export function judgePingNode(sample: PingSample, custom: TimingChoice | null): PingJudgement {
  const sorted = [...sample.roundTripsMs].sort((a, b) => a - b)
  const choices: Record<string, TimingChoice> = { ...TIMING_PROFILES }
  if (custom !== null) choices['custom'] = custom
  const verdicts: Record<string, PingVerdict> = {}
  const missRatios: Record<string, number> = {}
  const p99Ms = quantile(sorted, 0.99)
  for (const [name, choice] of Object.entries(choices)) {
    const { roundMs } = deriveTiming(choice)
    const miss = missRatio({ ...sample, roundTripsMs: sorted }, roundMs)
    missRatios[name] = miss
    verdicts[name] = verdictOf(miss, p99Ms, roundMs)
  }
  return {
    address: sample.address,
    lossRatio: 1 - sorted.length / sample.sentCount,
    medianMs: quantile(sorted, 0.5),
    p99Ms,
    verdicts,
    missRatios,
  }
}

/** Probability that none of the three requests of a round is answered in time. */
function missRatio(sample: PingSample, roundMs: number): number {
  return [roundMs, (2 * roundMs) / 3, roundMs / 3].reduce((product, leftMs) => {
    const inTime = sample.roundTripsMs.filter((roundTripMs) => roundTripMs < leftMs).length
    return product * (1 - inTime / sample.sentCount)
  }, 1)
}

function verdictOf(miss: number, p99Ms: number | null, roundMs: number): PingVerdict {
  if (p99Ms === null) return 'silent'
  if (miss <= SOLID_MISS_RATIO && p99Ms < roundMs / 3) return 'solid'
  return miss <= TOLERABLE_MISS_RATIO ? 'tolerable' : 'unfit'
}

/** The smallest value that is not below this share of all; null for none. */
function quantile(sorted: readonly number[], share: number): number | null {
  return sorted[Math.max(0, Math.ceil(share * sorted.length) - 1)] ?? null
}

/** What the measurement says about the timing the pair uses. */
export interface PingBudget {
  profile: string
  nodes: readonly PingJudgement[]
  /** A sentence for the operator, null when a majority is solid. */
  concern: string | null
}

/**
 * Judges all ping nodes for the profile in use.
 *
 * @param profile  `default`, `fast` or `custom`; for the last the numbers are needed
 */
export function judgePingBudget(
  samples: readonly PingSample[],
  used: { profile: string; choice: TimingChoice },
): PingBudget {
  const custom = used.profile === 'custom' ? used.choice : null
  const nodes = samples.map((sample) => judgePingNode(sample, custom))
  const needed = Math.floor(nodes.length / 2) + 1
  const among = (wanted: readonly PingVerdict[]): number =>
    nodes.filter((node) => wanted.includes(node.verdicts[used.profile] ?? 'silent')).length
  const usable = among(['solid', 'tolerable'])
  const solid = among(['solid'])
  const of = `of ${nodes.length} ping nodes`
  let concern: string | null = null
  if (usable < needed) {
    concern = `Only ${usable} ${of} can carry the timing "${used.profile}"; a majority needs ${needed}. Without it no node takes over.`
  } else if (solid < needed) {
    concern = `Only ${solid} ${of} are solid with the timing "${used.profile}"; a majority needs ${needed}. Single rounds will be missed.`
  }
  return { profile: used.profile, nodes, concern }
}

/** A table of the ping nodes, and the concern where there is one. */
export function formatPingBudget(budget: PingBudget): string {
  const names = Object.keys(budget.nodes[0]?.verdicts ?? {})
  const head = ['ping node', 'loss', 'median', 'p99', ...names]
  const rows = budget.nodes.map((node) => [
    node.address,
    `${Math.round(node.lossRatio * 100)} %`,
    milliseconds(node.medianMs),
    milliseconds(node.p99Ms),
    ...names.map((name) => node.verdicts[name] ?? ''),
  ])
  const widths = head.map((title, column) =>
    Math.max(title.length, ...rows.map((row) => row[column]?.length ?? 0)),
  )
  const lines = [head, ...rows].map((row) =>
    row.map((cell, column) => cell.padEnd(widths[column] ?? 0)).join('  '),
  )
  const table = lines.map((line) => `  ${line.trimEnd()}\n`).join('')
  return budget.concern === null ? table : `${table}\n  WARNING  ${budget.concern}\n`
}

function milliseconds(value: number | null): string {
  return value === null ? '-' : `${value < 10 ? value.toFixed(1) : Math.round(value)} ms`
}
