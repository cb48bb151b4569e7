/**
 * What became of the last comparison of a store, and where does one that was stopped go on?
 *
 * Two small files per store below the state directory, readable by their owner alone, for names of rows
 * may be telephone numbers. Whoever compares holds a lock, so that two never write down different places.
 */
import { mkdir, unlink } from 'node:fs/promises'
import { join } from 'node:path'
import type { StoreConfig } from '../config/config.ts'
import type { VerifyPlace, VerifyTally } from '../resources/verify-tally.ts'
import { readWholeFile, replaceFile } from '../system/file.ts'

const RECORD_SCHEMA = 1
const MODE = 0o600
const MAX_BYTES = 4 * 1024 ** 2
/** What was compared longer ago says nothing about today. */
const PLACE_LIFE_MS = 86_400_000

/** A comparison that came to its end. */
export interface VerifyResult extends VerifyTally {
  schema: typeof RECORD_SCHEMA
  store: string
  kind: StoreConfig['kind']
  startedIso: string
  finishedIso: string
  /** Of work and pauses, without the time between two parts of it. */
  durationMs: number
}

/** One that did not yet. */
export interface VerifyUnfinished {
  schema: typeof RECORD_SCHEMA
  startedIso: string
  writtenIso: string
  spentMs: number
  at: VerifyPlace
  tally: VerifyTally
}

export class VerifyRecord {
  readonly #directory: string
  readonly #store: string

  constructor(stateDir: string, store: string) {
    this.#directory = join(stateDir, 'verify')
    this.#store = store
  }

  get lockPath(): string {
    return this.#path('lock')
  }

  /** @returns why files cannot be kept there; null when they can */
  async prepare(): Promise<string | null> {
    try {
      await mkdir(this.#directory, { recursive: true, mode: 0o700 })
      return null
    } catch (cause) {
      const { code } = cause as NodeJS.ErrnoException
      return `cannot make ${this.#directory}: ${code ?? 'unknown'}`
    }
  }

  /** Null when there is none that can be read. */
  async result(): Promise<VerifyResult | null> {
    const read = await this.#read<VerifyResult>('result.json')
    return read !== null && typeof read.finishedIso === 'string' && isTally(read) ? read : null
  }

  async unfinished(nowMs: number): Promise<VerifyUnfinished | null> {
    const read = await this.#read<VerifyUnfinished>('place.json')
    if (read === null || typeof read.at !== 'object' || !isTally(read.tally)) return null
    const age = nowMs - Date.parse(read.writtenIso)
    return age >= 0 && age < PLACE_LIFE_MS ? read : null
  }

  /** @returns why it could not be kept; null when it is */
  async keepUnfinished(unfinished: Omit<VerifyUnfinished, 'schema'>): Promise<string | null> {
    return await this.#write('place.json', { schema: RECORD_SCHEMA, ...unfinished })
  }

  /** Also forgets the place. */
  async keepResult(result: VerifyResult): Promise<string | null> {
    const trouble = await this.#write('result.json', result)
    await this.forgetPlace()
    return trouble
  }

  async forgetPlace(): Promise<void> {
    await unlink(this.#path('place.json')).catch(() => undefined)
  }

  async #read<Shape extends { schema: number }>(what: string): Promise<Shape | null> {
    const content = await readWholeFile(this.#path(what), { maxBytes: MAX_BYTES })
    if (!content.ok) return null
    try {
      const value = JSON.parse(content.bytes.toString('utf8')) as Shape | null
      return value?.schema === RECORD_SCHEMA ? value : null
    } catch {
      return null
    }
  }

  async #write(what: string, value: unknown): Promise<string | null> {
    const written = await replaceFile(this.#path(what), `${JSON.stringify(value)}\n`, {
      mode: MODE,
    })
    return written.ok ? null : written.message
  }

  #path(what: string): string {
    return join(this.#directory, `${this.#store}.${what}`)
  }
}

export function finishedResult(
  store: Pick<StoreConfig, 'name' | 'kind'>,
  tally: VerifyTally,
  times: Pick<VerifyResult, 'startedIso' | 'finishedIso' | 'durationMs'>,
): VerifyResult {
  return { schema: RECORD_SCHEMA, store: store.name, kind: store.kind, ...times, ...tally }
}

/** `2 of 1 000 002 rows in 3 tables differ`. */
export function verifySentence(result: Pick<VerifyResult, 'kind'> & VerifyTally): string {
  const { kind, compared, places, differences } = result
  const [item, place] = kind === 'redis' ? ['key', 'database'] : ['row', 'table']
  const all = `${plural(compared, item)} in ${plural(places, place)}`
  if (differences === 0) return `${all}: the same on both nodes`
  return `${all}: ${plural(differences, 'difference')}`
}

function plural(amount: number, word: string): string {
  const digits = String(amount).replace(/\B(?=(\d{3})+$)/g, ' ')
  return `${digits} ${word}${amount === 1 ? '' : 's'}`
}

function isTally(value: Partial<VerifyTally> | undefined): value is VerifyTally {
  const { compared, places, differences, unsettled, listed, notes } = value ?? {}
  const numbers = [compared, places, differences, unsettled]
  return (
    numbers.every((number) => typeof number === 'number') &&
    Array.isArray(listed) &&
    Array.isArray(notes)
  )
}
