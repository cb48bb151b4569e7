import { createHmac } from 'node:crypto'
import { describe, expect, it } from 'vitest'
import type { Heartbeat } from '../../src/core/heartbeat.ts'
import {
  decodeHeartbeat,
  encodeHeartbeat,
  HEARTBEAT_BYTES,
  HEARTBEAT_MAX_BYTES,
} from '../../src/wire/heartbeat.ts'
import { makeKey, type PairKey } from '../../src/wire/key.ts'

const key = makeKey(7, Buffer.from('00112233445566778899aabbccddeeff'.repeat(2), 'hex'))
const other = makeKey(8, Buffer.alloc(32, 5))

const heartbeat: Heartbeat = {
  node: 'sp2',
  boot: '0123456789abcdef',
  seq: 0x0102_0304_0506,
  term: 258,
  role: 'active',
  want: true,
  able: true,
  score: 3,
  majority: true,
  hears: true,
  ackBoot: 'fedcba9876543210',
  ackSeq: 99,
  heardAgoMs: 12.5,
  direct: true,
  grant: false,
  position: { term: 257, offset: 2 ** 40 + 3 },
  positionUnknown: false,
  sync: true,
  inSync: false,
  sole: true,
  avoid: false,
  ask: 'sp1',
  digest: '00000000deadbeef',
  healthy: true,
  maintenance: false,
}

const silent: Heartbeat = {
  ...heartbeat,
  node: 'sp1',
  seq: 1,
  term: 0,
  role: 'demoting',
  want: false,
  able: false,
  score: 0,
  majority: false,
  hears: false,
  ackBoot: null,
  ackSeq: 0,
  heardAgoMs: 0,
  direct: false,
  grant: true,
  position: { term: 0, offset: 0 },
  positionUnknown: false,
  sync: false,
  inSync: true,
  sole: false,
  avoid: true,
  ask: null,
  healthy: false,
  maintenance: true,
}

/** Signs bytes anew, whatever they say. */
function resign(bytes: Buffer, by: PairKey = key): Buffer {
  const body = bytes.subarray(0, bytes.length - 32)
  createHmac('sha256', by.secret).update(body).digest().copy(bytes, body.length)
  return bytes
}

function changed(change: (bytes: Buffer) => void, signed = true): Buffer {
  const bytes = encodeHeartbeat(heartbeat, key)
  change(bytes)
  return signed ? resign(bytes) : bytes
}

/** Repeatable bytes (mulberry32), so that a failure can be run again. */
function randomBytesFrom(seed: number): (length: number) => Buffer {
  let state = seed
  const next = (): number => {
    state = (state + 0x6d2b79f5) | 0
    let t = Math.imul(state ^ (state >>> 15), 1 | state)
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t
    return (t ^ (t >>> 14)) >>> 0
  }
  return (length) => Buffer.from(Array.from({ length }, () => next() & 0xff))
}

describe('a heartbeat as bytes', () => {
  it('lies exactly as the table in the file header says', () => {
    const bytes = encodeHeartbeat(heartbeat, key)
    expect(bytes.subarray(0, 76).toString('hex')).toBe(
      [
        '544e444d', // magic
        '01', // version
        '07', // key id
        '006c', // length 108
        '02', // sp2
        '03', // active
        '155f', // want able majority hears direct sync sole healthy acknowledges
        '03', // score
        '01', // ask sp1
        '0000',
        '0123456789abcdef',
        'fedcba9876543210',
        '00000000deadbeef',
        '010203040506', // seq
        '000000000102', // term
        '000000000063', // ackSeq
        '000000000101', // position term
        '0000010000000003', // position offset
        '000030d4', // 12500 us
      ].join(''),
    )
    const hmac = createHmac('sha256', key.secret).update(bytes.subarray(0, 76)).digest('hex')
    expect(bytes.subarray(76).toString('hex')).toBe(hmac)
    expect(bytes.length).toBe(HEARTBEAT_BYTES)
  })

  it('comes back as it went, every field', () => {
    for (const sent of [heartbeat, silent])
      expect(decodeHeartbeat(encodeHeartbeat(sent, key), [key])).toEqual({
        ok: true,
        heartbeat: sent,
      })
  })

  it('carries each flag by itself', () => {
    const flags = Object.keys(silent).filter(
      (name) => typeof silent[name as keyof Heartbeat] === 'boolean',
    )
    expect(flags).toHaveLength(13)
    for (const flag of flags) {
      const none = Object.fromEntries(flags.map((name) => [name, false]))
      const sent = { ...silent, ...none, [flag]: true } as Heartbeat
      expect(decodeHeartbeat(encodeHeartbeat(sent, key), [key])).toEqual({
        ok: true,
        heartbeat: sent,
      })
    }
  })

  it('is read from a view into a larger buffer, as sockets hand it over', () => {
    const bytes = encodeHeartbeat(heartbeat, key)
    const large = Buffer.concat([Buffer.alloc(28, 0xff), bytes, Buffer.alloc(5)])
    const view = new Uint8Array(large.buffer, large.byteOffset + 28, bytes.length)
    expect(decodeHeartbeat(view, [key])).toEqual({ ok: true, heartbeat })
  })

  it('never says that the peer was heard longer ago than it was', () => {
    for (const [heardAgoMs, told] of [
      [0.0019, 0.001],
      [1.9999, 1.999],
      [Number.POSITIVE_INFINITY, 4294967.295],
      [1e12, 4294967.295],
    ] as const) {
      const read = decodeHeartbeat(encodeHeartbeat({ ...heartbeat, heardAgoMs }, key), [key])
      expect(read).toEqual({ ok: true, heartbeat: { ...heartbeat, heardAgoMs: told } })
    }
  })

  it('is refused by the writer when a field does not fit', () => {
    const wrong: [Partial<Heartbeat>, string][] = [
      [
        { seq: 2 ** 48 },
        'heartbeat: seq is 281474976710656, it must be an integer of 0 to 281474976710655',
      ],
      [{ term: -1 }, 'heartbeat: term is -1, it must be an integer of 0 to 281474976710655'],
      [{ ackSeq: 1.5 }, 'heartbeat: ackSeq is 1.5, it must be an integer of 0 to 281474976710655'],
      [{ score: 32 }, 'heartbeat: score is 32, it must be an integer of 0 to 31'],
      [{ boot: 'ABCDEF0123456789' }, 'heartbeat: boot must be 16 hexadecimal digits'],
      [{ digest: '' }, 'heartbeat: digest must be 16 hexadecimal digits'],
      [{ heardAgoMs: Number.NaN }, 'heartbeat: heardAgoMs is NaN'],
      [{ heardAgoMs: -1 }, 'heartbeat: heardAgoMs is -1'],
    ]
    for (const [part, message] of wrong)
      expect(() => encodeHeartbeat({ ...heartbeat, ...part }, key)).toThrow(new RangeError(message))
  })
})

describe('a datagram that is not a heartbeat', () => {
  const cases: [string, Buffer, string][] = [
    ['nothing', Buffer.alloc(0), 'short'],
    ['one byte less', encodeHeartbeat(heartbeat, key).subarray(0, 107), 'short'],
    ['another magic', changed((b) => b.write('XNDM', 0)), 'magic'],
    ['another version', changed((b) => b.writeUInt8(2, 4)), 'version'],
    ['a length that is not its own', changed((b) => b.writeUInt16BE(109, 6)), 'length'],
    ['one byte more', Buffer.concat([encodeHeartbeat(heartbeat, key), Buffer.alloc(1)]), 'length'],
    [
      'more than any release sends',
      (() => {
        const bytes = Buffer.concat([
          encodeHeartbeat(heartbeat, key),
          Buffer.alloc(HEARTBEAT_MAX_BYTES + 1 - HEARTBEAT_BYTES),
        ])
        bytes.writeUInt16BE(bytes.length, 6)
        return resign(bytes)
      })(),
      'length',
    ],
    ['a key id nobody knows', changed((b) => b.writeUInt8(9, 5)), 'key'],
    ['another secret under our id', resign(encodeHeartbeat(heartbeat, key), other), 'hmac'],
    ['a changed field', changed((b) => b.writeUInt8(1, 9), false), 'hmac'],
    ['an unknown node', changed((b) => b.writeUInt8(3, 8)), 'field'],
    ['node zero', changed((b) => b.writeUInt8(0, 8)), 'field'],
    ['an unknown role', changed((b) => b.writeUInt8(5, 9)), 'field'],
    ['a score above 31', changed((b) => b.writeUInt8(32, 12)), 'field'],
    ['an unknown ask', changed((b) => b.writeUInt8(3, 13)), 'field'],
    ['number zero', changed((b) => b.fill(0, 40, 46)), 'field'],
    ['an offset beyond 2^53', changed((b) => b.writeUInt32BE(0x20_0000, 64)), 'field'],
    ['a number acknowledged of no boot', changed((b) => b.writeUInt16BE(0x055f, 10)), 'field'],
  ]
  for (const [what, bytes, reason] of cases)
    it(`with ${what} is a value that says ${reason}`, () => {
      expect(decodeHeartbeat(bytes, [key])).toEqual({ ok: false, reason })
    })

  it('is refused when no key is known at all', () => {
    expect(decodeHeartbeat(encodeHeartbeat(heartbeat, key), [])).toEqual({
      ok: false,
      reason: 'key',
    })
  })

  it('is never accepted with any single bit flipped', () => {
    const bytes = encodeHeartbeat(heartbeat, key)
    for (let bit = 0; bit < bytes.length * 8; bit += 1) {
      const flipped = Buffer.from(bytes)
      flipped[bit >> 3] = (flipped[bit >> 3] ?? 0) ^ (1 << (bit & 7))
      expect(decodeHeartbeat(flipped, [key, other]).ok).toBe(false)
    }
  })

  it('is never accepted cut short or made longer', () => {
    const bytes = encodeHeartbeat(heartbeat, key)
    for (let length = 0; length < 600; length += 1) {
      const cut = Buffer.alloc(length)
      bytes.copy(cut)
      if (length !== bytes.length) expect(decodeHeartbeat(cut, [key]).ok).toBe(false)
    }
  })

  it('never throws and is never accepted when it is random, whatever passes the first checks', () => {
    const random = randomBytesFrom(1)
    for (let round = 0; round < 20_000; round += 1) {
      const bytes = random(round % 200)
      if (round % 2 === 0 && bytes.length >= 8) {
        bytes.writeUInt32BE(0x544e444d, 0)
        bytes[4] = 1
        bytes[5] = 7
        bytes.writeUInt16BE(bytes.length, 6)
      }
      expect(decodeHeartbeat(bytes, [key]).ok).toBe(false)
    }
  })

  it('never throws when it is random but rightly signed, and holds only fields in range', () => {
    const random = randomBytesFrom(2)
    let accepted = 0
    for (let round = 0; round < 20_000; round += 1) {
      const bytes = random(HEARTBEAT_BYTES + (round % 50))
      changed((header) => header.copy(bytes, 0, 0, 8))
      bytes.writeUInt16BE(bytes.length, 6)
      // Random bytes hardly ever name a node and a role.
      bytes[8] = 1 + (round & 1)
      bytes[9] = round % 5
      bytes[12] = (bytes[12] ?? 0) & 31
      bytes[13] = round % 3
      bytes[64] = 0
      const read = decodeHeartbeat(resign(bytes), [key])
      if (!read.ok) continue
      accepted += 1
      expect(read.heartbeat.seq).toBeGreaterThan(0)
      expect(Number.isSafeInteger(read.heartbeat.position.offset)).toBe(true)
    }
    expect(accepted).toBeGreaterThan(100)
  })
})

describe('releases and keys that differ between the nodes', () => {
  it('a later release of this version may append fields and set new flags', () => {
    const bytes = Buffer.concat([
      changed((b) => b.writeUInt16BE(b.readUInt16BE(10) | 0xc000, 10)).subarray(0, 76),
      Buffer.from('appended'),
      Buffer.alloc(32),
    ])
    bytes.writeUInt16BE(bytes.length, 6)
    expect(decodeHeartbeat(resign(bytes), [key])).toEqual({ ok: true, heartbeat })
    bytes[77] = 0
    expect(decodeHeartbeat(bytes, [key])).toEqual({ ok: false, reason: 'hmac' })
  })

  it('while a key is replaced a node reads what either key signed', () => {
    const both = [other, key]
    expect(decodeHeartbeat(encodeHeartbeat(heartbeat, key), both).ok).toBe(true)
    expect(decodeHeartbeat(encodeHeartbeat(heartbeat, other), both).ok).toBe(true)
  })
})
