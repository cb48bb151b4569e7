/**
 * Can what an operator wants done with a store be done now, and how is it followed to its end?
 *
 * The role is asked for before anything begins; the thread of the stores does the work and tells each
 * step (`data-orders.ts`). Nothing here knows a server.
 */
import type { PairConfig } from '../config/config.ts'
import type { OperationDocument, OperationRequest } from '../control/schema.ts'
import type { Snapshot } from '../control/snapshot.ts'
import { readingTurn } from '../control/status.ts'
import { peerOf } from '../core/policy.ts'
import { hearsPeer } from '../core/turn.ts'
import type { DataOrder } from './data-orders.ts'

type DataRequest = Extract<OperationRequest, { store: string }>
type Refusal = NonNullable<OperationDocument['reason']>

/** Why a request cannot be begun now; null when it can. */
export function dataRefusal(
  request: DataRequest,
  snapshot: Snapshot,
  config: PairConfig,
): Refusal | null {
  const { node, stores } = config
  if (stores.length === 0) {
    return {
      code: 'no-stores',
      sentence: 'no store is configured',
      mend: 'name one below tandem.stores in config.yml, and restart the agent',
    }
  }
  const known = stores.map(({ name }) => name)
  if (!known.includes(request.store)) {
    return {
      code: 'store-unknown',
      sentence: `there is no store ${request.store}`,
      mend: `name one of: ${known.join(', ')}`,
    }
  }
  const peer = peerOf(node)
  const { state } = snapshot
  if (state.role === 'active') {
    return {
      code: 'serves-here',
      sentence: `${node} serves, so what its stores hold is what the pair holds`,
      mend: `ask on ${peer}; for a copy of live data use the server's own tools`,
    }
  }
  if (request.kind === 'data-archive') return null
  if (hearsPeer(readingTurn(snapshot, config)) && state.peer?.role === 'active') return null
  return {
    code: 'nobody-serves',
    sentence: `${peer} does not serve, so there is nothing to follow`,
    mend: `bring ${peer} back, or see what stands in the way: tandem explain`,
  }
}

export function orderOf(request: DataRequest): DataOrder {
  return request.kind === 'data-archive'
    ? { action: 'archive', store: request.store, copy: false }
    : { action: 'rejoin', store: request.store, copy: request.copy }
}
