/**
 * `tandem resource NAME ACTION`: one resource, driven once, as other cluster managers drive theirs.
 *
 * Actions and exit codes are those of the OCF resource agent API 1.1, never those of the other
 * commands. Every action acts, looks, and ends with what it saw; starting what is started and stopping
 * what is stopped is success. Whether this node may have the addresses is not asked: that is the
 * caller's part, and so nothing is started beside an agent, which moves them by itself.
 */
import { mkdir } from 'node:fs/promises'
import { join } from 'node:path'
import { formatMistakes } from '../config/check-report.ts'
import type { PairConfig } from '../config/config.ts'
import { loadConfig } from '../config/load.ts'
import { AddressWatch } from '../links/address-watch.ts'
import { type AddressDoor, type AddressFailure, FloatingIps } from '../resources/floating-ip.ts'
import { native } from '../system/native.ts'
import { type CommandSpec, type Io, parseCommand } from './command.ts'
import { FLOATING_IP_META_DATA } from './resource-meta-data.ts'

/** Exit codes of the OCF resource agent API 1.1. */
export const OCF = {
  success: 0,
  generic: 1,
  args: 2,
  unimplemented: 3,
  installed: 5,
  configured: 6,
  notRunning: 7,
} as const

type OcfCode = (typeof OCF)[keyof typeof OCF]

const SPEC: CommandSpec = {
  name: 'resource',
  summary: 'Drives one resource of this node once, as an OCF resource agent.',
  details: `NAME is floating-ip: all floating IPs that network.yml gives this node.
ACTION is start, stop, monitor, validate-all or meta-data.
Ends with the codes of OCF: 0 success or running, 1 failed, 2 wrong arguments, 3 no such
action, 5 this program is not built, 6 the configuration has mistakes, 7 not running.
Does not start beside a running agent, which alone moves the addresses then.`,
  positionals: ['NAME', 'ACTION'],
  options: {},
}

const NAMES = ['floating-ip']
const ACTIONS = ['start', 'stop', 'monitor', 'validate-all', 'meta-data'] as const

type Action = (typeof ACTIONS)[number]

/** What a test replaces. */
export interface ResourceDoors {
  addresses: AddressDoor
  /** Held until this process ends, so that no agent comes up in the middle of a start. */
  lockFile(path: string): boolean
  /** Tells the LAN where the addresses are now. */
  announce(config: PairConfig): void
  /** Where the platform's node name file is. */
  etcDirectory: string
  /** The system's when undefined. */
  machineName?: string
}

const DOORS: ResourceDoors = {
  addresses: native,
  lockFile: native.lockFile,
  announce: ({ floatingIps }) => {
    const watch = new AddressWatch({ floatingIps, door: native, onConflict: () => {} })
    watch.announce()
    watch.close()
  },
  etcDirectory: '/etc',
}

export async function run(args: string[], io: Io, doors: ResourceDoors = DOORS): Promise<number> {
  const result = parseCommand(SPEC, args, io)
  if (!result.ok) return result.exitCode === 0 ? OCF.success : OCF.args
  const { places, values, positionals } = result.parsed
  const [name = '', action = ''] = positionals
  if (!NAMES.includes(name)) {
    return say(io, OCF.args, `there is no resource '${name}'; known is ${NAMES.join(', ')}`)
  }
  if (!isAction(action)) {
    const known = ACTIONS.join(', ')
    return say(io, OCF.unimplemented, `${name} has no action '${action}'; known are ${known}`)
  }
  if (action === 'meta-data') {
    io.stdout(FLOATING_IP_META_DATA)
    return OCF.success
  }
  const option = values['node']
  const loaded = await loadConfig({
    directory: places.configDir,
    node: typeof option === 'string' ? option : null,
    nodeVariable: io.env['TANDEM_NODE'] ?? null,
    etcDirectory: doors.etcDirectory,
    ...(doors.machineName === undefined ? {} : { machineName: doors.machineName }),
  })
  if (!loaded.ok) {
    const errors = loaded.mistakes.filter(({ severity }) => severity === 'error')
    io.stderr(`tandem resource: the configuration has mistakes\n${formatMistakes(errors)}`)
    return OCF.configured
  }
  const resource = new FloatingIpResource(loaded.config, places.runDir, io, doors)
  try {
    return await resource.act(action)
  } catch (error) {
    const message = error instanceof Error ? error.message : String(error)
    // The one failure that is the installation's: the add-on was never built.
    return say(io, message.includes('build:native') ? OCF.installed : OCF.generic, message)
  }
}

function isAction(word: string): word is Action {
  return ACTIONS.some((action) => action === word)
}

function say(io: Io, code: OcfCode, sentence: string): OcfCode {
  io.stderr(`tandem resource: ${sentence}\n`)
  return code
}

/** All floating IPs of this node as one resource. */
class FloatingIpResource {
  readonly #config: PairConfig
  readonly #runDir: string
  readonly #io: Io
  readonly #doors: ResourceDoors
  readonly #floatingIps: FloatingIps

  constructor(config: PairConfig, runDir: string, io: Io, doors: ResourceDoors) {
    this.#config = config
    this.#runDir = runDir
    this.#io = io
    this.#doors = doors
    this.#floatingIps = new FloatingIps(config.floatingIps, doors.addresses)
  }

  async act(action: Exclude<Action, 'meta-data'>): Promise<OcfCode> {
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
    await mkdir(this.#runDir, { recursive: true, mode: 0o755 })
    const lock = join(this.#runDir, 'agent.lock')
    if (!this.#doors.lockFile(lock)) {
      const sentence = `an agent is running (it holds ${lock}): it alone moves the floating IPs`
      return say(this.#io, OCF.generic, sentence)
    }
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
    return say(this.#io, OCF.generic, sentence)
  }

  #validate(): OcfCode {
    const { floatingIps, node } = this.#config
    if (floatingIps.length === 0) {
      return say(this.#io, OCF.configured, `network.yml gives ${node} no floating IP (shared_ip)`)
    }
    const missing = floatingIps.find(
      ({ interface: name }) => this.#doors.addresses.linkState(name) === null,
    )
    if (missing === undefined) return OCF.success
    const sentence = `${missing.address} belongs on ${missing.interface}, which does not exist here`
    return say(this.#io, OCF.configured, sentence)
  }

  #report(failures: readonly AddressFailure[]): void {
    for (const { address, message, code } of failures) {
      this.#io.stderr(`tandem resource: floating IP ${address}: ${message} (${code})\n`)
    }
  }
}
