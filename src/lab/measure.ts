/**
 * How is one run made? Fresh nodes, wait until one serves, fault, watch, mend, watch, judge.
 *
 * Everything is measured from the clients' side. A run that could not be made (the pair never
 * served, a command failed) is a failed run with the reason, not an exception: the other runs go on.
 */
import { copyFile, mkdir, writeFile } from 'node:fs/promises'
import { basename } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { type Change, changeOver, floatingOf } from './change.ts'
import { judge, LETTERS, type Letters, type Seen } from './demand.ts'
import { heal } from './faults.ts'
import { untilAddressesGone } from './node-address.ts'
import { countMoves, dualActive, longestSilence, probesWithin, type TimeWindow } from './outage.ts'
import type { Nodes, PairDriver } from './pair.ts'
import { type LabNodeName, NODE_NAMES, otherNode } from './plan.ts'
import type { TimingProfileName } from './platform-files.ts'
import { labNowMs, type Prober } from './prober.ts'
import { killUntilGone } from './process.ts'
import { type Scenario, type Stage, undisturbed } from './scenario.ts'
import { readReports, type Told, toldOf } from './told.ts'
import type { Lab } from './topology.ts'

/** One line of the bench's output. */
export interface RunResult {
  pair: string
  profile: TimingProfileName
  /** The times in force, which may be others than the profile's. */
  letters: Letters
  fault: string
  run: number
  activeBefore: LabNodeName | null
  /** Who alone served at the end; null for nobody or both. */
  activeAfter: LabNodeName | null
  during: Seen | null
  mended: Seen | null
  change: Change | null
  /** What the agents say of themselves; null where the manager says nothing. */
  told: Told | null
  /** Moments of fault and mending on the lab's clock, and how far the wall clock is ahead of it. */
  atMs: { fault: number; mended: number; wallAhead: number } | null
  /** Why the run, or a part of it, could not be made as planned; empty when it was. */
  trouble: string[]
  /** Broken promises of PROTOCOL, and the trouble; empty when all held. */
  failures: string[]
}

/** What runs are made with. The same lab and prober serve all runs. */
export interface Workbench {
  lab: Lab
  nodes: Nodes
  prober: Prober
  profile: TimingProfileName
  /** Times in place of the profile's; the driver was made with the same. */
  letters?: Letters
}

/** How long one node alone serves before a fault is injected, and after it when the watch may end. */
const STABLE_MS = 1000

/** Enough before the fault to see who served then: the first change counts as one. */
const LEAD_MS = 200

/** Starts the pair on two fresh nodes and waits until one of them alone serves. */
export async function startPair(bench: Workbench, driver: PairDriver): Promise<LabNodeName> {
  const { lab, nodes, prober } = bench
  await heal(lab)
  await Promise.all(NODE_NAMES.map((name) => nodes[name].reinstall()))
  await prober.start(driver.families)
  await Promise.all(NODE_NAMES.map((name) => driver.start(nodes[name])))
  await prober.untilServed(STABLE_MS, driver.settlesWithinMs)
  const endMs = labNowMs() + driver.settlesWithinMs
  while (NODE_NAMES.some((name) => driver.ready?.(nodes[name]) === false)) {
    if (labNowMs() > endMs) throw new Error(`lab: ${driver.name} takes no commands`)
    await sleep(50)
  }
  return prober.untilServed(STABLE_MS, driver.settlesWithinMs)
}

/** Ends the pair and the recording. */
export async function stopPair(bench: Workbench): Promise<void> {
  const { nodes, prober, lab } = bench
  await prober.stop()
  for (const name of NODE_NAMES) await killUntilGone(() => nodes[name].processes())
  await heal(lab)
}

export interface RunOptions {
  run: number
  /** How long a stretchable fault is watched; else the scenario's own time. */
  watchMs?: number | undefined
  /** False: the run ends with the fault, for managers whose return is not asked about. */
  mend?: boolean | undefined
  /** Where what the nodes said in a failed run is kept. */
  logDirectory?: string | undefined
}

/** Makes one run. Never throws: what went wrong is in `failures`. */
export async function measureRun(
  bench: Workbench,
  driver: PairDriver,
  scenario: Scenario,
  options: RunOptions,
): Promise<RunResult> {
  const letters = bench.letters ?? LETTERS[bench.profile]
  const result: RunResult = {
    pair: driver.name,
    profile: bench.profile,
    letters,
    fault: scenario.name,
    run: options.run,
    activeBefore: null,
    activeAfter: null,
    during: null,
    mended: null,
    change: null,
    told: null,
    atMs: null,
    trouble: [],
    failures: [],
  }
  let stage: Stage | null = null
  try {
    const activeName = await startPair(bench, driver)
    result.activeBefore = activeName
    const { lab, nodes } = bench
    stage = {
      lab,
      driver,
      nodes,
      active: nodes[activeName],
      standby: nodes[otherNode(activeName)],
      load: null,
    }
    await carryOut(bench, stage, scenario, { ...options, result })
  } catch (error) {
    result.trouble.push(sentenceOf(error))
  }
  // A lab that cannot be cleared is a reason to build it anew; the figures of this run stand.
  await stage?.load?.stop().catch((error: unknown) => result.trouble.push(sentenceOf(error)))
  await stopPair(bench).catch((error: unknown) => result.trouble.push(sentenceOf(error)))
  result.failures.push(...result.trouble)
  if (options.logDirectory !== undefined && result.failures.length > 0) {
    await keepLogs(bench, options.logDirectory, result).catch((error: unknown) =>
      result.failures.push(sentenceOf(error)),
    )
  }
  return result
}

/** Fault, watch, mend, watch; then looks at what was recorded. */
async function carryOut(
  bench: Workbench,
  stage: Stage,
  scenario: Scenario,
  options: RunOptions & { result: RunResult },
): Promise<void> {
  const { result } = options
  const { driver } = stage
  const watchMs = scenario.stretchable ? (options.watchMs ?? scenario.watchMs) : scenario.watchMs
  const mend = options.mend === false ? undefined : scenario.mend
  const asked = NODE_NAMES.filter(
    (name) => scenario.stops === undefined || name !== stage[scenario.stops].name,
  ).map((name) => stage.nodes[name])
  const before = await readReports(driver, asked)

  const begunMs = labNowMs()
  await scenario.inject(stage)
  const injectedMs = labNowMs()
  const gone = scenario.leavesAddress
    ? untilAddressesGone(stage.active, floatingOf(stage), begunMs + watchMs)
    : Promise.resolve(null)
  await watch(bench, begunMs, { watchMs, watchMinMs: scenario.watchMinMs ?? watchMs })
  const goneMs = await gone
  const mendedMs = labNowMs()
  await mend?.(stage)
  const lastWatchMs = mend === undefined ? 0 : (scenario.mendedWatchMs ?? 5000)
  await sleep(Math.max(0, mendedMs + lastWatchMs - labNowMs()))
  const endMs = labNowMs()
  const wallAhead = Date.now() - endMs
  result.atMs = { fault: begunMs, mended: mendedMs, wallAhead }
  result.activeAfter = bench.prober.servingFor(500)
  await bench.prober.settle({ fromMs: begunMs, toMs: endMs })
  const after = await readReports(driver, asked)

  const during = { fromMs: begunMs, toMs: mendedMs }
  const view = { bridgedMs: scenario.bridgedMs ?? 0 }
  result.during = observe(bench.prober, driver, during, { ...view, leadMs: LEAD_MS })
  result.failures.push(...judge(result.during, scenario.demand(result.letters)))
  if (mend !== undefined) {
    const demand = (scenario.mendedDemand ?? undisturbed)(result.letters)
    result.mended = observe(bench.prober, driver, { fromMs: mendedMs, toMs: endMs }, view)
    const failures = judge(result.mended, demand)
    result.failures.push(...failures.map((failure) => `after mending: ${failure}`))
  }
  result.change = {
    ...changeOver(bench.prober, stage, during, injectedMs),
    addressGoneMs: goneMs === null ? null : Math.round(goneMs - injectedMs),
  }
  result.told = toldOf(before, after, {
    gapMs: 2 * result.letters.H,
    sinceWallMs: begunMs + wallAhead,
  })
}

/** Waits for the end of the watch: its whole time, or a second in which one node alone has served. */
async function watch(
  bench: Workbench,
  begunMs: number,
  { watchMs, watchMinMs }: { watchMs: number; watchMinMs: number },
): Promise<void> {
  await sleep(Math.max(0, begunMs + watchMinMs - labNowMs()))
  while (labNowMs() < begunMs + watchMs) {
    if (bench.prober.servingFor(STABLE_MS) !== null) return
    await sleep(50)
  }
}

function sentenceOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error)
}

/** Keeps the nodes' logs and the probes of a failed run; moments in them are the lab's clock. */
async function keepLogs(bench: Workbench, directory: string, result: RunResult): Promise<void> {
  const place = `${directory}/${result.fault}-${result.pair}-${result.run}`
  await mkdir(place, { recursive: true })
  await writeFile(`${place}/result.json`, `${JSON.stringify(result, null, 2)}\n`)
  for (const name of NODE_NAMES) {
    await copyFile(bench.nodes[name].logFile, `${place}/${name}.log`)
  }
  for (const file of bench.prober.files()) await copyFile(file, `${place}/${basename(file)}`)
}

/**
 * Sums up what clients saw in a window, over all families that the pair moves.
 *
 * @param options.leadMs  how much before the window is looked at for who served
 */
export function observe(
  prober: Prober,
  driver: Pick<PairDriver, 'families'>,
  window: TimeWindow,
  options: { bridgedMs?: number; leadMs?: number } = {},
): Seen {
  const { bridgedMs = 0, leadMs = 0 } = options
  const control = longestSilence(prober.recorded('control'), window)
  const seen: Seen = {
    outageMs: 0,
    outageEnded: true,
    controlMs: control.ms,
    moves: 0,
    dualMs: 0,
    dualProofs: 0,
    lost: 0,
  }
  for (const family of driver.families) {
    const silence = longestSilence(prober.recorded(`vip${family}`), window)
    if (silence.ms > seen.outageMs) {
      seen.outageMs = silence.ms
      seen.outageEnded = silence.ended
    }
    const lead = { fromMs: window.fromMs - leadMs, toMs: window.toMs }
    const within = (target: `vip${4 | 6}` | `vip${4 | 6}@${LabNodeName}`) =>
      probesWithin(prober.recorded(target), lead)
    seen.lost += probesWithin(prober.recorded(`vip${family}`), window).filter(
      ({ by }) => by === null,
    ).length
    seen.moves = Math.max(seen.moves, countMoves(within(`vip${family}`)))
    const dual = dualActive(
      { probes: within(`vip${family}@sp1`) },
      { probes: within(`vip${family}@sp2`) },
      bridgedMs,
    )
    seen.dualMs = Math.max(seen.dualMs, dual.ms)
    seen.dualProofs += dual.proofs
  }
  const tenth = (value: number): number => Math.round(value * 10) / 10
  return {
    ...seen,
    outageMs: tenth(seen.outageMs),
    controlMs: tenth(seen.controlMs),
    dualMs: tenth(seen.dualMs),
  }
}
