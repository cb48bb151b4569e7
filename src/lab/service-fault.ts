/**
 * What happens to one service of a node, how soon does its agent notice, and how soon is it back?
 *
 * Faults come from outside, by signals. When something was noticed tells the agent's log, whose lines carry
 * their time; when a service is back, its status, asked again and again. All moments are wall clock, ms.
 */
import { readFileSync } from 'node:fs'
import { setTimeout as sleep } from 'node:timers/promises'
import { familyOf, processTable } from '../system/process-table.ts'
import type { LabNodeName } from './plan.ts'
import { attempt, inside, must, signalAll } from './process.ts'
import type { StorePair } from './store-pair.ts'
import type { VoipService } from './voip-config.ts'

const LOOK_MS = 10
/** kamcmd may wait for a Kamailio that is busy. */
const CONTROL_LIMIT_MS = 2_000

/** What the agent of a node shows of a service; null while it says nothing. */
export async function serviceOf(pair: StorePair, node: LabNodeName, name: VoipService) {
  const status = await pair.statusOf(node)
  return status?.services.find((service) => service.name === name) ?? null
}

/**
 * Sends a signal to all processes of a service.
 *
 * @returns its main process
 * @throws Error when it does not run
 */
export async function signalService(
  pair: StorePair,
  node: LabNodeName,
  name: VoipService,
  signal: 'SIGKILL' | 'SIGSTOP',
): Promise<number> {
  const pid = (await serviceOf(pair, node, name))?.pid ?? null
  const table = processTable()
  const leader = table.find((row) => row.pid === pid)
  if (leader === undefined) throw new Error(`lab: ${name} does not run on ${node}`)
  const family = familyOf(leader, table).map((row) => row.pid)
  signalAll(family, signal)
  return leader.pid
}

/**
 * Stops the workers of one UDP socket of a Kamailio; its control socket has processes of its own.
 *
 * @param socket  as ADDRESS:PORT
 * @returns its main process
 * @throws Error when no worker was found, or nobody answers at the control socket any more
 */
export async function stopWorkers(
  pair: StorePair,
  node: LabNodeName,
  { name, socket }: { name: 'lb' | 'proxy'; socket: string },
): Promise<number> {
  const pid = (await serviceOf(pair, node, name))?.pid ?? 0
  const control = `unix:${pair.lab.plan.workDir}/${node}/voip/${name}.ctl`
  const ask = (method: string) =>
    attempt(`ask ${name}`, ['kamcmd', '-s', control, method], { timeoutMs: CONTROL_LIMIT_MS })
  const listed = await ask('core.ps')
  // The number of a process stands above what it is.
  const workers = [...listed.stdout.matchAll(/^(\d+)\nudp receiver .*sock=(\S+)$/gm)].filter(
    ([, , place]) => place === socket,
  )
  if (workers.length === 0) throw new Error(`lab: no workers of ${socket} in "${listed.stdout}"`)
  signalAll(
    workers.map(([, worker]) => Number(worker)),
    'SIGSTOP',
  )
  const answered = await ask('core.uptime')
  if (!answered.ok) throw new Error(`lab: the control socket of ${name}: ${answered.message}`)
  return pid
}

/**
 * When the agent first said that something is wrong with a service.
 *
 * @returns null while it said nothing
 */
export function noticedAtMs(
  pair: StorePair,
  node: LabNodeName,
  name: VoipService,
  sinceMs: number,
): { atMs: number; text: string } | null {
  const log = readFileSync(pair.nodes[node].logFile, 'utf8')
  for (const [, iso = '', text = ''] of log.matchAll(
    /^(\S+Z) \S+ service-(?:check|ended): (.*)$/gm,
  )) {
    const atMs = Date.parse(iso)
    if (atMs >= sinceMs && new RegExp(`^${name}\\b`).test(text)) return { atMs, text }
  }
  return null
}

/**
 * Waits until a service runs as another process and is well.
 *
 * @returns the moment
 * @throws Error when it does not come back in time
 */
export async function untilBack(
  pair: StorePair,
  node: LabNodeName,
  { name, before }: { name: VoipService; before: number },
  withinMs: number,
): Promise<number> {
  const endMs = performance.now() + withinMs
  while (performance.now() < endMs) {
    const service = await serviceOf(pair, node, name)
    const isAnother = service !== null && service.pid !== null && service.pid !== before
    if (isAnother && service.probe === 'well') return Date.now()
    await sleep(LOOK_MS)
  }
  throw new Error(`lab: ${name} of ${node} did not come back`)
}

/** Has the stand-in for SEMS use more memory. */
export async function growSbc(
  pair: StorePair,
  node: LabNodeName,
  { mib, port }: { mib: number; port: number },
): Promise<void> {
  const script = `echo 'grow ${mib}' > /dev/udp/127.0.0.1/${port}`
  await must('have it grow', inside(pair.nodes[node].namespace, ['bash', '-c', script]))
}
