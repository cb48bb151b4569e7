/**
 * Two hosts in network namespaces on one Ethernet link, without any gate.
 *
 * The test process itself enters the near one, so that the code under test runs in it; the far one
 * is reached with nsenter.
 */
import { execFileSync } from 'node:child_process'
import { closeSync, openSync } from 'node:fs'
import { native } from '../../src/system/native.ts'

export const NEAR_MAC = '02:00:5e:00:00:01'
export const FAR_MAC = '02:00:5e:00:00:02'
export const NEAR_DEVICE = 'near0'
export const FAR_DEVICE = 'far0'

const NEAR = `tandem-an-${process.pid}`
const FAR = `tandem-af-${process.pid}`

let home = -1

/** Runs a program where the test process is. @returns what it printed */
export function near(command: string, ...args: string[]): string {
  return execFileSync(command, args, { encoding: 'utf8', stdio: 'pipe', timeout: 10_000 })
}

/** Runs a program at the far host. */
export function far(command: string, ...args: string[]): string {
  return near('nsenter', `--net=/run/netns/${FAR}`, command, ...args)
}

/** As `far`, for programs whose exit code means something. */
export function farCode(command: string, ...args: string[]): number {
  try {
    far(command, ...args)
    return 0
  } catch (error) {
    return (error as { status: number | null }).status ?? -1
  }
}

export function buildHosts(): void {
  for (const name of [NEAR, FAR]) near('ip', 'netns', 'add', name)
  home = openSync('/proc/thread-self/ns/net', 'r')
  native.enterNetns(`/run/netns/${NEAR}`)
  near('ip', 'link', 'set', 'lo', 'up')
  addLink()
}

/** The link between the hosts, with an own address on either side; also to make it again. */
export function addLink(): void {
  near(
    ...(['ip', 'link', 'add', NEAR_DEVICE, 'address', NEAR_MAC, 'type', 'veth'] as const),
    ...['peer', 'name', FAR_DEVICE, 'address', FAR_MAC, 'netns', FAR],
  )
  near('ip', 'address', 'add', '10.98.0.1/24', 'dev', NEAR_DEVICE)
  near('ip', 'address', 'add', 'fd98::1/64', 'dev', NEAR_DEVICE, 'nodad')
  far('ip', 'address', 'add', '10.98.0.2/24', 'dev', FAR_DEVICE)
  far('ip', 'address', 'add', 'fd98::2/64', 'dev', FAR_DEVICE, 'nodad')
  far('ip', 'link', 'set', FAR_DEVICE, 'up')
  near('ip', 'link', 'set', NEAR_DEVICE, 'up')
  // Until the kernel has noticed the carrier, what is sent is dropped without a word.
  const isUp = (show: string): boolean => show.includes('state UP')
  while (!isUp(near('ip', 'link', 'show', NEAR_DEVICE))) {}
  while (!isUp(far('ip', 'link', 'show', FAR_DEVICE))) {}
}

export function removeHosts(): void {
  native.enterNetns(`/proc/self/fd/${home}`)
  closeSync(home)
  for (const name of [NEAR, FAR]) near('ip', 'netns', 'delete', name)
}

/** Waits until it is so. @throws Error after the limit */
export async function until(what: string, isSo: () => boolean, limitMs = 3000): Promise<void> {
  const endMs = performance.now() + limitMs
  while (!isSo()) {
    if (performance.now() > endMs) throw new Error(`not within ${limitMs} ms: ${what}`)
    await new Promise((done) => setTimeout(done, 5))
  }
}

/** Lets everything that is already on its way arrive. */
export const settle = (ms = 60): Promise<void> => new Promise((done) => setTimeout(done, ms))
