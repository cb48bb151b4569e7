/**
 * What is done to the pair in one phase of a drill, and when is it over?
 *
 * Each way ends with the pair as it was planned, or with why it is not; nothing is asked for twice.
 */
import { setTimeout as sleep } from 'node:timers/promises'
import type { ControlClient } from '../control/client.ts'
import { operated } from '../control/follow.ts'
import { isFinal, type OperationRequest, type StatusDocument } from '../control/schema.ts'
import type { Victim } from './agent-kill.ts'
import { type CutPeer, cutCrosslink, healCrosslink } from './crosslink-cut.ts'
import type { Leg } from './plan.ts'
import type { DrillStep } from './report.ts'

const EXCHANGE_MS = 3_000
const POLL_MS = 20
/** A switchover with slow services; the switchover itself has a bound of its own. */
const MOVED_WITHIN_MS = 30_000
/** A takeover, and an agent that is started again and whose stores follow: half a minute on a very busy host. */
const KILLED_WITHIN_MS = 120_000
/** From the end of the cut until the path is heard again. */
const HEALED_WITHIN_MS = 20_000

/** What an act is given. */
export interface Stage {
  client: ControlClient
  leg: Leg
  /** For the steps of the operation: which drill asked. */
  note: string
  now: () => number
  step: (step: DrillStep) => void
  signal: AbortSignal
}

/** Null: it ended as planned; else why it did not, as a clause. */
export type ActEnd = string | null

/** Moves the role as an operator does. */
export async function actSwitchover(stage: Stage): Promise<ActEnd> {
  const { client, leg, note, now, step } = stage
  const request: OperationRequest = { kind: 'make-standby', node: leg.from, force: false, note }
  const askedMs = now()
  const ended = await operated(client, request, MOVED_WITHIN_MS)
  if (!ended.ok) return ended.message
  const { state, reason, steps } = ended.value
  for (const { atMs, sentence } of steps) step({ atMs: askedMs + atMs, node: null, sentence })
  if (state === 'done') return null
  const why = reason === null ? '' : `: ${reason.sentence}`
  return isFinal(state) ? `the switchover ended as ${state}${why}` : 'the switchover did not end'
}

/** Kills the agent of this node, which serves, and waits until the peer serves and an agent is back. */
export async function actKill(stage: Stage, victim: Victim): Promise<ActEnd> {
  const { leg, now, step } = stage
  try {
    victim.kill()
  } catch (cause) {
    return cause instanceof Error ? cause.message : String(cause)
  }
  step({ atMs: now(), node: leg.from, sentence: `kill -9 of the agent, process ${victim.pid}` })
  let back = false
  const told = new Set<string>()
  const end = await until(stage, KILLED_WITHIN_MS, (status) => {
    if (status.self.pid === victim.pid) return false
    if (!back) {
      step({
        atMs: now(),
        node: leg.from,
        sentence: `an agent runs again, process ${status.self.pid}`,
      })
    }
    back = true
    tellPeerSteps(stage, status, told)
    return status.local.state === 'standby' && status.peer.state === 'active' && whole(status)
  })
  if (end) return null
  if (!back)
    return `no agent is back within ${KILLED_WITHIN_MS / 1000} s; start it: systemctl start tandemd`
  return `the pair was not whole within ${KILLED_WITHIN_MS / 1000} s`
}

/** Cuts the crosslink for a time, and waits until it is heard again and all that follows over it follows. */
export async function actCut(
  stage: Stage,
  peers: readonly CutPeer[],
  lastsMs: number,
): Promise<ActEnd> {
  const { leg, now, step, signal } = stage
  const cut = await cutCrosslink(peers, lastsMs)
  if (cut !== null) return cut
  step({ atMs: now(), node: null, sentence: `the crosslink is cut for ${lastsMs / 1000} s` })
  let silent = false
  const untilMs = now() + lastsMs
  let moved: string | null = null
  await until(stage, lastsMs, (status) => {
    const crosslink = status.paths.filter(({ kind }) => kind === 'crosslink')
    if (!silent && crosslink.every(({ state }) => state !== 'up')) {
      silent = true
      step({ atMs: now(), node: status.node, sentence: 'the crosslink is silent, others carry on' })
    }
    if (servesIn(status) !== leg.from) moved = `${leg.from} does not serve any more`
    return moved !== null || now() >= untilMs || signal.aborted
  })
  // Before its time only when something went otherwise than planned.
  await healCrosslink()
  step({ atMs: now(), node: null, sentence: 'the crosslink is whole again' })
  if (moved !== null) return moved
  if (signal.aborted) return 'stopped'
  if (!silent) return 'the cut was not seen: is the crosslink really the path that was cut?'
  const healed = await until(
    stage,
    HEALED_WITHIN_MS,
    (status) =>
      whole(status) &&
      status.paths.every(({ kind, state }) => kind !== 'crosslink' || state === 'up'),
  )
  if (!healed) return `not everything was whole ${HEALED_WITHIN_MS / 1000} s after the cut`
  step({ atMs: now(), node: null, sentence: 'crosslink and stores are as they were' })
  return null
}

/** Who serves, as a node knows. */
export function servesIn({ local, peer, node, peerNode }: StatusDocument) {
  return local.state === 'active' ? node : peer.state === 'active' ? peerNode : null
}

/** Every store of the node that does not serve follows the other's. */
export function whole({ local, stores }: StatusDocument): boolean {
  return stores.every(({ following, peer }) =>
    local.state === 'active' ? peer?.following === true : following,
  )
}

/** What the new active did, as it tells with its heartbeats. */
export function tellPeerSteps({ step }: Stage, status: StatusDocument, told: Set<string>): void {
  for (const { sentence, afterMs } of status.peer.steps ?? []) {
    const key = `${afterMs} ${sentence}`
    if (told.has(key)) continue
    told.add(key)
    const said = `${sentence}, ${Math.round(afterMs)} ms after it began to take the role`
    step({ atMs: null, node: status.peerNode, sentence: said })
  }
}

/** Looks until it holds. @returns whether it did */
async function until(
  { client }: Stage,
  limitMs: number,
  holds: (status: StatusDocument) => boolean,
): Promise<boolean> {
  const endMs = performance.now() + limitMs
  while (performance.now() < endMs) {
    const asked = await client.status(Math.min(EXCHANGE_MS, Math.max(1, endMs - performance.now())))
    if (asked.ok && holds(asked.value)) return true
    await sleep(POLL_MS)
  }
  return false
}
