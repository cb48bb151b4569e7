/**
 * What does a Redis server tell of itself?
 *
 * Reads the text of INFO into what we decide by. Sections that were not asked for leave their values
 * null. Pure; the meaning of histories and offsets is told in `redis-history.ts`.
 *
 * @source  redis.io/commands/info; names and defaults as in server.c and replication.c of 7.0
 */

/** One replica as the server it follows lists it. */
export interface RedisFollower {
  address: string
  /** The port it listens on itself, as it announced. */
  port: number
  /** Online is said up to a second before the stream begins, even with an offset confirmed. */
  online: boolean
}

/** A server that follows another, or tries to. */
export interface RedisFollowing {
  address: string
  port: number
  linkUp: boolean
  /** A whole copy is on its way. */
  copying: boolean
  /**
   * The stream has brought something since the last whole copy, which empties the backlog. Until then
   * "up" may be ahead of the truth by a second.
   */
  streamed: boolean
  /** Since the stream last brought anything; null while the link is down. */
  silentSeconds: number | null
  /** Received; at least `offset`. */
  receivedOffset: number
  /** Applied. */
  offset: number
  readOnly: boolean
}

export interface RedisReplication {
  /** Null for a server that takes writes. */
  following: RedisFollowing | null
  /** Replication id, and how many bytes of that history we hold. */
  history: string
  offset: number
  /** The history before the last promotion, and the first byte that is not shared with it. */
  formerHistory: string | null
  formerEnd: number | null
  followers: readonly RedisFollower[]
  backlogBytes: number | null
}

export interface RedisServerFacts {
  version: string
  /** `standalone`, `cluster` or `sentinel`. */
  mode: string
  runId: string
  processId: number
  /** That the server listens on; 0 for none. */
  tcpPort: number
  uptimeSeconds: number
  /** Null when it was started without one. */
  configFile: string | null
}

export interface RedisPersistence {
  loading: boolean
  saving: boolean
  /** How many saves succeeded since the start, where the server counts. */
  saves: number
  lastSaveOk: boolean
  appendOnly: boolean
  rewriting: boolean
  lastAppendOk: boolean
}

/** Fields of INFO, without sections and comments. */
export type InfoFields = ReadonlyMap<string, string>

/** Splits the text of INFO. */
export function parseInfo(text: string): InfoFields {
  const fields = new Map<string, string>()
  for (const line of text.split('\n')) {
    const colon = line.indexOf(':')
    if (colon <= 0 || line.startsWith('#')) continue
    fields.set(line.slice(0, colon), line.slice(colon + 1).trimEnd())
  }
  return fields
}

/** @returns null when the section is not there or not as we know it */
export function replicationOf(fields: InfoFields): RedisReplication | null {
  const role = fields.get('role')
  const history = fields.get('master_replid')
  const offset = numberOf(fields, 'master_repl_offset')
  if ((role !== 'master' && role !== 'slave') || history === undefined || offset === null) {
    return null
  }
  const former = fields.get('master_replid2')
  const formerEnd = numberOf(fields, 'second_repl_offset')
  const known = former !== undefined && !/^0*$/.test(former) && formerEnd !== null && formerEnd >= 0
  return {
    following: role === 'slave' ? followingOf(fields, offset) : null,
    history,
    offset,
    formerHistory: known ? former : null,
    formerEnd: known ? formerEnd : null,
    followers: followersOf(fields),
    backlogBytes: numberOf(fields, 'repl_backlog_size'),
  }
}

function followingOf(fields: InfoFields, ownOffset: number): RedisFollowing {
  const linkUp = fields.get('master_link_status') === 'up'
  const silent = numberOf(fields, 'master_last_io_seconds_ago')
  // Without a link the server says 1 here, whatever it holds.
  const offset = linkUp ? (numberOf(fields, 'slave_repl_offset') ?? ownOffset) : ownOffset
  return {
    address: fields.get('master_host') ?? '',
    port: numberOf(fields, 'master_port') ?? 0,
    linkUp,
    copying: fields.get('master_sync_in_progress') === '1',
    streamed: (numberOf(fields, 'repl_backlog_histlen') ?? 0) > 0,
    silentSeconds: silent === null || silent < 0 ? null : silent,
    receivedOffset: Math.max(
      offset,
      linkUp ? (numberOf(fields, 'slave_read_repl_offset') ?? offset) : offset,
    ),
    offset,
    readOnly: fields.get('slave_read_only') !== '0',
  }
}

function followersOf(fields: InfoFields): RedisFollower[] {
  const followers: RedisFollower[] = []
  for (const [name, value] of fields) {
    if (!/^slave\d+$/.test(name)) continue
    const parts = new Map(
      value.split(',').map((part): [string, string] => {
        const at = part.indexOf('=')
        return [part.slice(0, at), part.slice(at + 1)]
      }),
    )
    followers.push({
      address: parts.get('ip') ?? '',
      port: numberOf(parts, 'port') ?? 0,
      online: parts.get('state') === 'online',
    })
  }
  return followers
}

/** @returns null when the section is not there */
export function serverOf(fields: InfoFields): RedisServerFacts | null {
  const version = fields.get('redis_version')
  if (version === undefined) return null
  const configFile = fields.get('config_file') ?? ''
  return {
    version,
    mode: fields.get('redis_mode') ?? '',
    runId: fields.get('run_id') ?? '',
    processId: numberOf(fields, 'process_id') ?? 0,
    tcpPort: numberOf(fields, 'tcp_port') ?? 0,
    uptimeSeconds: numberOf(fields, 'uptime_in_seconds') ?? 0,
    configFile: configFile === '' ? null : configFile,
  }
}

/** @returns null when the section is not there */
export function persistenceOf(fields: InfoFields): RedisPersistence | null {
  if (!fields.has('rdb_bgsave_in_progress')) return null
  return {
    loading: fields.get('loading') === '1' || fields.get('async_loading') === '1',
    saving: fields.get('rdb_bgsave_in_progress') === '1',
    saves: numberOf(fields, 'rdb_saves') ?? 0,
    lastSaveOk: fields.get('rdb_last_bgsave_status') !== 'err',
    appendOnly: fields.get('aof_enabled') === '1',
    rewriting:
      fields.get('aof_rewrite_in_progress') === '1' || fields.get('aof_rewrite_scheduled') === '1',
    lastAppendOk: fields.get('aof_last_write_status') !== 'err',
  }
}

/**
 * How long the append-only file is with what waits to be written to it: it gets what the replication
 * stream gets, byte for byte, but for the server's own pings. Rewriting makes it shorter.
 *
 * @returns null when the server keeps none or is still reading it
 */
export function logBytesOf(look: {
  persistence: RedisPersistence
  fields: InfoFields
}): number | null {
  const size = numberOf(look.fields, 'aof_current_size')
  if (!look.persistence.appendOnly || look.persistence.loading || size === null) return null
  return size + (numberOf(look.fields, 'aof_buffer_length') ?? 0)
}

/** Keys in all databases; only right when the section was asked for. */
export function keyCountOf(fields: InfoFields): number {
  let count = 0
  for (const [name, value] of fields) {
    if (/^db\d+$/.test(name)) count += Number(/keys=(\d+)/.exec(value)?.[1] ?? 0)
  }
  return count
}

/** @returns null when the field is missing or no number */
export function numberOf(fields: ReadonlyMap<string, string>, name: string): number | null {
  const text = fields.get(name)
  if (text === undefined || !/^-?\d+$/.test(text)) return null
  return Number(text)
}
