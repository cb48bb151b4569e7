/**
 * How is a plan carried out? Step by step, each result told at once, and no step is the end of the rest.
 *
 * A run that met trouble is a result like any other; the lab is then built anew, because nobody knows
 * what was left in it. A kind of step that cannot be made three times in a row is given up.
 */
import { setTimeout as sleep } from 'node:timers/promises'
import { Estimate, IDLE_SETTLE_MS, kindOf, type Step, type Times } from './bench-plan.ts'
import { measureCost } from './cost.ts'
import { beyondControlMs, type ChosenLetters } from './demand.ts'
import { measureRun, startPair, stopPair, type Workbench } from './measure.ts'
import { LabNode } from './node.ts'
import { type PairDriver, tandemPair } from './pair.ts'
import { otherNode, planLab } from './plan.ts'
import { Prober } from './prober.ts'
import type { IdleLine, Line, RunLine } from './record.ts'
import { buildLab } from './topology.ts'
import { hasProfileTimes } from './verdict.ts'

/** Troubles in a row after which a kind of step is left out. */
const TROUBLES_MAX = 3

export interface BenchOrder {
  steps: readonly Step[]
  /** The other managers, by name; ours is made for the times of each step. */
  rivals: ReadonlyMap<string, PairDriver>
  session: string
  prefix: string
  logDirectory: string | undefined
  /** Takes each result as soon as it is known. */
  keep(line: Line): void
  progress(text: string): void
}

/** Carries a plan out. Throws only when no lab can be built. */
export async function carryOutPlan(order: BenchOrder): Promise<void> {
  const { steps, progress } = order
  const estimate = new Estimate()
  const troubles = new Map<string, number>()
  let bench: Workbench | null = null
  try {
    for (const [index, step] of steps.entries()) {
      const kind = kindOf(step)
      if ((troubles.get(kind) ?? 0) >= TROUBLES_MAX) continue
      bench ??= await newWorkbench(order.prefix)
      const begunMs = performance.now()
      const line = await makeStep(bench, step, order)
      order.keep(line)
      estimate.note(step, performance.now() - begunMs)
      const hadTrouble = line.trouble.length > 0
      troubles.set(kind, hadTrouble ? (troubles.get(kind) ?? 0) + 1 : 0)
      const left = steps
        .slice(index + 1)
        .filter((other) => (troubles.get(kindOf(other)) ?? 0) < TROUBLES_MAX)
      progress(
        `[${index + 1}/${steps.length}, ${duration(estimate.of(left))} left] ${describe(step, line)}`,
      )
      if (!hadTrouble) continue
      await bench.lab.destroy()
      bench = null
    }
  } finally {
    await bench?.lab.destroy()
  }
}

async function newWorkbench(prefix: string): Promise<Workbench> {
  const lab = await buildLab(planLab(prefix))
  const nodes = { sp1: new LabNode(lab, 'sp1'), sp2: new LabNode(lab, 'sp2') }
  return { lab, nodes, prober: new Prober(lab), profile: 'fast' }
}

async function makeStep(
  bench: Workbench,
  step: Step,
  { rivals, session, logDirectory }: BenchOrder,
): Promise<RunLine | IdleLine> {
  const { profile, letters, scenario, pair, run, watchMs, mend } = step
  const timed: Workbench = { ...bench, profile, letters }
  const driver = rivals.get(pair) ?? tandemPair(profile, ownLetters(step))
  // Cheap, and the times may be others than those of the step before.
  const why = await driver.prepare(bench.lab).then(() => null, sentenceOf)
  if (scenario === null) {
    const line: IdleLine = {
      kind: 'idle',
      session,
      pair,
      profile,
      letters,
      seconds: watchMs / 1000,
      active: null,
      standby: null,
      trouble: why === null ? [] : [why],
    }
    return why === null ? watchIdle(timed, driver, line) : line
  }
  const result = await measureRun(timed, driver, scenario, { run, watchMs, mend, logDirectory })
  const trouble = why === null ? result.trouble : [why, ...result.trouble]
  return { kind: 'run', session, ...result, trouble }
}

/** Times for the configuration, where they are not those of the profile. */
function ownLetters(times: Times): ChosenLetters | undefined {
  return hasProfileTimes(times) ? undefined : times.letters
}

async function watchIdle(bench: Workbench, driver: PairDriver, line: IdleLine): Promise<IdleLine> {
  const trouble: string[] = []
  let costs: Awaited<ReturnType<typeof measureCost>> = []
  try {
    const active = await startPair(bench, driver)
    // Asking 200 times a second is not idling.
    await bench.prober.stop()
    await sleep(IDLE_SETTLE_MS)
    const nodes = [bench.nodes[active], bench.nodes[otherNode(active)]]
    costs = await measureCost(nodes, line.seconds * 1000)
  } catch (error) {
    trouble.push(sentenceOf(error))
  }
  await stopPair(bench).catch((error: unknown) => trouble.push(sentenceOf(error)))
  return { ...line, active: costs[0] ?? null, standby: costs[1] ?? null, trouble }
}

function describe(step: Step, line: RunLine | IdleLine): string {
  const what = `${step.scenario?.name ?? 'idle'} ${step.run}/${step.runs} ${step.pair}`
  const times = hasProfileTimes(step) ? step.profile : `H ${step.letters.H}`
  if (line.kind === 'idle') {
    const cpu = [line.active, line.standby].map((cost) =>
      cost === null ? '-' : `${(cost.cpuRatio * 100).toFixed(1)} %`,
    )
    return `${what} (${times}): ${[...cpu, ...line.trouble].join(', ')}`
  }
  const { during, mended, told, failures } = line
  const parts = [
    during === null ? 'no measurement' : `${beyondControlMs(during).toFixed(0)} ms`,
    during === null ? '' : `(control ${during.controlMs.toFixed(0)}), moves ${during.moves}`,
    told === null ? '' : `lease ends ${told.leaseEnds}`,
    mended === null
      ? ''
      : `| mended ${beyondControlMs(mended).toFixed(0)} ms, moves ${mended.moves}`,
    failures.length === 0 || step.pair !== 'tandem' ? '' : `| ${failures.join('; ')}`,
  ]
  return `${what} (${times}): ${parts.filter((part) => part !== '').join(' ')}`
}

/** For people: seconds below a minute and a half, else minutes. */
export function duration(ms: number): string {
  const seconds = Math.round(ms / 1000)
  return seconds < 90 ? `${seconds} s` : `${Math.round(seconds / 60)} min`
}

function sentenceOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error)
}
