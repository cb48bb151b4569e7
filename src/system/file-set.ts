/**
 * How are several files of a directory replaced as one, whatever we die of in the middle?
 *
 * New files are written into a place of ours inside the directory, then one rename of `commit` makes them
 * count, then each is moved to its name. Whoever reads through a `FileSetView` sees all old files before
 * that rename and all new ones after it, also when nobody is left to do the moving; `finishFileSet` does it
 * later. What was replaced stays in `before/`, bounded.
 *
 *     .tandem/.gitignore        the directory may be a repository; this place is not part of it
 *     .tandem/lock              held by the one process that writes
 *     .tandem/next-ID/NAME      new files that are not yet in place
 *     .tandem/commit            which of them count, while the moving lasts
 *     .tandem/last              ID of the last set that is in place
 *     .tandem/before/ID/NAME    what was replaced
 */
import { constants } from 'node:fs'
import { mkdir, open, rename, rm, unlink } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import {
  type FileContent,
  type FileFailure,
  listDirectory,
  pathExists,
  readWholeFile,
  replaceFile,
} from './file.ts'

/** Our place inside the directory. */
export const FILE_SET_PLACE = '.tandem'
/** Sets that were replaced and are kept. */
const KEPT_MAX = 10
const COMMIT_MAX_BYTES = 256 * 1024
const PLACE_MODE = 0o700

/** One file of a set. */
export interface FileChange {
  /** Relative to the directory: `config.yml`, `config.d/a.yml`. */
  name: string
  /** Null takes the file away. */
  bytes: Uint8Array | null
  mode: number
  owner: { uid: number; gid: number }
  /** Time of its last change, ms since 1970. */
  mtimeMs: number
}

/** What a directory holds, with a set that counts and is not yet moved in its place. */
export interface FileSetView {
  /** Another after every set that came to count. */
  mark: string
  read(name: string, limits: { maxBytes: number }): Promise<FileContent | FileFailure>
  /** Names inside a directory below, sorted; none when there is no such directory. */
  list(name: string): Promise<{ ok: true; names: string[] } | FileFailure>
}

interface Commit {
  id: string
  files: readonly { name: string; gone: boolean }[]
}

/** Opens a directory for reading. Never rejects; without a place of ours it is read as it is. */
export async function viewFileSet(directory: string): Promise<FileSetView> {
  const commit = await readCommit(directory)
  const listed = new Map(commit?.files.map(({ name, gone }) => [name, gone]))
  const last = commit === null ? await readLast(directory) : commit.id
  return {
    mark: last,
    async read(name, limits) {
      const path = join(directory, name)
      const gone = listed.get(name)
      if (commit === null || gone === undefined) return await readWholeFile(path, limits)
      if (gone) {
        const message = `cannot read ${path}: it does not exist`
        return { ok: false, code: 'HA_FILE_MISSING', message, cause: null }
      }
      const staged = await readWholeFile(join(nextOf(directory, commit.id), name), limits)
      // Moved meanwhile, so it is the new one.
      return !staged.ok && staged.code === 'HA_FILE_MISSING'
        ? await readWholeFile(path, limits)
        : staged
    },
    async list(name) {
      const found = await listDirectory(join(directory, name))
      if (!found.ok) return found
      const names = new Set(found.names)
      for (const [file, gone] of listed) {
        if (dirname(file) !== name) continue
        const own = file.slice(name.length + 1)
        if (gone) names.delete(own)
        else names.add(own)
      }
      return { ok: true, names: [...names].sort() }
    },
  }
}

/**
 * Replaces files as one. To be called by the holder of the lock, after `finishFileSet`.
 *
 * @param id  sorts by time and is a file name
 * @returns never rejects; after a failure all files are the old ones, or, where `hasUnfinishedSet`, the new
 */
export async function replaceFileSet(
  directory: string,
  changes: readonly FileChange[],
  id: string,
): Promise<{ ok: true; backup: string } | FileFailure> {
  const place = join(directory, FILE_SET_PLACE)
  const next = nextOf(directory, id)
  const backup = join(place, 'before', id)
  try {
    await clearStaged(directory)
    await mkdir(backup, { recursive: true, mode: PLACE_MODE })
    for (const change of changes) {
      await keepOld(directory, change.name, backup)
      if (change.bytes === null) continue
      // What cannot be finished must not count.
      await mkdir(dirname(join(directory, change.name)), { recursive: true, mode: 0o755 })
      await stage(join(next, change.name), change, change.bytes)
    }
    await syncAll(changes, [next, backup, join(place, 'before'), place])
    const files = changes.map(({ name, bytes }) => ({ name, gone: bytes === null }))
    await must(replaceFile(join(place, 'commit'), JSON.stringify({ id, files }), { mode: 0o600 }))
  } catch (cause) {
    return { ok: false, code: 'HA_FILE_FAILED', message: sentenceOf(cause, directory), cause }
  }
  const finished = await finishFileSet(directory)
  return finished.ok ? { ok: true, backup } : finished
}

/**
 * Moves a set that counts to its place; nothing where there is none. Can be repeated after any failure.
 *
 * @returns never rejects
 */
export async function finishFileSet(
  directory: string,
): Promise<{ ok: true; finished: boolean } | FileFailure> {
  const commit = await readCommit(directory)
  if (commit === null) return { ok: true, finished: false }
  const place = join(directory, FILE_SET_PLACE)
  const next = nextOf(directory, commit.id)
  try {
    for (const { name, gone } of commit.files) {
      const target = join(directory, name)
      if (gone) await unless('ENOENT', unlink(target))
      // Not there: it was moved before we were interrupted.
      else await unless('ENOENT', rename(join(next, name), target))
    }
    await syncAll(commit.files, [directory])
    await must(replaceFile(join(place, 'last'), commit.id, { mode: 0o600 }))
    await unless('ENOENT', unlink(join(place, 'commit')))
    await sync(place)
    await rm(next, { recursive: true, force: true })
    await forgetOldest(join(place, 'before'))
    return { ok: true, finished: true }
  } catch (cause) {
    return { ok: false, code: 'HA_FILE_FAILED', message: sentenceOf(cause, directory), cause }
  }
}

/**
 * Moves to its place what an interrupted process left, unless another one is at it.
 *
 * @returns never rejects; false when a set is still not in place
 */
export async function settleFileSet(
  directory: string,
  lockFile: (path: string) => boolean,
): Promise<boolean> {
  if (!(await hasUnfinishedSet(directory))) return true
  const locked = await lockFileSet(directory, lockFile).catch(() => false)
  return locked && (await finishFileSet(directory)).ok
}

/**
 * Makes our place, and takes its lock for as long as we run.
 *
 * @returns false when another process writes
 * @throws what the system says, or why a file could not be written
 */
export async function lockFileSet(
  directory: string,
  lockFile: (path: string) => boolean,
): Promise<boolean> {
  const place = join(directory, FILE_SET_PLACE)
  await mkdir(place, { recursive: true, mode: PLACE_MODE })
  const ignore = join(place, '.gitignore')
  if (!(await pathExists(ignore))) await must(replaceFile(ignore, '*\n', { mode: 0o600 }))
  return lockFile(join(place, 'lock'))
}

/** Whether a set counts that is not in place: somebody was interrupted, or is at it. */
export async function hasUnfinishedSet(directory: string): Promise<boolean> {
  return (await readCommit(directory)) !== null
}

async function readCommit(directory: string): Promise<Commit | null> {
  const limits = { maxBytes: COMMIT_MAX_BYTES }
  const read = await readWholeFile(join(directory, FILE_SET_PLACE, 'commit'), limits)
  // Replaced in one step and durable, so it is whole or not there.
  return read.ok ? (JSON.parse(read.bytes.toString('utf8')) as Commit) : null
}

async function readLast(directory: string): Promise<string> {
  const read = await readWholeFile(join(directory, FILE_SET_PLACE, 'last'), { maxBytes: 200 })
  return read.ok ? read.bytes.toString('utf8') : ''
}

function nextOf(directory: string, id: string): string {
  return join(directory, FILE_SET_PLACE, `next-${id}`)
}

/** What an interrupted process staged and never committed. */
async function clearStaged(directory: string): Promise<void> {
  const place = join(directory, FILE_SET_PLACE)
  const found = await listDirectory(place)
  for (const name of found.ok ? found.names : []) {
    if (name.startsWith('next-')) await rm(join(place, name), { recursive: true, force: true })
  }
}

async function keepOld(directory: string, name: string, backup: string): Promise<void> {
  const old = await readWholeFile(join(directory, name), { maxBytes: Number.MAX_SAFE_INTEGER })
  if (!old.ok && old.code === 'HA_FILE_MISSING') return
  if (!old.ok) throw new Error(old.message)
  const handle = await open(join(directory, name), constants.O_RDONLY)
  const { mtimeMs } = await handle.stat().finally(() => handle.close())
  const { bytes, mode, uid, gid } = old
  await stage(join(backup, name), { mode, owner: { uid, gid }, mtimeMs }, bytes)
}

async function stage(
  path: string,
  { mode, owner, mtimeMs }: Pick<FileChange, 'mode' | 'owner' | 'mtimeMs'>,
  bytes: Uint8Array,
): Promise<void> {
  await mkdir(dirname(path), { recursive: true, mode: PLACE_MODE })
  const handle = await open(path, 'w', 0o600)
  try {
    await handle.writeFile(bytes)
    if (process.getuid?.() === 0) await handle.chown(owner.uid, owner.gid)
    await handle.chmod(mode)
    await handle.utimes(mtimeMs / 1000, mtimeMs / 1000)
    await handle.sync()
  } finally {
    await handle.close()
  }
}

/** Makes durable what was renamed or made: the directories themselves and those of the files in the first two. */
async function syncAll(
  files: readonly { name: string }[],
  directories: readonly string[],
): Promise<void> {
  const below = directories.flatMap((directory) =>
    files.map(({ name }) => join(directory, dirname(name))),
  )
  for (const directory of new Set([...below, ...directories])) {
    await unless('ENOENT', sync(directory))
  }
}

async function sync(directory: string): Promise<void> {
  const handle = await open(directory, constants.O_RDONLY | constants.O_DIRECTORY)
  try {
    await handle.sync()
  } finally {
    await handle.close()
  }
}

async function forgetOldest(directory: string): Promise<void> {
  const found = await listDirectory(directory)
  const names = found.ok ? found.names : []
  for (const name of names.slice(0, Math.max(0, names.length - KEPT_MAX))) {
    await rm(join(directory, name), { recursive: true, force: true })
  }
}

async function must(result: Promise<{ ok: true } | FileFailure>): Promise<void> {
  const settled = await result
  if (!settled.ok) throw new Error(settled.message)
}

async function unless(code: string, act: Promise<unknown>): Promise<void> {
  try {
    await act
  } catch (cause) {
    if ((cause as NodeJS.ErrnoException).code !== code) throw cause
  }
}

function sentenceOf(cause: unknown, directory: string): string {
  const why = cause instanceof Error ? cause.message : String(cause)
  return `cannot replace files in ${directory}: ${why}`
}
