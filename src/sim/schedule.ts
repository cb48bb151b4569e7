/**
 * What is one run? A seed draws clocks, mode and faults; then faults for a while, then calm.
 *
 * First phase: whatever happens, the two gates are never open at once. Second phase: everything is
 * mended, and within a stated time exactly one node serves and goes on serving.
 */
import {
  deriveTiming,
  type Mode,
  type NodeName,
  type Policy,
  TIMING_PROFILES,
} from '../core/policy.ts'
import { GateChecker, serving, TermChecker } from './checkers.ts'
import { drawMix, heal, type Mix, strikeAtEffect, unleash } from './faults.ts'
import { Random } from './random.ts'
import { World } from './world.ts'

export type Verdict = 'ok' | 'unsafe' | 'stuck' | 'crashed'

export interface Outcome {
  seed: number
  verdict: Verdict
  /** What went wrong, in a sentence; empty when nothing did. */
  what: string
  mode: Mode
  kinds: readonly string[]
  /** Gates opened in the run. */
  openings: number
  /** Steps of the core on both nodes. */
  steps: number
  virtualMs: number
}

export interface ScheduleOptions {
  /** Virtual length of both phases together. */
  virtualMs: number
  profile: keyof typeof TIMING_PROFILES
}

export const SCHEDULE_DEFAULTS: ScheduleOptions = { virtualMs: 30_000, profile: 'default' }

/** Calm until the pair must have settled, in units of D; generous against the bounds of PROTOCOL. */
const SETTLE_IN_D = 5

/** Ratio of runs whose clocks differ by nearly as much as A1 allows. */
const WILD_CLOCKS_RATIO = 0.15

export function simPolicy(
  node: NodeName,
  change: Partial<Policy> & { profile?: keyof typeof TIMING_PROFILES } = {},
): Policy {
  const { profile, ...rest } = change
  return {
    node,
    mode: 'ping',
    timing: deriveTiming(TIMING_PROFILES[profile ?? 'default']),
    pingNodeCount: 3,
    data: {
      takeover: 'none',
      recentMs: 10_000,
      stale: 'serve',
      staleWaitMs: 120_000,
      confirmAloneAfterMs: 300,
    },
    digest: '0000000000000000',
    ...rest,
  }
}

/**
 * Runs one schedule. The same seed and options always give the same outcome.
 *
 * @param watch  is shown the world before anything happens in it; must not change it
 */
export function runSchedule(
  seed: number,
  options: ScheduleOptions = SCHEDULE_DEFAULTS,
  watch: (world: World) => void = () => {},
): Outcome {
  const draw = new Random(seed ^ 0x5eed)
  const mode = draw.chance(0.8) ? 'ping' : draw.chance(0.7) ? 'witness' : 'fence'
  const pingNodeCount = draw.chance(0.7) ? 3 : 1 + draw.below(5)
  // Clocks that differ by nearly as much as A1 allows; then A5 asks for probes that cross.
  const wild = draw.chance(WILD_CLOCKS_RATIO)
  const world = new World({
    seed,
    policies: {
      sp1: simPolicy('sp1', { mode, pingNodeCount, profile: options.profile }),
      sp2: simPolicy('sp2', { mode, pingNodeCount, profile: options.profile }),
    },
    rates: drawRates(draw, wild, options),
  })
  const drawn = drawMix(world)
  const mix = wild ? { ...drawn, probesCross: true } : drawn
  const outcome: Outcome = {
    seed,
    verdict: 'ok',
    what: '',
    mode,
    kinds: [...mix.kinds],
    openings: 0,
    steps: 0,
    virtualMs: options.virtualMs,
  }
  try {
    play(world, mix, options, outcome, watch)
  } catch (error) {
    outcome.verdict = 'crashed'
    outcome.what = error instanceof Error ? error.message : String(error)
  }
  return outcome
}

/** Rates of the two clocks: within 1 %, or apart by up to 0.9 M / L (A1). */
function drawRates(
  draw: Random,
  wild: boolean,
  options: ScheduleOptions,
): Record<NodeName, number> {
  if (!wild) return { sp1: 1 + draw.between(-0.01, 0.01), sp2: 1 + draw.between(-0.01, 0.01) }
  const { leaseMs, marginMs } = TIMING_PROFILES[options.profile]
  const ratio = 1 + draw.between(0.02, (0.9 * marginMs) / leaseMs)
  return { sp1: 1, sp2: draw.chance(0.5) ? ratio : 1 / ratio }
}

function play(
  world: World,
  mix: Mix,
  options: ScheduleOptions,
  outcome: Outcome,
  watch: (world: World) => void,
): void {
  const { takeoverSilenceMs } = world.nodes.sp1.policy.timing
  const settleMs = SETTLE_IN_D * takeoverSilenceMs
  const faultMs = options.virtualMs - 2 * settleMs
  const gates = new GateChecker()
  const terms = new TermChecker()
  world.checkers.push(gates, terms)
  for (const node of Object.values(world.nodes)) {
    node.observer = {
      stepped: () => {
        outcome.steps += 1
      },
      carriedOut: (effect) => strikeAtEffect(world, mix, node, effect, faultMs),
    }
  }
  watch(world)
  for (const node of Object.values(world.nodes)) {
    world.timeline.after(world.random.between(0, takeoverSilenceMs), () => node.start())
  }
  unleash(world, mix, faultMs)
  world.timeline.runUntil(faultMs)
  heal(world)
  world.timeline.runUntil(faultMs + settleMs)
  const openingsSettled = gates.openings
  const settled = serving(world)
  world.timeline.runUntil(options.virtualMs)
  const after = serving(world)

  outcome.openings = gates.openings
  if (gates.violation !== null) {
    const { atMs, untilMs, opened } = gates.violation
    outcome.verdict = 'unsafe'
    outcome.what = `both gates open from ${atMs.toFixed(1)} to ${untilMs.toFixed(1)} ms (${opened} opened second)`
  } else if (terms.violation !== null) {
    outcome.verdict = 'unsafe'
    outcome.what = terms.violation
  } else if (settled.length !== 1 || after.length !== 1) {
    outcome.verdict = 'stuck'
    outcome.what = `${settled.length} nodes serve ${settleMs} ms after everything was mended`
  } else if (gates.openings !== openingsSettled) {
    outcome.verdict = 'stuck'
    outcome.what = `the role still moved more than ${settleMs} ms after everything was mended`
  }
}
