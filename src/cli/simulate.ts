/**
 * `tandem simulate`: two nodes, a seed and many faults, in virtual time.
 *
 * One seed is one schedule: faults for a while, then calm. The same seed, profile and length always
 * give the same run, so the first thing printed is the command that repeats it.
 */
import { randomInt } from 'node:crypto'
import { deriveTiming, TIMING_PROFILES, type TimingProfile } from '../core/policy.ts'
import { Chronicle, toldEntry } from '../sim/chronicle.ts'
import { measureCore, type Pace } from '../sim/core-pace.ts'
import { type Outcome, runSchedule, type ScheduleOptions, type Verdict } from '../sim/schedule.ts'
import { type CommandSpec, type Io, type Parsed, parseCommand, usageError } from './command.ts'
import { EXIT } from './exit-code.ts'
import { printable } from './table.ts'

export const SPEC: CommandSpec = {
  name: 'simulate',
  summary:
    'Lets two nodes run in virtual time while many things go wrong, and judges what they do.',
  details: [
    'Without --seed a fresh one is chosen. Seeds count up from the first, one schedule each. With',
    '--seed alone that one schedule runs; else as many as --runs and --seconds allow (10 seconds).',
    '',
    `Exit codes: ${EXIT.done} all well; ${EXIT.usage} wrong arguments; ${EXIT.unsafe} both gates were open, or a term was used twice;`,
    `${EXIT.stuck} the pair did not settle after everything was mended; ${EXIT.crashed} the program itself failed.`,
  ].join('\n'),
  positionals: [],
  options: {
    seed: { type: 'string', value: 'N', help: 'first seed' },
    runs: { type: 'string', value: 'N', help: 'number of schedules at most' },
    seconds: { type: 'string', value: 'N', help: 'real time at most' },
    'virtual-seconds': { type: 'string', value: 'N', help: 'length of a schedule (30)' },
    profile: { type: 'string', value: 'NAME', help: 'times: default or fast' },
    trace: { type: 'boolean', help: 'print every change of role, move of a gate, and fault' },
    json: { type: 'boolean', help: 'print one JSON document instead of text' },
  },
}

const SECONDS_DEFAULT = 10
const VIRTUAL_SECONDS_DEFAULT = 30
/** A schedule must leave time for faults beside the two stretches of calm; in units of D. */
const SHORTEST_IN_D = 15
const SEED_MAX = 2 ** 47
const PROGRESS_MS = 250
const FAILURES_SHOWN = 10
/** Schedules whose events are kept to measure the core alone. */
const PACE_SEEDS = 5

interface Plan {
  seed: number
  runs: number
  realMs: number
  options: ScheduleOptions
  trace: boolean
  asJson: boolean
}

interface Tally {
  runs: number
  steps: number
  openings: number
  verdicts: Record<Verdict, number>
  failures: Outcome[]
  tookMs: number
}

export async function run(args: string[], io: Io): Promise<number> {
  const result = parseCommand(SPEC, args, io)
  if (!result.ok) return result.exitCode
  const plan = planFrom(result.parsed)
  if (typeof plan === 'string') return usageError(SPEC.name, plan, io)
  if (!plan.asJson) io.stdout(`seed ${plan.seed}\nrepeat with: ${commandFor(plan)}\n`)
  const tally = await explore(plan, io)
  const seeds = Array.from({ length: Math.min(PACE_SEEDS, tally.runs) }, (_, at) => plan.seed + at)
  const pace =
    tally.verdicts.crashed === 0 && !plan.trace
      ? measureCore(seeds, plan.options, () => performance.now())
      : null
  io.stdout(plan.asJson ? asJson(plan, tally, pace) : asText(plan, tally, pace))
  return exitCodeOf(tally)
}

/** What to do, or what is wrong with what was typed. */
function planFrom({ values }: Parsed): Plan | string {
  const numbers: Record<string, number | null> = {}
  for (const key of ['seed', 'runs', 'seconds', 'virtual-seconds']) {
    const given = values[key]
    if (given === undefined) continue
    const whole = typeof given === 'string' && /^\d{1,15}$/.test(given)
    if (!whole || (key !== 'seed' && Number(given) === 0)) {
      return `--${key} '${String(given)}' is not a whole number${key === 'seed' ? '' : ' above 0'}`
    }
    numbers[key] = Number(given)
  }
  const profile = values['profile'] ?? 'default'
  if (!isProfile(profile)) {
    return `--profile '${String(profile)}' is not one of ${Object.keys(TIMING_PROFILES).join(', ')}`
  }
  const virtualMs = 1000 * (numbers['virtual-seconds'] ?? VIRTUAL_SECONDS_DEFAULT)
  const shortestMs = SHORTEST_IN_D * deriveTiming(TIMING_PROFILES[profile]).takeoverSilenceMs
  if (virtualMs < shortestMs) {
    return `--virtual-seconds ${virtualMs / 1000} is too short for profile ${profile}; at least ${Math.ceil(shortestMs / 1000)}`
  }
  const { seed, runs, seconds } = numbers
  const single = seed !== undefined && runs === undefined && seconds === undefined
  const timed = seconds ?? (runs === undefined && !single ? SECONDS_DEFAULT : null)
  return {
    seed: seed ?? randomInt(SEED_MAX),
    runs: runs ?? (single ? 1 : Number.POSITIVE_INFINITY),
    realMs: timed === null ? Number.POSITIVE_INFINITY : 1000 * timed,
    options: { virtualMs, profile },
    trace: values['trace'] === true,
    asJson: values['json'] === true,
  }
}

function isProfile(word: string | boolean): word is TimingProfile {
  return typeof word === 'string' && Object.hasOwn(TIMING_PROFILES, word)
}

async function explore(plan: Plan, io: Io): Promise<Tally> {
  const tally: Tally = {
    runs: 0,
    steps: 0,
    openings: 0,
    verdicts: { ok: 0, unsafe: 0, stuck: 0, crashed: 0 },
    failures: [],
    tookMs: 0,
  }
  const beganMs = performance.now()
  let shownMs = beganMs
  while (tally.runs < plan.runs && tally.tookMs < plan.realMs) {
    const outcome = runOne(plan, plan.seed + tally.runs, io)
    tally.runs += 1
    tally.steps += outcome.steps
    tally.openings += outcome.openings
    tally.verdicts[outcome.verdict] += 1
    if (outcome.verdict !== 'ok' && tally.failures.length < FAILURES_SHOWN) {
      tally.failures.push(outcome)
    }
    const now = performance.now()
    tally.tookMs = now - beganMs
    if (now - shownMs < PROGRESS_MS) continue
    shownMs = now
    if (io.isTty && !plan.asJson) io.stderr(`\r${verdictsOf(tally)} `)
    // Lets a signal in between.
    await new Promise((resolve) => setImmediate(resolve))
  }
  if (io.isTty && !plan.asJson) io.stderr('\r\u001b[K')
  return tally
}

function runOne(plan: Plan, seed: number, io: Io): Outcome {
  if (!plan.trace || plan.asJson) return runSchedule(seed, plan.options)
  let chronicle: Chronicle | null = null
  const outcome = runSchedule(seed, plan.options, (world) => {
    const looker = new Chronicle(world)
    world.struck = (what, lastsMs) => {
      const stretch = lastsMs > 0 ? ` for ${Math.round(lastsMs)} ms` : ''
      looker.note(null, `fault: ${what}${stretch}`)
    }
    chronicle = looker
  })
  const entries = (chronicle as Chronicle | null)?.entries ?? []
  io.stdout(
    `\nschedule ${seed}, mode ${outcome.mode}, faults ${outcome.kinds.join(' ') || 'none'}\n`,
  )
  io.stdout(entries.map((entry) => `${toldEntry(entry, 0)}\n`).join(''))
  return outcome
}

/** The worst verdict decides: unsafe, then crashed, then stuck. */
export function exitCodeOf({ verdicts }: Pick<Tally, 'verdicts'>): number {
  if (verdicts.unsafe > 0) return EXIT.unsafe
  if (verdicts.crashed > 0) return EXIT.crashed
  return verdicts.stuck > 0 ? EXIT.stuck : EXIT.done
}

/** The command that runs the same schedules again; one seed when it is named. */
function commandFor(plan: Plan, only: number | null = null, runs: number = plan.runs): string {
  const { profile, virtualMs } = plan.options
  const many = Number.isFinite(runs) ? `--runs ${runs}` : `--seconds ${plan.realMs / 1000}`
  const which = only === null ? `--seed ${plan.seed} ${many}` : `--seed ${only} --trace`
  return `tandem simulate ${which} --profile ${profile} --virtual-seconds ${virtualMs / 1000}`
}

function verdictsOf({ runs, verdicts }: Tally): string {
  const { ok, unsafe, stuck, crashed } = verdicts
  return `${runs} schedules: ${ok} ok, ${unsafe} unsafe, ${stuck} stuck, ${crashed} crashed`
}

function perSecond(count: number, tookMs: number): number {
  return tookMs > 0 ? Math.round((1000 * count) / tookMs) : 0
}

function asText(plan: Plan, tally: Tally, pace: Pace | null): string {
  const hours = (tally.runs * plan.options.virtualMs) / 3_600_000
  const lines = [
    '',
    ...tally.failures.flatMap((outcome) => [
      `seed ${outcome.seed} ${outcome.verdict}: ${printable(outcome.what)}`,
      `  repeat with: ${commandFor(plan, outcome.seed)}`,
    ]),
    verdictsOf(tally),
    `${hours.toFixed(1)} virtual hours in ${(tally.tookMs / 1000).toFixed(1)} s, ${tally.openings} openings`,
    `${tally.steps} steps, ${perSecond(tally.steps, tally.tookMs)} a second`,
  ]
  if (pace !== null) lines.push(`the core alone: ${Math.round(pace.stepsPerSecond)} steps a second`)
  if (!Number.isFinite(plan.runs)) lines.push(`repeat with: ${commandFor(plan, null, tally.runs)}`)
  return `${lines.join('\n')}\n`
}

function asJson(plan: Plan, tally: Tally, pace: Pace | null): string {
  const document = {
    schema: 1,
    seed: plan.seed,
    profile: plan.options.profile,
    virtualMs: plan.options.virtualMs,
    repeatWith: commandFor(plan, null, tally.runs),
    runs: tally.runs,
    tookMs: Math.round(tally.tookMs),
    steps: tally.steps,
    stepsPerSecond: perSecond(tally.steps, tally.tookMs),
    coreStepsPerSecond: pace === null ? null : Math.round(pace.stepsPerSecond),
    openings: tally.openings,
    verdicts: tally.verdicts,
    failures: tally.failures.map(({ seed, verdict, what }) => ({
      seed,
      verdict,
      what,
      repeatWith: commandFor(plan, seed),
    })),
  }
  return `${JSON.stringify(document)}\n`
}
