/**
 * Who is asking? The thread beside the heart: control sockets, log, history, alarms, operations.
 *
 * Nothing here is urgent. It asks the heart for snapshots and tells it what operators want; its
 * progress counter is what the heart watches.
 */
import { join } from 'node:path'
import { type MessagePort, parentPort, workerData } from 'node:worker_threads'
import type { PairConfig } from '../config/config.ts'
import { AlarmBoard, alarmsOf, recordAlarms } from '../control/alarm.ts'
import { EventBoard } from '../control/events.ts'
import { buildExplain } from '../control/explain.ts'
import { fieldsOfTransition } from '../control/journal-table.ts'
import { listen } from '../control/listen.ts'
import { lossRecordOf } from '../control/loss-sentence.ts'
import { metricsText, TransitionTally } from '../control/metrics.ts'
import type { ExplainDocument, StatusDocument, TransitionRecord } from '../control/schema.ts'
import { SelfWatch } from '../control/self-watch.ts'
import { buildServer, type ControlPorts } from '../control/server.ts'
import type { LossSnapshot, Snapshot, Transition } from '../control/snapshot.ts'
import { because, buildStatus } from '../control/status.ts'
import type { GateInForce } from '../gate/guard.ts'
import type { Slice } from '../record/recorder.ts'
import { openLog } from '../system/log.ts'
import { native } from '../system/native.ts'
import type { PairKey } from '../wire/key.ts'
import { sayAlarms, tellAlarms } from './alarm-round.ts'
import { ApiProcess } from './api-process.ts'
import { ClientTeller } from './client-teller.ts'
import { ConfigReload } from './config-reload.ts'
import { dataDocument } from './data-document.ts'
import type { DataOrder } from './data-orders.ts'
import { watchGateAndTell } from './gate-watch.ts'
import { History } from './history.ts'
import { inTime } from './in-time.ts'
import { journalDoor } from './journal-door.ts'
import type { FromHeart, ToHeart } from './message.ts'
import { NoticeDesk } from './notice-desk.ts'
import { sendApart } from './notice-process.ts'
import type { Refusal } from './operation-run.ts'
import { Operations } from './operations.ts'
import { OrderPosts } from './order-posts.ts'
import { PeerPost } from './peer-post.ts'
import { readAnew } from './read-anew.ts'
import { RecordKeeper, recordFacts } from './record-keeper.ts'
import { Replies } from './replies.ts'
import type { DrainOrder, ServiceOrder, Watched } from './service-message.ts'
import { SharedMemory } from './shared-memory.ts'
import { SnapshotShare } from './snapshot-share.ts'
import { transitionLine } from './transition-line.ts'
import { VerifyKeeper, verifyLook } from './verify-keeper.ts'
import { startVerify } from './verify-process.ts'
import { VerifyRecord } from './verify-record.ts'
import { keepWatchdog, LOOK_MS } from './watchdog-keeper.ts'

/** What the main thread hands over at start. */
export interface ControlThreadData {
  config: PairConfig
  configDir: string
  stateDir: string
  runDir: string
  version: string
  memory: SharedArrayBuffer
  /** What the heart writes down. */
  ring: SharedArrayBuffer
  journal: boolean
  /** Of this start, and what signs: lists of clients go out in their name. */
  boot: string
  keys: readonly PairKey[]
  /** What the kernel holds of the gate, to be watched from here: looking starts processes. */
  gate: GateInForce
}

const PROGRESS_MS = 500
const ALARM_MS = 2_000
/** Clients come and go slowly where it matters: pools, and SIP over TCP. */
const CLIENTS_MS = 10_000
/** A switchover waits no longer than this for the list of clients to be told; nobody is held up yet. */
const CLIENTS_LIMIT_MS = 1_000
const HEART_LIMIT_MS = 1_500
/** A watchdog that hangs when it is told to stop is not waited for. */
const WATCHDOG_STOP_MS = 500

const port = parentPort as MessagePort
const data = workerData as ControlThreadData
/** As it is in force. */
let { config } = data
const log = openLog(1, data.journal ? journalDoor(config) : null, () => new Date().toISOString())

const snapshots = new Replies<Snapshot>()
const slices = new Replies<Slice | null>()
/** Wall clock minus the heart's clock, which this thread can read as well; renewed now and then. */
let wallOffsetMs = Date.now() - native.bootTimeMs()

function tell(message: ToHeart): void {
  port.postMessage(message)
}

const clientTeller = new ClientTeller({
  node: config.node,
  boot: data.boot,
  floatingIps: config.floatingIps.map(({ address }) => address),
  keys: data.keys,
  now: native.bootTimeMs,
  send: (datagrams) => tell({ type: 'beside', datagrams }),
  trouble: (text) => log.line('warning', 'clients', text),
})
const peerPost = new PeerPost({
  // As it is in force by then: services change while the agent runs.
  get config() {
    return config
  },
  ...{ version: data.version, boot: data.boot, keys: data.keys },
  now: native.bootTimeMs,
  send: (datagrams) => tell({ type: 'beside', datagrams }),
})
let serving = false

/** The peer learns of the newest clients before it takes over from us. */
function order(message: ToHeart): void {
  const moves = ['ask', 'maintenance', 'fitness'].includes(message.type)
  if (!serving || !moves) tell(message)
  else void inTime(clientTeller.tell(), CLIENTS_LIMIT_MS).then(() => tell(message))
}

/** Asks the heart; rejects when it does not answer. */
async function askHeart(): Promise<Snapshot> {
  const found = await snapshots.ask((id) => tell({ type: 'snapshot', id }), HEART_LIMIT_MS)
  wallOffsetMs = Date.now() - native.bootTimeMs()
  return found
}

const heart = new SnapshotShare(askHeart, () => performance.now())

function isoOf(atMs: number): string {
  return new Date(Number.isFinite(atMs) ? wallOffsetMs + atMs : 0).toISOString()
}

const history = await History.open(data.stateDir)
if (history.openLosses.length > 0) tell({ type: 'losses', losses: openLosses() })
const alarms = new AlarmBoard()
const selfWatch = new SelfWatch(config.policy.timing.gapMs)
const tally = new TransitionTally()
const events = new EventBoard({ boot: data.boot, status: () => status() })
const desk = await NoticeDesk.open({
  ...{ config, stateDir: data.stateDir, send: sendApart },
  log: (severity, event, text) => log.line(severity, event, text),
  now: () => performance.now(),
})
const dataPosts = new OrderPosts<DataOrder>((id, wanted) =>
  tell({ type: 'data', id, order: wanted }),
)
const servicePosts = new OrderPosts<ServiceOrder | DrainOrder | Watched>((id, wanted) =>
  'verb' in wanted
    ? tell({ type: 'service', id, order: wanted })
    : tell({ type: 'configure', id, watched: wanted }),
)
const reload = new ConfigReload({
  inForce: () => config,
  read: () => readAnew(data.configDir, config.node),
  apply: (watched, step) => servicePosts.send(watched, step),
  applied: (next) => {
    config = next
  },
})
const operations = new Operations({
  config: () => config,
  snapshot: () => heart.own(),
  tell: order,
  data: (wanted, step) => dataPosts.send(wanted, step),
  services: (wanted, step) => servicePosts.send(wanted, step),
  reload: reloadAndLog,
  changed: (document) => events.emit({ type: 'operation', document }),
  now: () => performance.now(),
  wait: (ms) => new Promise((resolve) => setTimeout(resolve, ms)),
})

const records = new RecordKeeper({
  stateDir: data.stateDir,
  facts: recordFacts(config, data),
  ring: data.ring,
  slice: (fromMs) => slices.ask((id) => tell({ type: 'record', id, fromMs }), HEART_LIMIT_MS),
  now: native.bootTimeMs,
  wallOffsetMs: () => wallOffsetMs,
  log: (severity, event, text) => log.line(severity, event, text),
})

const verify = new VerifyKeeper({
  stores: config.stores.filter((store) => store.verify !== null),
  lastResult: (store) => new VerifyRecord(data.stateDir, store).result(),
  start: (store, ended) => startVerify(store, { ...data, node: config.node }, ended),
  wallMs: Date.now,
  log: (severity, event, text) => log.line(severity, event, text),
})

const memory = new SharedMemory(data.memory)
const watchdog = keepWatchdog(config, { memory, log })

/** As the stores' thread keeps them: with moments of this boot's clock. */
function openLosses(): LossSnapshot[] {
  return history.openLosses.map(({ atIso, sentence: _sentence, ...loss }) => ({
    ...loss,
    atMs: Date.parse(atIso) - wallOffsetMs,
  }))
}

async function reloadAndLog(step: (sentence: string) => void): Promise<Refusal> {
  const refused = await reload.run((sentence) => {
    log.line('info', 'reload', sentence)
    step(sentence)
  })
  if (refused !== null) log.line('warning', 'reload', `refused: ${refused.sentence}`)
  return refused
}

async function status(): Promise<StatusDocument> {
  const found = await heart.shared()
  noteAlarms(found)
  return buildStatus(found, {
    config,
    version: data.version,
    nowIso: new Date().toISOString(),
    isoOf,
    lastTransition: history.last,
    alarms: alarms.standing,
    notices: desk.channels,
    drift: peerPost.drift,
    watchdog: watchdog?.document ?? null,
    operations: operations.underWay,
    verified: verify.verified,
    rssBytes: process.memoryUsage.rss(),
    pid: process.pid,
  })
}

/** Serves the same to the network; null where that is not configured. */
let api: ApiProcess | null = null

const ports: ControlPorts = {
  status,
  operate: async (request) => operations.begin(request),
  operation: async (id) => operations.find(id),
  history: async (limit) => ({
    schema: 1,
    node: config.node,
    transitions: history.newest(limit),
    losses: history.newestLosses(limit),
  }),
  metrics: async () =>
    metricsText({
      status: await status(),
      transitions: tally.all,
      lastTakeover: history.lastTakeover,
      certificateEndsMs: api?.certificateEndsMs ?? null,
    }),
  events: (sink, lastId) => events.open(sink, lastId),
  data: async () => dataDocument(await heart.shared(), { config, stateDir: data.stateDir, isoOf }),
  explain: async (): Promise<ExplainDocument> =>
    buildExplain(await heart.shared(), config, { drift: peerPost.sentences, self: selfWatch.told }),
  keepRecord: () => records.keep(),
}

function noteTransition(transition: Transition): void {
  const { from, to, term, reason, opened } = transition
  const record: TransitionRecord = {
    atIso: isoOf(transition.atMs),
    from,
    to,
    term,
    reason: because(reason),
    outageMs: opened && reason === 'takeover-done' ? transition.peerSilentMs : null,
  }
  history.add(record)
  records.noteTransition(transition)
  tally.note(record)
  events.emit({ type: 'transition', document: record })
  if (opened) desk.serves(record)
  void verify.disturb()
  const lateMs = Date.now() - wallOffsetMs - transition.atMs
  const text = transitionLine(transition, record, lateMs)
  log.line('info', 'role', text, fieldsOfTransition(transition))
}

function noteLoss(loss: LossSnapshot): void {
  const known = history.addLoss(lossRecordOf(loss, isoOf(loss.atMs ?? native.bootTimeMs())))
  const bad = !loss.settled && loss.most !== 0
  const fields = { TANDEM_TERM: loss.term, TANDEM_STORE: loss.store }
  log.line(bad ? 'warning' : 'info', 'store-loss', `term ${loss.term}: ${known.sentence}`, fields)
}

function receive(message: FromHeart): void {
  switch (message.type) {
    case 'snapshot':
      snapshots.hear(message.id, message.snapshot)
      return
    case 'record':
      slices.hear(message.id, message.slice)
      return
    case 'transition':
      noteTransition(message.transition)
      return
    case 'lost':
      noteLoss(message.loss)
      return
    case 'log':
      log.line(message.severity, message.event, message.text)
      return
    case 'taken-step':
      history.addStep(message.term, message.step)
      return
    case 'service-news':
      servicePosts.hear(message.id, message.news)
      return
    case 'data-news':
      dataPosts.hear(message.id, message.news)
      return
    case 'reload':
      operations.begin({ kind: 'reload', node: null, force: false })
      return
    case 'keys':
      clientTeller.useKeys(message.keys)
      peerPost.useKeys(message.keys)
      return
    case 'facts':
      peerPost.hear(message.part)
      return
    case 'fitness':
      order({ type: 'fitness' })
      return
    case 'at-rest':
      void watchdog?.release()
      return
    case 'stopping':
      void stop(message.text)
      return
  }
}

const gateWatch = watchGateAndTell(data.gate, {
  log: (severity, event, text) => log.line(severity, event, text),
  tell,
})

async function stop(text: string): Promise<void> {
  log.line('info', 'stopping', text)
  await api?.stop()
  await gateWatch.stop()
  await verify.disturb()
  await records.flush()
  await history.flush()
  await desk.flush()
  if (watchdog !== null) await inTime(watchdog.released, WATCHDOG_STOP_MS)
  await log.flush()
  tell({ type: 'stopped' })
}

async function watchAlarms(): Promise<void> {
  const found = await heart.shared().catch(() => null)
  if (found === null) return
  selfWatch.look({ nowMs: found.nowMs, wallMs: found.nowMs + wallOffsetMs, ...found.heart })
  noteAlarms(found)
  tellAlarms(found, { config, standing: alarms.standing, peerPost, desk })
  await verify.look(verifyLook(found, config))
}

/** Whoever looked first, what began and what is over is said in the log. */
function noteAlarms(found: Snapshot): void {
  serving = found.state.armed
  const change = alarms.update(
    [
      ...alarmsOf(found, config, verify.verified, api?.troubles),
      ...recordAlarms(records.trouble),
      ...peerPost.raised,
      ...selfWatch.raised,
      ...desk.raised,
      ...(watchdog?.raised ?? []),
    ],
    new Date().toISOString(),
  )
  sayAlarms(change, { log, events })
}

setInterval(() => memory.raise('controlProgress'), PROGRESS_MS)
setInterval(() => void watchAlarms(), ALARM_MS)
setInterval(() => serving && void clientTeller.tell(), CLIENTS_MS)
port.on('message', receive)

const onFault = (fault: unknown): void => {
  log.line(
    'error',
    'control-fault',
    fault instanceof Error ? (fault.stack ?? fault.message) : String(fault),
  )
}
const listening = await listen({
  runDir: data.runDir,
  controlGroup: config.controlGroup,
  full: buildServer(ports, { access: 'full', onFault }),
  read: buildServer(ports, { access: 'read', onFault }),
})
if (listening.ok && config.api !== null) {
  api = new ApiProcess({
    argument: { api: config.api, runDir: data.runDir },
    log: (severity, event, text) => log.line(severity, event, text),
    now: () => performance.now(),
    wallMs: Date.now,
  })
}
if (listening.ok) {
  if (watchdog !== null) setInterval(() => watchdog.look(), LOOK_MS)
  log.line('info', 'listening', `operators are answered at ${join(data.runDir, 'control.sock')}`)
} else {
  log.line('error', listening.code, `${listening.message}; ${listening.mend}`)
}
tell({ type: 'listening', ok: listening.ok })
