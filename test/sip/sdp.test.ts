import { describe, expect, it } from 'vitest'
import { readSdp, writeSdp } from '../../src/sip/sdp.ts'

const OFFER = [
  'v=0',
  'o=- 1 1 IN IP4 10.0.0.1',
  's=-',
  'c=IN IP4 10.0.0.1',
  't=0 0',
  'm=video 5000 RTP/AVP 96',
  'a=inactive',
  'm=audio 4000 RTP/AVP 8 0 101',
  'c=IN IP4 10.0.0.2',
  'a=rtpmap:8 PCMA/8000',
]

const read = (lines: readonly string[]) => readSdp(Buffer.from(lines.join('\r\n')))

describe('a session description', () => {
  it('is read where the audio stream has its own address', () => {
    expect(read(OFFER)).toMatchObject({
      ok: true,
      audio: { place: { address: '10.0.0.2', port: 4000 }, takes: true, sends: true },
    })
  })

  it('says who takes and who sends, also the old way of holding', () => {
    const way = (...lines: string[]) => {
      const result = read([...OFFER, ...lines])
      return result.ok ? [result.audio.takes, result.audio.sends] : null
    }
    expect(way('a=sendonly')).toEqual([false, true])
    expect(way('a=recvonly')).toEqual([true, false])
    expect(way('a=inactive')).toEqual([false, false])
    const held = read(OFFER.map((line) => line.replace('10.0.0.2', '0.0.0.0')))
    expect(held).toMatchObject({ ok: true, audio: { takes: false } })
  })

  it('is refused with what it lacks', () => {
    const without = (text: string, instead = '') =>
      read(OFFER.map((line) => line.replace(text, instead)))
    expect(without('8 0 101', '8 101')).toEqual({ ok: false, why: 'its audio is not PCMU/8000' })
    expect(without('audio 4000', 'audio 0')).toEqual({ ok: false, why: 'it offers no audio' })
    expect(without('RTP/AVP 8', 'RTP/SAVP 8')).toEqual({
      ok: false,
      why: 'its audio is not PCMU/8000',
    })
    expect(read([])).toEqual({ ok: false, why: 'it carries no SDP' })
    expect(read(OFFER.filter((line) => !line.startsWith('c=')))).toEqual({
      ok: false,
      why: 'it names no address for its audio',
    })
  })

  it('is written as an offer, and as an answer that refuses every other stream in its place', () => {
    const own = { place: { address: 'fd83::1', port: 4002 }, id: 7, version: 2 }
    const audio = 'm=audio 4002 RTP/AVP 0\r\na=rtpmap:0 PCMU/8000\r\na=ptime:20\r\na=sendrecv\r\n'
    const head = 'v=0\r\no=tandem 7 2 IN IP6 fd83::1\r\ns=-\r\nc=IN IP6 fd83::1\r\nt=0 0\r\n'
    expect(writeSdp(own).toString()).toBe(head + audio)
    const offer = read([...OFFER, 'm=audio 4004 RTP/AVP 0'])
    if (!offer.ok) throw new Error(offer.why)
    expect(writeSdp(own, offer.streams).toString()).toBe(
      `${head}m=video 0 RTP/AVP 96\r\n${audio}m=audio 0 RTP/AVP 0\r\n`,
    )
  })
})
