/**
 * What does every operation need on its way? Its steps, its end, and the heart's snapshots to wait by.
 */
import type { PairConfig } from '../config/config.ts'
import type { OperationDocument, OperationRequest } from '../control/schema.ts'
import type { Snapshot } from '../control/snapshot.ts'
import type { DataOrder } from './data-orders.ts'
import type { ToHeart } from './message.ts'
import type { MoveProgress } from './move-progress.ts'
import type { DrainOrder, ServiceOrder } from './service-message.ts'

export const POLL_MS = 20

export interface OperationPorts {
  /** As it is in force now. */
  config(): PairConfig
  snapshot(): Promise<Snapshot>
  tell(message: ToHeart): void
  /** Has the stores' thread do something. @returns what went wrong; null when it is done */
  data(order: DataOrder, step: (sentence: string) => void): Promise<string | null>
  /** Has the services' thread do something. @returns the same */
  services(
    order: ServiceOrder | DrainOrder,
    step: (sentence: string) => void,
  ): Promise<string | null>
  /** Reads the configuration again and puts in force what can be. @returns why not; null when it is done */
  reload(step: (sentence: string) => void): Promise<Refusal>
  /** An operation went on. */
  changed(operation: OperationDocument): void
  now(): number
  wait(ms: number): Promise<void>
}

export type Refusal = OperationDocument['reason']
export type Operation = { -readonly [K in keyof OperationDocument]: OperationDocument[K] }

/** One operation on its way. */
export class Run {
  readonly ports: OperationPorts
  readonly operation: Operation
  readonly request: OperationRequest
  readonly #startedMs: number

  constructor(ports: OperationPorts, operation: Operation, request: OperationRequest) {
    this.ports = ports
    this.operation = operation
    this.request = request
    this.#startedMs = ports.now()
  }

  end(state: Operation['state'], reason: Refusal = null): void {
    this.operation.reason = reason
    this.become(state)
  }

  become(state: Operation['state']): void {
    this.operation.state = state
    this.ports.changed({ ...this.operation })
  }

  step(sentence: string, agoMs = 0): void {
    const atMs = Math.round((this.ports.now() - agoMs - this.#startedMs) * 10) / 10
    this.operation.steps = [...this.operation.steps, { atMs, sentence }]
    this.ports.changed({ ...this.operation })
  }

  /** What either node did since the last time this was asked. */
  moveSteps(progress: MoveProgress, now: Snapshot): void {
    for (const { atMs, sentence } of progress.news(now)) this.step(sentence, now.nowMs - atMs)
    for (const sentence of progress.peerNews(now)) this.step(sentence)
  }

  async until(holds: (snapshot: Snapshot) => boolean, withinMs: number): Promise<boolean> {
    const untilMs = this.ports.now() + withinMs
    for (;;) {
      if (holds(await this.ports.snapshot())) return true
      if (this.ports.now() >= untilMs) return false
      await this.ports.wait(POLL_MS)
    }
  }
}
