/**
 * What about a Redis server should be otherwise before it is trusted as a store of a pair?
 *
 * Judges facts that `redis.ts` gathered: INFO of ours and the peer's, the configuration file, what our
 * account is allowed. Each finding says what to write and where. Pure, changes nothing.
 *
 * @source  our experiments with 7.0; each rule names what happened without it
 */
import { type NeededCommand, NOWHERE } from './redis-access.ts'
import type { RedisPersistence, RedisReplication, RedisServerFacts } from './redis-info.ts'
import type { RedisSettings } from './redis-settings.ts'
import type { StoreFinding } from './replicated-store.ts'

export interface RedisFacts {
  server: RedisServerFacts
  replication: RedisReplication
  persistence: RedisPersistence
  /** The file that INFO names; null when the server has none. */
  settings: RedisSettings | null
  peer: { server: RedisServerFacts } | { fault: string }
  /** Null when it could not be asked. */
  denied: readonly NeededCommand[] | null
  /** Whether applications, as `default`, may change roles; null when it could not be asked. */
  defaultMayPromote: boolean | null
  /** Content of /proc/sys/vm/overcommit_memory. */
  overcommit: string | null
  username: string
  /** Where the server should follow the peer with a password, because we need one. */
  secured: boolean
}

const BACKLOG_MIN_BYTES = 16 * 1024 ** 2
const PING_MAX_SECONDS = 2
const SILENCE_MAX_SECONDS = 10

/** Every finding, errors first. */
export function judgeRedis(facts: RedisFacts): StoreFinding[] {
  const findings = [
    ...judgeServer(facts),
    ...judgePeer(facts),
    ...judgeAccess(facts),
    ...judgeBoot(facts),
    ...judgeSettings(facts),
    ...judgeMachine(facts),
  ]
  return findings.sort(
    (a, b) => Number(a.severity === 'warning') - Number(b.severity === 'warning'),
  )
}

function judgeServer({ server, replication }: RedisFacts): StoreFinding[] {
  const findings: StoreFinding[] = []
  if (Number(server.version.split('.')[0]) < 7) {
    findings.push({
      severity: 'error',
      setting: 'version',
      found: server.version,
      wanted: '7.0 or later',
      why: 'older ones cannot hold writes alone while reads go on in the way we need, nor check accounts',
      mend: 'install redis-server 7.0 or later on both nodes',
    })
  }
  if (server.mode !== 'standalone') {
    findings.push({
      severity: 'error',
      setting: 'redis_mode',
      found: server.mode,
      wanted: 'standalone',
      why: 'a cluster or a sentinel gives roles by itself',
      mend: 'write "cluster-enabled no" in redis.conf and restart the server',
    })
  }
  if (replication.following !== null && !replication.following.readOnly) {
    findings.push({
      severity: 'error',
      setting: 'replica-read-only',
      found: 'no',
      wanted: 'yes',
      why: 'a standby would take writes, and lose them with the next copy',
      mend: 'write "replica-read-only yes" in redis.conf and restart the server',
    })
  }
  const backlog = replication.backlogBytes
  if (backlog !== null && backlog < BACKLOG_MIN_BYTES) {
    findings.push({
      severity: 'warning',
      setting: 'repl-backlog-size',
      found: String(backlog),
      wanted: '64mb',
      why: 'a node that was away for longer than this reaches back has to copy everything',
      mend: 'write "repl-backlog-size 64mb" in redis.conf and restart the server',
    })
  }
  return findings
}

function judgePeer({ peer, server }: RedisFacts): StoreFinding[] {
  if ('fault' in peer) {
    return [
      {
        severity: 'error',
        setting: "the peer's server",
        found: peer.fault,
        wanted: 'reached with our account',
        why: 'positions are compared with it directly before anything is promoted or linked',
        mend: 'check bind, protected-mode, the firewall and the access list on the peer',
      },
    ]
  }
  if (peer.server.runId === server.runId) {
    return [
      {
        severity: 'error',
        setting: "the peer's server",
        found: 'our own server',
        wanted: "the peer's",
        why: 'the address given for the peer leads back to this node',
        mend: "correct the peer's address or port in our configuration",
      },
    ]
  }
  if (peer.server.version !== server.version) {
    return [
      {
        severity: 'warning',
        setting: 'version',
        found: `${server.version} here, ${peer.server.version} on the peer`,
        wanted: 'the same on both',
        why: 'an older server cannot read a copy made by a newer one, so a rejoin may fail',
        mend: 'install the same version on both nodes',
      },
    ]
  }
  return []
}

function judgeAccess({ denied, defaultMayPromote, username }: RedisFacts): StoreFinding[] {
  const findings: StoreFinding[] = []
  if (denied === null) {
    findings.push({
      severity: 'warning',
      setting: `user ${username}`,
      found: null,
      wanted: '+acl|whoami +acl|dryrun',
      why: 'without these it cannot be checked what the account may do',
      mend: 'add them to the account in the access list and run ACL LOAD',
    })
  }
  for (const command of denied ?? []) {
    findings.push({
      severity: 'error',
      setting: `user ${username}`,
      found: `may not ${command.example.join(' ')}`,
      wanted: `+${command.rule}`,
      why: command.why,
      mend: `add +${command.rule} to the account in the access list and run ACL LOAD`,
    })
  }
  if (defaultMayPromote === true) {
    findings.push({
      severity: 'warning',
      setting: 'user default',
      found: 'may REPLICAOF',
      wanted: '-@admin -@dangerous',
      why: 'an application could make a standby writable behind our back',
      mend: 'add -@admin -@dangerous +info +keys to the account in the access list and run ACL LOAD',
    })
  }
  return findings
}

function judgeBoot({ server, settings }: RedisFacts): StoreFinding[] {
  const wanted = `replicaof ${NOWHERE.address} ${NOWHERE.port}`
  const finding = (found: string | null, why: string): StoreFinding => ({
    severity: 'error',
    setting: 'replicaof',
    found,
    wanted,
    why,
    mend: `write "${wanted}" in ${server.configFile ?? 'a redis.conf'}, and never type CONFIG REWRITE`,
  })
  if (settings === null) {
    return [finding(null, 'started without a configuration file, the server boots writable')]
  }
  const words = settings.values.get('replicaof') ?? settings.values.get('slaveof')
  if (words === undefined) {
    if (settings.missing !== null) {
      return [
        {
          ...finding(null, `it could not be checked: ${settings.missing}`),
          severity: 'warning',
        },
      ]
    }
    return [finding(null, 'after a restart the server would take writes without being told to')]
  }
  const [address = '', port = ''] = words
  if (/^(127\.|::1$|localhost$)/.test(address) && port === String(NOWHERE.port)) return []
  return [
    finding(
      words.join(' '),
      'after a restart the server would follow at once and throw away what only it holds',
    ),
  ]
}

function judgeSettings({ persistence, server, settings, secured }: RedisFacts): StoreFinding[] {
  const findings: StoreFinding[] = []
  const file = server.configFile ?? 'redis.conf'
  const value = (name: string): string | null => settings?.values.get(name)?.join(' ') ?? null
  /** What the file does not say is the server's default, unless part of it could not be read. */
  const judge = (
    name: string,
    rule: { fallback: string; good: (text: string) => boolean; wanted: string; why: string },
  ): void => {
    if (settings === null || (value(name) === null && settings.missing !== null)) return
    const found = value(name) ?? rule.fallback
    if (rule.good(found)) return
    const mend = `write "${name} ${rule.wanted}" in ${file} and restart the server`
    findings.push({
      severity: 'warning',
      setting: name,
      found,
      wanted: rule.wanted,
      why: rule.why,
      mend,
    })
  }
  judge('repl-backlog-ttl', {
    fallback: '3600',
    good: (text) => Number(text) === 0,
    wanted: '0',
    why: 'an hour after the peer went away the server forgets its history, and nothing can be compared any more',
  })
  judge('repl-ping-replica-period', {
    fallback: value('repl-ping-slave-period') ?? '10',
    good: (text) => Number(text) <= PING_MAX_SECONDS,
    wanted: '1',
    why: 'a silent link is noticed too late',
  })
  judge('repl-timeout', {
    fallback: '60',
    good: (text) => Number(text) <= SILENCE_MAX_SECONDS,
    wanted: '5',
    why: 'a silent link is noticed too late',
  })
  judge('repl-diskless-sync-delay', {
    fallback: '5',
    good: (text) => Number(text) === 0 || value('repl-diskless-sync') === 'no',
    wanted: '0',
    why: 'each copy waits for more replicas, and there is only one',
  })
  judge('replica-serve-stale-data', {
    fallback: value('slave-serve-stale-data') ?? 'yes',
    good: (text) => text === 'yes',
    wanted: 'yes',
    why: 'a standby without its peer would refuse even reads',
  })
  judge('min-replicas-to-write', {
    fallback: value('min-slaves-to-write') ?? '0',
    good: (text) => Number(text) === 0,
    wanted: '0',
    why: 'a dead standby would stop the writes of the active',
  })
  judge('appendfsync', {
    fallback: 'everysec',
    good: (text) => text !== 'always' || !persistence.appendOnly,
    wanted: 'everysec',
    why: 'with "always" the server ends itself when the disk is full',
  })
  if (settings !== null && secured && settings.missing === null) {
    const login = value('masterauth') ?? ''
    if (login === '') {
      findings.push({
        severity: 'warning',
        setting: 'masterauth',
        found: null,
        wanted: 'the password of the account that follows',
        why: "without it the peer's server may refuse to be followed",
        mend: `write "masteruser" and "masterauth" in ${file} and restart the server`,
      })
    }
  }
  const saves = value('save')
  if (!persistence.appendOnly && settings !== null && saves !== null && saves.trim() === '') {
    findings.push({
      severity: 'warning',
      setting: 'appendonly',
      found: 'no',
      wanted: 'yes',
      why: 'the server keeps nothing on disk: after a restart it is empty',
      mend: `write "appendonly yes" in ${file} and restart the server`,
    })
  }
  return findings
}

function judgeMachine({ overcommit }: RedisFacts): StoreFinding[] {
  if (overcommit === null || overcommit === '1') return []
  return [
    {
      severity: 'warning',
      setting: 'vm.overcommit_memory',
      found: overcommit,
      wanted: '1',
      why: 'saving and copying fork the server, which may fail for want of memory it will not use',
      mend: 'write "vm.overcommit_memory = 1" in /etc/sysctl.d/redis.conf and run sysctl --system',
    },
  ]
}
