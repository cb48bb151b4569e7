/**
 * What happened before? Changes of the role, one JSON line each, kept across restarts.
 *
 * Lives on the control thread. Bounded: at the limit the older half is dropped. A disk that is full
 * or gone costs the history, never a decision.
 */
import { appendFile, readFile, rename, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { TransitionRecord } from '../control/schema.ts'

const FILE_NAME = 'history.jsonl'
const KEPT_MAX = 2_000

export class History {
  readonly #path: string
  #records: TransitionRecord[]
  #writing: Promise<void> = Promise.resolve()
  /** The last line was cut short; what is appended must not continue it. */
  #torn: boolean

  private constructor(path: string, records: TransitionRecord[], torn: boolean) {
    this.#path = path
    this.#records = records
    this.#torn = torn
  }

  /** Reads what is there; lines that cannot be read are passed over. */
  static async open(stateDir: string): Promise<History> {
    const path = join(stateDir, FILE_NAME)
    const text = await readFile(path, 'utf8').catch(() => '')
    const records = text.split('\n').flatMap((line) => recordIn(line) ?? [])
    return new History(path, records.slice(-KEPT_MAX), text !== '' && !text.endsWith('\n'))
  }

  get last(): TransitionRecord | null {
    return this.#records.at(-1) ?? null
  }

  /** Newest first. */
  newest(limit: number): TransitionRecord[] {
    return this.#records.slice(-limit).reverse()
  }

  add(record: TransitionRecord): void {
    this.#records.push(record)
    const trim = this.#records.length > KEPT_MAX
    if (trim) this.#records = this.#records.slice(-KEPT_MAX / 2)
    // As they are now: whatever is added meanwhile is appended after this write.
    const kept = trim ? [...this.#records] : null
    this.#writing = this.#writing.then(() =>
      kept === null ? this.#append(record) : this.#rewrite(kept),
    )
  }

  async flush(): Promise<void> {
    await this.#writing
  }

  async #append(record: TransitionRecord): Promise<void> {
    const before = this.#torn ? '\n' : ''
    this.#torn = false
    await appendFile(this.#path, `${before}${JSON.stringify(record)}\n`, { mode: 0o600 }).catch(
      () => {
        // A full disk may have taken a part of the line.
        this.#torn = true
      },
    )
  }

  async #rewrite(records: readonly TransitionRecord[]): Promise<void> {
    const text = records.map((record) => `${JSON.stringify(record)}\n`).join('')
    const next = `${this.#path}.new`
    await writeFile(next, text, { mode: 0o600 })
      .then(() => rename(next, this.#path))
      .catch(() => {})
  }
}

/** Null for a line that is torn, or was never ours: one such record would spoil every answer. */
function recordIn(line: string): TransitionRecord | null {
  try {
    const read = JSON.parse(line) as TransitionRecord | null
    const texts = [read?.atIso, read?.from, read?.to, read?.reason?.code, read?.reason?.sentence]
    if (read === null || !texts.every((text) => typeof text === 'string')) return null
    const { term, outageMs } = read
    if (typeof term !== 'number') return null
    return outageMs === null || typeof outageMs === 'number' ? read : null
  } catch {
    return null
  }
}
