/**
 * How is what a Redis server holds set aside before a copy of the peer's data replaces it?
 *
 * The server has just saved; here its files are taken: the snapshot by a second name for the same
 * file (the server never changes a snapshot, it replaces it), or by a copy where that is another file
 * system; the append-only directory by a copy, because it grows in place. All of it goes into one new
 * directory, which has its final name only when everything is in it and durable: half an archive is
 * never taken for one.
 */
import { createReadStream, createWriteStream } from 'node:fs'
import { link, mkdir, open, readdir, rename, rm, stat, writeFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { pipeline } from 'node:stream/promises'
import type { Limit } from './store-result.ts'
import { StoreFailure } from './store-result.ts'

export interface RedisFiles {
  /** The server's working directory. */
  directory: string
  /** Name of the snapshot in it. */
  snapshot: string
  /** Name of the append-only directory in it; null when the server keeps none. */
  appendOnly: string | null
  /** The snapshot must not be older, in ms since 1970; whole seconds, as some file systems have. */
  savedAfterMs: number
}

export interface ArchiveRequest {
  files: RedisFiles
  /** To be made; its parents too. */
  target: string
  /** Text for people, put beside the data. */
  description: string
}

/**
 * Takes the files.
 *
 * @returns paths of all files written
 * @throws StoreFailure  what went wrong and on which path; nothing but a `.partial` directory is left
 */
export async function takeFiles(request: ArchiveRequest, limit: Limit): Promise<string[]> {
  const { files, target } = request
  const partial = `${target}.partial`
  const signal = AbortSignal.timeout(Math.max(1, Math.ceil(limit.leftMs())))
  try {
    await mkdir(dirname(target), { recursive: true, mode: 0o700 })
    await rm(partial, { recursive: true, force: true })
    await mkdir(partial, { mode: 0o700 })
    const names = [files.snapshot]
    await takeSnapshot(files, partial, signal)
    if (files.appendOnly !== null) {
      names.push(...(await copyDirectory(files, files.appendOnly, partial, signal)))
    }
    await writeFile(join(partial, README), request.description, { mode: 0o600, flush: true })
    names.push(README)
    await makeDurable(partial)
    await rename(partial, target)
    await makeDurable(dirname(target))
    return names.map((name) => join(target, name))
  } catch (cause) {
    if (cause instanceof StoreFailure) throw cause
    if (signal.aborted) {
      const limitMs = Math.round(limit.limitMs)
      throw new StoreFailure('HA_STORE_TIMEOUT', `archive ${target}: not done within ${limitMs} ms`)
    }
    const message = cause instanceof Error ? cause.message : String(cause)
    throw new StoreFailure('HA_STORE_REFUSED', `archive ${target}: ${message}`)
  }
}

const README = 'README.txt'

async function takeSnapshot(files: RedisFiles, into: string, signal: AbortSignal): Promise<void> {
  const source = join(files.directory, files.snapshot)
  const { mtimeMs } = await stat(source)
  if (Math.floor(mtimeMs / 1000) < Math.floor(files.savedAfterMs / 1000)) {
    throw new StoreFailure(
      'HA_STORE_REFUSED',
      `archive: ${source} is older than the save that was just made, so it is not this server's; correct the data directory in the configuration`,
    )
  }
  const target = join(into, files.snapshot)
  try {
    await link(source, target)
  } catch {
    // Another file system, or one without second names.
    await copy(source, target, signal)
  }
}

/** Flat, as the server keeps it. */
async function copyDirectory(
  files: RedisFiles,
  name: string,
  into: string,
  signal: AbortSignal,
): Promise<string[]> {
  const source = join(files.directory, name)
  const entries = await readdir(source, { withFileTypes: true })
  await mkdir(join(into, name), { mode: 0o700 })
  const names: string[] = []
  for (const entry of entries) {
    if (!entry.isFile()) continue
    await copy(join(source, entry.name), join(into, name, entry.name), signal)
    names.push(join(name, entry.name))
  }
  await makeDurable(join(into, name))
  return names
}

async function copy(source: string, target: string, signal: AbortSignal): Promise<void> {
  await pipeline(
    createReadStream(source),
    createWriteStream(target, { flags: 'wx', mode: 0o600, flush: true }),
    { signal },
  )
}

async function makeDurable(directory: string): Promise<void> {
  const handle = await open(directory, 'r')
  try {
    await handle.sync()
  } finally {
    await handle.close()
  }
}
