/**
 * Why is it so, and what would happen? The core's own predicates, asked about a snapshot.
 */
import type { PairConfig } from '../config/config.ts'
import { explain } from '../core/explain.ts'
import { peerOf } from '../core/policy.ts'
import { BLOCKERS, type Blocker } from '../core/reason.ts'
import { stateWordOf } from '../wire/state-line.ts'
import type { ExplainDocument } from './schema.ts'
import type { Snapshot } from './snapshot.ts'
import { because } from './status.ts'

/** Builds the explain document. */
export function buildExplain(
  snapshot: Snapshot,
  config: PairConfig,
  { drift = [], self = [] }: { drift?: readonly string[]; self?: readonly string[] } = {},
): ExplainDocument {
  const { state } = snapshot
  const active = state.role === 'active'
  const { blockers, ifs } = explain(state, config.policy, snapshot.nowMs)
  const standing = active ? blockers.switchover : blockers.takeover
  return {
    schema: 1,
    node: config.node,
    role: state.role,
    state: stateWordOf(state.role, state.armed),
    reason: because(state.reason),
    question: active ? `a switchover to ${peerOf(config.node)}` : `a takeover by ${config.node}`,
    blockers: standing.map(obstacle),
    switchover: {
      to: active ? peerOf(config.node) : config.node,
      blockers: blockers.switchover.map(obstacle),
    },
    hazards: snapshot.stores.flatMap(({ name, hazards }) =>
      hazards.map((sentence) => ({ store: name, sentence })),
    ),
    drift: [...drift],
    self: [...self],
    ifs: ifs.map((line) => ({ ...line })),
  }
}

function obstacle(blocker: Blocker): ExplainDocument['blockers'][number] {
  const [sentence, mend] = BLOCKERS[blocker]
  return { code: blocker, sentence, mend }
}
