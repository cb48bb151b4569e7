/**
 * Goal: a store that follows the peer is never said to hold what the peer does not, however much is written
 * while the two are asked one after the other. Method: two real servers, one following, and a busy writer.
 */
import { afterAll, beforeAll, expect, test } from 'vitest'
import { RedisStore } from '../../src/resources/redis.ts'
import { ACCOUNT, startRedis, type TestRedis, Writer } from '../helpers/redis-server.ts'

const QUESTIONS = 300

let active: TestRedis
let standby: TestRedis
let store: RedisStore

beforeAll(async () => {
  ;[active, standby] = await Promise.all([startRedis(), startRedis()])
  await active.admin('REPLICAOF', 'NO', 'ONE')
  store = new RedisStore({
    name: 'redis',
    ours: standby.place,
    peer: active.place,
    account: ACCOUNT,
    dataDirectory: null,
    pidFile: null,
    now: () => new Date(),
  })
}, 60_000)

afterAll(async () => {
  store.close()
  await Promise.all([active.remove(), standby.remove()])
})

test('a link that stands holds nothing of its own', async () => {
  const compared = await store.compare(5_000)
  if (!compared.ok) throw new Error(compared.fault.message)
  expect((await store.rejoin(compared.value, 20_000)).ok).toBe(true)
  const writer = new Writer([active, active], 'linked', 2_000)
  const verdicts = new Set<string>()
  for (let asked = 0; asked < QUESTIONS; asked += 1) {
    const found = await store.compare(5_000)
    verdicts.add(found.ok ? found.value.sentence : found.fault.message)
  }
  await writer.stop()
  expect([...verdicts]).toEqual(["The peer's store has everything of ours."])
})
