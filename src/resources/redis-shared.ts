/**
 * Which settings of a Redis server should both nodes have alike? Those that INFO tells, so that the account
 * needs no right to read the configuration, in which passwords stand.
 */
import { parseInfo } from './redis-info.ts'
import type { RedisLine } from './redis-line.ts'
import type { Limit } from './store-result.ts'

const SHARED = ['redis_mode', 'maxmemory', 'maxmemory_policy', 'aof_enabled', 'maxclients']

/** By name; what this release does not tell is left out. */
export async function askShared(
  line: Pick<RedisLine, 'text'>,
  limit: Limit,
): Promise<ReadonlyMap<string, string>> {
  const sections = ['server', 'clients', 'memory', 'persistence']
  const fields = parseInfo(await line.text(['INFO', ...sections], limit))
  return new Map(
    SHARED.flatMap((name) => {
      const value = fields.get(name)
      return value === undefined ? [] : [[name, value] as const]
    }),
  )
}
