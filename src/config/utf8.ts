/**
 * Is this file text?
 *
 * YAML is UTF-8 without control characters. A file in another encoding, or one with a torn byte,
 * would otherwise show up as a foreign name much later, so the exact byte is named here.
 *
 * @source RFC 3629, section 4 (the well-formed byte sequences); YAML 1.2.2, section 5.1
 */

/** What is wrong at which byte, counted from 0. */
export interface TextFault {
  offset: number
  why: string
}

/** Finds the first byte that does not belong into a text file; null when there is none. */
export function findTextFault(bytes: Uint8Array): TextFault | null {
  for (let offset = 0; offset < bytes.length; ) {
    const first = bytes[offset] ?? 0
    if (first < 0x80) {
      if ((first < 0x20 && first !== 0x09 && first !== 0x0a && first !== 0x0d) || first === 0x7f) {
        return { offset, why: `is the control character 0x${hex(first)}` }
      }
      offset += 1
      continue
    }
    const length = sequenceLength(bytes, offset)
    if (length === 0) return { offset, why: `is not valid UTF-8 (0x${hex(first)})` }
    offset += length
  }
  return null
}

/** Bytes of the well-formed sequence at this offset, 0 when it is not one. */
function sequenceLength(bytes: Uint8Array, offset: number): number {
  const first = bytes[offset] ?? 0
  const second = bytes[offset + 1] ?? 0
  const follows = (index: number): boolean => ((bytes[offset + index] ?? 0) & 0xc0) === 0x80
  if (first >= 0xc2 && first <= 0xdf) return follows(1) ? 2 : 0
  if (first >= 0xe0 && first <= 0xef) {
    // Overlong forms and surrogates are not text.
    if (first === 0xe0 && second < 0xa0) return 0
    if (first === 0xed && second > 0x9f) return 0
    return follows(1) && follows(2) ? 3 : 0
  }
  if (first >= 0xf0 && first <= 0xf4) {
    if (first === 0xf0 && second < 0x90) return 0
    if (first === 0xf4 && second > 0x8f) return 0
    return follows(1) && follows(2) && follows(3) ? 4 : 0
  }
  return 0
}

function hex(byte: number): string {
  return byte.toString(16).padStart(2, '0')
}
