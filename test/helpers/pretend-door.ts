/**
 * A native door without a kernel: a clock that is moved by hand, and an echo that may be changed.
 */
import type { GateDoor } from '../../src/gate/command.ts'

export class PretendDoor implements GateDoor {
  nowMs = 1_000_000
  /** What was sent, oldest first, as copies. */
  readonly sent: Buffer[] = []
  readonly closed: number[] = []
  /** Writes the answer into the datagram; false loses it. */
  answer: (buffer: Buffer) => boolean = (buffer) => {
    buffer.writeUInt8(1, 7)
    return true
  }

  gateOpen(): number {
    return 42
  }

  gateExchange(_fd: number, buffer: Buffer): boolean {
    this.sent.push(Buffer.from(buffer))
    return this.answer(buffer)
  }

  fdClose(fd: number): void {
    this.closed.push(fd)
  }

  bootTimeMs(): number {
    return this.nowMs
  }
}
