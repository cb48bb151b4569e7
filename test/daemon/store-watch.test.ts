/**
 * Goal: a store that does not do its work is called sick, and a single slow answer is not.
 * Method: a pretend store; each pause of the watch is one turn that the test lets pass.
 */
import { afterEach, beforeEach, expect, test } from 'vitest'
import { STORE_WATCH_TIMING, type StoreView, StoreWatch } from '../../src/daemon/store-watch.ts'
import { FAULT, PretendStore, turns } from '../helpers/pretend-store.ts'

let store: PretendStore
let writable: boolean
let changes: boolean[]
let looked: (string | null)[]
let pauses: { ms: number; go: () => void }[]
let watch: StoreWatch

beforeEach(() => {
  store = new PretendStore()
  writable = true
  changes = []
  looked = []
  pauses = []
  watch = new StoreWatch({
    stores: [store],
    timing: STORE_WATCH_TIMING,
    writable: () => writable,
    now: () => 0,
    wait: (ms) => new Promise((resolve) => pauses.push({ ms, go: resolve })),
    looked: ({ report }: StoreView) => looked.push(report?.role ?? null),
    changed: ({ sick }: StoreView) => changes.push(sick),
  })
  watch.start()
})
afterEach(() => watch.stop())

/** Lets the pauses of one kind pass so many times. */
async function pass(ms: number, times: number): Promise<void> {
  for (let time = 0; time < times; time += 1) {
    await turns()
    const index = pauses.findIndex((pause) => pause.ms === ms)
    pauses.splice(index, 1)[0]?.go()
  }
  await turns()
}

test('three probes missed in a row make it sick, and one that works makes it well', async () => {
  const { probeMs } = STORE_WATCH_TIMING
  await turns()
  store.faults['probe writable'] = FAULT
  await pass(probeMs, 2)
  expect([changes, watch.healthy]).toEqual([[], true])
  await pass(probeMs, 1)
  expect([changes, watch.healthy]).toEqual([[true], false])
  expect(watch.viewOf(store)?.fault).toEqual(FAULT)
  store.faults = {}
  await pass(probeMs, 1)
  expect([changes, watch.healthy]).toEqual([[true, false], true])
})

test('as many probes may be missed as was configured', async () => {
  watch.stop()
  pauses = []
  const timing = STORE_WATCH_TIMING
  watch = new StoreWatch({
    ...{ stores: [store], timing, missesMax: new Map([['store', 5]]), now: () => 0 },
    ...{ writable: () => true, looked: () => undefined },
    wait: (ms) => new Promise((resolve) => pauses.push({ ms, go: resolve })),
    changed: ({ sick }: StoreView) => changes.push(sick),
  })
  watch.start()
  await turns()
  store.faults['probe writable'] = FAULT
  await pass(timing.probeMs, 4)
  expect(changes).toEqual([])
  await pass(timing.probeMs, 1)
  expect(changes).toEqual([true])
})

test('misses with a good probe between them are forgotten', async () => {
  const { probeMs } = STORE_WATCH_TIMING
  await turns()
  for (const fault of [FAULT, FAULT, null, FAULT, FAULT]) {
    store.faults = fault === null ? {} : { 'probe writable': fault }
    await pass(probeMs, 1)
  }
  expect(changes).toEqual([])
})

test('a probe writes only where applications may', async () => {
  await turns()
  writable = false
  await pass(STORE_WATCH_TIMING.probeMs, 1)
  expect(store.asked.filter((line) => line.includes('probe'))).toEqual([
    'store probe writable',
    'store probe read-only',
  ])
})

test('a probe over which the role changed says nothing', async () => {
  await turns()
  store.faults['probe writable'] = FAULT
  for (let time = 0; time < 5; time += 1) {
    writable = true
    const release = store.hold('probe writable')
    await pass(STORE_WATCH_TIMING.probeMs, 1)
    writable = false
    release()
    await turns()
  }
  expect(changes).toEqual([])
})

test('of a sick one the probes say why, also between them', async () => {
  const { probeMs, lookMs } = STORE_WATCH_TIMING
  await turns()
  const look = { ...FAULT, message: 'look: nobody listens' }
  store.faults = { monitor: look }
  await pass(lookMs, 1)
  expect(watch.viewOf(store)?.fault).toEqual(look)
  store.faults['probe writable'] = FAULT
  await pass(probeMs, 3)
  await pass(lookMs, 2)
  expect(watch.viewOf(store)?.fault).toEqual(FAULT)
})

test('a look that fails leaves no report to be believed', async () => {
  await turns()
  store.faults['monitor'] = FAULT
  await pass(STORE_WATCH_TIMING.lookMs, 1)
  expect(looked).toEqual(['read-only', null])
})

test('a look asked for is made at once, and once more when one was under way', async () => {
  await turns()
  const looks = (): number => store.asked.filter((line) => line === 'store monitor').length
  const before = looks()
  watch.lookNow()
  await turns()
  expect(looks()).toBe(before + 1)
  // What was begun before may have missed what is asked for now.
  const release = store.hold('monitor')
  watch.lookNow()
  watch.lookNow()
  watch.lookNow()
  await turns()
  expect(looks()).toBe(before + 2)
  store.held.clear()
  release()
  await turns()
  expect(looks()).toBe(before + 3)
})
