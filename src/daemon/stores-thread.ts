/**
 * Who talks to the stores? A thread of its own, so that neither the heart nor an operator waits for them.
 *
 * It carries out what the heart orders (`store-keeper.ts`), looks and probes (`store-watch.ts`), and has
 * a returning store follow the peer (`store-rejoin.ts`).
 */
import { type MessagePort, parentPort, workerData } from 'node:worker_threads'
import type { MoveStep } from '../control/snapshot.ts'
import { freeSpace } from '../system/free-space.ts'
import { native } from '../system/native.ts'
import type { FollowLook } from './last-served.ts'
import { openStores } from './open-stores.ts'
import { PeerFollowed } from './peer-followed.ts'
import { StoreConfirm } from './store-confirm.ts'
import { StoreFitness } from './store-fitness.ts'
import {
  IS_READ_ONLY,
  STORE_LIMITS,
  StoreKeeper,
  type StoreNews,
  TAKES_WRITES,
} from './store-keeper.ts'
import { StoreLag } from './store-lag.ts'
import type { FromStores, StoresThreadData, ToStores } from './store-message.ts'
import { StorePost } from './store-post.ts'
import type { RejoinRecord } from './store-rejoin.ts'
import { type StoreReturn, storeReturn } from './store-return.ts'
import { StoreSettings } from './store-settings.ts'
import { storeSnapshots } from './store-snapshots.ts'
import { StoreSpaceWatch } from './store-space.ts'
import { STORE_WATCH_TIMING, type StoreView, StoreWatch } from './store-watch.ts'

const NOTE_MS = 500

const port = parentPort as MessagePort
const data = workerData as StoresThreadData
const now = (): number => native.bootTimeMs()
const wait = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms))

let peer = { heard: false, serves: false, proven: false }
let peerTakesWrites = false
/** All stores were made writable once since this node serves. */
let promoted = false
let promotedMs = 0
/** Something was ordered since this thread was started; the first order is to demote. */
let ordered = false
/** Of the newest freeze; the keeper tells the end of no other. */
let freezeNumber = 0
/** Of the newest order how writes are confirmed. */
let confirmNumber = 0
/** At the newest freeze: this node has confirmed what the peer lacks. */
let sole = false
const rejoined = new Map<string, RejoinRecord>()

function tell(message: FromStores): void {
  port.postMessage(message)
}

function log(severity: 'info' | 'warning' | 'error', event: string, text: string): void {
  tell({ type: 'log', severity, event, text })
}

/** Steps of one store that somebody waits for. */
const STEP_KINDS: Readonly<Record<string, MoveStep['kind']>> = {
  [TAKES_WRITES]: 'store-writable',
  [IS_READ_ONLY]: 'store-read-only',
}

function step(sentence: string, kind: MoveStep['kind'] = 'other', subject = ''): void {
  tell({ type: 'step', step: { atMs: now(), sentence, kind, subject } })
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
    peerTakesWrites = durationMs !== null
    noteLag()
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
  isSick: (store) => watch.viewOf(store)?.sick === true || space.isFull(store),
  peerFollowed: (store) => peerFollowed.has(store, sole, now()),
  proves: ({ name }) => data.stores.some((store) => store.name === name && store.semiSync),
  peerApplied: ({ name }, sinceMs) => post.peerApplied(name, sinceMs),
})
const peerFollowed = new PeerFollowed(data.stores)

const watch: StoreWatch = new StoreWatch({
  stores,
  timing: STORE_WATCH_TIMING,
  missesMax: new Map(data.stores.map(({ name, probeMisses }) => [name, probeMisses])),
  writable: () => keeper.wanted === 'writable',
  now,
  wait,
  looked: (view) => {
    post.looked(view)
    const snapshots = storeSnapshots(watch.views, { rejoined, rejoin, space, settings, post })
    tell({ type: 'looked', stores: snapshots, confirmNumber })
    if (peer.proven) lastServed.looked(watch.views.map(lookOf))
    const { report, store } = view
    if (report === null) return
    lag.looked(store.name, report.following)
    if (promoted) peerFollowed.note(store, post.peerOf(store.name), now())
    if (report.role === 'writable') void keeper.demoteAgain(store)
    else if (keeper.wanted === 'writable') void restarted(view)
    else if (peer.proven && !report.following) void rejoin.consider(store)
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

const settings = new StoreSettings({ stores, wait })
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
const noteRole = (): void => fitness.noteAlone(keeper.wanted === 'read-only' && !peer.serves)
const noteLag = (): void => {
  const takesWrites = peer.serves && peerTakesWrites
  lag.peer({ ...peer, takesWrites }, keeper.wanted === 'read-only')
}

const { lastServed, rejoin, orders }: StoreReturn = storeReturn({
  ...{ data, stores, keeper, now, wait, tell, log },
  done: (record) => {
    rejoined.set(record.store, record)
    post.rejoined(record)
    tell({ type: 'linked', store: record.store })
  },
  mayRejoin: () => peer.proven && keeper.wanted === 'read-only',
  follows: (store) => watch.viewOf(store)?.report?.following === true,
})

function hear(news: StoreNews): void {
  switch (news.type) {
    case 'frozen':
      post.frozen(news.positions)
      tell({
        type: 'frozen',
        offsets: new Map([...news.positions].map(([name, { offset }]) => [name, offset])),
        applied: news.applied,
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
      promotedMs = now()
      if (news.type === 'promoted') {
        void tellPromoted(news)
        step(
          `the stores take writes, ${Math.round(news.durationMs)} ms after the order`,
          'all-writable',
        )
        tell({ type: 'promoted', durationMs: news.durationMs })
      } else tell(news)
      return
    case 'step':
      step(
        `${news.store} ${news.text} (${Math.round(news.durationMs * 10) / 10} ms)`,
        STEP_KINDS[news.text] ?? 'other',
        news.store,
      )
      return
    case 'trouble':
      log('error', 'store', `${news.store} ${news.text}`)
      return
  }
}

/** The peer lags from this word on, so that we served must be on disk first. */
async function tellPromoted(news: Extract<StoreNews, { type: 'promoted' }>): Promise<void> {
  await lastServed.written(NOTE_MS)
  if (promoted) post.promoted(news.positions, news.durationMs)
}

/** The server was started again under us. It boots read-only, and nobody else gives it free. */
async function restarted({ store, begunMs }: Readonly<StoreView>): Promise<void> {
  // A look that began before may take long, for it asks the dead peer as well.
  if (!promoted || keeper.frozen || begunMs < promotedMs) return
  log(
    'warning',
    'store-restarted',
    `${store.name} is read-only although this node serves; it is made writable again, without what its server lost`,
  )
  if (await keeper.promoteAgain(store)) await confirm.again(store)
}

function lookOf({ report }: Readonly<StoreView>): FollowLook {
  return { following: report?.following ?? false, backlog: report?.backlog ?? null }
}

/** Without an agent nobody watches: what stays writable would take writes that are lost later. */
async function stop(): Promise<void> {
  watch.stop()
  space.stop()
  settings.stop()
  if (keeper.wanted === 'writable') await keeper.demote()
  await lastServed.stop(NOTE_MS)
  for (const store of stores) store.close()
  tell({ type: 'stopped' })
}

port.on('message', (message: ToStores) => {
  switch (message.type) {
    case 'promote':
      lag.weServe()
      lastServed.weServe(message.taking.term)
      post.taking(message.taking)
      void keeper.promote()
      return noteRole()
    case 'demote':
      promoted = false
      if (peer.serves) lastServed.peerServes()
      peerFollowed.forget()
      confirm.forget()
      post.demoting()
      void (ordered ? keeper.demote() : keeper.demoteAtStart())
      ordered = true
      return noteRole()
    case 'freeze':
      freezeNumber = message.number
      sole = message.sole
      return void keeper.freeze(message.limitMs)
    case 'unfreeze':
      post.frozen(new Map())
      return void keeper.unfreeze()
    case 'confirm':
      confirmNumber = message.number
      return void confirm.order(message.alone)
    case 'look':
      return watch.lookNow()
    case 'peer-serves':
      peer = { heard: message.heard, serves: message.serves, proven: message.proven }
      noteLag()
      if (peer.serves && keeper.wanted === 'read-only') lastServed.peerServes()
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
settings.start()
