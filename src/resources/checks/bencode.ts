/**
 * How does rtpengine write down its commands and answers?
 *
 * Bencode: integers `i42e`, strings `4:ping` (length in bytes), lists `l…e`, dictionaries `d…e`. Strings
 * are UTF-8 here. Strict on the way in, because whatever comes by datagram may be anybody's: a number
 * with a leading zero, a key twice, a byte behind the end or nesting without end make it nothing. The order of
 * keys is not insisted on; rtpengine does not sort them.
 *
 * @source BEP 3; rtpengine, docs/ng_control_protocol.md
 */

export type Bencode = number | string | readonly Bencode[] | BencodeDictionary
export type BencodeDictionary = ReadonlyMap<string, Bencode>

/** Deeper than any answer of rtpengine; keeps hostile nesting from the stack. */
const DEPTH_MAX = 32
/** Ten digits are more than a datagram has bytes. */
const LENGTH_DIGITS_MAX = 10
const INTEGER_DIGITS_MAX = 17

const COLON = 0x3a
const END = 0x65

/**
 * Writes a value down.
 *
 * @throws RangeError for a number that is no safe integer: our mistake
 */
export function encodeBencode(value: Bencode): Buffer {
  const pieces: Buffer[] = []
  write(value, pieces)
  return Buffer.concat(pieces)
}

function write(value: Bencode, pieces: Buffer[]): void {
  if (typeof value === 'string') {
    const bytes = Buffer.from(value)
    pieces.push(Buffer.from(`${bytes.length}:`), bytes)
  } else if (typeof value === 'number') {
    if (!Number.isSafeInteger(value)) throw new RangeError(`${value} is no safe integer`)
    // Without the minus of minus zero.
    pieces.push(Buffer.from(`i${value === 0 ? 0 : value}e`))
  } else if (value instanceof Map) {
    pieces.push(Buffer.from('d'))
    for (const [key, item] of value) {
      write(key, pieces)
      write(item, pieces)
    }
    pieces.push(Buffer.from('e'))
  } else {
    pieces.push(Buffer.from('l'))
    for (const item of value as readonly Bencode[]) write(item, pieces)
    pieces.push(Buffer.from('e'))
  }
}

/** Reads exactly one value; null when the bytes are anything else. */
export function decodeBencode(bytes: Uint8Array): Bencode | null {
  const reader = { bytes, at: 0 }
  const value = readValue(reader, 0)
  return value === null || reader.at !== bytes.length ? null : value
}

interface Reader {
  bytes: Uint8Array
  at: number
}

function readValue(reader: Reader, depth: number): Bencode | null {
  switch (reader.bytes[reader.at]) {
    case 0x69:
      return readInteger(reader)
    case 0x6c:
      return depth >= DEPTH_MAX ? null : readList(reader, depth + 1)
    case 0x64:
      return depth >= DEPTH_MAX ? null : readDictionary(reader, depth + 1)
    default:
      return readString(reader)
  }
}

function readInteger(reader: Reader): number | null {
  reader.at += 1
  const text = digitsUntil(reader, END, INTEGER_DIGITS_MAX)
  if (text === null || !/^(0|-?[1-9]\d*)$/.test(text)) return null
  const value = Number(text)
  return Number.isSafeInteger(value) ? value : null
}

function readString(reader: Reader): string | null {
  const text = digitsUntil(reader, COLON, LENGTH_DIGITS_MAX)
  if (text === null || !/^(0|[1-9]\d*)$/.test(text)) return null
  const end = reader.at + Number(text)
  if (end > reader.bytes.length) return null
  const value = Buffer.from(reader.bytes.subarray(reader.at, end)).toString()
  reader.at = end
  return value
}

function readList(reader: Reader, depth: number): Bencode[] | null {
  reader.at += 1
  const items: Bencode[] = []
  while (reader.bytes[reader.at] !== END) {
    const item = readValue(reader, depth)
    if (item === null) return null
    items.push(item)
  }
  reader.at += 1
  return items
}

function readDictionary(reader: Reader, depth: number): BencodeDictionary | null {
  reader.at += 1
  const entries = new Map<string, Bencode>()
  while (reader.bytes[reader.at] !== END) {
    const key = readString(reader)
    if (key === null || entries.has(key)) return null
    const value = readValue(reader, depth)
    if (value === null) return null
    entries.set(key, value)
  }
  reader.at += 1
  return entries
}

/** The text up to a byte, which is passed over; null when it is not there within so many. */
function digitsUntil(reader: Reader, stop: number, max: number): string | null {
  for (let end = reader.at; end < reader.bytes.length && end <= reader.at + max; end += 1) {
    if (reader.bytes[end] !== stop) continue
    const text = Buffer.from(reader.bytes.subarray(reader.at, end)).toString('latin1')
    reader.at = end + 1
    return text
  }
  return null
}
