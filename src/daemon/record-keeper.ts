/**
 * When is a record kept, and where? At each change of the role, with what was before and what came soon
 * after; or when an operator asks.
 *
 * Lives on the control thread: the heart only says where in the ring the record begins and ends. Files are
 * bounded in number and size, the oldest go first. A disk that is full or gone costs the record and raises an
 * alarm, nothing else.
 */
import { mkdir, stat, unlink } from 'node:fs/promises'
import { join } from 'node:path'
import type { PairConfig } from '../config/config.ts'
import type { Transition } from '../control/snapshot.ts'
import { CORE_FINGERPRINT, packRecord, RECORD_FORMAT, type RecordHeader } from '../record/file.ts'
import { lanesOf } from '../record/lanes.ts'
import type { Slice } from '../record/recorder.ts'
import { copyRing } from '../record/ring.ts'
import { summaryOf } from '../record/summary.ts'
import { listDirectory, replaceFile } from '../system/file.ts'
import type { Severity } from './message.ts'

/** Below the state directory. */
export const RECORDS = 'records'
export const RECORD_ENDING = '.record'
/** What the newest may have in all; one has some 200 kB, at most about 1 MiB. */
export const RECORDS_KEPT = 40
export const RECORDS_MAX_BYTES = 32 * 1024 * 1024

/** A record begins so long before the first change, */
const BEFORE_MS = 60_000
/** and ends when the role was left alone for this long, for stores and services come up meanwhile, */
const AFTER_MS = 5_000
/** but not later than this after the first change: the ring goes on. */
const AFTER_MAX_MS = 20_000
const TRIES = 3

/** What a record says of its node and does not change. */
export type RecordFacts = Pick<
  RecordHeader,
  'node' | 'boot' | 'program' | 'policy' | 'paths' | 'pingNodes' | 'floatingIps' | 'stores'
>

export function recordFacts(
  config: PairConfig,
  start: { boot: string; version: string },
): RecordFacts {
  return {
    node: config.node,
    boot: start.boot,
    program: start.version,
    policy: config.policy,
    paths: config.paths.map(({ name }) => name),
    pingNodes: config.pingNodes.map(({ address }) => address),
    floatingIps: config.floatingIps.map(({ address }) => address),
    stores: config.stores.map(({ name }) => name),
  }
}

export interface RecordPorts {
  stateDir: string
  facts: RecordFacts
  ring: SharedArrayBuffer
  /** Asks the heart; null: nothing was written yet. */
  slice(fromMs: number): Promise<Slice | null>
  /** The heart's clock. */
  now(): number
  wallOffsetMs(): number
  log(severity: Severity, event: string, text: string): void
}

export type Kept = { ok: true; id: string; file: string } | { ok: false; message: string }

export class RecordKeeper {
  readonly #ports: RecordPorts
  #changes: Transition[] = []
  #due: NodeJS.Timeout | null = null
  #writing: Promise<unknown> = Promise.resolve()
  #trouble: string | null = null

  constructor(ports: RecordPorts) {
    this.#ports = ports
  }

  /** Why the last record could not be kept; null when it was. */
  get trouble(): string | null {
    return this.#trouble
  }

  noteTransition(transition: Transition): void {
    this.#changes.push(transition)
    const firstMs = this.#changes[0]?.atMs ?? transition.atMs
    const dueMs = Math.min(transition.atMs + AFTER_MS, firstMs + AFTER_MAX_MS)
    if (this.#due !== null) clearTimeout(this.#due)
    this.#due = setTimeout(() => void this.keep(), Math.max(0, dueMs - this.#ports.now()))
  }

  /** Keeps what is in the ring, now. Never rejects. */
  keep(): Promise<Kept> {
    if (this.#due !== null) clearTimeout(this.#due)
    this.#due = null
    const changes = this.#changes
    this.#changes = []
    const kept = this.#writing.then(() => this.#keep(changes))
    this.#writing = kept
    return kept
  }

  /** Before the agent ends: what is waited for is kept as it is. */
  async flush(): Promise<void> {
    if (this.#due === null) await this.#writing
    else await this.keep()
  }

  async #keep(changes: readonly Transition[]): Promise<Kept> {
    const { log } = this.#ports
    const kept = await this.#write(changes).catch(
      (error: unknown): Kept => ({
        ok: false,
        message: error instanceof Error ? error.message : String(error),
      }),
    )
    if (kept.ok) log('info', 'record', `what happened is kept: tandem record show ${kept.id}`)
    else log('error', 'record', `what happened could not be kept: ${kept.message}`)
    this.#trouble = kept.ok ? null : kept.message
    return kept
  }

  async #write(changes: readonly Transition[]): Promise<Kept> {
    const { facts, stateDir } = this.#ports
    const firstMs = changes[0]?.atMs ?? this.#ports.now()
    const taken = await this.#take(firstMs - BEFORE_MS)
    if (taken === null) return { ok: false, message: 'the ring was written over meanwhile' }
    const { slice, numbers } = taken
    const header: RecordHeader = {
      ...facts,
      format: RECORD_FORMAT,
      core: CORE_FINGERPRINT,
      pivotMs: firstMs,
      wallOffsetMs: this.#ports.wallOffsetMs(),
      changes: changes.map(({ peerSilentMs: _silent, ...change }) => change),
      summary: { what: '', why: '', outageMs: null },
      begin: slice.begin.state,
      beginMs: slice.begin.atMs,
      endMs: slice.endMs,
      addresses: slice.addresses,
      texts: slice.texts,
      notes: slice.notes,
    }
    header.summary = summaryOf(header.changes, lanesOf({ header, numbers }))
    const bytes = await packRecord({ header, numbers })
    const directory = join(stateDir, RECORDS)
    await mkdir(directory, { recursive: true, mode: 0o700 })
    const names = await makeRoom(directory, bytes.length)
    const id = freeId(header, names)
    const file = join(directory, `${id}${RECORD_ENDING}`)
    const written = await replaceFile(file, bytes, { mode: 0o600 })
    return written.ok ? { ok: true, id, file } : { ok: false, message: written.message }
  }

  /** Again when the writer was quicker, which needs a thread that stood still for long. */
  async #take(fromMs: number): Promise<{ slice: Slice; numbers: Float64Array } | null> {
    const { ring, slice } = this.#ports
    for (let tries = 0; tries < TRIES; tries += 1) {
      const found = await slice(fromMs)
      if (found === null) return null
      const span = { begin: found.begin.position, end: found.end }
      const numbers = copyRing(ring, span)
      if (numbers !== null) return { slice: found, numbers }
    }
    return null
  }
}

/** As `20261129T031205Z`, of the moment the record is about. */
function freeId(
  { pivotMs, wallOffsetMs }: Pick<RecordHeader, 'pivotMs' | 'wallOffsetMs'>,
  names: readonly string[],
): string {
  const iso = new Date(pivotMs + wallOffsetMs).toISOString()
  const id = `${iso.slice(0, 19).replaceAll(/[-:]/g, '')}Z`
  const taken = (candidate: string): boolean => names.includes(`${candidate}${RECORD_ENDING}`)
  if (!taken(id)) return id
  for (let number = 2; ; number += 1) if (!taken(`${id}-${number}`)) return `${id}-${number}`
}

/** Drops the oldest until one more of this size fits. @returns names of those that are left */
async function makeRoom(directory: string, bytes: number): Promise<string[]> {
  const listed = await listDirectory(directory)
  const names = listed.ok ? listed.names.filter((name) => name.endsWith(RECORD_ENDING)) : []
  const sizes = await Promise.all(
    names.map((name) =>
      stat(join(directory, name)).then(
        ({ size }) => size,
        () => 0,
      ),
    ),
  )
  let left = sizes.reduce((sum, size) => sum + size, bytes)
  let first = 0
  while (
    first < names.length &&
    (names.length - first >= RECORDS_KEPT || left > RECORDS_MAX_BYTES)
  ) {
    left -= sizes[first] ?? 0
    await unlink(join(directory, names[first] ?? '')).catch(() => {})
    first += 1
  }
  return names.slice(first)
}
