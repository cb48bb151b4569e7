/**
 * What is one entry of a record, and how is it a row of numbers?
 *
 * The first number says kind and small words in single bits; what follows depends on the kind alone:
 *
 * | entry  | numbers                                                    |
 * | ------ | ---------------------------------------------------------- |
 * | step   | head, moment, what belongs to the event                    |
 * | effect | head, what belongs to the effect                           |
 * | mark   | head, moment, value                                        |
 *
 * A step carries what the node was after it (role, gate, reason), so that a decision can be compared
 * without the state. Texts (starts, fingerprints) are numbers of a table. 0 fills a gap in the ring.
 * Writing is in `recorder.ts`, for it must not make anything; reading makes ordinary values.
 */
import type { Effect, EffectType } from '../core/effect.ts'
import type { Event, EventType } from '../core/event.ts'
import type { Heartbeat, Role } from '../core/heartbeat.ts'
import type { NodeName } from '../core/policy.ts'
import { REASONS, type Reason } from '../core/reason.ts'

export const ROLES: readonly Role[] = ['standby', 'elect', 'take', 'active', 'demoting']
export const REASON_NAMES = Object.keys(REASONS) as Reason[]

/** Kind of each event and the numbers it has beside head and moment. Indexes are on disk: append only. */
export const EVENTS: readonly (readonly [type: EventType, slots: number])[] = [
  ['start', 0],
  ['tick', 0],
  ['heartbeat', 8],
  ['pong', 1],
  ['probed', 1],
  ['persisted', 1],
  ['refused', 0],
  ['demoted', 0],
  ['witness', 2],
  ['fenced', 0],
  ['ask', 0],
  ['health', 0],
  ['maintenance', 0],
  ['behind', 0],
  ['position', 2],
  ['confirms', 0],
  ['frozen', 2],
]

/** The same of each effect, beside its head. */
export const EFFECTS: readonly (readonly [type: EffectType, slots: number])[] = [
  ['send', 8],
  ['ping', 1],
  ['probe', 0],
  ['persist', 2],
  ['occupy', 1],
  ['open', 2],
  ['extend', 1],
  ['close', 1],
  ['promote', 0],
  ['demote', 0],
  ['freeze', 0],
  ['unfreeze', 0],
  ['ask-witness', 1],
  ['fence', 0],
  ['set-aside', 0],
  ['confirm', 0],
]

/** What the heart saw beside its decisions. */
export const MARKS = [
  /** A beat came so many milliseconds late. */
  'late',
  /** The control thread makes no progress: nothing is renewed; 0: it does again. */
  'stalled',
  /** The floating IPs are on their interfaces, 1, or off, 0. */
  'addresses',
  'announced',
  /** The agent was stopped: gate shut, addresses off. */
  'stopped',
] as const
export type MarkName = (typeof MARKS)[number]

export const FIRST_EVENT = 1
export const FIRST_EFFECT = 24
export const FIRST_MARK = 48

/** Places of the words in the head, from bit 0: kind (6 bits), then these. */
export const BIT = { role: 6, armed: 9, reason: 10, path: 15, small: 21 } as const
/** Of an effect, in the place of `armed`. */
export const REFUSED_BIT = BIT.armed
/** Numbers of paths in the head: 0 none, then the direct ones, from here on the reflected. */
export const FIRST_REFLECTED = 32

/** Flags of a heartbeat from bit 3; below is the role, above are node, ask and score. */
export const HEARTBEAT_FLAGS = [
  ...['want', 'able', 'majority', 'hears', 'direct', 'grant', 'sync', 'inSync', 'sole', 'avoid'],
  ...['healthy', 'maintenance', 'positionUnknown'],
] as const as readonly (keyof Heartbeat)[]
export const HEARTBEAT_BIT = { flags: 3, node: 16, ask: 17, score: 19 } as const

export type Entry =
  | {
      type: 'step'
      event: Event
      /** How a heartbeat came; null for another event, or when it is not known. */
      path: { direct: boolean; index: number } | null
      role: Role
      armed: boolean
      reason: Reason
    }
  /** Of the step before it. `atMs` of its end is known for `open` and `close` only. */
  | { type: 'effect'; effect: Effect; refused: boolean; atMs: number | null }
  | { type: 'mark'; atMs: number; mark: MarkName; value: number }

export type StepEntry = Extract<Entry, { type: 'step' }>

/**
 * Reads every entry in order.
 *
 * @throws Error when the numbers are no entries
 */
export function* entriesOf(numbers: Float64Array, texts: readonly string[]): Generator<Entry> {
  let at = 0
  while (at < numbers.length) {
    const head = numbers[at] ?? 0
    if (head === 0) {
      // A gap at the end of the ring is all zeros; nothing else begins with one.
      at += 1
      continue
    }
    const slots = slotsOf(head)
    if (at + slots > numbers.length) throw new Error('the last entry is cut short')
    yield entryAt(numbers, at, texts)
    at += slots
  }
}

function slotsOf(head: number): number {
  const kind = head & 63
  const event = EVENTS[kind - FIRST_EVENT]
  if (event !== undefined && kind < FIRST_EFFECT) return 2 + event[1]
  const effect = EFFECTS[kind - FIRST_EFFECT]
  if (effect !== undefined && kind < FIRST_MARK) return 1 + effect[1]
  if (MARKS[kind - FIRST_MARK] !== undefined && Number.isInteger(head)) return 3
  throw new Error(`there is no entry of kind ${kind}`)
}

function entryAt(numbers: Float64Array, at: number, texts: readonly string[]): Entry {
  const head = numbers[at] ?? 0
  const number = (offset: number): number => numbers[at + offset] ?? Number.NaN
  const kind = head & 63
  if (kind >= FIRST_MARK) {
    const mark = MARKS[kind - FIRST_MARK] ?? 'late'
    return { type: 'mark', atMs: number(1), mark, value: number(2) }
  }
  const small = head >> BIT.small
  if (kind >= FIRST_EFFECT) {
    const type = EFFECTS[kind - FIRST_EFFECT]?.[0] ?? 'close'
    const values = (offset: number): number => number(1 + offset)
    const timed = type === 'open' ? values(1) : type === 'close' ? values(0) : null
    const refused = ((head >> REFUSED_BIT) & 1) === 1
    return { type: 'effect', effect: effectOf(type, small, values, texts), refused, atMs: timed }
  }
  const type = EVENTS[kind - FIRST_EVENT]?.[0] ?? 'tick'
  const path = (head >> BIT.path) & 63
  const event = eventOf(type, small, (offset) => number(2 + offset), texts)
  event.nowMs = number(1)
  return {
    type: 'step',
    event,
    path:
      path === 0
        ? null
        : {
            direct: path < FIRST_REFLECTED,
            index: path < FIRST_REFLECTED ? path - 1 : path - FIRST_REFLECTED,
          },
    role: ROLES[(head >> BIT.role) & 7] ?? 'standby',
    armed: ((head >> BIT.armed) & 1) === 1,
    reason: REASON_NAMES[(head >> BIT.reason) & 31] ?? 'started',
  }
}

type Values = (offset: number) => number

const bit = (word: number, place: number): boolean => ((word >> place) & 1) === 1
const NODES: readonly NodeName[] = ['sp1', 'sp2']

function eventOf(type: EventType, small: number, value: Values, texts: readonly string[]): Event {
  const nowMs = 0
  switch (type) {
    case 'start':
    case 'tick':
    case 'refused':
    case 'demoted':
      return { type, nowMs }
    case 'heartbeat':
      return { type, nowMs, heartbeat: heartbeatOf(value, texts), direct: bit(small, 0) }
    case 'pong':
      return { type, nowMs, round: value(0), pingNode: small }
    case 'probed':
      return {
        type,
        nowMs,
        sentAtMs: value(0),
        clear: bit(small, 0),
        ...(bit(small, 1) ? { knock: bit(small, 2) } : {}),
      }
    case 'persisted':
      return { type, nowMs, ticket: value(0) }
    case 'witness':
      return { type, nowMs, sentAtMs: value(0), attempt: value(1), granted: bit(small, 0) }
    case 'fenced':
      return { type, nowMs, off: bit(small, 0) }
    case 'ask':
      return { type, nowMs, node: NODES[small & 1] ?? 'sp1', force: bit(small, 1) }
    case 'health':
      return { type, nowMs, healthy: bit(small, 0) }
    case 'maintenance':
      return { type, nowMs, on: bit(small, 0), force: bit(small, 1) }
    case 'behind':
      return { type, nowMs, behind: bit(small, 0) }
    case 'confirms':
      return { type, nowMs, together: bit(small, 0) }
    case 'position':
    case 'frozen':
      return { type, nowMs, position: { term: value(0), offset: value(1) } }
  }
}

function effectOf(
  type: EffectType,
  small: number,
  value: Values,
  texts: readonly string[],
): Effect {
  switch (type) {
    case 'send':
      return { type, heartbeat: heartbeatOf(value, texts), reflect: bit(small, 0) }
    case 'ping':
      return { type, round: value(0) }
    case 'persist':
      return { type, ticket: value(0), term: value(1), sole: bit(small, 0) }
    case 'occupy':
      return { type, deadlineMs: value(0), first: bit(small, 0) }
    case 'open':
      return { type, deadlineMs: value(0), takeover: bit(small, 0) }
    case 'extend':
      return { type, deadlineMs: value(0) }
    case 'ask-witness':
      return { type, attempt: value(0) }
    case 'confirm':
      return { type, alone: bit(small, 0) }
    default:
      return { type }
  }
}

function heartbeatOf(value: Values, texts: readonly string[]): Heartbeat {
  const word = value(0)
  const named = value(1)
  const text = (place: number): string => texts[((named >> place) & 255) - 1] ?? ''
  const ask = (word >> HEARTBEAT_BIT.ask) & 3
  const flag = (name: keyof Heartbeat): boolean =>
    bit(word, HEARTBEAT_BIT.flags + HEARTBEAT_FLAGS.indexOf(name))
  return {
    node: NODES[(word >> HEARTBEAT_BIT.node) & 1] ?? 'sp1',
    boot: text(0),
    seq: value(2),
    term: value(3),
    role: ROLES[word & 7] ?? 'standby',
    want: flag('want'),
    able: flag('able'),
    score: (word >> HEARTBEAT_BIT.score) & 63,
    majority: flag('majority'),
    hears: flag('hears'),
    ackBoot: ((named >> 8) & 255) === 0 ? null : text(8),
    ackSeq: value(4),
    heardAgoMs: value(5),
    direct: flag('direct'),
    grant: flag('grant'),
    position: { term: value(6), offset: value(7) },
    positionUnknown: flag('positionUnknown'),
    sync: flag('sync'),
    inSync: flag('inSync'),
    sole: flag('sole'),
    avoid: flag('avoid'),
    ask: ask === 0 ? null : (NODES[ask - 1] ?? null),
    digest: text(16),
    healthy: flag('healthy'),
    maintenance: flag('maintenance'),
  }
}
