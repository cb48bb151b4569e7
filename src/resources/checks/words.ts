/**
 * How does a probe say what came instead of the answer?
 *
 * Text from outside is made one short printable line; an errno becomes what it means for the operator.
 */
import { placeText } from '../../config/check-place.ts'
import { silence } from './probe.ts'

const QUOTED_MAX_CHARS = 80

/** One printable line in quotes, cut where it is long. */
export function quote(text: string | Buffer): string {
  const line = text
    .toString()
    .replace(/[\p{Cc}\p{Cf}\p{Zl}\p{Zp}\p{Cs}\ufffd]+/gu, ' ')
    .replaceAll('"', "'")
    .trim()
  const characters = [...line]
  const short = characters.length > QUOTED_MAX_CHARS
  return `"${short ? `${characters.slice(0, QUOTED_MAX_CHARS - 1).join('')}…` : line}"`
}

/** Why nothing came, as the end of a sentence. */
export function nothing(
  what: { code: string; errno: string | null },
  at: { address: string; port: number },
  limitMs: number,
): string {
  switch (what.code) {
    case 'refused':
      return `the port is closed, nobody listens on ${placeText(at)}`
    case 'silent':
      return silence(limitMs)
    case 'ended':
      return 'the connection was closed without an answer'
    case 'too-long':
      return 'more came than any answer can be'
    default:
      return `the system could not reach it (${what.errno ?? 'unknown'})`
  }
}
