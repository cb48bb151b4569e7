/**
 * How do clients notice at once that their TCP connections ended with the other node?
 *
 * A client that waits for a reply never asks whether the connection lives. So it is made to speak: we
 * send a bare ACK with a wrong sequence number in the name of the floating IP. Whoever gets a segment
 * outside its window answers with an ACK that bears its true numbers (RFC 9293, 3.10.7.4); our kernel
 * has no such socket and answers that with a RST that fits exactly, the only one that is believed
 * (RFC 5961, 3.2). A connection that does live here is answered by its socket, and goes on.
 *
 * Four pairs of numbers are sent in turn, because the true ones are not known:
 * - of two sequence numbers half the space apart, at most one lies in a window;
 * - a stateful firewall or NAT before the client takes a segment far ahead for invalid, and one far
 *   behind (in both numbers) only for late, and lets it pass (Linux 6.18 does). One of the four is.
 *
 * A client answers only once in 500 ms (net.ipv4.tcp_invalid_ratelimit). Where its answer still went to
 * the other node, because a router learns the new owner slowly, only later rounds help: hence them.
 *
 * What it cannot do: pass a firewall that drops all of that (then TCP's own times hold), wake a client
 * that ignores segments without a timestamp, or leave by a route that depends on the source address (the
 * kernel chooses for these packets by destination alone). To be called when the gate is open and the
 * address announced: before, nothing leaves, or the answers go to the other node.
 */
import { openWholeSender, type WholeSender } from '../system/icmp.ts'
import type { TcpConnection } from '../wire/connection-list.ts'
import { encodeBareAck } from '../wire/tcp-segment.ts'

export interface TickleRound {
  /** After the beginning. */
  atMs: number
  sequence: number
  acknowledgement: number
}

const HALF = 0x8000_0000
const NUMBERS: readonly [number, number][] = [
  [0, 0],
  [HALF, HALF],
  [0, HALF],
  [HALF, 0],
]

/** All numbers twice: at once, and again when clients may answer again. */
export const TICKLE_ROUNDS: readonly TickleRound[] = [0, 10, 25, 45, 600, 610, 625, 645].map(
  (atMs, index) => {
    const [sequence = 0, acknowledgement = 0] = NUMBERS[index % NUMBERS.length] ?? []
    return { atMs, sequence, acknowledgement }
  },
)

/** Packets between two looks at the event loop, at some 10 us each (40 us the first time). */
const SLICE = 16

/** Room for CONNECTIONS_MAX packets, should all of them wait for a neighbour. */
const BUFFER_BYTES = 4 * 1024 * 1024

export interface TickleReport {
  connections: number
  /** Packets the kernel took and did not take. */
  sent: number
  failed: number
  /** Of the first round, from the call on. */
  firstRoundMs: number
  /** False when it was stopped before the last round. */
  complete: boolean
}

export interface TicklerOptions {
  now: () => number
  rounds?: readonly TickleRound[]
  open?: (family: 4 | 6, bufferBytes: number) => WholeSender
}

/** Main thread only, as everything that sends raw packets. */
export class Tickler {
  readonly #now: () => number
  readonly #rounds: readonly TickleRound[]
  readonly #open: (family: 4 | 6, bufferBytes: number) => WholeSender
  #stops = 0

  constructor(options: TicklerOptions) {
    this.#now = options.now
    this.#rounds = options.rounds ?? TICKLE_ROUNDS
    this.#open = options.open ?? openWholeSender
  }

  /**
   * Sends all rounds; the first leaves in this turn of the event loop and the following ones. Calls do
   * not disturb each other.
   *
   * @returns never rejects; when the last round is out, or it was stopped
   */
  async tickle(connections: readonly TcpConnection[]): Promise<TickleReport> {
    const stops = this.#stops
    const startedMs = this.#now()
    const report: TickleReport = {
      connections: connections.length,
      sent: 0,
      failed: 0,
      firstRoundMs: 0,
      complete: false,
    }
    if (connections.length === 0) return { ...report, complete: true }
    const senders = new Senders(this.#open)
    try {
      for (const [index, round] of this.#rounds.entries()) {
        const inMs = startedMs + round.atMs - this.#now()
        if (inMs > 0) await new Promise((resolve) => setTimeout(resolve, inMs).unref())
        for (let at = 0; at < connections.length; at += SLICE) {
          if (at > 0) await new Promise((resolve) => setImmediate(resolve))
          if (stops !== this.#stops) return report
          for (const connection of connections.slice(at, at + SLICE)) {
            if (senders.send(connection, round)) report.sent += 1
            else report.failed += 1
          }
        }
        if (index === 0) report.firstRoundMs = this.#now() - startedMs
      }
      return { ...report, complete: true }
    } finally {
      senders.close()
    }
  }

  /** No packet leaves after this: the gate is shut again. */
  stop(): void {
    this.#stops += 1
  }
}

/** One socket per family, opened for the first packet that needs it. */
class Senders {
  readonly #open: (family: 4 | 6, bufferBytes: number) => WholeSender
  readonly #senders = new Map<4 | 6, WholeSender | null>()

  constructor(open: (family: 4 | 6, bufferBytes: number) => WholeSender) {
    this.#open = open
  }

  send(connection: TcpConnection, round: TickleRound): boolean {
    const packet = encodeBareAck({
      source: connection.floatingIp,
      sourcePort: connection.port,
      destination: connection.clientAddress,
      destinationPort: connection.clientPort,
      sequence: round.sequence,
      acknowledgement: round.acknowledgement,
    })
    if (packet === null) return false
    const sender = this.#of(packet.length === 40 ? 4 : 6)
    return sender?.send(packet, connection.clientAddress) ?? false
  }

  close(): void {
    for (const sender of this.#senders.values()) sender?.close()
  }

  #of(family: 4 | 6): WholeSender | null {
    let sender = this.#senders.get(family)
    if (sender === undefined) {
      try {
        sender = this.#open(family, BUFFER_BYTES)
      } catch {
        // Counted as failed, packet by packet.
        sender = null
      }
      this.#senders.set(family, sender)
    }
    return sender
  }
}
