/** Goal: facts come out as they went in, in datagrams that are not fragmented, and nothing unsigned is read. */
import { createHmac } from 'node:crypto'
import { describe, expect, it } from 'vitest'
import {
  decodeFactList,
  encodeFactList,
  FACTS_MAX,
  type Fact,
  isFactList,
} from '../../src/wire/fact-list.ts'
import { makeKey } from '../../src/wire/key.ts'
import { LIST_PART_MAX_BYTES } from '../../src/wire/signed-list.ts'

const SECRET = Buffer.alloc(32, 5)
const key = makeKey(7, SECRET)
const HEAD = { node: 'sp2', boot: '0123456789abcdef', number: 7 } as const
const FACTS: readonly Fact[] = [
  { kind: 'version', name: 'tandem', fingerprint: '0011223344556677', neutral: '0011223344556677' },
  {
    kind: 'file',
    name: '/etc/größe.cfg',
    fingerprint: 'ffffffffffffffff',
    neutral: '0'.repeat(16),
  },
]

function read(datagrams: readonly Buffer[]) {
  return datagrams.map((bytes) => {
    const part = decodeFactList(bytes, [key])
    if (!part.ok) throw new Error(part.reason)
    return part.part
  })
}

describe('a list of facts', () => {
  it('comes out as it went in', () => {
    const datagrams = encodeFactList(HEAD, { topic: 'configuration', facts: FACTS }, key)
    expect(datagrams.map(isFactList)).toEqual([true])
    expect(read(datagrams)).toEqual([
      { ...HEAD, topic: 'configuration', part: 0, parts: 1, facts: FACTS },
    ])
  })

  it('that is empty says so', () => {
    const [part] = read(encodeFactList(HEAD, { topic: 'alarms', facts: [] }, key))
    expect(part).toMatchObject({ topic: 'alarms', parts: 1, facts: [] })
  })

  it('of any length is bounded, and no datagram is fragmented', () => {
    const facts = Array.from({ length: 2 * FACTS_MAX }, (_, index) => ({
      ...{ kind: 'file' as const, fingerprint: '1'.repeat(16), neutral: '2'.repeat(16) },
      name: `/etc/${'x'.repeat(index % 500)}/${index}`,
    }))
    const datagrams = encodeFactList(HEAD, { topic: 'configuration', facts }, key)
    expect(Math.max(...datagrams.map(({ length }) => length))).toBeLessThanOrEqual(
      LIST_PART_MAX_BYTES,
    )
    expect(datagrams.length).toBeLessThan(256)
    const heard = read(datagrams).flatMap((part) => part.facts)
    expect(heard.length).toBe(FACTS_MAX)
    expect(heard[17]).toEqual(facts[17])
  })

  it('is refused with another key, a changed byte, or when it is cut', () => {
    const [bytes = Buffer.alloc(0)] = encodeFactList(HEAD, { topic: 'alarms', facts: FACTS }, key)
    const reason = (datagram: Buffer, keys = [key]) => {
      const part = decodeFactList(datagram, keys)
      return part.ok ? null : part.reason
    }
    expect(reason(bytes, [makeKey(8, SECRET)])).toBe('key')
    const changed = Buffer.from(bytes)
    changed[40] = (changed[40] ?? 0) ^ 1
    expect(reason(changed)).toBe('hmac')
    expect(reason(bytes.subarray(0, bytes.length - 1))).toBe('length')
    expect(reason(Buffer.from('TNDF'))).toBe('short')
  })

  it('that is signed and makes no sense is refused', () => {
    const [good = Buffer.alloc(0)] = encodeFactList(HEAD, { topic: 'alarms', facts: FACTS }, key)
    const spoil = (at: number, value: number): Buffer => {
      const bytes = Buffer.from(good)
      bytes[at] = value
      const end = bytes.length - 32
      createHmac('sha256', SECRET).update(bytes.subarray(0, end)).digest().copy(bytes, end)
      return bytes
    }
    const reads = (bytes: Buffer) => decodeFactList(bytes, [key])
    // No such topic; a name longer than the datagram.
    expect(reads(spoil(9, 9))).toEqual({ ok: false, reason: 'field' })
    expect(reads(spoil(33, 0xff))).toEqual({ ok: false, reason: 'field' })
    // Of a kind of a later release: passed over.
    const [, file] = FACTS
    expect(reads(spoil(32, 99))).toMatchObject({ ok: true, part: { facts: [file] } })
  })
})
