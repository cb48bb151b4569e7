/**
 * Do our heartbeats still leave when the peer's answers do not arrive?
 *
 * The kernel drops what we send as soon as the peer no longer answers its address requests, about
 * half a minute after a link began to work one way only. Then the direction that works falls silent
 * as well, and the peer that still heard us (PROTOCOL, A6) does no longer: seen in the lab as two
 * nodes serving. So the kernel is told again and again to go on believing the hardware address it
 * has; when the peer's adapter changes, its own requests correct the entry.
 */
import type { PathConfig } from '../config/config.ts'
import type { Native } from '../system/native.ts'

/** Well below the kernel's shortest reachable time, 15 s (half of base_reachable_time). */
const KEEP_EVERY_MS = 5_000

export type NeighbourDoor = Pick<Native, 'linkState' | 'neighbourConfirm'>

/**
 * Begins to keep the entries of all direct paths.
 *
 * @returns ends it
 */
export function keepNeighbours(
  paths: readonly PathConfig[],
  door: NeighbourDoor,
  tell: (sentence: string) => void,
): () => void {
  const timer = setInterval(() => {
    for (const path of paths) keep(path, door, tell)
  }, KEEP_EVERY_MS)
  return () => clearInterval(timer)
}

function keep(path: PathConfig, door: NeighbourDoor, tell: (sentence: string) => void): void {
  try {
    const link = door.linkState(path.interface)
    if (link?.ethernet) door.neighbourConfirm(link.index, path.family, path.peerAddress)
  } catch (error) {
    tell(`neighbour ${path.peerAddress} on ${path.interface}: ${(error as Error).message}`)
  }
}
