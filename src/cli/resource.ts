/**
 * `tandem resource NAME ACTION`: one resource, driven once, as other cluster managers drive theirs.
 *
 * Actions and exit codes are those of the OCF resource agent API 1.1, never those of the other
 * commands. Every action acts, looks, and ends with what it saw; starting what is started and stopping
 * what is stopped is success. Whether this node may have what is started is not asked: that is the
 * caller's part, and so nothing is started or promoted beside an agent, which does that by itself.
 * What the actions do: `resource-address.ts`, `resource-store.ts`, `resource-service.ts` and `resource-balancer.ts`.
 */
import { formatMistakes } from '../config/check-report.ts'
import type {
  LoadBalancerConfig,
  PairConfig,
  ServiceConfig,
  StoreConfig,
} from '../config/config.ts'
import { loadConfig } from '../config/load.ts'
import { openStores } from '../daemon/open-stores.ts'
import { semiSyncTimeoutOf } from '../daemon/stores.ts'
import { AddressWatch } from '../links/address-watch.ts'
import { openLoadBalancer } from '../resources/load-balancer.ts'
import { openService } from '../resources/service-open.ts'
import { native } from '../system/native.ts'
import { type CommandSpec, type Io, type Places, parseCommand } from './command.ts'
import { OCF, type OcfCode, sayOcf } from './ocf.ts'
import {
  ADDRESS_ACTIONS,
  type AddressResourceDoors,
  FloatingIpResource,
} from './resource-address.ts'
import { BALANCER_ACTIONS, BalancerResource } from './resource-balancer.ts'
import {
  balancerMetaData,
  FLOATING_IP_META_DATA,
  serviceMetaData,
  storeMetaData,
} from './resource-meta-data.ts'
import { SERVICE_ACTIONS, ServiceResource } from './resource-service.ts'
import { STORE_ACTIONS, StoreResource } from './resource-store.ts'

export const SPEC: CommandSpec = {
  name: 'resource',
  summary: 'Drives one resource of this node once, as an OCF resource agent.',
  details: `NAME is floating-ip: all floating IPs that network.yml gives this node; or the name of one of
its stores, services or load-balancers, as below tandem.stores, tandem.services and
tandem.load_balancers of config.yml.
ACTION is start, stop, monitor, validate-all or meta-data; for a store also promote, demote
and notify. A promoted store takes writes. A stopped one has no server; start does not bring it
back, its own unit does. A load-balancer that is started may send calls to this pair.
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
  openService: typeof openService
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
  openService,
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
    const service = config.services.find((configured) => configured.name === name)
    if (service !== undefined) return await driveService({ action, places, io, doors, service })
    const balancer = config.loadBalancers.find((configured) => configured.name === name)
    if (balancer !== undefined) return await driveBalancer({ action, places, io, doors, balancer })
    const named = [...config.stores, ...config.services, ...config.loadBalancers].map(
      (configured) => configured.name,
    )
    const known = [FLOATING_IP, ...named]
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
  const timeoutMs = semiSyncTimeoutOf(config.policy, config.stores)
  const opened = await doors.openStores([store], timeoutMs)
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

async function driveService(order: Order & { service: ServiceConfig }): Promise<OcfCode> {
  const { io, doors, places, service: config } = order
  const action = SERVICE_ACTIONS.find((known) => known === order.action)
  if (action === undefined) return unknownAction(io, config.name, order.action, SERVICE_ACTIONS)
  if (action === 'meta-data') {
    io.stdout(serviceMetaData(config))
    return OCF.success
  }
  const service = doors.openService({ name: config.name, ...config.backend })
  try {
    const { stateDir, runDir } = places
    const { lockFile } = doors
    return await new ServiceResource({ config, service, stateDir, runDir, io, lockFile }).act(
      action,
    )
  } finally {
    service.close()
  }
}

async function driveBalancer(order: Order & { balancer: LoadBalancerConfig }): Promise<OcfCode> {
  const { io, doors, places, balancer: config } = order
  const action = BALANCER_ACTIONS.find((known) => known === order.action)
  if (action === undefined) return unknownAction(io, config.name, order.action, BALANCER_ACTIONS)
  if (action === 'meta-data') {
    io.stdout(balancerMetaData(config))
    return OCF.success
  }
  const balancer = openLoadBalancer(config)
  const { lockFile } = doors
  return await new BalancerResource({ balancer, runDir: places.runDir, io, lockFile }).act(action)
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
