import { createHmac } from 'node:crypto'
import { describe, expect, it } from 'vitest'
import {
  CONNECTION_LIST_MAX_BYTES,
  CONNECTIONS_MAX,
  type ConnectionList,
  type ConnectionListPart,
  decodeConnectionList,
  encodeConnectionList,
  isConnectionList,
  type TcpConnection,
} from '../../src/wire/connection-list.ts'
import { makeKey } from '../../src/wire/key.ts'

const SECRET = Buffer.alloc(32, 5)
const key = makeKey(7, SECRET)
const other = makeKey(8, Buffer.alloc(32, 6))

const connections: TcpConnection[] = [
  { floatingIp: '192.0.2.50', port: 5061, clientAddress: '198.51.100.7', clientPort: 40_000 },
  { floatingIp: '192.0.2.50', port: 5061, clientAddress: '198.51.100.8', clientPort: 1 },
  { floatingIp: '2001:db8::50', port: 443, clientAddress: '2001:db8:1::7', clientPort: 65_535 },
]
const list: ConnectionList = {
  node: 'sp2',
  boot: '0123456789abcdef',
  number: 0x010203,
  connections,
}

/** As many connections as asked, the first of them IPv4, to one port or each to its own. */
function many(count: number, family: 4 | 6, ports = 1): TcpConnection[] {
  return Array.from({ length: count }, (_, index) => ({
    floatingIp: family === 4 ? '192.0.2.50' : '2001:db8::50',
    port: 1 + (index % ports),
    clientAddress: family === 4 ? `10.0.${index >> 8}.${index & 255}` : `2001:db8:1::${index + 1}`,
    clientPort: 10_000 + index,
  }))
}

/** One datagram, signed again after a change. */
function spoilt(change: (bytes: Buffer) => void, secret = SECRET): Buffer {
  const bytes = Buffer.from(encodeConnectionList(list, key)[0] ?? [])
  change(bytes)
  const signedBytes = bytes.length - 32
  createHmac('sha256', secret)
    .update(bytes.subarray(0, signedBytes))
    .digest()
    .copy(bytes, signedBytes)
  return bytes
}

function partsOf(datagrams: readonly Buffer[]): ConnectionListPart[] {
  return datagrams.map((bytes) => {
    const read = decodeConnectionList(bytes, [key])
    if (!read.ok) throw new Error(read.reason)
    return read.part
  })
}

describe('a list of connections', () => {
  it('is written as the table says', () => {
    const [bytes, ...more] = encodeConnectionList(list, key)
    expect(more).toEqual([])
    expect(bytes?.subarray(0, -32).toString('hex')).toBe(
      '544e4443' +
        '01' +
        '07' +
        '007a' +
        '02' +
        '00' +
        '00' +
        '01' +
        '00000000' +
        '0123456789abcdef' +
        '000000010203' +
        '0000' +
        '04' +
        '02' +
        '13c5' +
        'c0000232' +
        'c63364079c40' +
        'c63364080001' +
        '06' +
        '01' +
        '01bb' +
        '20010db8000000000000000000000050' +
        '20010db8000100000000000000000007ffff',
    )
    expect(bytes?.length).toBe(122)
    expect(bytes?.subarray(-32)).toEqual(
      createHmac('sha256', SECRET)
        .update(bytes?.subarray(0, -32) ?? '')
        .digest(),
    )
  })

  it('is read as it was written', () => {
    expect(partsOf(encodeConnectionList(list, key))).toEqual([{ ...list, part: 0, parts: 1 }])
  })

  it('that is empty is told, too', () => {
    const datagrams = encodeConnectionList({ ...list, connections: [] }, key)
    expect(partsOf(datagrams)).toEqual([{ ...list, part: 0, parts: 1, connections: [] }])
    expect(datagrams[0]?.length).toBe(64)
  })

  it.each([
    ['2 000 IPv4 clients of one port', many(2000, 4), 11],
    ['as many as allowed, IPv4', many(CONNECTIONS_MAX, 4), 22],
    ['as many as allowed, IPv6', many(CONNECTIONS_MAX, 6), 67],
    ['as many as allowed, IPv6, each to a port of its own', many(CONNECTIONS_MAX, 6, 5000), 142],
  ])('is split into datagrams that fit, and comes whole out of them: %s', (_name, all, count) => {
    const datagrams = encodeConnectionList({ ...list, connections: all }, key)
    expect(datagrams.length).toBe(count)
    expect(Math.max(...datagrams.map((bytes) => bytes.length))).toBeLessThanOrEqual(
      CONNECTION_LIST_MAX_BYTES,
    )
    const parts = partsOf(datagrams)
    expect(parts.map((part) => [part.part, part.parts])).toEqual(
      datagrams.map((_, index) => [index, count]),
    )
    expect(parts.flatMap((part) => part.connections)).toEqual(all)
  })

  it('that our own side got wrong is not written', () => {
    const wrong = (change: Partial<ConnectionList>) => () =>
      encodeConnectionList({ ...list, ...change }, key)
    expect(wrong({ connections: many(CONNECTIONS_MAX + 1, 4) })).toThrow(RangeError)
    expect(wrong({ number: 0 })).toThrow(RangeError)
    expect(wrong({ number: 2 ** 48 })).toThrow(RangeError)
    expect(wrong({ boot: 'none' })).toThrow(RangeError)
    const [one] = connections
    if (one === undefined) throw new Error('none')
    expect(wrong({ connections: [{ ...one, clientAddress: '2001:db8::1' }] })).toThrow(RangeError)
    expect(wrong({ connections: [{ ...one, port: 65_536 }] })).toThrow(RangeError)
  })
})

describe('a datagram', () => {
  const heartbeat = Buffer.from('544e444d', 'hex')

  it('is told from a heartbeat by its magic', () => {
    expect(isConnectionList(encodeConnectionList(list, key)[0] ?? Buffer.alloc(0))).toBe(true)
    expect(isConnectionList(heartbeat)).toBe(false)
    expect(isConnectionList(Buffer.from('544e44', 'hex'))).toBe(false)
  })

  it.each([
    ['short', spoilt(() => undefined).subarray(0, 63)],
    ['magic', spoilt((bytes) => heartbeat.copy(bytes))],
    ['version', spoilt((bytes) => bytes.writeUInt8(2, 4))],
    ['length', spoilt((bytes) => bytes.writeUInt16BE(bytes.length - 1, 6))],
    ['length', Buffer.concat([spoilt(() => undefined), Buffer.alloc(1)])],
    ['key', spoilt((bytes) => bytes.writeUInt8(9, 5))],
    ['hmac', spoilt(() => undefined, Buffer.alloc(32, 9))],
    ['hmac', spoilt((bytes) => bytes.writeUInt8(8, 5))],
    // node, part not below parts, no parts, number 0, family, empty group, group beyond the end, port 0
    ['field', spoilt((bytes) => bytes.writeUInt8(3, 8))],
    ['field', spoilt((bytes) => bytes.writeUInt8(1, 10))],
    ['field', spoilt((bytes) => bytes.writeUInt8(0, 11))],
    ['field', spoilt((bytes) => bytes.writeUIntBE(0, 24, 6))],
    ['field', spoilt((bytes) => bytes.writeUInt8(5, 32))],
    ['field', spoilt((bytes) => bytes.writeUInt8(0, 33))],
    ['field', spoilt((bytes) => bytes.writeUInt8(200, 33))],
    ['field', spoilt((bytes) => bytes.writeUInt16BE(0, 34))],
    ['field', spoilt((bytes) => bytes.writeUInt16BE(0, 44))],
  ])('that is none of the pair is refused with its reason: %s', (reason, bytes) => {
    expect(decodeConnectionList(bytes, [key, other])).toEqual({ ok: false, reason })
  })

  it('whose groups were cut at any byte, and signed so, is refused or shorter', () => {
    const whole = spoilt(() => undefined)
    for (let length = 64; length < whole.length; length += 1) {
      const cut = Buffer.concat([whole.subarray(0, length - 32), Buffer.alloc(32)])
      cut.writeUInt16BE(length, 6)
      createHmac('sha256', SECRET)
        .update(cut.subarray(0, -32))
        .digest()
        .copy(cut, length - 32)
      const read = decodeConnectionList(cut, [key])
      // Whole groups only: none, or the first.
      const expected = [0, 2][[64, 84].indexOf(length)]
      expect(read.ok ? read.part.connections.length : undefined).toBe(expected)
    }
  })
})
