/**
 * What must never be late? The heart: ticks, sockets, the decision core and the gate.
 *
 * It runs on the process's main thread, the only one in the real-time class, and never waits: no
 * disk, no process, no lookup. (Main thread and not a worker, because the native part of net-ping
 * works only there.) Everything slower lives on the control thread, and when that makes no progress
 * for `mainStallMs`, the heart stops beating: an agent that only proves its heart alive would hold
 * the role while nothing else of it works.
 */

import type { HeartHealth, Transition } from '../control/snapshot.ts'
import type { Event } from '../core/event.ts'
import type { Heartbeat } from '../core/heartbeat.ts'
import type { Policy } from '../core/policy.ts'
import type { State } from '../core/state.ts'
import type { Recorder } from '../record/recorder.ts'
import { Announcer } from './announcer.ts'
import { Lateness } from './lateness.ts'
import type { LinkHealth } from './link-health.ts'
import { type Happening, Loop } from './loop.ts'
import type { FromHeart } from './message.ts'
import type { Observer, Ports } from './ports.ts'
import { Pulse, type PulseReport } from './pulse.ts'
import type { QuorumDoor } from './quorum/quorum.ts'
import type { ServiceGate } from './service-gate.ts'
import type { SharedMemory } from './shared-memory.ts'
import type { StoreDoor } from './stores.ts'

/** The announcement of the floating IPs waits for the stores no longer than this. */
const STORES_PATIENCE_MS = 300

/** Events that tell of the end of what an effect started, or of what an operator wants. */
const ENDINGS: ReadonlySet<Happening['type']> = new Set([
  'persisted',
  'demoted',
  'frozen',
  'witness',
  'fenced',
  'health',
  'maintenance',
  'behind',
])

/** The doors of the heart, opened and closed by `agent.ts`. */
export interface HeartDoors {
  now(): number
  gate: ServiceGate
  sendDirect(heartbeat: Heartbeat, reflect: boolean): void
  ping(round: number): void
  /** Sends one address probe per floating IP; false when one could not be sent. */
  probe(): boolean
  announce(): void
  persist(ticket: number, hard: { term: number; sole: boolean }): void
  links: LinkHealth
  recorder: Recorder
  memory: SharedMemory
  writeState(state: Readonly<State>, nowMs: number): void
  tell(message: FromHeart): void
  stores: StoreDoor
  quorum: QuorumDoor
  /** A step was made: for whoever follows what is known. */
  stepped(state: Readonly<State>): void
  /** The floating IPs are served from now on, or no longer. */
  serving(on: boolean): void
  /** The floating IPs were announced for the first time since they are served here. */
  called(): void
}

export interface HeartOptions {
  policy: Policy
  initial: State
  mainStallMs: number
}

export class Heart {
  readonly #doors: HeartDoors
  readonly #options: HeartOptions
  readonly #loop: Loop
  readonly #pulse: Pulse
  readonly #announcer: Announcer
  #servicesHealthy = true
  #progress = { count: -1, sinceMs: 0 }
  readonly #lateness: Lateness
  #stalled = false
  #stopped = false
  #startedMs = 0
  #probeSentMs: number | null = null
  #probeMet = false
  readonly #kept: Happening[] = []
  /** Clients are called at the latest when this goes off; null when they were, or are not to be. */
  #calling: NodeJS.Timeout | null = null

  constructor(doors: HeartDoors, options: HeartOptions) {
    this.#doors = doors
    this.#options = options
    this.#lateness = new Lateness(options.policy.timing.gapMs)
    this.#loop = new Loop(options.initial, options.policy, this.#ports(), this.#observer())
    this.#pulse = new Pulse(options.policy.timing.heartbeatMs, doors.now, (report) =>
      this.#beat(report),
    )
    this.#announcer = new Announcer(() => this.#announce(), doors.now)
  }

  get state(): Readonly<State> {
    return this.#loop.state
  }

  get announcedMs(): number | null {
    return this.#announcer.lastMs
  }

  health(realtime: boolean, storeTrouble: string | null): HeartHealth {
    return {
      startedMs: this.#startedMs,
      realtime,
      lateness: this.#lateness.report(this.#doors.now()),
      stalled: this.#stalled,
      storeTrouble,
    }
  }

  /** First effect: the gate is shut (PROTOCOL, "Start"). Then the first tick after H. */
  start(): void {
    this.#startedMs = this.#doors.now()
    this.#progress.sinceMs = this.#startedMs
    this.#loop.take({ type: 'start' })
    this.#pulse.start()
  }

  /** No tick and no decision after this. The gate is shut and the addresses are gone. */
  stop(): void {
    this.#stopped = true
    this.#pulse.stop()
    this.#stopCalling()
    this.#announcer.stop()
    this.#doors.gate.close()
    this.#doors.recorder.mark('stopped', this.#doors.now())
    this.#doors.writeState({ ...this.#loop.state, armed: false }, this.#doors.now())
  }

  /**
   * Something happened. While the control thread is stalled nothing is taken in; the end of what was
   * started is kept for later, for nobody tells it twice.
   */
  take(happening: Happening): void {
    // What still comes in, above all a term that is on disk now, must not open the gate again.
    if (this.#stopped) return
    if (!this.#stalled) this.#loop.take(happening)
    else if (ENDINGS.has(happening.type)) this.#kept.push(happening)
  }

  /** Somebody answered for, probed for or claimed a floating IP. */
  conflict(kind: 'answer' | 'probe' | 'announcement'): void {
    this.#probeMet = true
    const sentAtMs = this.#probeSentMs ?? this.#doors.now()
    this.take({ type: 'probed', sentAtMs, clear: false, knock: kind === 'probe' })
    if (this.#loop.state.armed && !this.#stopped) this.#announcer.burst()
  }

  /** The stores take writes now. */
  storesPromoted(): void {
    if (this.#calling !== null) this.#callClients()
  }

  setServicesHealthy(healthy: boolean): void {
    this.#servicesHealthy = healthy
    this.#tellHealth()
  }

  #beat(report: PulseReport): void {
    const now = this.#doors.now()
    this.#doors.memory.raise('heartBeat')
    this.#lateness.note(report.lateMs, now)
    // Time in which the whole process was stopped is no evidence against the control thread. Only
    // that time: on a busy machine a tick is missed now and then, and the rest still counts.
    this.#progress.sinceMs += report.missed * this.#options.policy.timing.heartbeatMs
    this.#watchControl(now)
    this.#record(report, now)
    if (this.#stalled) return
    for (const happening of this.#kept.splice(0)) this.#loop.take(happening)
    if (this.#doors.links.poll(now)) this.#tellHealth()
    this.#reportProbe()
    this.#loop.take({ type: 'tick' })
    this.#doors.memory.raise('ticksDecided')
    this.#doors.writeState(this.#loop.state, now)
  }

  /** What explains an outage and is no event. */
  #record({ lateMs }: PulseReport, now: number): void {
    const { recorder, gate } = this.#doors
    if (lateMs > this.#options.policy.timing.heartbeatMs) recorder.mark('late', now, lateMs)
    recorder.addresses(gate.present, now)
    recorder.stalled(this.#stalled, now)
  }

  /** A heart that beats for a dead body lies: without progress of the control thread it stops. */
  #watchControl(now: number): void {
    const count = this.#doors.memory.read('controlProgress')
    // Until it has come up, its silence says nothing; that it comes up at all is watched elsewhere.
    if (count === 0) return
    if (count !== this.#progress.count) {
      this.#progress = { count, sinceMs: now }
      this.#stalled = false
      return
    }
    this.#stalled = now - this.#progress.sinceMs > this.#options.mainStallMs
  }

  /** The probe of the tick before met nobody: now it can be told. */
  #reportProbe(): void {
    const sentAtMs = this.#probeSentMs
    this.#probeSentMs = null
    if (sentAtMs !== null && !this.#probeMet) {
      this.#loop.take({ type: 'probed', sentAtMs, clear: true })
    }
  }

  #tellHealth(): void {
    this.take({ type: 'health', healthy: this.#servicesHealthy && this.#doors.links.healthy })
  }

  #ports(): Ports {
    const doors = this.#doors
    return {
      now: doors.now,
      gate: doors.gate,
      send: (heartbeat, reflect) => doors.sendDirect(heartbeat, reflect),
      ping: (round) => doors.ping(round),
      probe: () => {
        this.#probeMet = false
        this.#probeSentMs = doors.now()
        // A probe that could not be sent proves nothing.
        if (!doors.probe()) this.#probeMet = true
      },
      persist: (ticket, hard) => doors.persist(ticket, hard),
      promote: () => doors.stores.promote(),
      demote: () => doors.stores.demote(),
      freeze: () => doors.stores.freeze(),
      unfreeze: () => doors.stores.unfreeze(),
      askWitness: (attempt) => doors.quorum.askWitness(attempt),
      fence: () => doors.quorum.fence(),
      setAside: () => {},
      confirm: (alone) => doors.stores.confirm(alone),
    }
  }

  #observer(): Observer {
    return {
      stepped: (before, event, after) => {
        this.#doors.recorder.stepped(before, event, after)
        this.#note(before, event, after)
      },
      carriedOut: (effect, refused) => {
        this.#doors.recorder.carriedOut(effect, refused)
        if (effect.type === 'open' && !refused) this.#serve()
      },
    }
  }

  #note(before: Readonly<State>, event: Event, after: Readonly<State>): void {
    const opened = after.armed && !before.armed
    this.#doors.stepped(after)
    if (before.armed && !after.armed) this.#endService()
    else if (after.armed && heardAgain(before, after, this.#options.policy)) this.#announcer.burst()
    if (after.role === before.role && !opened) return
    const transition: Transition = {
      atMs: event.nowMs,
      from: before.role,
      to: after.role,
      opened,
      term: after.term,
      reason: after.reason,
      peerSilentMs: Number.isFinite(before.lastHeardMs) ? event.nowMs - before.lastHeardMs : null,
    }
    this.#doors.writeState(after, event.nowMs)
    this.#doors.tell({ type: 'transition', transition })
  }

  /** Not after the lease, whatever timer comes first then: the other node may be serving by now. */
  #announce(): void {
    const { armed, leaseUntilMs } = this.#loop.state
    const now = this.#doors.now()
    if (!armed || now >= leaseUntilMs) return
    this.#doors.announce()
    this.#doors.recorder.mark('announced', now)
  }

  /**
   * Clients are called when the stores take writes: until then they would only be refused. But not
   * later than a moment from now, for not everything that serves here needs the stores.
   */
  #serve(): void {
    this.#doors.serving(true)
    if (this.#doors.stores.atOnce) this.#callClients()
    else this.#calling = setTimeout(() => this.#callClients(), STORES_PATIENCE_MS)
  }

  #callClients(): void {
    this.#stopCalling()
    this.#announcer.burst()
    this.#doors.called()
  }

  #stopCalling(): void {
    if (this.#calling !== null) clearTimeout(this.#calling)
    this.#calling = null
  }

  #endService(): void {
    this.#stopCalling()
    this.#announcer.stop()
    this.#doors.serving(false)
  }
}

/** The peer was silent for S and is heard: whatever it claimed meanwhile must be corrected. */
function heardAgain(before: Readonly<State>, after: Readonly<State>, policy: Policy): boolean {
  if (after.lastHeardMs === before.lastHeardMs) return false
  return after.lastHeardMs - before.lastHeardMs > policy.timing.suspicionMs
}
