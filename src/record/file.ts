/**
 * How is a record kept in a file?
 *
 * A gzip of one line of JSON (what the record is, the state it begins with, texts and notes), a newline,
 * and the numbers of the ring, 64 bit, little endian. Several such files one behind the other are a file
 * with several records: that is how the records of both nodes travel together.
 *
 * Two numbers guard it. `format` is that of this layout. `core` is a fingerprint of everything the
 * decisions read and write: a record of another core can be looked at, but not replayed.
 */
import { createHash } from 'node:crypto'
import { promisify } from 'node:util'
import { gunzip, gzip } from 'node:zlib'
import type { Role } from '../core/heartbeat.ts'
import { deriveTiming, type NodeName, type Policy, TIMING_PROFILES } from '../core/policy.ts'
import type { Reason } from '../core/reason.ts'
import { initialState, type State } from '../core/state.ts'
import { EFFECTS, EVENTS, HEARTBEAT_FLAGS, MARKS, REASON_NAMES, ROLES } from './entry.ts'
import type { Note } from './recorder.ts'

export const RECORD_FORMAT = 1
/** Of a file with the records of both nodes, unpacked. */
const UNPACKED_MAX_BYTES = 16 * 1024 * 1024

/** A change of the role that the record is about. */
export interface RecordedChange {
  atMs: number
  from: Role
  to: Role
  opened: boolean
  term: number
  reason: Reason
}

/** What a list of records shows. */
export interface RecordSummary {
  /** A clause: "took over". */
  what: string
  why: string
  /** Longest time in which nobody is known to have served; null when there was none, or none is known. */
  outageMs: number | null
}

export interface RecordHeader {
  format: number
  core: string
  /** Version of the program. */
  program: string
  node: NodeName
  /** Start of the agent, as in its heartbeats. */
  boot: string
  /** Moment that the record is about, on the clock of the node: its first change of role, or its end. */
  pivotMs: number
  /** Wall clock minus the clock of the node, at the time of writing. */
  wallOffsetMs: number
  policy: Policy
  paths: readonly string[]
  pingNodes: readonly string[]
  floatingIps: readonly string[]
  /** Names of the replicated stores; none: nothing is told of them. */
  stores: readonly string[]
  changes: readonly RecordedChange[]
  summary: RecordSummary
  /** State before the first entry, and when that was. */
  begin: State
  beginMs: number
  endMs: number
  /** The floating IPs are on their interfaces, at the end. */
  addresses: boolean | null
  texts: readonly string[]
  notes: readonly Note[]
}

export interface FlightRecord {
  header: RecordHeader
  numbers: Float64Array
}

/** Changes whenever a state, an event, an effect or a heartbeat of this core has another shape. */
export const CORE_FINGERPRINT = createHash('sha256')
  .update(
    JSON.stringify([
      Object.keys(initialState('', { term: 0, sole: false }, 0)),
      Object.keys(deriveTiming(TIMING_PROFILES.default)),
      ...[EVENTS, EFFECTS, MARKS, ROLES, REASON_NAMES, HEARTBEAT_FLAGS],
    ]),
  )
  .digest('hex')
  .slice(0, 12)

/** Packs one record; the work is done beside the thread that asks for it. */
export function packRecord({ header, numbers }: FlightRecord): Promise<Buffer> {
  const line = `${JSON.stringify({ ...header, slots: numbers.length }, unboundedOut)}\n`
  const bytes = Buffer.from(numbers.buffer, numbers.byteOffset, numbers.byteLength)
  return promisify(gzip)(Buffer.concat([Buffer.from(line), bytes]))
}

/**
 * Unpacks every record of a file.
 *
 * @returns a clause that says why it is none
 */
export async function unpackRecords(file: Buffer): Promise<FlightRecord[] | string> {
  try {
    const bytes = await promisify(gunzip)(file, { maxOutputLength: UNPACKED_MAX_BYTES })
    const records: FlightRecord[] = []
    let at = 0
    while (at < bytes.length) {
      const newline = bytes.indexOf(10, at)
      if (newline < 0) return 'is cut short'
      const read: unknown = JSON.parse(bytes.toString('utf8', at, newline), unboundedIn)
      const { slots, ...header } = (read ?? {}) as RecordHeader & { slots: number }
      if (typeof header.format !== 'number') return 'is no record of Tandem'
      if (header.format !== RECORD_FORMAT) {
        return `has format ${header.format}, this program reads format ${RECORD_FORMAT}`
      }
      const end = newline + 1 + 8 * slots
      if (!isWhole(header)) return 'is no record of Tandem'
      if (!Number.isInteger(slots) || slots < 0 || end > bytes.length) return 'is cut short'
      const numbers = new Float64Array(slots)
      new Uint8Array(numbers.buffer).set(bytes.subarray(newline + 1, end))
      records.push({ header, numbers })
      at = end
    }
    return records.length === 0 ? 'is empty' : records
  } catch {
    return 'is no record of Tandem, or is damaged'
  }
}

const LISTS = ['paths', 'pingNodes', 'floatingIps', 'stores', 'changes', 'texts', 'notes'] as const
const NUMBERS = ['pivotMs', 'wallOffsetMs', 'beginMs', 'endMs'] as const

function isWhole(header: RecordHeader): boolean {
  const { policy, begin, summary } = header
  const parts = [policy?.timing, begin, summary].every((part) => typeof part === 'object')
  const lists = LISTS.every((key) => Array.isArray(header[key]))
  return parts && lists && NUMBERS.every((key) => Number.isFinite(header[key]))
}

/** JSON has no infinity; a state is full of moments that never were. */
function unboundedOut(_key: string, value: unknown): unknown {
  if (value === Number.NEGATIVE_INFINITY) return '-Infinity'
  return value === Number.POSITIVE_INFINITY ? 'Infinity' : value
}

function unboundedIn(_key: string, value: unknown): unknown {
  return value === '-Infinity' || value === 'Infinity' ? Number(value) : value
}
