/**
 * Which figures are there of those who guard the right beside the two nodes? None where there are none.
 */
import { type Definition, seconds } from './metric-rows.ts'

export const QUORUM_METRICS: readonly Definition[] = [
  [
    'witness_up',
    'gauge',
    '1 if the witness answers.',
    ({ status: { witness } }) => (witness === null ? null : witness.trouble === null),
  ],
  [
    'witness_held',
    'gauge',
    '1 if this node holds the record of the pair.',
    ({ status }) => status.witness?.held ?? null,
  ],
  [
    'witness_endpoint_up',
    'gauge',
    '1 if this endpoint answered the last call.',
    ({ status }) =>
      (status.witness?.endpoints ?? []).map(({ url, state }) => [
        { endpoint: url },
        state === 'not-asked' ? null : state === 'answering',
      ]),
  ],
  [
    'witness_calls_total',
    'counter',
    'Calls to the witness since the agent started.',
    ({ status }) => status.witness?.calls ?? null,
  ],
  [
    'witness_failures_total',
    'counter',
    'Calls without an answer since the agent started.',
    ({ status }) => status.witness?.failures ?? null,
  ],
  [
    'witness_renewals_total',
    'counter',
    'Leases given to this node since the agent started.',
    ({ status }) => status.witness?.renewals ?? null,
  ],
  [
    'fence_usable',
    'gauge',
    '1 if the fence could be used when it was tried last.',
    ({ status: { fence } }) =>
      fence === null || fence.lookedMsAgo === null ? null : fence.trouble === null,
  ],
  [
    'witness_call_p99_seconds',
    'gauge',
    'One call in a hundred takes longer.',
    ({ status }) => seconds(status.witness?.callMs?.p99 ?? null),
  ],
]
