/**
 * How does one thing after the other happen to many pairs, and when is it stopped?
 *
 * Each pair is looked at before, asked, and looked at afterwards until it is seen to be as it should be. At the first
 * doubt no further pair is begun; those under way are brought to their end, and what was left alone is named.
 */
import { setTimeout as sleep } from 'node:timers/promises'
import { formatMs } from '../../control/duration.ts'
import { operated } from '../../control/follow.ts'
import type { OperationRequest, StatusDocument } from '../../control/schema.ts'
import { NODE_NAMES, type NodeName, peerOf } from '../../core/policy.ts'
import { inParallel } from './pool.ts'
import { lookAt, type PairClients, type PairView } from './survey.ts'

/** A switchover with slow services; the switchover itself has a bound of its own. */
const OPERATION_MS = 30_000
/** Stores follow again, services of the standby are started: until then a pair is not whole. */
const WHOLE_WITHIN_MS = 60_000
const LOOK_AGAIN_MS = 500

/** `already`: nothing was to be done. `left`: not begun, because of another pair. */
export type RollResult = 'done' | 'already' | 'refused' | 'failed' | 'left'

export interface PairOutcome {
  name: string
  result: RollResult
  /** A sentence. */
  told: string
}

/** What is done to a pair. */
export interface Task {
  /** For the steps of the operations: who asks. */
  note: string
  kind: 'switch' | 'reload'
  /** `switch` only: where the role shall be afterwards; null: at the other node. */
  to: NodeName | null
}

export interface RollHow {
  /** Pairs under way at once. */
  parallel: number
  /** For one exchange with a node. */
  limitMs: number
  /** A pair must stay as it should be for so long. */
  settleMs: number
  said: (outcome: PairOutcome) => void
}

/** @returns an outcome for each pair, in their order; never rejects */
export async function roll(
  pairs: readonly PairClients[],
  task: Task,
  how: RollHow,
): Promise<PairOutcome[]> {
  let doubted = false
  return await inParallel(pairs, how.parallel, async (pair) => {
    const outcome: PairOutcome = doubted
      ? { name: pair.name, result: 'left', told: 'not begun' }
      : await handled(pair, task, how)
    doubted ||= outcome.result === 'refused' || outcome.result === 'failed'
    how.said(outcome)
    return outcome
  })
}

async function handled(pair: PairClients, task: Task, how: RollHow): Promise<PairOutcome> {
  const { name } = pair
  const before = await lookAt(pair, how.limitMs)
  const doubt = doubtBefore(before)
  if (doubt !== null) return { name, result: 'refused', told: doubt }
  const from = before.active as NodeName
  const standby = peerOf(from)
  const to = task.kind === 'switch' ? (task.to ?? standby) : from
  if (task.kind === 'switch' && to === from) {
    return { name, result: 'already', told: `${from} is active already` }
  }
  const startMs = performance.now()
  const hindered =
    task.kind === 'switch'
      ? await moved(pair, { from, to, note: task.note, limitMs: how.limitMs })
      : ((await reloaded(pair, standby)) ?? (await reloaded(pair, from)))
  const tookMs = performance.now() - startMs
  if (hindered !== null) return { name, ...hindered }
  const unsettled = await settled(pair, { active: to, before }, how)
  if (unsettled !== null) return { name, result: 'failed', told: unsettled }
  const what = task.kind === 'switch' ? `${to} is active, ${from} stands by` : 'both reloaded'
  return { name, result: 'done', told: `${what}, asked and done in ${formatMs(tookMs)}` }
}

/** Both nodes answer, one serves, and the other could. */
export function doubtBefore({ active, verdict, notes, nodes }: PairView): string | null {
  const why = notes.length === 0 ? '' : `: ${notes.join('; ')}`
  if (active === null || NODE_NAMES.some((node) => nodes[node].status === null)) {
    return `it is ${verdict}${why}`
  }
  const standby = nodes[peerOf(active)].status
  if (standby?.local.state !== 'standby') return `${peerOf(active)} does not stand by${why}`
  if (!standby.local.able) return `${peerOf(active)} could not serve${why}`
  return null
}

type Hindrance = { result: 'refused' | 'failed'; told: string } | null

/** What stands in the way is said by the node that serves, before anything is asked of it. */
async function moved(
  { clients }: PairClients,
  { from, to, note, limitMs }: { from: NodeName; to: NodeName; note: string; limitMs: number },
): Promise<Hindrance> {
  const explained = await clients[from].explain(limitMs)
  if (!explained.ok) return { result: 'refused', told: explained.message }
  const [blocker] = explained.value.switchover.blockers
  if (blocker !== undefined) {
    return { result: 'refused', told: `${blocker.sentence} (${blocker.mend})` }
  }
  return await carried(clients[from], { kind: 'make-active', node: to, force: false, note })
}

async function reloaded({ clients }: PairClients, node: NodeName): Promise<Hindrance> {
  const hindrance = await carried(clients[node], { kind: 'reload', node: null, force: false })
  return hindrance === null ? null : { ...hindrance, told: `${node}: ${hindrance.told}` }
}

async function carried(
  client: PairClients['clients'][NodeName],
  request: OperationRequest,
): Promise<Hindrance> {
  const asked = await operated(client, request, OPERATION_MS)
  // Whether the order was lost or its answer is not known.
  if (!asked.ok) return { result: 'failed', told: `${asked.message} (${asked.mend})` }
  const { state, reason } = asked.value
  if (state === 'done') return null
  const why = reason === null ? '' : `: ${reason.sentence}`
  return { result: state === 'refused' ? 'refused' : 'failed', told: `${state}${why}` }
}

/** @returns null once the pair is whole and stayed so; else what it lacks */
async function settled(
  pair: PairClients,
  { active, before }: { active: NodeName; before: PairView },
  { limitMs, settleMs }: RollHow,
): Promise<string | null> {
  const known = new Set(alarmsOf(before))
  const endMs = performance.now() + WHOLE_WITHIN_MS + settleMs
  let wholeSinceMs: number | null = null
  let lacking = 'it was not looked at'
  while (performance.now() < endMs) {
    const view = await lookAt(pair, limitMs)
    const lacks = lackOf(view, active, known)
    if (lacks === null) {
      wholeSinceMs ??= performance.now()
      if (performance.now() - wholeSinceMs >= settleMs) return null
    } else {
      wholeSinceMs = null
      lacking = lacks
    }
    await sleep(LOOK_AGAIN_MS)
  }
  return `not as it should be ${formatMs(WHOLE_WITHIN_MS)} later: ${lacking}`
}

function lackOf(view: PairView, active: NodeName, known: ReadonlySet<string>): string | null {
  const doubt = doubtBefore(view)
  if (doubt !== null) return doubt
  if (view.active !== active) return `${view.active} is active`
  const status = view.nodes[active].status
  const astray = status?.stores.find(({ peer }) => peer?.following !== true)
  if (astray !== undefined) return `${astray.name} of ${peerOf(active)} does not follow yet`
  const fresh = alarmsOf(view).find((alarm) => !known.has(alarm))
  return fresh === undefined ? null : `a new alarm: ${fresh}`
}

/** With the node, without what changes by itself: figures in sentences. */
function alarmsOf({ nodes }: PairView): string[] {
  return NODE_NAMES.flatMap((node) => codesOf(nodes[node].status).map((code) => `${node} ${code}`))
}

function codesOf(status: StatusDocument | null): string[] {
  return (status?.alarms ?? []).map(({ code, about }) => `${code} ${about}`.trim())
}
