/**
 * One configured service as a resource: how is it started, stopped and looked at once?
 *
 * With the means and the probes that config.yml gives it. Where it is started is where it serves, so it is told
 * `on_active` then. What was started in the foreground is known to the next call by the record of the
 * services; nothing is started beside an agent, which looks after them itself.
 */
import type { ServiceConfig } from '../config/config.ts'
import { runHooks } from '../daemon/service-hook.ts'
import { ServiceRecord } from '../daemon/service-record.ts'
import { faultOf, openCheck } from '../resources/checks/check.ts'
import type { ManagedService, ServiceFault } from '../resources/service.ts'
import { refuseBesideAgent } from './agent-lock.ts'
import type { Io } from './command.ts'
import { OCF, type OcfCode, sayOcf } from './ocf.ts'

export const SERVICE_ACTIONS = ['start', 'stop', 'monitor', 'validate-all', 'meta-data'] as const

export type ServiceAction = Exclude<(typeof SERVICE_ACTIONS)[number], 'meta-data'>

const LOOK_MS = 5_000
/** Between two looks at a service that is coming up. */
const COMING_UP_MS = 50

export interface ServiceResourceOptions {
  config: ServiceConfig
  service: ManagedService
  stateDir: string
  runDir: string
  io: Io
  lockFile(path: string): boolean
}

export class ServiceResource {
  readonly #options: ServiceResourceOptions
  readonly #record: ServiceRecord

  constructor(options: ServiceResourceOptions) {
    this.#options = options
    this.#record = new ServiceRecord(options.stateDir)
  }

  async act(action: ServiceAction): Promise<OcfCode> {
    if (action === 'validate-all') return OCF.success
    const known = (await this.#record.read()).kept.get(this.#options.config.name)?.process ?? null
    if (known !== null) await this.#options.service.adopt(known)
    if (action === 'start') return this.#start()
    return action === 'stop' ? this.#stop() : this.#monitor()
  }

  async #start(): Promise<OcfCode> {
    const { config, service, io } = this.#options
    const beside = await refuseBesideAgent(this.#options, 'starts and stops the services')
    if (beside !== null) return beside
    const startedMs = performance.now()
    const started = await service.start(config.startLimitMs)
    if (!started.ok) return this.#failed(started.fault)
    await this.#keep()
    for (;;) {
      const why = await this.#ill()
      if (why === null) break
      if (performance.now() - startedMs > config.startLimitMs) return sayOcf(io, OCF.generic, why)
      await new Promise((resolve) => setTimeout(resolve, COMING_UP_MS))
    }
    const untold = await runHooks(config.onActive)
    return untold === null ? OCF.success : sayOcf(io, OCF.generic, untold)
  }

  async #stop(): Promise<OcfCode> {
    const { config, service } = this.#options
    const stopped = await service.stop(config.stopLimitMs)
    if (!stopped.ok) return this.#failed(stopped.fault)
    await this.#keep()
    return OCF.success
  }

  async #monitor(): Promise<OcfCode> {
    const { service, io } = this.#options
    const looked = await service.look(LOOK_MS)
    if (!looked.ok) return this.#failed(looked.fault)
    if (looked.value.state === 'stopped') return OCF.notRunning
    if (looked.value.state === 'failed') {
      return sayOcf(io, OCF.generic, looked.value.detail ?? 'it failed')
    }
    const why = await this.#ill()
    return why === null ? OCF.success : sayOcf(io, OCF.generic, why)
  }

  /** @returns what its probes say against it; null when nothing */
  async #ill(): Promise<string | null> {
    const { config, service } = this.#options
    const looked = await service.look(LOOK_MS)
    const pids = looked.ok ? looked.value.pids : []
    const checks = config.checks.map((check) => openCheck(check, { processes: () => pids }))
    const results = await Promise.all(checks.map((check) => check.run(config.checkLimitMs)))
    for (const check of checks) check.close()
    return faultOf(results)
  }

  async #keep(): Promise<void> {
    const { config, service, io } = this.#options
    const { kept } = await this.#record.read()
    const before = kept.get(config.name) ?? { exhausted: false, monitored: true, held: false }
    kept.set(config.name, { ...before, process: service.record() })
    const why = await this.#record.write(kept)
    if (why !== null) io.stderr(`tandem resource: the next call will not know it: ${why}\n`)
  }

  #failed({ message }: ServiceFault): OcfCode {
    return sayOcf(this.#options.io, OCF.generic, message)
  }
}
