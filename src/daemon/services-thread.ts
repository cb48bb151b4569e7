/**
 * Who looks after the services? A thread of its own, so that neither the heart nor an operator waits for
 * them, nor do the stores.
 */
import { type MessagePort, parentPort, workerData } from 'node:worker_threads'
import type { ServiceConfig } from '../config/config.ts'
import { stepSentence } from '../control/step-sentence.ts'
import { openCheck } from '../resources/checks/check.ts'
import { openLoadBalancer } from '../resources/load-balancer.ts'
import type { ManagedService } from '../resources/service.ts'
import { openService } from '../resources/service-open.ts'
import { native } from '../system/native.ts'
import { CallCheck } from './call-check.ts'
import { DrainRecord } from './drain-record.ts'
import { LoadBalancerKeeper } from './load-balancer-keeper.ts'
import { OutsideView } from './outside-view.ts'
import { alike } from './service-changes.ts'
import { runHooks } from './service-hook.ts'
import { ServiceKeeper } from './service-keeper.ts'
import type { KeptService } from './service-lane.ts'
import type { FromServices, ServicesThreadData, ToServices, Watched } from './service-message.ts'
import { ServiceOrders } from './service-orders.ts'
import { type KeptOfService, ServiceRecord } from './service-record.ts'
import { reloadServices } from './service-reload.ts'

const SETTLED_LOOK_MS = 20

const port = parentPort as MessagePort
const data = workerData as ServicesThreadData
const now = (): number => native.bootTimeMs()
const wait = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms))

function tell(message: FromServices): void {
  port.postMessage(message)
}

function log(severity: 'info' | 'warning' | 'error', event: string, text: string): void {
  tell({ type: 'log', severity, event, text })
}

const record = new ServiceRecord(data.stateDir)
const { kept, trouble } = await record.read()
if (trouble !== null)
  log('warning', 'services', `what was known of the services is lost: ${trouble}`)

/** Probes and hooks of a service, around one that is there or one that is opened; asks nothing yet. */
function dress(config: ServiceConfig, service: ManagedService | null): KeptService {
  const own = service ?? openService({ name: config.name, ...config.backend })
  let pids: readonly number[] = []
  const checks = config.checks.map((check) => openCheck(check, { processes: () => pids }))
  const wantsPids = config.checks.some(({ kind }) => kind === 'process' || kind === 'usage')
  return {
    config,
    service: own,
    probe: async (limitMs) => {
      if (wantsPids) pids = await pidsOf(own, limitMs)
      return Promise.all(checks.map((check) => check.run(limitMs)))
    },
    closeProbes: () => {
      for (const check of checks) check.close()
    },
    tellRole: (role) => runHooks(role === 'active' ? config.onActive : config.onStandby),
  }
}

async function pidsOf(service: ManagedService, limitMs: number): Promise<readonly number[]> {
  if (service.processes !== undefined) return await service.processes(limitMs)
  const looked = await service.look(limitMs)
  return looked.ok ? looked.value.pids : []
}

async function open(config: ServiceConfig): Promise<KeptService> {
  const opened = dress(config, null)
  const process = kept.get(config.name)?.process ?? null
  if (process !== null && (await opened.service.adopt(process))) {
    log('info', 'services', `${config.name} goes on, process ${process.pid}`)
  }
  return opened
}

const services = await Promise.all(data.watched.services.map(open))
let peerServes = false
let { outside, call } = viewsOf(data.watched)

const drainRecord = new DrainRecord(data.stateDir)
const drain = await drainRecord.read()
if (drain.trouble !== null) {
  log('warning', 'drain', `whether the pair is to be drained is lost: ${drain.trouble}`)
}

const loadBalancers: LoadBalancerKeeper = new LoadBalancerKeeper({
  balancers: data.loadBalancers.map((config) => ({ config, balancer: openLoadBalancer(config) })),
  word: drain.word,
  keep: (word) => drainRecord.write(word),
  send: (word) => tell({ type: 'drain-word', word }),
  ...{ now, wait, log },
  changed: show,
  news: (id, news) => tell({ type: 'order-news', id, news }),
})
let unfit = ''
let asked = askedOf(data.watched)

function askedOf({ outsideChecks, callCheck }: Watched): readonly unknown[] {
  return [outsideChecks, callCheck]
}

/** What asks as a client would: while the peer serves, and once this node does. */
function viewsOf({ outsideChecks, callCheck }: Watched): {
  outside: OutsideView
  call: CallCheck | null
} {
  const noProcesses = { processes: () => [] }
  const whenShown = { now, wait, changed: show }
  return {
    outside: new OutsideView({
      ...whenShown,
      checks: outsideChecks.map((check) => openCheck(check, noProcesses)),
      watches: () => peerServes,
    }),
    call:
      callCheck === null
        ? null
        : new CallCheck({
            ...whenShown,
            check: openCheck(callCheck, noProcesses),
            told: toldOfCall,
          }),
  }
}

function toldOfCall(ok: boolean, why: string): void {
  const kind = ok ? 'call-ok' : 'call-failed'
  const sentence = `${stepSentence(kind)}: ${why}`
  tell({ type: 'step', step: { atMs: now(), sentence, kind, subject: '' } })
}

const keeper: ServiceKeeper = new ServiceKeeper({
  ...{ services, kept, now, wait, log },
  upEarly: (on) => tell({ type: 'up-early', on }),
  step: (step) => {
    if (step.kind === 'all-serving') call?.allServed()
    tell({ type: 'step', step })
  },
  changed: () => {
    show()
    const whys = keeper.unfit
    if (whys.join('\n') !== unfit) {
      unfit = whys.join('\n')
      tell({ type: 'fitness', whys })
    }
    void keep()
  },
})

function show(): void {
  tell({
    type: 'looked',
    services: keeper.snapshots,
    outside: outside.findings,
    call: call?.last ?? null,
    loadBalancers: loadBalancers.snapshots,
    drained: loadBalancers.drained,
  })
}

let cannotKeep = false
async function keep(): Promise<void> {
  const all = new Map<string, KeptOfService>()
  for (const { config, service, life } of keeper.lanes) {
    const { exhausted, monitored, held } = life
    all.set(config.name, { process: service.record(), exhausted, monitored, held })
  }
  const why = await record.write(all)
  if (why !== null && !cannotKeep) {
    log('warning', 'services', `the next agent will not know the services of this one: ${why}`)
  }
  cannotKeep = why !== null
}

const orders = new ServiceOrders({
  ...{ keeper, now, wait, log },
  tell: (id, news) => tell({ type: 'order-news', id, news }),
})

port.on('message', (message: ToServices) => {
  switch (message.type) {
    case 'serve':
      call?.serve(message.on)
      return keeper.serve(message.on)
    case 'comes':
      return keeper.comes(message.on)
    case 'role':
      loadBalancers.serve(message.role === 'active')
      return keeper.tellRole(message.role)
    case 'store-linked':
      return keeper.storeLinked(message.store)
    case 'stand':
      return loadBalancers.stand(message)
    case 'drain-word':
      return void loadBalancers.hear(message.word)
    case 'peer-serves':
      peerServes = message.on
      return
    case 'order':
      if (message.order.verb === 'drain') {
        return void loadBalancers.obey(message.id, message.order.on)
      }
      return void orders.obey(message.id, message.order)
    case 'configure':
      return void configure(message.id, message.watched)
    case 'stop':
      return void stop(message.planned)
  }
})
/** Nothing of it is in force when the services cannot follow. */
async function configure(id: number, watched: Watched): Promise<void> {
  const step = (sentence: string): void => {
    tell({ type: 'order-news', id, news: { type: 'step', sentence } })
  }
  const failed = await reloadServices(watched.services, { keeper, dress, step })
  if (failed === null && !alike(asked, askedOf(watched))) {
    outside.stop()
    call?.stop()
    ;({ outside, call } = viewsOf(watched))
    outside.start()
    // Tried at once: whoever wrote it wants to know.
    if (keeper.serving) call?.serve(true)
    call?.allServed()
    asked = askedOf(watched)
    step('what is asked from outside is in force')
    show()
  }
  tell({ type: 'order-news', id, news: { type: 'end', failed } })
}

/** A node that serves until its last moment leaves its calls to the next agent. */
async function stop(planned: boolean): Promise<void> {
  while (!keeper.serving && !keeper.isSettled) await wait(SETTLED_LOOK_MS)
  outside.stop()
  call?.stop()
  await loadBalancers.stop(planned)
  keeper.stop()
  await keep()
  tell({ type: 'stopped' })
}

show()
if (keeper.unfit.length > 0) tell({ type: 'fitness', whys: keeper.unfit })
keeper.start()
outside.start()
loadBalancers.start()
