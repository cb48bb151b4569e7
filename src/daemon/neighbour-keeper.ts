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

export type NeighbourDoor = Pick<Native, 'linkState' | 'neighbourConfirm'>

/** Keeps the peer's entry of one direct path; does nothing while there is none. */
export function keepNeighbour(
  path: PathConfig,
  door: NeighbourDoor,
  tell: (sentence: string) => void,
): void {
  try {
    const link = door.linkState(path.interface)
    if (link?.ethernet) door.neighbourConfirm(link.index, path.family, path.peerAddress)
  } catch (error) {
    tell(`neighbour ${path.peerAddress} on ${path.interface}: ${(error as Error).message}`)
  }
}
