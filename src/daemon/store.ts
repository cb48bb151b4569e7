/**
 * Where do `term` and `sole` live? In one preallocated file, written through to the disk.
 *
 * Runs on the heart's thread but never waits: writes go through the thread pool, one at a time, the
 * newest wish last. A write that fails is repeated every second and said; the candidate waits for it
 * meanwhile, for a term that is not on disk may be used twice.
 */
import { constants } from 'node:fs'
import { type FileHandle, mkdir, open as openFile, rename } from 'node:fs/promises'
import { join } from 'node:path'
import type { HardState } from '../core/state.ts'
import { decodeFile, encodeSlot, FILE_SIZE, isBlank, slotOffset } from '../wire/hard-state.ts'
import { inTime } from './in-time.ts'

const FILE_NAME = 'hard-state'
const RETRY_MS = 1000

/** As that of node:fs/promises; a test hands in a disk that hangs. */
export type OpenFile = (path: string, flags: number, mode: number) => Promise<FileHandle>

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
  #file: FileHandle
  readonly #reopen: () => Promise<FileHandle>
  readonly #events: StoreEvents
  #wish: { ticket: number; hard: HardState } | null = null
  #writing = false
  #closed = false

  private constructor(
    file: FileHandle,
    read: { found: Found; hard: HardState; counter: number },
    events: StoreEvents,
    reopen: () => Promise<FileHandle>,
  ) {
    this.#file = file
    this.#reopen = reopen
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
  static async open(
    stateDir: string,
    events: StoreEvents,
    open: OpenFile = openFile,
  ): Promise<Store> {
    await mkdir(stateDir, { recursive: true, mode: 0o700 })
    const path = join(stateDir, FILE_NAME)
    const flags = constants.O_RDWR | constants.O_CREAT | constants.O_DSYNC
    let file = await open(path, flags, 0o600)
    const reopen = async (): Promise<FileHandle> => {
      await mkdir(stateDir, { recursive: true, mode: 0o700 })
      const again = await open(path, flags, 0o600)
      await makeBlank(again, stateDir)
      return again
    }
    try {
      const bytes = await file.readFile()
      const newest = decodeFile(bytes)
      if (newest !== null) {
        return new Store(file, { found: { kind: 'read' }, ...newest }, events, reopen)
      }
      let found: Found = { kind: 'lost' }
      if (!isBlank(bytes)) {
        const keptAs = `${path}.corrupt-${new Date().toISOString().replaceAll(':', '')}`
        await file.close()
        await rename(path, keptAs)
        file = await open(path, flags, 0o600)
        found = { kind: 'corrupt', keptAs }
      }
      await makeBlank(file, stateDir)
      return new Store(file, { found, hard: { term: 0, sole: false }, counter: 0 }, events, reopen)
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

  /**
   * Nothing is written after this; a write that keeps failing is given up. One that hangs is waited
   * for no longer than the limit.
   *
   * @returns whether the file is closed; false when the disk still holds on to it
   */
  close(limitMs: number): Promise<boolean> {
    this.#closed = true
    return inTime(this.#file.close(), limitMs)
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
      // Removed from under us, it would be gone with the next start.
      if ((await this.#file.stat()).nlink === 0) {
        this.#events.trouble('the hard state was removed; it is made again')
        const removed = this.#file
        this.#file = await this.#reopen()
        await removed.close()
      }
      await writeWhole(this.#file, encodeSlot(slot), slotOffset(slot.counter))
    } catch (error) {
      return error instanceof Error ? error.message : String(error)
    }
    this.#counter = slot.counter
    this.#hard = hard
    return null
  }
}

/** Real zeroes, not a hole: the blocks must exist before the disk is full. */
async function makeBlank(file: FileHandle, stateDir: string): Promise<void> {
  await writeWhole(file, Buffer.alloc(FILE_SIZE), 0)
  await file.sync()
  await syncDirectory(stateDir)
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
  const directory = await openFile(path, 'r')
  try {
    await directory.sync()
  } finally {
    await directory.close()
  }
}
