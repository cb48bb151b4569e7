/**
 * Goal: a standby's server that merely was started again is not taken for one with data of its own, and
 * nothing else is taken for that. Method: each fact on its own, and the file on a real disk.
 */
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import type { RedisLook } from '../../src/resources/redis-ask.ts'
import { FollowedHistory, judgeRestarted } from '../../src/resources/redis-followed.ts'
import type { RedisReplication } from '../../src/resources/redis-info.ts'

const HISTORY = 'a'.repeat(40)
const OTHER = 'b'.repeat(40)
const RUN = '1'.repeat(40)
const NEXT_RUN = '2'.repeat(40)

const ALONE: RedisReplication = {
  following: {
    ...{ address: '127.0.0.1', port: 1, linkUp: false, copying: false, streamed: false },
    ...{ silentSeconds: null, receivedOffset: 0, offset: 0, readOnly: true },
  },
  ...{ history: OTHER, offset: 0, formerHistory: null, formerEnd: null },
  ...{ followers: [], backlogBytes: null },
}
const PEER: RedisReplication = { ...ALONE, following: null, history: HISTORY, offset: 900 }
const CASE = {
  ours: ALONE,
  theirs: PEER,
  runId: NEXT_RUN,
  last: { history: HISTORY, runId: RUN },
  bootsReadOnly: true,
}

let directory: string
let path: string
beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'tandem-followed-'))
  path = join(directory, 'followed-redis')
})
afterEach(() => rmSync(directory, { recursive: true, force: true }))

const lookOf = (runId: string, configFile: string | null): RedisLook => ({
  server: {
    ...{ version: '7.0.15', mode: 'standalone', runId, processId: 1, tcpPort: 6379 },
    ...{ uptimeSeconds: 1, configFile },
  },
  replication: ALONE,
  persistence: {
    ...{ loading: false, saving: false, saves: 0, lastSaveOk: true, appendOnly: true },
    ...{ rewriting: false, lastAppendOk: true },
  },
  fields: new Map(),
})

describe('a server that was started again', () => {
  test('holds nothing of its own when the peer still writes in the history that it followed', () => {
    expect(judgeRestarted(CASE)).toEqual({
      verdict: 'same',
      ours: 0,
      sentence: expect.stringContaining('holds nothing of its own'),
    })
  })

  test.each([
    { name: 'the peer was promoted since', change: { theirs: { ...PEER, history: OTHER } } },
    { name: 'it is the same start that followed', change: { runId: RUN } },
    { name: 'it boots writable', change: { bootsReadOnly: false } },
    { name: 'it takes writes', change: { ours: { ...ALONE, following: null } } },
    {
      name: 'it takes writes as a replica',
      change: {
        ours: { ...ALONE, following: { ...ALONE.following, readOnly: false } as never },
      },
    },
  ])('may hold something of its own when $name', ({ change }) => {
    expect(judgeRestarted({ ...CASE, ...change })).toBeNull()
  })

  test('is known by what another start of the agent wrote down', async () => {
    const configFile = join(directory, 'redis.conf')
    writeFileSync(configFile, 'replicaof 127.0.0.1 1\n')
    const before = new FollowedHistory(path)
    before.note({ history: HISTORY, runId: RUN })
    await before.compare(lookOf(RUN, configFile), PEER)
    expect(readFileSync(path, 'latin1')).toBe(`${HISTORY} ${RUN}\n`)
    const after = new FollowedHistory(path)
    expect(await after.compare(lookOf(NEXT_RUN, configFile), PEER)).toMatchObject({
      verdict: 'same',
    })
    writeFileSync(configFile, 'port 6379\n')
    expect(await after.compare(lookOf(NEXT_RUN, configFile), PEER)).toBeNull()
    expect(await after.compare(lookOf(NEXT_RUN, null), PEER)).toBeNull()
  })

  test('is not known once it took writes, or when nothing or nonsense was written down', async () => {
    const configFile = join(directory, 'redis.conf')
    writeFileSync(configFile, 'replicaof 127.0.0.1 1\n')
    const store = new FollowedHistory(path)
    store.note({ history: HISTORY, runId: RUN })
    store.forget()
    expect(await store.compare(lookOf(NEXT_RUN, configFile), PEER)).toBeNull()
    expect(await new FollowedHistory(path).compare(lookOf(NEXT_RUN, configFile), PEER)).toBeNull()
    writeFileSync(path, 'nonsense\n')
    expect(await new FollowedHistory(path).compare(lookOf(NEXT_RUN, configFile), PEER)).toBeNull()
    const nowhere = new FollowedHistory(null)
    nowhere.note({ history: HISTORY, runId: RUN })
    expect(await nowhere.compare(lookOf(NEXT_RUN, configFile), PEER)).toBeNull()
  })
})
