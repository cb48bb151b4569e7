/**
 * Where do mistakes go while the configuration is read?
 *
 * Everything that reads a part of the configuration is handed one `Findings` and goes on after a
 * mistake as well as it can, so that all of them are told at once.
 */
import type { Mistake } from '../errors.ts'
import type { Place, Tree } from './tree.ts'

/** Longer values are cut in messages. */
const VALUE_MAX_CHARS = 60
/** The same for keys and sentences, which only grow when a name in a file is absurd. */
const TEXT_MAX_CHARS = 300

/** Names of keys whose values may be secret and are not repeated in messages. */
const SECRET_KEY = /pass|secret|token|credential|(^|[._])key$/i

export class Findings {
  readonly #mistakes: Mistake[] = []
  readonly #told = new Set<string>()

  /** Something the agent does not start with. */
  error(at: Tree | Place, why: string, mend: string): void {
    this.#add('error', at, why, mend)
  }

  /** Something that works but deserves to be looked at. */
  warning(at: Tree | Place, why: string, mend: string): void {
    this.#add('warning', at, why, mend)
  }

  /** All mistakes found so far, in the order of finding, the same one never twice. */
  get all(): readonly Mistake[] {
    return this.#mistakes
  }

  get failed(): boolean {
    return this.#mistakes.some((mistake) => mistake.severity === 'error')
  }

  #add(severity: Mistake['severity'], at: Tree | Place, why: string, mend: string): void {
    const place = 'kind' in at ? at.place : at
    const mistake: Mistake = {
      severity,
      file: place.file,
      key: shorten(place.key, TEXT_MAX_CHARS),
      value: 'kind' in at && !SECRET_KEY.test(place.key) ? showValue(at) : null,
      // Both may repeat names from the files.
      why: shorten(why, TEXT_MAX_CHARS),
      mend: shorten(mend, TEXT_MAX_CHARS),
      ...(place.line === null ? {} : { line: place.line }),
    }
    const text = JSON.stringify(mistake)
    if (this.#told.has(text)) return
    this.#told.add(text)
    this.#mistakes.push(mistake)
  }
}

/** A value as it may stand in a message: one line, short; sections and lists are not shown. */
function showValue(tree: Tree): string | null {
  if (tree.kind !== 'scalar' || tree.isNull) return null
  return shorten(tree.text, VALUE_MAX_CHARS)
}

/** One printable line of at most so many characters. */
function shorten(text: string, maxChars: number): string {
  const line = text.replace(/[\p{Cc}\p{Cf}\p{Zl}\p{Zp}\p{Cs}]/gu, '?')
  const characters = [...line]
  if (characters.length <= maxChars) return line
  return `${characters.slice(0, maxChars - 1).join('')}…`
}
