/**
 * What does the peer say it runs with, and which alarms does it have?
 *
 * Two halves. The heart proves each datagram and lets only new ones through (`FactHearing`), so that neither
 * a stranger nor a recording can keep another thread busy. That thread puts the parts together
 * (`PeerFacts`): a list counts once it came whole.
 */
import type { NodeName } from '../core/policy.ts'
import { decodeFactList, type Fact, type FactPart, type FactTopic } from '../wire/fact-list.ts'
import type { PairKey } from '../wire/key.ts'

export class FactHearing {
  readonly #node: NodeName
  #keys: readonly PairKey[]
  /** By topic: the newest list, and which parts of it came. */
  readonly #newest = new Map<FactTopic, { boot: string; number: number; parts: Set<number> }>()

  constructor(node: NodeName, keys: readonly PairKey[]) {
    this.#node = node
    this.#keys = keys
  }

  /** Takes over a changed key file. An empty list changes nothing. */
  useKeys(keys: readonly PairKey[]): void {
    if (keys.length > 0) this.#keys = keys
  }

  /**
   * @param peerBoot  of the peer's last accepted heartbeat; null takes nothing
   * @returns null for what is not the peer's, is a recording, or came before
   */
  hear(bytes: Uint8Array, peerBoot: string | null): FactPart | null {
    const read = decodeFactList(bytes, this.#keys)
    if (!read.ok) return null
    const { node, boot, number, topic, part } = read.part
    if (node === this.#node || boot !== peerBoot) return null
    const newest = this.#newest.get(topic)
    if (newest === undefined || newest.boot !== boot || number > newest.number) {
      this.#newest.set(topic, { boot, number, parts: new Set([part]) })
      return read.part
    }
    if (number < newest.number || newest.parts.has(part)) return null
    newest.parts.add(part)
    return read.part
  }
}

/** A list of the peer that came whole. */
export interface HeardFacts {
  boot: string
  /** When it was whole, on the caller's clock. */
  atMs: number
  facts: readonly Fact[]
}

export class PeerFacts {
  readonly #partial = new Map<
    FactTopic,
    { boot: string; number: number; parts: Map<number, FactPart> }
  >()
  readonly #whole = new Map<FactTopic, HeardFacts>()

  /** Takes what `FactHearing` let through. */
  take(part: FactPart, nowMs: number): void {
    const { topic, boot, number } = part
    const known = this.#partial.get(topic)
    const same = known?.boot === boot && known.number === number
    const partial = same ? known : { boot, number, parts: new Map<number, FactPart>() }
    partial.parts.set(part.part, part)
    this.#partial.set(topic, partial)
    if (partial.parts.size < part.parts) return
    const ordered = [...partial.parts.values()].sort((one, other) => one.part - other.part)
    this.#whole.set(topic, { boot, atMs: nowMs, facts: ordered.flatMap(({ facts }) => facts) })
  }

  /** The newest whole list; null when none came, or it is older. */
  of(
    topic: FactTopic,
    { nowMs, maxAgeMs }: { nowMs: number; maxAgeMs: number },
  ): HeardFacts | null {
    const whole = this.#whole.get(topic)
    return whole === undefined || nowMs - whole.atMs > maxAgeMs ? null : whole
  }
}
