/** A pair of the lab that carries calls, drilled by the real command, with the lab's own probes beside it. */
import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { writeFile } from 'node:fs/promises'
import type { DrillReport } from '../../src/drill/report.ts'
import { floatingIpOf, type LabNodeName, NODE_NAMES, namespaceOf } from '../../src/lab/plan.ts'
import { attempt, inside, startProgram } from '../../src/lab/process.ts'
import { builtFile } from '../../src/lab/program.ts'
import type { StorePair } from '../../src/lab/store-pair.ts'
import { until } from './until.ts'

/** The longest of them waits for a pair that becomes whole. */
const LIMIT_MS = 200_000

export interface DrillSaid {
  exitCode: number | null
  stdout: string
  stderr: string
}

function commandOf(pair: StorePair, name: LabNodeName, words: readonly string[]): string[] {
  const { namespace, directories } = pair.nodes[name]
  const { config, state, run } = directories
  const places = ['--config', config, '--state', state, '--run', run, '--node', name]
  return inside(namespace, [
    ...[process.execPath, builtFile('cli/tandem.js'), 'drill', ...words, ...places],
  ])
}

/** Runs the command on a node, to its end. */
export async function drill(
  pair: StorePair,
  name: LabNodeName,
  ...words: string[]
): Promise<DrillSaid> {
  const result = await attempt('drill', commandOf(pair, name, words), { timeoutMs: LIMIT_MS })
  return { exitCode: result.exitCode, stdout: result.stdout, stderr: result.stderr }
}

/** Begins it and goes on. */
export function beginDrill(pair: StorePair, name: LabNodeName, ...words: string[]) {
  return startProgram(commandOf(pair, name, words), {
    logFile: `${pair.lab.plan.workDir}/drill.out`,
  })
}

export function reportIn({ stdout, stderr }: DrillSaid): DrillReport {
  if (!stdout.includes('"phases"')) throw new Error(`no report: ${stdout}${stderr}`)
  return JSON.parse(stdout) as DrillReport
}

/** The first figure of all phases whose key begins like this. */
export function figureOf({ phases }: DrillReport, key: string) {
  const figure = phases.flatMap(({ figures }) => figures).find((one) => one.key.startsWith(key))
  if (figure === undefined) throw new Error(`there is no figure ${key}`)
  return figure
}

/** A test call on both nodes, in force. */
export async function configureCall(pair: StorePair): Promise<void> {
  const call = `call drill-a@HOST drill-b@HOST udp:${floatingIpOf(pair.lab.plan)}:5060 local seconds 1`
  for (const name of NODE_NAMES) {
    const file = `${pair.nodes[name].directories.config}/config.yml`
    const text = readFileSync(file, 'utf8').replace(/^(tandem:\n)/m, `$1  call_check: '${call}'\n`)
    await writeFile(file, text)
  }
  for (const name of NODE_NAMES) {
    const reloaded = await pair.ask(name, 'reload')
    if (!reloaded.ok) throw new Error(reloaded.message)
  }
}

/** Nothing stands in the way of a drill on this node. */
export async function untilReady(pair: StorePair, name: LabNodeName): Promise<void> {
  let last = ''
  try {
    await until(async () => {
      const { exitCode, stdout, stderr } = await drill(pair, name, '--dry-run')
      last = stdout + stderr
      return exitCode === 0
    }, 60_000)
  } catch {
    throw new Error(`a drill cannot begin on ${name}: ${last}`)
  }
}

/** Files of a node's reports, with the lock. */
export function drillFiles(pair: StorePair, name: LabNodeName): string[] {
  const directory = `${pair.nodes[name].directories.state}/drills`
  return existsSync(directory) ? readdirSync(directory) : []
}

/** Starts Redis of a node again when it ends, as systemd does. @returns ends that */
export function respawnRedis(pair: StorePair, name: LabNodeName): () => void {
  let busy = false
  const timer = setInterval(async () => {
    if (busy) return
    busy = true
    const asked = await pair.redis[name].ask('PING').catch((error: unknown) => String(error))
    // The crash helper ends a server that does not stand still in time.
    if (asked.includes('Connection refused')) await pair.redis[name].start().catch(() => undefined)
    busy = false
  }, 1_000)
  return () => clearInterval(timer)
}

/** What the packet filter of a node holds. */
export async function rulesOf(pair: StorePair, name: LabNodeName): Promise<string> {
  const command = inside(namespaceOf(pair.lab.plan, name), ['nft', 'list', 'ruleset'])
  return (await attempt('list rules', command)).stdout
}
