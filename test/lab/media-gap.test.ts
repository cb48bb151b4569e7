/**
 * Goal: what telephones heard, said and sent past the relay is told apart, and a silence is as long as it was.
 * Method: captures written by hand, byte by byte.
 */
import { describe, expect, it } from 'vitest'
import { silenceOf } from '../../src/lab/calls.ts'
import { longestGap, readMedia } from '../../src/lab/media-gap.ts'

const RELAY = { address: '10.71.0.50', min: 30_000, max: 40_000 }
const PHONE = '10.71.0.200'

interface Packet {
  atMs: number
  from: [string, number]
  to: [string, number]
  /** 4: sent by the machine that captures. */
  type?: number
}

function capture(packets: readonly Packet[], linkType = 113): Buffer {
  const header = Buffer.alloc(24)
  header.writeUInt32LE(0xa1b2c3d4, 0)
  header.writeUInt32LE(linkType, 20)
  return Buffer.concat([header, ...packets.map(record)])
}

function record({ atMs, from, to, type = 0 }: Packet): Buffer {
  const bytes = Buffer.alloc(16 + 16 + 20 + 8)
  bytes.writeUInt32LE(Math.floor(atMs / 1000), 0)
  bytes.writeUInt32LE((atMs % 1000) * 1000, 4)
  bytes.writeUInt32LE(bytes.length - 16, 8)
  bytes.writeUInt16BE(type, 16)
  const ip = 32
  bytes.writeUInt8(0x45, ip)
  bytes.writeUInt8(17, ip + 9)
  for (const [offset, address] of [
    [12, from[0]],
    [16, to[0]],
  ] as const) {
    for (const [index, part] of address.split('.').entries()) {
      bytes.writeUInt8(Number(part), ip + offset + index)
    }
  }
  bytes.writeUInt16BE(from[1], ip + 20)
  bytes.writeUInt16BE(to[1], ip + 22)
  return bytes
}

const heard = (atMs: number, port = 30_000): Packet => ({
  ...{ atMs, from: [RELAY.address, port], to: [PHONE, 6000] },
})
const said = (atMs: number, port = 30_000): Packet => ({
  ...{ atMs, from: [PHONE, 6000], to: [RELAY.address, port], type: 4 },
})

describe('a capture at the telephones', () => {
  it('is told apart by direction and port of the relay', () => {
    const pcap = capture([heard(100), said(105), heard(120), heard(121, 30_002), said(125)])
    expect(readMedia(pcap, RELAY)).toEqual({
      heard: [
        { port: 30_000, atMs: [100, 120] },
        { port: 30_002, atMs: [121] },
      ],
      said: [{ port: 30_000, atMs: [105, 125] }],
      past: 0,
    })
  })

  it('shows media past the relay once, though the loopback shows it twice', () => {
    const direct: Packet = { atMs: 10, from: [PHONE, 6000], to: [PHONE, 6010] }
    const pcap = capture([{ ...direct, type: 4 }, direct])
    expect(readMedia(pcap, RELAY).past).toBe(1)
  })

  it('may be cut short in its last packet, but not be of another kind', () => {
    const pcap = capture([heard(100), heard(120)])
    expect(readMedia(pcap.subarray(0, -3), RELAY).heard).toEqual([{ port: 30_000, atMs: [100] }])
    expect(() => readMedia(capture([], 1), RELAY)).toThrow('not a cooked capture')
    expect(() => readMedia(Buffer.from('nothing'), RELAY)).toThrow('byte order')
  })
})

describe('a silence', () => {
  const stream = { port: 30_000, atMs: [0, 20, 40, 400, 420, 900] }

  it('is the longest one that overlaps the window', () => {
    expect(longestGap(stream, 30, 500)).toEqual({ ms: 480, atMs: 420 })
    expect(longestGap(stream, 30, 410)).toEqual({ ms: 360, atMs: 40 })
    expect(longestGap(stream, 1, 15)).toEqual({ ms: 20, atMs: 0 })
  })

  it('lasts to the end of the window when nothing is heard any more', () => {
    expect(longestGap({ port: 1, atMs: [0, 20] }, 10, 1_000)).toEqual({ ms: 980, atMs: 20 })
  })

  it('is shown for all directions that were heard before, beside the pauses of the speakers', () => {
    const media = {
      heard: [stream, { port: 30_002, atMs: [0, 20, 300] }, { port: 30_004, atMs: [350, 370] }],
      said: [{ port: 30_000, atMs: [0, 20, 70, 90, 410] }],
      past: 0,
    }
    expect(silenceOf(media, 30, 350)).toEqual({
      gapMs: { min: 280, median: 360, max: 360 },
      controlMs: 320,
      directions: 2,
    })
    expect(silenceOf({ heard: [], said: [], past: 0 }, 0, 1)).toBeNull()
  })
})
