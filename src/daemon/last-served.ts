/**
 * Who served last, and may our stores lack what was confirmed there? Kept on disk, for the double outage:
 * the peer serves alone, dies, and this node boots with older data and nobody to ask.
 *
 * A standby says on disk that the peer serves from the moment it does, not only when its own stores stop
 * following: a power cut leaves no time to write that down, and what the peer confirmed afterwards is
 * unknown for ever. So after a start with that word the node is *behind* until its stores follow the
 * peer with nothing left to apply, or until it was promoted. What that means for the right to serve is
 * the core's (`core/fitness.ts`); an agent that runs is never put behind by a link that breaks.
 *
 * That we serve is written when the stores are ordered to take writes, not when they do: an agent that is
 * killed in between would come back behind a peer that knows no better. The line bears our term then, for
 * a database does not know to which history its data belongs, and positions are compared by it.
 *
 * The file has one line of fixed length that is overwritten in place: it needs no room on a full disk.
 * One that cannot be read counts as "the peer".
 */
import { constants } from 'node:fs'
import { mkdir, open } from 'node:fs/promises'
import { join } from 'node:path'
import { readWholeFile } from '../system/file.ts'
import { inTime } from './in-time.ts'

const FILE_NAME = 'last-served'
const LINE_BYTES = 64
const AGAIN_MS = 5_000

/** What a start finds. */
export interface ServedBefore {
  /** The peer served last: our stores may lack what it confirmed. */
  behind: boolean
  /** Since when it served, as far as we know; null when that cannot be read, or does not apply. */
  sinceIso: string | null
  /** Term in which we served last, when we did; 0 when the history of our data is not known. */
  term: number
}

/** Reads what the last run left; a first start is not behind. */
export async function readServedBefore(stateDir: string): Promise<ServedBefore> {
  const read = await readWholeFile(join(stateDir, FILE_NAME), { maxBytes: 2 * LINE_BYTES })
  if (!read.ok) return { behind: read.code !== 'HA_FILE_MISSING', sinceIso: null, term: 0 }
  const line = read.bytes.toString('latin1')
  const found = /^(us|peer) (\d{4}-\d\d-\d\dT[\d:.]+Z)(?: (\d{1,15}))? *\n$/.exec(line)
  if (found === null) return { behind: true, sinceIso: null, term: 0 }
  return { behind: found[1] === 'peer', sinceIso: found[2] ?? null, term: Number(found[3] ?? 0) }
}

/** What one look at a store says about its data. */
export interface FollowLook {
  following: boolean
  backlog: number | null
}

export interface LastServedOptions {
  stateDir: string
  before: ServedBefore
  nowIso: () => string
  wait: (ms: number) => Promise<void>
  /** The stores have caught up, or are the newest by order: this node is behind no longer. */
  caughtUp: () => void
  /** The word could not be written; it is tried again. Null once it is there. */
  trouble: (message: string | null) => void
}

export class LastServed {
  readonly #options: LastServedOptions
  #behind: boolean
  /** As written or being written: `us` with a term, or `peer`; null before the first word of this run. */
  #word: string | null = null
  #writing: Promise<void> = Promise.resolve()
  #stopped = false

  constructor(options: LastServedOptions) {
    this.#options = options
    this.#behind = options.before.behind
  }

  get behind(): boolean {
    return this.#behind
  }

  /** The peer is active and we are not. */
  peerServes(): void {
    this.#write('peer', '')
  }

  /** Our stores are to take writes: whoever decided that knew. */
  weServe(term: number): void {
    this.#write('us', ` ${term}`)
    this.#endBehind()
  }

  /** Waits until the newest word is on disk, or could not be written at once. */
  async written(limitMs: number): Promise<void> {
    await inTime(this.#writing, limitMs)
  }

  /** All stores were looked at while the peer serves. */
  looked(stores: readonly FollowLook[]): void {
    if (!this.#behind || stores.length === 0) return
    if (stores.every(({ following, backlog }) => following && (backlog ?? 0) === 0)) {
      this.#endBehind()
    }
  }

  /** Waits for what is being written; tries no more. */
  async stop(limitMs: number): Promise<void> {
    this.#stopped = true
    await inTime(this.#writing, limitMs)
  }

  #endBehind(): void {
    if (!this.#behind) return
    this.#behind = false
    this.#options.caughtUp()
  }

  #write(who: 'us' | 'peer', term: string): void {
    const word = `${who}${term}`
    if (word === this.#word) return
    this.#word = word
    const line = `${who} ${this.#options.nowIso()}${term}`
    this.#writing = this.#writing.then(() => this.#untilWritten(word, line))
  }

  async #untilWritten(word: string, line: string): Promise<void> {
    for (let failed = false; this.#word === word; failed = true) {
      const trouble = await writeLine(this.#options.stateDir, line)
      if (trouble === null) {
        if (failed) this.#options.trouble(null)
        return
      }
      if (!failed) this.#options.trouble(trouble)
      if (this.#stopped) return
      await this.#options.wait(AGAIN_MS)
    }
  }
}

/** @returns what went wrong; null when it is on disk */
async function writeLine(stateDir: string, line: string): Promise<string | null> {
  try {
    await mkdir(stateDir, { recursive: true, mode: 0o700 })
    const flags = constants.O_WRONLY | constants.O_CREAT | constants.O_DSYNC
    const file = await open(join(stateDir, FILE_NAME), flags, 0o600)
    try {
      await file.write(Buffer.from(`${line.padEnd(LINE_BYTES - 1)}\n`, 'latin1'), 0, LINE_BYTES, 0)
    } finally {
      await file.close()
    }
    return null
  } catch (cause) {
    return cause instanceof Error ? cause.message : String(cause)
  }
}
