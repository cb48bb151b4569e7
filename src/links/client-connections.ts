/**
 * Which connections did the peer's clients hold, and when are they told that it moved?
 *
 * While we serve: `tell` makes datagrams for the peer out of a list of our connections. While the peer
 * serves: `hear` remembers what it told. When the gate has opened after a move: `tickle` has every
 * remembered client notice (`tickle.ts`), and forgets the list.
 *
 * Remembered are the last list that came whole, and of a later one the parts that came so far: parts
 * may be lost, and a client too many costs a packet. A recording changes nothing: lists of another boot
 * than the one the caller vouches for are not taken, nor those with a number that was heard before.
 *
 * Where the datagrams travel, how often, and when the gate is open is the caller's business.
 */
import type { NodeName } from '../core/policy.ts'
import {
  type ConnectionListPart,
  decodeConnectionList,
  encodeConnectionList,
  type TcpConnection,
} from '../wire/connection-list.ts'
import type { PairKey } from '../wire/key.ts'
import type { ListRejectReason } from '../wire/signed-list.ts'
import { isTold, spelledAlike } from './connections.ts'
import type { TickleReport, Tickler } from './tickle.ts'

/**
 * What became of a datagram: `taken`, or why not. `namesake` bears our own name, `boot` is not of the
 * start of the peer that is heard now, `old` has been followed by a later list.
 */
export type Heard = 'taken' | ListRejectReason | 'namesake' | 'boot' | 'old'

export interface ClientConnectionsOptions {
  node: NodeName
  /** Ours, as in our heartbeats. */
  boot: string
  /** Numeric addresses. */
  floatingIps: readonly string[]
  /** The first signs, all are accepted; not empty. */
  keys: readonly PairKey[]
  tickler: Pick<Tickler, 'tickle' | 'stop'>
  /** Milliseconds that grow during a boot, whatever thread reads them: numbers of lists come from it. */
  now: () => number
}

interface PartialList {
  boot: string
  number: number
  /** 0 once it was acted upon. */
  parts: number
  heard: Map<number, readonly TcpConnection[]>
}

export class ClientConnections {
  readonly #options: ClientConnectionsOptions
  readonly #guarded: ReadonlySet<string>
  #keys: readonly PairKey[]
  #toldNumber = 0
  #whole: readonly TcpConnection[] = []
  #latest: PartialList | null = null

  constructor(options: ClientConnectionsOptions) {
    this.#options = options
    this.#guarded = spelledAlike(options.floatingIps)
    this.#keys = options.keys
  }

  /** Takes over a changed key file. An empty list changes nothing. */
  useKeys(keys: readonly PairKey[]): void {
    if (keys.length > 0) this.#keys = keys
  }

  /**
   * Writes a list for the peer. What it should not be told of (`isTold`) is left out.
   *
   * @param connections  at most CONNECTIONS_MAX
   * @returns the datagrams, at least one
   */
  tell(connections: readonly TcpConnection[]): Buffer[] {
    const [key] = this.#keys
    if (key === undefined) return []
    this.#toldNumber = Math.max(this.#toldNumber + 1, Math.floor(this.#options.now()))
    return encodeConnectionList(
      {
        node: this.#options.node,
        boot: this.#options.boot,
        number: this.#toldNumber,
        connections: connections.filter((connection) => isTold(connection, this.#guarded)),
      },
      key,
    )
  }

  /**
   * Reads a datagram of the peer and remembers what it tells.
   *
   * @param peerBoot  of the peer's last accepted heartbeat; null takes nothing
   */
  hear(bytes: Uint8Array, peerBoot: string | null): Heard {
    const read = decodeConnectionList(bytes, this.#keys)
    if (!read.ok) return read.reason
    const { part } = read
    if (part.node === this.#options.node) return 'namesake'
    if (part.boot !== peerBoot) return 'boot'
    return this.#remember(part)
  }

  /** Without repeats; of the last whole list and the parts of a later one. */
  get remembered(): readonly TcpConnection[] {
    const latest = this.#latest
    if (latest === null || latest.heard.size === latest.parts) return this.#whole
    const all = [...latest.heard.values(), this.#whole].flat()
    return [...new Map(all.map((one) => [nameOf(one), one])).values()]
  }

  /**
   * Has every remembered client notice. To be called right after the first announcement behind an open
   * gate. What is remembered is forgotten: those connections are over now.
   */
  tickle(): Promise<TickleReport> {
    const { remembered } = this
    this.#whole = []
    if (this.#latest !== null) this.#latest = { ...this.#latest, parts: 0, heard: new Map() }
    return this.#options.tickler.tickle(remembered)
  }

  /** The gate is shut again: no packet leaves after this. */
  stop(): void {
    this.#options.tickler.stop()
  }

  #remember(part: ConnectionListPart): Heard {
    const { boot, number, parts } = part
    let latest = this.#latest
    if (latest?.boot === boot && number < latest.number) return 'old'
    if (latest?.boot !== boot || number > latest.number) {
      latest = { boot, number, parts, heard: new Map() }
      this.#latest = latest
    } else if (latest.parts === 0 || latest.heard.has(part.part)) {
      // Forgotten, because it was acted upon; or known already.
      return 'old'
    }
    const connections = part.connections.filter((one) => isTold(one, this.#guarded))
    latest.heard.set(part.part, connections)
    if (latest.heard.size === latest.parts) this.#whole = [...latest.heard.values()].flat()
    return 'taken'
  }
}

function nameOf({ floatingIp, port, clientAddress, clientPort }: TcpConnection): string {
  return `${floatingIp} ${port} ${clientAddress} ${clientPort}`
}
