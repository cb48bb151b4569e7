/**
 * How much room is left where a directory is?
 *
 * One question to the kernel through the thread pool. It may hang with the file system that it is about
 * (a network mount whose server is gone), so whoever asks limits the waiting and does not ask twice.
 */
import { statfs } from 'node:fs/promises'

export interface FreeSpace {
  /** What a user without privileges may still write. */
  freeBytes: number
  /** All of the file system, also what is reserved for root. */
  totalBytes: number
}

/** @returns null when the directory is not there or may not be looked at */
export async function freeSpace(directory: string): Promise<FreeSpace | null> {
  try {
    const { bsize, bavail, blocks } = await statfs(directory)
    return { freeBytes: bavail * bsize, totalBytes: blocks * bsize }
  } catch {
    return null
  }
}
