/**
 * What is a node of the simulator? The real core, loop and executor behind a pretend kernel, disk,
 * clock and stores.
 *
 * It can be stopped between any two effects, which is where a real process is stopped as well.
 */
import type { Heartbeat } from '../core/heartbeat.ts'
import type { NodeName, Policy } from '../core/policy.ts'
import { type HardState, initialState } from '../core/state.ts'
import { type Happening, Loop } from '../daemon/loop.ts'
import type { Observer, Ports } from '../daemon/ports.ts'
import { ModelGate } from '../gate/model-gate.ts'
import type { Random } from './random.ts'
import type { Timeline } from './timeline.ts'

/** Messages that wait while the agent is stopped; a socket buffer holds about as many. */
const SOCKET_MAX = 200

/** A hanging disk is looked at again after this long. */
const HANGING_DISK_POLL_MS = 10

/** What the world does for a node. */
export interface Surroundings {
  timeline: Timeline
  random: Random
  send(from: SimNode, heartbeat: Heartbeat, reflect: boolean): void
  ping(from: SimNode, round: number): void
  probe(from: SimNode): void
  askWitness(from: SimNode, attempt: number): void
  fence(from: SimNode): void
  gateMoved(node: SimNode): void
}

/** What the disk tells of who served last. */
export interface ServedLast {
  /** The node may lack what the peer confirmed. */
  behind: boolean
  /** Term in which it served last itself; 0 when the history of its data is not known. */
  term: number
}

/** The stores of a node, where it has any; they outlive its agent. */
export interface NodeStores {
  /** They let the node serve. */
  readonly fit: boolean
  /** An agent starts. @returns what the disk tells of who served last (D-026) */
  started(): ServedLast
  agentGone(): void
  machineGone(): void
  promote(): void
  /** Answered by `demoted`. */
  demote(): void
  /** Answered by `frozen`, or never. */
  freeze(): void
  unfreeze(): void
  confirm(alone: boolean): void
}

/** How the machine behaves; changed by faults. */
export interface Manners {
  /** Timers fire late by up to this. */
  tickLateMs: number
  /** Ratio of effects after which the agent is stopped, and for how long at most. */
  stopRatio: number
  stopMaxMs: number
  diskMs: number
  /** Writes of the hard state wait until it ends. */
  diskHangs: boolean
  demoteMs: number
}

export const GOOD_MANNERS: Manners = {
  tickLateMs: 0.3,
  stopRatio: 0,
  stopMaxMs: 0,
  diskMs: 2,
  diskHangs: false,
  demoteMs: 1,
}

export class SimNode {
  readonly name: NodeName
  /** Configuration, as the next start of the agent reads it. */
  policy: Policy
  readonly gate: ModelGate
  disk: HardState = { term: 0, sole: false }
  manners: Manners = GOOD_MANNERS
  running = false
  stopped = false
  healthy = true
  maintenance = false
  steps = 0
  observer: Observer | null = null
  /** Null: data follows the role at once. */
  stores: NodeStores | null = null
  #loop: Loop | null = null
  #life = 0
  #tickMissed = false
  #wish: { ticket: number; hard: HardState } | null = null
  #writing = false
  #socket: Happening[] = []
  readonly #world: Surroundings
  #offsetMs: number
  readonly #rate: number

  constructor(world: Surroundings, policy: Policy, clock: { offsetMs: number; rate: number }) {
    this.name = policy.node
    this.policy = policy
    this.#world = world
    this.#offsetMs = clock.offsetMs
    this.#rate = clock.rate
    this.gate = new ModelGate(() => this.now())
  }

  /** This node's own clock. */
  now(): number {
    return this.#offsetMs + this.#rate * this.#world.timeline.nowMs
  }

  /** Virtual time of a moment of this node's clock. */
  worldTime(localMs: number): number {
    return (localMs - this.#offsetMs) / this.#rate
  }

  get loop(): Loop | null {
    return this.#loop
  }

  get role(): string {
    return this.#loop?.state.role ?? 'down'
  }

  /** Address probes are answered and service traffic passes until then, in virtual time. */
  servesUntil(): number {
    return this.worldTime(this.gate.query().serveUntilMs)
  }

  occupiedUntil(): number {
    return this.worldTime(this.gate.query().occupiedUntilMs)
  }

  /** Starts the agent. The kernel may still hold the gate of the one before. */
  start(): void {
    if (this.running) return
    this.running = true
    this.stopped = false
    this.#tickMissed = false
    this.#socket = []
    this.#life += 1
    this.#wish = null
    this.#writing = false
    const hard = { term: this.disk.term, sole: this.disk.sole }
    const boot = this.#world.random.hex16()
    const { behind, term } = this.stores?.started() ?? { behind: false, term: 0 }
    const initial = initialState(boot, hard, this.policy.pingNodeCount)
    const state = { ...initial, behind, position: { term, offset: 0 } }
    this.#loop = new Loop(state, this.policy, this.#ports(), this.observer)
    this.take({ type: 'start' })
    if (!this.#fit) this.tellHealth()
    if (this.maintenance) this.take({ type: 'maintenance', on: true })
    this.#planTick(this.#life, this.#world.random.between(0, this.policy.timing.heartbeatMs))
  }

  get #fit(): boolean {
    return this.healthy && this.stores?.fit !== false
  }

  /** Services or stores changed. */
  tellHealth(): void {
    this.take({ type: 'health', healthy: this.#fit })
  }

  /** The agent is gone; its kernel, gate and all, lives on. */
  kill(): void {
    this.stores?.agentGone()
    this.running = false
    this.stopped = false
    this.#life += 1
    this.#loop = null
  }

  /** The machine is gone, with all it had not written. */
  powerOff(): void {
    this.kill()
    this.gate.close()
    this.stores?.machineGone()
  }

  /** The agent is stopped (SIGSTOP, starved, swapped out) for a while. */
  stop(forMs: number): void {
    if (!this.running || this.stopped) return
    this.stopped = true
    const life = this.#life
    this.#world.timeline.after(forMs, () => {
      if (this.#life === life) this.resume()
    })
  }

  resume(): void {
    if (!this.stopped) return
    this.stopped = false
    // B3: what waited in the socket is read before timers are judged.
    for (const happening of this.#socket) this.#loop?.enter(happening)
    this.#socket = []
    // A timer that went off meanwhile is served at once, once.
    if (this.#tickMissed) this.#loop?.enter({ type: 'tick' })
    this.#tickMissed = false
    this.#pump()
  }

  /** The machine is suspended as a whole: nothing reaches it, and its clock does not count the time. */
  suspend(forMs: number): void {
    this.stop(Number.POSITIVE_INFINITY)
    this.#world.timeline.after(forMs, () => {
      this.#offsetMs -= this.#rate * forMs
      this.#socket = []
      this.resume()
    })
  }

  /** Something happened to this node. */
  take(happening: Happening): void {
    if (!this.running) return
    if (this.stopped) {
      if (this.#socket.length < SOCKET_MAX) this.#socket.push(happening)
      return
    }
    this.#loop?.enter(happening)
    this.#pump()
  }

  #pump(): void {
    while (this.running && !this.stopped && this.#loop?.advance()) {
      const { stopRatio, stopMaxMs } = this.manners
      if (stopRatio > 0 && this.#world.random.chance(stopRatio)) {
        this.stop(this.#world.random.spread(1, stopMaxMs))
      }
    }
  }

  #planTick(life: number, inMs: number): void {
    const lateMs = this.#world.random.between(0, this.manners.tickLateMs)
    this.#world.timeline.after(inMs / this.#rate + lateMs, () => {
      if (this.#life !== life) return
      if (this.stopped) this.#tickMissed = true
      else this.take({ type: 'tick' })
      // A timer that is late aims at its due time again, never at two in a row.
      const { heartbeatMs } = this.policy.timing
      this.#planTick(life, Math.max(1, heartbeatMs - lateMs * this.#rate))
    })
  }

  /** Tells of the end of something started, unless the agent was restarted meanwhile. */
  #later(delayMs: number, happening: () => Happening): void {
    const life = this.#life
    this.#world.timeline.after(delayMs, () => {
      if (this.#life === life) this.take(happening())
    })
  }

  #ports(): Ports {
    const { gate } = this
    const world = this.#world
    const moved = <T>(answer: T): T => {
      this.steps += 1
      world.gateMoved(this)
      return answer
    }
    return {
      now: () => this.now(),
      gate: {
        kind: gate.kind,
        claim: () => moved(gate.claim()),
        occupy: (deadlineMs, first) => moved(gate.occupy(deadlineMs, first)),
        open: (deadlineMs, takeover) => moved(gate.open(deadlineMs, takeover)),
        extend: (deadlineMs) => moved(gate.extend(deadlineMs)),
        close: () => moved(gate.close()),
        query: () => gate.query(),
      },
      send: (heartbeat, reflect) => world.send(this, heartbeat, reflect),
      ping: (round) => world.ping(this, round),
      probe: () => world.probe(this),
      persist: (ticket, hard) => this.#persist(ticket, hard),
      promote: () => this.stores?.promote(),
      demote: () => this.#demote(),
      freeze: () => this.#freeze(),
      unfreeze: () => this.stores?.unfreeze(),
      askWitness: (attempt) => world.askWitness(this, attempt),
      fence: () => world.fence(this),
      setAside: () => {},
      confirm: (alone) => this.#confirm(alone),
    }
  }

  #demote(): void {
    if (this.stores !== null) {
      this.stores.demote()
      return
    }
    const takesMs = this.#world.random.between(0, this.manners.demoteMs)
    this.#later(takesMs, () => ({ type: 'demoted' }))
  }

  #freeze(): void {
    if (this.stores !== null) {
      this.stores.freeze()
      return
    }
    this.#later(this.#world.random.between(0, 1), () => ({
      type: 'frozen',
      position: this.#loop?.state.position ?? { term: 0, offset: 0 },
    }))
  }

  #confirm(alone: boolean): void {
    if (this.stores !== null) this.stores.confirm(alone)
    else if (this.policy.data.takeover !== 'none')
      this.#later(0, () => ({ type: 'confirms', together: !alone }))
  }

  /** As the real store does: one write at a time, and of those that wait only the newest. */
  #persist(ticket: number, hard: HardState): void {
    this.#wish = { ticket, hard }
    if (!this.#writing) this.#write()
  }

  #write(): void {
    const wish = this.#wish
    if (wish === null) return
    this.#wish = null
    this.#writing = true
    const life = this.#life
    const { timeline, random } = this.#world
    const finish = (): void => {
      if (this.#life !== life) return
      if (this.manners.diskHangs) {
        timeline.after(HANGING_DISK_POLL_MS, finish)
        return
      }
      this.disk = wish.hard
      this.#writing = false
      this.#write()
      this.take({ type: 'persisted', ticket: wish.ticket })
    }
    timeline.after(random.between(0, this.manners.diskMs), finish)
  }
}
