/**
 * How do services, and load-balancers in front of them, look to whoever asks the agent? Part of `schema.ts`.
 */
import { count, list, nullable, object, oneOf, text, truth } from './json-schema.ts'

export const service = object('a daemon that serves the platform', {
  name: text('as configured'),
  backend: oneOf('what starts and stops it', ['systemd', 'command', 'monit', 'ocf']),
  mode: oneOf('where it is to run', ['active', 'always', 'manual']),
  essential: truth('a node without it cannot serve'),
  wanted: nullable(oneOf('null: an operator looks after it', ['running', 'stopped'])),
  process: oneOf('what it does', ['unknown', 'stopped', 'starting', 'running', 'stopping']),
  probe: oneOf('what its probes say', ['unknown', 'well', 'failing']),
  probed: truth('there is something to probe'),
  pid: nullable(count('main process')),
  runsMs: nullable(count('milliseconds since it was seen to start')),
  why: nullable(text('what went wrong last')),
  trouble: nullable(text('why it could not be looked at, or did not take its role')),
  failures: count('that count now'),
  failuresMax: count('more make the node unfit'),
  exhausted: truth('it failed too often'),
  monitored: truth('false: an operator looks after it'),
  held: truth('an operator stopped it'),
})

export const loadBalancer = object('a dispatcher in front of several pairs', {
  name: text('as configured'),
  kind: oneOf('whose dispatcher', ['kamailio', 'opensips']),
  set: count('of its list'),
  destination: text('URI by which its list knows this pair'),
  wanted: nullable(
    oneOf('what this node wants it to have; null: it does not serve', ['active', 'drained']),
  ),
  why: nullable(oneOf('why it is wanted', ['serves', 'operator', 'unfit', 'released'])),
  seen: nullable(
    oneOf('what it has; down: its own probes get no answer; null: not known', [
      'active',
      'drained',
      'down',
    ]),
  ),
  trouble: nullable(text('why it could not be asked or told, or what it says against us')),
})

export const outside = list(
  'what clients of the other node find; empty on the one that serves',
  object('one check', {
    check: text('as configured'),
    why: nullable(text('why it was not answered; null: it was')),
  }),
)

export const call = nullable(
  object('the newest test call since this node serves', {
    check: text('as configured'),
    atIso: text('wall time of its end'),
    ok: truth('it went well'),
    why: text('how it went'),
  }),
)

/** `sync-state`: all services as the role and the configuration want them, whatever was ordered before. */
export const SERVICE_VERBS = [
  'start',
  'stop',
  'restart',
  'monitor',
  'unmonitor',
  'sync-state',
] as const
export type ServiceVerb = (typeof SERVICE_VERBS)[number]
