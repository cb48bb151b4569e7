/**
 * How are the sections behind the body of a heartbeat made? A tag (1), the bytes that follow (2), those.
 *
 * For people and for records: no rule of the protocol reads them. Big endian; a section whose tag nobody
 * knows is passed over.
 */

export const U16_MAX = 0xffff
const U48_MAX = 0xffff_ffff_ffff
/** Tag and length. */
export const SECTION_HEAD_BYTES = 3

/** The first section with this tag, its head included, as a view; null when there is none, or it is cut short. */
export function sectionIn(appended: Buffer, tag: number): Buffer | null {
  for (let at = 0; at + SECTION_HEAD_BYTES <= appended.length; ) {
    const endsAt = at + SECTION_HEAD_BYTES + appended.readUInt16BE(at + 1)
    if (endsAt > appended.length) return null
    if (appended[at] === tag) return appended.subarray(at, endsAt)
    at = endsAt
  }
  return null
}

/** Reads on and on; past the end it yields nothing and remembers that. */
export class SectionReader {
  readonly #bytes: Buffer
  #at: number
  short = false

  constructor(bytes: Buffer, at: number) {
    this.#bytes = bytes
    this.#at = at
  }

  get atEnd(): boolean {
    return this.#at >= this.#bytes.length
  }

  uint(size: number): number {
    return this.#has(size) ? this.#bytes.readUIntBE(this.#step(size), size) : 0
  }

  /** Null for one that is not known. */
  number(): number | null {
    if (!this.#has(8)) return null
    const value = this.#bytes.readDoubleBE(this.#step(8))
    return Number.isFinite(value) ? value : null
  }

  text(): string {
    const length = this.uint(1)
    if (!this.#has(length)) return ''
    const at = this.#step(length)
    return this.#bytes.toString('latin1', at, at + length)
  }

  #step(size: number): number {
    const at = this.#at
    this.#at += size
    return at
  }

  #has(size: number): boolean {
    if (this.#at + size <= this.#bytes.length) return true
    this.short = true
    return false
  }
}

export function atMost(value: number, max: number): number {
  return Math.max(0, Math.min(Math.ceil(value), max))
}

export function u16(value: number): Buffer {
  const bytes = Buffer.alloc(2)
  bytes.writeUInt16BE(atMost(value, U16_MAX))
  return bytes
}

export function u32(value: number): Buffer {
  const bytes = Buffer.alloc(4)
  bytes.writeUInt32BE(atMost(value, 0xffff_ffff))
  return bytes
}

export function u48(value: number): Buffer {
  const bytes = Buffer.alloc(6)
  bytes.writeUIntBE(atMost(value, U48_MAX), 0, 6)
  return bytes
}

export function f64(value: number | null): Buffer {
  const bytes = Buffer.alloc(8)
  bytes.writeDoubleBE(value ?? Number.NaN)
  return bytes
}

/** Names and histories are plain ASCII, and shorter than this by far. */
export function shortText(text: string): Buffer {
  const bytes = Buffer.from(text, 'latin1').subarray(0, 0xff)
  return Buffer.concat([Buffer.from([bytes.length]), bytes])
}
