/**
 * How is one run made? Fresh nodes, wait until one serves, fault, watch, mend, watch, judge.
 *
 * Everything is measured from the clients' side. A run that could not be made (the pair never
 * served, a command failed) is a failed run with the reason, not an exception: the other runs go on.
 */
import { copyFile, mkdir, writeFile } from 'node:fs/promises'
import { basename } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { type Demand, judge, LETTERS, type Seen } from './demand.ts'
import { heal } from './faults.ts'
import { countMoves, dualActive, longestSilence, probesWithin, type TimeWindow } from './outage.ts'
import type { Nodes, PairDriver } from './pair.ts'
import { type LabNodeName, NODE_NAMES, otherNode } from './plan.ts'
import type { TimingProfileName } from './platform-files.ts'
import { labNowMs, type Prober } from './prober.ts'
import { killUntilGone } from './process.ts'
import { type Scenario, type Stage, undisturbed } from './scenario.ts'
import type { Lab } from './topology.ts'

/** One line of the bench's output. */
export interface RunResult {
  pair: string
  profile: TimingProfileName
  fault: string
  run: number
  activeBefore: LabNodeName | null
  /** Who alone served at the end; null for nobody or both. */
  activeAfter: LabNodeName | null
  during: Seen | null
  mended: Seen | null
  /** Moments of fault and mending on the lab's clock, and how far the wall clock is ahead of it. */
  atMs: { fault: number; mended: number; wallAhead: number } | null
  /** Broken promises; empty when all held. */
  failures: string[]
}

/** What runs are made with. The same lab and prober serve all runs. */
export interface Workbench {
  lab: Lab
  nodes: Nodes
  prober: Prober
  profile: TimingProfileName
}

/** How long one node alone serves before a fault is injected. */
const STABLE_MS = 1500

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

/**
 * Makes one run.
 *
 * @param options.watchMs       how long a stretchable fault is watched; else the scenario's own time
 * @param options.logDirectory  where what the nodes said in a failed run is kept
 */
export async function measureRun(
  bench: Workbench,
  driver: PairDriver,
  scenario: Scenario,
  options: { run: number; watchMs?: number | undefined; logDirectory?: string | undefined },
): Promise<RunResult> {
  const result: RunResult = {
    pair: driver.name,
    profile: bench.profile,
    fault: scenario.name,
    run: options.run,
    activeBefore: null,
    activeAfter: null,
    during: null,
    mended: null,
    atMs: null,
    failures: [],
  }
  let stage: Stage | null = null
  try {
    const activeName = await startPair(bench, driver)
    result.activeBefore = activeName
    const { lab, nodes } = bench
    const active = nodes[activeName]
    const standby = nodes[otherNode(activeName)]
    stage = { lab, driver, nodes, active, standby, load: null }
    const letters = LETTERS[bench.profile]
    const bridgedMs = scenario.bridgedMs ?? 0
    const watchMs = scenario.stretchable ? (options.watchMs ?? scenario.watchMs) : scenario.watchMs

    const begunMs = labNowMs()
    await scenario.inject(stage)
    await sleep(Math.max(0, begunMs + watchMs - labNowMs()))
    const mendedMs = labNowMs()
    const lastWatchMs = scenario.mend === undefined ? 0 : (scenario.mendedWatchMs ?? 5000)
    await scenario.mend?.(stage)
    await sleep(Math.max(0, mendedMs + lastWatchMs - labNowMs()))
    const endMs = labNowMs()
    result.atMs = { fault: begunMs, mended: mendedMs, wallAhead: Date.now() - labNowMs() }
    result.activeAfter = bench.prober.servingFor(500)
    await bench.prober.settle({ fromMs: begunMs, toMs: endMs })

    const look = (window: TimeWindow, demand: Demand, leadMs = 0): Seen => {
      const seen = observe(bench.prober, driver, window, { bridgedMs, leadMs })
      result.failures.push(...judge(seen, demand))
      return seen
    }
    result.during = look({ fromMs: begunMs, toMs: mendedMs }, scenario.demand(letters), LEAD_MS)
    if (scenario.mend !== undefined) {
      const demand = (scenario.mendedDemand ?? undisturbed)(letters)
      const before = result.failures.length
      result.mended = look({ fromMs: mendedMs, toMs: endMs }, demand)
      result.failures.push(
        ...result.failures.splice(before).map((failure) => `after mending: ${failure}`),
      )
    }
  } catch (error) {
    result.failures.push(error instanceof Error ? error.message : String(error))
  } finally {
    await stage?.load?.stop()
    await stopPair(bench)
  }
  if (options.logDirectory !== undefined && result.failures.length > 0) {
    await keepLogs(bench, options.logDirectory, result)
  }
  return result
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
