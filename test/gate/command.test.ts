import { describe, expect, it } from 'vitest'
import {
  COMMAND_SIZE_BYTES,
  milliseconds,
  nanoseconds,
  readAnswer,
  writeCommand,
} from '../../src/gate/command.ts'

const key = Buffer.from('000102030405060708090a0b0c0d0e0f', 'hex')

const command = {
  operation: 'open',
  flag: true,
  slot: 3,
  key,
  session: 0x1122334455667788n,
  sequence: 9n,
  deadlineMs: 1.5,
} as const

describe('a command on the wire', () => {
  it('has every byte where the kernel program looks for it', () => {
    const buffer = Buffer.alloc(COMMAND_SIZE_BYTES, 0xff)
    writeCommand(buffer, command)
    expect(buffer.toString('hex').match(/.{16}/g)).toEqual([
      '544e473103020300', // TNG1, open, takeover, slot 3, no result
      '0001020304050607',
      '08090a0b0c0d0e0f',
      '8877665544332211',
      '0900000000000000',
      '60e3160000000000', // 1,500,000 ns
      ...Array.from({ length: 6 }, () => '0000000000000000'),
    ])
  })

  it('marks the beginning of an occupation by another bit than a takeover', () => {
    const buffer = Buffer.alloc(COMMAND_SIZE_BYTES)
    writeCommand(buffer, { ...command, operation: 'occupy' })
    expect([buffer[4], buffer[5]]).toEqual([2, 1])
    writeCommand(buffer, { ...command, operation: 'occupy', flag: false })
    expect([buffer[4], buffer[5]]).toEqual([2, 0])
  })
})

describe('an answer', () => {
  const answer = (result: number): Buffer => {
    const buffer = Buffer.alloc(COMMAND_SIZE_BYTES)
    writeCommand(buffer, command)
    buffer.writeUInt8(result, 7)
    buffer.writeBigUInt64LE(1_000_500_000n, 48)
    buffer.writeBigUInt64LE(2_000_000_000n, 56)
    return buffer
  }

  it('tells the deadlines in force in milliseconds', () => {
    expect(readAnswer(answer(1))).toEqual({
      done: true,
      refusal: null,
      bootNowMs: 1000.5,
      serveUntilMs: 2000,
      occupiedUntilMs: 0,
    })
  })

  it('that no program wrote is a refusal', () => {
    expect(readAnswer(answer(0))).toMatchObject({ done: false, refusal: 'silent' })
  })

  it('names each refusal of the kernel program', () => {
    const refusals = [2, 3, 4, 5, 6, 7, 8, 9].map((result) => readAnswer(answer(result)).refusal)
    expect(refusals).toEqual([
      ...['key', 'session', 'replay', 'past', 'far', 'lapsed', 'state', 'op'],
    ])
  })

  it('with a result that nobody knows is our mistake', () => {
    expect(() => readAnswer(answer(77))).toThrow('unknown result')
  })
})

describe('moments', () => {
  it('are rounded down, so that a deadline never comes late', () => {
    expect(nanoseconds(1.9999999)).toBe(1_999_999n)
    expect(nanoseconds(0.0000009)).toBe(0n)
  })

  it('keep the nanosecond after a year of uptime', () => {
    const yearMs = 366 * 86_400_000
    expect(nanoseconds(yearMs + 0.5)).toBe(BigInt(yearMs) * 1_000_000n + 500_000n)
    expect(milliseconds(BigInt(yearMs) * 1_000_000n + 500_000n)).toBe(yearMs + 0.5)
  })

  it('that lie before the boot are past, and endless ones are our mistake', () => {
    expect(nanoseconds(-5)).toBe(0n)
    expect(() => nanoseconds(Number.POSITIVE_INFINITY)).toThrow('finite')
    expect(() => nanoseconds(Number.NaN)).toThrow('finite')
  })
})
