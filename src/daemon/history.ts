/**
 * What happened before? Changes of the role and what takeovers may have lost, one JSON line each, kept
 * across restarts.
 *
 * What was lost becomes known in two steps: a later line about the same takeover and store stands for
 * the earlier one. What was done in a takeover comes after its line, one line per step.
 * Lives on the control thread. Bounded: at the limit the older half is dropped. A disk that is full
 * or gone costs the history, never a decision.
 */
import { appendFile, readFile, rename, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { LossRecord, TakenStep, TransitionRecord } from '../control/schema.ts'

const FILE_NAME = 'history.jsonl'
const KEPT_MAX = 2_000
const LOSSES_KEPT_MAX = 200
/** Of one takeover. */
const STEPS_KEPT_MAX = 60

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
    const records = recordsIn(lines)
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

  /** The newest that tells how long nobody served. */
  get lastTakeover(): TransitionRecord | null {
    return this.#records.findLast(({ outageMs }) => outageMs !== null) ?? null
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

  /** Something was done in the takeover of this term; passed over when none is known. */
  addStep(term: number, step: TakenStep): void {
    if (!putStep(this.#records, term, step)) return
    this.#writing = this.#writing.then(() => this.#append({ step: { term, ...step } }))
  }

  async flush(): Promise<void> {
    await this.#writing
  }

  async #append(
    record: TransitionRecord | { loss: LossRecord } | { step: StepLine },
  ): Promise<void> {
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

type StepLine = TakenStep & { term: number }

function recordsIn(lines: readonly string[]): TransitionRecord[] {
  const records: TransitionRecord[] = []
  for (const line of lines) {
    const record = recordIn(line)
    if (record !== null) {
      records.push(record)
      continue
    }
    const step = stepIn(line)
    if (step !== null)
      putStep(records, step.term, { afterMs: step.afterMs, sentence: step.sentence })
  }
  return records
}

/** With the newest change that made this node active in that term. @returns false when there is none */
function putStep(records: TransitionRecord[], term: number, step: TakenStep): boolean {
  const index = records.findLastIndex((record) => record.term === term && record.to === 'active')
  const record = records[index]
  if (record === undefined || (record.steps?.length ?? 0) >= STEPS_KEPT_MAX) return false
  records[index] = { ...record, steps: [...(record.steps ?? []), step] }
  return true
}

function isStepList(value: unknown): boolean {
  return Array.isArray(value) && value.every(isStep)
}

function isStep(value: unknown): boolean {
  const { afterMs, sentence } = (value ?? {}) as Partial<TakenStep>
  return typeof afterMs === 'number' && typeof sentence === 'string'
}

/** Null for a line about something else. */
function stepIn(line: string): StepLine | null {
  try {
    const step = (JSON.parse(line) as { step?: StepLine } | null)?.step
    return isStep(step) && typeof step?.term === 'number' ? step : null
  } catch {
    return null
  }
}

/** Null for a line that is torn, or was never ours: one such record would spoil every answer. */
function recordIn(line: string): TransitionRecord | null {
  try {
    const read = JSON.parse(line) as TransitionRecord | null
    const texts = [read?.atIso, read?.from, read?.to, read?.reason?.code, read?.reason?.sentence]
    if (read === null || !texts.every((text) => typeof text === 'string')) return null
    const { term, outageMs, steps } = read
    if (typeof term !== 'number' || (steps !== undefined && !isStepList(steps))) return null
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
