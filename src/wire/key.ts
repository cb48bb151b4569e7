/**
 * How is the shared key of the pair written down?
 *
 * A text file, one key per line: an id from 1 to 255, a space, 64 hexadecimal digits (256 bits).
 * Blank lines and lines that begin with `#` are skipped. The first key signs, every key is accepted:
 * that is what lets a key be replaced without a moment in which the nodes refuse each other.
 *
 * Who may read the file is not judged here (`system/key-file.ts`). No message contains a secret, nor
 * the text of a line: a line that is merely misplaced may be one.
 */
import { createHash, createHmac, createSecretKey, type KeyObject } from 'node:crypto'

/** Shared secrets are this long; the output length of SHA-256 (RFC 2104, section 3). */
export const SECRET_BYTES = 32

/** Two are needed while a key is being replaced; more is a file nobody tidied up. */
const KEYS_MAX = 4

export interface PairKey {
  /** Travels in each heartbeat, 1 to 255. */
  readonly id: number
  readonly secret: KeyObject
}

export type KeysRead =
  | { ok: true; keys: readonly PairKey[] }
  /** `why` continues "FILE, line N "; `mend` is a sentence. `line` counts from 1, 0 is the whole file. */
  | { ok: false; line: number; why: string; mend: string }

/**
 * Makes a key of 32 random bytes. The bytes are copied; the caller may wipe its own.
 *
 * @throws RangeError when the id or the length is out of range: our mistake
 */
export function makeKey(id: number, secret: Uint8Array): PairKey {
  if (!Number.isInteger(id) || id < 1 || id > 255) throw new RangeError(`key id ${id}`)
  if (secret.length !== SECRET_BYTES) throw new RangeError(`a secret of ${secret.length} bytes`)
  return { id, secret: createSecretKey(secret) }
}

/** HMAC-SHA256 of some bytes: what makes a datagram one of the pair. */
export function signatureOf(bytes: Uint8Array, { secret }: PairKey): Buffer {
  return createHmac('sha256', secret).update(bytes).digest()
}

const NEW_KEY = 'Make a new one with "tandem key new" and copy it to the peer.'

/** Reads the text of a key file. Never throws. */
export function parseKeys(text: string): KeysRead {
  const keys: PairKey[] = []
  const lines = text.split('\n')
  for (const [index, whole] of lines.entries()) {
    const line = whole.trim()
    if (line === '' || line.startsWith('#')) continue
    const fault = (why: string, mend: string): KeysRead => ({
      ok: false,
      line: index + 1,
      why,
      mend,
    })
    const [idText, secretText, ...rest] = line.split(/\s+/)
    const id = /^\d{1,3}$/.test(idText ?? '') ? Number(idText) : 0
    if (secretText === undefined || rest.length > 0 || id < 1 || id > 255)
      return fault(
        'is not "ID SECRET" with an id from 1 to 255',
        'Write one key per line, as "tandem key new" does.',
      )
    if (!/^[0-9a-fA-F]*$/.test(secretText))
      return fault('has a secret that is not hexadecimal', NEW_KEY)
    if (secretText.length !== 2 * SECRET_BYTES)
      return fault(
        `has a secret of ${secretText.length} hexadecimal digits, ${2 * SECRET_BYTES} are needed`,
        NEW_KEY,
      )
    if (/^(.)\1*$/.test(secretText)) return fault('has a secret that is a placeholder', NEW_KEY)
    if (keys.some((key) => key.id === id))
      return fault(`repeats the key id ${id}`, 'Give each key an id of its own, or drop one.')
    if (keys.length === KEYS_MAX)
      return fault(
        `is key number ${KEYS_MAX + 1}`,
        'Drop old keys with "tandem key rotate --finish".',
      )
    keys.push({ id, secret: createSecretKey(Buffer.from(secretText, 'hex')) })
  }
  if (keys.length === 0) return { ok: false, line: 0, why: 'holds no key', mend: NEW_KEY }
  return { ok: true, keys }
}

/** The text of a key file. It contains the secrets: for a 0600 file only. */
export function formatKeys(keys: readonly PairKey[]): string {
  const lines = keys.map((key) => `${key.id} ${key.secret.export().toString('hex')}`)
  return [
    '# Shared key of the pair. The first key signs, all are accepted. Keep it secret (mode 0600).',
    ...lines,
    '',
  ].join('\n')
}

/**
 * Eight hexadecimal digits by which people compare keys of two nodes. They tell nothing of use about
 * a random secret of 256 bits.
 */
export function fingerprint(key: PairKey): string {
  return createHash('sha256')
    .update('tandem key fingerprint\0')
    .update(key.secret.export())
    .digest('hex')
    .slice(0, 8)
}

/** The id for one more key: the lowest above the highest that is free, or else the lowest free one. */
export function nextKeyId(keys: readonly PairKey[]): number {
  const taken = new Set(keys.map((key) => key.id))
  const above = Math.max(0, ...taken) + 1
  if (above <= 255) return above
  let id = 1
  while (taken.has(id)) id += 1
  return id
}

/**
 * Whether one key was made after the other, by their ids alone.
 *
 * Ids count up and begin again after 255, so the nearer way round tells (as serial numbers, RFC 1982).
 */
export function isNewerKey(key: PairKey, than: PairKey): boolean {
  const ahead = (key.id - than.id + 255) % 255
  return ahead > 0 && ahead < 128
}
