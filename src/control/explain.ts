/**
 * Why is it so, and what would happen? The core's own predicates, asked about a snapshot.
 */
import type { PairConfig } from '../config/config.ts'
import { peerOf } from '../core/policy.ts'
import { BLOCKERS, type Blocker } from '../core/reason.ts'
import { switchoverBlocker } from '../core/switchover.ts'
import { takeoverBlocker } from '../core/takeover.ts'
import { stateWordOf } from '../wire/state-line.ts'
import type { ExplainDocument } from './schema.ts'
import type { Snapshot } from './snapshot.ts'
import { because, readingTurn } from './status.ts'

/** Builds the explain document. */
export function buildExplain(snapshot: Snapshot, config: PairConfig): ExplainDocument {
  const turn = readingTurn(snapshot, config)
  const { state } = snapshot
  const active = state.role === 'active'
  const blocker = active ? switchoverBlocker(turn) : takeoverBlocker(turn)
  return {
    schema: 1,
    node: config.node,
    role: state.role,
    state: stateWordOf(state.role, state.armed),
    reason: because(state.reason),
    question: active ? `a switchover to ${peerOf(config.node)}` : `a takeover by ${config.node}`,
    blockers: blocker === null ? [] : [obstacle(blocker)],
    ifs: [],
  }
}

function obstacle(blocker: Blocker): ExplainDocument['blockers'][number] {
  const [sentence, mend] = BLOCKERS[blocker]
  return { code: blocker, sentence, mend }
}
