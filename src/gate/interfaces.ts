/**
 * Which interfaces are there, and on which of them does a program of ours hang?
 *
 * Looks only, in the network namespace of this process. Also finds what an earlier agent, with
 * another configuration, left attached.
 */
import { run } from '../system/exec.ts'
import { type Hook, PROGRAMS, parse, type Reading, readHook } from './traffic-control.ts'

const TIMEOUT_MS = 5000

/** The names of all interfaces, and which of them have no Ethernet header. */
export interface Links {
  names: ReadonlySet<string>
  /** Name -> kind of link, as `none` for a tunnel. */
  headerless: ReadonlyMap<string, string>
}

/** Lists the interfaces of this network namespace. */
export async function readLinks(): Promise<Reading<Links>> {
  const label = 'list the interfaces'
  const args = ['-j', 'link', 'show']
  const result = await run({ label, command: 'ip', args, timeoutMs: TIMEOUT_MS })
  if (!result.ok) return { ok: false, reason: result.message }
  type Link = { ifname?: string; link_type?: string }
  return parse(result.stdout, label, (links: readonly Link[]) => {
    const headerless = new Map<string, string>()
    for (const { ifname = '', link_type = '' } of links) {
      if (link_type !== 'ether' && link_type !== 'loopback') headerless.set(ifname, link_type)
    }
    return { names: new Set(links.map(({ ifname }) => ifname ?? '')), headerless }
  })
}

export interface Place {
  device: string
  hook: Hook
}

/**
 * Finds every hook of this network namespace that holds a program of ours, also an old one.
 *
 * One process where bpftool answers; otherwise every hook of every interface is read, because a
 * filter of ours that nobody can open any more would shut its addresses for ever.
 */
export async function findOurs(): Promise<Reading<Place[]>> {
  const label = 'look for attached gate programs'
  const args = ['-j', 'net', 'show']
  const result = await run({ label, command: 'bpftool', args, timeoutMs: TIMEOUT_MS })
  if (!result.ok) return scan()
  type Net = { tc?: { devname?: string; kind?: string; name?: string }[] }
  return parse(result.stdout, label, (nets: readonly Net[]) => {
    const found: Place[] = []
    for (const { devname, kind, name } of nets.flatMap((net) => net.tc ?? [])) {
      const hook = kind?.split('/')[1]
      const ours = PROGRAMS.some((program) => name?.split(':')[0] === program)
      if (!ours || devname === undefined || (hook !== 'ingress' && hook !== 'egress')) continue
      found.push({ device: devname, hook })
    }
    return found
  })
}

async function scan(): Promise<Reading<Place[]>> {
  const links = await readLinks()
  if (!links.ok) return links
  const found: Place[] = []
  for (const device of links.value.names) {
    for (const hook of ['ingress', 'egress'] as const) {
      const reading = await readHook(device, hook)
      // An interface may go while we look; then nothing hangs on it.
      if (reading.ok && reading.value.ourProgram !== null) found.push({ device, hook })
    }
  }
  return { ok: true, value: found }
}
