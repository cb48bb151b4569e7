/**
 * How do the services follow the role? Looks, probes, starts, stops and hooks of all of them, side by side.
 *
 * What is to be done is decided in `core/supervision.ts`; here it is done, one thing after the other for
 * each service, and what came of it is told back. Nobody outside this thread waits for a service.
 */
import type { ServiceConfig } from '../config/config.ts'
import type { MoveStep, ServiceSnapshot } from '../control/snapshot.ts'
import { stepSentence } from '../control/step-sentence.ts'
import {
  begun,
  failed,
  heed,
  isUp,
  nextActions,
  type OrderVerb,
  type Presence,
  type ServiceAction,
  type ServiceHappening,
  type ServiceLife,
  unfitBecauseOf,
  wantedOf,
} from '../core/supervision.ts'
import {
  isOutdated,
  isTooEarly,
  isUpEarly,
  type KeptLife,
  type KeptService,
  type Lane,
  laneSnapshot,
  newLane,
  servesAsWanted,
  shownOf,
  wantsHook,
} from './service-lane.ts'
import { ServiceLooks } from './service-looks.ts'

export interface KeeperOptions {
  services: readonly KeptService[]
  /** What an earlier agent left behind, by name. */
  kept: ReadonlyMap<string, KeptLife>
  now: () => number
  wait: (ms: number) => Promise<void>
  /** Something changed that is shown, written down or counts for fitness. */
  changed: () => void
  log: (severity: 'info' | 'warning' | 'error', event: string, text: string) => void
  /** One thing was done. */
  step: (step: Omit<MoveStep, 'number'>) => void
  /** Whether all that is started before the node serves is up; false while it does not come. */
  upEarly: (on: boolean) => void
}

/** So often what has to wait for a moment is looked at again. */
const TURN_MS = 200
const HOOK_AGAIN_MS = 250

export class ServiceKeeper {
  readonly #options: KeeperOptions
  readonly #looks: ServiceLooks
  #lanes: readonly Lane[]
  #serving = false
  /** The role is about to move to this node. */
  #coming = false
  #upEarly = false
  /** Since it serves, every service was up and told once. */
  #allServed = false
  /** Those who wait for something to happen. */
  #waiting: (() => void)[] = []
  /** Told to services: the stores take writes too. */
  #role: 'active' | 'standby' | null = null
  #stopped = false

  constructor(options: KeeperOptions) {
    this.#options = options
    this.#looks = new ServiceLooks({
      ...options,
      heed: (lane, happening) => this.heed(lane, happening),
    })
    this.#lanes = options.services.map((kept) =>
      newLane(kept, options.kept.get(kept.config.name) ?? {}),
    )
  }

  /** Begins to look; nothing is touched before it is known what runs. */
  start(): void {
    for (const lane of this.#lanes) this.#looks.follow(lane)
    void this.#turns()
  }

  /** Nothing is started or stopped any more; what runs goes on. */
  stop(): void {
    this.#stopped = true
    this.#looks.stop()
    for (const { service } of this.#lanes) service.close()
  }

  /** The node begins to serve, or does not any more. */
  serve(on: boolean): void {
    if (on === this.#serving) return
    this.#serving = on
    this.#allServed = false
    if (!on) this.#role = 'standby'
    for (const lane of this.#lanes) lane.tooEarly = false
    this.#turn()
  }

  /** The role is about to move here: what takes long to start is started already, and ended if nothing comes of it. */
  comes(on: boolean): void {
    this.#coming = on
    for (const lane of this.#lanes) lane.tooEarly = false
    this.#turn()
  }

  /** The node serves and its stores take writes, or it is known not to serve: hooks may say so. */
  tellRole(role: 'active' | 'standby'): void {
    this.#role = role
    this.#turn()
  }

  /** Resolves when something has happened that may be waited for. */
  nextChange(): Promise<void> {
    return new Promise((resolve) => this.#waiting.push(resolve))
  }

  /** These services instead of those before; what is not among them is looked after no longer. */
  use(lanes: readonly Lane[]): void {
    const before = this.#lanes
    this.#lanes = lanes
    for (const lane of before) {
      if (lanes.includes(lane)) continue
      lane.over = true
      lane.wake()
      lane.closeProbes()
      lane.service.close()
    }
    for (const lane of lanes) if (!before.includes(lane)) this.#looks.follow(lane)
    this.#options.changed()
    this.#turn()
  }

  /** A store follows the peer anew: who took it in before may know what it never held, or holds no more. */
  storeLinked(store: string): void {
    for (const lane of this.#lanes) {
      if (lane.config.reads.includes(store)) lane.outdated = `${store} follows the peer anew`
    }
    this.#turn()
  }

  get lanes(): readonly Lane[] {
    return this.#lanes
  }

  get serving(): boolean {
    return this.#serving
  }

  get #presence(): Presence {
    if (this.#serving) return 'serves'
    return this.#coming ? 'comes' : 'away'
  }

  /** Nothing runs that is not wanted here. */
  get isSettled(): boolean {
    const runs = ({ process }: ServiceLife): boolean =>
      process !== 'stopped' && process !== 'unknown'
    return this.#lanes.every(
      ({ config, life }) => wantedOf(config, life, this.#presence) !== 'stopped' || !runs(life),
    )
  }

  lifeOf(name: string): ServiceLife | undefined {
    return this.#laneOf(name)?.life
  }

  get snapshots(): ServiceSnapshot[] {
    return this.#lanes.map((lane) => laneSnapshot(lane, this.#presence))
  }

  get unfit(): string[] {
    return unfitBecauseOf(this.#plans(), this.#lives())
  }

  wantedOf(name: string): 'running' | 'stopped' | null {
    const lane = this.#laneOf(name)
    return lane === undefined ? null : wantedOf(lane.config, lane.life, this.#presence)
  }

  isUp(name: string): boolean {
    const lane = this.#laneOf(name)
    return lane !== undefined && isUp(lane.config, lane.life)
  }

  /** An operator's word; what follows from it begins at once. */
  order(name: string, verb: OrderVerb): void {
    const lane = this.#laneOf(name)
    if (lane === undefined) return
    this.heed(lane, { type: 'order', verb })
    if (verb !== 'restart' || lane.life.process !== 'running') return
    if (this.wantedOf(name) === 'running') {
      void this.#startAgain(lane, 'an operator')
    }
  }

  /** Something happened to a service; what follows from it begins at once. */
  heed(lane: Lane, happening: ServiceHappening): void {
    if (lane.over) return
    const before = lane.life
    const early = this.#coming && !this.#serving
    const tooEarly = early && isTooEarly(lane, happening)
    if (tooEarly) lane.tooEarly = true
    const heeded: ServiceHappening = tooEarly ? { type: 'stopped', why: null } : happening
    lane.life = heed(lane.config, before, heeded, this.#options.now())
    if (lane.life === before) return
    this.#noteChange(lane, before)
    this.#turn()
  }

  /** Looks at its process now, out of turn. */
  async look(lane: Lane): Promise<void> {
    await this.#looks.look(lane)
  }

  #plans(): readonly ServiceConfig[] {
    return this.#lanes.map(({ config }) => config)
  }

  #lives(): Map<string, ServiceLife> {
    return new Map(this.#lanes.map(({ config, life }) => [config.name, life]))
  }

  #laneOf(name: string): Lane | undefined {
    return this.#lanes.find(({ config }) => config.name === name)
  }

  #noteChange(lane: Lane, before: ServiceLife): void {
    const { life, config } = lane
    const { log, changed } = this.#options
    if (life.process !== 'running') lane.told = null
    else if (before.process !== 'running') lane.wake()
    if (life.exhausted !== before.exhausted) {
      if (life.exhausted) {
        log(
          'error',
          'service-failed',
          `${config.name} failed ${life.failedAtMs.length} times: ${life.why}`,
        )
      } else log('info', 'service-failed', `over: ${config.name} runs well`)
    }
    // By itself: what was stopped on purpose is no failure.
    const ended = before.process === 'running' && life.process === 'stopped'
    if (ended && life.failedAtMs !== before.failedAtMs) {
      log('warning', 'service-ended', `${life.why}`)
    }
    if (life.probe !== before.probe && life.probe === 'failing' && life.wellSinceMs !== null) {
      log('warning', 'service-check', `${config.name}: ${life.why}`)
    }
    if (shownOf(life) !== shownOf(before)) changed()
  }

  /** What waits for a moment: a backoff, a prerequisite, a hook to be tried again. */
  async #turns(): Promise<void> {
    while (!this.#stopped) {
      await this.#options.wait(TURN_MS)
      this.#turn()
    }
  }

  #turn(): void {
    if (this.#stopped) return
    const now = this.#options.now()
    for (const action of nextActions(this.#plans(), this.#lives(), this.#presence, now)) {
      const lane = this.#laneOf(action.name)
      if (lane !== undefined && !lane.busy && !lane.tooEarly) void this.#carryOut(lane, action)
    }
    for (const lane of this.#lanes) {
      if (isOutdated(lane, this.#presence)) void this.#startAgain(lane, lane.outdated ?? '')
      else if (wantsHook(lane, this.#role, now)) void this.#tell(lane)
    }
    this.#noteServed()
    this.#noteUpEarly()
    for (const resolve of this.#waiting.splice(0)) resolve()
  }

  /** Told once since it serves. */
  #noteServed(): void {
    if (!this.#serving || this.#role !== 'active' || this.#allServed) return
    if (this.#lanes.length === 0) return
    if (!this.#lanes.every((lane) => servesAsWanted(lane))) return
    this.#allServed = true
    this.#step('all-serving', '', stepSentence('all-serving'))
  }

  #noteUpEarly(): void {
    const on = this.#presence === 'comes' && this.#lanes.every(isUpEarly)
    if (on === this.#upEarly) return
    this.#upEarly = on
    this.#options.upEarly(on)
  }

  /** No failure of its own. */
  async #startAgain(lane: Lane, why: string): Promise<void> {
    this.#options.log('info', 'service-restart', `${lane.config.name} is started again: ${why}`)
    await this.#carryOut(lane, { name: lane.config.name, what: 'stop', why })
  }

  async #carryOut(lane: Lane, { what, why }: ServiceAction): Promise<void> {
    const { config, service } = lane
    const { now, log } = this.#options
    const startedMs = now()
    lane.busy = true
    const before = lane.life
    lane.life = begun(lane.life, what)
    if (what === 'restart') {
      lane.life = failed(config, lane.life, why, now())
      log('warning', 'service-restart', `${config.name} is started again: ${why}`)
    }
    this.#noteChange(lane, before)
    if (what === 'start') {
      lane.outdated = null
      const done = await service.start(config.startLimitMs)
      lane.busy = false
      if (done.ok) {
        const sentence = stepSentence('service-started', config.name)
        this.#step('service-started', config.name, sentence, startedMs)
      }
      this.heed(lane, { type: 'started', why: done.ok ? null : done.fault.message })
      void this.look(lane)
      return
    }
    const done = await service.stop(config.stopLimitMs)
    lane.busy = false
    if (done.ok) this.#step('other', config.name, `${config.name} was stopped`, startedMs)
    else log('error', 'service-stop', done.fault.message)
    this.heed(lane, { type: 'stopped', why: done.ok ? null : done.fault.message })
  }

  /** @param startedMs  when it was begun; null: it took no time of its own */
  #step(
    kind: MoveStep['kind'],
    subject: string,
    sentence: string,
    startedMs: number | null = null,
  ): void {
    const atMs = this.#options.now()
    const took = startedMs === null ? '' : ` (${Math.round(atMs - startedMs)} ms)`
    this.#options.step({ atMs, sentence: `${sentence}${took}`, kind, subject })
  }

  async #tell(lane: Lane): Promise<void> {
    const role = this.#role
    if (role === null) return
    const { now, log } = this.#options
    const startedMs = now()
    lane.busy = true
    const why = await lane.tellRole(role)
    lane.busy = false
    if (why === null) {
      if (lane.life.process === 'running') lane.told = role
      const kind = role === 'active' ? 'service-told' : 'other'
      const { name } = lane.config
      this.#step(kind, name, `${name} was told "${role}"`, startedMs)
    } else {
      lane.hookAgainAtMs = now() + HOOK_AGAIN_MS
      if (lane.hookTrouble === null) log('warning', 'service-hook', `${lane.config.name}: ${why}`)
    }
    const changed = (lane.hookTrouble === null) !== (why === null)
    lane.hookTrouble = why
    if (changed) this.#options.changed()
    this.#turn()
  }
}
