/**
 * The main thread's side of who guards the right beside the two nodes: the heart asks, and waits for nobody.
 */
import { Worker } from 'node:worker_threads'
import type { PairConfig } from '../../config/config.ts'
import type { QuorumSnapshot } from '../../control/quorum-snapshot.ts'
import type { State } from '../../core/state.ts'
import { endWorker } from '../end-worker.ts'
import type { Happening } from '../loop.ts'
import type { Severity } from '../message.ts'
import type { FromQuorum, QuorumThreadData, ToQuorum } from './quorum-thread.ts'

const STOP_LIMIT_MS = 500
/** Below the heart and its hands, above ordinary work. */
const REALTIME_PRIORITY = 40

/** What the heart asks of them. */
export interface QuorumDoor {
  askWitness(attempt: number): void
  /** Has the peer switched off. */
  fence(): void
}

export interface QuorumOptions {
  config: PairConfig
  /** Of this start, as in our heartbeats. */
  boot: string
  take: (happening: Happening) => void
  log: (severity: Severity, event: string, text: string) => void
  died: (message: string) => void
}

export class Quorum implements QuorumDoor {
  /** Null where only the ping nodes guard. */
  readonly #worker: Worker | null
  #snapshot: QuorumSnapshot = { witness: null, fence: null }
  #fencing = false

  constructor(options: QuorumOptions) {
    const { config, boot, take, log, died } = options
    const { witness, fence } = config
    if (witness === null && fence === null) {
      this.#worker = null
      return
    }
    const data: QuorumThreadData = {
      ...{ node: config.node, boot, timing: config.policy.timing, witness, fence },
      // What is started for fencing needs no such class.
      realtimePriority: witness === null ? null : REALTIME_PRIORITY,
    }
    this.#worker = new Worker(new URL('./quorum-thread.js', import.meta.url), {
      workerData: data,
      resourceLimits: { maxOldGenerationSizeMb: 32, maxYoungGenerationSizeMb: 2 },
    })
    this.#worker.on('message', (message: FromQuorum) => {
      if (message.type === 'happened') take(message.happening)
      if (message.type === 'view') this.#snapshot = message.view
      if (message.type === 'log') log(message.severity, message.event, message.text)
    })
    this.#worker.on('error', (error) => died(error.message))
  }

  get snapshot(): QuorumSnapshot {
    return this.#snapshot
  }

  askWitness(attempt: number): void {
    this.#tell({ type: 'ask-witness', attempt })
  }

  fence(): void {
    this.#tell({ type: 'fence' })
  }

  /** To be told after every step of the core: a peer that is heard again is not to be switched off. */
  noteState({ fence }: Readonly<State>): void {
    const fencing = fence === 'asked'
    if (this.#fencing && fence === 'none') this.#tell({ type: 'spare' })
    this.#fencing = fencing
  }

  /** @returns whether the thread is gone */
  async stop(): Promise<boolean> {
    return this.#worker === null ? true : endWorker(this.#worker, { type: 'stop' }, STOP_LIMIT_MS)
  }

  #tell(message: ToQuorum): void {
    this.#worker?.postMessage(message)
  }
}
