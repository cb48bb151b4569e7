/**
 * Who touches the kernel's network configuration? The hands: addresses, carriers, neighbours.
 *
 * Each of these takes a lock that a driver or a long `ip` batch may hold for hundreds of milliseconds.
 * The heart must not wait for it, so it never asks itself: it says what it wants and goes on. The
 * hands keep the addresses alive only while the heart beats; what a frozen heart wanted is forgotten.
 */
import { type MessagePort, parentPort, workerData } from 'node:worker_threads'
import type { FloatingIp, PathConfig } from '../config/config.ts'
import { FloatingIps } from '../resources/floating-ip.ts'
import type { LinkState } from '../system/add-on.ts'
import { native } from '../system/native.ts'
import { AddressHands } from './address-hands.ts'
import { AddressKeeping } from './address-keeping.ts'
import { keepNeighbour } from './neighbour-keeper.ts'
import { SharedMemory } from './shared-memory.ts'

/** What the main thread hands over at start. */
export interface HandsThreadData {
  memory: SharedArrayBuffer
  floatingIps: readonly FloatingIp[]
  paths: readonly PathConfig[]
  /** In the order of the carriers in shared memory. */
  watchedInterfaces: readonly string[]
  /** H. */
  heartbeatMs: number
  realtimePriority: number | null
}

export type ToHands = { type: 'add' } | { type: 'remove' } | { type: 'stop' }
export type FromHands =
  | { type: 'trouble'; text: string }
  /** What the kernel says of an interface with floating IPs, when it changed. */
  | { type: 'link'; name: string; link: LinkState | null }
  /** Everything asked for so far is done. */
  | { type: 'stopped' }

/**
 * Lifetime of a configured floating IP. The kernel counts whole seconds and was never early in 120
 * measured leases; late by 0.25 s at most.
 */
const ADDRESS_VALID_SECONDS = 1
const ADDRESS_REFRESH_MS = 200
/**
 * The driver's own answer takes 0.2 ms; netlink would tell up to 0.7 s late (measured on veth). More
 * often than twice in the time for which a lost carrier is only doubted (2H) tells nobody anything.
 */
const CARRIER_POLL_MIN_MS = 100
/** Well below the kernel's shortest reachable time, 15 s (half of base_reachable_time). */
const NEIGHBOUR_KEEP_MS = 5_000
/** An interface that is made anew is one that was gone for longer than this. */
const LINK_LOOK_MS = 1_000

const port = parentPort as MessagePort
const data = workerData as HandsThreadData
const memory = new SharedMemory(data.memory)
const addresses = new AddressHands({
  floatingIps: data.floatingIps,
  addresses: new FloatingIps(data.floatingIps, native),
  keeping: new AddressKeeping(ADDRESS_REFRESH_MS, data.heartbeatMs),
  memory,
  validSeconds: ADDRESS_VALID_SECONDS,
  now: native.bootTimeMs,
  trouble: (text) => tell({ type: 'trouble', text }),
})

function tell(message: FromHands): void {
  port.postMessage(message)
}

function pollCarriers(): void {
  for (const [index, name] of data.watchedInterfaces.entries()) {
    memory.noteCarrier(index, !native.carrier(name))
  }
}

const carrierPollMs = Math.min(
  ADDRESS_REFRESH_MS,
  Math.max(CARRIER_POLL_MIN_MS, 2 * data.heartbeatMs),
)
const looksPerRefresh = Math.round(ADDRESS_REFRESH_MS / carrierPollMs)
let looks = 0

/** One timer for both: waking up costs more than what is done then. */
function look(): void {
  pollCarriers()
  looks += 1
  if (looks % looksPerRefresh === 0) addresses.refresh()
}

const links = new Map<string, string>()

function lookAtLinks(): void {
  for (const { interface: name } of data.floatingIps) {
    const link = native.linkState(name)
    const told = JSON.stringify(link)
    if (links.get(name) === told) continue
    links.set(name, told)
    tell({ type: 'link', name, link })
  }
}

if (data.realtimePriority !== null) {
  try {
    native.setRealtime(data.realtimePriority)
  } catch {
    // Said once, by the heart, which could not either.
  }
}
pollCarriers()
lookAtLinks()
setInterval(lookAtLinks, LINK_LOOK_MS)
setInterval(look, carrierPollMs)
setInterval(() => {
  for (const path of data.paths) {
    keepNeighbour(path, native, (text) => tell({ type: 'trouble', text }))
  }
}, NEIGHBOUR_KEEP_MS)

port.on('message', (message: ToHands) => {
  switch (message.type) {
    case 'add':
      return addresses.add()
    case 'remove':
      return addresses.remove()
    case 'stop':
      addresses.remove()
      return tell({ type: 'stopped' })
  }
})
