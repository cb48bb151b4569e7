/**
 * What is in an archive of a Redis store, and how is it looked into? The text beside the data, for
 * whoever finds it months later. Pure.
 */
import type { RedisFiles } from './redis-archive.ts'
import type { RedisReplication, RedisServerFacts } from './redis-info.ts'
import type { StoreComparison } from './replicated-store.ts'

export interface ArchiveFacts {
  name: string
  /** When it was made. */
  at: Date
  server: RedisServerFacts
  replication: RedisReplication
  files: RedisFiles
  keys: number
  /** Null when the peer could not be asked. */
  comparison: StoreComparison | null
}

export function archiveText(facts: ArchiveFacts): string {
  const { name, at, server, replication, files, keys, comparison } = facts
  return [
    `Data of the Redis store "${name}", set aside by tandem at ${at.toISOString()}.`,
    '',
    'This node had been active. Before it followed the peer, which discards what only this node',
    'holds, everything it held was put here.',
    '',
    `server version   ${server.version}`,
    `keys             ${keys}`,
    `history          ${replication.history}`,
    `offset           ${replication.offset}`,
    `comparison       ${comparison?.sentence ?? 'The peer could not be asked.'}`,
    '',
    `${files.snapshot} is the whole content.`,
    ...(files.appendOnly === null
      ? []
      : [`${files.appendOnly}/ is the append-only log of the same server, a copy for evidence.`]),
    '',
    'To look into it, start a server of its own on the copy; it changes nothing here:',
    '',
    `  redis-server --port 7777 --bind 127.0.0.1 --dir "$PWD" --dbfilename ${files.snapshot} \\`,
    "    --save '' --appendonly no",
    '  redis-cli -p 7777 --scan',
    '  redis-cli -p 7777 shutdown nosave',
    '',
    'Delete this directory when it is no longer needed; nothing refers to it.',
    '',
  ].join('\n')
}
