/**
 * How does the agent move the gate in the kernel?
 *
 * Each command is one datagram to the program on `lo`; when a method returns, the kernel has done
 * or refused it (K1). Nothing is judged here: refusals come from gate.bpf.c. Deadlines pass through
 * unchanged, so a command sent late carries a deadline that has passed (K2).
 * Loading and attaching the programs: ebpf-loader.ts.
 */
import {
  COMMAND_SIZE_BYTES,
  type GateDoor,
  type GateReading,
  readAnswer,
  writeCommand,
} from './command.ts'
import { CommandGate, type GateOperation } from './command-gate.ts'

/**
 * How long an answer is waited for. It is normally there before the call returns; one that is not
 * there by then was lost, or there is no program, and the heart must not wait longer.
 */
const ANSWER_TIMEOUT_MS = 5

export interface EbpfGateOptions {
  door: GateDoor
  /** 16 bytes, the same as in the kernel's configuration map. */
  key: Uint8Array
  /** Random per start of the agent, so that no command of an earlier one can count. */
  session: bigint
  slot?: number
}

/** The gate of gate.bpf.c. Holds one descriptor. */
export class EbpfGate extends CommandGate<GateReading> {
  readonly kind = 'ebpf'
  readonly #door: GateDoor
  readonly #key: Uint8Array
  readonly #session: bigint
  readonly #slot: number
  readonly #fd: number
  readonly #buffer = Buffer.alloc(COMMAND_SIZE_BYTES)
  #sequence = 0n

  /** @throws the door's error when the control socket cannot be opened */
  constructor(options: EbpfGateOptions) {
    super()
    this.#door = options.door
    this.#key = options.key
    this.#session = options.session
    this.#slot = options.slot ?? 0
    this.#fd = options.door.gateOpen()
  }

  /** As `query`, with the kernel's clock, to compare it with our own. */
  read(): GateReading {
    return this.query()
  }

  /** Gives the descriptor back. The gate in the kernel stays as it is until its deadline. */
  dispose(): void {
    this.#door.fdClose(this.#fd)
  }

  protected override ask(operation: GateOperation, deadlineMs = 0, flag = false): GateReading {
    this.#sequence += 1n
    writeCommand(this.#buffer, {
      operation,
      flag,
      slot: this.#slot,
      key: this.#key,
      session: this.#session,
      sequence: this.#sequence,
      deadlineMs,
    })
    // A lost answer leaves a buffer whose result is still 0, which reads as `silent`.
    try {
      this.#door.gateExchange(this.#fd, this.#buffer, ANSWER_TIMEOUT_MS)
    } catch {
      // The socket failed (`lo` down, no memory): nobody answered, which is what `silent` says.
    }
    return readAnswer(this.#buffer)
  }
}
