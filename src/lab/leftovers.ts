/**
 * What does a node still hold that it should not? Ports, calls of rtpengine, keys of calls in Redis.
 */
import { setTimeout as sleep } from 'node:timers/promises'
import { floatingIpOf, type LabNodeName, type LabPlan, NODE_NAMES, namespaceOf } from './plan.ts'
import { attempt, inside, must } from './process.ts'
import { REDIS_PORT } from './redis.ts'
import { VOIP_PORTS } from './voip-config.ts'

/** Database of Redis in which rtpengine keeps its calls. */
const CALLS_DATABASE = '1'
const LOOK_MS = 200

export interface RelaySessions {
  own: number
  foreign: number
}

/** What rtpengine of a node holds; null where none answers. */
export async function relaySessions(
  plan: LabPlan,
  node: LabNodeName,
): Promise<RelaySessions | null> {
  const script = `exec 3<>/dev/tcp/127.0.0.1/${VOIP_PORTS.rtpengineCli} && echo 'list numsessions' >&3 && cat <&3`
  const told = await attempt(
    'ask rtpengine',
    inside(namespaceOf(plan, node), ['bash', '-c', script]),
    { timeoutMs: 2_000 },
  )
  const count = (kind: string): number =>
    Number(new RegExp(`sessions ${kind}:\\s*(\\d+)`, 'i').exec(told.stdout)?.[1] ?? Number.NaN)
  const found = { own: count('own'), foreign: count('foreign') }
  return Number.isNaN(found.own) || Number.isNaN(found.foreign) ? null : found
}

/** Keys of calls that the Redis of a node holds. */
export async function callKeys(plan: LabPlan, node: LabNodeName): Promise<number> {
  const command = ['redis-cli', '-p', String(REDIS_PORT), '-n', CALLS_DATABASE, 'DBSIZE']
  return Number(await must('count keys of calls', inside(namespaceOf(plan, node), command)))
}

/** Ports of the platform that something on the node is bound to, in order. */
export async function platformPorts(plan: LabPlan, node: LabNodeName): Promise<number[]> {
  const listed = await must(
    'list sockets',
    inside(namespaceOf(plan, node), ['ss', '-Hntuan', 'state', 'all']),
  )
  const floatingIp = floatingIpOf(plan)
  const own: readonly number[] = Object.values(VOIP_PORTS)
  const bound = listed.split('\n').flatMap((line) => {
    const [, state = '', , , place = ''] = line.trim().split(/\s+/)
    if (state !== 'LISTEN' && state !== 'UNCONN') return []
    const colon = place.lastIndexOf(':')
    const port = Number(place.slice(colon + 1))
    // Sockets of clients have numbers of the kernel's choice, also such as these, but no floating IP.
    const relays = port >= VOIP_PORTS.rtpMin && place.slice(0, colon) === floatingIp
    return own.includes(port) || relays ? [port] : []
  })
  return [...new Set(bound)].sort((one, other) => one - other)
}

/**
 * Waits until no call is left on either node.
 *
 * @returns what stayed until the end of the wait, one sentence each; none when nothing did
 */
export async function callsLeft(plan: LabPlan, withinMs = 8_000): Promise<string[]> {
  const endMs = performance.now() + withinMs
  for (;;) {
    const left = (await Promise.all(NODE_NAMES.map((name) => leftOn(plan, name)))).flat()
    if (left.length === 0 || performance.now() > endMs) return left
    await sleep(LOOK_MS)
  }
}

async function leftOn(plan: LabPlan, node: LabNodeName): Promise<string[]> {
  const [sessions, keys] = await Promise.all([relaySessions(plan, node), callKeys(plan, node)])
  const { own = 0, foreign = 0 } = sessions ?? {}
  const held = own + foreign
  return [
    ...(held === 0 ? [] : [`rtpengine of ${node} holds ${own} own and ${foreign} foreign calls`]),
    ...(keys === 0 ? [] : [`Redis of ${node} holds ${keys} keys of calls`]),
  ]
}
