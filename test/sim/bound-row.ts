/**
 * Which faults does PROTOCOL give a bound for? One row of its table "Bounds" each: how the pair is
 * set up, what is done to it, and the latest moment of an open gate afterwards.
 *
 * Times are in virtual milliseconds; a row runs for any profile, so lengths are written in the
 * letters of PROTOCOL.
 */
import { type NodeName, peerOf, type Timing } from '../../src/core/policy.ts'
import { Random } from '../../src/sim/random.ts'
import { PAIR_DEFAULTS, type PairOptions, Rehearsal } from '../../src/sim/rehearsal.ts'
import { carryOutCommand } from '../../src/sim/scenario-command.ts'

/** The fence agent of the simulator takes this long. */
export const FENCING_MS = 50

/** A pair in service and what is being tried on it. */
export class Trial {
  readonly rehearsal: Rehearsal
  readonly active: NodeName
  readonly standby: NodeName
  readonly random: Random
  readonly timing: Timing
  /** The bound is counted from here. */
  fromMs = 0
  /** Added to the bound of the row: what the seed drew. */
  extraMs = 0
  /** Only openings of this node count; null: of either. */
  only: NodeName | null = null

  constructor(rehearsal: Rehearsal, active: NodeName) {
    this.rehearsal = rehearsal
    this.active = active
    this.standby = peerOf(active)
    this.random = rehearsal.world.random
    this.timing = rehearsal.world.nodes.sp1.policy.timing
  }

  /** A command of the transcripts; `A` is the active, `S` the standby. */
  do(line: string): void {
    const words = line.replace(/\bA\b/g, this.active).replace(/\bS\b/g, this.standby)
    carryOutCommand(this.rehearsal, words)
  }

  /** From here on the bound counts. */
  fault(line: string): void {
    this.fromMs = this.rehearsal.nowMs
    this.do(line)
  }

  run(forMs: number): void {
    this.rehearsal.run(forMs)
  }

  between(lowMs: number, highMs: number): number {
    return this.random.between(lowMs, highMs)
  }

  /** Cuts the pair apart; the ping nodes are with one of the nodes. */
  partition(withPingNodes: 'A' | 'S'): void {
    const pings = this.rehearsal.world.network.pingNodes.join(' ')
    this.do('cut crosslink')
    this.do(withPingNodes === 'A' ? `divide A ${pings} | S` : `divide A | S ${pings}`)
  }

  /** Begins a switchover and stands where the gate of the active has just been shut. */
  untilRelease(): void {
    this.do('ask S at A')
    const { active, rehearsal } = this
    const open = (): boolean => rehearsal.world.nodes[active].servesUntil() > rehearsal.nowMs
    for (let left = 2000; left > 0 && open(); left -= 1) this.run(0.05)
    this.fromMs = rehearsal.nowMs
  }
}

export interface Row {
  name: string
  pair?: Partial<PairOptions>
  /** Null: the role must not change at all. */
  boundMs: ((timing: Timing) => number) | null
  /** The gate of the active must be shut this long after the fault. */
  outOfServiceMs?: (timing: Timing) => number
  strike(trial: Trial): void
}

const silent = { reflects: false } as const

export const ROWS: readonly Row[] = [
  { name: 'standby dies', boundMs: null, strike: (t) => t.fault('power-off S') },
  { name: 'crosslink cut', boundMs: null, strike: (t) => t.fault('cut crosslink') },
  {
    name: 'a ping node dies',
    boundMs: null,
    strike: (t) => t.fault(`ping-node ping${t.random.below(3)} off`),
  },
  {
    name: 'all ping nodes die, nodes talk',
    boundMs: null,
    strike: (t) => t.fault('ping-nodes off'),
  },
  {
    name: "cut off, ping nodes on the active's side",
    boundMs: null,
    strike: (t) => t.partition('A'),
  },
  {
    name: 'one way, standby not heard',
    pair: { ...silent, probesCross: false },
    boundMs: null,
    strike: (t) => t.fault('cut S>A'),
  },
  {
    name: 'nodes do not hear each other, T3 works',
    pair: silent,
    boundMs: null,
    strike: (t) => t.fault('cut nodes'),
  },
  {
    name: 'active machine dies, ping',
    boundMs: (t) => t.takeoverSilenceMs + 3 * t.heartbeatMs,
    strike: (t) => t.fault('power-off A'),
  },
  {
    name: "cut off, ping nodes on the standby's side",
    boundMs: (t) => t.takeoverSilenceMs + 3 * t.heartbeatMs,
    outOfServiceMs: (t) => t.leaseMs,
    strike: (t) => t.partition('S'),
  },
  {
    name: 'the same, ping nodes changed sides in it',
    boundMs: (t) => t.majorityStreakMs + 4 * t.heartbeatMs,
    outOfServiceMs: (t) => t.leaseMs,
    strike: (t) => {
      t.partition('A')
      t.run(t.between(4 * t.timing.heartbeatMs, 2 * t.timing.takeoverSilenceMs))
      t.fromMs = t.rehearsal.nowMs
      t.do(`divide A | S ${t.rehearsal.world.network.pingNodes.join(' ')}`)
    },
  },
  {
    name: 'agent of the active stopped, ping',
    boundMs: (t) => 2 * t.leaseMs + t.marginMs + 6 * t.heartbeatMs,
    outOfServiceMs: (t) => t.leaseMs,
    strike: (t) => t.fault('stop A for 3600s'),
  },
  {
    name: 'agent of the active restarted after r',
    boundMs: () => 0,
    strike: (t) => {
      const { leaseMs, marginMs, heartbeatMs } = t.timing
      const sameMs = 2 * leaseMs + marginMs + 6 * heartbeatMs
      const afterMs = t.between(heartbeatMs / 4, sameMs)
      t.extraMs = Math.min(sameMs, afterMs + 3 * heartbeatMs)
      t.fault(`restart A after ${afterMs.toFixed(3)}ms`)
    },
  },
  {
    name: 'one way, active not heard',
    pair: { ...silent, probesCross: false },
    boundMs: (t) => 2 * t.leaseMs + t.marginMs + 10 * t.heartbeatMs,
    outOfServiceMs: (t) => t.suspicionMs + t.leaseMs + t.heartbeatMs,
    strike: (t) => t.fault('cut A>S'),
  },
  {
    name: 'one way, active not heard, T3 works',
    pair: silent,
    boundMs: (t) => 2 * t.leaseMs + t.marginMs + 10 * t.heartbeatMs,
    outOfServiceMs: (t) => t.suspicionMs + t.leaseMs + t.heartbeatMs,
    strike: (t) => t.fault('cut A>S'),
  },
  {
    name: 'LAN of the active cut, crosslink up',
    boundMs: (t) => t.dampingMs + 4 * t.heartbeatMs,
    strike: (t) => t.fault('cut lan A'),
  },
  {
    name: 'active machine dies, witness',
    pair: { mode: 'witness' },
    boundMs: (t) => t.leaseMs + t.marginMs + 3 * t.heartbeatMs,
    strike: (t) => t.fault('power-off A'),
  },
  {
    name: 'agent of the active stopped, witness',
    pair: { mode: 'witness' },
    boundMs: (t) => t.leaseMs + t.marginMs + 3 * t.heartbeatMs,
    outOfServiceMs: (t) => t.leaseMs,
    strike: (t) => t.fault('stop A for 3600s'),
  },
  {
    name: 'active cut off from all but the witness',
    pair: { mode: 'witness' },
    boundMs: (t) => t.dampingMs + 2 * t.leaseMs + t.marginMs + 3 * t.heartbeatMs,
    strike: (t) => t.partition('S'),
  },
  {
    name: 'active machine dies, fence',
    pair: { mode: 'fence' },
    boundMs: (t) => t.takeoverSilenceMs + 3 * t.heartbeatMs + FENCING_MS,
    strike: (t) => {
      if (t.standby === 'sp2') t.extraMs = 2 * t.timing.leaseMs
      t.fault('power-off A')
    },
  },
  {
    name: 'switchover, to the new gate',
    boundMs: (t) => 3 * t.heartbeatMs,
    strike: (t) => {
      t.only = t.standby
      t.fault(t.random.chance(0.5) ? 'ask S at A' : 'ask S at S')
    },
  },
  {
    name: 'switchover, heartbeats lost for x after the release',
    pair: silent,
    boundMs: (t) => 6 * t.heartbeatMs,
    strike: (t) => {
      t.untilRelease()
      t.do('cut nodes')
      t.extraMs = t.between(0, 3 * t.timing.takeoverSilenceMs)
      t.rehearsal.world.timeline.after(t.extraMs, () => t.do('mend nodes'))
    },
  },
  {
    name: 'switchover, standby dies at the release',
    boundMs: (t) => t.takeoverSilenceMs + 6 * t.heartbeatMs,
    strike: (t) => {
      t.untilRelease()
      t.do('power-off S')
    },
  },
  {
    name: 'both machines reboot, from the last agent up',
    pair: { active: null },
    boundMs: (t) => 4 * t.heartbeatMs,
    strike: (t) => {
      t.do('start A')
      t.run(t.between(0, t.timing.takeoverSilenceMs))
      t.fault('start S')
    },
  },
  {
    name: 'one machine boots, peer gone',
    pair: { active: null },
    boundMs: (t) => t.majorityStreakMs + 4 * t.heartbeatMs,
    strike: (t) => t.fault('start A'),
  },
]

/** What one seed of a row showed. */
export interface Measured {
  /** From the fault to an open gate, in virtual milliseconds, less what the seed drew; null: none. */
  tookMs: number | null
  /** Gates opened since the fault. */
  openings: number
  /** How often the node that serves was another than the one before. */
  moves: number
  /** From the fault to the end of the active's service; null when it went on. */
  outOfServiceMs: number | null
  dualMs: number
}

/**
 * Plays one row with one seed: clocks within 1 % of each other, a random phase, either
 * node active.
 */
export function play(row: Row, profile: PairOptions['profile'], seed: number): Measured {
  const draw = new Random(seed ^ 0xb0a7)
  const rates = { sp1: draw.between(0.995, 1.005), sp2: draw.between(0.995, 1.005) }
  const pair = { ...PAIR_DEFAULTS, ...row.pair, seed, profile, rates }
  const active: NodeName = seed % 2 === 0 ? 'sp1' : 'sp2'
  const rehearsal = new Rehearsal({ ...pair, active: pair.active === null ? null : active })
  const trial = new Trial(rehearsal, active)
  const { heartbeatMs, takeoverSilenceMs } = trial.timing
  trial.run(trial.between(0, 3 * heartbeatMs))
  trial.fromMs = rehearsal.nowMs
  row.strike(trial)
  const boundMs = row.boundMs === null ? 0 : row.boundMs(trial.timing) + trial.extraMs
  trial.run(trial.fromMs + boundMs + 3 * takeoverSilenceMs - rehearsal.nowMs)
  const { chronicle } = rehearsal
  const names = [trial.active, trial.standby]
  const opened = names
    .flatMap((name) => chronicle.opensAfter(name, trial.fromMs).map((atMs) => ({ name, atMs })))
    .toSorted((a, b) => a.atMs - b.atMs)
  const counted = opened.find(({ name }) => trial.only === null || name === trial.only)
  const before = pair.active === null ? opened[0]?.name : active
  const servers = [before, ...opened.map(({ name }) => name)]
  const served = chronicle.openSpans[active].at(-1)
  return {
    tookMs: counted === undefined ? null : counted.atMs - trial.fromMs - trial.extraMs,
    openings: opened.length,
    moves: servers.filter((name, index) => index > 0 && name !== servers[index - 1]).length,
    outOfServiceMs:
      served === undefined || served.untilMs === Number.POSITIVE_INFINITY
        ? null
        : served.untilMs - trial.fromMs,
    dualMs: chronicle.dualMs(rehearsal.nowMs),
  }
}
