/**
 * In what do the nodes differ that should be alike, and since when?
 *
 * Compares fingerprints of ours with those the peer told. A difference is shown at once and is an alarm only
 * when it lasts, so that an upgrade of one node after the other does not cry.
 */
import type { PairConfig } from '../config/config.ts'
import type { Fact } from '../wire/fact-list.ts'
import type { Raised } from './alarm.ts'
import type { StatusDocument } from './schema.ts'

export type Difference = StatusDocument['drift']['differences'][number]

/** More are counted and not named. */
const NAMED_MAX = 5
const KEPT_MAX = 200

export class DriftBook {
  readonly #afterMs: number
  #differences: { difference: Difference; sinceMs: number }[] = []
  #compared: number | null = null
  #nowMs = 0

  constructor({ drift }: Pick<PairConfig, 'drift'>) {
    this.#afterMs = drift.afterMs
  }

  /** @param theirs  null when the peer does not tell: what was found before stands */
  compare(
    { ours, theirs }: { ours: readonly Fact[]; theirs: readonly Fact[] | null },
    { nowMs, nowIso }: { nowMs: number; nowIso: string },
  ): void {
    this.#nowMs = nowMs
    if (theirs === null) {
      this.#compared = null
      return
    }
    const before = new Map(this.#differences.map((known) => [keyOf(known.difference), known]))
    const found = differencesOf(ours, theirs)
    this.#compared = new Set([...ours, ...theirs].map(keyOf)).size
    this.#differences = found.slice(0, KEPT_MAX).map((difference) => {
      const known = before.get(keyOf(difference))
      const sinceIso = known?.difference.sinceIso ?? nowIso
      return { difference: { ...difference, sinceIso }, sinceMs: known?.sinceMs ?? nowMs }
    })
  }

  get part(): StatusDocument['drift'] {
    return {
      compared: this.#compared,
      differences: this.#differences.map(({ difference }) => difference),
    }
  }

  /** Those that last, as one alarm. */
  get raised(): Raised[] {
    const lasting = this.#differences.filter(
      ({ sinceMs }) => this.#nowMs - sinceMs >= this.#afterMs,
    )
    if (lasting.length === 0) return []
    const names = lasting.slice(0, NAMED_MAX).map(({ difference }) => difference.name)
    const more = lasting.length > NAMED_MAX ? ` and ${lasting.length - NAMED_MAX} more` : ''
    const sentence = `the nodes differ in ${names.join(', ')}${more}`
    return [{ code: 'drift', about: '', sentence }]
  }
}

function differencesOf(
  ours: readonly Fact[],
  theirs: readonly Fact[],
): Omit<Difference, 'sinceIso'>[] {
  const here = new Map(ours.map((fact) => [keyOf(fact), fact]))
  const there = new Map(theirs.map((fact) => [keyOf(fact), fact]))
  const found: Omit<Difference, 'sinceIso'>[] = []
  for (const [key, fact] of new Map([...here, ...there])) {
    const { kind, name } = fact
    if (kind === 'alarm') continue
    const [mine, other] = [here.get(key), there.get(key)]
    if (mine === undefined || other === undefined) {
      const where = other === undefined ? ('only-here' as const) : ('only-there' as const)
      // What a node cannot tell now differs in nothing; a file that is not there does.
      if (kind === 'file') found.push({ kind, name, where })
    } else if (mine.fingerprint !== other.fingerprint && mine.neutral !== other.neutral) {
      found.push({ kind, name, where: 'differs' })
    }
  }
  return found
}

function keyOf({ kind, name }: Pick<Fact, 'kind' | 'name'>): string {
  return `${kind} ${name}`
}

/** For people. */
export function differenceSentence({ kind, name, where, sinceIso }: Difference): string {
  const what = kind === 'version' ? 'the release of Tandem' : name
  const how =
    where === 'differs'
      ? 'differs'
      : where === 'only-here'
        ? 'is only on this node'
        : 'is only on the peer'
  return `${what} ${how} (since ${sinceIso})`
}
