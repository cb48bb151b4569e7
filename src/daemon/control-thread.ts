/**
 * Who is asking? The thread beside the heart: control sockets, log, history, alarms, operations.
 *
 * Nothing here is urgent. It asks the heart for snapshots and tells it what operators want; its
 * progress counter is what the heart watches.
 */
import { join } from 'node:path'
import { type MessagePort, parentPort, workerData } from 'node:worker_threads'
import type { PairConfig } from '../config/config.ts'
import { AlarmBoard, alarmsOf } from '../control/alarm.ts'
import { buildExplain } from '../control/explain.ts'
import { listen } from '../control/listen.ts'
import { lossRecordOf } from '../control/loss-sentence.ts'
import type { ExplainDocument, StatusDocument, TransitionRecord } from '../control/schema.ts'
import { buildServer, type ControlPorts } from '../control/server.ts'
import type { LossSnapshot, Snapshot, Transition } from '../control/snapshot.ts'
import { because, buildStatus } from '../control/status.ts'
import { type GateInForce, guardOf } from '../gate/guard.ts'
import { watchGate } from '../gate/watch.ts'
import { openLog } from '../system/log.ts'
import { native } from '../system/native.ts'
import type { PairKey } from '../wire/key.ts'
import { ClientTeller } from './client-teller.ts'
import { dataDocument } from './data-document.ts'
import { DataPosts } from './data-operation.ts'
import { History } from './history.ts'
import { inTime } from './in-time.ts'
import type { FromHeart, ToHeart } from './message.ts'
import { Operations } from './operations.ts'
import { SharedMemory } from './shared-memory.ts'
import { VerifyKeeper, verifyLook } from './verify-keeper.ts'
import { startVerify } from './verify-process.ts'
import { VerifyRecord } from './verify-record.ts'

/** What the main thread hands over at start. */
export interface ControlThreadData {
  config: PairConfig
  stateDir: string
  runDir: string
  version: string
  memory: SharedArrayBuffer
  journal: boolean
  /** Of this start, and what signs: lists of clients go out in their name. */
  boot: string
  keys: readonly PairKey[]
  /** What the kernel holds of the gate, to be watched from here: looking starts processes. */
  gate: GateInForce
}

const PROGRESS_MS = 500
/** Removals are told at once by the kernel; this look is for what was not told. */
const GATE_POLL_MS = 60_000
const ALARM_MS = 2_000
/** Clients come and go slowly where it matters: pools, and SIP over TCP. */
const CLIENTS_MS = 60_000
/** A switchover waits no longer than this for the list of clients to be told. */
const CLIENTS_LIMIT_MS = 200
const SNAPSHOT_LIMIT_MS = 1_500
/** A log line that comes later than this after what it tells says when that was. */
const LATE_SHOWN_MS = 50

const port = parentPort as MessagePort
const data = workerData as ControlThreadData
const { config } = data
const log = openLog(1, data.journal, () => new Date().toISOString())

const waiting = new Map<number, (snapshot: Snapshot) => void>()
let nextId = 1
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
  send: (datagrams) => tell({ type: 'connections', datagrams }),
  trouble: (text) => log.line('warning', 'clients', text),
})
let serving = false

/** The peer learns of the newest clients before it takes over from us. */
function order(message: ToHeart): void {
  const moves = ['ask', 'maintenance', 'fitness'].includes(message.type)
  if (!serving || !moves) tell(message)
  else void inTime(clientTeller.tell(), CLIENTS_LIMIT_MS).then(() => tell(message))
}

/** Asks the heart; rejects when it does not answer. */
function snapshot(): Promise<Snapshot> {
  const id = nextId
  nextId += 1
  return new Promise((resolve, reject) => {
    const timer = setTimeout(() => {
      waiting.delete(id)
      reject(new Error('the heart of the agent does not answer'))
    }, SNAPSHOT_LIMIT_MS)
    waiting.set(id, (found) => {
      clearTimeout(timer)
      wallOffsetMs = Date.now() - native.bootTimeMs()
      resolve(found)
    })
    tell({ type: 'snapshot', id })
  })
}

function isoOf(atMs: number): string {
  return new Date(Number.isFinite(atMs) ? wallOffsetMs + atMs : 0).toISOString()
}

const history = await History.open(data.stateDir)
if (history.openLosses.length > 0) tell({ type: 'losses', losses: openLosses() })
const alarms = new AlarmBoard()
const dataPosts = new DataPosts(tell)
const operations = new Operations({
  config,
  snapshot,
  tell: order,
  data: (wanted, step) => dataPosts.send(wanted, step),
  now: () => performance.now(),
  wait: (ms) => new Promise((resolve) => setTimeout(resolve, ms)),
})

const verify = new VerifyKeeper({
  stores: config.stores.filter((store) => store.verify !== null),
  lastResult: (store) => new VerifyRecord(data.stateDir, store).result(),
  start: (store, ended) => startVerify(store, { ...data, node: config.node }, ended),
  wallMs: Date.now,
  log: (severity, event, text) => log.line(severity, event, text),
})

/** As the stores' thread keeps them: with moments of this boot's clock. */
function openLosses(): LossSnapshot[] {
  return history.openLosses.map(({ atIso, sentence: _sentence, ...loss }) => ({
    ...loss,
    atMs: Date.parse(atIso) - wallOffsetMs,
  }))
}

async function status(): Promise<StatusDocument> {
  const found = await snapshot()
  noteAlarms(found)
  return buildStatus(found, {
    config,
    version: data.version,
    nowIso: new Date().toISOString(),
    isoOf,
    lastTransition: history.last,
    alarms: alarms.standing,
    verified: verify.verified,
    rssBytes: process.memoryUsage.rss(),
    pid: process.pid,
  })
}

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
  data: async () => dataDocument(await snapshot(), { config, stateDir: data.stateDir, isoOf }),
  explain: async (): Promise<ExplainDocument> => buildExplain(await snapshot(), config),
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
  void verify.disturb()
  const silent =
    transition.peerSilentMs === null
      ? ''
      : `, peer heard ${Math.round(transition.peerSilentMs)} ms ago`
  const served = opened ? ', serving' : ''
  const lateMs = Date.now() - wallOffsetMs - transition.atMs
  const at = lateMs > LATE_SHOWN_MS ? ` (at ${record.atIso})` : ''
  log.line(
    'info',
    'role',
    `${from} -> ${to}${served}, term ${term}: ${record.reason.sentence}${silent}${at}`,
  )
}

function noteLoss(loss: LossSnapshot): void {
  const known = history.addLoss(lossRecordOf(loss, isoOf(loss.atMs ?? native.bootTimeMs())))
  const bad = !loss.settled && loss.most !== 0
  log.line(bad ? 'warning' : 'info', 'store-loss', `term ${loss.term}: ${known.sentence}`)
}

function receive(message: FromHeart): void {
  switch (message.type) {
    case 'snapshot':
      waiting.get(message.id)?.(message.snapshot)
      waiting.delete(message.id)
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
    case 'data-news':
      dataPosts.hear(message.id, message.news)
      return
    case 'keys':
      clientTeller.useKeys(message.keys)
      return
    case 'fitness':
      order({ type: 'fitness' })
      return
    case 'stopping':
      void stop(message.text)
      return
  }
}

const gateWatch = watchGate({
  guard: guardOf(data.gate),
  pollMs: GATE_POLL_MS,
  every: (intervalMs, run) => {
    const timer = setInterval(run, intervalMs)
    return () => clearInterval(timer)
  },
  listener: {
    removed: ({ place, what }) => {
      tell({ type: 'gate-place', place, now: 'removed' })
      log.line('error', 'gate-removed', `${place}: ${what}; putting it back`)
    },
    mended: (place) => {
      tell({ type: 'gate-place', place, now: 'in-force' })
      log.line('warning', 'gate-mended', `${place}: the gate is in force again`)
    },
    lost: ({ place, what }) => {
      tell({ type: 'gate-place', place, now: 'lost' })
      log.line('error', 'gate-lost', `${place}: ${what}; it could not be put back`)
    },
  },
})

async function stop(text: string): Promise<void> {
  log.line('info', 'stopping', text)
  await gateWatch.stop()
  await verify.disturb()
  await history.flush()
  await log.flush()
  tell({ type: 'stopped' })
}

async function watchAlarms(): Promise<void> {
  const found = await snapshot().catch(() => null)
  if (found === null) return
  noteAlarms(found)
  await verify.look(verifyLook(found, config))
}

/** Whoever looked first, what began and what is over is said in the log. */
function noteAlarms(found: Snapshot): void {
  serving = found.state.armed
  const { began, ended } = alarms.update(
    alarmsOf(found, config, verify.verified),
    new Date().toISOString(),
  )
  for (const alarm of began) log.line('warning', alarm.code, alarm.sentence)
  for (const alarm of ended) log.line('info', alarm.code, `over: ${alarm.sentence}`)
}

const memory = new SharedMemory(data.memory)
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
if (listening.ok) {
  log.line('info', 'listening', `operators are answered at ${join(data.runDir, 'control.sock')}`)
} else {
  log.line('error', listening.code, `${listening.message}; ${listening.mend}`)
}
tell({ type: 'listening', ok: listening.ok })
