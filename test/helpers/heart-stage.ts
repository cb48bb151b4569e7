/**
 * A heart of sp1 with pretend doors, a peer that can be silenced, ping nodes, and a control thread
 * that can stand still. To be used under vitest's fake timers; nothing here waits for real time.
 */
import { vi } from 'vitest'
import type { Transition } from '../../src/control/snapshot.ts'
import type { Heartbeat } from '../../src/core/heartbeat.ts'
import type { Policy } from '../../src/core/policy.ts'
import { initialState, type State } from '../../src/core/state.ts'
import { Heart } from '../../src/daemon/heart.ts'
import { LinkHealth } from '../../src/daemon/link-health.ts'
import { ServiceGate } from '../../src/daemon/service-gate.ts'
import { SharedMemory } from '../../src/daemon/shared-memory.ts'
import { noStores, type StoreDoor } from '../../src/daemon/stores.ts'
import { ModelGate } from '../../src/gate/model-gate.ts'
import { Recorder } from '../../src/record/recorder.ts'
import { OUR_BOOT, PEER, POLICY } from './snapshot-case.ts'

export const H = POLICY.timing.heartbeatMs
const STARTED_MS = 1_000_000
/** One turn of the event loop, between a timer and its immediate, under vitest's fake timers. */
export const TURN_MS = 1
/** As the real control thread. */
const PROGRESS_MS = 100
export const MAIN_STALL_MS = 500

export interface StateWritten {
  atMs: number
  role: string
  armed: boolean
}

export class HeartStage {
  readonly heart: Heart
  readonly memory = new SharedMemory(1)
  readonly recorder = new Recorder(() => this.now())
  readonly sent: { atMs: number; heartbeat: Heartbeat }[] = []
  readonly probesMs: number[] = []
  readonly announcedMs: number[] = []
  readonly persisted: { ticket: number; term: number }[] = []
  readonly transitions: Transition[] = []
  readonly served: boolean[] = []
  readonly written: StateWritten[] = []
  readonly calledMs: number[] = []
  readonly askedWitness: number[] = []
  fenced = 0
  /** Orders that the stores got; they follow at once unless `storesAtOnce` is false. */
  readonly ordered: string[] = []
  storesAtOnce = true
  readonly stores: StoreDoor = this.#pretendStores()
  readonly gate: ServiceGate
  /** What is so from now on. */
  peerSpeaks = true
  pingNodesAnswer = true
  controlMoves = true
  diskWrites = true
  carrier = true
  addressesPresent = true
  probesLeave = true
  /** Changes to every heartbeat of the peer. */
  peerSays: Partial<Heartbeat> = {}
  #peerSeq = 0
  #stoppedMs = 0
  readonly #fakeStartMs = Date.now()

  #pretendStores(): StoreDoor {
    const stage = this
    const follow = noStores(
      (happening) => this.heart.take(happening),
      () => this.heart.state,
    )
    const order = (name: string, act: () => void) => (): void => {
      this.ordered.push(name)
      act()
    }
    return {
      get atOnce() {
        return stage.storesAtOnce
      },
      promote: order('promote', () => follow.promote()),
      demote: order('demote', () => follow.demote()),
      freeze: order('freeze', () => follow.freeze()),
      unfreeze: order('unfreeze', () => follow.unfreeze()),
      confirm: (alone) => {
        this.ordered.push(alone ? 'confirm alone' : 'confirm together')
      },
    }
  }

  constructor(policy: Policy = POLICY) {
    const now = (): number => this.now()
    this.gate = new ServiceGate(new ModelGate(now), {
      present: () => this.addressesPresent,
      add: () => {},
      want: () => {},
      remove: () => {},
    })
    this.heart = new Heart(
      {
        now,
        gate: this.gate,
        sendDirect: (heartbeat) => this.sent.push({ atMs: this.sinceStart(), heartbeat }),
        ping: (round) => this.#answer(round),
        probe: () => {
          this.probesMs.push(this.sinceStart())
          return this.probesLeave
        },
        announce: () => this.announcedMs.push(this.sinceStart()),
        persist: (ticket, { term }) => {
          this.persisted.push({ ticket, term })
          if (this.diskWrites) setImmediate(() => this.heart.take({ type: 'persisted', ticket }))
        },
        links: new LinkHealth({
          interfaces: ['eth0'],
          carrier: () => this.carrier,
          downAfterMs: policy.timing.gapMs,
          upAfterMs: policy.timing.dampingMs,
        }),
        recorder: this.recorder,
        memory: this.memory,
        writeState: ({ role, armed }, nowMs) =>
          this.written.push({ atMs: nowMs - STARTED_MS, role, armed }),
        tell: (message) => {
          if (message.type === 'transition') this.transitions.push(message.transition)
        },
        stores: this.stores,
        quorum: {
          askWitness: (attempt) => this.askedWitness.push(attempt),
          fence: () => {
            this.fenced += 1
          },
        },
        stepped: () => {},
        serving: (on) => this.served.push(on),
        called: () => this.calledMs.push(this.now() - STARTED_MS),
      },
      {
        policy,
        initial: initialState(OUR_BOOT, { term: 0, sole: false }, policy.pingNodeCount),
        mainStallMs: MAIN_STALL_MS,
      },
    )
    setInterval(() => {
      if (this.controlMoves) this.memory.raise('controlProgress')
    }, PROGRESS_MS)
    setInterval(() => {
      if (this.peerSpeaks) this.hear()
    }, policy.timing.heartbeatMs)
  }

  now(): number {
    return STARTED_MS + this.sinceStart()
  }

  sinceStart(): number {
    return Date.now() - this.#fakeStartMs + this.#stoppedMs
  }

  get state(): Readonly<State> {
    return this.heart.state
  }

  run(ms: number): this {
    vi.advanceTimersByTime(ms)
    return this
  }

  /** The whole process is stopped: the clock goes on, and no timer of ours runs. */
  stopProcess(ms: number): this {
    this.#stoppedMs += ms
    return this
  }

  /** One heartbeat of the peer, answering our newest. */
  hear(changes: Partial<Heartbeat> = {}): void {
    const newest = this.sent.at(-1)
    this.#peerSeq += 1
    this.heart.take({
      type: 'heartbeat',
      direct: true,
      heartbeat: {
        ...PEER,
        seq: this.#peerSeq,
        term: 0,
        ackBoot: newest === undefined ? null : OUR_BOOT,
        ackSeq: newest?.heartbeat.seq ?? 0,
        heardAgoMs: newest === undefined ? 0 : this.sinceStart() - newest.atMs,
        grant: newest?.heartbeat.want ?? false,
        ...this.peerSays,
        ...changes,
      },
    })
  }

  /** Started, elected, granted and serving. */
  becomeActive(): this {
    this.heart.start()
    this.run(20 * H)
    if (!this.state.armed) throw new Error(`not active but ${this.state.role}`)
    return this
  }

  #answer(round: number): void {
    if (!this.pingNodesAnswer) return
    setImmediate(() => {
      for (const pingNode of [0, 1, 2]) this.heart.take({ type: 'pong', round, pingNode })
    })
  }
}
