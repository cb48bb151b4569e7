/**
 * What is told of alarms, of the ways to the operators and of how the nodes differ? Parts of `schema.ts`.
 */
import { count, list, nullable, object, oneOf, text } from './json-schema.ts'

export const alarm = object('something an operator should mend', {
  code: text('stable, for programs'),
  about: text('which path, store, service …; empty where there is only one'),
  sentence: text('for people'),
  mend: text('the next step'),
  sinceIso: text('wall time'),
})

export const channel = object('a way to the operators', {
  kind: oneOf('which way', ['mail', 'webhook', 'command']),
  target: text('where to, without what may be secret'),
  state: oneOf('how it does', ['idle', 'sending', 'failing']),
  queued: count('notices that wait'),
  dropped: count('notices that were given up since the start: too many waited'),
  failures: count('attempts in a row that failed'),
  why: nullable(text('of the last failure; null when the last attempt worked')),
  deliveredIso: nullable(text('wall time of the last that got through since the start')),
})

export const drift = object('in what the nodes differ that should be alike', {
  compared: nullable(count('facts compared; null while the peer tells none')),
  differences: list(
    'what was found',
    object('one of them', {
      kind: oneOf('of which kind', ['version', 'part', 'file', 'setting', 'alarm']),
      name: text('of the part, file or setting'),
      where: oneOf('how it differs', ['differs', 'only-here', 'only-there']),
      sinceIso: text('wall time'),
    }),
  ),
})
