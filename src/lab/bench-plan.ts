/**
 * What is measured, in which order, and how long will it take?
 *
 * A plan is a list of steps: one run of one fault on one manager, or one idle watch. Managers take
 * turns within a fault, so that a busy minute of the machine is shared by all. The full plan is the
 * README's: every figure it names, short faults often, long ones a few times.
 */
import { LETTERS, type Letters, lettersFrom } from './demand.ts'
import type { TimingProfileName } from './platform-files.ts'
import { SCENARIOS, type Scenario } from './scenario.ts'

/** Times in force. */
export interface Times {
  profile: TimingProfileName
  letters: Letters
}

export interface Step extends Times {
  /** Null: an idle watch. */
  scenario: Scenario | null
  pair: string
  run: number
  runs: number
  watchMs: number
  /** Whether the fault is mended and the pair watched on. */
  mend: boolean
}

/** How often, and how long. */
export interface Effort {
  /** Runs of short faults. */
  runs: number
  /** Runs of faults that take a quarter of a minute or more. */
  longRuns: number
  /** Length of load, loss and idle watches. */
  watchMs: number
}

/** A started program is not idle at once: it compiles what it runs often. */
export const IDLE_SETTLE_MS = 10_000
/** Faults watched for at least this long are long. */
const LONG_MS = 15_000
/** What is looked at with a smaller H: how quick it is, and what it costs in false alarms. */
export const HEARTBEAT_FAULTS = ['power-cut', 'cpu-load', 'loss-10', 'loss-30']
const SMALLER_HEARTBEATS_MS = [10, 5]
/** Rivals that take so long to start that every second turn has to do. */
const SLOW_TO_START = ['heartbeat']

function scenarioNamed(name: string): Scenario {
  const found = SCENARIOS.find((one) => one.name === name)
  if (found === undefined) throw new Error(`lab: no fault ${name}`)
  return found
}

/** Runs of one fault, the managers in turns. */
export function stepsOf(
  scenario: Scenario,
  times: Times,
  pairs: readonly string[],
  { runs, longRuns, watchMs }: Effort,
): Step[] {
  const count = scenario.watchMs >= LONG_MS ? longRuns : runs
  return Array.from({ length: count }, (_, index) =>
    pairs
      .filter((pair) => pairs.length === 1 || !SLOW_TO_START.includes(pair) || index % 2 === 0)
      .map((pair) => ({
        ...times,
        scenario,
        pair,
        run: index + 1,
        runs: count,
        watchMs: scenario.stretchable === true ? watchMs : scenario.watchMs,
        mend: true,
      })),
  ).flat()
}

export function idleStep(times: Times, pair: string, { watchMs }: Effort): Step {
  return { ...times, scenario: null, pair, run: 1, runs: 1, watchMs, mend: false }
}

/** Everything that the README tells. Rivals take part in what it compares, and need not come back. */
export function fullPlan(rivals: readonly string[], effort: Effort): Step[] {
  const fast: Times = { profile: 'fast', letters: LETTERS.fast }
  const standard: Times = { profile: 'default', letters: LETTERS.default }
  const compared = ['power-cut', 'switchover'].flatMap((name) =>
    stepsOf(scenarioNamed(name), fast, ['tandem', ...rivals], effort),
  )
  const alone = (times: Times, names: readonly string[]): Step[] =>
    names.flatMap((name) => stepsOf(scenarioNamed(name), times, ['tandem'], effort))
  return [
    ...compared.map((step) => ({ ...step, mend: step.pair === 'tandem' })),
    ...alone(standard, ['power-cut']),
    ...alone(fast, [
      'agent-kill',
      'lan-cut',
      'lan-silent',
      'agent-freeze',
      'crosslink-cut',
      'partition',
      'partition-arp',
      'cpu-load',
      'loss-10',
      'loss-30',
      'loss-10-everywhere',
    ]),
    ...[standard, fast].map((times) => idleStep(times, 'tandem', effort)),
    ...rivals.map((rival) => idleStep(fast, rival, effort)),
    ...SMALLER_HEARTBEATS_MS.flatMap((H) =>
      alone({ profile: 'fast', letters: lettersFrom('fast', { H }) }, HEARTBEAT_FAULTS),
    ),
  ]
}

/** Steps of one kind take about as long. */
export function kindOf({ scenario, pair, letters }: Step): string {
  return `${scenario?.name ?? 'idle'} ${pair} ${letters.H}`
}

/** Wiping, booting, starting and settling before a fault; seconds measured on two processors. */
const START_MS: Readonly<Record<string, number>> = {
  tandem: 3000,
  keepalived: 3500,
  heartbeat: 12_000,
}

/** What a step will take before any of its kind was made, ms. */
export function guessMs({ scenario, pair, watchMs, mend, letters }: Step): number {
  const startMs = START_MS[pair] ?? 5000
  if (scenario === null) return startMs + IDLE_SETTLE_MS + watchMs
  const earliestMs = scenario.watchMinMs
  const watchedMs =
    earliestMs === undefined
      ? watchMs
      : Math.max(earliestMs, Math.min(watchMs, 1000 + 2 * letters.D))
  const mendedMs = mend && scenario.mend !== undefined ? (scenario.mendedWatchMs ?? 5000) : 0
  return startMs + watchedMs + mendedMs + 1000
}

/** Learns how long steps take. */
export class Estimate {
  readonly #took = new Map<string, { totalMs: number; count: number }>()

  note(step: Step, ms: number): void {
    const known = this.#took.get(kindOf(step)) ?? { totalMs: 0, count: 0 }
    this.#took.set(kindOf(step), { totalMs: known.totalMs + ms, count: known.count + 1 })
  }

  /** Time for all of these steps, ms. */
  of(steps: readonly Step[]): number {
    return steps.reduce((sum, step) => {
      const known = this.#took.get(kindOf(step))
      return sum + (known === undefined ? guessMs(step) : known.totalMs / known.count)
    }, 0)
  }
}
