/**
 * Which documents does the agent speak, and what do their fields mean? The reference for `/v1`.
 *
 * Shapes only: `server.ts` serves them, `client.ts` reads them, the agent fills them in. Moments are
 * told twice where people read them: `…Iso` is wall time for logs, `…MsAgo` is measured on a clock
 * that does not jump. Null means "not known" or "does not apply", never "no".
 *
 * `schema` is the version of the documents, apart from that of the program and of the heartbeat. It
 * rises when a field changes its meaning or goes; a field may be added without it.
 */
import type { NodeName } from '../core/policy.ts'
import { alarm, channel, drift } from './alarm-schema.ts'
import {
  count,
  exactly,
  list,
  nullable,
  number,
  type Of,
  object,
  oneOf,
  optional,
  type Schema,
  text,
  truth,
} from './json-schema.ts'
import { floatingIp, path, pingNode } from './link-schema.ts'
import { fence, witness } from './quorum-schema.ts'
import {
  call,
  loadBalancer,
  outside,
  SERVICE_VERBS,
  type ServiceVerb,
  service,
} from './service-schema.ts'
import { watchdog } from './watchdog-schema.ts'

export const SCHEMA_VERSION = 1

const schema = exactly('version of this document', SCHEMA_VERSION)
const nodeName: Schema<NodeName> = oneOf('name inside the pair', ['sp1', 'sp2'])
const role = oneOf('role in the protocol', ['standby', 'elect', 'take', 'active', 'demoting'])
const stateWord = oneOf('the role in the words of the platform', [
  'active',
  'standby',
  'transition',
  'unknown',
])
const because = object('a code of the closed list, and its sentence', {
  code: text('stable, for programs'),
  sentence: text('for people'),
})

const doneStep = (since: string) =>
  object('one thing that was done', {
    afterMs: number(`milliseconds since ${since}`),
    sentence: text('for people'),
  })

export const transition = object('one change of the role', {
  atIso: text('wall time'),
  from: role,
  to: role,
  term: count('after the change'),
  reason: because,
  outageMs: nullable(number('how long nobody served, as far as this node can tell; milliseconds')),
  steps: optional(
    list(
      'what this node did since it began to take the role, in order of time; none: not known',
      doneStep('it began'),
    ),
  ),
})

const loss = object('what a takeover may have lost of a store; amounts in units of its offset', {
  atIso: text('wall time of the takeover, as far as this node knows'),
  by: nodeName,
  store: text('as configured'),
  kind: oneOf('which server', ['redis', 'mariadb']),
  term: count('of the takeover'),
  most: nullable(count('at most; null when not known')),
  overMs: nullable(number('writes of the last so many milliseconds may be among it')),
  confirmedSafe: truth('nothing of it was confirmed to anybody'),
  settled: truth('the node that came back was compared'),
  exact: nullable(count('only that node held so much; null when it cannot be told')),
  sentence: text('for people'),
})

const gate = object("the kernel's own record of the right to serve", {
  kind: oneOf('which gate this kernel offered', ['ebpf', 'nftables', 'lifetime']),
  state: oneOf('shut, answering address probes only, or serving', ['shut', 'occupied', 'open']),
  weaker: nullable(text('what this kind of gate promises less; null for the full gate')),
  attached: truth('its programs or rules are where they were put'),
  commands: count('commands since start'),
  refusals: count('commands the kernel refused'),
})

const local = object('this node', {
  role,
  state: stateWord,
  term: count('highest term used or heard, on disk'),
  able: truth('could serve if asked'),
  healthy: truth('no service failed past its limit'),
  unhealthyReasons: list('one sentence per failed service', text('a sentence')),
  maintenance: truth('an operator told this node not to act'),
  reason: because,
  sinceIso: text('wall time of the last change of the role'),
  sinceMsAgo: count('milliseconds since then'),
  leaseLeftMs: nullable(number('null unless this node holds a lease')),
  grantLeftMs: nullable(number('how long this node promised not to take over; null when over')),
  sync: truth('as active: a write is confirmed only when the peer has it'),
  inSync: truth('as standby: it has every write that the peer confirmed'),
  sole: truth('it has confirmed writes that the peer may lack; on disk'),
  gate,
})

const peer = object('the other node, as its last heartbeat told', {
  heard: truth('within the suspicion time'),
  lastHeardMsAgo: nullable(number('null when never heard')),
  state: stateWord,
  role: nullable(role),
  term: nullable(count('its term')),
  able: nullable(truth('could serve if asked')),
  healthy: nullable(truth('no service failed past its limit')),
  maintenance: nullable(truth('an operator told it not to act')),
  score: nullable(count('ping nodes that answer it')),
  majority: nullable(truth('it reaches a strict majority of the ping nodes')),
  version: nullable(text('of its program, when it tells')),
  boot: nullable(text('random per start of its agent')),
  hearsUs: nullable(truth('it heard this node within the suspicion time')),
  inSync: nullable(truth('it says that it has every write this node confirmed')),
  digestEqual: nullable(truth('it has the same ping nodes, times, mode and floating IPs')),
  steps: optional(
    list('what it did when it took the role last, while it tells', doneStep('it began to take it')),
  ),
})

const store = object('data that both nodes keep a copy of', {
  name: text('as configured'),
  kind: oneOf('which server', ['redis', 'mariadb']),
  role: nullable(oneOf('whether applications may write', ['writable', 'read-only'])),
  offset: nullable(count('how far its data reaches: bytes of Redis, transactions of MariaDB')),
  following: truth("it gets what the peer's store writes"),
  applies: truth('false when it receives what it does not apply'),
  backlog: nullable(count('received and not yet applied, in units of the offset')),
  confirmsTogether: truth('a write is confirmed only when the peer has it, and that is so now'),
  sick: truth('it fails its probes'),
  trouble: nullable(text('why it could not be looked at or probed')),
  hazards: list('what to know before a switchover', text('a sentence with its mend')),
  version: nullable(text('of the server')),
  space: nullable(
    object('room on the fullest file system where it keeps files; null when not known', {
      directory: text('path'),
      freeBytes: count('for a user without privileges'),
      totalBytes: count('all'),
      lowBytes: number('less is low'),
      criticalBytes: number('with less the node hands over, or refuses being handed to'),
      state: oneOf('how it is, with some inertia', ['enough', 'low', 'critical']),
      fullInMs: nullable(number('at the rate of the last minute; null when not getting fuller')),
    }),
  ),
  waiting: nullable(text('what is done about its return, or what that waits for')),
  rejoin: nullable(
    object('how it came to follow the peer last', {
      atIso: text('wall time'),
      sentence: text('for people'),
      archived: list('files in which what only it held was set aside', text('path')),
    }),
  ),
  verified: nullable(
    object('how both copies compared last, as run on this node; null when never', {
      finishedIso: text('wall time'),
      durationMs: count('milliseconds'),
      compared: count('rows or keys'),
      differences: count('rows or keys that are not the same on both nodes'),
      unsettled: count('keys that changed too often to be compared'),
      sentence: text('for people'),
    }),
  ),
  peer: nullable(
    object("the peer's, as told with its heartbeats", {
      role: nullable(oneOf('whether applications may write', ['writable', 'read-only'])),
      following: truth('it gets what this one writes'),
      offset: nullable(count('how far its data reaches')),
      behind: nullable(
        count('by how much the one that takes no writes is behind; null when it cannot be told'),
      ),
      lookedMsAgo: number('milliseconds since it was looked at'),
    }),
  ),
  loss: nullable(loss),
})

const timing = object('the times that were chosen, in milliseconds', {
  heartbeatMs: count('H'),
  suspicionMs: count('S'),
  leaseMs: count('L'),
  marginMs: count('M'),
  dampingMs: count('C'),
})

const self = object('the agent itself', {
  pid: count('process'),
  uptimeMs: count('milliseconds since its start'),
  loopDelayMs: object('how late the loop ran', {
    max: number('milliseconds, the worst since the start'),
    maxAtIso: nullable(text('wall time of the worst; null when it never was late')),
    maxLastMinute: number('milliseconds, the worst of the last minute'),
  }),
  pauses: count('times since the start it stood still for longer than the gap rule allows'),
  configuration: list(
    'what it runs with, part by part, to compare with the files',
    object('one part', { part: text('its name'), fingerprint: text('of its facts') }),
  ),
  realtime: truth('the heart has a real-time scheduling class'),
  rssBytes: count('resident memory'),
})

const OPERATION_KINDS = [
  'make-active',
  'make-standby',
  'maintenance',
  'data-archive',
  'data-rejoin',
  'service',
  'drain',
  'reload',
] as const

const underWay = object('an operation', {
  id: text('of the operation'),
  kind: oneOf('what was asked', OPERATION_KINDS),
  state: oneOf('how far it is', ['accepted', 'waiting', 'running']),
})

/** GET /v1/status */
export const statusSchema = object('what this node is, knows and sees', {
  schema,
  node: nodeName,
  peerNode: nodeName,
  version: text('of the program'),
  timeIso: text('wall time of this document'),
  profile: oneOf('which times were chosen', ['default', 'fast', 'custom']),
  mode: oneOf('how the right is guarded', ['ping', 'witness', 'fence']),
  timing,
  local,
  peer,
  paths: list('ways to the peer', path),
  pingNodes: list('as configured', pingNode),
  score: count('ping nodes that answered lately'),
  majority: truth('a strict majority of the ping nodes answers'),
  witness,
  fence,
  floatingIps: list('as configured', floatingIp),
  stores: list('as configured', store),
  services: list('in the order of starting', service),
  outside,
  drained: truth('an operator wants no new calls to come to the pair'),
  loadBalancers: list('as configured', loadBalancer),
  call,
  lastTransition: nullable(transition),
  alarms: list('oldest first', alarm),
  notices: list('who is told of alarms and changes of the role', channel),
  drift,
  watchdog,
  operations: optional(list('asked of this node and not at their end', underWay)),
  self,
})

/** POST /v1/operations, the request */
export const operationRequestSchema = object('what an operator asks for', {
  kind: oneOf('what is asked', OPERATION_KINDS),
  node: optional(nodeName),
  force: optional(
    truth('make-active: accept stale data, never more; maintenance: although nobody serves then'),
  ),
  on: optional(truth('maintenance and drain only: begin or end it')),
  store: optional(text('data-archive and data-rejoin only: name of the store')),
  copy: optional(truth('data-rejoin only: copy everything anew from the peer')),
  verb: optional(oneOf('service only: what to do', SERVICE_VERBS)),
  service: optional(text('service only: its name; all of them without it')),
  note: optional(text('make-active and make-standby only: who asks and why, for the steps')),
})

/** POST /v1/operations and GET /v1/operations/:id, the answer */
export const operationSchema = object('what became of a request', {
  schema,
  id: text('of the operation'),
  kind: oneOf('what was asked', OPERATION_KINDS),
  node: nodeName,
  state: oneOf('how far it is', [
    'accepted',
    'waiting',
    'running',
    'done',
    'refused',
    'failed',
    'done-unverified',
    'timed-out',
  ]),
  steps: list(
    'in order of time',
    object('one thing that happened', {
      atMs: number('milliseconds since the request'),
      sentence: text('for people'),
    }),
  ),
  reason: nullable(
    object('why it was refused, failed or is not verified', {
      code: text('stable, for programs'),
      sentence: text('for people'),
      mend: nullable(text('what the operator can do')),
    }),
  ),
})

/** GET /v1/history */
export const historySchema = object('changes of the role', {
  schema,
  node: nodeName,
  transitions: list('newest first', transition),
  losses: list('newest first, one per takeover and store', loss),
})

const obstacle = object('one obstacle', {
  code: text('stable, for programs'),
  sentence: text('for people'),
  mend: text('what the operator can do'),
})

/** GET /v1/explain */
export const explainSchema = object('why things are as they are, and what would happen', {
  schema,
  node: nodeName,
  role,
  state: stateWord,
  reason: because,
  question: text('what the blockers stand in the way of: a switchover to sp2, a takeover, …'),
  blockers: list('none when nothing stands in the way', obstacle),
  switchover: object('a planned move of the role, as it would be now', {
    to: nodeName,
    blockers: list('none when nothing stands in the way', obstacle),
  }),
  hazards: list(
    'what to know before a switchover, of the stores of this node',
    object('one of them', { store: text('as configured'), sentence: text('with its mend') }),
  ),
  drift: list('in what the nodes differ that should be alike', text('a sentence')),
  self: list('why the sense of time of this agent is in doubt', text('a sentence')),
  ifs: list(
    'what would happen now',
    object('one fault and its outcome', {
      fault: text('a clause: "the active machine dies"'),
      outcome: text('a clause: "sp2 takes over"'),
      boundMs: nullable(count('at the latest after this time; null when there is no bound')),
    }),
  ),
})

/** POST /v1/records */
export const recordSchema = object('a record that was kept', {
  schema,
  id: text('for tandem record show'),
  file: text('where it is'),
})

/** GET /v1/health */
export const healthSchema = object('the agent and its heart answer', {
  schema,
  node: nodeName,
  state: stateWord,
  alarms: count('raised now'),
})

/** Every answer that is not one of the above. */
export const errorSchema = object('what went wrong', {
  schema,
  code: text('HA_…'),
  message: text('one sentence'),
  mend: text('what to do about it'),
})

export type StatusDocument = Of<typeof statusSchema>
export type OperationDocument = Of<typeof operationSchema>
export type HistoryDocument = Of<typeof historySchema>
export type ExplainDocument = Of<typeof explainSchema>
export type RecordDocument = Of<typeof recordSchema>
export type HealthDocument = Of<typeof healthSchema>
export type ErrorDocument = Of<typeof errorSchema>
export type TransitionRecord = Of<typeof transition>
export type TakenStep = NonNullable<TransitionRecord['steps']>[number]
export type LossRecord = Of<typeof loss>
export type OperationKind = OperationDocument['kind']
export type OperationState = OperationDocument['state']

/** A checked request. `node` null: the node that is asked. */
export type OperationRequest =
  | { kind: 'make-active' | 'make-standby'; node: NodeName | null; force: boolean; note?: string }
  | { kind: 'maintenance'; node: NodeName | null; force: boolean; on: boolean }
  | { kind: 'drain'; node: null; force: false; on: boolean }
  | { kind: 'data-archive'; node: null; force: false; store: string }
  | { kind: 'data-rejoin'; node: null; force: false; store: string; copy: boolean }
  | { kind: 'service'; node: null; force: false; verb: ServiceVerb; service: string | null }
  | { kind: 'reload'; node: null; force: false }

const FINAL: readonly OperationState[] = [
  'done',
  'refused',
  'failed',
  'done-unverified',
  'timed-out',
]

/** Nothing more will happen to an operation in this state. */
export function isFinal(state: OperationState): boolean {
  return FINAL.includes(state)
}
