/**
 * The flight recorder: what is written down while the heart works?
 *
 * Every event that a decision was made of, what the node was after it, every effect with its outcome,
 * and what else explains an outage. It costs some tens of nanoseconds an entry, and makes nothing that
 * would have to be collected: numbers go into the ring (`ring.ts`, layout in `entry.ts`). From time to
 * time the state itself is remembered, which needs no copy, since a state is never changed: a record
 * begins at one of these.
 */
import type { Effect, EffectType } from '../core/effect.ts'
import type { Event, EventType } from '../core/event.ts'
import type { Heartbeat } from '../core/heartbeat.ts'
import type { State } from '../core/state.ts'
import {
  BIT,
  EFFECTS,
  EVENTS,
  FIRST_EFFECT,
  FIRST_EVENT,
  FIRST_MARK,
  FIRST_REFLECTED,
  HEARTBEAT_BIT,
  MARKS,
  type MarkName,
  REASON_NAMES,
  REFUSED_BIT,
  ROLES,
} from './entry.ts'
import { RING_SLOTS, Ring } from './ring.ts'

/** Something that was said, not decided: a store did this, a service that. */
export interface Note {
  atMs: number
  /** Who says it, as in the log. */
  event: string
  text: string
}

/** Where a record can begin. */
interface Place {
  position: number
  atMs: number
  state: Readonly<State>
}

/** What is handed over for a record; the numbers themselves are copied from the ring. */
export interface Slice {
  begin: Place
  /** Position behind the last entry, and when that was. */
  end: number
  endMs: number
  texts: readonly string[]
  notes: readonly Note[]
  /** The floating IPs are on their interfaces, at the end; null when that was never told. */
  addresses: boolean | null
}

const PLACES = 16
const NOTES_MAX = 256
const NOTE_LENGTH_MAX = 400
const NOTES_COMPARED = 8
const NOTE_AGAIN_MS = 1_000
/** Numbers of texts have eight bits, 0 is none. More starts of a peer than this were never one night's. */
const TEXTS_MAX = 255

const EVENT_KIND = kindsOf<EventType>(EVENTS, FIRST_EVENT)
const EFFECT_KIND = kindsOf<EffectType>(EFFECTS, FIRST_EFFECT)
const MARK_KIND = new Map(MARKS.map((mark, index) => [mark, FIRST_MARK + index]))
const ROLE_NUMBER = new Map(ROLES.map((role, index) => [role, index]))
const REASON_NUMBER = new Map(REASON_NAMES.map((reason, index) => [reason, index]))

function kindsOf<Type>(table: readonly (readonly [Type, number])[], first: number) {
  return new Map(table.map(([type, slots], index) => [type, { kind: first + index, slots }]))
}

export class Recorder {
  readonly ring: Ring
  readonly #now: () => number
  readonly #placeEvery: number
  #places: Place[] = []
  /** Number of each text, from 1. */
  #texts = new Map<string, number>()
  #notes: Note[] = []
  /** How the heartbeat that comes next came, as it stands in the head. */
  #path = 0
  #addresses: boolean | null = null
  #stalled = false

  constructor(now: () => number, slots: number = RING_SLOTS) {
    this.#now = now
    this.ring = new Ring(slots)
    this.#placeEvery = slots / PLACES
  }

  /** The heartbeat that is handed on now came on this path. */
  heardOn(direct: boolean, index: number): void {
    this.#path = direct
      ? Math.min(index + 1, FIRST_REFLECTED - 1)
      : Math.min(FIRST_REFLECTED + index, 63)
  }

  stepped(before: Readonly<State>, event: Event, after: Readonly<State>): void {
    // The table of texts may start anew here, and then so does everything.
    const texts = event.type === 'heartbeat' ? this.#textsOf(event.heartbeat) : 0
    this.#notePlace(before, event.nowMs)
    const known = EVENT_KIND.get(event.type)
    if (known === undefined) return
    const { floats } = this.ring
    const at = this.ring.reserve(2 + known.slots)
    let small = 0
    switch (event.type) {
      case 'heartbeat':
        small = event.direct ? 1 : 0
        this.#writeHeartbeat(at + 2, event.heartbeat, texts)
        break
      case 'pong':
        small = event.pingNode
        floats[at + 2] = event.round
        break
      case 'probed':
        small = (event.clear ? 1 : 0) | (event.knock === undefined ? 0 : event.knock ? 6 : 2)
        floats[at + 2] = event.sentAtMs
        break
      case 'persisted':
        floats[at + 2] = event.ticket
        break
      case 'witness':
        small = event.granted ? 1 : 0
        floats[at + 2] = event.sentAtMs
        floats[at + 3] = event.attempt
        break
      case 'fenced':
        small = event.off ? 1 : 0
        break
      case 'ask':
        small = (event.node === 'sp2' ? 1 : 0) | (event.force ? 2 : 0)
        break
      case 'health':
        small = event.healthy ? 1 : 0
        break
      case 'maintenance':
        small = (event.on ? 1 : 0) | (event.force === true ? 2 : 0)
        break
      case 'behind':
        small = event.behind ? 1 : 0
        break
      case 'confirms':
        small = event.together ? 1 : 0
        break
      case 'position':
      case 'frozen':
        floats[at + 2] = event.position.term
        floats[at + 3] = event.position.offset
        break
      default:
    }
    floats[at] =
      known.kind |
      ((ROLE_NUMBER.get(after.role) ?? 0) << BIT.role) |
      ((after.armed ? 1 : 0) << BIT.armed) |
      ((REASON_NUMBER.get(after.reason) ?? 0) << BIT.reason) |
      ((event.type === 'heartbeat' ? this.#path : 0) << BIT.path) |
      (small << BIT.small)
    floats[at + 1] = event.nowMs
  }

  carriedOut(effect: Effect, refused: boolean): void {
    const known = EFFECT_KIND.get(effect.type)
    if (known === undefined) return
    const texts = effect.type === 'send' ? this.#textsOf(effect.heartbeat) : 0
    const { floats } = this.ring
    const at = this.ring.reserve(1 + known.slots)
    let small = 0
    switch (effect.type) {
      case 'send':
        small = effect.reflect ? 1 : 0
        this.#writeHeartbeat(at + 1, effect.heartbeat, texts)
        break
      case 'ping':
        floats[at + 1] = effect.round
        break
      case 'persist':
        small = effect.sole ? 1 : 0
        floats[at + 1] = effect.ticket
        floats[at + 2] = effect.term
        break
      case 'occupy':
        small = effect.first ? 1 : 0
        floats[at + 1] = effect.deadlineMs
        break
      case 'open':
        small = effect.takeover ? 1 : 0
        floats[at + 1] = effect.deadlineMs
        floats[at + 2] = this.#now()
        break
      case 'extend':
        floats[at + 1] = effect.deadlineMs
        break
      case 'close':
        floats[at + 1] = this.#now()
        break
      case 'ask-witness':
        floats[at + 1] = effect.attempt
        break
      case 'confirm':
        small = effect.alone ? 1 : 0
        break
      default:
    }
    floats[at] = known.kind | ((refused ? 1 : 0) << REFUSED_BIT) | (small << BIT.small)
  }

  mark(mark: MarkName, atMs: number, value = 0): void {
    const { floats } = this.ring
    const at = this.ring.reserve(3)
    floats[at] = MARK_KIND.get(mark) ?? 0
    floats[at + 1] = atMs
    floats[at + 2] = value
  }

  /** To be told with every beat; written down when it is another. */
  addresses(present: boolean, atMs: number): void {
    if (present === this.#addresses) return
    this.#addresses = present
    this.mark('addresses', atMs, present ? 1 : 0)
  }

  /** The same of the control thread. */
  stalled(stalled: boolean, atMs: number): void {
    if (stalled === this.#stalled) return
    this.#stalled = stalled
    this.mark('stalled', atMs, stalled ? 1 : 0)
  }

  /** Rare things in words; what is said again and again is kept once a second. */
  note(event: string, text: string, atMs: number = this.#now()): void {
    const again = this.#notes
      .slice(-NOTES_COMPARED)
      .some((note) => note.text === text && atMs - note.atMs < NOTE_AGAIN_MS)
    if (again) return
    this.#notes.push({ atMs, event, text: text.slice(0, NOTE_LENGTH_MAX) })
    if (this.#notes.length > NOTES_MAX) this.#notes = this.#notes.slice(-NOTES_MAX / 2)
  }

  /**
   * What a record from about `fromMs` on is made of: it begins at the last place before that, or at the
   * oldest that will not be overwritten in a moment.
   *
   * @returns null when nothing was written yet
   */
  slice(fromMs: number): Slice | null {
    const end = this.ring.position
    const oldest = end - this.ring.slots + this.#placeEvery
    const kept = this.#places.filter(({ position }) => position >= Math.max(0, oldest))
    const begin = kept.findLast(({ atMs }) => atMs <= fromMs) ?? kept[0]
    if (begin === undefined) return null
    const notes = this.#notes.filter(({ atMs }) => atMs >= begin.atMs)
    const texts = [...this.#texts.keys()]
    return { begin, end, endMs: this.#now(), texts, notes, addresses: this.#addresses }
  }

  #notePlace(state: Readonly<State>, atMs: number): void {
    const position = this.ring.position
    const last = this.#places[this.#places.length - 1]
    if (last !== undefined && position - last.position < this.#placeEvery) return
    this.#places.push({ position, atMs, state })
    if (this.#places.length > PLACES + 1) this.#places.shift()
  }

  #writeHeartbeat(at: number, heartbeat: Heartbeat, texts: number): void {
    const { floats } = this.ring
    const { ask } = heartbeat
    floats[at] =
      (ROLE_NUMBER.get(heartbeat.role) ?? 0) |
      (flagsOf(heartbeat) << HEARTBEAT_BIT.flags) |
      ((heartbeat.node === 'sp2' ? 1 : 0) << HEARTBEAT_BIT.node) |
      ((ask === null ? 0 : ask === 'sp1' ? 1 : 2) << HEARTBEAT_BIT.ask) |
      (heartbeat.score << HEARTBEAT_BIT.score)
    floats[at + 1] = texts
    floats[at + 2] = heartbeat.seq
    floats[at + 3] = heartbeat.term
    floats[at + 4] = heartbeat.ackSeq
    floats[at + 5] = heartbeat.heardAgoMs
    floats[at + 6] = heartbeat.position.term
    floats[at + 7] = heartbeat.position.offset
  }

  #textsOf({ boot, ackBoot, digest }: Heartbeat): number {
    if (this.#texts.size > TEXTS_MAX - 3) {
      this.#texts = new Map()
      this.#places = []
    }
    const acknowledged = ackBoot === null ? 0 : this.#numberOf(ackBoot)
    return this.#numberOf(boot) | (acknowledged << 8) | (this.#numberOf(digest) << 16)
  }

  #numberOf(text: string): number {
    const known = this.#texts.get(text)
    if (known !== undefined) return known
    this.#texts.set(text, this.#texts.size + 1)
    return this.#texts.size
  }
}

/** In the order of `HEARTBEAT_FLAGS`; written out, for it runs with every heartbeat. */
function flagsOf(heartbeat: Heartbeat): number {
  return (
    (heartbeat.want ? 1 : 0) |
    (heartbeat.able ? 2 : 0) |
    (heartbeat.majority ? 4 : 0) |
    (heartbeat.hears ? 8 : 0) |
    (heartbeat.direct ? 16 : 0) |
    (heartbeat.grant ? 32 : 0) |
    (heartbeat.sync ? 64 : 0) |
    (heartbeat.inSync ? 128 : 0) |
    (heartbeat.sole ? 256 : 0) |
    (heartbeat.avoid ? 512 : 0) |
    (heartbeat.healthy ? 1024 : 0) |
    (heartbeat.maintenance ? 2048 : 0) |
    (heartbeat.positionUnknown ? 4096 : 0)
  )
}
