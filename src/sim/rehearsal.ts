/**
 * How is a pair set up so that something can be tried on it?
 *
 * Builds a world, lets the named node become active, and lets everything settle (promises, damping,
 * stand-back), so that what is done next happens to a pair in ordinary service. Transcripts and the
 * measured bounds both begin here.
 */
import {
  type DataPolicy,
  type Mode,
  type NodeName,
  peerOf,
  type TimingProfile,
} from '../core/policy.ts'
import { serving } from './checkers.ts'
import { Chronicle } from './chronicle.ts'
import { simPolicy } from './schedule.ts'
import { Stores } from './stores.ts'
import { World } from './world.ts'

export interface PairOptions {
  seed: number
  profile: TimingProfile
  mode: Mode
  /** Who is active when it begins; null: no agent runs yet. */
  active: NodeName | null
  pingNodeCount: number
  data: DataPolicy['takeover']
  stale: DataPolicy['stale']
  staleWaitMs: number
  confirmAloneAfterMs: number
  /** Address probes cross the LAN. */
  probesCross: boolean
  /** Ping nodes answer requests that bear the peer's address. */
  reflects: boolean
  /** Rates of the clocks against virtual time. */
  rates: Record<NodeName, number>
}

export const PAIR_DEFAULTS: PairOptions = {
  seed: 1,
  profile: 'default',
  mode: 'ping',
  active: 'sp1',
  pingNodeCount: 3,
  data: 'none',
  stale: 'refuse',
  staleWaitMs: 120_000,
  confirmAloneAfterMs: 300,
  probesCross: true,
  reflects: true,
  rates: { sp1: 1, sp2: 1 },
}

/** A pair of agents at work, longer than any promise or stand-back lasts. */
const SETTLE_IN_D = 1.5

export class Rehearsal {
  readonly world: World
  readonly chronicle: Chronicle
  readonly stores: Stores
  readonly options: PairOptions

  /** @throws Error when the pair does not come into service: a mistake of the core or the simulator */
  constructor(options: PairOptions) {
    this.options = options
    const { mode, pingNodeCount, profile, data, stale, staleWaitMs, confirmAloneAfterMs } = options
    const policyOf = (node: NodeName) =>
      simPolicy(node, {
        mode,
        pingNodeCount,
        profile,
        data: { takeover: data, recentMs: 10_000, stale, staleWaitMs, confirmAloneAfterMs },
      })
    const policies = { sp1: policyOf('sp1'), sp2: policyOf('sp2') }
    this.world = new World({ seed: options.seed, policies, rates: options.rates })
    this.world.network.probesCross = options.probesCross
    this.world.network.reflects = options.reflects
    this.chronicle = new Chronicle(this.world)
    this.stores = new Stores(this.world)
    if (options.active !== null) this.#bringIntoService(options.active)
  }

  get nowMs(): number {
    return this.world.timeline.nowMs
  }

  run(forMs: number): void {
    this.world.timeline.runUntil(this.nowMs + forMs)
  }

  /** Starts an agent over what its stores hold. */
  start(name: NodeName): void {
    this.world.nodes[name].start()
    this.stores.started(name)
  }

  #bringIntoService(active: NodeName): void {
    const { timing } = this.world.nodes.sp1.policy
    const other = this.world.nodes[peerOf(active)]
    // One that cannot serve yet is not elected, whatever the phases of the two are.
    other.healthy = false
    this.start(active)
    this.run(this.world.random.between(0, timing.heartbeatMs))
    this.start(other.name)
    this.run(timing.takeoverSilenceMs)
    other.healthy = true
    other.take({ type: 'health', healthy: true })
    this.run(SETTLE_IN_D * timing.takeoverSilenceMs)
    const now = serving(this.world)
    if (now.length !== 1 || now[0] !== active) {
      throw new Error(`the pair did not come into service: [${now.join(' ')}] instead of ${active}`)
    }
  }
}
