import { describe, expect, it } from 'vitest'
import { type BareAck, encodeBareAck } from '../../src/wire/tcp-segment.ts'

const SEGMENT: BareAck = {
  source: '192.0.2.50',
  sourcePort: 5061,
  destination: '198.51.100.7',
  destinationPort: 40_000,
  sequence: 0x8000_0001,
  acknowledgement: 0xffff_fffe,
}
const SEGMENT6: BareAck = { ...SEGMENT, source: '2001:db8::50', destination: '2001:db8:1::7%eth0' }

/** RFC 1071: the sum over a part that contains its right checksum is all ones. */
function sumOf(...parts: Buffer[]): number {
  const bytes = Buffer.concat(parts)
  let sum = 0
  for (let at = 0; at < bytes.length; at += 2) sum += bytes.readUInt16BE(at)
  while (sum > 0xffff) sum = (sum & 0xffff) + Math.floor(sum / 0x10000)
  return sum
}

/** With the checksums blanked: they are looked at by sum. */
function blanked(bytes: Buffer, ...offsets: number[]): string {
  const copy = Buffer.from(bytes)
  for (const at of offsets) copy.writeUInt16BE(0, at)
  return copy.toString('hex')
}

const TCP = '13c59c4080000001fffffffe5010ffff00000000'

describe('a bare ACK', () => {
  it('is a whole IPv4 packet with both checksums right', () => {
    const bytes = encodeBareAck(SEGMENT)
    if (bytes === null) throw new Error('not written')
    expect(blanked(bytes, 10, 36)).toBe(`45000028000040004006${'0000'}c0000232c6336407${TCP}`)
    expect(sumOf(bytes.subarray(0, 20))).toBe(0xffff)
    // The pseudo header: addresses, 0, protocol 6, length 20.
    expect(sumOf(bytes.subarray(12), Buffer.from('00060014', 'hex'))).toBe(0xffff)
  })

  it('is a whole IPv6 packet with the checksum over its pseudo header right, whatever the zone', () => {
    const bytes = encodeBareAck(SEGMENT6)
    if (bytes === null) throw new Error('not written')
    expect(blanked(bytes, 56)).toBe(
      '6000000000140640' +
        '20010db8000000000000000000000050' +
        '20010db8000100000000000000000007' +
        TCP,
    )
    expect(sumOf(bytes.subarray(8), Buffer.from('00060014', 'hex'))).toBe(0xffff)
  })

  it('is not written between addresses of two families, nor for what is no address', () => {
    expect(encodeBareAck({ ...SEGMENT, destination: '2001:db8::7' })).toBeNull()
    expect(encodeBareAck({ ...SEGMENT6, destination: '198.51.100.7' })).toBeNull()
    expect(encodeBareAck({ ...SEGMENT, source: 'sp1.example' })).toBeNull()
  })

  it('does not squeeze in a port or a number that does not fit', () => {
    expect(() => encodeBareAck({ ...SEGMENT, sourcePort: 65_536 })).toThrow(RangeError)
    expect(() => encodeBareAck({ ...SEGMENT, sequence: -1 })).toThrow(RangeError)
    expect(() => encodeBareAck({ ...SEGMENT, acknowledgement: 2 ** 32 })).toThrow(RangeError)
  })
})
