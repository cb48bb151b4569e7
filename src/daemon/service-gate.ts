/**
 * In which order do gate and addresses move? The gate of the core, with the floating IPs behind it.
 *
 * The kernel answers address probes only for addresses it has, so an occupation needs them
 * configured; the gate is shut around them all the while. Added before the gate lets anything pass,
 * removed after it is shut. The address lifetime is the second lock: an agent that is dead or frozen
 * no longer renews it, and the kernel drops the address by itself.
 */
import type { Gate, GateAnswer, GateKind } from '../gate/gate.ts'

/**
 * Lifetime of a configured floating IP. The kernel counts whole seconds and was never early in 120
 * measured leases; late by 0.25 s at most.
 */
export const ADDRESS_VALID_SECONDS = 1
const ADDRESS_REFRESH_MS = 200

/** The floating IPs as a set; every method tries all of them and reports what failed. */
export interface Addresses {
  add(validSeconds: number): readonly unknown[]
  refresh(validSeconds: number): readonly unknown[]
  remove(): readonly unknown[]
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
  readonly #now: () => number
  readonly #failed: (failures: readonly unknown[]) => void
  #present = false
  #refreshedMs = Number.NEGATIVE_INFINITY

  constructor(
    gate: Gate,
    addresses: Addresses,
    now: () => number,
    failed: (failures: readonly unknown[]) => void,
  ) {
    this.kind = gate.kind
    this.#gate = gate
    this.#addresses = addresses
    this.#now = now
    this.#failed = failed
  }

  /** The addresses are configured on this node, behind the gate. */
  get present(): boolean {
    return this.#present
  }

  claim(): GateAnswer {
    const answer = this.#count(this.#gate.claim())
    this.#remove()
    return answer
  }

  occupy(deadlineMs: number, first: boolean): GateAnswer {
    this.#ensure()
    return this.#count(this.#gate.occupy(deadlineMs, first))
  }

  open(deadlineMs: number, takeover: boolean): GateAnswer {
    this.#ensure()
    return this.#count(this.#gate.open(deadlineMs, takeover))
  }

  extend(deadlineMs: number): GateAnswer {
    this.#ensure()
    return this.#count(this.#gate.extend(deadlineMs))
  }

  close(): GateAnswer {
    const answer = this.#count(this.#gate.close())
    this.#remove()
    return answer
  }

  query(): GateAnswer {
    return this.#gate.query()
  }

  #count(answer: GateAnswer): GateAnswer {
    this.counts.commands += 1
    if (!answer.done) this.counts.refusals += 1
    return answer
  }

  #ensure(): void {
    const now = this.#now()
    if (this.#present && now - this.#refreshedMs < ADDRESS_REFRESH_MS) return
    const failures = this.#present
      ? this.#addresses.refresh(ADDRESS_VALID_SECONDS)
      : this.#addresses.add(ADDRESS_VALID_SECONDS)
    this.#present = true
    this.#refreshedMs = now
    if (failures.length > 0) this.#failed(failures)
  }

  #remove(): void {
    if (!this.#present) return
    this.#present = false
    const failures = this.#addresses.remove()
    if (failures.length > 0) this.#failed(failures)
  }
}
