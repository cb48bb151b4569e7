/**
 * How are files put where they survive what is about to happen to the originals?
 *
 * A directory of its own, readable by its owner only, files copied into it block by block, and all of
 * it made durable before anybody relies on it. Sizes have no limit here; whoever calls knows what is copied.
 */
import { constants, createReadStream } from 'node:fs'
import { chmod, copyFile, mkdir, open, rename } from 'node:fs/promises'
import { basename, dirname, join } from 'node:path'
import { createInterface } from 'node:readline'
import type { FileFailure } from './file.ts'

const DIRECTORY_MODE = 0o700
const FILE_MODE = 0o600

export type SetAside = { ok: true } | FileFailure

/**
 * Makes a directory that was not there before, and those above it as needed.
 *
 * @returns never rejects
 */
export async function makeFreshDirectory(path: string): Promise<SetAside> {
  return await attempt(`make the directory ${path}`, async () => {
    await mkdir(dirname(path), { recursive: true, mode: DIRECTORY_MODE })
    await mkdir(path, { mode: DIRECTORY_MODE })
  })
}

/** Copies a file into a directory under its own name; shares blocks where the file system can. */
export async function copyInto(directory: string, path: string): Promise<SetAside> {
  return await attempt(`copy ${path} to ${directory}`, async () => {
    const target = join(directory, basename(path))
    await copyFile(path, target, constants.COPYFILE_EXCL | constants.COPYFILE_FICLONE)
  })
}

/** Makes files the owner's alone, and lets them, their directory and its entry survive a power cut. */
export async function makeDurable(directory: string, names: readonly string[]): Promise<SetAside> {
  return await attempt(`make ${directory} durable`, async () => {
    for (const name of names) {
      await chmod(join(directory, name), FILE_MODE)
      await sync(join(directory, name))
    }
    await sync(directory)
    await sync(dirname(directory))
  })
}

/** Gives a directory its final name, after which it counts. */
export async function renameDirectory(path: string, target: string): Promise<SetAside> {
  return await attempt(`rename ${path} to ${target}`, async () => {
    await rename(path, target)
    await sync(dirname(target))
  })
}

/** Reads a text of any length line by line, bytes as characters. */
export async function eachLine(path: string, tell: (line: string) => void): Promise<SetAside> {
  return await attempt(`read ${path}`, async () => {
    const lines = createInterface({ input: createReadStream(path, 'latin1') })
    for await (const line of lines) tell(line)
  })
}

async function sync(path: string): Promise<void> {
  const handle = await open(path, constants.O_RDONLY)
  try {
    await handle.sync()
  } finally {
    await handle.close()
  }
}

async function attempt(what: string, work: () => Promise<void>): Promise<SetAside> {
  try {
    await work()
    return { ok: true }
  } catch (cause) {
    const code = cause instanceof Error ? ((cause as NodeJS.ErrnoException).code ?? '') : ''
    return {
      ok: false,
      code: code === 'EACCES' || code === 'EPERM' ? 'HA_FILE_FORBIDDEN' : 'HA_FILE_FAILED',
      message: `cannot ${what}: ${code || String(cause)}`,
      cause,
    }
  }
}
