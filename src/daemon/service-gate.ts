/**
 * In which order do gate and addresses move? The gate of the core, with the floating IPs behind it.
 *
 * The kernel answers address probes only for addresses it has, so an occupation needs them on their
 * interfaces; the gate is shut around them all the while. They are put on and taken off by the hands
 * (`hands-thread.ts`), who may have to wait for the kernel; the gate itself never does. The address
 * lifetime is the second lock: nobody renews it for an agent that is dead or frozen.
 */
import type { Gate, GateAnswer, GateKind } from '../gate/gate.ts'

/** The floating IPs as a set, as the hands keep them. */
export interface Addresses {
  /** They are on their interfaces. */
  present(): boolean
  /** Asks for them to be put on; lasts a moment unless they are wanted. */
  add(): void
  /** Whether they are kept on. */
  want(wanted: boolean): void
  /** Asks for them to be taken off. */
  remove(): void
}

/** Counts for the status. */
export interface GateCounts {
  commands: number
  refusals: number
}

export class ServiceGate implements Gate {
  readonly kind: GateKind
  readonly counts: GateCounts = { commands: 0, refusals: 0 }
  readonly #gate: Gate
  readonly #addresses: Addresses
  #wanted = false

  constructor(gate: Gate, addresses: Addresses) {
    this.kind = gate.kind
    this.#gate = gate
    this.#addresses = addresses
  }

  /** The addresses are on this node's interfaces, behind the gate. */
  get present(): boolean {
    return this.#addresses.present()
  }

  claim(): GateAnswer {
    return this.#count(this.#gate.claim())
  }

  /**
   * An occupation that nobody could see would be none: until the addresses are there it is refused,
   * and asked for again at the next tick.
   */
  occupy(deadlineMs: number, first: boolean): GateAnswer {
    if (!this.#addresses.present()) {
      this.#addresses.add()
      return this.#count({ ...this.#gate.query(), done: false, refusal: 'state' })
    }
    const answer = this.#count(this.#gate.occupy(deadlineMs, first))
    if (answer.done) this.#want()
    return answer
  }

  open(deadlineMs: number, takeover: boolean): GateAnswer {
    if (!this.#addresses.present()) this.#addresses.add()
    const answer = this.#count(this.#gate.open(deadlineMs, takeover))
    if (answer.done) this.#want()
    return answer
  }

  extend(deadlineMs: number): GateAnswer {
    return this.#count(this.#gate.extend(deadlineMs))
  }

  close(): GateAnswer {
    const answer = this.#count(this.#gate.close())
    if (this.#wanted) {
      this.#wanted = false
      this.#addresses.want(false)
      this.#addresses.remove()
    }
    return answer
  }

  query(): GateAnswer {
    return this.#gate.query()
  }

  #want(): void {
    if (this.#wanted) return
    this.#wanted = true
    this.#addresses.want(true)
  }

  #count(answer: GateAnswer): GateAnswer {
    this.counts.commands += 1
    if (!answer.done) this.counts.refusals += 1
    return answer
  }
}
