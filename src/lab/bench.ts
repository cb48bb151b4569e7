/**
 * Program: measures faults on real pairs in network namespaces, ours beside others in the same lab.
 *
 *     npm run bench -- --fault power-cut,switchover --runs 20 --profile fast --with keepalived
 *
 * One JSON line per run goes to stdout as soon as it is known, progress to stderr, and at the end a
 * table. Ends with 0 when every promise of our own pair held, 1 otherwise, 2 for a wrong option.
 */
import { parseArgs } from 'node:util'
import { measureCost } from './cost.ts'
import { LETTERS } from './demand.ts'
import { measureRun, type RunResult, startPair, stopPair, type Workbench } from './measure.ts'
import { LabNode } from './node.ts'
import { type PairDriver, tandemPair } from './pair.ts'
import { otherNode, planLab } from './plan.ts'
import type { TimingProfileName } from './platform-files.ts'
import { Prober } from './prober.ts'
import { renderCost, renderTable } from './report.ts'
import { heartbeatPair, keepalivedPair } from './rivals.ts'
import { SCENARIOS, type Scenario } from './scenario.ts'
import { buildLab } from './topology.ts'

const USAGE = `usage: bench [options]
  --fault NAME,NAME     which faults; "all" (default); "idle" for CPU and memory
  --runs N              runs per fault and pair (5)
  --profile fast|default
  --with NAME,NAME      other managers: keepalived, heartbeat
  --without-tandem      only the others
  --seconds N           length of load and loss runs (60) and of idle (60)
  --logs DIR            keeps logs and probes of failed runs there
  --prefix NAME         of the namespaces (tandembench)
faults: ${SCENARIOS.map((scenario) => scenario.name).join(' ')} idle
`

interface Choice {
  scenarios: Scenario[]
  idle: boolean
  runs: number
  profile: TimingProfileName
  drivers: PairDriver[]
  seconds: number
  prefix: string
  logDirectory: string | undefined
}

function readChoice(args: string[]): Choice {
  const { values } = parseArgs({
    args,
    options: {
      fault: { type: 'string', default: 'all' },
      runs: { type: 'string', default: '5' },
      profile: { type: 'string', default: 'fast' },
      with: { type: 'string', default: '' },
      'without-tandem': { type: 'boolean', default: false },
      seconds: { type: 'string', default: '60' },
      prefix: { type: 'string', default: 'tandembench' },
      logs: { type: 'string' },
    },
  })
  const { profile } = values
  if (profile !== 'fast' && profile !== 'default') throw new Error(`--profile ${profile}: unknown`)
  const names = values.fault.split(',')
  for (const name of names) {
    const known = name === 'all' || name === 'idle' || SCENARIOS.some((one) => one.name === name)
    if (!known) throw new Error(`--fault ${name}: unknown`)
  }
  const others = values.with.split(',').filter((name) => name !== '')
  const drivers = others.map((name) => {
    if (name === 'keepalived') return keepalivedPair()
    if (name === 'heartbeat') return heartbeatPair()
    throw new Error(`--with ${name}: unknown`)
  })
  return {
    scenarios: SCENARIOS.filter((one) => names.includes('all') || names.includes(one.name)),
    idle: names.includes('all') || names.includes('idle'),
    runs: wholeNumber('--runs', values.runs),
    profile,
    drivers: values['without-tandem'] ? drivers : [tandemPair(profile), ...drivers],
    seconds: wholeNumber('--seconds', values.seconds),
    prefix: values.prefix,
    logDirectory: values.logs,
  }
}

function wholeNumber(option: string, text: string): number {
  const value = Number(text)
  if (!Number.isInteger(value) || value < 1)
    throw new Error(`${option} ${text}: not a whole number`)
  return value
}

function progress(text: string): void {
  process.stderr.write(`${text}\n`)
}

async function bench(choice: Choice): Promise<number> {
  const drivers: PairDriver[] = []
  for (const driver of choice.drivers) {
    const why = await driver.missing()
    if (why === null) drivers.push(driver)
    else progress(`${driver.name} left out: ${why}`)
  }
  if (drivers.length === 0) return 1
  progress('building the lab')
  const lab = await buildLab(planLab(choice.prefix))
  const results: RunResult[] = []
  const costs: string[] = []
  try {
    const nodes = { sp1: new LabNode(lab, 'sp1'), sp2: new LabNode(lab, 'sp2') }
    const workbench: Workbench = { lab, nodes, prober: new Prober(lab), profile: choice.profile }
    for (const driver of drivers) await driver.prepare(lab)
    for (const scenario of choice.scenarios) {
      // Taking turns, so that a busy hour of the machine is shared by all.
      for (let run = 1; run <= choice.runs; run += 1) {
        for (const driver of drivers) {
          const result = await measureRun(workbench, driver, scenario, {
            run,
            watchMs: choice.seconds * 1000,
            logDirectory: choice.logDirectory,
          })
          results.push(result)
          process.stdout.write(`${JSON.stringify(result)}\n`)
          progress(describe(result, choice.runs))
        }
      }
    }
    if (choice.idle) {
      for (const driver of drivers) {
        progress(`idle cost of ${driver.name} for ${choice.seconds} s`)
        costs.push(await idleCost(workbench, driver, choice.seconds))
      }
    }
  } finally {
    await lab.destroy()
  }
  const table = renderTable(results, choice.scenarios, LETTERS[choice.profile])
  process.stdout.write(`\n${[table, ...costs].join('\n')}`)
  const ours = results.filter((result) => result.pair === 'tandem')
  return ours.every((result) => result.failures.length === 0) ? 0 : 1
}

async function idleCost(bench: Workbench, driver: PairDriver, seconds: number): Promise<string> {
  try {
    const active = await startPair(bench, driver)
    // Asking 200 times a second is not idling.
    await bench.prober.stop()
    const nodes = [bench.nodes[active], bench.nodes[otherNode(active)]]
    const [first, second] = await measureCost(nodes, seconds * 1000)
    if (first === undefined || second === undefined) return ''
    return renderCost(driver.name, { active: first, standby: second })
  } catch (error) {
    return `${driver.name}: ${error instanceof Error ? error.message : String(error)}\n`
  } finally {
    await stopPair(bench)
  }
}

function describe(result: RunResult, runs: number): string {
  const { during, mended, failures } = result
  const parts = [
    `${result.fault} ${result.run}/${runs} ${result.pair}:`,
    during === null ? 'no measurement' : `silent ${during.outageMs.toFixed(0)} ms`,
    during === null ? '' : `moves ${during.moves}, dual ${during.dualMs.toFixed(0)} ms`,
    mended === null
      ? ''
      : `| mended: silent ${mended.outageMs.toFixed(0)} ms, moves ${mended.moves}`,
    failures.length === 0 ? '' : `| ${failures.join('; ')}`,
  ]
  return parts.filter((part) => part !== '').join(' ')
}

async function main(): Promise<number> {
  let choice: Choice
  try {
    choice = readChoice(process.argv.slice(2))
  } catch (error) {
    process.stderr.write(`${error instanceof Error ? error.message : String(error)}\n${USAGE}`)
    return 2
  }
  return bench(choice)
}

process.exitCode = await main()
