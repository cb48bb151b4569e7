/**
 * What does a server answer to the questions that we ask of it in several places?
 *
 * Each function is one question over a line, the answer read into what we decide by. Nothing here
 * changes anything on the server; each of them may be asked twice.
 */
import { NEEDED_COMMANDS, type NeededCommand } from './redis-access.ts'
import {
  type InfoFields,
  parseInfo,
  persistenceOf,
  type RedisPersistence,
  type RedisReplication,
  type RedisServerFacts,
  replicationOf,
  serverOf,
} from './redis-info.ts'
import type { RedisLine } from './redis-line.ts'
import { Limit, StoreFailure } from './store-result.ts'

/** Everything that one INFO tells. */
export interface RedisLook {
  server: RedisServerFacts
  replication: RedisReplication
  persistence: RedisPersistence
  fields: InfoFields
}

const SECTIONS = ['server', 'replication', 'persistence', 'memory', 'keyspace']

/** @throws StoreFailure */
export async function askAll(line: RedisLine, limit: Limit): Promise<RedisLook> {
  const fields = parseInfo(await line.text(['INFO', ...SECTIONS], limit, true))
  const server = serverOf(fields)
  const replication = replicationOf(fields)
  const persistence = persistenceOf(fields)
  if (server === null || replication === null || persistence === null) throw strange(line)
  return { server, replication, persistence, fields }
}

/** For tight loops: the shortest question. */
export async function askReplication(line: RedisLine, limit: Limit): Promise<RedisReplication> {
  const replication = replicationOf(
    parseInfo(await line.text(['INFO', 'replication'], limit, true)),
  )
  if (replication === null) throw strange(line)
  return replication
}

function strange(line: RedisLine): StoreFailure {
  return new StoreFailure(
    'HA_STORE_REFUSED',
    `${line.label}: INFO: the answer is not that of a Redis server we know`,
  )
}

/** The peer's server for the check; that it does not answer is a finding and no failure. */
export async function askPeer(
  line: RedisLine,
  limit: Limit,
): Promise<{ server: RedisServerFacts } | { fault: string }> {
  try {
    return { server: (await askAll(line, new Limit(limit.leftMs() / 2))).server }
  } catch (cause) {
    if (cause instanceof StoreFailure) return { fault: cause.message }
    throw cause
  }
}

/** What of the needed an account may not do; null when we may not ask. */
export async function askDenied(
  line: RedisLine,
  username: string,
  limit: Limit,
): Promise<NeededCommand[] | null> {
  const denied: NeededCommand[] = []
  for (const command of NEEDED_COMMANDS) {
    const may = await askMay(line, username, command.example, limit)
    if (may === null) return null
    if (!may) denied.push(command)
  }
  return denied
}

/** Whether an account may do something, without doing it; null when we may not ask. */
export async function askMay(
  line: RedisLine,
  username: string,
  words: readonly string[],
  limit: Limit,
): Promise<boolean | null> {
  try {
    return (await line.text(['ACL', 'DRYRUN', username, ...words], limit, true)) === 'OK'
  } catch (cause) {
    if (!(cause instanceof StoreFailure)) throw cause
    const { code } = cause.fault
    if (code === 'HA_STORE_FORBIDDEN' || code === 'HA_STORE_REFUSED') return null
    throw cause
  }
}
