/**
 * How is a command to the kernel written down, and how is its answer read?
 *
 * One 96-byte datagram, host byte order (little-endian), which the kernel program completes and
 * lets come back. The twin of `struct command` in gate.bpf.c:
 *
 *   offset size field           unit
 *        0    4 magic           "TNG1"; "TNF1" for the rules of nftables
 *        4    1 operation       0 query 1 claim 2 occupy 3 open 4 extend 5 close
 *        5    1 flags           occupy: 1 begins; open: 2 demands a living occupation
 *        6    1 slot            0 to 7, the set of addresses
 *        7    1 result          answer; 0 means that no program was there to answer
 *        8   16 key             random per start; erased in the answer
 *       24    8 session         random per start of the agent
 *       32    8 sequence        rises with every command of a session
 *       40    8 deadline        ns of CLOCK_BOOTTIME
 *       48    8 boot now        answer: ns, the clock as the rules saw it
 *       56    8 serve until     answer: ns, in force now; 0 is never
 *       64    8 occupied until  answer: ns, in force now; 0 is never
 *       72   24 reserved        zero
 *
 * Offsets 24 and 32 are also known to the native door, which waits for its own datagram by them.
 */
import assert from 'node:assert/strict'
import type { GateOperation } from './command-gate.ts'
import type { GateAnswer, GateRefusal } from './gate.ts'

export const COMMAND_SIZE_BYTES = 96
export const KEY_SIZE_BYTES = 16
/** "TNG1". */
export const COMMAND_MAGIC = 0x31474e54
/** "TNF1": for the rules of nftables, so that a kernel program that is still there lets it be. */
export const RULES_MAGIC = 0x31464e54

/** The native door, as far as a gate needs it (`system/native.ts`). */
export interface GateDoor {
  /** Opens the datagram socket that is connected to itself. @returns its descriptor */
  gateOpen(): number
  /**
   * Sends, waits for the own datagram with equal session and sequence, copies it back.
   *
   * @returns false when it did not come within the time; the buffer is then as it was
   */
  gateExchange(fd: number, buffer: Buffer, timeoutMs: number): boolean
  fdClose(fd: number): void
  /** CLOCK_BOOTTIME in milliseconds with fractions. */
  bootTimeMs(): number
}

const OPERATIONS: Record<GateOperation, number> = {
  query: 0,
  claim: 1,
  occupy: 2,
  open: 3,
  extend: 4,
  close: 5,
}

/** By the number the kernel program writes; 0 and 1 are no refusals. */
const REFUSALS: readonly (GateRefusal | null)[] = [
  'silent',
  null,
  'key',
  'session',
  'replay',
  'past',
  'far',
  'lapsed',
  'state',
  'op',
]

export interface GateCommand {
  /** Default: that of the kernel program. */
  magic?: number
  operation: GateOperation
  /** Begin for `occupy`, takeover for `open`; means nothing elsewhere. */
  flag: boolean
  slot: number
  /** 16 bytes. */
  key: Uint8Array
  session: bigint
  sequence: bigint
  /** Milliseconds of the boot clock; rounded down to the nanosecond. */
  deadlineMs: number
}

/** Writes a command over the whole buffer, so that nothing of an earlier answer stays in it. */
export function writeCommand(buffer: Buffer, command: GateCommand): void {
  assert.equal(buffer.length, COMMAND_SIZE_BYTES)
  assert.equal(command.key.length, KEY_SIZE_BYTES)
  const flag = command.operation === 'open' ? 2 : 1
  buffer.fill(0)
  buffer.writeUInt32LE(command.magic ?? COMMAND_MAGIC, 0)
  buffer.writeUInt8(OPERATIONS[command.operation], 4)
  buffer.writeUInt8(command.flag ? flag : 0, 5)
  buffer.writeUInt8(command.slot, 6)
  buffer.set(command.key, 8)
  buffer.writeBigUInt64LE(command.session, 24)
  buffer.writeBigUInt64LE(command.sequence, 32)
  buffer.writeBigUInt64LE(nanoseconds(command.deadlineMs), 40)
}

/** What the kernel answered, and when by its own clock. */
export interface GateReading extends GateAnswer {
  bootNowMs: number
}

/** Reads an answer. One that no program completed is a refusal, `silent`. */
export function readAnswer(buffer: Buffer): GateReading {
  const refusal = REFUSALS[buffer.readUInt8(7)]
  assert.notEqual(refusal, undefined, 'the kernel program answered with an unknown result')
  return {
    done: refusal === null,
    refusal: refusal ?? null,
    bootNowMs: milliseconds(buffer.readBigUInt64LE(48)),
    serveUntilMs: milliseconds(buffer.readBigUInt64LE(56)),
    occupiedUntilMs: milliseconds(buffer.readBigUInt64LE(64)),
  }
}

/**
 * Milliseconds to nanoseconds, rounded down: a deadline may come too early, never too late.
 *
 * Whole milliseconds and the rest are converted apart, because nanoseconds since boot pass 2^53
 * after 104 days.
 *
 * @throws AssertionError when the moment is not finite: our mistake
 */
export function nanoseconds(ms: number): bigint {
  assert.ok(Number.isFinite(ms), 'a deadline must be a finite number of milliseconds')
  if (ms <= 0) return 0n
  const wholeMs = Math.floor(ms)
  return BigInt(wholeMs) * 1_000_000n + BigInt(Math.floor((ms - wholeMs) * 1e6))
}

/** Nanoseconds to milliseconds with fractions. */
export function milliseconds(ns: bigint): number {
  return Number(ns / 1_000_000n) + Number(ns % 1_000_000n) / 1e6
}
