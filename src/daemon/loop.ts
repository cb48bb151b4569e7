/**
 * In which order? Inbox, step, effects, one at a time, until there is nothing left to do.
 *
 * An effect that is refused takes the rest of its decision with it: what follows (a heartbeat that
 * says "active", a promotion) would tell of something that was not done (K1). The refusal itself is
 * the next event, before anything else that waits.
 */
import { type Effect, withoutClaims } from '../core/effect.ts'
import type { Event } from '../core/event.ts'
import type { Policy } from '../core/policy.ts'
import type { State } from '../core/state.ts'
import { step } from '../core/step.ts'
import { carryOut } from './executor.ts'
import type { Observer, Ports } from './ports.ts'

/** An event before the clock was read for it. */
export type Happening = Event extends infer E ? (E extends Event ? Omit<E, 'nowMs'> : never) : never

/** More waiting than this means that the loop is starved; the oldest are dropped, as a socket would. */
const INBOX_MAX = 4096

export class Loop {
  #state: Readonly<State>
  readonly #policy: Policy
  readonly #ports: Ports
  readonly #observer: Observer | null
  readonly #inbox: Happening[] = []
  #effects: readonly Effect[] = []
  #next = 0
  #busy = false

  constructor(state: State, policy: Policy, ports: Ports, observer: Observer | null = null) {
    this.#state = state
    this.#policy = policy
    this.#ports = ports
    this.#observer = observer
  }

  get state(): Readonly<State> {
    return this.#state
  }

  /** Takes in what happened, and works until nothing is left. It belongs to the loop from now on. */
  take(happening: Happening): void {
    this.enter(happening)
    if (this.#busy) return
    this.#busy = true
    try {
      while (this.advance());
    } finally {
      this.#busy = false
    }
  }

  /** Only takes in what happened. */
  enter(happening: Happening): void {
    if (this.#inbox.length >= INBOX_MAX) this.#inbox.shift()
    this.#inbox.push(happening)
  }

  /**
   * Does one thing: the next effect, or else the next step.
   *
   * @returns whether there was one
   */
  advance(): boolean {
    const effect = this.#effects[this.#next]
    if (effect !== undefined) {
      this.#next += 1
      this.#carryOut(effect)
      return true
    }
    const happening = this.#inbox.shift()
    if (happening === undefined) return false
    const event = stamped(happening, this.#ports.now())
    const before = this.#state
    const decision = step(before, event, this.#policy)
    this.#state = decision.state
    this.#effects = decision.effects
    this.#next = 0
    this.#observer?.stepped(before, event, decision.state)
    return true
  }

  #carryOut(effect: Effect): void {
    const done = carryOut(effect, this.#ports)
    this.#observer?.carriedOut(effect, !done)
    if (done) return
    // An occupation claims nothing that a heartbeat would tell of.
    if (effect.type !== 'occupy') {
      this.#effects = withoutClaims(this.#effects.slice(this.#next))
      this.#next = 0
    }
    this.#inbox.unshift({ type: 'refused' })
  }
}

/** In place: what was handed over is the loop's, and a copy of every event is a third of its cost. */
function stamped(happening: Happening, nowMs: number): Event {
  const event = happening as Event
  event.nowMs = nowMs
  return event
}
