/**
 * Who talks to the stores? A thread of its own, so that neither the heart nor an operator waits for them.
 *
 * It carries out what the heart orders (`store-keeper.ts`), looks and probes (`store-watch.ts`), and has
 * a returning store follow the peer (`store-rejoin.ts`).
 */
import { type MessagePort, parentPort, workerData } from 'node:worker_threads'
import type { StoreStep } from '../control/snapshot.ts'
import type { ReplicatedStore } from '../resources/replicated-store.ts'
import { freeSpace } from '../system/free-space.ts'
import { native } from '../system/native.ts'
import type { FollowLook } from './last-served.ts'
import { openStores } from './open-stores.ts'
import { PeerFollowed } from './peer-followed.ts'
import { StoreConfirm } from './store-confirm.ts'
import { StoreFitness } from './store-fitness.ts'
import { STORE_LIMITS, StoreKeeper, type StoreNews } from './store-keeper.ts'
import { StoreLag } from './store-lag.ts'
import type { FromStores, StoresThreadData, ToStores } from './store-message.ts'
import { StorePost } from './store-post.ts'
import type { RejoinRecord } from './store-rejoin.ts'
import { type StoreReturn, storeReturn } from './store-return.ts'
import { storeSnapshots } from './store-snapshots.ts'
import { StoreSpaceWatch } from './store-space.ts'
import { STORE_WATCH_TIMING, type StoreView, StoreWatch } from './store-watch.ts'

const NOTE_MS = 500

const port = parentPort as MessagePort
const data = workerData as StoresThreadData
const now = (): number => native.bootTimeMs()
const wait = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms))

let peerServes = false
/** All stores were made writable once since this node serves. */
let promoted = false
/** Something was ordered since this thread was started; the first order is to demote. */
let ordered = false
/** Of the newest freeze; the keeper tells the end of no other. */
let freezeNumber = 0
const rejoined = new Map<string, RejoinRecord>()

function tell(message: FromStores): void {
  port.postMessage(message)
}

function log(severity: 'info' | 'warning' | 'error', event: string, text: string): void {
  tell({ type: 'log', severity, event, text })
}

function step(sentence: string, kind: StoreStep['kind'] = 'other'): void {
  tell({ type: 'step', step: { atMs: now(), sentence, kind } })
}

const opened = await openStores(data.stores, data.semiSyncTimeoutMs, data.stateDir)
if (!opened.ok) tell({ type: 'failed', why: opened.why })
const stores = opened.ok ? opened.stores : []

const post = new StorePost({
  node: data.node,
  stores: data.stores,
  holdsMs: data.semiSyncTimeoutMs,
  now,
  send: (section, madeMs) => tell({ type: 'words', section, madeMs }),
  lost: (loss) => tell({ type: 'lost', loss }),
  peerPromoted: (durationMs) => {
    tell({ type: 'peer-promoted', durationMs })
    if (durationMs === null || keeper.wanted === 'writable') return
    // From this moment on it takes what we do not have.
    rejoin.hurry()
    watch.lookNow()
  },
})

const keeper: StoreKeeper = new StoreKeeper({
  stores,
  limits: STORE_LIMITS,
  tell: hear,
  now,
  wait,
  isSick: (store) => watch.viewOf(store)?.sick === true,
  peerFollowed: (store) => peerFollowed.has(store),
})
const peerFollowed = new PeerFollowed()

const watch: StoreWatch = new StoreWatch({
  stores,
  timing: STORE_WATCH_TIMING,
  missesMax: new Map(data.stores.map(({ name, probeMisses }) => [name, probeMisses])),
  writable: () => keeper.wanted === 'writable',
  now,
  wait,
  looked: (view) => {
    post.looked(view)
    tell({ type: 'looked', stores: storeSnapshots(watch.views, { rejoined, rejoin, space, post }) })
    if (peerServes) lastServed.looked(watch.views.map(lookOf))
    const { report, store } = view
    if (report === null) return
    if (report.following) lag.followed(store.name)
    if (promoted) peerFollowed.note(store, post.peerOf(store.name)?.following ?? null, now())
    if (report.role === 'writable') void keeper.demoteAgain(store)
    else if (keeper.wanted === 'writable') void restarted(store)
    else if (peerServes && !report.following) void rejoin.consider(store)
  },
  changed: ({ store, sick, fault }) => {
    if (sick) log('error', 'store-sick', `${store.name}: ${fault?.message ?? 'fails its probes'}`)
    else log('info', 'store-well', `${store.name} answers its probes again`)
    fitness.noteSick(store, sick)
  },
})

const space = new StoreSpaceWatch({
  stores,
  minFreeMb: new Map(data.stores.map(({ name, minFreeMb }) => [name, minFreeMb])),
  look: freeSpace,
  now,
  wait,
  changed: (store, found) => fitness.noteSpace(store, found),
})

const confirm = new StoreConfirm(
  stores,
  ({ name }, text) => log('error', 'store', `${name}: ${text}`),
  wait,
)
const fitness = new StoreFitness((whys) => tell({ type: 'fitness', whys }))
const lag = new StoreLag(
  stores.map(({ name }) => name),
  (name, why) => fitness.set(`lag ${name}`, why),
)
const noteRole = (): void => fitness.noteAlone(keeper.wanted === 'read-only' && !peerServes)

const { lastServed, rejoin, orders }: StoreReturn = storeReturn({
  ...{ data, stores, keeper, now, wait, tell, log },
  done: (record) => {
    rejoined.set(record.store, record)
    post.rejoined(record)
  },
  mayRejoin: () => peerServes && keeper.wanted === 'read-only',
  follows: (store) => watch.viewOf(store)?.report?.following === true,
})

function hear(news: StoreNews): void {
  switch (news.type) {
    case 'frozen':
      post.frozen(news.positions)
      tell({
        type: 'frozen',
        offsets: new Map([...news.positions].map(([name, { offset }]) => [name, offset])),
        number: freezeNumber,
      })
      return
    case 'not-frozen':
      step(`the stores are given free again: ${news.why}`, 'given-back')
      log('warning', 'switchover', `taken back: ${news.why}`)
      return
    case 'promoted':
    case 'demoted':
      promoted = news.type === 'promoted'
      if (news.type === 'promoted') {
        lastServed.weServe()
        post.promoted(news.positions, news.durationMs)
        step(
          `the stores take writes, ${Math.round(news.durationMs)} ms after the order`,
          'all-writable',
        )
        tell({ type: 'promoted', durationMs: news.durationMs })
      } else tell(news)
      return
    case 'step':
      step(`${news.store} ${news.text} (${Math.round(news.durationMs * 10) / 10} ms)`)
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
  await confirm.again(store)
}

function lookOf({ report }: Readonly<StoreView>): FollowLook {
  return { following: report?.following ?? false, backlog: report?.backlog ?? null }
}

/** Without an agent nobody watches: what stays writable would take writes that are lost later. */
async function stop(): Promise<void> {
  watch.stop()
  space.stop()
  if (keeper.wanted === 'writable') await keeper.demote()
  await lastServed.stop(NOTE_MS)
  for (const store of stores) store.close()
  tell({ type: 'stopped' })
}

port.on('message', (message: ToStores) => {
  switch (message.type) {
    case 'promote':
      lag.weServe()
      post.taking(message.taking)
      void keeper.promote()
      return noteRole()
    case 'demote':
      promoted = false
      if (peerServes) lastServed.peerServes()
      peerFollowed.forget()
      confirm.forget()
      post.demoting()
      void (ordered ? keeper.demote() : keeper.demoteAtStart())
      ordered = true
      return noteRole()
    case 'freeze':
      freezeNumber = message.number
      return void keeper.freeze(message.limitMs)
    case 'unfreeze':
      post.frozen(new Map())
      return void keeper.unfreeze()
    case 'confirm':
      return void confirm.order(message.alone)
    case 'look':
      return watch.lookNow()
    case 'peer-serves':
      peerServes = message.serves
      lag.peer(message, keeper.wanted === 'read-only')
      if (peerServes && keeper.wanted === 'read-only') lastServed.peerServes()
      return noteRole()
    case 'peer-words':
      return post.hear(message.mail)
    case 'losses':
      return post.restore(message.losses)
    case 'data':
      return void orders.obey(message.id, message.order)
    case 'stop':
      return void stop()
  }
})
watch.start()
space.start()
