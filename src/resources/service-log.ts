/**
 * Where does what a service prints go, and how is it kept from filling the disk?
 *
 * The program writes to the end of the file itself, so that it goes on when we do not. Once the file has
 * 10 MiB its newest part is kept beside it as `FILE.1` and the file is emptied; the program does not
 * notice, because it always writes at the end. What it says during that moment may be lost.
 */
import { constants } from 'node:fs'
import { type FileHandle, open } from 'node:fs/promises'
import { ServiceFailure } from './service-result.ts'

/** The file and the one beside it have at most this much each, and what is said between two looks. */
const MAX_BYTES = 10 * 1024 * 1024
const PIECE_BYTES = 256 * 1024
const MODE = 0o640

/** Not through links, and not waiting for the other end of a pipe. */
const SAFELY = constants.O_NOFOLLOW | constants.O_NONBLOCK

/**
 * Opens it for a program that is about to start; to be closed by the caller once it has.
 *
 * @throws ServiceFailure  when it cannot be written, or is no regular file
 */
export async function openLog(label: string, path: string): Promise<FileHandle> {
  const { O_APPEND, O_CREAT, O_WRONLY } = constants
  try {
    const handle = await open(path, O_WRONLY | O_APPEND | O_CREAT | SAFELY, MODE)
    if ((await handle.stat()).isFile()) return handle
    await handle.close()
  } catch (cause) {
    throw refusal(label, path, (cause as NodeJS.ErrnoException).code ?? 'unknown')
  }
  throw refusal(label, path, 'it is not a regular file')
}

function refusal(label: string, path: string, why: string): ServiceFailure {
  return new ServiceFailure(
    'HA_SERVICE_REFUSED',
    `${label}: its log ${path} cannot be written (${why}): make the directory, or name another file`,
  )
}

/** Keeps it within its bounds. Never fails: a service is not given up for its log. */
export async function trimLog(path: string, maxBytes = MAX_BYTES): Promise<void> {
  let log: FileHandle | null = null
  try {
    log = await open(path, constants.O_RDWR | SAFELY)
    const status = await log.stat()
    if (!status.isFile() || status.size < maxBytes) return
    // A full disk may take no copy; emptied it is in any case.
    await keepEnd(log, status.size - maxBytes, `${path}.1`).catch(() => undefined)
    await log.truncate(0)
  } catch {
    // Not there, or not ours to write.
  } finally {
    await log?.close().catch(() => undefined)
  }
}

async function keepEnd(log: FileHandle, fromByte: number, path: string): Promise<void> {
  const { O_CREAT, O_TRUNC, O_WRONLY } = constants
  const kept = await open(path, O_WRONLY | O_CREAT | O_TRUNC | SAFELY, MODE)
  try {
    const piece = Buffer.allocUnsafe(PIECE_BYTES)
    for (let at = fromByte; ; ) {
      const { bytesRead } = await log.read(piece, 0, piece.length, at)
      if (bytesRead === 0) return
      await kept.write(piece, 0, bytesRead)
      at += bytesRead
    }
  } finally {
    await kept.close()
  }
}
