/**
 * What if? Two nodes, a network, ping nodes and a witness, in virtual time.
 *
 * Carries messages between the nodes as the network allows, answers echo requests and address
 * probes, and tells the checkers whenever a gate moves. It never helps the nodes.
 */
import type { Heartbeat } from '../core/heartbeat.ts'
import type { NodeName, Policy } from '../core/policy.ts'
import type { DataWorld } from './data-world.ts'
import { Network } from './network.ts'
import { SimNode, type Surroundings } from './node.ts'
import { Random } from './random.ts'
import { Timeline } from './timeline.ts'
import { Witness } from './witness.ts'

export interface WorldOptions {
  seed: number
  policies: Record<NodeName, Policy>
  /** Rates of the two clocks against virtual time. */
  rates?: Record<NodeName, number>
}

/** Looks on from outside. */
export interface Checker {
  gateMoved(node: SimNode, world: World): void
}

export class World implements Surroundings {
  readonly timeline = new Timeline()
  readonly random: Random
  readonly network: Network
  readonly witness: Witness
  readonly nodes: Record<NodeName, SimNode>
  readonly checkers: Checker[] = []
  /** Null: the pair keeps no replicated data. */
  data: DataWorld | null = null
  /** Told of every fault that strikes; null when nobody listens. */
  struck: ((what: string, lastsMs: number) => void) | null = null
  /** Heartbeats kept for a replay; null when nobody records. */
  recording: { from: NodeName; heartbeat: Heartbeat }[] | null = null
  /**
   * How the fence agent behaves: the node it was aimed at goes off after this long, or never; one that
   * lies reports success all the same.
   */
  fencing: { takesMs: number; works: boolean; lies?: boolean } = { takesMs: 50, works: true }

  constructor(options: WorldOptions) {
    this.random = new Random(options.seed)
    const { policies } = options
    this.network = new Network(this.random, policies.sp1.pingNodeCount)
    this.witness = new Witness(this.timeline, policies.sp1.timing)
    const rates = options.rates ?? { sp1: 1, sp2: 1 }
    const make = (name: NodeName): SimNode =>
      new SimNode(this, policies[name], {
        offsetMs: this.random.between(1e5, 1e9),
        rate: rates[name],
      })
    this.nodes = { sp1: make('sp1'), sp2: make('sp2') }
  }

  other(node: SimNode): SimNode {
    return node.name === 'sp1' ? this.nodes.sp2 : this.nodes.sp1
  }

  gateMoved(node: SimNode): void {
    for (const checker of this.checkers) checker.gateMoved(node, this)
  }

  send(from: SimNode, heartbeat: Heartbeat, reflect: boolean): void {
    const { network } = this
    const to = this.other(from)
    this.recording?.push({ from: from.name, heartbeat })
    const direct = (open: () => boolean): void => {
      if (!open() || network.lost('node')) return
      this.#deliver(to, heartbeat, true, network.delayMs(), open)
      if (network.repeated()) this.#deliver(to, heartbeat, true, network.delayMs() * 20, open)
    }
    direct(() => network.crosslink(from.name))
    direct(() => network.direct(from.name, to.name))
    if (!reflect || !network.reflects) return
    for (const place of network.pingNodes) {
      const open = (): boolean => network.lan(from.name, place) && network.lan(place, to.name)
      if (!open() || network.lost('ping') || network.lost('ping')) continue
      this.#deliver(to, heartbeat, false, network.delayMs() + network.delayMs(), open)
    }
  }

  #deliver(
    to: SimNode,
    heartbeat: Heartbeat,
    direct: boolean,
    delayMs: number,
    open: () => boolean,
  ): void {
    this.timeline.after(delayMs, () => {
      if (open()) to.take({ type: 'heartbeat', heartbeat, direct })
    })
  }

  /** Somebody plays back what was recorded. */
  replay(to: SimNode, heartbeat: Heartbeat): void {
    to.take({ type: 'heartbeat', heartbeat, direct: true })
  }

  ping(from: SimNode, round: number): void {
    for (let index = 0; index < this.network.pingNodes.length; index += 1) {
      this.#ask(from, round, index, 0)
    }
  }

  /** One request; repeated at P/3 and 2P/3 when it is not answered. */
  #ask(from: SimNode, round: number, index: number, repeats: number): void {
    const { network } = this
    const place = network.pingNodes[index]
    if (place === undefined || !from.running) return
    const again = (): void => {
      if (repeats === 2) return
      this.timeline.after(from.policy.timing.roundMs / 3, () =>
        this.#ask(from, round, index, repeats + 1),
      )
    }
    if (from.stopped || !network.lan(from.name, place) || network.lost('ping')) {
      again()
      return
    }
    const out = network.delayMs()
    this.timeline.after(out, () => {
      if (!network.lan(place, from.name) || network.lost('ping')) {
        again()
        return
      }
      this.timeline.after(network.delayMs(), () => {
        if (network.lan(place, from.name)) from.take({ type: 'pong', round, pingNode: index })
      })
    })
  }

  /** An address probe: answered by a kernel that serves or occupies, noticed by an agent that looks. */
  probe(from: SimNode): void {
    const { network, timeline } = this
    const to = this.other(from)
    const sentAtMs = from.now()
    const delayMs = network.delayMs()
    let answered = false
    if (network.probe(from.name, to.name) && !network.probeLost(from.name)) {
      timeline.after(delayMs, () => {
        if (!network.probe(from.name, to.name)) return
        to.take({ type: 'probed', sentAtMs: to.now(), clear: false, knock: true })
        const answers = Math.max(to.servesUntil(), to.occupiedUntil()) > timeline.nowMs
        if (!answers || !network.probe(to.name, from.name)) return
        timeline.after(network.delayMs(), () => {
          answered = true
          from.take({ type: 'probed', sentAtMs, clear: false })
        })
      })
    }
    timeline.after(from.policy.timing.heartbeatMs * 0.8, () => {
      if (!answered) from.take({ type: 'probed', sentAtMs, clear: true })
    })
  }

  askWitness(from: SimNode, attempt: number): void {
    const sentAtMs = from.now()
    this.witness.ask(from.name, this.network, (granted) =>
      from.take({ type: 'witness', sentAtMs, attempt, granted }),
    )
  }

  fence(from: SimNode): void {
    const target = this.other(from)
    const { takesMs, works, lies } = this.fencing
    this.timeline.after(takesMs, () => {
      if (works) {
        target.powerOff()
        this.gateMoved(target)
      }
      from.take({ type: 'fenced', off: works || lies === true })
    })
  }
}
