/**
 * What does a witness do? A store that gives one lease at a time and keeps it for L + M of its own
 * clock (PROTOCOL, R3).
 */
import type { NodeName, Timing } from '../core/policy.ts'
import type { Network } from './network.ts'
import type { Timeline } from './timeline.ts'

export class Witness {
  /** Nodes that cannot reach the store. */
  readonly unreachable = new Set<NodeName>()
  readonly #timeline: Timeline
  readonly #keepMs: number
  #holder: NodeName | null = null
  #untilMs = 0

  constructor(timeline: Timeline, timing: Timing) {
    this.#timeline = timeline
    this.#keepMs = timing.leaseMs + timing.marginMs
  }

  /** Answers whether the lease is the asker's now; silent when it cannot be reached. */
  ask(node: NodeName, network: Network, answer: (granted: boolean) => void): void {
    if (this.unreachable.has(node)) return
    this.#timeline.after(network.delayMs(), () => {
      if (this.unreachable.has(node)) return
      const free = this.#holder === null || this.#holder === node
      const granted = free || this.#timeline.nowMs >= this.#untilMs
      if (granted) {
        this.#holder = node
        this.#untilMs = this.#timeline.nowMs + this.#keepMs
      }
      this.#timeline.after(network.delayMs(), () => {
        if (!this.unreachable.has(node)) answer(granted)
      })
    })
  }
}
