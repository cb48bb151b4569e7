/**
 * What is one run? A seed draws clocks, mode and faults; then faults for a while, then calm.
 *
 * First phase: whatever happens, the two gates are never open at once. Second phase: everything is
 * mended, and within a stated time exactly one node serves and goes on serving. With data, besides:
 * whoever opens its gate holds what was confirmed before, and in the end the pair is in sync.
 */
import {
  type DataPolicy,
  deriveTiming,
  type Mode,
  type NodeName,
  type Policy,
  TIMING_PROFILES,
} from '../core/policy.ts'
import { GateChecker, serving, TermChecker } from './checkers.ts'
import { DataWorld } from './data-world.ts'
import { drawMix, heal, type Mix, strikeAtEffect, unleash } from './faults.ts'
import { type DataTally, LossChecker } from './loss-checker.ts'
import { Random } from './random.ts'
import { strikeAtWord } from './store-strike.ts'
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
  /** What became of the data; only in runs with data. */
  data?: DataTally
}

export interface ScheduleOptions {
  /** Virtual length of both phases together. */
  virtualMs: number
  profile: keyof typeof TIMING_PROFILES
  /** The pair keeps replicated data under this policy; without it, or with `none`, it keeps none. */
  data?: DataPolicy['takeover']
  /** Only these kinds of fault, to find out what a failure needs. */
  only?: readonly string[]
}

export const SCHEDULE_DEFAULTS: ScheduleOptions = { virtualMs: 30_000, profile: 'default' }

/** Calm until the pair must have settled, in units of D; generous against the bounds of PROTOCOL. */
const SETTLE_IN_D = 5

/** Servers boot, compare and catch up in their own time, whatever the profile. */
const STORES_SETTLE_MS = 9_000
/** And calm after that, in which nothing may move. */
const STORES_CALM_MS = 2_500

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
  const data = dataPolicy(seed, options)
  const world = new World({
    seed,
    policies: {
      sp1: simPolicy('sp1', { mode, pingNodeCount, profile: options.profile, ...data }),
      sp2: simPolicy('sp2', { mode, pingNodeCount, profile: options.profile, ...data }),
    },
    rates: drawRates(draw, wild, options),
  })
  const drawn = narrowed(drawMix(world, keepsData(options)), options)
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

function keepsData({ data = 'none' }: ScheduleOptions): boolean {
  return data !== 'none'
}

/** The policy for data, with what the seed draws of it; nothing where none is kept. */
function dataPolicy(seed: number, { data: takeover = 'none', profile }: ScheduleOptions) {
  if (takeover === 'none') return {}
  const draw = new Random(seed ^ 0xda1a)
  const { suspicionMs, takeoverSilenceMs } = deriveTiming(TIMING_PROFILES[profile])
  const data: DataPolicy = {
    takeover,
    recentMs: 10_000,
    stale: draw.chance(0.5) ? 'refuse' : 'serve',
    staleWaitMs: draw.chance(0.7) ? 120_000 : draw.spread(4_000, 20_000),
    // As config/settings.ts has it: W = 2D loses no confirmed write.
    confirmAloneAfterMs: takeover === 'strict' ? 2 * takeoverSilenceMs : suspicionMs,
  }
  return { data }
}

function narrowed(mix: Mix, { only }: ScheduleOptions): Mix {
  if (only === undefined) return mix
  return { ...mix, kinds: new Set([...mix.kinds].filter((kind) => only.includes(kind))) }
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
  const data = keepsData(options)
  const settleMs = SETTLE_IN_D * takeoverSilenceMs + (data ? STORES_SETTLE_MS : 0)
  const faultMs = options.virtualMs - settleMs - (data ? STORES_CALM_MS : settleMs)
  const gates = new GateChecker()
  const terms = new TermChecker()
  world.checkers.push(gates, terms)
  const losses = data ? keepData(world, mix, outcome) : null
  const atWord = { ratio: mix.kinds.has('strike-at-word') ? 0.15 : 0, endMs: faultMs }
  for (const node of Object.values(world.nodes)) {
    node.observer = {
      stepped: (before, event, after) => {
        outcome.steps += 1
        losses?.stepped(node, event, before)
        if (atWord.ratio > 0) strikeAtWord(world, node, { before, after }, atWord)
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
  const vacant = losses !== null && settled.length === 0 && losses.mayBeVacant()
  world.timeline.runUntil(options.virtualMs)
  const after = serving(world)
  losses?.finish()

  outcome.openings = gates.openings
  if (gates.violation !== null) {
    const { atMs, untilMs, opened } = gates.violation
    outcome.verdict = 'unsafe'
    outcome.what = `both gates open from ${atMs.toFixed(1)} to ${untilMs.toFixed(1)} ms (${opened} opened second)`
  } else if (terms.violation !== null) {
    outcome.verdict = 'unsafe'
    outcome.what = terms.violation
  } else if (losses !== null && losses.violation !== null && options.data === 'strict') {
    outcome.verdict = 'unsafe'
    outcome.what = losses.violation
  } else if (vacant) {
    // Nobody served, and the policy had it so for then.
  } else if (settled.length !== 1 || after.length !== 1) {
    outcome.verdict = 'stuck'
    outcome.what = `${settled.length} nodes serve ${settleMs} ms after everything was mended`
    if (losses !== null) outcome.what += `: ${syncWords(world)}`
  } else if (gates.openings !== openingsSettled) {
    outcome.verdict = 'stuck'
    outcome.what = `the role still moved more than ${settleMs} ms after everything was mended`
  } else if (losses !== null && !inSync(world, after[0] as NodeName)) {
    outcome.verdict = 'stuck'
    outcome.what = `the pair is not in sync: ${syncWords(world)}`
  }
}

function keepData(world: World, mix: Mix, outcome: Outcome): LossChecker {
  const saysBehind = mix.kinds.has('behind-at-start')
  world.data = new DataWorld(world, { seed: outcome.seed, saysBehind })
  const losses = new LossChecker(world, world.data)
  outcome.data = losses.tally
  return losses
}

function inSync(world: World, active: NodeName): boolean {
  const [ours, theirs] = [world.nodes[active], world.other(world.nodes[active])]
  // Fenced in the last moment of the faults: nobody switches it on again.
  if (!theirs.running) return true
  return ours.loop?.state.confirming === 'together' && theirs.loop?.state.inSync === true
}

function syncWords(world: World): string {
  return Object.values(world.nodes)
    .map(({ name, loop }) => {
      if (loop === null) return `${name} down`
      const { role, position, confirming, inSync, sole, behind, healthy } = loop.state
      const words = `${name} ${role} ${position.term}/${position.offset} ${confirming}`
      return `${words}${inSync ? ' inSync' : ''}${sole ? ' sole' : ''}${behind ? ' behind' : ''}${healthy ? '' : ' unfit'}`
    })
    .join(', ')
}
