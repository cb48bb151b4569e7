/**
 * How is what a Redis server holds set aside before it follows the peer, and when may it not follow?
 *
 * The steps of an archive in their order, from the room it needs to the sentence about it.
 */

import { join } from 'node:path'
import { assertRoom } from './archive-room.ts'
import { takeFiles } from './redis-archive.ts'
import { archiveText } from './redis-archive-text.ts'
import { askAll, type RedisLook } from './redis-ask.ts'
import { keyCountOf } from './redis-info.ts'
import type { RedisLine } from './redis-line.ts'
import { directoriesOf, saveAll } from './redis-save.ts'
import type { StoreArchive, StoreComparison } from './replicated-store.ts'
import type { Limit } from './store-result.ts'

export interface SetAsideRequest {
  name: string
  line: RedisLine
  dataDirectory: string | null
  /** Above the archive's own directory. */
  directory: string
  at: Date
  /** Null when the peer could not be asked. */
  comparison: StoreComparison | null
}

/** Saves everything and takes the files. @throws StoreFailure */
export async function setAside(request: SetAsideRequest, limit: Limit): Promise<StoreArchive> {
  const { name, line, dataDirectory, directory, at, comparison } = request
  const needBytes = bytesAtMost(await askAll(line, limit))
  const [data = directory] = await directoriesOf(line, dataDirectory, limit)
  // The snapshot is made there, and the archive shares its blocks only on the same file system.
  await assertRoom(data, needBytes)
  await assertRoom(directory, needBytes)
  const { look, files } = await saveAll(line, dataDirectory, limit)
  const keys = keyCountOf(look.fields)
  const stamp = at.toISOString().replace(/[:.]/g, '-')
  const paths = await takeFiles(
    {
      files,
      target: join(directory, `${name}-${stamp}`),
      description: archiveText({ ...look, files, name, at, keys, comparison }),
    },
    limit,
  )
  const count = comparison?.ours ?? null
  const lacks =
    count === null ? 'how much the peer lacks is unknown' : `${count} bytes the peer lacks`
  return { paths, count, sentence: `Set aside ${keys} keys of ${name}; ${lacks}.` }
}

/** A snapshot is hardly ever larger than the memory it is made of; a log grows in place. */
function bytesAtMost({ fields }: RedisLook): number {
  const memory = Number(fields.get('used_memory') ?? 0)
  const log = Number(fields.get('aof_current_size') ?? 0)
  return (Number.isFinite(memory) ? memory : 0) + (Number.isFinite(log) ? log : 0)
}

export function replicaOf({ address, port }: { address: string; port: number }): string[] {
  return ['REPLICAOF', address, String(port)]
}

/** Whether linking now would cost more than what was said before. */
export function losesMore(now: StoreComparison, told: StoreComparison): boolean {
  if (now.verdict === 'same' || told.verdict === 'unknown') return false
  if (now.verdict === 'unknown') return true
  return (now.ours ?? 0) > (told.ours ?? 0)
}
