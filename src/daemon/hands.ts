/**
 * The main thread's side of the hands: what the heart may ask of them without waiting.
 */
import { Worker } from 'node:worker_threads'
import type { PairConfig } from '../config/config.ts'
import type { LinkState } from '../system/add-on.ts'
import { native } from '../system/native.ts'
import { endWorker } from './end-worker.ts'
import type { FromHands, HandsThreadData, ToHands } from './hands-thread.ts'
import type { Addresses } from './service-gate.ts'
import type { SharedMemory } from './shared-memory.ts'

const STOP_LIMIT_MS = 500

/** Interfaces whose carrier matters: those of the paths and of the floating IPs. */
export function watchedInterfaces(config: PairConfig): string[] {
  return [...new Set([...config.paths.map((path) => path.interface), ...config.serviceInterfaces])]
}

export class Hands {
  /** The floating IPs, for the gate. */
  readonly addresses: Addresses
  readonly #memory: SharedMemory
  readonly #watched: readonly string[]
  readonly #worker: Worker
  readonly #links = new Map<string, LinkState | null>()

  constructor(options: {
    config: PairConfig
    memory: SharedMemory
    realtimePriority: number | null
    trouble: (text: string) => void
    died: (message: string) => void
  }) {
    const { config, memory } = options
    this.#memory = memory
    this.#watched = watchedInterfaces(config)
    // Before the heart beats there is time to ask the kernel itself.
    for (const { interface: name } of config.floatingIps) {
      this.#links.set(name, native.linkState(name))
    }
    const data: HandsThreadData = {
      memory: memory.buffer,
      floatingIps: config.floatingIps,
      paths: config.paths,
      watchedInterfaces: this.#watched,
      heartbeatMs: config.policy.timing.heartbeatMs,
      realtimePriority: options.realtimePriority,
    }
    this.#worker = new Worker(new URL('./hands-thread.js', import.meta.url), {
      workerData: data,
      resourceLimits: { maxOldGenerationSizeMb: 32, maxYoungGenerationSizeMb: 2 },
    })
    this.#worker.on('message', (message: FromHands) => {
      if (message.type === 'trouble') options.trouble(message.text)
      if (message.type === 'link') this.#links.set(message.name, message.link)
    })
    this.#worker.on('error', (error) => options.died(error.message))
    this.addresses = {
      present: () => memory.read('addressesPresent') === 1,
      add: () => this.#tell({ type: 'add' }),
      want: (wanted) => memory.write('addressesWanted', wanted ? 1 : 0),
      remove: () => this.#tell({ type: 'remove' }),
    }
  }

  /** The driver said at the last look that there is a link; true also for what is not watched. */
  carrier(name: string): boolean {
    const index = this.#watched.indexOf(name)
    return index < 0 || !this.#memory.carrierLost(index)
  }

  /** What the kernel said of an interface with floating IPs, at most a moment ago. */
  linkState(name: string): LinkState | null {
    return this.#links.get(name) ?? null
  }

  /**
   * Takes the floating IPs off and ends; waits for the kernel no longer than half a second for each.
   *
   * @returns whether the thread is gone; false while it waits inside the kernel
   */
  stop(): Promise<boolean> {
    this.#memory.write('addressesWanted', 0)
    const order: ToHands = { type: 'stop' }
    return endWorker(this.#worker, order, STOP_LIMIT_MS)
  }

  #tell(message: ToHands): void {
    this.#worker.postMessage(message)
  }
}
