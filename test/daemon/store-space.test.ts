/**
 * Goal: the room of each store is known whatever its server does, and a change is told once.
 * Method: a pretend store, a pretend kernel; each pause of the watch is one turn that the test lets pass.
 */
import { beforeEach, expect, test } from 'vitest'
import { StoreSpaceWatch } from '../../src/daemon/store-space.ts'
import type { FreeSpace } from '../../src/system/free-space.ts'
import { FAULT, PretendStore, turns } from '../helpers/pretend-store.ts'

const GIB = 1024 ** 3

let store: PretendStore
let disks: Map<string, FreeSpace | null>
let looked: string[]
let changes: string[]
let nowMs: number
let pass: () => Promise<void>

function watchWith(minFreeMb: number | null): StoreSpaceWatch {
  let go = (): void => undefined
  const watch = new StoreSpaceWatch({
    stores: [store],
    minFreeMb: new Map([['store', minFreeMb]]),
    look: async (directory) => {
      looked.push(directory)
      return disks.get(directory) ?? null
    },
    now: () => nowMs,
    wait: () =>
      new Promise((resolve) => {
        go = resolve
      }),
    changed: (_, { state, directory }) => changes.push(`${directory} ${state}`),
  })
  watch.start()
  pass = async () => {
    await turns()
    nowMs += 2_000
    go()
    await turns()
  }
  return watch
}

beforeEach(() => {
  store = new PretendStore()
  disks = new Map([['/data', { freeBytes: 50 * GIB, totalBytes: 100 * GIB }]])
  looked = []
  changes = []
  nowMs = 0
})

test('a disk that gets full is told once, with its place', async () => {
  const watch = watchWith(null)
  await pass()
  expect(watch.of(store)).toMatchObject({ directory: '/data', state: 'enough' })
  disks.set('/data', { freeBytes: 0.1 * GIB, totalBytes: 100 * GIB })
  await pass()
  await pass()
  expect(changes).toEqual(['/data critical'])
})

test('of several places the fullest counts', async () => {
  store.directories = async () => ({ ok: true, value: ['/data', '/binlog'], durationMs: 1 })
  disks.set('/binlog', { freeBytes: 1 * GIB, totalBytes: 100 * GIB })
  const watch = watchWith(null)
  await pass()
  expect(watch.of(store)).toMatchObject({ directory: '/binlog', state: 'low' })
})

test('a server that answers no longer is not needed to see its disk', async () => {
  const watch = watchWith(null)
  await pass()
  store.faults['directories'] = FAULT
  nowMs += 3_600_000
  disks.set('/data', { freeBytes: 0, totalBytes: 100 * GIB })
  await pass()
  expect(watch.of(store)?.state).toBe('critical')
})

test('a disk on which nothing can be written any more is full, one that is nearly so is not', async () => {
  const watch = watchWith(null)
  expect(watch.isFull(store)).toBe(false)
  disks.set('/data', { freeBytes: 4 * 1024 ** 2, totalBytes: 100 * GIB })
  await pass()
  expect([watch.of(store)?.state, watch.isFull(store)]).toEqual(['critical', false])
  disks.set('/data', { freeBytes: 100_000, totalBytes: 100 * GIB })
  await pass()
  expect(watch.isFull(store)).toBe(true)
})

test('a server that will not tell is not asked all the time, one that was silent soon again', async () => {
  store.faults['directories'] = { code: 'HA_STORE_REFUSED', message: 'not known' }
  watchWith(null)
  for (let time = 0; time < 20; time += 1) await pass()
  expect(store.asked).toHaveLength(1)
  store.faults['directories'] = { code: 'HA_STORE_TIMEOUT', message: 'silent' }
  nowMs += 600_000
  for (let time = 0; time < 20; time += 1) await pass()
  expect(store.asked.length).toBeGreaterThan(3)
})

test('a place that hangs is not looked at again, and nothing else is lost to it', async () => {
  watchWith(null)
  disks.set('/data', new Promise<never>(() => undefined) as never)
  for (let time = 0; time < 5; time += 1) await pass()
  expect([looked, changes]).toEqual([['/data'], []])
})

test('nothing is looked at where it was configured away', async () => {
  const watch = watchWith(0)
  expect([watch.of(store), store.asked, looked]).toEqual([null, [], []])
})

test('the level that was configured counts', async () => {
  const watch = watchWith(60 * 1024)
  await pass()
  expect(watch.of(store)?.state).toBe('critical')
})

test('a place that cannot be looked at says nothing', async () => {
  const watch = watchWith(null)
  await pass()
  disks.set('/data', null)
  await pass()
  expect([watch.of(store), changes]).toEqual([null, []])
})
