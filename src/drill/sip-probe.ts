/**
 * Does a SIP socket answer OPTIONS, again and again? Each question has a socket of its own, as a new client.
 */
import type { CheckConfig } from '../config/check-text.ts'
import type { NodeName } from '../core/policy.ts'
import { sipOptions } from '../sip/options.ts'
import type { Answer } from './samples.ts'

type SipTarget = CheckConfig & { kind: 'sip' }

/** A datagram is cheap; a connection, perhaps with TLS, is not. */
const EVERY_MS = { udp: 20, tcp: 100, tls: 200 } as const
/** Below the first repetition of a request over UDP (T1 of RFC 3261): one packet each. */
const PATIENCE_MS = 450

export class SipProbe {
  readonly target: SipTarget
  readonly answers: Answer[] = []
  readonly everyMs: number
  /** Of the newest question that was not answered. */
  trouble: string | null = null
  readonly #by: () => NodeName
  readonly #now: () => number
  readonly #waiting = new Set<Promise<void>>()
  #dueMs = 0

  /** @param by  who has the address now */
  constructor(target: SipTarget, by: () => NodeName, now: () => number) {
    this.target = target
    this.everyMs = EVERY_MS[target.transport]
    this.#by = by
    this.#now = now
  }

  /** Asks when it is time to. */
  ask(): void {
    const sentMs = this.#now()
    if (sentMs < this.#dueMs) return
    this.#dueMs = sentMs + this.everyMs
    const asked = this.#askOnce(sentMs).finally(() => this.#waiting.delete(asked))
    this.#waiting.add(asked)
  }

  async settle(): Promise<void> {
    await Promise.all(this.#waiting)
  }

  async #askOnce(sentMs: number): Promise<void> {
    const by = this.#by()
    const { transport, address, port } = this.target
    const { ok, why } = await sipOptions({ transport, address, port }, PATIENCE_MS)
    if (ok) this.answers.push({ sentMs, atMs: this.#now(), by })
    else this.trouble = why
  }
}
