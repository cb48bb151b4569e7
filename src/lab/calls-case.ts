/**
 * What happens to calls when the pair moves, loses a node, or a service of it dies or hangs?
 *
 * Each case is one run on a pair that is whole: calls stand, the thing happens, and a re-INVITE and a BYE show
 * who lives. Every case leaves the pair whole again, and looks for calls that nobody ended. What is required
 * of the figures is `calls-requirement.ts`.
 */
import { setTimeout as sleep } from 'node:timers/promises'
import { readAgentReport } from './agent-report.ts'
import { Calls, type Silence } from './calls.ts'
import { callsLeft, relaySessions } from './leftovers.ts'
import { type LabNodeName, otherNode } from './plan.ts'
import { noticedAtMs, signalService, stopWorkers, untilBack } from './service-fault.ts'
import { END_WITHIN_MS, LEAD_MS, stand } from './standing-calls.ts'
import type { StorePair } from './store-pair.ts'
import { untilServed } from './voip.ts'
import { VOIP_PORTS, type VoipService } from './voip-config.ts'

/** Where services run: on both nodes, or only on the active. */
export type Mode = 'always' | 'active'
/** `hang`: all processes are stopped; `hang-workers`: those of one socket. */
export const CALLS_CASES = [
  'power-cut',
  'move',
  'ringing',
  'many',
  'kill',
  'hang',
  'hang-workers',
] as const
export type CallsCase = (typeof CALLS_CASES)[number]

export interface CallsRun {
  case: CallsCase
  mode: Mode
  /** Of `kill` and `hang`. */
  service: VoipService | null
  run: number
  from: LabNodeName
  /** Who serves in the end. */
  to: LabNodeName
  /** None in `hang`. */
  calls: number
  survived: number
  /** Around what happened; null without calls that stood by then. */
  silence: Silence | null
  /** Packets of media that did not go through the relay. */
  past: number
  /** From the fault of a service until its agent said so, and until it was well again, ms. */
  noticedMs: number | null
  backMs: number | null
  /** What the agent noticed. */
  noticed: string | null
  roleChanges: number
  /** What was held for calls that had ended. */
  left: string[]
  trouble: string[]
}

/** After what happens, so long silence is looked for; calls are held a little longer. */
const WATCH_MS = 4_000
const BACK_WITHIN_MS = 30_000
/** Telephones ring on while a node dies and the other one takes over. */
const RING_MS = 5_000

/** A planned move away from whoever serves. */
export async function moveCase(pair: StorePair, blank: Blank, count: number): Promise<CallsRun> {
  const from = await untilServed(pair)
  // Setting many calls up takes its time as well.
  const plan = { count, rate: 20, holdMs: WATCH_MS + LEAD_MS + 3_000 + count * 100 }
  const standing = await stand(pair.lab, plan)
  const said = await pair.makeStandby(from)
  const ended = await standing.end(WATCH_MS)
  const trouble = said.ok ? [] : [`make-standby: ${said.message}`]
  const to = await untilServed(pair)
  if (to === from) trouble.push(`${from} still serves`)
  return { ...blank, ...ended, from, to, trouble, left: await callsLeft(pair.lab.plan) }
}

/** The power of the active is cut; it boots again when the calls are over. */
export async function powerCutCase(
  pair: StorePair,
  blank: Blank,
  count: number,
): Promise<CallsRun> {
  const from = await untilServed(pair)
  const standing = await stand(pair.lab, { count, rate: 20, holdMs: WATCH_MS + LEAD_MS + 3_000 })
  await pair.nodes[from].powerOff()
  const ended = await standing.end(WATCH_MS)
  return { ...blank, ...ended, ...(await afterPowerCut(pair, from)) }
}

/** The power of the active is cut while calls ring, and they are answered afterwards. */
export async function ringingCase(pair: StorePair, blank: Blank, count: number): Promise<CallsRun> {
  const from = await untilServed(pair)
  const calls = await Calls.start(pair.lab, { count, rate: count, holdMs: 2_000, ringMs: RING_MS })
  const endMs = performance.now() + RING_MS - 1_000
  while (
    ((await relaySessions(pair.lab.plan, from))?.own ?? 0) < count &&
    performance.now() < endMs
  ) {
    await sleep(50)
  }
  await pair.nodes[from].powerOff()
  const { survived, media } = await calls.end(RING_MS + END_WITHIN_MS)
  const heard = media.heard.length
  const after = await afterPowerCut(pair, from)
  if (heard < 2 * count) after.trouble.push(`media in ${heard} of ${2 * count} directions`)
  return { ...blank, calls: count, survived, past: media.past, ...after }
}

/** A service of the active is killed while calls stand. */
export async function killCase(
  pair: StorePair,
  blank: Blank & { service: VoipService },
  count: number,
): Promise<CallsRun> {
  const { service } = blank
  const from = await untilServed(pair)
  const before = await changesOf(pair)
  const standing = await stand(pair.lab, { count, rate: count, holdMs: WATCH_MS + LEAD_MS + 2_000 })
  const beginMs = Date.now()
  const pid = await signalService(pair, from, service, 'SIGKILL')
  const backMs = await untilBack(pair, from, { name: service, before: pid }, BACK_WITHIN_MS)
  const ended = await standing.end(WATCH_MS)
  const fault = faultOf(pair, from, service, { beginMs, backMs })
  return { ...blank, ...ended, ...fault, ...(await inPlace(pair, from, before)) }
}

/** A service of the active hangs, or one socket of it does. */
export async function hangCase(
  pair: StorePair,
  blank: Blank & { service: VoipService },
): Promise<CallsRun> {
  const { service } = blank
  const from = await untilServed(pair)
  const before = await changesOf(pair)
  const beginMs = Date.now()
  let pid: number
  if (blank.case === 'hang') pid = await signalService(pair, from, service, 'SIGSTOP')
  else if (service === 'lb') {
    pid = await stopWorkers(pair, from, { name: 'lb', socket: `127.0.0.1:${VOIP_PORTS.lb}` })
  } else {
    pid = await stopWorkers(pair, from, { name: 'proxy', socket: `127.0.0.1:${VOIP_PORTS.proxy}` })
  }
  const backMs = await untilBack(pair, from, { name: service, before: pid }, BACK_WITHIN_MS)
  const fault = faultOf(pair, from, service, { beginMs, backMs })
  return { ...blank, ...fault, ...(await inPlace(pair, from, before)) }
}

/** A run of which nothing is known yet. */
export type Blank = CallsRun
export function blankRun(
  what: Pick<CallsRun, 'case' | 'mode' | 'run'> & { service?: VoipService },
): Blank {
  return {
    ...{ service: null, from: 'sp1', to: 'sp1', calls: 0, survived: 0, silence: null, past: 0 },
    ...{ noticedMs: null, backMs: null, noticed: null, roleChanges: 0, left: [], trouble: [] },
    ...what,
  }
}

async function afterPowerCut(pair: StorePair, from: LabNodeName) {
  await pair.comeBack(from)
  const to = await untilServed(pair)
  const trouble = to === otherNode(from) ? [] : [`${from} took the role back`]
  return { from, to, trouble, left: await callsLeft(pair.lab.plan) }
}

function faultOf(
  pair: StorePair,
  node: LabNodeName,
  service: VoipService,
  { beginMs, backMs }: { beginMs: number; backMs: number },
): Pick<CallsRun, 'noticedMs' | 'backMs' | 'noticed'> {
  const noticed = noticedAtMs(pair, node, service, beginMs)
  const noticedMs = noticed === null ? null : noticed.atMs - beginMs
  return { noticedMs, backMs: backMs - beginMs, noticed: noticed?.text ?? null }
}

/** The service is back on the node that had it, and nothing moved. */
async function inPlace(pair: StorePair, from: LabNodeName, before: number) {
  const to = await untilServed(pair)
  const roleChanges = (await changesOf(pair)) - before
  return { from, to, roleChanges, left: await callsLeft(pair.lab.plan) }
}

/** Changes of role on both nodes, ever. */
async function changesOf(pair: StorePair): Promise<number> {
  const reports = await Promise.all([
    readAgentReport(pair.nodes.sp1),
    readAgentReport(pair.nodes.sp2),
  ])
  return reports.reduce((sum, { changes }) => sum + changes.length, 0)
}
