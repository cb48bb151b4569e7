/**
 * Is there room for what is about to be set aside?
 *
 * Asked before the first byte is written: an archive that fills the disk takes the server down with it.
 * Some room must be left over. Where the file system cannot be asked nothing is refused.
 */
import { mkdir } from 'node:fs/promises'
import { freeSpace } from '../system/free-space.ts'
import { StoreFailure } from './store-result.ts'

/** Left over at least: this much, or this part of the file system where that is less. */
const SPARE_BYTES = 1024 ** 3
const SPARE_RATIO = 0.05

/**
 * @param directory  made where it is missing, for only then its file system can be asked
 * @param needBytes  at most, as estimated
 * @throws StoreFailure  when it would not fit, with what to do
 */
export async function assertRoom(directory: string, needBytes: number): Promise<void> {
  await mkdir(directory, { recursive: true, mode: 0o700 }).catch(() => undefined)
  const space = await freeSpace(directory)
  if (space === null) return
  const spare = Math.min(SPARE_BYTES, SPARE_RATIO * space.totalBytes)
  if (space.freeBytes >= needBytes + spare) return
  throw new StoreFailure(
    'HA_STORE_REFUSED',
    `archive: ${directory} has ${megabytes(space.freeBytes)} free; up to ${megabytes(needBytes)} are needed and ` +
      `${megabytes(spare)} must stay free; make room, or remove archives that are no longer needed (tandem data show)`,
  )
}

function megabytes(bytes: number): string {
  return `${Math.ceil(bytes / 1_000_000)} MB`
}
