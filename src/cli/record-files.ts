/**
 * Which records are there, and what is in the one that was named?
 *
 * Read from the files themselves, so that they can be looked at when no agent runs. A record is named by its
 * id, `last`, or the path of a file, as it came from the other node.
 */
import { basename, join } from 'node:path'
import { RECORD_ENDING, RECORDS } from '../daemon/record-keeper.ts'
import { type FlightRecord, unpackRecords } from '../record/file.ts'
import { listDirectory, readWholeFile } from '../system/file.ts'

/** A packed file; what the keeper writes is far smaller. */
const FILE_MAX_BYTES = 16 * 1024 * 1024

export interface NamedRecord {
  id: string
  file: string
  record: FlightRecord
  /** The packed file, where it is none of this machine's. */
  bytes?: Buffer
}

export type Found<Value> = { ok: true; value: Value } | { ok: false; message: string; mend: string }

/** Every id of this node, newest first. */
export async function recordIds(stateDir: string): Promise<Found<string[]>> {
  const listed = await listDirectory(join(stateDir, RECORDS))
  if (!listed.ok) {
    return {
      ok: false,
      message: listed.message,
      mend: 'become root, or name the place with --state',
    }
  }
  const names = listed.names.filter((name) => name.endsWith(RECORD_ENDING))
  // By their names: moments first, then the number of several within a second.
  return { ok: true, value: names.map((name) => basename(name, RECORD_ENDING)).reverse() }
}

/** Every record in what was named, an id, `last` or a file; one of each node at most. */
export async function recordsNamed(
  stateDir: string,
  names: readonly string[],
): Promise<Found<NamedRecord[]>> {
  const found: NamedRecord[] = []
  for (const name of names) {
    const read = await recordsIn(stateDir, name)
    if (!read.ok) return read
    found.push(...read.value)
  }
  const nodes = found.map(({ record }) => record.header.node)
  if (new Set(nodes).size < nodes.length) {
    return {
      ok: false,
      message: `there are ${nodes.length} records, and two of them are of ${nodes[0]}`,
      mend: 'name one record of each node',
    }
  }
  return { ok: true, value: found.sort((a, b) => compareNodes(a.record, b.record)) }
}

function compareNodes(a: FlightRecord, b: FlightRecord): number {
  return a.header.node.localeCompare(b.header.node)
}

/** The records of one file; an id is looked for in the state directory. */
export async function recordsIn(stateDir: string, name: string): Promise<Found<NamedRecord[]>> {
  const isFile = name.includes('/') || name.endsWith(RECORD_ENDING)
  let id = basename(name, RECORD_ENDING)
  if (!isFile) {
    const listed = await recordIds(stateDir)
    if (!listed.ok) return listed
    const known = name === 'last' ? listed.value[0] : listed.value.find((one) => one === name)
    if (known === undefined) {
      return {
        ok: false,
        message: name === 'last' ? 'there is no record yet' : `there is no record ${name}`,
        mend: 'see: tandem record list; a file is named with its path, as ./other.record',
      }
    }
    id = known
  }
  const file = isFile ? name : join(stateDir, RECORDS, `${id}${RECORD_ENDING}`)
  const read = await readWholeFile(file, { maxBytes: FILE_MAX_BYTES })
  if (!read.ok) return { ok: false, message: read.message, mend: 'see: tandem record list' }
  const records = await unpackRecords(read.bytes)
  if (typeof records === 'string') {
    return { ok: false, message: `${file} ${records}`, mend: 'take another copy of it' }
  }
  return { ok: true, value: records.map((record) => ({ id, file, record })) }
}
