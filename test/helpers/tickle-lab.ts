/**
 * Two nodes and a client on one Ethernet switch, and TCP connections of the client to a floating IP.
 *
 * The test process goes into a node's namespace to do there what the agent would, and comes back. Strict
 * reverse-path filtering everywhere. 10.83.0.0/24 and fd83::/64: node a 1, node b 2, client 9.
 */
import { type ChildProcessWithoutNullStreams, execFileSync, spawn } from 'node:child_process'
import { closeSync, openSync } from 'node:fs'
import { createInterface } from 'node:readline'
import { AddressWatch } from '../../src/links/address-watch.ts'
import * as native from '../../src/system/native.ts'

export const PREFIX = `tkl${process.pid}`
export const FLOATING4 = '10.83.0.50'
export const FLOATING6 = 'fd83::50'
export const FLOATING_IPS = [FLOATING4, FLOATING6]
export const PORT = 5060
export type Place = 'sw' | 'a' | 'b' | 'c'
const PLACES: readonly Place[] = ['sw', 'a', 'b', 'c']
const HOSTS: readonly [Place, number][] = [
  ['a', 1],
  ['b', 2],
  ['c', 9],
]

/** What these tests need, or why they cannot run. */
export function missing(): string | null {
  if (process.getuid?.() !== 0) return 'needs root'
  try {
    execFileSync('ip', ['netns', 'list'], { timeout: 5000 })
    execFileSync('nft', ['--version'], { timeout: 5000 })
    return null
  } catch {
    return 'needs ip and nft'
  }
}

const enterArgs = (place: Place): string[] => [`--net=/run/netns/${PREFIX}${place}`]

/** Runs a shell line in a place. */
export function inside(place: Place, command: string, input = ''): string {
  return execFileSync('nsenter', [...enterArgs(place), 'sh', '-c', command], {
    timeout: 20_000,
    input,
    encoding: 'utf8',
  })
}

export function buildLan(): void {
  tearLan()
  for (const place of PLACES) {
    execFileSync('ip', ['netns', 'add', PREFIX + place], { timeout: 10_000 })
    inside(
      place,
      'ip link set lo up; sysctl -qw net.ipv4.conf.all.rp_filter=1 net.ipv4.conf.default.rp_filter=1 net.ipv6.conf.default.accept_dad=0 net.ipv6.conf.all.accept_dad=0',
    )
  }
  inside('sw', 'ip link add br0 type bridge; ip link set br0 up')
  for (const [place, number] of HOSTS) {
    execFileSync(
      'ip',
      [
        ...['link', 'add', 'lan', 'netns', PREFIX + place, 'type', 'veth'],
        ...['peer', 'name', `port-${place}`, 'netns', `${PREFIX}sw`],
      ],
      { timeout: 10_000 },
    )
    inside('sw', `ip link set port-${place} master br0 up`)
    inside(
      place,
      `ip addr add 10.83.0.${number}/24 dev lan; ip addr add fd83::${number}/64 dev lan nodad; ip link set lan up`,
    )
  }
  putAddresses('a')
}

export function tearLan(): void {
  for (const place of PLACES) {
    try {
      execFileSync('ip', ['netns', 'del', PREFIX + place], { timeout: 10_000, stdio: 'ignore' })
    } catch {
      // Not there.
    }
  }
}

export function putAddresses(place: 'a' | 'b'): void {
  inside(
    place,
    `ip addr add ${FLOATING4}/32 dev lan; ip addr add ${FLOATING6}/128 dev lan nodad preferred_lft 0`,
  )
}

/** As a power cut does: from now on nothing of node a is heard, not even a FIN. */
export function cutPower(): void {
  inside('sw', 'ip link set port-a down')
}

/** Node b says that the floating IPs are its own now. */
export async function announce(): Promise<void> {
  await within('b', async () => {
    const watch = new AddressWatch({
      floatingIps: [
        { address: FLOATING4, family: 4, prefixLength: 32, interface: 'lan', label: null },
        { address: FLOATING6, family: 6, prefixLength: 128, interface: 'lan', label: null },
      ],
      door: native,
      onConflict: () => undefined,
    })
    if (watch.announce() !== 'sent') throw new Error('could not announce')
    watch.close()
  })
}

/** Does something with the test process itself in a place. Not to be nested. */
export async function within<T>(place: Place, act: () => Promise<T>): Promise<T> {
  const home = openSync('/proc/thread-self/ns/net', 'r')
  native.enterNetns(`/run/netns/${PREFIX}${place}`)
  try {
    return await act()
  } finally {
    native.enterNetns(`/proc/self/fd/${home}`)
    closeSync(home)
  }
}

/** How a connection ended: the error's code, and when, in ms of CLOCK_MONOTONIC. */
export type End = [string | null, number]

export interface Program {
  ends(): Promise<End[]>
  stop(): Promise<void>
}

/** Starts one end of the connections and waits until all are there. */
export async function startEnds(place: Place, words: string[]): Promise<Program> {
  const child: ChildProcessWithoutNullStreams = spawn('nsenter', [
    ...enterArgs(place),
    ...[process.execPath, 'test/fixtures/links/tcp-ends.mjs', ...words],
  ])
  const errors: string[] = []
  child.stderr.on('data', (chunk: Buffer) => errors.push(chunk.toString()))
  const told = createInterface({ input: child.stdout })[Symbol.asyncIterator]()
  const next = async <T>(): Promise<T> => {
    const line = await told.next()
    if (line.done === true) throw new Error(`the program at ${place} ended: ${errors.join('')}`)
    return JSON.parse(line.value) as T
  }
  await next()
  return {
    ends() {
      child.stdin.write('report\n')
      return next<End[]>()
    },
    stop() {
      if (child.exitCode !== null) return Promise.resolve()
      const ended = new Promise<void>((resolve) => child.once('exit', () => resolve()))
      child.stdin.end()
      return ended
    },
  }
}

export const sleep = (ms: number): Promise<void> => new Promise((done) => setTimeout(done, ms))

/** CLOCK_MONOTONIC, the same for all processes. */
export const monotonicMs = (): number => Number(process.hrtime.bigint()) / 1e6
