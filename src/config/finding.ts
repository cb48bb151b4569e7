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
      key: place.key,
      value: 'kind' in at && !SECRET_KEY.test(place.key) ? showValue(at) : null,
      why,
      mend,
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
  return shorten(tree.text)
}

/** One printable line of at most 60 characters. */
export function shorten(text: string): string {
  const line = text.replace(/[\p{Cc}\p{Cf}\p{Zl}\p{Zp}\p{Cs}]/gu, '?')
  const characters = [...line]
  if (characters.length <= VALUE_MAX_CHARS) return line
  return `${characters.slice(0, VALUE_MAX_CHARS - 1).join('')}…`
}
