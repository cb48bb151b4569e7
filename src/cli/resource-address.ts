/**
 * All floating IPs of a node as one resource: how are they put on, found and taken away once?
 *
 * Whether this node may have them is not asked. They are not started beside an agent, which alone moves
 * them; to look and to stop is always allowed.
 */
import type { PairConfig } from '../config/config.ts'
import { type AddressDoor, type AddressFailure, FloatingIps } from '../resources/floating-ip.ts'
import { refuseBesideAgent } from './agent-lock.ts'
import type { Io } from './command.ts'
import { OCF, type OcfCode, sayOcf } from './ocf.ts'

export const ADDRESS_ACTIONS = ['start', 'stop', 'monitor', 'validate-all', 'meta-data'] as const

export type AddressAction = Exclude<(typeof ADDRESS_ACTIONS)[number], 'meta-data'>

/** What moves addresses, and what a test replaces. */
export interface AddressResourceDoors {
  addresses: AddressDoor
  /** Held until this process ends, so that no agent comes up in the middle of a start. */
  lockFile(path: string): boolean
  /** Tells the LAN where the addresses are now. */
  announce(config: PairConfig): void
}

export class FloatingIpResource {
  readonly #config: PairConfig
  readonly #runDir: string
  readonly #io: Io
  readonly #doors: AddressResourceDoors
  readonly #floatingIps: FloatingIps

  constructor(config: PairConfig, runDir: string, io: Io, doors: AddressResourceDoors) {
    this.#config = config
    this.#runDir = runDir
    this.#io = io
    this.#doors = doors
    this.#floatingIps = new FloatingIps(config.floatingIps, doors.addresses)
  }

  async act(action: AddressAction): Promise<OcfCode> {
    switch (action) {
      case 'start':
        return this.#start()
      case 'stop':
        return this.#stop()
      case 'monitor':
        return this.#monitor()
      case 'validate-all':
        return this.#validate()
    }
  }

  async #start(): Promise<OcfCode> {
    if (this.#config.floatingIps.length === 0) return this.#validate()
    const place = { runDir: this.#runDir, lockFile: this.#doors.lockFile, io: this.#io }
    const runs = await refuseBesideAgent(place, 'moves the floating IPs')
    if (runs !== null) return runs
    // For ever: nobody renews a lifetime here.
    this.#report(this.#floatingIps.add(0))
    const seen = this.#monitor()
    if (seen === OCF.success) this.#doors.announce(this.#config)
    return seen === OCF.notRunning ? OCF.generic : seen
  }

  #stop(): OcfCode {
    const failures = this.#floatingIps.remove()
    this.#report(failures)
    return failures.length === 0 ? OCF.success : OCF.generic
  }

  #monitor(): OcfCode {
    const present = this.#floatingIps.present()
    if (present.length === 0) return OCF.notRunning
    const missing = this.#config.floatingIps
      .map(({ address }) => address)
      .filter((address) => !present.includes(address))
    if (missing.length === 0) return OCF.success
    const whole = this.#config.floatingIps.length
    const sentence = `${missing.length} of ${whole} addresses are missing: ${missing.join(', ')}`
    return sayOcf(this.#io, OCF.generic, sentence)
  }

  #validate(): OcfCode {
    const { floatingIps, node } = this.#config
    if (floatingIps.length === 0) {
      const sentence = `network.yml gives ${node} no floating IP (shared_ip)`
      return sayOcf(this.#io, OCF.configured, sentence)
    }
    const missing = floatingIps.find(
      ({ interface: name }) => this.#doors.addresses.linkState(name) === null,
    )
    if (missing === undefined) return OCF.success
    const sentence = `${missing.address} belongs on ${missing.interface}, which does not exist here`
    return sayOcf(this.#io, OCF.configured, sentence)
  }

  #report(failures: readonly AddressFailure[]): void {
    for (const { address, message, code } of failures) {
      this.#io.stderr(`tandem resource: floating IP ${address}: ${message} (${code})\n`)
    }
  }
}
