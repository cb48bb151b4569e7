/**
 * What happened before? Changes of the role and what takeovers may have lost, one JSON line each, kept
 * across restarts.
 *
 * What was lost becomes known in two steps: a later line about the same takeover and store stands for
 * the earlier one.
 * Lives on the control thread. Bounded: at the limit the older half is dropped. A disk that is full
 * or gone costs the history, never a decision.
 */
import { appendFile, readFile, rename, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { LossRecord, TransitionRecord } from '../control/schema.ts'

const FILE_NAME = 'history.jsonl'
const KEPT_MAX = 2_000
const LOSSES_KEPT_MAX = 200

export class History {
  readonly #path: string
  #records: TransitionRecord[]
  #losses: LossRecord[] = []
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
    const lines = text.split('\n')
    const records = lines.flatMap((line) => recordIn(line) ?? [])
    const torn = text !== '' && !text.endsWith('\n')
    const history = new History(path, records.slice(-KEPT_MAX), torn)
    for (const line of lines) {
      const loss = lossIn(line)
      if (loss !== null) history.#takeLoss(loss)
    }
    return history
  }

  get last(): TransitionRecord | null {
    return this.#records.at(-1) ?? null
  }

  /** Newest first. */
  newest(limit: number): TransitionRecord[] {
    return this.#records.slice(-limit).reverse()
  }

  /** Newest first. */
  newestLosses(limit: number): LossRecord[] {
    return this.#losses.slice(-limit).reverse()
  }

  /** The newest of each store, where that is not settled. */
  get openLosses(): LossRecord[] {
    const newest = new Map(this.#losses.map((loss) => [loss.store, loss]))
    return [...newest.values()].filter((loss) => !loss.settled)
  }

  /** @returns the record as it stands now, with what an earlier one of the same loss knew */
  addLoss(loss: LossRecord): LossRecord {
    const known = this.#takeLoss(loss)
    this.#writing = this.#writing.then(() => this.#append({ loss: known }))
    return known
  }

  #takeLoss(loss: LossRecord): LossRecord {
    const before = this.#losses.find(
      ({ by, store, term }) => by === loss.by && store === loss.store && term === loss.term,
    )
    const { atIso, overMs } = before ?? loss
    const confirmedSafe = loss.confirmedSafe || before?.confirmedSafe === true
    const known = { ...loss, atIso, overMs: loss.overMs ?? overMs, confirmedSafe }
    this.#losses = [...this.#losses.filter((other) => other !== before), known]
    this.#losses = this.#losses.slice(-LOSSES_KEPT_MAX)
    return known
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

  async #append(record: TransitionRecord | { loss: LossRecord }): Promise<void> {
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
    const lines = [...this.#losses.map((loss) => ({ loss })), ...records]
    const text = lines.map((line) => `${JSON.stringify(line)}\n`).join('')
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

/** Null for a line about something else. */
function lossIn(line: string): LossRecord | null {
  try {
    const loss = (JSON.parse(line) as { loss?: LossRecord } | null)?.loss
    const texts = [loss?.atIso, loss?.by, loss?.store, loss?.kind, loss?.sentence]
    if (loss === undefined || !texts.every((text) => typeof text === 'string')) return null
    const counted = [loss.most, loss.exact].every((n) => n === null || typeof n === 'number')
    return typeof loss.term === 'number' && counted ? loss : null
  } catch {
    return null
  }
}
