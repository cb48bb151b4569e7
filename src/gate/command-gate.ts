/**
 * Which command stands for which method of a gate? The same for the kernel's gate and for its model.
 */
import type { Gate, GateAnswer, GateKind } from './gate.ts'

export type GateOperation = 'query' | 'claim' | 'occupy' | 'open' | 'extend' | 'close'

/** A gate that is moved by commands. */
export abstract class CommandGate<Answer extends GateAnswer = GateAnswer> implements Gate {
  abstract readonly kind: GateKind

  /** Has one command carried out. `flag`: begin for `occupy`, takeover for `open`. */
  protected abstract ask(operation: GateOperation, deadlineMs?: number, flag?: boolean): Answer

  claim(): GateAnswer {
    return this.ask('claim')
  }

  occupy(deadlineMs: number, first: boolean): GateAnswer {
    return this.ask('occupy', deadlineMs, first)
  }

  open(deadlineMs: number, takeover: boolean): GateAnswer {
    return this.ask('open', deadlineMs, takeover)
  }

  extend(deadlineMs: number): GateAnswer {
    return this.ask('extend', deadlineMs)
  }

  close(): GateAnswer {
    return this.ask('close')
  }

  query(): Answer {
    return this.ask('query')
  }
}
