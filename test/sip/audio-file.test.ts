import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, describe, expect, it } from 'vitest'
import { readAudioFile, readWave } from '../../src/sip/audio-file.ts'
import { packetOf } from '../../src/sip/media.ts'

const directory = mkdtempSync(join(tmpdir(), 'audio-'))
afterAll(() => rmSync(directory, { recursive: true }))

function put(bytes: Buffer): string {
  const path = join(directory, 'file')
  writeFileSync(path, bytes)
  return path
}

function wave(kind: number, rate: number, channels: number, data: Buffer): Buffer {
  const format = Buffer.alloc(16)
  format.writeUInt16LE(kind, 0)
  format.writeUInt16LE(channels, 2)
  format.writeUInt32LE(rate, 4)
  const chunk = (name: string, body: Buffer): Buffer => {
    const size = Buffer.alloc(4)
    size.writeUInt32LE(body.length)
    return Buffer.concat([Buffer.from(name), size, body, Buffer.alloc(body.length % 2)])
  }
  const list = chunk('LIST', Buffer.from('odd'))
  const inside = Buffer.concat([
    Buffer.from('WAVE'),
    list,
    chunk('fmt ', format),
    chunk('data', data),
  ])
  return chunk('RIFF', inside)
}

describe('an audio file', () => {
  it('is taken as it is when raw, and without its frame when it is WAVE', async () => {
    const samples = Buffer.from([1, 2, 3])
    expect(await readAudioFile(put(samples))).toEqual({ ok: true, samples })
    expect(await readAudioFile(put(wave(7, 8_000, 1, samples)))).toEqual({ ok: true, samples })
  })

  it('is refused with what it is instead', async () => {
    const whyOf = async (bytes: Buffer) => {
      const read = await readAudioFile(put(bytes))
      return read.ok ? null : read.why.replace(directory, '')
    }
    const data = Buffer.from([1, 2])
    expect(await whyOf(wave(1, 44_100, 2, data))).toBe(
      '/file is PCM, 44100 Hz, 2 channel(s) instead of mu-law, 8000 Hz, 1 channel',
    )
    expect(await whyOf(Buffer.alloc(0))).toBe('/file is empty')
    expect(await whyOf(wave(7, 8_000, 1, Buffer.alloc(0)))).toBe('/file is empty')
    expect(await whyOf(Buffer.from('RIFF....AVI '))).toBe('/file is RIFF, but not WAVE')
    expect(await whyOf(wave(7, 8_000, 1, data).subarray(0, 40))).toBe('/file is WAVE without data')
  })

  it('is never read beyond its end, wherever it was cut', () => {
    const whole = wave(7, 8_000, 1, Buffer.alloc(100))
    for (let length = 0; length < whole.length; length += 1) {
      expect(Object.keys(readWave(whole.subarray(0, length)))).toHaveLength(1)
    }
  })
})

describe('20 ms of audio', () => {
  it('come one after the other, from the beginning again after the end, and silent without a file', () => {
    const samples = Buffer.from(Array.from({ length: 400 }, (_, index) => index % 251))
    const played = Buffer.concat([0, 1, 2, 3, 4].map((number) => packetOf(samples, number)))
    expect(played).toEqual(Buffer.concat([samples, samples]))
    expect(packetOf(null, 7)).toEqual(Buffer.alloc(160, 0xff))
  })
})
