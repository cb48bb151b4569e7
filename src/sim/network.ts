/**
 * What does the network do to a message? Segments, one-way cuts, loss, delay, repeats.
 *
 * The LAN is a set of places (the nodes, the ping nodes); who shares a segment hears each other, so a
 * ping node answers on one side of a partition at a time (assumption A4). On top of that single
 * directions may be cut, which is how a network without transitivity is made. The crosslink is one
 * more pair of directions.
 */
import type { NodeName } from '../core/policy.ts'
import type { Random } from './random.ts'

export type Place = NodeName | `ping${number}`

export interface Weather {
  /** Ratio of messages lost between the nodes on direct paths. */
  lossRatio: number
  /** Ratio lost to and from ping nodes. */
  pingLossRatio: number
  delayMinMs: number
  delayMaxMs: number
  /** Ratio of messages that arrive twice, the second one late. */
  repeatRatio: number
}

export const FAIR_WEATHER: Weather = {
  lossRatio: 0,
  pingLossRatio: 0,
  delayMinMs: 0.1,
  delayMaxMs: 0.5,
  repeatRatio: 0,
}

export class Network {
  readonly #random: Random
  readonly #segment = new Map<Place, number>()
  readonly #cuts = new Map<string, number>()
  readonly #probeLost: Record<NodeName, boolean> = { sp1: false, sp2: false }
  /** Ping nodes that are switched off. */
  readonly out = new Set<Place>()
  weather: Weather = FAIR_WEATHER
  /** Address probes cross the LAN (same layer-2 segment); off: T3 is blind. */
  probesCross = true
  /** Ping nodes answer requests that bear the other node's address. */
  reflects = true
  readonly pingNodes: readonly Place[]

  constructor(random: Random, pingNodeCount: number) {
    this.#random = random
    this.pingNodes = Array.from({ length: pingNodeCount }, (_, index) => `ping${index}` as const)
  }

  /** Puts a place on a segment of the LAN; 0 is where all begin. */
  move(place: Place, segment: number): void {
    this.#segment.set(place, segment)
  }

  /** Cuts are counted: a wire carries again when every fault that cut it has ended. */
  cut(wire: string): void {
    this.#cuts.set(wire, (this.#cuts.get(wire) ?? 0) + 1)
  }

  mend(wire: string): void {
    const count = this.#cuts.get(wire) ?? 0
    if (count > 1) this.#cuts.set(wire, count - 1)
    else this.#cuts.delete(wire)
  }

  heal(): void {
    this.#segment.clear()
    this.#cuts.clear()
    this.out.clear()
    this.weather = FAIR_WEATHER
  }

  /** The crosslink carries in this direction now. */
  crosslink(from: NodeName): boolean {
    return !this.#cuts.has(`crosslink:${from}`)
  }

  /** The LAN carries from one place to another now. */
  lan(from: Place, to: Place): boolean {
    const a = this.#segment.get(from) ?? 0
    const b = this.#segment.get(to) ?? 0
    return a === b && !this.out.has(from) && !this.out.has(to)
  }

  /** The LAN carries heartbeats between the nodes in this direction. */
  direct(from: NodeName, to: NodeName): boolean {
    return this.lan(from, to) && !this.#cuts.has(`heartbeat:${from}`)
  }

  /** Address probes and their answers travel in this direction. */
  probe(from: NodeName, to: NodeName): boolean {
    return this.probesCross && this.lan(from, to)
  }

  /** Probes may be lost, but one in G comes through (A5): never two in a row. */
  probeLost(from: NodeName): boolean {
    const lost = !this.#probeLost[from] && this.#random.chance(this.weather.lossRatio)
    this.#probeLost[from] = lost
    return lost
  }

  lost(kind: 'node' | 'ping'): boolean {
    const { lossRatio, pingLossRatio } = this.weather
    return this.#random.chance(kind === 'node' ? lossRatio : pingLossRatio)
  }

  delayMs(): number {
    return this.#random.between(this.weather.delayMinMs, this.weather.delayMaxMs)
  }

  repeated(): boolean {
    return this.#random.chance(this.weather.repeatRatio)
  }
}
