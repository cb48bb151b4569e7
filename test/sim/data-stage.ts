/**
 * A pair with pretend stores on which one thing after the other is done by hand.
 *
 * What the swarm of schedules found is told here as a short story, which outlives every change of the draws.
 */
import { deriveTiming, type NodeName, TIMING_PROFILES } from '../../src/core/policy.ts'
import { serving } from '../../src/sim/checkers.ts'
import { DataWorld } from '../../src/sim/data-world.ts'
import { LossChecker } from '../../src/sim/loss-checker.ts'
import { simPolicy } from '../../src/sim/schedule.ts'
import { World } from '../../src/sim/world.ts'

const NAMES = ['sp1', 'sp2'] as const

export class DataStage {
  readonly world: World
  readonly data: DataWorld
  readonly losses: LossChecker

  /**
   * @param seed  draws the pace of the writes and every small delay
   * @param saysBehind  a node whose peer served last says so after a start
   */
  constructor(seed: number, stale: 'serve' | 'refuse' = 'refuse', saysBehind: boolean = true) {
    const { takeoverSilenceMs } = deriveTiming(TIMING_PROFILES.default)
    const data = {
      takeover: 'strict' as const,
      recentMs: 10_000,
      stale,
      staleWaitMs: 120_000,
      confirmAloneAfterMs: 2 * takeoverSilenceMs,
    }
    const policies = { sp1: simPolicy('sp1', { data }), sp2: simPolicy('sp2', { data }) }
    this.world = new World({ seed, policies })
    this.data = new DataWorld(this.world, { seed, saysBehind, writesPerSecond: 20 })
    this.world.data = this.data
    this.losses = new LossChecker(this.world, this.data)
    for (const node of Object.values(this.world.nodes)) {
      node.observer = {
        stepped: (before, event) => this.losses.stepped(node, event, before),
        carriedOut: () => {},
      }
    }
  }

  get serving(): readonly NodeName[] {
    return serving(this.world)
  }

  run(forMs: number): void {
    const { timeline } = this.world
    timeline.runUntil(timeline.nowMs + forMs)
  }

  /** Runs until something is so. @throws Error when it takes longer than ten seconds */
  until(what: string, holds: () => boolean): void {
    for (let leftMs = 10_000; leftMs > 0; leftMs -= 1) {
      if (holds()) return
      this.run(1)
    }
    throw new Error(`not in time: ${what}`)
  }

  start(...names: NodeName[]): void {
    for (const name of names) this.world.nodes[name].start()
  }

  powerOff(...names: NodeName[]): void {
    for (const name of names) this.world.nodes[name].powerOff()
  }

  /** `sp1` serves, `sp2` has everything, and both say so. */
  inService(): this {
    const { sp2 } = this.world.nodes
    sp2.healthy = false
    this.start('sp1', 'sp2')
    this.until('sp1 serves', () => this.serving[0] === 'sp1')
    sp2.healthy = true
    sp2.tellHealth()
    this.until('sp1 serves in sync', () => this.isInSync('sp1', 'sp2'))
    return this
  }

  isInSync(active: NodeName, standby: NodeName): boolean {
    const ours = this.world.nodes[active].loop?.state
    const theirs = this.world.nodes[standby].loop?.state
    return ours?.role === 'active' && ours.confirming === 'together' && theirs?.inSync === true
  }

  cutCrosslink(): void {
    for (const name of NAMES) this.world.network.cut(`crosslink:${name}`)
  }

  ask(at: NodeName, node: NodeName, force: boolean = false): void {
    this.world.nodes[at].take({ type: 'ask', node, force })
  }
}
