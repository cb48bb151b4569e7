/**
 * What became of what an operator asked? Each request followed to its end, step by step.
 *
 * Nothing is decided here: a request becomes an `ask` or a `maintenance` event of the core, and the
 * snapshots of the heart show what came of it. A refusal is told before anything is asked, from the
 * same predicate that the core itself uses.
 */
import { randomUUID } from 'node:crypto'
import type { PairConfig } from '../config/config.ts'
import type { OperationDocument, OperationRequest } from '../control/schema.ts'
import type { Snapshot } from '../control/snapshot.ts'
import { readingTurn } from '../control/status.ts'
import { type NodeName, peerOf } from '../core/policy.ts'
import { BLOCKERS, type Blocker, REASONS } from '../core/reason.ts'
import { switchoverBlocker } from '../core/switchover.ts'
import { takeoverBlocker } from '../core/takeover.ts'
import { hearsPeer, type Turn } from '../core/turn.ts'
import { dataRefusal, isAboutStore, orderOf } from './data-operation.ts'
import type { DataOrder } from './data-orders.ts'
import type { ToHeart } from './message.ts'
import { hazardNotes, StoreProgress } from './store-progress.ts'

const POLL_MS = 20
/** Operations kept for those who ask later. */
const KEPT_MAX = 100
/** A role that just changed is waited for this long before a request is refused for it. */
const PATIENCE_MS = 3_000
/** The address is asked for on the wire within this; after it the operation is done, not verified. */
const VERIFY_WITHIN_MS = 1_500
/** The stores of the new active take writes within this, or it is said that they do not. */
const STORES_WITHIN_MS = 3_000

export interface OperationPorts {
  config: PairConfig
  snapshot(): Promise<Snapshot>
  tell(message: ToHeart): void
  /** Has the stores' thread do something. @returns what went wrong; null when it is done */
  data(order: DataOrder, step: (sentence: string) => void): Promise<string | null>
  now(): number
  wait(ms: number): Promise<void>
}

type Operation = { -readonly [K in keyof OperationDocument]: OperationDocument[K] }

export class Operations {
  readonly #ports: OperationPorts
  readonly #kept = new Map<string, Operation>()

  constructor(ports: OperationPorts) {
    this.#ports = ports
  }

  find(id: string): OperationDocument | null {
    return this.#kept.get(id) ?? null
  }

  /** Accepts a request; it is followed in the background. */
  begin(request: OperationRequest): OperationDocument {
    const { config } = this.#ports
    const operation: Operation = {
      schema: 1,
      id: randomUUID(),
      kind: request.kind,
      node: request.node ?? config.node,
      state: 'accepted',
      steps: [],
      reason: null,
    }
    this.#kept.set(operation.id, operation)
    if (this.#kept.size > KEPT_MAX) this.#kept.delete(this.#kept.keys().next().value ?? '')
    const run = new Run(this.#ports, operation, request)
    run.follow().catch((error: unknown) => {
      run.end('failed', {
        code: 'internal',
        sentence: error instanceof Error ? error.message : String(error),
        mend: 'look at the log of the agent',
      })
    })
    return operation
  }
}

/** One operation on its way. */
class Run {
  readonly #ports: OperationPorts
  readonly #operation: Operation
  readonly #request: OperationRequest
  readonly #startedMs: number

  constructor(ports: OperationPorts, operation: Operation, request: OperationRequest) {
    this.#ports = ports
    this.#operation = operation
    this.#request = request
    this.#startedMs = ports.now()
  }

  async follow(): Promise<void> {
    if (isAboutStore(this.#request)) return this.#data(this.#request)
    if (this.#request.kind === 'maintenance') {
      await this.#maintain(this.#request.on)
      return
    }
    const { config } = this.#ports
    const named = this.#operation.node
    await this.#move(this.#request.kind === 'make-active' ? named : peerOf(named), config.node)
  }

  end(state: Operation['state'], reason: Operation['reason'] = null): void {
    this.#operation.state = state
    this.#operation.reason = reason
  }

  #step(sentence: string, agoMs = 0): void {
    const atMs = Math.round((this.#ports.now() - agoMs - this.#startedMs) * 10) / 10
    this.#operation.steps = [...this.#operation.steps, { atMs, sentence }]
  }

  #storeSteps(progress: StoreProgress, now: Snapshot): void {
    for (const { atMs, sentence } of progress.news(now)) this.#step(sentence, now.nowMs - atMs)
  }

  async #data(request: Parameters<typeof orderOf>[0]): Promise<void> {
    const ports = this.#ports
    const refused = dataRefusal(request, await ports.snapshot(), ports.config)
    if (refused !== null) return this.end('refused', refused)
    this.#operation.state = 'running'
    const failed = await ports.data(orderOf(request), (sentence) => this.#step(sentence))
    if (failed === null) return this.end('done')
    this.end('failed', {
      code: `${request.kind}-failed`,
      sentence: `${request.store} ${failed}`,
      mend: 'once that is out of the way, ask again; how it is now: tandem data show',
    })
  }

  async #maintain(on: boolean): Promise<void> {
    const ports = this.#ports
    if (this.#operation.node !== ports.config.node) {
      return this.end('refused', {
        code: 'other-node',
        sentence: 'maintenance is asked for on the node itself',
        mend: `run the command on ${this.#operation.node}`,
      })
    }
    const serves = on && (await ports.snapshot()).state.role === 'active'
    if (serves) return this.#handOver()
    ports.tell({ type: 'maintenance', on, force: false })
    await ports.wait(POLL_MS)
    this.#step(on ? 'maintenance began' : 'maintenance ended')
    this.end('done')
  }

  /**
   * The maintenance of an active begins with the peer's activity. Where the peer cannot serve it is
   * refused; by force this node releases all the same, and nobody serves.
   */
  async #handOver(): Promise<void> {
    const ports = this.#ports
    const { config } = ports
    const peer = peerOf(config.node)
    const blocker = await this.#obstacle((now) => switchoverBlocker(readingTurn(now, config)))
    if (blocker !== null && !this.#request.force) {
      const [sentence, mend] = BLOCKERS[blocker]
      return this.end('refused', {
        code: blocker,
        sentence: `this node serves and cannot hand over: ${sentence}`,
        mend: `${mend}; or accept with --force that nobody serves`,
      })
    }
    const force = blocker !== null
    this.#operation.state = 'running'
    ports.tell({ type: 'maintenance', on: true, force })
    this.#step(force ? 'maintenance began, by force' : `maintenance began: handing over to ${peer}`)
    const limitMs = moveLimitMs(config)
    let last = await ports.snapshot()
    const progress = new StoreProgress(last)
    const reached = await this.#until((now) => {
      this.#storeSteps(progress, now)
      last = now
      return force ? now.state.role !== 'active' : isActive(now, peer, config.node)
    }, limitMs)
    if (!reached) {
      // A node in maintenance is not elected again: it must not stay so when nobody took its place.
      ports.tell({ type: 'maintenance', on: false, force: false })
      return this.end('failed', {
        code: 'not-moved',
        sentence: `the maintenance was ended again after ${limitMs} ms: ${progress.givenBack ?? describe(last, config.node)}`,
        mend: 'look at: tandem explain',
      })
    }
    this.#step(
      force
        ? `released: nobody serves until ${peer} can, or the maintenance ends`
        : `${peer} is active, ${config.node} is in maintenance`,
    )
    this.end('done')
  }

  /** Makes `target` the active node. */
  async #move(target: NodeName, us: NodeName): Promise<void> {
    const ports = this.#ports
    let snapshot = await ports.snapshot()
    if (isActive(snapshot, target, us)) {
      this.#step(`${target} is active already`)
      return this.end('done')
    }
    const refused = await this.#refusal(target, us)
    if (refused !== null) return this.end('refused', refused)
    this.#operation.state = 'running'
    snapshot = await ports.snapshot()
    const progress = new StoreProgress(snapshot)
    for (const note of hazardNotes(snapshot)) this.#step(note)
    this.#step(`asked for ${target} to become active`)
    ports.tell({ type: 'ask', node: target, force: this.#request.force })

    const limitMs = moveLimitMs(ports.config)
    let told = ''
    const reached = await this.#until((now) => {
      this.#storeSteps(progress, now)
      const words = describe(now, us)
      if (words !== told) this.#step(words)
      told = words
      snapshot = now
      return isActive(now, target, us) || progress.isOver(now)
    }, limitMs)
    if (!isActive(snapshot, target, us) && progress.givenBack !== null) {
      return this.end('refused', {
        code: 'stores-not-handed-over',
        sentence: `${target} did not become active: ${progress.givenBack}`,
        mend: 'once that is out of the way, ask again; what stands in the way now: tandem explain',
      })
    }
    if (!reached) {
      return this.end('failed', {
        code: 'not-moved',
        sentence: `${target} did not become active within ${limitMs} ms; ${describe(snapshot, us)}`,
        mend: 'look at: tandem explain',
      })
    }
    this.#step(
      `${target} is active, term ${Math.max(snapshot.state.term, snapshot.state.termHeard)}`,
    )
    if (await this.#storesWritable(target, progress)) await this.#verify(target, us)
  }

  /** @returns false when it was not seen, and the operation has ended with that */
  async #storesWritable(target: NodeName, progress: StoreProgress): Promise<boolean> {
    const { config } = this.#ports
    let last = await this.#ports.snapshot()
    if (progress.writable(last, target, config) === null) return true
    const seen = await this.#until((now) => {
      last = now
      this.#storeSteps(progress, now)
      return progress.writable(now, target, config) === true
    }, STORES_WITHIN_MS)
    if (!seen) {
      this.end('done-unverified', {
        code: 'stores-not-writable',
        sentence: `the stores of ${target} were not seen to take writes within ${STORES_WITHIN_MS} ms`,
        mend: `look at tandem status on ${target}`,
      })
      return false
    }
    const tookMs = last.peerStoresPromotedMs
    if (target !== config.node && tookMs !== null)
      this.#step(`the stores of ${target} take writes, ${Math.round(tookMs)} ms after its order`)
    return true
  }

  /** Only the new active can tell whether its addresses are answered on the wire. */
  async #verify(target: NodeName, us: NodeName): Promise<void> {
    if (target !== us) return this.end('done')
    const seen = await this.#until(
      (now) => now.floatingIps.every(({ look }) => look === 'verified' || look === 'none'),
      VERIFY_WITHIN_MS,
    )
    const { floatingIps } = await this.#ports.snapshot()
    const missing = floatingIps.filter(({ look }) => look !== 'verified' && look !== 'none')
    if (seen && missing.length === 0) {
      if (floatingIps.some(({ look }) => look === 'verified'))
        this.#step('the floating IPs are answered on the wire')
      return this.end('done')
    }
    this.end('done-unverified', {
      code: 'address-not-verified',
      sentence: `no ping node answered ${missing.map((address) => address.address).join(', ')}`,
      mend: 'check that the switch and the gateway learned the new place of the address',
    })
  }

  /** Why the move would not happen now; waits for what passes by itself. */
  async #refusal(target: NodeName, us: NodeName): Promise<Operation['reason']> {
    const { config } = this.#ports
    const { force } = this.#request
    const blocker = await this.#obstacle((snapshot) =>
      moveBlocker(snapshot, config, { target, us, force }),
    )
    if (blocker === null) return null
    const [sentence, mend] = BLOCKERS[blocker]
    return { code: blocker, sentence, mend }
  }

  /** What still stands in the way when patience is over; null as soon as nothing does. */
  async #obstacle(blockerNow: (snapshot: Snapshot) => Blocker | null): Promise<Blocker | null> {
    const free = await this.#until((snapshot) => {
      const blocker = blockerNow(snapshot)
      if (blocker !== null && this.#operation.state === 'accepted') {
        this.#operation.state = 'waiting'
        this.#step(`waiting: ${BLOCKERS[blocker][0]}`)
      }
      return blocker === null
    }, PATIENCE_MS)
    return free ? null : blockerNow(await this.#ports.snapshot())
  }

  async #until(holds: (snapshot: Snapshot) => boolean, withinMs: number): Promise<boolean> {
    const untilMs = this.#ports.now() + withinMs
    for (;;) {
      if (holds(await this.#ports.snapshot())) return true
      if (this.#ports.now() >= untilMs) return false
      await this.#ports.wait(POLL_MS)
    }
  }
}

/** Long enough for two preparations of a switchover, and the rest. */
function moveLimitMs(config: PairConfig): number {
  return 2 * config.policy.timing.prepareMs + 1000
}

/** What stands in the way of `target` becoming active, as this node sees it. */
function moveBlocker(
  snapshot: Snapshot,
  config: PairConfig,
  { target, us, force }: { target: NodeName; us: NodeName; force: boolean },
): Blocker | null {
  const turn = readingTurn(snapshot, config)
  const { state } = snapshot
  if (target !== us) return switchoverBlocker(turn)
  // What force is for: nobody is there to be asked, and this node would not dare by itself.
  if (force && !hearsPeer(turn)) return takeoverBlocker(asIfForced(turn))
  if (state.maintenance) return 'maintenance'
  if (!state.healthy) return 'unhealthy'
  if (state.peer === null || !hearsPeer(turn)) return 'peer-silent'
  if (!state.peer.hears) return 'peer-deaf'
  if (state.peer.digest !== config.policy.digest) return 'digest-differs'
  return null
}

/** The same turn after the request arrived. */
function asIfForced(turn: Turn): Turn {
  return { ...turn, s: { ...turn.s, forceUntilMs: Number.POSITIVE_INFINITY } }
}

function isActive(snapshot: Snapshot, target: NodeName, us: NodeName): boolean {
  const { state } = snapshot
  if (target === us) return state.role === 'active' && state.armed
  const heard = snapshot.nowMs - state.lastHeardMs < 1000
  return state.role !== 'active' && heard && state.peer?.role === 'active'
}

/** Where the pair stands, in words. */
function describe(snapshot: Snapshot, us: NodeName): string {
  const { state } = snapshot
  const peer = peerOf(us)
  const theirs = state.peer === null ? 'unknown' : state.peer.role
  const doing = state.preparation === null ? '' : ', writes are frozen while the peer catches up'
  return `${us} is ${state.role} (${REASONS[state.reason]}), ${peer} is ${theirs}${doing}`
}
