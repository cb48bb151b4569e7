/**
 * A node and a client in network namespaces of their own, on one Ethernet link.
 *
 * The test process itself enters the node's namespace, as the agent would; everything it starts is
 * in there too. The client is reached with nsenter, because `ip netns exec` would hide /sys.
 */
import { execFileSync, spawn } from 'node:child_process'
import { closeSync, mkdtempSync, openSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { prepareGate } from '../../src/gate/choose.ts'
import type { Gate, GateAnswer, GateKind } from '../../src/gate/gate.ts'
import * as native from '../../src/system/native.ts'

export const FLOATING4 = '10.99.0.50'
export const FLOATING6 = 'fd99::50'
export const OTHER4 = '10.99.0.1'
export const CLIENT4 = '10.99.0.2'
export const FLOATING_IPS = [
  { address: FLOATING4, family: 4 },
  { address: FLOATING6, family: 6 },
] as const

const NODE = `tandem-gn-${process.pid}`
const CLIENT = `tandem-gc-${process.pid}`
/** Names of the link's ends. */
export const SERVICE = 'svc0'
const CLIENT_DEVICE = 'cli0'

export const sleep = (ms: number): Promise<void> => new Promise((done) => setTimeout(done, ms))

/** Runs a program to its end. @returns its exit code and what it printed, errors included */
export function tool(command: string, ...args: string[]): { code: number; text: string } {
  try {
    return { code: 0, text: execFileSync(command, args, { encoding: 'utf8', stdio: 'pipe' }) }
  } catch (error) {
    const failed = error as { status: number | null; stdout?: string; stderr?: string }
    return { code: failed.status ?? -1, text: `${failed.stdout ?? ''}${failed.stderr ?? ''}` }
  }
}

/** As `tool`; a failure fails the test with what the program said. */
export function must(command: string, ...args: string[]): string {
  const { code, text } = tool(command, ...args)
  if (code !== 0) throw new Error(`${command} ${args.join(' ')} ended with ${code}: ${text}`)
  return text
}

const clientArgs = (args: string[]): string[] => [`--net=/run/netns/${CLIENT}`, ...args]

/** Runs a program at the client. */
export const client = (...args: string[]) => tool('nsenter', ...clientArgs(args))

/** As `client`, without standing still meanwhile, so that a gate can be held open. */
export function clientLater(...args: string[]): Promise<{ code: number; text: string }> {
  return toolLater('nsenter', ...clientArgs(args))
}

export function toolLater(
  command: string,
  ...args: string[]
): Promise<{ code: number; text: string }> {
  return new Promise((done) => {
    const child = spawn(command, args, { stdio: ['ignore', 'pipe', 'pipe'] })
    let text = ''
    child.stdout.on('data', (chunk) => {
      text += chunk
    })
    child.stderr.on('data', (chunk) => {
      text += chunk
    })
    child.on('close', (code) => done({ code: code ?? -1, text }))
  })
}

const FORGET = ['ip', 'neigh', 'flush', 'dev', CLIENT_DEVICE]

/** Or a request that went unanswered a moment ago would keep the next one waiting for a second. */
export const forgetNeighbours = () => clientLater(...FORGET)

/** Whether one echo request of the client is answered. */
export function pingsAnswered(address: string): boolean {
  client(...FORGET)
  return client('ping', '-n', '-c', '1', '-W', '0.3', address).code === 0
}

/** Frames that arrive at the client, one line each, while `during` runs. */
export async function sniff(filter: string, during: () => Promise<unknown>): Promise<string[]> {
  const args = clientArgs([
    ...['tcpdump', '-i', CLIENT_DEVICE, '-Q', 'in', '-n', '-l', '-vv', '-t', filter],
  ])
  const child = spawn('nsenter', args, { stdio: ['ignore', 'pipe', 'pipe'] })
  let text = ''
  child.stdout.on('data', (chunk) => {
    text += chunk
  })
  await new Promise((listening) => child.stderr.once('data', listening))
  await sleep(100)
  await during()
  await sleep(200)
  const ended = new Promise((done) => child.once('close', done))
  child.kill('SIGTERM')
  await ended
  // A continued line is indented; one frame is one line here.
  const frames = text.replaceAll(/\n\s+/g, ' ').split('\n')
  return frames.filter((line) => line !== '')
}

/** Descriptor of the namespace that the test process came from. */
let home = -1

/** Builds both namespaces and moves the test process into the node's. */
export function buildLab(): void {
  for (const name of [NODE, CLIENT]) must('ip', 'netns', 'add', name)
  home = openSync('/proc/thread-self/ns/net', 'r')
  native.enterNetns(`/run/netns/${NODE}`)
  must('ip', 'link', 'set', 'lo', 'up')
  addLink()
}

/** The link between node and client; also to make it again after it was deleted. */
export function addLink(): void {
  must(
    ...(['ip', 'link', 'add', SERVICE, 'type', 'veth'] as const),
    ...['peer', 'name', CLIENT_DEVICE, 'netns', CLIENT],
  )
  must('ip', 'link', 'set', SERVICE, 'up')
  client('ip', 'link', 'set', CLIENT_DEVICE, 'up')
  const nodash = ['nodad'] as const
  must('ip', 'address', 'add', `${OTHER4}/24`, 'dev', SERVICE)
  must('ip', 'address', 'add', 'fd99::1/64', 'dev', SERVICE, ...nodash)
  must('ip', 'address', 'add', `${FLOATING4}/32`, 'dev', SERVICE)
  must('ip', 'address', 'add', `${FLOATING6}/128`, 'dev', SERVICE, ...nodash)
  client('ip', 'address', 'add', `${CLIENT4}/24`, 'dev', CLIENT_DEVICE)
  client('ip', 'address', 'add', 'fd99::2/64', 'dev', CLIENT_DEVICE, ...nodash)
}

/** Leaves and deletes the namespaces. */
export function removeLab(): void {
  native.enterNetns(`/proc/self/fd/${home}`)
  closeSync(home)
  for (const name of [NODE, CLIENT]) tool('ip', 'netns', 'delete', name)
}

/** A directory as /run/tandem; `remove` also takes away a filesystem that is still mounted in it. */
export function makeRunDir(): { runDir: string; remove: () => void } {
  const runDir = mkdtempSync(join(tmpdir(), 'tandem-gate-'))
  const remove = (): void => {
    if (readFileSync('/proc/mounts', 'utf8').includes(` ${runDir}/bpf `)) {
      tool('umount', `${runDir}/bpf`)
    }
    rmSync(runDir, { recursive: true, force: true })
  }
  return { runDir, remove }
}

export const LEASE_MS = 600

/** Prepares a gate on the service interface; throws with the reason when there is none. */
export async function prepareHere(
  runDir: string,
  choice: 'auto' | GateKind = 'auto',
  interfaces: readonly string[] = [SERVICE],
) {
  const prepared = await prepareGate({
    choice,
    runDir,
    floatingIps: FLOATING_IPS,
    interfaces,
    leaseMs: LEASE_MS,
    door: native,
  })
  if (!prepared.ok) throw new Error(prepared.reason)
  return prepared.value
}

/** A state of the gate. */
export type Hold = 'shut' | 'occupied' | 'open'

/**
 * Keeps the gate in a state while something is measured, renewing it as the agent does.
 *
 * Throws when a renewal was refused: then the gate was not in that state all the time. Such a
 * refusal waits for the end of the measurement, because an error thrown in a timer ends the whole
 * run, past the test and its second try.
 */
export async function holding<T>(gate: Gate, hold: Hold, measure: () => Promise<T>): Promise<T> {
  const untilMs = (): number => native.bootTimeMs() + LEASE_MS
  gate.close()
  if (hold === 'occupied') obeyed(gate.occupy(untilMs(), true))
  if (hold === 'open') obeyed(gate.open(untilMs(), false))
  let lastMs = performance.now()
  let refused: Error | null = null
  const renew = (): void => {
    const sinceMs = Math.round(performance.now() - lastMs)
    lastMs = performance.now()
    try {
      if (hold === 'occupied') obeyed(gate.occupy(untilMs(), false))
      if (hold === 'open') obeyed(gate.extend(untilMs()))
    } catch (cause) {
      const why = `${sinceMs} ms after the renewal before`
      refused = new Error(`the test did not keep the gate ${hold}: ${why}`, { cause })
      clearInterval(renewing)
    }
  }
  const renewing = setInterval(renew, 100)
  try {
    const measured = await measure()
    if (refused !== null) throw refused
    return measured
  } catch (error) {
    throw refused ?? error
  } finally {
    clearInterval(renewing)
    gate.close()
  }
}

function obeyed({ refusal }: GateAnswer): void {
  if (refusal !== null) throw new Error(`the gate refused: ${refusal}`)
}
