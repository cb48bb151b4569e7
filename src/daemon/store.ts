/**
 * Where do `term` and `sole` live? In one preallocated file, written through to the disk.
 *
 * Runs on the heart's thread but never waits: writes go through the thread pool, one at a time, the
 * newest wish last. A write that fails is repeated every second and said; the candidate waits for it
 * meanwhile, for a term that is not on disk may be used twice.
 */
import { constants } from 'node:fs'
import { type FileHandle, mkdir, open, rename } from 'node:fs/promises'
import { join } from 'node:path'
import type { HardState } from '../core/state.ts'
import { decodeFile, encodeSlot, FILE_SIZE, isBlank, slotOffset } from '../wire/hard-state.ts'

const FILE_NAME = 'hard-state'
const RETRY_MS = 1000

/** What was found on disk at start. */
export type Found =
  | { kind: 'read' }
  /** No file, or a blank one: a first start, or a lost disk. A term may be used twice (PROTOCOL, "Assumptions"). */
  | { kind: 'lost' }
  /** Neither slot was whole; the file was kept under this name. */
  | { kind: 'corrupt'; keptAs: string }

export interface StoreEvents {
  persisted(ticket: number): void
  /** A write failed; it is being repeated. Null once it works again. */
  trouble(message: string | null): void
}

export class Store {
  readonly found: Found
  #hard: HardState
  #counter: number
  readonly #file: FileHandle
  readonly #events: StoreEvents
  #wish: { ticket: number; hard: HardState } | null = null
  #writing = false
  #closed = false

  private constructor(
    file: FileHandle,
    read: { found: Found; hard: HardState; counter: number },
    events: StoreEvents,
  ) {
    this.#file = file
    this.found = read.found
    this.#hard = read.hard
    this.#counter = read.counter
    this.#events = events
  }

  get hard(): HardState {
    return this.#hard
  }

  /**
   * Opens the file of a state directory, making both where they are missing.
   *
   * @throws Error with a `code` when the directory cannot be used
   */
  static async open(stateDir: string, events: StoreEvents): Promise<Store> {
    await mkdir(stateDir, { recursive: true, mode: 0o700 })
    const path = join(stateDir, FILE_NAME)
    const flags = constants.O_RDWR | constants.O_CREAT | constants.O_DSYNC
    let file = await open(path, flags, 0o600)
    try {
      const bytes = await file.readFile()
      const newest = decodeFile(bytes)
      if (newest !== null) {
        return new Store(file, { found: { kind: 'read' }, ...newest }, events)
      }
      let found: Found = { kind: 'lost' }
      if (!isBlank(bytes)) {
        const keptAs = `${path}.corrupt-${new Date().toISOString().replaceAll(':', '')}`
        await file.close()
        await rename(path, keptAs)
        file = await open(path, flags, 0o600)
        found = { kind: 'corrupt', keptAs }
      }
      // Real zeroes, not a hole: the blocks must exist before the disk is full.
      await writeWhole(file, Buffer.alloc(FILE_SIZE), 0)
      await file.sync()
      await syncDirectory(stateDir)
      return new Store(file, { found, hard: { term: 0, sole: false }, counter: 0 }, events)
    } catch (error) {
      await file.close().catch(() => {})
      throw error
    }
  }

  /** Begins to write; `persisted` with this ticket, or a later one, tells of the end. */
  persist(ticket: number, hard: HardState): void {
    this.#wish = { ticket, hard }
    if (!this.#writing) void this.#write()
  }

  /** Nothing is written after this; a write that keeps failing is given up. */
  async close(): Promise<void> {
    this.#closed = true
    await this.#file.close()
  }

  async #write(): Promise<void> {
    this.#writing = true
    while (this.#wish !== null && !this.#closed) {
      const { ticket, hard } = this.#wish
      this.#wish = null
      const trouble = await this.#put(hard)
      this.#events.trouble(trouble)
      if (trouble === null) {
        this.#events.persisted(ticket)
      } else {
        this.#wish ??= { ticket, hard }
        await new Promise((resolve) => setTimeout(resolve, RETRY_MS))
      }
    }
    this.#writing = false
  }

  /** @returns what went wrong, null when it is on disk */
  async #put(hard: HardState): Promise<string | null> {
    const slot = { counter: this.#counter + 1, hard }
    try {
      await writeWhole(this.#file, encodeSlot(slot), slotOffset(slot.counter))
    } catch (error) {
      return error instanceof Error ? error.message : String(error)
    }
    this.#counter = slot.counter
    this.#hard = hard
    return null
  }
}

/** A disk that fills up writes less than it was given, and says so only by the count. */
async function writeWhole(file: FileHandle, bytes: Buffer, offset: number): Promise<void> {
  const { bytesWritten } = await file.write(bytes, 0, bytes.length, offset)
  if (bytesWritten < bytes.length) {
    const message = `only ${bytesWritten} of ${bytes.length} bytes were written`
    throw Object.assign(new Error(message), { code: 'ENOSPC' })
  }
}

async function syncDirectory(path: string): Promise<void> {
  const directory = await open(path, 'r')
  try {
    await directory.sync()
  } finally {
    await directory.close()
  }
}
