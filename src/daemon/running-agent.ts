/**
 * What is the agent made of while it runs? Its parts, who tells whom, and the ways to end.
 *
 * Down, when asked: hand over where the peer is able, shut the gate, release the addresses. Down,
 * when broken: the gate is shut first and the reason said afterwards.
 */
import { randomBytes } from 'node:crypto'
import { join } from 'node:path'
import type { Worker } from 'node:worker_threads'
import type { PairConfig } from '../config/config.ts'
import type { Snapshot } from '../control/snapshot.ts'
import { initialState, type State } from '../core/state.ts'
import type { PreparedGate } from '../gate/choose.ts'
import { Recorder } from '../record/recorder.ts'
import type { FloatingIps } from '../resources/floating-ip.ts'
import { native } from '../system/native.ts'
import type { PairKey } from '../wire/key.ts'
import { encodeStateLine, STATE_LINE_BYTES, stateLineOf } from '../wire/state-line.ts'
import { type AgentEnd, hangingOf } from './agent-end.ts'
import { startControl } from './control-worker.ts'
import { type Refusal, using } from './directories.ts'
import { endWorker } from './end-worker.ts'
import { Followers } from './followers.ts'
import { wordsOfFound } from './found-words.ts'
import { handOver } from './hand-over.ts'
import { Hands, watchedInterfaces } from './hands.ts'
import { Heart, type HeartDoors } from './heart.ts'
import { readServedBefore, type ServedBefore } from './last-served.ts'
import type { FromHeart, Severity, ToHeart } from './message.ts'
import { Quorum } from './quorum/quorum.ts'
import { Senses } from './senses.ts'
import { ServiceGate } from './service-gate.ts'
import { ServiceManager } from './service-manager.ts'
import { SharedMemory } from './shared-memory.ts'
import { buildSnapshot } from './snapshot.ts'
import { StateFile } from './state-file.ts'
import { Store } from './store.ts'

/** sched(7): above ordinary work, below the kernel's own real-time threads. */
const REALTIME_PRIORITY = 50
const CONTROL_STOP_MS = 2_000
/** For the file of the hard state to be closed. */
const STORE_CLOSE_MS = 500

export interface AgentOptions {
  config: PairConfig
  keys: readonly PairKey[]
  /** Where the configuration is read again. */
  configDir: string
  stateDir: string
  runDir: string
  version: string
  /** Standard output is the journal. */
  journal: boolean
  /** Resolves when somebody wants the agent to stop; the text says who. */
  stopAsked: Promise<string>
  /** Calls back whenever an operator wants the key file to be read again; null when it is unusable. */
  onReload(changed: (keys: readonly PairKey[] | string) => void): void
}

/** An agent with its gate in force, from its first heartbeat to its last. */
export class RunningAgent {
  readonly #options: AgentOptions
  readonly #config: PairConfig
  readonly #prepared: PreparedGate
  readonly #floatingIps: FloatingIps
  readonly #gate: ServiceGate
  readonly #store: Store
  readonly #senses: Senses
  readonly #stateFile: StateFile
  readonly #stateLine = Buffer.alloc(STATE_LINE_BYTES)
  readonly #recorder = new Recorder(native.bootTimeMs)
  readonly #manager = new ServiceManager(process.env, {
    sdNotify: native.sdNotify,
    now: native.bootTimeMs,
  })
  readonly #memory: SharedMemory
  readonly #hands: Hands
  readonly #control: Worker
  readonly #heart: Heart
  readonly #followers: Followers
  readonly #quorum: Quorum
  readonly #gatePlaces = new Map<string, 'removed' | 'lost'>()
  #storeTrouble: string | null = null
  #realtime = false
  #end: (end: AgentEnd) => void = () => {}

  static async start(
    options: AgentOptions,
    prepared: PreparedGate,
    floatingIps: FloatingIps,
  ): Promise<{ ok: true; value: RunningAgent } | Refusal> {
    const agents: RunningAgent[] = []
    const store = await using(options.stateDir, () =>
      Store.open(options.stateDir, {
        persisted: (ticket) => agents[0]?.take({ type: 'persisted', ticket }),
        trouble: (message) => agents[0]?.noteStoreTrouble(message),
      }),
    )
    if (!store.ok) return store
    const before = await readServedBefore(options.stateDir)
    const parts = { prepared, floatingIps, store: store.value, before }
    const agent = new RunningAgent(options, parts)
    agents.push(agent)
    return { ok: true, value: agent }
  }

  private constructor(
    options: AgentOptions,
    parts: {
      prepared: PreparedGate
      floatingIps: FloatingIps
      store: Store
      before: ServedBefore
    },
  ) {
    this.#options = options
    this.#config = options.config
    this.#prepared = parts.prepared
    this.#floatingIps = parts.floatingIps
    this.#store = parts.store
    const { config } = options

    this.#memory = new SharedMemory(watchedInterfaces(config).length)
    this.#hands = new Hands({
      config,
      memory: this.#memory,
      realtimePriority: REALTIME_PRIORITY,
      trouble: (text) => this.#log('error', 'network', text),
      died: (message) => this.#fail('HA_HANDS_DIED', message),
    })
    this.#gate = new ServiceGate(parts.prepared.gate, this.#hands.addresses)
    const boot = randomBytes(8).toString('hex')
    this.#senses = new Senses({
      config,
      keys: options.keys,
      boot,
      hands: this.#hands,
      take: (happening) => this.take(happening),
      recorder: this.#recorder,
      conflict: (kind) => this.#heart.conflict(kind),
      appended: (bytes, heartbeat, sentMs) => this.#followers.hear(bytes, heartbeat, sentMs),
      drainWord: (word) => this.#followers.hearDrainWord(word),
      peerBoot: () => this.#heart.state.peer?.boot ?? null,
      facts: (part) => this.#tell({ type: 'facts', part }),
      warn: (event, text) => this.#log('warning', event, text),
    })
    this.#followers = new Followers({
      ...{ config, stateDir: options.stateDir, before: parts.before, now: native.bootTimeMs },
      state: () => this.#heart.state,
      take: (happening) => this.take(happening),
      stepped: ({ sentence, atMs }) => this.#recorder.note('step', sentence, atMs),
      tell: (message) => this.#tell(message),
      drainWord: (word) => this.#senses.sendDrainWord(word),
      storesPromoted: () => this.#heart.storesPromoted(),
      fail: (code, message) => this.#fail(code, message),
    })
    this.#quorum = new Quorum({
      ...{ config, boot, take: (happening) => this.take(happening) },
      log: (severity, event, text) => this.#log(severity, event, text),
      died: (message) => this.#fail('HA_QUORUM_DIED', message),
    })
    this.#stateFile = new StateFile(join(options.runDir, 'state'))
    this.#control = startControl({
      data: {
        config,
        ...{ stateDir: options.stateDir, runDir: options.runDir, version: options.version },
        configDir: options.configDir,
        ...{ memory: this.#memory.buffer, ring: this.#recorder.ring.buffer },
        ...{ boot, keys: options.keys, journal: options.journal },
        gate: this.#prepared.inForce,
      },
      hear: (message) => this.#hear(message),
      fail: (code, message) => this.#fail(code, message),
    })
    this.#heart = new Heart(this.#doors(), {
      policy: config.policy,
      initial: {
        ...initialState(boot, parts.store.hard, config.pingNodes.length),
        behind: this.#followers.hasStores && parts.before.behind,
        position: { term: parts.before.term, offset: 0 },
      },
      mainStallMs: config.mainStallMs,
    })
  }

  /** Beats until the end. */
  async untilEnd(): Promise<AgentEnd> {
    const ended = new Promise<AgentEnd>((resolve) => {
      this.#end = resolve
    })
    process.once('uncaughtException', (error) => this.#crash(error))
    process.once('unhandledRejection', (error) => this.#crash(error))
    const found = wordsOfFound(this.#store.found)
    if (found !== null) this.#log(found.severity, found.event, found.text)
    const left = this.#floatingIps.releaseLeftovers()
    if (left.length > 0) this.#log('warning', 'leftovers', `released: ${JSON.stringify(left)}`)
    this.#becomeRealtime()
    this.#heart.start()
    native.sealDescriptors() // raw-socket opens its sockets so that programs we start would inherit them
    this.#options.onReload((keys) => {
      this.#useKeys(keys)
      this.#tell({ type: 'reload' })
    })
    void this.#options.stopAsked.then((text) => this.#stop(text))
    return ended
  }

  take(happening: Parameters<Heart['take']>[0]): void {
    this.#heart.take(happening)
  }

  noteStoreTrouble(message: string | null): void {
    if (message !== null && this.#storeTrouble === null) {
      this.#log('error', 'state-disk', `the term cannot be written: ${message}`)
    }
    this.#storeTrouble = message
  }

  #doors(): HeartDoors {
    const now = native.bootTimeMs
    return {
      now,
      gate: this.#gate,
      sendDirect: (heartbeat, reflect) =>
        this.#senses.links.send(heartbeat, reflect, this.#followers.appended(now())),
      ping: (round) => this.#senses.pingNodes.sendRound(round),
      probe: () => this.#senses.addressWatch.probe() === 'sent',
      announce: () => this.#senses.addressWatch.announce(),
      persist: (ticket, hard) => this.#store.persist(ticket, hard),
      links: this.#senses.linkHealth,
      recorder: this.#recorder,
      memory: this.#memory,
      writeState: (state, nowMs) => this.#writeState(state, nowMs),
      tell: (message) => {
        if (message.type === 'transition') this.#followers.noteTransition(message.transition)
        this.#tell(message)
      },
      stores: this.#followers.stores,
      quorum: this.#quorum,
      stepped: (state) => {
        this.#followers.noteState(state)
        this.#quorum.noteState(state)
      },
      serving: (on) => {
        this.#senses.addressView.serving(on)
        if (on) this.#followers.gateOpen()
        else this.#senses.clients.stop()
      },
      called: () => {
        this.#followers.announced()
        void this.#callClients()
      },
    }
  }

  #writeState(state: Readonly<State>, nowMs: number): void {
    const { role, armed, term, leaseUntilMs } = state
    const line = stateLineOf({ role, serving: armed, term, nowMs, leaseUntilMs })
    this.#stateFile.write(encodeStateLine(line, this.#stateLine))
    this.#manager.alive()
    this.#manager.status(`${line.word}, term ${term}`)
  }

  #tell(message: FromHeart): void {
    this.#control.postMessage(message)
  }

  #log(severity: Severity, event: string, text: string): void {
    this.#recorder.note(event, text)
    this.#tell({ type: 'log', severity, event, text })
  }

  #useKeys(keys: readonly PairKey[] | string): void {
    if (typeof keys === 'string') {
      this.#log('error', 'key', `${keys}; the keys in use stay in force`)
      return
    }
    this.#senses.useKeys(keys)
    this.#tell({ type: 'keys', keys })
    this.#log('info', 'key', `${keys.length} keys are in use, number ${keys[0]?.id} signs`)
  }

  #becomeRealtime(): void {
    try {
      native.setRealtime(REALTIME_PRIORITY)
      this.#realtime = true
    } catch (error) {
      this.#log(
        'warning',
        'no-realtime',
        `the heart runs at normal priority, other load may delay it: ${(error as Error).message}`,
      )
    }
  }

  #hear(message: ToHeart): void {
    switch (message.type) {
      case 'snapshot':
        this.#tell({ type: 'snapshot', id: message.id, snapshot: this.#snapshot() })
        return
      case 'record':
        this.#tell({ ...message, slice: this.#recorder.slice(message.fromMs) })
        return
      case 'announce-move':
        this.#followers.announceMove(message.node)
        return
      case 'ask':
        this.take({ type: 'ask', node: message.node, force: message.force })
        return
      case 'data':
        this.#followers.orderData(message.id, message.order)
        return
      case 'maintenance':
        this.take({ type: 'maintenance', on: message.on, force: message.force })
        return
      case 'fitness':
        this.#heart.setServicesHealthy(this.#followers.healthy)
        return
      case 'configure':
        this.#followers.configure(message.id, message.watched)
        return
      case 'service':
        this.#followers.orderService(message.id, message.order)
        return
      case 'listening':
        if (message.ok) this.#manager.ready()
        else this.#fail('HA_CONTROL_SOCKET_FAILED', 'operators cannot be answered')
        return
      case 'gate-place':
        this.#recorder.note('gate', `${message.place}: ${message.now}`)
        if (message.now === 'in-force') this.#gatePlaces.delete(message.place)
        else this.#gatePlaces.set(message.place, message.now)
        return
      case 'beside':
        for (const bytes of message.datagrams) this.#senses.links.sendBeside(bytes)
        return
      case 'losses':
        this.#followers.restore(message.losses)
        return
      case 'stopped':
        return
    }
  }

  #snapshot(): Snapshot {
    return buildSnapshot({
      config: this.#config,
      nowMs: native.bootTimeMs(),
      state: this.#heart.state,
      gate: this.#gate,
      weaker: this.#prepared.weaker,
      missingPlaces: [...this.#gatePlaces].map(([place, now]) => ({ place, now })),
      announcedMs: this.#heart.announcedMs,
      links: this.#senses.links.report(),
      rounds: this.#senses.pingNodes.report(),
      floatingIps: this.#senses.addressView.snapshot(),
      withoutCarrier: this.#senses.linkHealth.withoutCarrier,
      follow: this.#followers.snapshot,
      quorum: this.#quorum.snapshot,
      heart: this.#heart.health(this.#realtime, this.#storeTrouble),
      carrier: (name) => this.#hands.carrier(name),
    })
  }

  /** Clients of the peer notice that it no longer serves them. */
  async #callClients(): Promise<void> {
    const { connections, failed } = await this.#senses.clients.tickle()
    if (connections === 0) return
    const lost = failed === 0 ? '' : `, ${failed} packets could not be sent`
    this.#log('info', 'clients', `${connections} connections to the peer were ended${lost}`)
  }

  /** A planned stop hands over first, where the peer is able. */
  async #stop(text: string): Promise<void> {
    this.#log('info', 'stop', text)
    this.#manager.stopping()
    await handOver(this.#heart, this.#config.policy, native.bootTimeMs)
    this.#end({ ok: true, hanging: await this.#shutDown(text, true) })
  }

  /** @returns what would not end; null when everything did */
  async #shutDown(text: string, planned = false): Promise<string | null> {
    this.#heart.stop()
    if (planned) this.#tell({ type: 'at-rest' })
    this.#senses.close()
    await this.#followers.stop(planned)
    await this.#quorum.stop()
    const hands = await this.#hands.stop()
    const stopping: FromHeart = { type: 'stopping', text }
    const control = await endWorker(this.#control, stopping, CONTROL_STOP_MS)
    const store = await this.#store.close(STORE_CLOSE_MS)
    this.#stateFile.close()
    return hangingOf({ hands, control, store })
  }

  /** What cannot go on ends at once; the peer takes over or is elected. */
  #fail(code: string, message: string): void {
    this.#gate.close()
    void this.#shutDown(message).then((hanging) =>
      this.#end({ ok: false, code, message, mend: 'look at the log of the agent', hanging }),
    )
  }

  /** A mistake of ours: a wrong active is worse than none. */
  #crash(error: unknown): void {
    this.#gate.close()
    this.#floatingIps.remove()
    const text = error instanceof Error ? (error.stack ?? error.message) : String(error)
    process.stderr.write(`tandem agent: ${text}\n`)
    process.exit(70)
  }
}
