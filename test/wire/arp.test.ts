import { describe, expect, test } from 'vitest'
import { decodeArp, encodeArpAnnouncement, encodeArpProbe } from '../../src/wire/arp.ts'

const ours = { mac: '02:00:5e:10:00:01', address: '192.0.2.50' }

/** Frames as a capture shows them, field by field. */
const frames = {
  probe: [
    'ffffffffffff 02005e100001 0806',
    '0001 0800 06 04 0001 02005e100001 00000000 000000000000 c0000232',
  ],
  announcementRequest: [
    'ffffffffffff 02005e100001 0806',
    '0001 0800 06 04 0001 02005e100001 c0000232 000000000000 c0000232',
  ],
  announcementReply: [
    'ffffffffffff 02005e100001 0806',
    '0001 0800 06 04 0002 02005e100001 c0000232 02005e100001 c0000232',
  ],
  /** The holder answers our probe: to us, for nobody's address. */
  answer: [
    '02005e100001 02005e100002 0806',
    '0001 0800 06 04 0002 02005e100002 c0000232 02005e100001 00000000',
  ],
  request: [
    'ffffffffffff 02005e100003 0806',
    '0001 0800 06 04 0001 02005e100003 c0000203 000000000000 c0000232',
  ],
}

const hex = (lines: string[]): string => lines.join('').replaceAll(' ', '')
const bytes = (lines: string[]): Buffer => Buffer.from(hex(lines), 'hex')

describe('what we send', () => {
  test('a probe is a broadcast request that names no sender address', () => {
    expect(encodeArpProbe(ours).toString('hex')).toBe(hex(frames.probe))
  })

  test('an announcement in request form asks for the address it claims', () => {
    const frame = encodeArpAnnouncement(ours, 'request')
    expect(frame.toString('hex')).toBe(hex(frames.announcementRequest))
  })

  test('an announcement in reply form answers everybody without having been asked', () => {
    const frame = encodeArpAnnouncement(ours, 'reply')
    expect(frame.toString('hex')).toBe(hex(frames.announcementReply))
  })

  test('an address of the other family is refused', () => {
    expect(() => encodeArpProbe({ ...ours, address: 'fd99::50' })).toThrow(RangeError)
    expect(() => encodeArpProbe({ ...ours, mac: '02:00' })).toThrow(RangeError)
  })
})

describe('what we hear', () => {
  const second = '02:00:5e:10:00:02'
  test.each([
    ['probe', frames.probe, ours.mac, '0.0.0.0', '192.0.2.50'],
    ['announcement', frames.announcementRequest, ours.mac, '192.0.2.50', '192.0.2.50'],
    ['announcement', frames.announcementReply, ours.mac, '192.0.2.50', '192.0.2.50'],
    ['reply', frames.answer, second, '192.0.2.50', '0.0.0.0'],
    ['request', frames.request, '02:00:5e:10:00:03', '192.0.2.3', '192.0.2.50'],
  ])('a %s is told from the others', (kind, frame, senderMac, senderAddress, targetAddress) => {
    const message = { kind, senderMac, senderAddress, targetAddress }
    expect(decodeArp(bytes(frame))).toEqual(message)
    const padded = Buffer.concat([bytes(frame), Buffer.alloc(18)])
    expect(decodeArp(padded)).toEqual(message)
  })

  test('a frame that was cut short anywhere is nothing', () => {
    const whole = bytes(frames.probe)
    for (let size = 0; size < whole.length; size += 1) {
      expect(decodeArp(whole.subarray(0, size)), `${size} bytes`).toBeNull()
    }
  })

  test.each([
    ['another Ethernet type', 12],
    ['another hardware', 15],
    ['another protocol', 16],
    ['another size of MAC', 18],
    ['another size of address', 19],
    ['another operation', 21],
  ])('%s is nothing', (_name, offset) => {
    const frame = bytes(frames.probe)
    frame[offset] = 0x77
    expect(decodeArp(frame)).toBeNull()
  })
})
