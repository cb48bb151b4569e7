/**
 * `tandem resource NAME ACTION`: one resource, driven once, as other cluster managers drive theirs.
 *
 * Actions and exit codes are those of the OCF resource agent API 1.1, never those of the other
 * commands. Every action acts, looks, and ends with what it saw; starting what is started and stopping
 * what is stopped is success. Whether this node may have what is started is not asked: that is the
 * caller's part, and so nothing is started or promoted beside an agent, which does that by itself.
 * What the actions do: `resource-address.ts` and `resource-store.ts`.
 */
import { formatMistakes } from '../config/check-report.ts'
import type { PairConfig, StoreConfig } from '../config/config.ts'
import { loadConfig } from '../config/load.ts'
import { openStores } from '../daemon/open-stores.ts'
import { semiSyncTimeoutOf } from '../daemon/stores.ts'
import { AddressWatch } from '../links/address-watch.ts'
import { native } from '../system/native.ts'
import { type CommandSpec, type Io, type Places, parseCommand } from './command.ts'
import { OCF, type OcfCode, sayOcf } from './ocf.ts'
import {
  ADDRESS_ACTIONS,
  type AddressResourceDoors,
  FloatingIpResource,
} from './resource-address.ts'
import { FLOATING_IP_META_DATA, storeMetaData } from './resource-meta-data.ts'
import { STORE_ACTIONS, StoreResource } from './resource-store.ts'

const SPEC: CommandSpec = {
  name: 'resource',
  summary: 'Drives one resource of this node once, as an OCF resource agent.',
  details: `NAME is floating-ip: all floating IPs that network.yml gives this node; or the name of one of
its stores, as below tandem.stores of config.yml.
ACTION is start, stop, monitor, validate-all or meta-data; for a store also promote, demote
and notify. A promoted store takes writes. A stopped one has no server; start does not bring it
back, its own unit does.
Ends with the codes of OCF: 0 success or running, 1 failed, 2 wrong arguments, 3 no such
action, 5 this program is not built, 6 the configuration has mistakes, 7 not running,
8 running and promoted, 9 promoted and failed.
Does not start or promote beside a running agent, which alone gives the role then.`,
  positionals: ['NAME', 'ACTION'],
  options: {},
}

const FLOATING_IP = 'floating-ip'

/** What a test replaces. */
export interface ResourceDoors extends AddressResourceDoors {
  openStores: typeof openStores
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
  openStores,
  etcDirectory: '/etc',
}

export async function run(args: string[], io: Io, doors: ResourceDoors = DOORS): Promise<number> {
  const result = parseCommand(SPEC, args, io)
  if (!result.ok) return result.exitCode === 0 ? OCF.success : OCF.args
  const { places, values, positionals } = result.parsed
  const [name = '', action = ''] = positionals
  const option = values['node']
  const load = (): Promise<PairConfig | OcfCode> =>
    configOf(io, doors, places, typeof option === 'string' ? option : null)
  try {
    if (name === FLOATING_IP) return await driveAddresses({ action, places, io, doors, load })
    const config = await load()
    if (typeof config === 'number') return config
    const store = config.stores.find((configured) => configured.name === name)
    if (store !== undefined) return await driveStore({ action, places, io, doors, config, store })
    const known = [FLOATING_IP, ...config.stores.map((configured) => configured.name)]
    const sentence = `there is no resource '${name}'; known ${known.length === 1 ? 'is' : 'are'} ${known.join(', ')}`
    return sayOcf(io, OCF.args, sentence)
  } catch (error) {
    const message = error instanceof Error ? error.message : String(error)
    // The one failure that is the installation's: the add-on was never built.
    return sayOcf(io, message.includes('build:native') ? OCF.installed : OCF.generic, message)
  }
}

interface Order {
  action: string
  places: Places
  io: Io
  doors: ResourceDoors
}

async function driveAddresses(
  order: Order & { load: () => Promise<PairConfig | OcfCode> },
): Promise<OcfCode> {
  const { io, doors, places } = order
  const action = ADDRESS_ACTIONS.find((known) => known === order.action)
  if (action === undefined) return unknownAction(io, FLOATING_IP, order.action, ADDRESS_ACTIONS)
  if (action === 'meta-data') {
    io.stdout(FLOATING_IP_META_DATA)
    return OCF.success
  }
  const config = await order.load()
  if (typeof config === 'number') return config
  return new FloatingIpResource(config, places.runDir, io, doors).act(action)
}

async function driveStore(
  order: Order & { config: PairConfig; store: StoreConfig },
): Promise<OcfCode> {
  const { io, doors, places, config, store } = order
  const action = STORE_ACTIONS.find((known) => known === order.action)
  if (action === undefined) return unknownAction(io, store.name, order.action, STORE_ACTIONS)
  if (action === 'meta-data') {
    io.stdout(storeMetaData(store))
    return OCF.success
  }
  const opened = await doors.openStores([store], semiSyncTimeoutOf(config.policy))
  if (!opened.ok) return sayOcf(io, OCF.configured, opened.why)
  const [own] = opened.stores
  if (own === undefined) return OCF.generic
  try {
    const resource = { store: own, runDir: places.runDir, io, lockFile: doors.lockFile }
    return await new StoreResource(resource).act(action)
  } finally {
    own.close()
  }
}

/** @returns the code to end with, said already, when it cannot be used */
async function configOf(
  io: Io,
  doors: ResourceDoors,
  places: Places,
  node: string | null,
): Promise<PairConfig | OcfCode> {
  const loaded = await loadConfig({
    directory: places.configDir,
    node,
    nodeVariable: io.env['TANDEM_NODE'] ?? null,
    etcDirectory: doors.etcDirectory,
    ...(doors.machineName === undefined ? {} : { machineName: doors.machineName }),
  })
  if (loaded.ok) return loaded.config
  const errors = loaded.mistakes.filter(({ severity }) => severity === 'error')
  io.stderr(`tandem resource: the configuration has mistakes\n${formatMistakes(errors)}`)
  return OCF.configured
}

function unknownAction(io: Io, name: string, action: string, known: readonly string[]): OcfCode {
  const sentence = `${name} has no action '${action}'; known are ${known.join(', ')}`
  return sayOcf(io, OCF.unimplemented, sentence)
}
