/** An ICMP port that sends nothing and lets a test answer. */
import type { IcmpPort, PingEnd } from '../../src/system/icmp.ts'

export class PretendIcmp implements IcmpPort {
  readonly family: 4 | 6
  readonly pings: { target: string; onEnd: (end: PingEnd) => void }[] = []
  readonly sent: { packet: Buffer; destination: string }[] = []
  readonly listeners = new Map<number, (bytes: Buffer, source: string) => void>()
  readonly foreignCount = 0
  takes = true

  constructor(family: 4 | 6) {
    this.family = family
  }

  ping(target: string, onEnd: (end: PingEnd) => void): void {
    this.pings.push({ target, onEnd })
  }

  sendWhole(packet: Buffer, destination: string): boolean {
    if (this.takes) this.sent.push({ packet: Buffer.from(packet), destination })
    return this.takes
  }

  listen(identifier: number, onReply: (bytes: Buffer, source: string) => void): void {
    this.listeners.set(identifier, onReply)
  }

  close(): void {}

  /** Answers a request as its destination would, whoever it was from. */
  answer(sent: { packet: Buffer; destination: string }, source = sent.destination): void {
    const reply = Buffer.from(sent.packet)
    const at = this.family === 4 ? 20 : 40
    reply[at] = this.family === 4 ? 0 : 129
    const seen = this.family === 4 ? reply : reply.subarray(at)
    this.listeners.get(reply.readUInt16BE(at + 4))?.(seen, source)
  }
}
