/**
 * Program: measures faults on real pairs in network namespaces, ours beside others in the same lab.
 *
 *     npm run bench -- --plan full --out results.jsonl
 *     npm run bench -- --fault power-cut,switchover --runs 20 --with keepalived
 *     npm run bench -- --report results.jsonl
 *
 * One JSON line per run is appended to a file as soon as it is known, progress with the remaining
 * time goes to stderr, and at the end tables for a README to stdout. Ends with 0 when every promise of
 * our own pair held, 1 otherwise, 2 for a wrong option.
 */
import { appendFileSync, readFileSync } from 'node:fs'
import { cpus, release, tmpdir } from 'node:os'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { fullPlan, guessMs, idleStep, type Step, stepsOf, type Times } from './bench-plan.ts'
import { carryOutPlan, duration } from './bench-run.ts'
import { benchCalls } from './calls-bench.ts'
import { CALLS_CASES, type CallsCase } from './calls-case.ts'
import { type ChosenLetters, lettersFrom } from './demand.ts'
import { mariadbMissing } from './mariadb.ts'
import { type PairDriver, tandemPair } from './pair.ts'
import { type Line, readLines } from './record.ts'
import { renderReport } from './report.ts'
import { heartbeatPair, keepalivedPair } from './rivals.ts'
import { SCENARIOS } from './scenario.ts'
import { benchStores } from './store-bench.ts'
import { voipMissing } from './voip.ts'

const USAGE = `usage: bench [options]
  --plan full           everything that the README tells, rivals included where installed
  --plan stores         Redis and MariaDB under 500 writes/s each: moves, power cuts, crosslink cuts
  --plan calls          calls with media: moves, power cuts, ringing calls, services that die or hang
  --fault NAME,NAME     which faults, or cases of calls, instead; "all" (default); "idle" for CPU and memory
  --runs N              runs of each short fault and pair (5; full plan 20, stores and calls 10)
  --long-runs N         runs of faults watched for 15 s and more (3, at most --runs)
  --profile fast|default
  --heartbeat-ms N      H in place of the profile's; S, L, M and C keep their proportion to it
  --suspicion-ms N  --lease-ms N  --margin-ms N  --damping-ms N    single times
  --with NAME,NAME      other managers: keepalived, heartbeat
  --without-tandem      only the others
  --seconds N           length of load, loss and idle watches (60)
  --out FILE            JSON lines are appended here (a new file in ${tmpdir()})
  --report FILE,FILE    measures nothing; renders the tables of such files together
  --logs DIR            keeps logs and probes of runs that broke a promise there
  --prefix NAME         of the namespaces (tandembench)
faults: ${SCENARIOS.map((scenario) => scenario.name).join(' ')} idle
of calls: ${CALLS_CASES.join(' ')}
`

const NUMBER = { type: 'string' } as const
const OPTIONS = {
  plan: { type: 'string' },
  fault: { type: 'string', default: 'all' },
  runs: NUMBER,
  'long-runs': NUMBER,
  profile: { type: 'string', default: 'fast' },
  'heartbeat-ms': NUMBER,
  'suspicion-ms': NUMBER,
  'lease-ms': NUMBER,
  'margin-ms': NUMBER,
  'damping-ms': NUMBER,
  with: { type: 'string' },
  'without-tandem': { type: 'boolean', default: false },
  seconds: NUMBER,
  out: { type: 'string' },
  report: { type: 'string' },
  logs: { type: 'string' },
  prefix: { type: 'string', default: 'tandembench' },
} as const

const RIVALS: Readonly<Record<string, () => PairDriver>> = {
  keepalived: keepalivedPair,
  heartbeat: heartbeatPair,
}

interface Choice {
  /** Runs of the cases of stores or calls, in place of the steps; null without them. */
  cases: { of: 'stores' | 'calls'; runs: number; only: readonly CallsCase[] } | null
  steps(rivals: readonly string[]): Step[]
  rivals: PairDriver[]
  prefix: string
  out: string
  logDirectory: string | undefined
}

function parse(args: string[]) {
  return parseArgs({ args, options: OPTIONS }).values
}

type Values = ReturnType<typeof parse>

function readChoice(values: Values, session: string): Choice {
  const isFull = values.plan === 'full'
  const plans = ['full', 'stores', 'calls']
  if (values.plan !== undefined && !plans.includes(values.plan))
    throw new Error(`--plan ${values.plan}: unknown`)
  const of = values.plan === 'stores' || values.plan === 'calls' ? values.plan : null
  const runs = wholeNumber('--runs', values.runs) ?? (of !== null ? 10 : isFull ? 20 : 5)
  const effort = {
    runs,
    longRuns: wholeNumber('--long-runs', values['long-runs']) ?? Math.min(3, runs),
    watchMs: (wholeNumber('--seconds', values.seconds) ?? 60) * 1000,
  }
  const times = readTimes(values)
  const names = values.fault.split(',')
  const faults = of === 'calls' ? CALLS_CASES : [...SCENARIOS.map(({ name }) => name), 'idle']
  for (const name of names) {
    if (name !== 'all' && !faults.some((known) => known === name))
      throw new Error(`--fault ${name}: unknown`)
  }
  const only = CALLS_CASES.filter((name) => names.includes('all') || names.includes(name))
  const asked = values.with ?? (isFull ? Object.keys(RIVALS).join(',') : '')
  const scenarios = SCENARIOS.filter((one) => names.includes('all') || names.includes(one.name))
  return {
    cases: of === null ? null : { of, runs, only },
    steps: (rivals) => {
      if (isFull) return fullPlan(rivals, effort)
      const pairs = values['without-tandem'] ? [...rivals] : ['tandem', ...rivals]
      const idle = names.includes('all') || names.includes('idle')
      return [
        ...scenarios.flatMap((scenario) => stepsOf(scenario, times, pairs, effort)),
        ...(idle ? pairs.map((pair) => idleStep(times, pair, effort)) : []),
      ]
    },
    rivals: asked
      .split(',')
      .filter((name) => name !== '')
      .map((name) => {
        const make = RIVALS[name]
        if (make === undefined) throw new Error(`--with ${name}: unknown`)
        return make()
      }),
    prefix: values.prefix,
    out: values.out ?? join(tmpdir(), `tandem-bench-${session.replaceAll(/[^0-9]/g, '')}.jsonl`),
    logDirectory: values.logs,
  }
}

function readTimes(values: Values): Times {
  const { profile } = values
  if (profile !== 'fast' && profile !== 'default') throw new Error(`--profile ${profile}: unknown`)
  const chosen: Partial<ChosenLetters> = {}
  const options = [
    ['H', 'heartbeat-ms'],
    ['S', 'suspicion-ms'],
    ['L', 'lease-ms'],
    ['M', 'margin-ms'],
    ['C', 'damping-ms'],
  ] as const
  for (const [letter, option] of options) {
    const value = wholeNumber(`--${option}`, values[option])
    if (value !== undefined) chosen[letter] = value
  }
  return { profile, letters: lettersFrom(profile, chosen) }
}

function wholeNumber(option: string, text: string | undefined): number | undefined {
  if (text === undefined) return undefined
  const value = Number(text)
  if (!Number.isInteger(value) || value < 1)
    throw new Error(`${option} ${text}: not a whole number`)
  return value
}

function progress(text: string): void {
  process.stderr.write(`${text}\n`)
}

/** Rivals that can run here, by name, and their versions. */
async function presentRivals(all: readonly PairDriver[]) {
  const rivals = new Map<string, PairDriver>()
  const versions: Record<string, string> = {}
  for (const driver of all) {
    const why = await driver.missing()
    if (why !== null) {
      progress(`${driver.name} left out: ${why}`)
      continue
    }
    rivals.set(driver.name, driver)
    versions[driver.name] = (await driver.version?.()) ?? ''
  }
  return { rivals, versions }
}

async function bench(choice: Choice, session: string): Promise<number> {
  const { rivals, versions } = await presentRivals(choice.rivals)
  const steps = choice.steps([...rivals.keys()])
  const why = await tandemPair('fast').missing()
  if (why !== null && steps.some(({ pair }) => pair === 'tandem')) throw new Error(why)
  if (choice.cases !== null) {
    const missing = why ?? (choice.cases.of === 'stores' ? mariadbMissing() : voipMissing())
    if (missing !== null) throw new Error(missing)
  } else if (steps.length === 0) throw new Error('nothing to measure')
  const lines: Line[] = []
  const keep = (line: Line): void => {
    lines.push(line)
    appendFileSync(choice.out, `${JSON.stringify(line)}\n`)
  }
  const machine = `${cpus().length} processors, Linux ${release()}, Node ${process.version}`
  keep({ kind: 'session', session, machine, versions })
  const allMs = steps.reduce((sum, step) => sum + guessMs(step), 0)
  if (choice.cases === null)
    progress(`${steps.length} steps, about ${duration(allMs)}; results in ${choice.out}`)
  else progress(`cases of ${choice.cases.of}; results in ${choice.out}`)
  let whole = true
  try {
    const { prefix, logDirectory, cases } = choice
    if (cases !== null) {
      const order = { ...cases, session, prefix, logDirectory, keep, progress }
      await (cases.of === 'stores' ? benchStores(order) : benchCalls(order))
    } else await carryOutPlan({ steps, rivals, session, prefix, logDirectory, keep, progress })
  } catch (error) {
    whole = false
    progress(`ended early: ${error instanceof Error ? error.message : String(error)}`)
  }
  const { text, kept } = renderReport(lines)
  process.stdout.write(text)
  return whole && kept ? 0 : 1
}

function report(files: string): number {
  const lines = files.split(',').flatMap((file) => readLines(readFileSync(file, 'utf8'), file))
  const { text, kept } = renderReport(lines)
  process.stdout.write(text)
  return kept ? 0 : 1
}

async function main(): Promise<number> {
  const session = new Date().toISOString()
  let choice: Choice
  try {
    const values = parse(process.argv.slice(2))
    if (values.report !== undefined) return report(values.report)
    choice = readChoice(values, session)
  } catch (error) {
    process.stderr.write(`${error instanceof Error ? error.message : String(error)}\n${USAGE}`)
    return 2
  }
  return bench(choice, session)
}

process.exitCode = await main()
