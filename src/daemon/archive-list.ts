/**
 * Which archives are kept of a store, and which of them may go when there are too many?
 *
 * Each archive is a directory of its own below `STATE/archive/STORE`, with a small page for programs beside
 * what people read. One without that page (made by an older version, or by hand) is listed all the same.
 * Reads and chooses; `archive-keeper.ts` makes and removes.
 */
import { lstat, readdir } from 'node:fs/promises'
import { join } from 'node:path'
import type { StoreComparison } from '../resources/replicated-store.ts'
import { listDirectory, readWholeFile } from '../system/file.ts'

/** Page for programs in each archive. */
export const PAGE = 'archive.json'
const PAGE_MAX_BYTES = 64 * 1024
/** Ending of a directory that is being made: none that counts. */
export const PARTIAL = '.partial'

export interface ArchiveEntry {
  directory: string
  /** When it was made, as far as known. */
  atIso: string
  /** Why it was made; null when no page tells. */
  verdict: StoreComparison['verdict'] | null
  /** Transactions or bytes that the peer lacked; null when unknown. */
  count: number | null
  sentence: string | null
  /** Sum of its files. */
  bytes: number
}

/** Every archive of one store, newest first. Never rejects; what cannot be read is left out. */
export async function listArchives(root: string, store: string): Promise<ArchiveEntry[]> {
  const parent = join(root, store)
  const listed = await listDirectory(parent)
  if (!listed.ok) return []
  const found = await Promise.all(
    listed.names
      .filter((name) => !name.endsWith(PARTIAL))
      .map((name) => readEntry(join(parent, name))),
  )
  return found
    .filter((entry) => entry !== null)
    .sort((a, b) => b.atIso.localeCompare(a.atIso) || b.directory.localeCompare(a.directory))
}

/**
 * Which must go so that `kept` are left: never the newest; before any that hold what is known to be
 * nowhere else those that were made because nothing could be told; the oldest first.
 *
 * @param entries  newest first
 */
export function surplusOf(entries: readonly ArchiveEntry[], kept: number): ArchiveEntry[] {
  const others = entries.slice(1).reverse()
  const order = [
    ...others.filter(({ verdict }) => verdict === 'unknown'),
    ...others.filter(({ verdict }) => verdict !== 'unknown'),
  ]
  return order.slice(0, Math.max(0, entries.length - Math.max(1, kept)))
}

async function readEntry(directory: string): Promise<ArchiveEntry | null> {
  try {
    const status = await lstat(directory)
    if (!status.isDirectory()) return null
    const bytes = await sizeOf(directory)
    const page = await readPage(directory)
    const atIso = page.atIso ?? status.mtime.toISOString()
    return { directory, bytes, ...page, atIso }
  } catch {
    // Removed at this moment.
    return null
  }
}

type Page = Pick<ArchiveEntry, 'verdict' | 'count' | 'sentence'> & { atIso: string | null }

async function readPage(directory: string): Promise<Page> {
  const none: Page = { atIso: null, verdict: null, count: null, sentence: null }
  const read = await readWholeFile(join(directory, PAGE), { maxBytes: PAGE_MAX_BYTES })
  if (!read.ok) return none
  try {
    const page = JSON.parse(read.bytes.toString('utf8')) as Record<string, unknown>
    const { atIso, verdict, count, sentence } = page
    return {
      atIso: typeof atIso === 'string' && !Number.isNaN(Date.parse(atIso)) ? atIso : null,
      verdict: verdict === 'ahead' || verdict === 'unknown' || verdict === 'same' ? verdict : null,
      count: typeof count === 'number' ? count : null,
      sentence: typeof sentence === 'string' ? sentence : null,
    }
  } catch {
    return none
  }
}

/** Bytes of all files below a directory. */
async function sizeOf(directory: string): Promise<number> {
  const entries = await readdir(directory, { withFileTypes: true })
  const sizes = entries.map(async (entry) => {
    const path = join(directory, entry.name)
    return entry.isDirectory() ? sizeOf(path) : (await lstat(path)).size
  })
  return (await Promise.all(sizes)).reduce((sum, size) => sum + size, 0)
}
