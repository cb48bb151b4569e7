/**
 * How do those who guard the right beside the two nodes look to whoever asks the agent? Part of `schema.ts`.
 */
import { count, list, nullable, number, object, oneOf, text, truth } from './json-schema.ts'

export const witness = nullable(
  object('the store that gives the lease in mode `witness`; null in other modes', {
    record: text("name of this pair's record there"),
    holder: nullable(oneOf('whose name the record bears; null: not known', ['sp1', 'sp2'])),
    held: truth('this node holds it, and renews'),
    unchangedMs: nullable(number('for so long it is known to be as it is')),
    answeredMsAgo: nullable(number('milliseconds; null when it never answered')),
    trouble: nullable(text('why it cannot be asked, for longer than a lease')),
    lostIso: nullable(text('wall time at which the record was taken from this node last')),
    calls: count('since the start'),
    failures: count('calls without an answer since the start'),
    renewals: count('leases given to this node since the start'),
    callMs: nullable(
      object('how long the newest 500 or so answered calls took, milliseconds', {
        median: number('half of them less'),
        p99: number('one in a hundred more'),
        max: number('the longest'),
      }),
    ),
    endpoints: list(
      'as configured',
      object('one of them', {
        url: text('as configured'),
        state: oneOf('at the last call', ['answering', 'silent', 'not-asked']),
        why: nullable(text('why it did not answer')),
      }),
    ),
  }),
)

export const fence = nullable(
  object('who switches the other node off in mode `fence`; null in other modes', {
    agent: text('program'),
    power: nullable(oneOf('whether the other node has power; null: not known', ['on', 'off'])),
    lookedMsAgo: nullable(number('milliseconds; null when it was not tried yet')),
    trouble: nullable(text('why it could not be used when it was tried last')),
    running: truth('it is switching the other node off'),
    last: nullable(
      object('the newest fencing that came to an end', {
        atIso: text('wall time'),
        off: truth('the other node was seen to be off'),
        why: text('for people'),
      }),
    ),
  }),
)
