/**
 * How is what only this node holds set aside, and how is it kept from filling the disk for ever?
 *
 * The store writes the archive; here it gets its page, and the oldest beyond the configured number go.
 * Nothing goes before the new one is whole, nothing goes unsaid, and the newest never goes. Whether there
 * is room for a new one the store checks before it writes (`resources/archive-room.ts`): archives are not
 * removed to make room, for then an operator decides what is worth more.
 */
import { rm } from 'node:fs/promises'
import { join, relative, sep } from 'node:path'
import type {
  ReplicatedStore,
  StoreArchive,
  StoreComparison,
  StoreResult,
} from '../resources/replicated-store.ts'
import { listDirectory, pathExists, replaceFile } from '../system/file.ts'
import { listArchives, PAGE, PARTIAL, surplusOf } from './archive-list.ts'

export interface ArchiveKeeperOptions {
  /** Each store has a directory below it. */
  root: string
  /** How many archives of a store are kept. */
  kept: (store: string) => number
  nowIso: () => string
  /** An archive was removed, or could not be: for the log. */
  told: (severity: 'warning' | 'error', text: string) => void
}

/** Writes an archive below a directory, as `ReplicatedStore.archive` and `copy` do. */
export type WriteArchive<Made extends StoreArchive> = (
  directory: string,
) => Promise<StoreResult<Made>>

export class ArchiveKeeper {
  readonly #options: ArchiveKeeperOptions

  constructor(options: ArchiveKeeperOptions) {
    this.#options = options
  }

  /** Sets aside what only this node holds. */
  setAside(
    store: ReplicatedStore,
    comparison: StoreComparison | null,
    limitMs: number,
  ): Promise<StoreResult<StoreArchive>> {
    return this.around(store.name, comparison, (into) => store.archive(into, limitMs))
  }

  /** The same around something that writes an archive among other things. */
  async around<Made extends StoreArchive>(
    store: string,
    comparison: StoreComparison | null,
    write: WriteArchive<Made>,
  ): Promise<StoreResult<Made>> {
    const parent = join(this.#options.root, store)
    await this.#removePartial(parent)
    const written = await write(parent)
    if (!written.ok) return written
    const directory = directoryOf(parent, written.value.paths)
    if (directory !== null) await this.#describe(directory, comparison, written.value)
    await this.#removeSurplus(store)
    return written
  }

  async #describe(
    directory: string,
    comparison: StoreComparison | null,
    { count, sentence }: StoreArchive,
  ): Promise<void> {
    const page = {
      atIso: this.#options.nowIso(),
      verdict: comparison?.verdict ?? null,
      count: count ?? comparison?.ours ?? null,
      sentence,
    }
    const path = join(directory, PAGE)
    // One that was made before and is still needed keeps its day.
    if (await pathExists(path)) return
    const result = await replaceFile(path, `${JSON.stringify(page)}\n`, { mode: 0o600 })
    // What it holds is there all the same.
    if (!result.ok) this.#options.told('warning', result.message)
  }

  async #removeSurplus(store: string): Promise<void> {
    const { root, kept, told } = this.#options
    const limit = kept(store)
    for (const entry of surplusOf(await listArchives(root, store), limit)) {
      const why = entry.sentence ?? 'nothing is written down about it'
      const failed = await remove(entry.directory)
      if (failed === null) {
        told(
          'warning',
          `${entry.directory} was removed: ${store} keeps ${limit} archives (archives_kept); it was of ${entry.atIso}: ${why}`,
        )
      } else {
        told('error', `${entry.directory} is one too many and could not be removed: ${failed}`)
      }
    }
  }

  /** Half an archive is none: whoever made it was interrupted and begins anew. */
  async #removePartial(parent: string): Promise<void> {
    const listed = await listDirectory(parent)
    if (!listed.ok) return
    for (const name of listed.names.filter((found) => found.endsWith(PARTIAL))) {
      const failed = await remove(join(parent, name))
      const what = failed === null ? 'was never finished and is removed' : `stays: ${failed}`
      this.#options.told('warning', `${join(parent, name)} ${what}`)
    }
  }
}

/** The archive's own directory below that of its store. */
function directoryOf(parent: string, paths: readonly string[]): string | null {
  const [first] = paths
  if (first === undefined) return null
  const [name = '', ...rest] = relative(parent, first).split(sep)
  return name === '' || name === '..' || rest.includes('..') ? null : join(parent, name)
}

async function remove(path: string): Promise<string | null> {
  try {
    await rm(path, { recursive: true, force: true })
    return null
  } catch (cause) {
    return cause instanceof Error ? cause.message : String(cause)
  }
}
