/**
 * How does a log line reach the journal with its facts as fields of their own?
 *
 * By journald's native protocol: one datagram with `FIELD=value` lines. So an operator filters by what is
 * meant (`MESSAGE_ID`, `TANDEM_TERM`) and not by words that may change. It is sent at once or not at all: a
 * journal that stands still holds up nobody, and the line goes the ordinary way.
 *
 * @source systemd's "Native Journal Protocol" and systemd.journal-fields(7)
 */
import { fstatSync } from 'node:fs'

export const JOURNAL_SOCKET = '/run/systemd/journal/socket'

/** Facts of a line; what is null is left out. */
export type LogFields = Readonly<Record<string, string | number | boolean | null>>

/**
 * Whether a descriptor is the journal's: systemd names device and inode of what it connected, and a service
 * may have been given another output since.
 *
 * @param variable  JOURNAL_STREAM
 */
export function isJournal(descriptor: number, variable: string | undefined): boolean {
  if (variable === undefined) return false
  try {
    const { dev, ino } = fstatSync(descriptor, { bigint: true })
    return variable === `${dev}:${ino}`
  } catch {
    return false
  }
}

/** One entry; names are those of the protocol: capitals, digits and underscores. */
export function encodeEntry(fields: LogFields): Buffer {
  const pieces: Buffer[] = []
  for (const [name, value] of Object.entries(fields)) {
    if (value === null) continue
    const text = Buffer.from(String(value), 'utf8')
    if (!text.includes(0x0a)) {
      pieces.push(Buffer.from(`${name}=`), text, Buffer.from('\n'))
      continue
    }
    // With lines in it the value is told by its length.
    const length = Buffer.alloc(8)
    length.writeBigUInt64LE(BigInt(text.length))
    pieces.push(Buffer.from(`${name}\n`), length, text, Buffer.from('\n'))
  }
  return Buffer.concat(pieces)
}
