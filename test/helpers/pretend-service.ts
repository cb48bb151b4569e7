/**
 * A service that does what it is told at once, writes down what that was, and fails where a test wants it.
 * For tests of who asks for what and when; what real services do is tested on real ones.
 */
import type {
  ManagedService,
  ProcessId,
  ServiceReport,
  ServiceResult,
} from '../../src/resources/service.ts'

export class PretendService implements ManagedService {
  readonly name: string
  readonly asked: string[]
  running = false
  /** Why a start fails; null: it does not. */
  startFault: string | null = null
  /** Why it cannot be stopped; null: it can. */
  stopFault: string | null = null
  closed = false
  /** Its main process is known, so that its end is told. */
  knownProcess = true
  #ended: () => void = () => undefined
  #pid = 100

  /** @param asked  what was asked, by name of the service; may be shared by several */
  constructor(name: string, asked: string[] = []) {
    this.name = name
    this.asked = asked
  }

  async look(): Promise<ServiceResult<ServiceReport>> {
    const main = this.running && this.knownProcess ? this.#id : null
    const state = this.running ? 'running' : 'stopped'
    return { ok: true, value: { state, main, pids: [], detail: null }, durationMs: 1 }
  }

  async start(): Promise<ServiceResult<void>> {
    this.asked.push(`start ${this.name}`)
    if (this.startFault !== null) {
      const fault = { code: 'HA_SERVICE_FAILED', message: this.startFault } as const
      return { ok: false, fault, durationMs: 1 }
    }
    this.#pid += 1
    this.running = true
    return { ok: true, value: undefined, durationMs: 1 }
  }

  async stop(): Promise<ServiceResult<void>> {
    this.asked.push(`stop ${this.name}`)
    if (this.stopFault !== null) {
      const fault = { code: 'HA_SERVICE_FAILED', message: this.stopFault } as const
      return { ok: false, fault, durationMs: 1 }
    }
    this.running = false
    // Real ones tell this end, too.
    this.#ended()
    return { ok: true, value: undefined, durationMs: 1 }
  }

  onEnd(listener: () => void): void {
    this.#ended = listener
  }

  record(): ProcessId | null {
    return this.running ? this.#id : null
  }

  async adopt(): Promise<boolean> {
    return false
  }

  close(): void {
    this.closed = true
  }

  /** It ends by itself. */
  die(): void {
    this.running = false
    this.#ended()
  }

  get #id(): ProcessId {
    return { pid: this.#pid, startTicks: '1' }
  }
}
