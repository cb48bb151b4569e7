import { describe, expect, it } from 'vitest'
import { RtpCounter, readRtp, writeRtp } from '../../src/sip/rtp.ts'

const packet = (sequence: number, ssrc = 1, payloadType = 0) =>
  writeRtp({
    marker: false,
    payloadType,
    sequence: sequence % 65_536,
    timestamp: 0,
    ssrc,
    payload: Buffer.alloc(160, 1),
  })

function countOf(
  packets: readonly [sequence: number, atMs: number, ssrc?: number][],
  endMs: number,
) {
  const counter = new RtpCounter(1_000)
  for (const [sequence, atMs, ssrc] of packets) counter.take(packet(sequence, ssrc), atMs)
  return counter.count(endMs)
}

describe('an RTP packet', () => {
  it('is written as RFC 3550 draws it, and read back', () => {
    const values = {
      marker: true,
      payloadType: 0,
      sequence: 0xfedc,
      timestamp: 0x01020304,
      ssrc: 0xa1b2c3d4,
      payload: Buffer.from([9, 8]),
    }
    const bytes = writeRtp(values)
    expect(bytes.toString('hex')).toBe('8080fedc01020304a1b2c3d40908')
    expect(readRtp(bytes)).toEqual(values)
  })

  it('is read behind contributing sources and an extension, without its padding', () => {
    const head = 'b1000001 00000000 00000001'
    const [source, extension] = ['0000000a', 'abcd0001 00000000']
    const text = `${head}${source}${extension}0102 030303`
    expect(readRtp(Buffer.from(text.replaceAll(' ', ''), 'hex'))?.payload.toString('hex')).toBe(
      '0102',
    )
  })

  it('is nothing when it is too short or of another version, whatever the bytes are', () => {
    expect(readRtp(Buffer.alloc(11, 0x80))).toBe(null)
    expect(readRtp(Buffer.alloc(20, 0x40))).toBe(null)
    for (let first = 0; first < 256; first += 1) {
      for (let length = 0; length < 40; length += 1) readRtp(Buffer.alloc(length, first))
    }
  })
})

describe('counted audio', () => {
  it('is complete when every number came, over the end of the 16 bits too', () => {
    const packets = [65_534, 65_535, 0, 1].map((n, i): [number, number] => [n, 1_020 + 20 * i])
    expect(countOf(packets, 1_080)).toEqual({
      received: 4,
      lost: 0,
      bytes: 640,
      gapMs: 20,
      firstMs: 20,
    })
  })

  it('tells lost, late and repeated packets apart', () => {
    const packets: [number, number][] = [
      [10, 1_000],
      [13, 1_060],
      [12, 1_061],
      [12, 1_062],
      [14, 1_080],
    ]
    expect(countOf(packets, 1_080)).toMatchObject({ received: 4, lost: 1, gapMs: 60 })
  })

  it('takes silence at the end for a gap, and none at all for nothing', () => {
    expect(countOf([[1, 1_000]], 3_000).gapMs).toBe(2_000)
    expect(countOf([], 3_000)).toEqual({
      received: 0,
      lost: 0,
      bytes: 0,
      gapMs: null,
      firstMs: null,
    })
  })

  it('begins anew with another sender and with a number far away', () => {
    const packets: [number, number, number?][] = [
      [1, 1_000],
      [3, 1_020],
      [40_000, 1_040, 2],
      [40_001, 1_060, 2],
      [20_000, 1_080],
      [20_001, 1_100],
    ]
    expect(countOf(packets, 1_100)).toMatchObject({ received: 6, lost: 1 })
  })

  it('does not count other codecs and what is no RTP', () => {
    const counter = new RtpCounter(0)
    counter.take(packet(1, 1, 8), 1)
    counter.take(Buffer.from('OPTIONS sip:a SIP/2.0'), 1)
    expect(counter.count(2).received).toBe(0)
  })
})
