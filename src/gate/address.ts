/**
 * What does an address look like to a packet filter? Text to bytes, nothing else.
 *
 * The text was checked when the configuration was read; here it is only taken apart.
 */

/** An address the gate guards. */
export interface GuardedAddress {
  address: string
  family: 4 | 6
}

/**
 * An address as it stands in a packet.
 *
 * @returns 4 or 16 bytes in network order
 */
export function addressBytes(address: string): Buffer {
  if (!address.includes(':')) return Buffer.from(address.split('.').map(Number))
  // The last 32 bits may be written as IPv4: make two groups of them.
  const plain = address.replace(/(\d+)\.(\d+)\.(\d+)\.(\d+)$/, (_whole, ...parts: string[]) => {
    const [a = 0, b = 0, c = 0, d = 0] = parts.slice(0, 4).map(Number)
    return `${((a << 8) | b).toString(16)}:${((c << 8) | d).toString(16)}`
  })
  const [head = '', tail] = plain.split('::')
  const groups = (text: string): string[] => (text === '' ? [] : text.split(':'))
  const first = groups(head)
  const last = tail === undefined ? [] : groups(tail)
  const zeros = new Array<string>(8 - first.length - last.length).fill('0')
  const bytes = Buffer.alloc(16)
  for (const [index, group] of [...first, ...zeros, ...last].entries()) {
    bytes.writeUInt16BE(Number.parseInt(group, 16), 2 * index)
  }
  return bytes
}
