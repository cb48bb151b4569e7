/**
 * Which audio is in a file? PCMU/8000, one channel: raw as it is, or in a RIFF/WAVE file that says so.
 *
 * Nothing is converted: what would have to be is refused with what it is and how to make the right one.
 */
import { readWholeFile } from '../system/file.ts'

/** Some twenty minutes. */
const MAX_BYTES = 10 * 1024 * 1024

/** WAVE_FORMAT_MULAW of the registry of RIFF formats (RFC 2361). */
const MULAW = 7
const FORMATS: Readonly<Record<number, string>> = { 1: 'PCM', 6: 'A-law', 7: 'mu-law' }

export type AudioRead = { ok: true; samples: Buffer } | { ok: false; why: string; mend: string }

const MEND = 'make it with: sox IN -r 8000 -c 1 -e u-law OUT.wav'

/** @returns never rejects; the samples are those of the file, at least one */
export async function readAudioFile(path: string): Promise<AudioRead> {
  const read = await readWholeFile(path, { maxBytes: MAX_BYTES })
  if (!read.ok) return { ok: false, why: read.message, mend: 'name a file of PCMU/8000 audio' }
  const { bytes } = read
  const wave = bytes.toString('latin1', 0, 4) === 'RIFF'
  const result = wave ? readWave(bytes) : { samples: bytes }
  if ('why' in result) return { ok: false, why: `${path} ${result.why}`, mend: MEND }
  if (result.samples.length === 0) return { ok: false, why: `${path} is empty`, mend: MEND }
  return { ok: true, samples: result.samples }
}

/** The data of a WAVE file, or why it is not ours: a clause that follows its name. */
export function readWave(bytes: Buffer): { samples: Buffer } | { why: string } {
  if (bytes.toString('latin1', 8, 12) !== 'WAVE') return { why: 'is RIFF, but not WAVE' }
  let format: string | null = null
  let at = 12
  while (at + 8 <= bytes.length) {
    const name = bytes.toString('latin1', at, at + 4)
    const size = bytes.readUInt32LE(at + 4)
    const chunk = bytes.subarray(at + 8, at + 8 + size)
    if (name === 'fmt ' && chunk.length >= 16) {
      const kind = chunk.readUInt16LE(0)
      const channels = chunk.readUInt16LE(2)
      const rate = chunk.readUInt32LE(4)
      format = `${FORMATS[kind] ?? `format ${kind}`}, ${rate} Hz, ${channels} channel(s)`
      if (kind !== MULAW || channels !== 1 || rate !== 8000) {
        return { why: `is ${format} instead of mu-law, 8000 Hz, 1 channel` }
      }
    }
    if (name === 'data') {
      return format === null ? { why: 'has no format before its data' } : { samples: chunk }
    }
    // Chunks begin at even places.
    at += 8 + size + (size % 2)
  }
  return { why: 'is WAVE without data' }
}
