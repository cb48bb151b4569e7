/**
 * How is each pair, as its two nodes say? Asked all at once, each with a limit of its own.
 *
 * The two answers of a pair are of two moments, so that a move in between can look as if both served, or nobody: what
 * looks so is asked once more before it is told.
 */
import { setTimeout as sleep } from 'node:timers/promises'
import type { Asked, ControlClient } from '../../control/client.ts'
import type { StatusDocument } from '../../control/schema.ts'
import { NODE_NAMES, type NodeName } from '../../core/policy.ts'

/** Longer than any planned move takes its role from one node to the other. */
const SECOND_LOOK_MS = 1_000

/** `unknown`: no node of it answers here, so that nothing can be said of the pair. */
export type Verdict = 'well' | 'degraded' | 'unserved' | 'both-active' | 'unknown'

export interface NodeView {
  /** Null: it did not answer; then `why` says it. */
  status: StatusDocument | null
  why: string | null
}

export interface PairView {
  name: string
  verdict: Verdict
  /** Who serves, as it says itself; or as the other node says, where only that one answers. */
  active: NodeName | null
  term: number | null
  /** Sentences: what keeps it from being well. */
  notes: readonly string[]
  nodes: Readonly<Record<NodeName, NodeView>>
}

/** How the nodes of one pair are asked. */
export interface PairClients {
  name: string
  clients: Readonly<Record<NodeName, ControlClient>>
}

/** Asks both nodes of one pair, and judges. Never rejects. */
export async function lookAt({ name, clients }: PairClients, limitMs: number): Promise<PairView> {
  const view = judge(name, await ask(clients, limitMs))
  if (view.verdict !== 'unserved' && view.verdict !== 'both-active') return view
  await sleep(SECOND_LOOK_MS)
  return judge(name, await ask(clients, limitMs))
}

async function ask(
  clients: PairClients['clients'],
  limitMs: number,
): Promise<Record<NodeName, NodeView>> {
  const [sp1, sp2] = await Promise.all([clients.sp1.status(limitMs), clients.sp2.status(limitMs)])
  return { sp1: viewOf('sp1', sp1), sp2: viewOf('sp2', sp2) }
}

function viewOf(node: NodeName, asked: Asked<StatusDocument>): NodeView {
  if (!asked.ok) return { status: null, why: `${asked.message} (${asked.mend})` }
  if (asked.value.node === node) return { status: asked.value, why: null }
  return { status: null, why: `${asked.value.node} answers there: the inventory has them crossed` }
}

/** Pure. */
export function judge(name: string, nodes: Readonly<Record<NodeName, NodeView>>): PairView {
  const answers = NODE_NAMES.flatMap((node) => nodes[node].status ?? [])
  const serving = answers.filter(({ local }) => local.state === 'active')
  const told = answers.find(
    ({ local, peer }) => local.state !== 'active' && peer.heard && peer.state === 'active',
  )
  const active = serving[0]?.node ?? (answers.length === 1 ? (told?.peerNode ?? null) : null)
  const terms = answers.map(({ local }) => local.term)
  const notes = NODE_NAMES.flatMap((node) => notesOf(node, nodes[node]))
  const view = {
    ...{ name, active, notes, nodes },
    term: terms.length === 0 ? null : Math.max(...terms),
  }
  if (answers.length === 0) return { ...view, verdict: 'unknown' }
  if (serving.length > 1) return { ...view, verdict: 'both-active', active: null }
  if (active === null) return { ...view, verdict: answers.length === 1 ? 'unknown' : 'unserved' }
  return { ...view, verdict: notes.length === 0 ? 'well' : 'degraded' }
}

function notesOf(node: NodeName, { status, why }: NodeView): string[] {
  if (status === null) return [`${node}: ${why}`]
  const { local, alarms } = status
  const notes: string[] = []
  if (local.state === 'transition') notes.push(`${node}: its role is changing`)
  if (local.maintenance) notes.push(`${node}: in maintenance`)
  // The alarms say why it could not serve, where it could not.
  if (!local.able && alarms.length === 0) notes.push(`${node}: could not serve`)
  return [...notes, ...alarms.map(({ sentence }) => `${node}: ${sentence}`)]
}
