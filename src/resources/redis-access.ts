/**
 * Which commands must our account be allowed on a Redis server, and which must it not need?
 *
 * One list for the text that an operator puts in place (`redis-setup.ts`) and for the check that it
 * is in place (`redis-inspect.ts`), so that the two cannot differ.
 *
 * @source  ACL of 7.0; subcommands can be allowed by themselves since then
 */

/** Every key of ours begins like this; applications keep away from it. */
export const KEY_PREFIX = 'tandem:'

/** Written by the probe. */
export const PROBE_KEY = `${KEY_PREFIX}probe`

/** The place that nobody listens at: a server told to follow it is read-only and alone. */
export const NOWHERE = { address: '127.0.0.1', port: 1 } as const

export interface NeededCommand {
  /** As in an ACL rule, without the plus sign. */
  rule: string
  /** One call, for `ACL DRYRUN`, which carries nothing out. */
  example: readonly string[]
  why: string
}

/** All that our account may do. AUTH is always allowed. */
export const NEEDED_COMMANDS: readonly NeededCommand[] = [
  { rule: 'ping', example: ['PING'], why: 'sees that the server answers before it is commanded' },
  { rule: 'info', example: ['INFO'], why: 'reads role, history and offsets' },
  {
    rule: 'replicaof',
    example: ['REPLICAOF', NOWHERE.address, String(NOWHERE.port)],
    why: 'makes the store writable, read-only or following',
  },
  {
    rule: 'client|pause',
    example: ['CLIENT', 'PAUSE', '1', 'WRITE'],
    why: 'holds writes during a switchover',
  },
  { rule: 'client|unpause', example: ['CLIENT', 'UNPAUSE'], why: 'lets writes go on' },
  {
    rule: 'client|kill',
    example: ['CLIENT', 'KILL', 'TYPE', 'normal'],
    why: 'sends applications to the new active',
  },
  {
    rule: 'set',
    example: ['SET', PROBE_KEY, '1', 'PX', '10000'],
    why: 'shows that the store takes writes',
  },
  { rule: 'bgsave', example: ['BGSAVE'], why: 'sets data aside before a copy replaces it' },
  { rule: 'acl|whoami', example: ['ACL', 'WHOAMI'], why: 'names our account in the check' },
  {
    rule: 'acl|dryrun',
    example: ['ACL', 'DRYRUN', 'default', 'PING'],
    why: 'checks all of this without doing it',
  },
]

/** What a replica asks of the server it follows. */
export const REPLICA_COMMANDS: readonly string[] = ['psync', 'replconf', 'ping']

const NOT_THERE = `${KEY_PREFIX}not-there`

/** What comparing two servers takes: reading, of every key. As in a rule, and one call. */
export const VERIFY_COMMANDS: readonly [rule: string, example: readonly string[]][] = [
  ['info', ['INFO', 'replication']],
  ['time', ['TIME']],
  ['select', ['SELECT', '0']],
  ['scan', ['SCAN', '0', 'COUNT', '1']],
  ['exists', ['EXISTS', NOT_THERE]],
  ['type', ['TYPE', NOT_THERE]],
  ['memory|usage', ['MEMORY', 'USAGE', NOT_THERE]],
  ['dump', ['DUMP', NOT_THERE]],
  ['pexpiretime', ['PEXPIRETIME', NOT_THERE]],
  ['getrange', ['GETRANGE', NOT_THERE, '0', '0']],
  ['lrange', ['LRANGE', NOT_THERE, '0', '0']],
  ['zrange', ['ZRANGE', NOT_THERE, '0', '0']],
  ['scard', ['SCARD', NOT_THERE]],
  ['sscan', ['SSCAN', NOT_THERE, '0']],
  ['hlen', ['HLEN', NOT_THERE]],
  ['hscan', ['HSCAN', NOT_THERE, '0']],
  ['xrange', ['XRANGE', NOT_THERE, '-', '+']],
  // Without an answer to try: it refuses a stream that is not there.
  ['xinfo|groups', []],
]
