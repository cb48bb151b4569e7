/**
 * Who is to start services before the role moves, and are they up? For a move that an operator asks for, on
 * either node: its own services are started by a node that is to become active, and the peer's by a word
 * behind the heartbeats.
 *
 * Every heartbeat says it anew, so a node that is no longer heard wants nothing.
 */
import type { Heartbeat } from '../core/heartbeat.ts'
import type { NodeName } from '../core/policy.ts'
import type { State } from '../core/state.ts'
import { type EarlyWord, earlyWordIn, encodeEarlyWord, NO_EARLY_WORD } from '../wire/early-word.ts'

export class EarlyStart {
  readonly #node: NodeName
  /** Whose services an operator here wants started; null: nobody's. */
  #target: NodeName | null = null
  #peer: EarlyWord = NO_EARLY_WORD

  constructor(node: NodeName) {
    this.#node = node
  }

  /** A move is about to be asked for, or that is over. */
  announce(target: NodeName | null): void {
    this.#target = target
  }

  /** The role is about to move to this node. */
  get announced(): boolean {
    return this.#target === this.#node || this.#peer.wanted
  }

  /** Of the peer's services: null while it starts nothing beforehand, else whether all of it is up. */
  get peerUp(): boolean | null {
    return this.#peer.up
  }

  /** What a heartbeat carries that is sent now, in front of what else it does. */
  appended(up: boolean | null, others: Uint8Array | undefined): Uint8Array | undefined {
    const wanted = this.#target !== null && this.#target !== this.#node
    const bytes = encodeEarlyWord({ wanted, up })
    if (bytes === null) return others
    return others === undefined ? bytes : Buffer.concat([bytes, others])
  }

  /** Takes what came with the newest heartbeat of the peer that counts; a recording wants nothing. */
  hear(bytes: Buffer, heartbeat: Heartbeat, { peer }: Readonly<State>): void {
    if (peer?.boot !== heartbeat.boot || peer.seq !== heartbeat.seq) return
    this.#peer = earlyWordIn(bytes)
  }
}
