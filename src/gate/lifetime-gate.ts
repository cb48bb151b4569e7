/**
 * What is left where the kernel offers no gate at all?
 *
 * The rules alone, kept in the agent (model-gate.ts). Nothing here stops traffic: the only lock in
 * the kernel is the lifetime of the floating IPs (`valid_lft`, whole seconds), so an agent that is
 * stopped goes on serving for up to one and a half seconds after its lease. The address may be
 * configured only while the gate is open; an occupation therefore answers no probes, and the peer's
 * probes (T3) cannot see it. Costs in PROTOCOL's words: A2 does not hold, K5 is empty.
 */
import type { Gate, GateAnswer } from './gate.ts'
import { ModelGate } from './model-gate.ts'

/** A gate in software only. @param now milliseconds of the boot clock */
export class LifetimeGate implements Gate {
  readonly kind = 'lifetime'
  readonly #now: () => number
  readonly #rules: ModelGate

  constructor(now: () => number) {
    this.#now = now
    this.#rules = new ModelGate(now)
  }

  claim(): GateAnswer {
    return this.#rules.claim()
  }

  occupy(deadlineMs: number, first: boolean): GateAnswer {
    return this.#inTime(this.#rules.occupy(deadlineMs, first), deadlineMs)
  }

  open(deadlineMs: number, takeover: boolean): GateAnswer {
    return this.#inTime(this.#rules.open(deadlineMs, takeover), deadlineMs)
  }

  extend(deadlineMs: number): GateAnswer {
    return this.#inTime(this.#rules.extend(deadlineMs), deadlineMs)
  }

  close(): GateAnswer {
    return this.#rules.close()
  }

  query(): GateAnswer {
    return this.#rules.query()
  }

  /** K2 as far as software can: what was done after its deadline is taken back. */
  #inTime(answer: GateAnswer, deadlineMs: number): GateAnswer {
    if (!answer.done || this.#now() < deadlineMs) return answer
    return { ...this.#rules.close(), done: false, refusal: 'past' }
  }
}
