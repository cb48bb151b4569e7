/**
 * One configured store as a resource: how is it promoted, demoted, looked at and ended once?
 *
 * The actions are those of a promotable OCF resource over the contract of `ReplicatedStore`, as the plain
 * agents beside them have them: promoted is writable, everything else read-only, demoted is linked to
 * nobody. A server is run by its own unit; here `start` sees that it is there and read-only, `stop` makes it
 * read-only and ends it. Following the peer is no action: it comes after comparing, and the agent does it.
 * Nothing is promoted beside an agent, which alone gives the role.
 */
import { STORE_LIMITS } from '../daemon/store-keeper.ts'
import type { ReplicatedStore, StoreFault } from '../resources/replicated-store.ts'
import { refuseBesideAgent } from './agent-lock.ts'
import type { Io } from './command.ts'
import { OCF, type OcfCode, sayOcf } from './ocf.ts'

export const STORE_ACTIONS = [
  'start',
  'stop',
  'monitor',
  'promote',
  'demote',
  'notify',
  'validate-all',
  'meta-data',
] as const

export type StoreAction = Exclude<(typeof STORE_ACTIONS)[number], 'meta-data'>

const LOOK_MS = 2_000
const PROBE_MS = 2_000

export interface StoreResourceOptions {
  store: ReplicatedStore
  runDir: string
  io: Io
  lockFile(path: string): boolean
}

export class StoreResource {
  readonly #options: StoreResourceOptions

  constructor(options: StoreResourceOptions) {
    this.#options = options
  }

  async act(action: StoreAction): Promise<OcfCode> {
    switch (action) {
      case 'start':
        return this.#start()
      case 'stop':
        return this.#stop()
      case 'monitor':
        return this.#monitor()
      case 'promote':
        return this.#promote()
      case 'demote':
        return this.#demote()
      case 'notify':
      // That it could be opened has shown the configuration and the password files.
      case 'validate-all':
        return OCF.success
    }
  }

  async #start(): Promise<OcfCode> {
    const { store, io } = this.#options
    const beside = await this.#agentRuns()
    if (beside !== null) return beside
    const looked = await store.monitor(LOOK_MS)
    if (!looked.ok) {
      const sentence = `${looked.fault.message}; start its server with its own unit`
      return sayOcf(io, OCF.generic, sentence)
    }
    if (looked.value.role === 'read-only') return OCF.success
    const demoted = await store.demote(STORE_LIMITS.demoteMs)
    return demoted.ok ? OCF.success : this.#failed(demoted.fault)
  }

  async #stop(): Promise<OcfCode> {
    const { store } = this.#options
    const looked = await store.monitor(LOOK_MS)
    if (!looked.ok && looked.fault.code === 'HA_STORE_UNREACHABLE') return OCF.success
    if (looked.ok && looked.value.role === 'writable') {
      const demoted = await store.demote(STORE_LIMITS.demoteMs)
      // What does not hear that is ended all the same.
      if (!demoted.ok) this.#failed(demoted.fault)
    }
    return this.#kill()
  }

  async #monitor(): Promise<OcfCode> {
    const { store } = this.#options
    const looked = await store.monitor(LOOK_MS)
    if (!looked.ok) {
      if (looked.fault.code === 'HA_STORE_UNREACHABLE') return OCF.notRunning
      return this.#failed(looked.fault)
    }
    if (looked.value.role === 'read-only') return OCF.success
    const probed = await store.probe('writable', PROBE_MS)
    if (probed.ok) return OCF.runningPromoted
    this.#failed(probed.fault)
    return OCF.failedPromoted
  }

  async #promote(): Promise<OcfCode> {
    const { store } = this.#options
    const beside = await this.#agentRuns()
    if (beside !== null) return beside
    const looked = await store.monitor(LOOK_MS)
    if (!looked.ok) {
      if (looked.fault.code === 'HA_STORE_UNREACHABLE') return OCF.notRunning
      return this.#failed(looked.fault)
    }
    if (looked.value.role === 'writable') return OCF.success
    const drained = await store.drain(STORE_LIMITS.drainMs)
    if (!drained.ok) return this.#failed(drained.fault)
    const promoted = await store.promote(STORE_LIMITS.promoteMs)
    return promoted.ok ? OCF.success : this.#failed(promoted.fault)
  }

  async #demote(): Promise<OcfCode> {
    const { store } = this.#options
    // The look also notes the process, for when it must be ended.
    const looked = await store.monitor(LOOK_MS)
    if (!looked.ok && looked.fault.code === 'HA_STORE_UNREACHABLE') return OCF.notRunning
    const demoted = await store.demote(STORE_LIMITS.demoteMs)
    if (!demoted.ok) {
      this.#failed(demoted.fault)
      return this.#kill()
    }
    await store.unfreeze(STORE_LIMITS.unfreezeMs)
    const dropped = await store.dropClients(STORE_LIMITS.demoteMs)
    return dropped.ok ? OCF.success : this.#failed(dropped.fault)
  }

  async #kill(): Promise<OcfCode> {
    const { store, io } = this.#options
    const killed = await store.kill()
    if (!killed.ok) return this.#failed(killed.fault)
    io.stderr(`tandem resource: the server of ${store.name} was ended\n`)
    return OCF.success
  }

  /** A running agent alone gives the role. @returns null when there is none */
  #agentRuns(): Promise<OcfCode | null> {
    return refuseBesideAgent(this.#options, 'gives the stores their role')
  }

  #failed({ message }: StoreFault): OcfCode {
    return sayOcf(this.#options.io, OCF.generic, message)
  }
}
