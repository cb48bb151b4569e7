/**
 * May a drill begin now, or go on? What stands in the way of it, all of it at once.
 *
 * The core's own predicates answer for the switchover (`explain`), as they do for `make-standby`; a drill is
 * stricter, because nobody needs it tonight: what an operator should mend comes first.
 */
import type { AlarmCode } from '../control/alarm-table.ts'
import { peerTroubles } from '../control/peer-word.ts'
import type { ExplainDocument, StatusDocument } from '../control/schema.ts'
import type { DrillRequest } from './plan.ts'

export interface Obstacle {
  sentence: string
  mend: string
}

/** Alarms beside which a drill is no risk of its own. Any other stops it, also one that is new. */
const HARMLESS: ReadonlySet<string> = new Set<AlarmCode>([
  'ping-nodes-few',
  'ping-node-silent',
  'ping-node-never-answered',
  'drift',
  'api',
  'alarm-channel',
  'record-not-kept',
  'load-balancer',
  'drained',
  'store-loss',
  'gate-weaker',
])

/** What is watched before a drill, and between its two ways; as a list for `--dry-run`. */
export const CONDITIONS: readonly string[] = [
  'this node is active or standby, the peer the other, and nothing stands in the way of a switchover (tandem explain)',
  'neither node is in maintenance, both hear each other',
  'every store of the standby follows, looks well and is not far behind',
  'no other operation is under way on this node, and no other drill',
  'no alarm stands that has to be mended first',
]

/** @returns nothing when it may begin */
export function obstaclesOf(
  request: DrillRequest,
  status: StatusDocument,
  explain: Pick<ExplainDocument, 'switchover'>,
): Obstacle[] {
  const found: Obstacle[] = []
  const no = (sentence: string, mend: string): void => void found.push({ sentence, mend })
  const { node, peerNode, local, peer } = status
  const settled = `${local.state} ${peer.state}`
  if (settled !== 'active standby' && settled !== 'standby active') {
    no(
      `${node} is ${local.state} and ${peerNode} is ${peer.state}, as far as ${node} knows`,
      'wait until one is active and the other standby; tandem explain says what is missing',
    )
  }
  for (const { sentence, mend } of explain.switchover.blockers) no(sentence, mend)
  if (local.maintenance) no(`${node} is in maintenance`, 'end it: tandem maintenance off')
  for (const trouble of peerTroubles(peer)) no(`${peerNode}: ${trouble}`, 'see tandem status there')
  for (const store of status.stores) storeObstacles(store, status, no)
  for (const { kind, state } of status.operations ?? []) {
    no(`another operation is under way: ${kind}, ${state}`, 'wait for its end')
  }
  for (const { code, sentence, mend } of status.alarms) {
    if (!HARMLESS.has(code)) no(`alarm ${code}: ${sentence}`, mend)
  }
  kindObstacles(request, status, no)
  return once(found)
}

type Say = (sentence: string, mend: string) => void

/** Of one store, told from either side. */
function storeObstacles(store: StatusDocument['stores'][number], status: StatusDocument, no: Say) {
  const serves = status.local.state === 'active'
  const standby = serves ? status.peerNode : status.node
  const follows = serves ? store.peer?.following : store.following
  if (follows !== true) {
    no(`${store.name} of ${standby} is not known to follow`, 'look at the stores in tandem status')
  }
  if (!serves && !store.applies) {
    no(`${store.name} of ${standby} receives what it does not apply`, 'look at its log')
  }
  if (store.sick || store.trouble !== null) {
    no(`${store.name} of ${status.node} does not look well: ${store.trouble ?? 'sick'}`, 'mend it')
  }
  if (store.waiting !== null) {
    no(`${store.name} of ${status.node}: ${store.waiting}`, 'wait for it; tandem data show')
  }
}

function kindObstacles(request: DrillRequest, status: StatusDocument, no: Say): void {
  const { node, local, peerNode } = status
  switch (request.kind) {
    case 'switchover':
      return
    case 'agent-kill':
      if (local.state !== 'active') {
        no(`the agent of ${peerNode} serves, and only its own host can kill it`, `run it there`)
      }
      return
    case 'crosslink-cut': {
      if (!status.paths.some(({ kind }) => kind === 'crosslink')) {
        no(`${node} has no crosslink`, 'nothing is to be rehearsed')
      }
      const others = status.paths.filter(({ kind }) => kind === 'lan' || kind === 'extra')
      if (!others.some(({ state }) => state === 'up')) {
        no(
          'no other direct path is up',
          'without one the cut would move the role; mend the LAN path',
        )
      }
    }
  }
}

/** Explain and alarms may say the same. */
function once(found: readonly Obstacle[]): Obstacle[] {
  return found.filter(
    ({ sentence }, at) => found.findIndex((other) => other.sentence === sentence) === at,
  )
}

/** What the pair is, as a node knows it, in a sentence. */
export function pairSentence(status: StatusDocument | null): string {
  if (status === null) return 'the agent of this node does not answer'
  const { node, peerNode, local, peer } = status
  const heard = peer.heard ? '' : ', which is not heard now'
  const stores = status.stores.filter(({ role }) => role === 'writable').map(({ name }) => name)
  const writable = stores.length === 0 ? '' : `; writable here: ${stores.join(', ')}`
  return `${node} is ${local.state} in term ${local.term}, ${peerNode} is ${peer.state}${heard}${writable}`
}
