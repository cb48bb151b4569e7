/**
 * What are the bytes of an IP address, and when are two spellings the same address?
 *
 * Texts as people write them (RFC 4291, section 2.2; RFC 4007 zones such as `fe80::1%eth0`) to
 * network-order bytes and to one spelling for comparing. No names, no prefixes.
 */

/**
 * Bytes of a numeric address, without its zone.
 *
 * @returns 4 or 16 bytes, null when the text is not an address
 */
export function addressBytes(text: string): Uint8Array | null {
  const bare = bareAddress(text)
  return bare.includes(':') ? bytesOf6(bare) : bytesOf4(bare)
}

/** The text without its zone. */
export function bareAddress(text: string): string {
  const percent = text.indexOf('%')
  return percent < 0 ? text : text.slice(0, percent)
}

/** Valid on one link only, so that its use needs a zone: fe80::/10. */
export function isLinkLocal(text: string): boolean {
  const bytes = addressBytes(text)
  return bytes?.length === 16 && bytes[0] === 0xfe && ((bytes[1] ?? 0) & 0xc0) === 0x80
}

/**
 * One spelling per address, for keys of maps; not for showing.
 *
 * @returns the same text for every spelling of an address, the text itself when it is none
 */
export function addressKey(text: string): string {
  const bytes = addressBytes(text)
  return bytes === null ? text : Buffer.from(bytes).toString('hex')
}

function bytesOf4(text: string): Uint8Array | null {
  const parts = text.split('.')
  if (parts.length !== 4) return null
  const bytes = new Uint8Array(4)
  for (const [index, part] of parts.entries()) {
    // A leading zero is octal to some programs and decimal to others: nobody's address.
    if (!/^(0|[1-9]\d{0,2})$/.test(part) || Number(part) > 255) return null
    bytes[index] = Number(part)
  }
  return bytes
}

function bytesOf6(text: string): Uint8Array | null {
  const halves = text.split('::')
  if (halves.length > 2) return null
  const head = groupsOf(halves[0] ?? '')
  const tail = halves.length === 2 ? groupsOf(halves[1] ?? '') : []
  if (head === null || tail === null) return null
  const missing = 8 - head.length - tail.length
  if (halves.length === 2 ? missing < 1 : missing !== 0) return null
  const groups = [...head, ...new Array<number>(missing).fill(0), ...tail]
  const bytes = new Uint8Array(16)
  for (const [index, group] of groups.entries()) {
    bytes[2 * index] = group >> 8
    bytes[2 * index + 1] = group & 0xff
  }
  return bytes
}

function groupsOf(text: string): number[] | null {
  if (text === '') return []
  const groups: number[] = []
  const parts = text.split(':')
  for (const [index, part] of parts.entries()) {
    if (part.includes('.') && index === parts.length - 1) {
      const last = bytesOf4(part)
      if (last === null) return null
      const [a = 0, b = 0, c = 0, d = 0] = last
      groups.push((a << 8) | b, (c << 8) | d)
    } else {
      if (!/^[0-9a-fA-F]{1,4}$/.test(part)) return null
      groups.push(Number.parseInt(part, 16))
    }
  }
  return groups
}
