/**
 * Does the peer's store have everything of ours?
 *
 * Redis counts the bytes of its replication stream and gives each stretch that was written by one
 * server an id. A promotion begins a new id and remembers the one before, with the first byte that is
 * not part of it:
 *
 *     former history  1 ........ formerEnd-1 |
 *     history                                | formerEnd ........ offset
 *
 * So two servers can tell how much they share when one knows the id that the other counts in, or both
 * know the same former one. Only one former id is remembered, and none survives a crash or a restart
 * from an append-only file: then nothing can be told, and what is not known to be shared is ours.
 *
 * More than zero bytes need not be data: an expiring key, or the server's own heartbeat to a replica
 * that hangs, count too. That mistake costs an archive and a copy; the other one would cost data.
 * Pure. Source: our experiments with 7.0, shiftReplicationId() and masterTryPartialResynchronization().
 */
import type { RedisReplication } from './redis-info.ts'
import type { StoreComparison } from './replicated-store.ts'

type History = Pick<RedisReplication, 'history' | 'offset' | 'formerHistory' | 'formerEnd'>

/**
 * Up to which byte both hold the same.
 *
 * @returns null when neither knows the other's history
 */
export function sharedUpTo(ours: History, theirs: History): number | null {
  const ends: number[] = []
  if (ours.history === theirs.history) ends.push(Math.min(ours.offset, theirs.offset))
  // They were promoted out of our history.
  if (theirs.formerHistory === ours.history && theirs.formerEnd !== null) {
    ends.push(Math.min(ours.offset, theirs.formerEnd - 1))
  }
  // We were promoted out of theirs.
  if (ours.formerHistory === theirs.history && ours.formerEnd !== null) {
    ends.push(Math.min(theirs.offset, ours.formerEnd - 1))
  }
  // Both were promoted out of the same one.
  if (
    ours.formerHistory !== null &&
    ours.formerHistory === theirs.formerHistory &&
    ours.formerEnd !== null &&
    theirs.formerEnd !== null
  ) {
    ends.push(Math.min(ours.formerEnd, theirs.formerEnd) - 1)
  }
  return ends.length === 0 ? null : Math.max(...ends)
}

/**
 * Compares our history with that of the peer's store, which takes the writes.
 *
 * @param empty  our store holds no key at all: whatever its history, nothing can be lost with it
 */
export function compareHistories(ours: History, theirs: History, empty: boolean): StoreComparison {
  const shared = sharedUpTo(ours, theirs)
  if (shared === null) {
    if (empty) {
      return { verdict: 'same', ours: 0, sentence: 'Our store is empty: there is nothing to lose.' }
    }
    return {
      verdict: 'unknown',
      ours: null,
      sentence:
        'Neither store knows the history of the other (restarted, or apart for too long), so what only ours holds cannot be told.',
    }
  }
  const bytes = ours.offset - shared
  if (bytes === 0) {
    return { verdict: 'same', ours: 0, sentence: "The peer's store has everything of ours." }
  }
  return {
    verdict: 'ahead',
    ours: bytes,
    sentence: `Our store holds ${bytes} bytes of changes after byte ${shared} that the peer's never saw.`,
  }
}
