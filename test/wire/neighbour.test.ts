import { describe, expect, test } from 'vitest'
import {
  decodeNeighbour,
  encodeNeighbourAnnouncement,
  encodeNeighbourProbe,
  solicitedNodeMac,
} from '../../src/wire/neighbour.ts'

const ours = { mac: '02:00:5e:10:00:01', address: 'fd99::12:3456' }
const theirs = { mac: '02:00:5e:10:00:02', address: 'fd99::12:3456' }

/** Frames as a capture shows them, field by field; `tcpdump -vv` calls both checksums right. */
const PROBE = [
  '3333ff123456 02005e100001 86dd',
  '60000000 0018 3a ff',
  '00000000000000000000000000000000 ff0200000000000000000001ff123456',
  '87 00 143e 00000000 fd990000000000000000000000123456',
]
const ANNOUNCEMENT = [
  '333300000001 02005e100001 86dd',
  '60000000 0020 3a ff',
  'fd990000000000000000000000123456 ff020000000000000000000000000001',
  '88 00 928a 20000000 fd990000000000000000000000123456 02 01 02005e100001',
]

const hex = (lines: string[]): string => lines.join('').replaceAll(' ', '')

/** A frame with some bytes changed, and the checksum mended by the sum of the differences. */
function changed(frame: Buffer, changes: [offset: number, value: number][]): Buffer {
  const copy = Buffer.from(frame)
  let sum = ~copy.readUInt16BE(56) & 0xffff
  for (const [offset, value] of changes) {
    const shift = offset % 2 === 0 ? 8 : 0
    sum += ((value - (copy[offset] ?? 0)) << shift) + 0xffff * 256
    copy[offset] = value
  }
  sum %= 0xffff
  copy.writeUInt16BE(~sum & 0xffff, 56)
  return copy
}

describe('what we send', () => {
  test('a probe is a solicitation from nobody to the group of the address', () => {
    expect(encodeNeighbourProbe(ours).toString('hex')).toBe(hex(PROBE))
  })

  test('an announcement overrides every cache and tells our MAC', () => {
    expect(encodeNeighbourAnnouncement(ours).toString('hex')).toBe(hex(ANNOUNCEMENT))
  })

  test('the Ethernet group of an address ends with its last three bytes', () => {
    expect(solicitedNodeMac('fd99::ab:cdef').toString('hex')).toBe('3333ffabcdef')
  })

  test('an address of the other family is refused', () => {
    expect(() => encodeNeighbourProbe({ ...ours, address: '192.0.2.50' })).toThrow(RangeError)
  })
})

describe('what we hear', () => {
  test('a solicitation from nobody is a probe of the one whose frame it is', () => {
    expect(decodeNeighbour(encodeNeighbourProbe(theirs))).toEqual({
      kind: 'probe',
      senderMac: theirs.mac,
      senderAddress: '::',
      targetAddress: 'fd99::12:3456',
    })
  })

  test('an unsolicited advertisement is an announcement', () => {
    expect(decodeNeighbour(encodeNeighbourAnnouncement(theirs))).toEqual({
      kind: 'announcement',
      senderMac: theirs.mac,
      senderAddress: 'fd99::12:3456',
      targetAddress: 'fd99::12:3456',
    })
  })

  test('a solicited advertisement is a reply', () => {
    const frame = changed(encodeNeighbourAnnouncement(theirs), [[58, 0x60]])
    expect(decodeNeighbour(frame)?.kind).toBe('reply')
  })

  test('an advertisement without override is heard as well', () => {
    const frame = changed(encodeNeighbourAnnouncement(theirs), [[58, 0]])
    expect(decodeNeighbour(frame)?.kind).toBe('announcement')
  })

  test('the MAC that is told counts, not that of the frame', () => {
    const frame = encodeNeighbourAnnouncement(theirs)
    frame[11] = 0x77
    expect(decodeNeighbour(frame)?.senderMac).toBe(theirs.mac)
  })

  test('an advertisement from nobody, and a probe that tells a MAC, are nothing', () => {
    const advertisement = encodeNeighbourAnnouncement(theirs)
    const zeros = Array.from({ length: 16 }, (_, index): [number, number] => [22 + index, 0])
    expect(decodeNeighbour(changed(advertisement, zeros))).toBeNull()
    const solicitation: [number, number][] = [
      [54, 135],
      [78, 1],
    ]
    expect(decodeNeighbour(changed(advertisement, solicitation))?.kind).toBe('request')
    expect(decodeNeighbour(changed(advertisement, [...zeros, ...solicitation]))).toBeNull()
  })

  test('padding behind the packet is ignored', () => {
    const padded = Buffer.concat([encodeNeighbourProbe(theirs), Buffer.alloc(10)])
    expect(decodeNeighbour(padded)?.kind).toBe('probe')
  })

  test.each([encodeNeighbourProbe(ours), encodeNeighbourAnnouncement(ours)])(
    'a frame that was cut short anywhere is nothing',
    (whole) => {
      for (let size = 0; size < whole.length; size += 1) {
        expect(decodeNeighbour(whole.subarray(0, size)), `${size} bytes`).toBeNull()
      }
    },
  )

  test('a packet that a router forwarded is nothing', () => {
    const frame = encodeNeighbourAnnouncement(theirs)
    frame[21] = 254
    expect(decodeNeighbour(frame)).toBeNull()
  })

  test('any single damaged byte behind the hop limit makes it nothing', () => {
    const whole = encodeNeighbourAnnouncement(theirs)
    for (let offset = 22; offset < whole.length; offset += 1) {
      const frame = Buffer.from(whole)
      frame[offset] = (frame[offset] ?? 0) ^ 0x15
      expect(decodeNeighbour(frame), `offset ${offset}`).toBeNull()
    }
  })

  test('another code, an option of length 0 and one beyond the end make it nothing', () => {
    const whole = encodeNeighbourAnnouncement(theirs)
    expect(decodeNeighbour(changed(whole, [[55, 1]]))).toBeNull()
    expect(decodeNeighbour(changed(whole, [[79, 0]]))).toBeNull()
    expect(decodeNeighbour(changed(whole, [[79, 2]]))).toBeNull()
    expect(decodeNeighbour(changed(whole, [[78, 9]]))?.kind).toBe('announcement')
  })
})
