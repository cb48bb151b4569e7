/**
 * How do we read and write whole files?
 *
 * The door to the file system for everything that is small and read or replaced as a whole:
 * configuration, keys, state for people. A file is replaced by writing another beside it, making it
 * durable and renaming it, so that a reader sees the old or the new one and never half of one.
 * The heart never comes here, and the hard state of the protocol is not kept this way.
 */
import { randomBytes } from 'node:crypto'
import { closeSync, constants, fstatSync, openSync, readSync } from 'node:fs'
import { type FileHandle, open, readdir, rename, stat, unlink } from 'node:fs/promises'
import { basename, dirname, join } from 'node:path'

export type FileCode =
  | 'HA_FILE_MISSING'
  | 'HA_FILE_FORBIDDEN'
  | 'HA_FILE_NOT_REGULAR'
  | 'HA_FILE_TOO_LARGE'
  | 'HA_FILE_NOT_PRIVATE'
  | 'HA_FILE_FAILED'

export interface FileFailure {
  ok: false
  code: FileCode
  /** What was tried, on which path, and what came back. */
  message: string
  cause: unknown
}

export interface FileContent {
  ok: true
  bytes: Buffer
  /** Permission bits, as 0o600. */
  mode: number
  uid: number
  gid: number
}

/** Non-blocking, because opening a pipe that nobody writes to would wait for ever. */
const READ_FLAGS = constants.O_RDONLY | constants.O_NONBLOCK

/**
 * Read at a time. Room for the whole of a large limit at once would be expensive: all memory of an agent
 * is locked, so each page of it is filled with zeros first.
 */
const PIECE_BYTES = 64 * 1024

/**
 * Reads a regular file that is not larger than the limit.
 *
 * @returns never rejects; what goes wrong is a value
 */
export async function readWholeFile(
  path: string,
  limits: { maxBytes: number },
): Promise<FileContent | FileFailure> {
  let handle: FileHandle | null = null
  try {
    handle = await open(path, READ_FLAGS)
    const status = await handle.stat()
    if (!status.isFile()) return refuse('HA_FILE_NOT_REGULAR', `${path} is not a regular file`)
    // To the end or one byte beyond the limit, whatever the size said: files in /proc claim to be empty.
    const pieces: Buffer[] = []
    let length = 0
    while (length <= limits.maxBytes) {
      const piece = Buffer.allocUnsafe(Math.min(PIECE_BYTES, limits.maxBytes + 1 - length))
      const { bytesRead } = await handle.read(piece, 0, piece.length, length)
      if (bytesRead === 0) break
      length += bytesRead
      pieces.push(piece.subarray(0, bytesRead))
    }
    if (length > limits.maxBytes || status.size > limits.maxBytes) return tooLarge(path, limits)
    const { uid, gid } = status
    return { ok: true, bytes: Buffer.concat(pieces), mode: status.mode & 0o7777, uid, gid }
  } catch (cause) {
    return failure('read', path, cause)
  } finally {
    await handle?.close()
  }
}

/**
 * Reads a secret: like `readWholeFile`, but refuses a file that anybody but its owner may read or
 * write, or that belongs to somebody other than root and the user we run as.
 */
export async function readPrivateFile(
  path: string,
  limits: { maxBytes: number },
): Promise<FileContent | FileFailure> {
  const content = await readWholeFile(path, limits)
  if (!content.ok) return content
  if ((content.mode & 0o077) !== 0) {
    const mode = content.mode.toString(8).padStart(4, '0')
    return refuse('HA_FILE_NOT_PRIVATE', `${path} has mode ${mode} instead of 0600`)
  }
  if (content.uid !== 0 && content.uid !== process.getuid?.()) {
    return refuse('HA_FILE_NOT_PRIVATE', `${path} belongs to user ${content.uid} instead of root`)
  }
  return content
}

/**
 * Replaces a file in one step: write beside it, fsync, rename, fsync the directory.
 *
 * Without an owner the file belongs to the user we run as.
 *
 * @returns never rejects; after a failure the old file is as it was and nothing is left beside it
 */
export async function replaceFile(
  path: string,
  bytes: string | Uint8Array,
  attributes: { mode: number; owner?: { uid: number; gid: number } },
): Promise<{ ok: true } | FileFailure> {
  const directory = dirname(path)
  const beside = join(directory, `.${basename(path)}.${randomBytes(6).toString('hex')}.new`)
  let handle: FileHandle | null = null
  try {
    handle = await open(beside, 'wx', attributes.mode)
    if (attributes.owner !== undefined) {
      await handle.chown(attributes.owner.uid, attributes.owner.gid)
    }
    // After the change of owner, which clears bits, and whatever the umask was.
    await handle.chmod(attributes.mode)
    await handle.writeFile(bytes)
    await handle.sync()
    await handle.close()
    handle = null
    await rename(beside, path)
    await syncDirectory(directory)
    return { ok: true }
  } catch (cause) {
    await handle?.close().catch(() => undefined)
    await unlink(beside).catch(() => undefined)
    return failure('write', path, cause)
  }
}

/** Makes a rename or a removal inside the directory durable. */
async function syncDirectory(path: string): Promise<void> {
  const handle = await open(path, constants.O_RDONLY | constants.O_DIRECTORY)
  try {
    await handle.sync()
  } finally {
    await handle.close()
  }
}

/** Names in a directory, sorted; none when it does not exist. */
export async function listDirectory(
  path: string,
): Promise<{ ok: true; names: string[] } | FileFailure> {
  try {
    return { ok: true, names: (await readdir(path)).sort() }
  } catch (cause) {
    const result = failure('list', path, cause)
    return result.code === 'HA_FILE_MISSING' ? { ok: true, names: [] } : result
  }
}

/** Whether something is there under this path, of whatever kind. */
export async function pathExists(path: string): Promise<boolean> {
  try {
    await stat(path)
    return true
  } catch {
    return false
  }
}

/** Changes whenever the file under this path does; empty when there is none. */
export async function fileStamp(path: string): Promise<string> {
  try {
    const { ino, size, mtimeMs, ctimeMs } = await stat(path)
    return [ino, size, mtimeMs, ctimeMs].join(' ')
  } catch {
    return ''
  }
}

/**
 * Reads a small text file at once, for commands that have nothing else to do meanwhile.
 *
 * @returns null when there is no such file
 * @throws the system's error for any other failure, RangeError when it is larger than the limit
 */
export function readFileIfThere(path: string, limits: { maxBytes: number }): string | null {
  let descriptor: number
  try {
    descriptor = openSync(path, READ_FLAGS)
  } catch (cause) {
    if (codeOf(cause) === 'ENOENT') return null
    throw cause
  }
  try {
    if (!fstatSync(descriptor).isFile()) throw new RangeError(`${path} is not a regular file`)
    const buffer = Buffer.alloc(limits.maxBytes + 1)
    let length = 0
    for (;;) {
      const count = readSync(descriptor, buffer, length, buffer.length - length, length)
      length += count
      if (count === 0 || length === buffer.length) break
    }
    if (length > limits.maxBytes) throw new RangeError(tooLarge(path, limits).message)
    return buffer.toString('utf8', 0, length)
  } finally {
    closeSync(descriptor)
  }
}

function tooLarge(path: string, limits: { maxBytes: number }): FileFailure {
  return refuse('HA_FILE_TOO_LARGE', `${path} is larger than ${limits.maxBytes} bytes`)
}

function refuse(code: FileCode, message: string): FileFailure {
  return { ok: false, code, message, cause: null }
}

const CODES: Readonly<Record<string, [FileCode, string]>> = {
  ENOENT: ['HA_FILE_MISSING', 'it does not exist'],
  EACCES: ['HA_FILE_FORBIDDEN', 'this user may not'],
  EPERM: ['HA_FILE_FORBIDDEN', 'this user may not'],
  ENOTDIR: ['HA_FILE_MISSING', 'a part of the path is not a directory'],
  EISDIR: ['HA_FILE_NOT_REGULAR', 'it is a directory'],
  ENXIO: ['HA_FILE_NOT_REGULAR', 'it is not a file'],
}

function failure(act: 'read' | 'write' | 'list', path: string, cause: unknown): FileFailure {
  const system = codeOf(cause)
  const [code, why] = CODES[system] ?? ['HA_FILE_FAILED', system]
  return { ok: false, code, message: `cannot ${act} ${path}: ${why}`, cause }
}

function codeOf(cause: unknown): string {
  const code = cause instanceof Error ? (cause as NodeJS.ErrnoException).code : undefined
  return code ?? String(cause)
}
