/**
 * How does a gate behave, exactly? The rules of the kernel program as a few plain lines.
 *
 * `ModelKernel` is the twin of `obey()` in gate.bpf.c: same rules, same order; one table of tests
 * runs against both. `ModelGate` is an agent in front of it: the simulator's nodes use it, and the
 * gates without a kernel program take their refusals from it. Source: PROTOCOL, K1 to K5.
 */
import { CommandGate, type GateOperation } from './command-gate.ts'
import type { GateAnswer, GateRefusal } from './gate.ts'

/** A command as the kernel gets it. `flag`: begin for `occupy`, takeover for `open`. */
export interface ModelCommand {
  operation: GateOperation
  flag: boolean
  keyRight: boolean
  session: number
  sequence: number
  deadlineMs: number
}

/** What stays when the agent is gone. The clock is handed in, as milliseconds of the boot clock. */
export class ModelKernel {
  readonly #now: () => number
  readonly #aheadMaxMs: number
  #session = 0
  #sequence = 0
  #serveUntilMs = 0
  #occupiedUntilMs = 0

  constructor(now: () => number, aheadMaxMs: number = Number.POSITIVE_INFINITY) {
    this.#now = now
    this.#aheadMaxMs = aheadMaxMs
  }

  obey(command: ModelCommand): GateAnswer {
    const refusal = this.#judge(command)
    return {
      done: refusal === null,
      refusal,
      serveUntilMs: this.#serveUntilMs,
      occupiedUntilMs: this.#occupiedUntilMs,
    }
  }

  #judge(command: ModelCommand): GateRefusal | null {
    const { operation, session, sequence } = command
    if (operation === 'query') return null
    if (!command.keyRight) return 'key'
    if (operation === 'claim') {
      this.#session = session
      this.#sequence = sequence
      return this.#shut()
    }
    if (session !== this.#session) return 'session'
    if (sequence <= this.#sequence) return 'replay'
    this.#sequence = sequence
    return operation === 'close' ? this.#shut() : this.#move(operation, command)
  }

  #move(operation: 'occupy' | 'open' | 'extend', command: ModelCommand): GateRefusal | null {
    const nowMs = this.#now()
    const { deadlineMs, flag } = command
    if (deadlineMs <= nowMs) return 'past'
    if (deadlineMs - nowMs > this.#aheadMaxMs) return 'far'
    const open = nowMs < this.#serveUntilMs
    if (operation === 'extend') {
      if (!open) return 'lapsed'
      this.#serveUntilMs = Math.max(this.#serveUntilMs, deadlineMs)
      return null
    }
    if (open) return 'state'
    const occupied = nowMs < this.#occupiedUntilMs
    if (operation === 'occupy') {
      if (!flag && !occupied) return 'lapsed'
      this.#occupiedUntilMs = Math.max(this.#occupiedUntilMs, deadlineMs)
      return null
    }
    if (flag && !occupied) return 'lapsed'
    this.#serveUntilMs = deadlineMs
    this.#occupiedUntilMs = 0
    return null
  }

  #shut(): null {
    this.#serveUntilMs = 0
    this.#occupiedUntilMs = 0
    return null
  }
}

/** An agent's gate in memory. It holds the session from the start, as after a first `claim`. */
export class ModelGate extends CommandGate {
  readonly kind = 'ebpf'
  readonly #kernel: ModelKernel
  #session = 1
  #sequence = 0

  constructor(now: () => number) {
    super()
    this.#kernel = new ModelKernel(now)
    this.claim()
  }

  override claim(): GateAnswer {
    this.#session += 1
    return super.claim()
  }

  protected override ask(operation: GateOperation, deadlineMs = 0, flag = false): GateAnswer {
    this.#sequence += 1
    return this.#kernel.obey({
      operation,
      flag,
      keyRight: true,
      session: this.#session,
      sequence: this.#sequence,
      deadlineMs,
    })
  }
}
