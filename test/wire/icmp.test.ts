import { describe, expect, it } from 'vitest'
import { fillEcho, prepareEcho, readEchoReply } from '../../src/wire/icmp.ts'

function prepared(source: string, destination: string) {
  const packet = prepareEcho({ source, destination, identifier: 0x1234, payloadMaxBytes: 64 })
  if (packet === null) throw new Error('not prepared')
  return packet
}

/** RFC 1071: the sum over a part that contains its right checksum is all ones. */
function sumOf(...parts: Buffer[]): number {
  const bytes = Buffer.concat(parts)
  let sum = 0
  for (let at = 0; at < bytes.length; at += 2)
    sum += bytes.readUInt8(at) * 256 + (bytes[at + 1] ?? 0)
  while (sum > 0xffff) sum = (sum & 0xffff) + Math.floor(sum / 0x10000)
  return sum
}

describe('an echo request with a source of our choice', () => {
  it('is a whole IPv4 packet with both checksums right', () => {
    const bytes = fillEcho(prepared('192.0.2.1', '198.51.100.7'), 0x10005, Buffer.from('abc'))
    expect(bytes.toString('hex')).toBe(
      '45c0001f00004000' +
        '4001' +
        bytes.subarray(10, 12).toString('hex') +
        'c0000201' +
        'c6336407' +
        '0800' +
        bytes.subarray(22, 24).toString('hex') +
        '1234' +
        '0005' +
        '616263',
    )
    expect(sumOf(bytes.subarray(0, 20))).toBe(0xffff)
    expect(sumOf(bytes.subarray(20))).toBe(0xffff)
  })

  it('is a whole IPv6 packet with the checksum over its pseudo header right', () => {
    const bytes = fillEcho(prepared('2001:db8::1', 'fe80::2%eth0'), 5, Buffer.from('abcd'))
    expect(bytes.subarray(0, 8).toString('hex')).toBe('6c000000' + '000c' + '3a' + '40')
    expect(bytes.subarray(8, 40).toString('hex')).toBe(
      '20010db8000000000000000000000001fe800000000000000000000000000002',
    )
    expect(bytes.subarray(40, 42).toString('hex')).toBe('8000')
    expect(bytes.subarray(44).toString('hex')).toBe('1234' + '0005' + '61626364')
    const pseudo = Buffer.from('0000000c0000003a', 'hex')
    expect(sumOf(bytes.subarray(8, 40), pseudo, bytes.subarray(40))).toBe(0xffff)
  })

  it('stays right when the same packet is filled again, shorter, longer and with all ones', () => {
    for (const [source, destination] of [
      ['192.0.2.1', '198.51.100.7'],
      ['2001:db8::1', '2001:db8::2'],
    ] as const) {
      const packet = prepared(source, destination)
      for (const payload of [
        Buffer.alloc(64, 0xff),
        Buffer.alloc(0),
        Buffer.from('x'),
        Buffer.alloc(33, 7),
      ]) {
        const again = fillEcho(packet, 0xffff, payload)
        expect(again).toEqual(fillEcho(prepared(source, destination), 0xffff, payload))
      }
    }
  })

  it('is not prepared for addresses of two families or for names', () => {
    const request = { identifier: 1, payloadMaxBytes: 8 }
    expect(prepareEcho({ ...request, source: '::1', destination: '1.2.3.4' })).toBeNull()
    expect(prepareEcho({ ...request, source: '1.2.3.4', destination: 'gateway' })).toBeNull()
  })

  it('refuses a payload longer than it was prepared for', () => {
    expect(() => fillEcho(prepared('::1', '::2'), 1, Buffer.alloc(65))).toThrow(RangeError)
  })
})

describe('what a raw socket hands over', () => {
  const reply = Buffer.from('0000ffff12340005616263', 'hex')
  const header = Buffer.from('450000000000000040010000c0000201c6336407', 'hex')
  const options = Buffer.from('460000000000000040010000c0000201c633640701010101', 'hex')
  const read = { identifier: 0x1234, sequence: 5, payload: Buffer.from('abc') }

  it('is read as an echo reply, with and without IP options', () => {
    expect(readEchoReply(4, Buffer.concat([header, reply]))).toEqual(read)
    expect(readEchoReply(4, Buffer.concat([options, reply]))).toEqual(read)
    expect(readEchoReply(6, Buffer.concat([Buffer.from([129]), reply.subarray(1)]))).toEqual(read)
  })

  it('is null when it is anything else or cut short', () => {
    const request = Buffer.concat([Buffer.from([8]), reply.subarray(1)])
    expect(readEchoReply(4, Buffer.concat([header, request]))).toBeNull()
    expect(readEchoReply(6, Buffer.concat([Buffer.from([128]), reply.subarray(1)]))).toBeNull()
    const whole = Buffer.concat([options, reply])
    for (let length = 0; length < 32; length += 1)
      expect(readEchoReply(4, whole.subarray(0, length))).toBeNull()
    for (let length = 0; length < 8; length += 1)
      expect(readEchoReply(6, Buffer.alloc(length, 129))).toBeNull()
  })
})
