/**
 * What can be read from one look at a Redis server: does the peer know us, and what should an operator
 * know before a switchover?
 *
 * Pure. Settings that are wrong for good are `redis-inspect.ts`'s; here is what is wrong right now.
 */
import { NOWHERE } from './redis-access.ts'
import type { RedisLook } from './redis-ask.ts'
import { numberOf, type RedisReplication } from './redis-info.ts'

/** Part of the memory limit above which writes may soon be refused. */
const MEMORY_FULL_RATIO = 0.95

/** Whether the peer's server counts us among its replicas, in the same history. */
export function countsUs(theirs: RedisReplication, ours: RedisLook): boolean {
  return (
    theirs.history === ours.replication.history &&
    theirs.followers.some(({ port, online }) => port === ours.server.tcpPort && online)
  )
}

/** Each one a sentence with its mend. */
export function hazardsOf(
  look: RedisLook,
  peer: { address: string; port: number },
): readonly string[] {
  const { persistence, replication, fields } = look
  const { following } = replication
  const hazards: string[] = []
  if (persistence.loading) {
    hazards.push('It is still loading its data: wait until it has.')
  }
  if (!persistence.lastSaveOk) {
    hazards.push(
      'The last save to disk failed, so writes are refused (MISCONF): free space on the disk and run BGSAVE.',
    )
  }
  if (persistence.appendOnly && !persistence.lastAppendOk) {
    hazards.push(
      'The append-only file cannot be written, so writes are refused (MISCONF): free space on the disk.',
    )
  }
  if (following !== null && !following.readOnly) {
    hazards.push(
      'It takes writes although it is a replica: write "replica-read-only yes" in redis.conf and restart it.',
    )
  }
  if (following !== null && !isPlace(following, peer) && !isPlace(following, NOWHERE)) {
    hazards.push(
      `It follows ${following.address}:${following.port}, which is not the peer: find out who told it to.`,
    )
  }
  if (replication.followers.length > 1) {
    hazards.push(
      `It has ${replication.followers.length} replicas: those that are not the peer stay behind in a switchover.`,
    )
  }
  const used = numberOf(fields, 'used_memory') ?? 0
  const limit = numberOf(fields, 'maxmemory') ?? 0
  const evicts = (fields.get('maxmemory_policy') ?? 'noeviction') !== 'noeviction'
  if (limit > 0 && !evicts && used > limit * MEMORY_FULL_RATIO) {
    hazards.push('Its memory limit is nearly reached and then writes are refused: raise maxmemory.')
  }
  return hazards
}

function isPlace(
  following: { address: string; port: number },
  place: { address: string; port: number },
): boolean {
  return following.address === place.address && following.port === place.port
}
