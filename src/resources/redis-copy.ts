/**
 * How does a Redis server get everything anew from the peer's, also when its history says it has it?
 *
 * A server goes on where it was when its history allows (a partial resync). When its content is wrong
 * although its history is right, that must not happen: it is made to forget its history, so that the peer
 * sends everything. The server itself replaces its content only when the whole copy has arrived.
 */
import { NOWHERE } from './redis-access.ts'
import { askAll, askReplication, type RedisLook } from './redis-ask.ts'
import type { RedisLine } from './redis-line.ts'
import { replicaOf } from './redis-return.ts'
import type { CopyRequest, StoreArchive, StoreComparison } from './replicated-store.ts'
import { Limit, pause, StoreFailure } from './store-result.ts'

/** What the store lends for it. */
export interface CopyWays {
  line: RedisLine
  peer: { address: string; port: number }
  compare(limit: Limit): Promise<StoreComparison>
  setAside(directory: string, limit: Limit): Promise<StoreArchive>
  /** Changes with every whole copy that the peer makes. */
  copiesMade(limit: Limit): Promise<string>
  follows(look: RedisLook, limit: Limit): Promise<boolean>
  refuse(why: string): StoreFailure
}

/** Of each question while a copy goes on. */
const LOOK_MS = 2_000
const AGAIN_MS = 20
/** Writes are held for longer than the two commands take; after it they would go on by themselves. */
const HELD_MS = 5_000

/** Sets everything aside, and follows the peer from an empty start. @throws StoreFailure */
export async function copyAnew(
  ways: CopyWays,
  request: CopyRequest,
  limit: Limit,
): Promise<StoreArchive> {
  const { line, peer, refuse } = ways
  const look = (): Limit => new Limit(Math.min(LOOK_MS, limit.leftMs()))
  // Refuses where the peer's store is not the one to follow.
  await ways.compare(look())
  const archive = await ways.setAside(request.directory, limit)
  request.tell(archive.sentence)
  const copies = await ways.copiesMade(look())
  const begun = await request.whenStill(async () => {
    const { following } = await askReplication(line, look())
    if (following === null) throw refuse('it is writable; demote it first')
    await beginAnew(line, peer, look())
    return true
  })
  if (begun === null) throw refuse('the role changed; nothing was changed here')
  request.tell('the peer sends everything')
  for (;;) {
    const now = await askAll(line, look())
    if (now.replication.following?.address !== peer.address) throw refuse('the role changed')
    const copied = (await ways.copiesMade(look())) !== copies
    if (copied && (await ways.follows(now, look()))) return archive
    if (limit.over()) throw refuse(`not done within ${limit.limitMs} ms; it goes on`)
    await pause(AGAIN_MS)
  }
}

/**
 * A replica that nobody sends anything begins to follow the peer as if it had never done so.
 *
 * Only a server that was writable for a moment forgets its history. Nobody writes in it: writes are held
 * meanwhile, and answered (READONLY) only when it follows.
 *
 * @throws StoreFailure  after which it is read-only again
 */
async function beginAnew(
  line: RedisLine,
  peer: { address: string; port: number },
  limit: Limit,
): Promise<void> {
  await line.call(['CLIENT', 'PAUSE', String(HELD_MS), 'WRITE'], limit)
  try {
    await line.call(['REPLICAOF', 'NO', 'ONE'], limit)
    await line.call(replicaOf(peer), limit)
  } catch (cause) {
    await line.call(replicaOf(NOWHERE), limit, true)
    throw cause
  } finally {
    await line.call(['CLIENT', 'UNPAUSE'], limit, true).catch((cause: unknown) => {
      // It ends by itself.
      if (!(cause instanceof StoreFailure)) throw cause
    })
  }
}
