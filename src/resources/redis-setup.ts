/**
 * What must an operator put in place, so that a Redis server can be a store of a pair?
 *
 * Text to copy, made from the same lists that the check uses. Pure: passwords come in and go out in
 * the text, nothing else is done with them. In the access list they stand as hashes, which is all that
 * the server needs there; `masterauth` must have the password itself.
 */
import { createHash } from 'node:crypto'
import {
  KEY_PREFIX,
  NEEDED_COMMANDS,
  NOWHERE,
  REPLICA_COMMANDS,
  VERIFY_COMMANDS,
} from './redis-access.ts'

export interface RedisSetup {
  /** Our account, as in our own configuration. */
  username: string
  password: string
  /** The account with which one server follows the other. */
  replicaUsername: string
  replicaPassword: string
  /** Where the access list will lie. */
  aclFile: string
  /** The account that compares both nodes; left out where none is wanted. */
  verify?: { user: string; password: string } | null
  /** Our own address of the path over which the peer follows; left out: where it listens is told elsewhere. */
  listen?: string
}

/**
 * Lines for the access list file. What applications may do is the operator's to say; the last line is
 * a suggestion that keeps them from taking the store away from us. rtpengine restores its calls by KEYS.
 */
export function accessLines(setup: RedisSetup): string {
  const ours = NEEDED_COMMANDS.map(({ rule }) => `+${rule}`).join(' ')
  const replica = REPLICA_COMMANDS.map((name) => `+${name}`).join(' ')
  return [
    `user ${setup.username} on #${hash(setup.password)} resetkeys ~${KEY_PREFIX}* resetchannels -@all ${ours}`,
    `user ${setup.replicaUsername} on #${hash(setup.replicaPassword)} resetkeys resetchannels -@all ${replica}`,
    ...(setup.verify == null ? [] : [verifyLine(setup.verify)]),
    'user default on nopass ~* &* +@all -@admin -@dangerous +info +keys',
    '',
  ].join('\n')
}

/** Lines for redis.conf, the same on both nodes. */
export function configurationLines(setup: RedisSetup): string {
  return [
    '# A server that boots follows nobody and takes no writes, until the manager says otherwise.',
    '# Never the address of the peer: that would throw away what only this server holds.',
    `replicaof ${NOWHERE.address} ${NOWHERE.port}`,
    'replica-read-only yes',
    'replica-serve-stale-data yes',
    '# Enough to go on where it was after an outage, and never forgotten.',
    'repl-backlog-size 64mb',
    'repl-backlog-ttl 0',
    '# A silent link is noticed within seconds.',
    'repl-ping-replica-period 1',
    'repl-timeout 5',
    'repl-diskless-sync yes',
    'repl-diskless-sync-delay 0',
    '# A dead standby must not stop writes.',
    'min-replicas-to-write 0',
    'appendonly yes',
    '# Not "always": the server ends itself when the disk is full.',
    'appendfsync everysec',
    `aclfile ${quote(setup.aclFile)}`,
    `masteruser ${setup.replicaUsername}`,
    `masterauth ${quote(setup.replicaPassword)}`,
    ...(setup.listen === undefined ? [] : listenLines(setup.listen)),
    '',
  ].join('\n')
}

function listenLines(address: string): string[] {
  return [
    '# For this node and, over the crosslink, for the peer. Clients elsewhere need further addresses here,',
    '# and then a password for the account "default", or a firewall.',
    `bind 127.0.0.1 -::1 ${address}`,
    'protected-mode no',
  ]
}

/** Everything with explanations, to be shown. */
export function setupText(setup: RedisSetup): string {
  return [
    `# 1. ${setup.aclFile}, mode 0600, owned by the account that Redis runs as:`,
    '',
    accessLines(setup),
    '# 2. At the end of redis.conf:',
    '',
    configurationLines(setup),
    '# 3. On both nodes: sysctl vm.overcommit_memory=1, else saving may fail for want of memory.',
    '# 4. Restart Redis on the standby first. From now on nobody types CONFIG REWRITE.',
    '',
  ].join('\n')
}

function verifyLine({ user, password }: { user: string; password: string }): string {
  const rules = VERIFY_COMMANDS.map(([rule]) => `+${rule}`).join(' ')
  return `user ${user} on #${hash(password)} resetkeys %R~* resetchannels -@all ${rules}`
}

function hash(password: string): string {
  return createHash('sha256').update(password).digest('hex')
}

/** So that no character ends the word or the line. */
function quote(text: string): string {
  const escaped = [...Buffer.from(text, 'utf8')].map((byte) => {
    const character = String.fromCharCode(byte)
    if (/[A-Za-z0-9_.,:;@%+=/~!*()<>?|^&$-]/.test(character)) return character
    return `\\x${byte.toString(16).padStart(2, '0')}`
  })
  return `"${escaped.join('')}"`
}
