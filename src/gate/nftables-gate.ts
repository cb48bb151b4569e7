/**
 * How is the gate held where eBPF cannot be loaded?
 *
 * The kernel's part is a lifetime (nftables-ruleset.ts): relative to the moment the kernel gets the
 * datagram, and never refused. So the rules are kept here, by the same lines as everywhere
 * (model-gate.ts), and the kernel only gets to see what they allow. What this cannot keep, and
 * status says so:
 *
 *   - K2 when the agent is stopped between reading the clock and sending: a fresh lease of the
 *     remaining length starts when it goes on. The clock is read again after each send and the
 *     element shortened or deleted, which leaves a stop before that second reading.
 *   - K3: an occupation that lapsed while the agent stood still is noticed only by its own clock.
 *   - K5 for IPv6: the kernel's answers to address probes keep the override flag.
 *   - `nft flush ruleset` by anybody opens it; every command notices (`silent`).
 */
import {
  COMMAND_SIZE_BYTES,
  type GateDoor,
  KEY_SIZE_BYTES,
  RULES_MAGIC,
  readAnswer,
  writeCommand,
} from './command.ts'
import type { GateOperation } from './command-gate.ts'
import type { Gate, GateAnswer } from './gate.ts'
import { ModelGate } from './model-gate.ts'
import { STEPS, stepMs } from './nftables-ruleset.ts'

const ANSWER_TIMEOUT_MS = 5

/** Sending took 0.02 to 0.2 ms; an attempt that took longer than its slack is repeated this often. */
const ATTEMPTS = 3

export interface NftablesGateOptions {
  door: GateDoor
  /** 16 bytes, the same as in the rules. */
  key: Uint8Array
  session: bigint
  /** The one the rules were written for. */
  leaseMs: number
}

/** A gate of two nftables elements with a lifetime. Holds one descriptor. */
export class NftablesGate implements Gate {
  readonly kind = 'nftables'
  readonly #door: GateDoor
  readonly #key: Uint8Array
  readonly #session: bigint
  readonly #stepMs: number
  readonly #fd: number
  readonly #rules: ModelGate
  readonly #buffer = Buffer.alloc(COMMAND_SIZE_BYTES)
  #sequence = 0n

  /** @throws the door's error when the control socket cannot be opened */
  constructor(options: NftablesGateOptions) {
    if (options.key.length !== KEY_SIZE_BYTES) throw new RangeError('the key must have 16 bytes')
    this.#door = options.door
    this.#key = options.key
    this.#session = options.session
    this.#stepMs = stepMs(options.leaseMs)
    this.#rules = new ModelGate(() => options.door.bootTimeMs())
    this.#fd = options.door.gateOpen()
  }

  claim(): GateAnswer {
    return this.#tell('claim', this.#rules.claim())
  }

  occupy(deadlineMs: number, first: boolean): GateAnswer {
    return this.#tell('occupy', this.#rules.occupy(deadlineMs, first))
  }

  open(deadlineMs: number, takeover: boolean): GateAnswer {
    return this.#tell('open', this.#rules.open(deadlineMs, takeover))
  }

  extend(deadlineMs: number): GateAnswer {
    return this.#tell('extend', this.#rules.extend(deadlineMs))
  }

  close(): GateAnswer {
    return this.#tell('close', this.#rules.close())
  }

  query(): GateAnswer {
    return this.#tell('query', this.#rules.query())
  }

  /** Gives the descriptor back. What is in the kernel ends by its lifetime. */
  dispose(): void {
    this.#door.fdClose(this.#fd)
  }

  #tell(operation: GateOperation, allowed: GateAnswer): GateAnswer {
    if (!allowed.done) return allowed
    const refusal =
      operation === 'occupy' || operation === 'open' || operation === 'extend'
        ? this.#renew(operation, allowed)
        : this.#send(operation, 0)
    if (refusal === null) return allowed
    // Whatever the kernel made of it, it ends here: a gate that may be open is shut.
    const shut = this.#rules.close()
    if (operation !== 'close') this.#send('close', 0)
    return { ...shut, done: false, refusal }
  }

  /** Sends a lifetime that ends before the deadline, judged by the clock after the sending. */
  #renew(operation: 'occupy' | 'open' | 'extend', allowed: GateAnswer): 'past' | 'silent' | null {
    const untilMs = operation === 'occupy' ? allowed.occupiedUntilMs : allowed.serveUntilMs
    for (let attempt = 0; attempt < ATTEMPTS; attempt += 1) {
      const leftMs = untilMs - this.#door.bootTimeMs()
      // A jump over one whole step leaves slack for the sending; a full-length one has its own.
      const length = Math.min(STEPS, Math.ceil(leftMs / this.#stepMs) - 1)
      if (length < 1) return 'past'
      if (this.#send(operation, length) !== null) return 'silent'
      if (this.#door.bootTimeMs() + length * this.#stepMs <= untilMs) return null
    }
    return 'past'
  }

  #send(operation: GateOperation, length: number): 'silent' | null {
    this.#sequence += 1n
    writeCommand(this.#buffer, {
      magic: RULES_MAGIC,
      operation,
      flag: false,
      slot: length,
      key: this.#key,
      session: this.#session,
      sequence: this.#sequence,
      deadlineMs: 0,
    })
    try {
      this.#door.gateExchange(this.#fd, this.#buffer, ANSWER_TIMEOUT_MS)
    } catch {
      // The socket failed: nobody answered, which is what `silent` says.
    }
    return readAnswer(this.#buffer).done ? null : 'silent'
  }
}
