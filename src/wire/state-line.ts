/**
 * How is "what this node is now" written down for programs that have no time to ask?
 *
 * The heart writes one line of fixed length over the beginning of `<run>/state` (tmpfs) many times a
 * second; `ngcp-check-active` reads it with shell builtins. Nothing here touches the file or a clock.
 *
 * 128 bytes, ASCII, fields separated by one space:
 *
 *   | field | content                                                                   |
 *   | ----- | ------------------------------------------------------------------------- |
 *   | 1     | `tandem1`: name and version of the format                                 |
 *   | 2     | stamp: 1 to 9 digits, another one for every line                          |
 *   | 3     | word: `active`, `standby`, `transition` or `unknown`                      |
 *   | 4     | role: `standby`, `elect`, `take`, `active` or `demoting`                  |
 *   | 5     | valid until: centiseconds of the boot clock, 1 to 12 digits, rounded down |
 *   | 6     | term, 1 to 15 digits                                                      |
 *   | 7..11 | fields 2 to 6 once more                                                   |
 *   | 12    | `.`, after spaces that fill the line                                      |
 *   | end   | newline, byte 128                                                         |
 *
 * Torn reads: a shell reads byte by byte, in order, while the heart writes. The stamps only grow, so
 * when the second one equals the first, nothing was written in between and the first copy is whole.
 * Without the stamp a reader that is held up twice can find the same mixture twice (seen in a test,
 * about once in a hundred reads against a writer that never rests). The rest of the second copy
 * notices what a write in the middle of being done could leave. A reader that finds the copies
 * different reads again.
 *
 * Time: /proc/uptime shows the boot clock in centiseconds rounded down. With `validUntil` rounded
 * down too, `uptime < validUntil` implies `now < validUntil`: "active" is never claimed after the end
 * of the lease. A word that claims to be valid for longer than `STATE_VALID_MAX_MS` is garbage, for
 * instance of an earlier boot.
 */
import type { Role } from '../core/heartbeat.ts'

/** What a node is, in the platform's words. */
export type StateWord = 'active' | 'standby' | 'transition' | 'unknown'

export interface StateLine {
  /** Microseconds of the boot clock when it was made, the last nine digits. */
  stamp: number
  word: StateWord
  role: Role
  /** Milliseconds of the boot clock; the reader says unknown from then on. */
  validUntilMs: number
  term: number
}

/** Length of the line, newline included. */
export const STATE_LINE_BYTES = 128

/** How long a word lives that is not written again. Above any pause of a healthy loop. */
export const STATE_FRESH_MS = 2_000

/** A reader does not believe in words that are valid for longer. */
export const STATE_VALID_MAX_MS = 10_000

/** Wraps after 1000 s, which no reader takes. */
const STAMP_MODULUS = 1_000_000_000

const WORDS: readonly string[] = [
  'active',
  'standby',
  'transition',
  'unknown',
] satisfies StateWord[]
const ROLES: readonly string[] = ['standby', 'elect', 'take', 'active', 'demoting'] satisfies Role[]

/**
 * What may be said of a node now.
 *
 * @param serving       the gate was opened in this activation and not shut since
 * @param leaseUntilMs  boot clock; "active" is valid no longer than this
 */
export function stateLineOf(now: {
  role: Role
  serving: boolean
  term: number
  nowMs: number
  leaseUntilMs: number
}): StateLine {
  const { role, serving, term, nowMs, leaseUntilMs } = now
  const word = stateWordOf(role, serving)
  const freshUntilMs = nowMs + STATE_FRESH_MS
  const validUntilMs = word === 'active' ? Math.min(leaseUntilMs, freshUntilMs) : freshUntilMs
  const stamp = Math.floor(nowMs * 1000) % STAMP_MODULUS
  return { stamp, word, role, validUntilMs, term }
}

/** The role in the platform's words: an active that does not serve yet is in transition. */
export function stateWordOf(role: Role, serving: boolean): StateWord {
  switch (role) {
    case 'active':
      return serving ? 'active' : 'transition'
    case 'standby':
    case 'demoting':
      // What is being demoted serves no more and grants: to scripts it is a standby.
      return 'standby'
    case 'elect':
    case 'take':
      return 'transition'
  }
}

/**
 * Writes the line.
 *
 * @param into  at least 128 bytes, to be used again and again by a caller that must not allocate
 * @returns     `into`
 */
export function encodeStateLine(
  line: StateLine,
  into: Buffer = Buffer.alloc(STATE_LINE_BYTES),
): Buffer {
  const untilCs = Math.max(0, Math.floor(line.validUntilMs / 10))
  const fields = `${line.stamp} ${line.word} ${line.role} ${untilCs} ${line.term}`
  into.fill(' ', 0, STATE_LINE_BYTES)
  into.write(`tandem1 ${fields} ${fields}`, 0, STATE_LINE_BYTES - 2, 'latin1')
  into.write('.\n', STATE_LINE_BYTES - 2, 2, 'latin1')
  return into
}

/**
 * Reads the line.
 *
 * @returns null when it is torn, cut short or not ours; the moment is a whole number of centiseconds
 */
export function decodeStateLine(text: string): StateLine | null {
  const end = text.indexOf('\n')
  if (end !== STATE_LINE_BYTES - 1) return null
  const fields = text.slice(0, end).split(/ +/)
  const [format, stamp, word, role, until, term, ...rest] = fields
  if (fields.length !== 12 || format !== 'tandem1' || rest[5] !== '.') return null
  if (rest.slice(0, 5).join(' ') !== `${stamp} ${word} ${role} ${until} ${term}`) return null
  if (!/^\d{1,9}$/.test(stamp ?? '')) return null
  if (!WORDS.includes(word ?? '') || !ROLES.includes(role ?? '')) return null
  if (!/^\d{1,12}$/.test(until ?? '') || !/^\d{1,15}$/.test(term ?? '')) return null
  return {
    stamp: Number(stamp),
    word: word as StateWord,
    role: role as Role,
    validUntilMs: Number(until) * 10,
    term: Number(term),
  }
}

/**
 * What a reader may say at a moment.
 *
 * @param uptimeCs  first number of /proc/uptime in centiseconds, read after the line
 */
export function believedWord(line: StateLine | null, uptimeCs: number): StateWord {
  if (line === null) return 'unknown'
  const leftMs = line.validUntilMs - uptimeCs * 10
  return leftMs > 0 && leftMs <= STATE_VALID_MAX_MS ? line.word : 'unknown'
}
