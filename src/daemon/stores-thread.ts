/**
 * Who talks to the stores? A thread of its own, so that neither the heart nor an operator waits for them.
 *
 * It carries out what the heart orders (`store-keeper.ts`), looks and probes (`store-watch.ts`), and has
 * a returning store follow the peer (`store-rejoin.ts`).
 */
import { join } from 'node:path'
import { type MessagePort, parentPort, workerData } from 'node:worker_threads'
import type { StoreSnapshot } from '../control/snapshot.ts'
import type { ReplicatedStore } from '../resources/replicated-store.ts'
import { native } from '../system/native.ts'
import { openStores } from './open-stores.ts'
import { STORE_LIMITS, StoreKeeper, type StoreNews } from './store-keeper.ts'
import type { FromStores, StoresThreadData, ToStores } from './store-message.ts'
import { type RejoinRecord, StoreRejoin } from './store-rejoin.ts'
import { STORE_WATCH_TIMING, StoreWatch } from './store-watch.ts'

const CONFIRM_MS = 1_000

const port = parentPort as MessagePort
const data = workerData as StoresThreadData
const now = (): number => native.bootTimeMs()
const wait = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms))

let peerServes = false
/** All stores were made writable once since this node serves. */
let promoted = false
const rejoined = new Map<string, RejoinRecord>()

function tell(message: FromStores): void {
  port.postMessage(message)
}

function log(severity: 'info' | 'warning' | 'error', event: string, text: string): void {
  tell({ type: 'log', severity, event, text })
}

const opened = await openStores(data.stores, data.semiSyncTimeoutMs)
if (!opened.ok) tell({ type: 'failed', why: opened.why })
const stores = opened.ok ? opened.stores : []

const keeper: StoreKeeper = new StoreKeeper({
  stores,
  limits: STORE_LIMITS,
  tell: hear,
  now,
  wait,
  isSick: (store) => watch.viewOf(store)?.sick === true,
})

const watch: StoreWatch = new StoreWatch({
  stores,
  timing: STORE_WATCH_TIMING,
  writable: () => keeper.wanted === 'writable',
  now,
  wait,
  looked: (view) => {
    tell({ type: 'looked', stores: snapshots() })
    const { report, store } = view
    if (report === null || report.role !== 'read-only') return
    if (keeper.wanted === 'writable') void restarted(store)
    else if (peerServes && !report.following) void rejoin.consider(store)
  },
  changed: ({ store, sick, fault }) => {
    if (sick) log('error', 'store-sick', `${store.name}: ${fault?.message ?? 'fails its probes'}`)
    else log('info', 'store-well', `${store.name} answers its probes again`)
    tell({ type: 'health', healthy: watch.healthy })
  },
})

const rejoin = new StoreRejoin({
  keeper,
  archiveDirectory: (store) => join(data.stateDir, 'archive', store.name),
  now,
  done: (record) => {
    rejoined.set(record.store, record)
    const { store, comparison, archive, way } = record
    const kept = archive === null ? '' : `; set aside: ${archive.paths.join(', ')}`
    log(
      archive === null ? 'info' : 'warning',
      'store-rejoined',
      `${store} follows the peer (${way}): ${comparison.sentence}${kept}`,
    )
  },
  trouble: (store, text) => log('error', 'store-rejoin', `${store.name} ${text}`),
})

function hear(news: StoreNews): void {
  switch (news.type) {
    case 'frozen':
      tell({
        type: 'frozen',
        offsets: new Map([...news.positions].map(([name, { offset }]) => [name, offset])),
      })
      return
    case 'not-frozen':
      log('warning', 'switchover', `taken back: ${news.why}`)
      return
    case 'promoted':
    case 'demoted':
      promoted = news.type === 'promoted'
      tell(news)
      return
    case 'trouble':
      log('error', 'store', `${news.store} ${news.text}`)
      return
  }
}

/** The server was started again under us. It boots read-only, and nobody else gives it free. */
async function restarted(store: ReplicatedStore): Promise<void> {
  if (!promoted || keeper.frozen) return
  log(
    'warning',
    'store-restarted',
    `${store.name} is read-only although this node serves; it is made writable again, without what its server lost`,
  )
  await keeper.promoteAgain(store)
}

function snapshots(): StoreSnapshot[] {
  return watch.views.map(({ store, report, fault, sick }) => ({
    name: store.name,
    kind: store.kind,
    role: report?.role ?? null,
    offset: report?.position.offset ?? null,
    following: report?.following ?? false,
    backlog: report?.backlog ?? null,
    confirmsTogether: report?.confirmsTogether ?? false,
    sick,
    trouble: fault?.message ?? null,
    hazards: report?.hazards ?? [],
    version: report?.version ?? null,
    rejoin: rejoinOf(store),
  }))
}

function rejoinOf(store: ReplicatedStore): StoreSnapshot['rejoin'] {
  const record = rejoined.get(store.name)
  if (record === undefined) return null
  const { atMs, comparison, way, archive } = record
  return { atMs, sentence: `${way}: ${comparison.sentence}`, archived: archive?.paths ?? [] }
}

async function confirm(alone: boolean): Promise<void> {
  await Promise.all(
    stores.map(async (store) => {
      const result = await store.confirm(alone, CONFIRM_MS)
      if (!result.ok) log('error', 'store', `${store.name}: ${result.fault.message}`)
    }),
  )
}

/** Without an agent nobody watches: what stays writable would take writes that are lost later. */
async function stop(): Promise<void> {
  watch.stop()
  if (keeper.wanted === 'writable') await keeper.demote()
  for (const store of stores) store.close()
  tell({ type: 'stopped' })
}

port.on('message', (message: ToStores) => {
  switch (message.type) {
    case 'promote':
      return void keeper.promote()
    case 'demote':
      promoted = false
      return void keeper.demote()
    case 'freeze':
      return void keeper.freeze(message.limitMs)
    case 'unfreeze':
      return void keeper.unfreeze()
    case 'confirm':
      return void confirm(message.alone)
    case 'peer-serves':
      peerServes = message.serves
      return
    case 'stop':
      return void stop()
  }
})
watch.start()
