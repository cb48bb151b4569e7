/**
 * Which ping nodes answer now? One round: an echo request to each, repeated at P/3 and 2P/3.
 *
 * Only asks and tells; what an answer is worth, and whether it came in time, the core judges
 * (PROTOCOL, "round", R2, T2). A request that is overdue is forgotten.
 */
import type { IcmpPort, PingEnd } from '../system/icmp.ts'
import { type PingNodeReport, PingStats } from './ping-stats.ts'

/** One port per address family; null where no ping node is of that family. */
export interface IcmpPorts {
  readonly 4: IcmpPort | null
  readonly 6: IcmpPort | null
}

/** What is needed of a ping node here; `PingNodeConfig` has it. */
export interface PingNodeAddress {
  address: string
  family: 4 | 6
}

export interface PingNodesOptions {
  pingNodes: readonly PingNodeAddress[]
  icmp: IcmpPorts
  /** Milliseconds of the heart's clock. */
  now: () => number
  /** Ping node `index` answered this round; `roundTripMs` counts from the round's first sending. */
  onPong: (round: number, index: number, roundTripMs: number) => void
}

/** The rhythm of repeats for a round of P ms: at P/3 and 2P/3, given up at P. */
export function roundRhythm(roundMs: number): { repeatAfterMs: number; repeats: number } {
  return { repeatAfterMs: Math.max(1, Math.floor(roundMs / 3)), repeats: 2 }
}

export class PingNodes {
  readonly #options: PingNodesOptions
  readonly #stats: readonly PingStats[]

  constructor(options: PingNodesOptions) {
    this.#options = options
    this.#stats = options.pingNodes.map(() => new PingStats())
  }

  /** Asks every ping node; `onPong` tells of each answer. Returns at once. */
  sendRound(round: number): void {
    const { pingNodes, icmp, now } = this.#options
    const sentAtMs = now()
    for (const [index, pingNode] of pingNodes.entries()) {
      const port = icmp[pingNode.family]
      if (port === null) this.#stats[index]?.noteMissed()
      else port.ping(pingNode.address, (end) => this.#end(round, index, sentAtMs, end))
    }
  }

  /** In the order of the configuration. */
  report(): PingNodeReport[] {
    return this.#stats.map((stats) => stats.report())
  }

  #end(round: number, index: number, sentAtMs: number, end: PingEnd): void {
    const stats = this.#stats[index]
    if (!end.answered) {
      stats?.noteMissed()
      return
    }
    const atMs = this.#options.now()
    stats?.noteAnswered(atMs - sentAtMs, end.repeated, atMs)
    this.#options.onPong(round, index, atMs - sentAtMs)
  }
}
