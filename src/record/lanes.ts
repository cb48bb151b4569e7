/**
 * What did one node see and hold, and from when to when? A record as stretches of time.
 *
 * Everything is read off the entries: its own gate and lease from the effects, ping majority from its own
 * heartbeats, the peer's role from those that came. Nothing is decided again here.
 */
import type { Effect } from '../core/effect.ts'
import type { Heartbeat, Role } from '../core/heartbeat.ts'
import { peerOf } from '../core/policy.ts'
import { NEVER, REFLECT_EVERY } from '../core/state.ts'
import { entriesOf, type StepEntry } from './entry.ts'
import type { FlightRecord } from './file.ts'

/** On the clock of the node, in milliseconds. */
export interface Span {
  fromMs: number
  untilMs: number
}

export interface PathLane {
  name: string
  direct: boolean
  spans: Span[]
}

export interface Lanes {
  roles: (Span & { role: Role })[]
  /** The gate was open: service traffic could pass. */
  gate: Span[]
  lease: Span[]
  addresses: Span[]
  majority: Span[]
  paths: PathLane[]
  pingNodes: { name: string; spans: Span[] }[]
  /** Address probes met nobody. */
  free: Span[]
  /** This agent stood still for longer than the gap rule allows. */
  pauses: Span[]
  /** The peer said that it is active. */
  peerActive: Span[]
  /** Nobody is known to have served; without an end when that was not seen. */
  outages: { fromMs: number; untilMs: number | null }[]
}

/** A path is silent after so many intervals without a heartbeat. */
const SILENT_INTERVALS = 3
/** As long as the kernel keeps a floating IP that nobody renews (D-003). */
const ADDRESS_LIFETIME_MS = 1_000

export function lanesOf(record: FlightRecord): Lanes {
  return new Reader(record).read()
}

class Reader {
  readonly #record: FlightRecord
  readonly #gapMs: number
  readonly #lanes: Lanes
  readonly #highest = new Map<string, number>()
  #gateUntilMs: number
  #gateFromMs: number | null
  #peerSays: Role | null

  constructor(record: FlightRecord) {
    const { begin, beginMs, policy, paths, pingNodes } = record.header
    this.#record = record
    this.#gapMs = SILENT_INTERVALS * policy.timing.heartbeatMs
    this.#gateFromMs = begin.armed ? beginMs : null
    this.#gateUntilMs = begin.gateUntilMs
    const heardBefore = begin.lastHeardMs >= beginMs - this.#gapMs
    this.#peerSays = heardBefore ? (begin.peer?.role ?? null) : null
    const lane = (direct: boolean) => (name: string) => ({ name, direct, spans: [] as Span[] })
    this.#lanes = {
      roles: [{ fromMs: beginMs, untilMs: beginMs, role: begin.role }],
      gate: [],
      lease: begin.armed ? [{ fromMs: beginMs, untilMs: begin.gateUntilMs }] : [],
      addresses: [],
      majority: [],
      paths: [
        ...paths.map(lane(true)),
        ...pingNodes.map((name) => `reflected by ${name}`).map(lane(false)),
      ],
      free: [],
      pauses: [],
      pingNodes: pingNodes.map((name) => ({ name, spans: [] as Span[] })),
      peerActive: this.#peerSays === 'active' ? [{ fromMs: beginMs, untilMs: beginMs }] : [],
      outages: [],
    }
  }

  read(): Lanes {
    const { header, numbers } = this.#record
    const flips: { atMs: number; on: boolean }[] = []
    let nowMs = header.beginMs
    for (const entry of entriesOf(numbers, header.texts)) {
      if (entry.type === 'mark') {
        if (entry.mark === 'addresses') flips.push({ atMs: entry.atMs, on: entry.value === 1 })
        if (entry.mark === 'stopped') this.#shut(entry.atMs)
        if (entry.mark === 'late' && entry.value >= header.policy.timing.gapMs) {
          this.#lanes.pauses.push({ fromMs: entry.atMs - entry.value, untilMs: entry.atMs })
        }
      } else if (entry.type === 'effect') this.#effect(entry.effect, entry, nowMs)
      else {
        nowMs = entry.event.nowMs
        this.#step(entry)
      }
    }
    this.#shut(header.endMs)
    const last = this.#lanes.roles.at(-1)
    if (last !== undefined) last.untilMs = header.endMs
    this.#lanes.addresses = presence(flips, header).map((span) =>
      untilForgotten(span, this.#lanes.pauses),
    )
    this.#lanes.outages = outagesOf(this.#lanes, header.endMs)
    return this.#lanes
  }

  #step({ event, path, role }: StepEntry): void {
    const { nowMs } = event
    const last = this.#lanes.roles.at(-1)
    if (last !== undefined && last.role !== role) {
      last.untilMs = nowMs
      this.#lanes.roles.push({ fromMs: nowMs, untilMs: nowMs, role })
    }
    if (event.type === 'pong') {
      const lane = this.#lanes.pingNodes[event.pingNode]
      if (lane !== undefined) extend(lane.spans, nowMs, this.#gapMs)
    }
    if (event.type === 'probed' && event.clear) {
      extend(this.#lanes.free, event.sentAtMs, this.#gapMs)
    }
    if (event.type !== 'heartbeat') return
    const lane = path === null ? undefined : this.#laneOf(path)
    const gapMs = lane?.direct === false ? 1.5 * REFLECT_EVERY * (this.#gapMs / 3) : this.#gapMs
    if (lane !== undefined) extend(lane.spans, nowMs, gapMs)
    this.#hear(event.heartbeat, nowMs)
  }

  #laneOf({ direct, index }: { direct: boolean; index: number }): PathLane | undefined {
    const first = this.#lanes.paths.findIndex((lane) => lane.direct === direct)
    return this.#lanes.paths[first + index]
  }

  /** Late ones of another path say what was, as B1 has it. */
  #hear(heartbeat: Heartbeat, nowMs: number): void {
    const { boot, seq, role, node } = heartbeat
    if (node !== peerOf(this.#record.header.node)) return
    if (seq <= (this.#highest.get(boot) ?? 0)) return
    this.#highest.set(boot, seq)
    const last = this.#lanes.peerActive.at(-1)
    if (role === 'active') {
      if (last !== undefined && this.#peerSays === 'active') last.untilMs = nowMs
      else this.#lanes.peerActive.push({ fromMs: nowMs, untilMs: nowMs })
    }
    this.#peerSays = role
  }

  #effect(effect: Effect, done: { refused: boolean; atMs: number | null }, nowMs: number): void {
    const atMs = done.atMs ?? nowMs
    if (effect.type === 'send') {
      if (effect.heartbeat.majority) extend(this.#lanes.majority, nowMs, this.#gapMs)
      return
    }
    if (effect.type === 'close') {
      this.#shut(atMs)
      return
    }
    if (done.refused || (effect.type !== 'open' && effect.type !== 'extend')) return
    const { deadlineMs } = effect
    if (effect.type === 'open') this.#gateFromMs ??= atMs
    this.#gateUntilMs = deadlineMs
    const lease = this.#lanes.lease.at(-1)
    if (lease !== undefined && lease.untilMs >= nowMs) lease.untilMs = deadlineMs
    else this.#lanes.lease.push({ fromMs: nowMs, untilMs: deadlineMs })
  }

  /** By command, or before that by its deadline in the kernel. */
  #shut(atMs: number): void {
    if (this.#gateFromMs === null) return
    const untilMs = Math.min(atMs, this.#gateUntilMs)
    this.#lanes.gate.push({ fromMs: this.#gateFromMs, untilMs })
    const lease = this.#lanes.lease.at(-1)
    // Given back with the gate.
    if (lease !== undefined)
      lease.untilMs = Math.min(lease.untilMs, Math.max(untilMs, lease.fromMs))
    this.#gateFromMs = null
  }
}

function extend(spans: Span[], atMs: number, gapMs: number): void {
  const last = spans.at(-1)
  if (last !== undefined && atMs - last.untilMs <= gapMs) last.untilMs = atMs
  else spans.push({ fromMs: atMs, untilMs: atMs })
}

function presence(
  flips: readonly { atMs: number; on: boolean }[],
  { begin, beginMs, endMs, addresses }: FlightRecord['header'],
): Span[] {
  const first = flips[0]
  // The first that an agent tells after its start is no change.
  const starts = begin.startedAtMs === NEVER
  const onAtBegin = !starts && (first === undefined ? addresses === true : !first.on)
  const all = [{ atMs: beginMs, on: onAtBegin }, ...flips]
  return all.flatMap(({ atMs, on }, index) =>
    on ? [{ fromMs: atMs, untilMs: all[index + 1]?.atMs ?? endMs }] : [],
  )
}

/** Nobody renews the lifetime of an address while the agent stands still; the kernel takes it off. */
function untilForgotten(span: Span, pauses: readonly Span[]): Span {
  const long = pauses.find(
    ({ fromMs, untilMs }) =>
      fromMs >= span.fromMs && fromMs < span.untilMs && untilMs - fromMs > ADDRESS_LIFETIME_MS,
  )
  return long === undefined ? span : { ...span, untilMs: long.fromMs + ADDRESS_LIFETIME_MS }
}

/** Between stretches in which this node or the peer, as far as it was heard, served. */
function outagesOf(lanes: Lanes, endMs: number): Lanes['outages'] {
  const served = [...lanes.gate, ...lanes.peerActive]
  const outages: Lanes['outages'] = gapsBetween(served)
  const untilMs = Math.max(...served.map((span) => span.untilMs))
  const own = lanes.gate.at(-1)
  // Our own end is known to the millisecond; that of a peer that is not heard is not.
  if (own !== undefined && own.untilMs === untilMs && untilMs < endMs) {
    outages.push({ fromMs: untilMs, untilMs: null })
  }
  return outages
}

/** What no span covers, between the first and the last of them. */
export function gapsBetween(spans: readonly Span[]): Span[] {
  const gaps: Span[] = []
  let untilMs: number | null = null
  for (const span of [...spans].sort((a, b) => a.fromMs - b.fromMs)) {
    if (untilMs !== null && span.fromMs > untilMs) {
      gaps.push({ fromMs: untilMs, untilMs: span.fromMs })
    }
    untilMs = Math.max(untilMs ?? span.untilMs, span.untilMs)
  }
  return gaps
}
