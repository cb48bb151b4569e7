// Goal: each rule finds what breaks it, and only that. Method: a server that is right in everything,
// changed in one thing at a time.
import { describe, expect, test } from 'vitest'
import { NEEDED_COMMANDS } from '../../src/resources/redis-access.ts'
import type { RedisLook } from '../../src/resources/redis-ask.ts'
import { countsUs, hazardsOf } from '../../src/resources/redis-hazards.ts'
import { judgeRedis, type RedisFacts } from '../../src/resources/redis-inspect.ts'
import { parseSettings } from '../../src/resources/redis-settings.ts'
import { configurationLines } from '../../src/resources/redis-setup.ts'

const CONFIGURATION = configurationLines({
  username: 'tandem',
  password: 'p',
  replicaUsername: 'replica',
  replicaPassword: 'r',
  aclFile: '/etc/redis/users.acl',
})

const SERVER = {
  version: '7.0.15',
  mode: 'standalone',
  runId: 'ours',
  processId: 1,
  tcpPort: 6379,
  uptimeSeconds: 1,
  configFile: '/etc/redis/redis.conf',
}

const FOLLOWING = {
  address: '127.0.0.1',
  port: 1,
  linkUp: false,
  copying: false,
  streamed: false,
  silentSeconds: null,
  receivedOffset: 5,
  offset: 5,
  readOnly: true,
}

const LOOK: RedisLook = {
  server: SERVER,
  replication: {
    following: FOLLOWING,
    history: 'R',
    offset: 5,
    formerHistory: null,
    formerEnd: null,
    followers: [],
    backlogBytes: 67_108_864,
  },
  persistence: {
    loading: false,
    saving: false,
    saves: 0,
    lastSaveOk: true,
    appendOnly: true,
    rewriting: false,
    lastAppendOk: true,
  },
  fields: new Map([
    ['used_memory', '96'],
    ['maxmemory', '0'],
    ['maxmemory_policy', 'noeviction'],
  ]),
}

function settings(text: string): RedisFacts['settings'] {
  return {
    values: new Map(parseSettings(text).map(({ name, words }) => [name, words])),
    missing: null,
  }
}

const RIGHT: RedisFacts = {
  ...LOOK,
  settings: settings(CONFIGURATION),
  peer: { server: { ...SERVER, runId: 'theirs' } },
  denied: [],
  defaultMayPromote: false,
  overcommit: '1',
  username: 'tandem',
  secured: true,
}

function found(change: Partial<RedisFacts>): string[] {
  return judgeRedis({ ...RIGHT, ...change }).map(
    (finding) => `${finding.severity} ${finding.setting}: ${finding.found}`,
  )
}

function line(name: string, value: string): Partial<RedisFacts> {
  return { settings: settings(`${CONFIGURATION}${name} ${value}\n`) }
}

describe('the check', () => {
  test('finds nothing where everything is as recommended', () => {
    expect(found({})).toEqual([])
  })

  test.each<[string, Partial<RedisFacts>, string[]]>([
    [
      'an old server',
      { server: { ...SERVER, version: '6.2.7' } },
      ['error version: 6.2.7', 'warning version: 6.2.7 here, 7.0.15 on the peer'],
    ],
    ['a cluster', { server: { ...SERVER, mode: 'cluster' } }, ['error redis_mode: cluster']],
    [
      'a replica that takes writes',
      { replication: { ...LOOK.replication, following: { ...FOLLOWING, readOnly: false } } },
      ['error replica-read-only: no'],
    ],
    [
      'a short backlog',
      { replication: { ...LOOK.replication, backlogBytes: 1_048_576 } },
      ['warning repl-backlog-size: 1048576'],
    ],
    ['a peer out of reach', { peer: { fault: 'refused' } }, ["error the peer's server: refused"]],
    [
      'a peer that is ourselves',
      { peer: { server: SERVER } },
      ["error the peer's server: our own server"],
    ],
    [
      'a missing command',
      { denied: [NEEDED_COMMANDS[2]!] },
      ['error user tandem: may not REPLICAOF 127.0.0.1 1'],
    ],
    ['an account that cannot be checked', { denied: null }, ['warning user tandem: null']],
    [
      'applications that may promote',
      { defaultMayPromote: true },
      ['warning user default: may REPLICAOF'],
    ],
    ['no configuration file', { settings: null }, ['error replicaof: null']],
    [
      'a boot that follows the peer',
      line('replicaof', '10.0.0.2 6379'),
      ['error replicaof: 10.0.0.2 6379'],
    ],
    [
      'a boot that takes writes',
      { settings: settings(CONFIGURATION.replace(/^replicaof.*$/m, '')) },
      ['error replicaof: null'],
    ],
    [
      'a file that could not be read',
      { settings: { values: new Map(), missing: 'cannot read it' } },
      ['warning replicaof: null'],
    ],
    [
      'a history that is forgotten',
      line('repl-backlog-ttl', '3600'),
      ['warning repl-backlog-ttl: 3600'],
    ],
    [
      'a slow heartbeat',
      line('repl-ping-replica-period', '10'),
      ['warning repl-ping-replica-period: 10'],
    ],
    ['a slow timeout', line('repl-timeout', '60'), ['warning repl-timeout: 60']],
    [
      'a delayed copy',
      line('repl-diskless-sync-delay', '5'),
      ['warning repl-diskless-sync-delay: 5'],
    ],
    [
      'refused reads',
      line('replica-serve-stale-data', 'no'),
      ['warning replica-serve-stale-data: no'],
    ],
    [
      'writes that need the standby',
      line('min-replicas-to-write', '1'),
      ['warning min-replicas-to-write: 1'],
    ],
    ['a disk that ends the server', line('appendfsync', 'always'), ['warning appendfsync: always']],
    ['a server that cannot follow', line('masterauth', '""'), ['warning masterauth: null']],
    [
      'a server that forgets everything',
      { ...line('save', '""'), persistence: { ...LOOK.persistence, appendOnly: false } },
      ['warning appendonly: no'],
    ],
    ['a kernel that does not overcommit', { overcommit: '0' }, ['warning vm.overcommit_memory: 0']],
  ])('finds %s', (_, change, wanted) => {
    expect(found(change)).toEqual(wanted)
  })

  test('shows no password, and mends every finding', () => {
    const findings = judgeRedis({ ...RIGHT, settings: settings('masterauth hunter2\n') })
    expect(JSON.stringify(findings)).not.toContain('hunter2')
    expect(findings.every(({ mend, why }) => mend !== '' && why !== '')).toBe(true)
  })
})

describe('a look', () => {
  const peer = { address: '10.0.0.2', port: 6379 }
  const theirs = { ...LOOK.replication, followers: [{ address: 'x', port: 6379, online: true }] }

  test('says that the peer counts us only in the same history, online, at our port', () => {
    expect(countsUs(theirs, LOOK)).toBe(true)
    expect(countsUs({ ...theirs, history: 'P' }, LOOK)).toBe(false)
    expect(
      countsUs({ ...theirs, followers: [{ address: 'x', port: 6379, online: false }] }, LOOK),
    ).toBe(false)
    expect(
      countsUs({ ...theirs, followers: [{ address: 'x', port: 1, online: true }] }, LOOK),
    ).toBe(false)
  })

  test.each<[string, Partial<RedisLook>, RegExp]>([
    ['loading', { persistence: { ...LOOK.persistence, loading: true } }, /still loading/],
    ['a failed save', { persistence: { ...LOOK.persistence, lastSaveOk: false } }, /last save/],
    ['a stuck log', { persistence: { ...LOOK.persistence, lastAppendOk: false } }, /append-only/],
    [
      'a foreign master',
      {
        replication: {
          ...LOOK.replication,
          following: { ...FOLLOWING, address: '10.9.9.9', port: 7 },
        },
      },
      /^It follows 10\.9\.9\.9:7, which is not the peer/,
    ],
    [
      'more than one replica',
      {
        replication: { ...LOOK.replication, followers: [...theirs.followers, ...theirs.followers] },
      },
      /^It has 2 replicas/,
    ],
    [
      'memory that runs out',
      {
        fields: new Map([
          ['used_memory', '96'],
          ['maxmemory', '100'],
        ]),
      },
      /memory limit/,
    ],
  ])('warns of %s, and of nothing else', (_, change, wanted) => {
    const hazards = hazardsOf({ ...LOOK, ...change }, peer)
    expect(hazards).toHaveLength(1)
    expect(hazards[0]).toMatch(wanted)
  })

  test('warns of nothing where nothing is wrong', () => {
    expect(hazardsOf(LOOK, peer)).toEqual([])
    const following = { ...FOLLOWING, ...peer }
    expect(hazardsOf({ ...LOOK, replication: { ...LOOK.replication, following } }, peer)).toEqual(
      [],
    )
  })
})
