/**
 * Where are the reports of this node? Below the state directory, the newest of them, each whole or not there.
 */
import { mkdir, unlink } from 'node:fs/promises'
import { join } from 'node:path'
import { listDirectory, readWholeFile, replaceFile } from '../system/file.ts'
import { DRILL_SCHEMA, type DrillReport } from './report.ts'

const DRILLS = 'drills'
const ENDING = '.json'
/** A drill a week for a year. */
export const KEPT_MAX = 50
const FILE_MAX_BYTES = 4 * 1024 * 1024
const FILE_MODE = 0o600

export type Found<Value> = { ok: true; value: Value } | { ok: false; message: string; mend: string }

export class DrillReports {
  readonly #directory: string

  constructor(stateDir: string) {
    this.#directory = join(stateDir, DRILLS)
  }

  /** Held while a drill of this node runs. */
  get lockPath(): string {
    return join(this.#directory, 'lock')
  }

  /** @returns why the place cannot be made; null when it is there */
  async prepare(): Promise<string | null> {
    try {
      await mkdir(this.#directory, { recursive: true, mode: 0o700 })
      return null
    } catch (cause) {
      return cause instanceof Error ? cause.message : String(cause)
    }
  }

  /** Newest first: ids begin with their moment. */
  async ids(): Promise<Found<string[]>> {
    const listed = await listDirectory(this.#directory)
    if (!listed.ok) {
      const mend = 'become root, or name the place with --state'
      return { ok: false, message: listed.message, mend }
    }
    const ids = listed.names
      .filter((name) => name.endsWith(ENDING) && !name.startsWith('.'))
      .map((name) => name.slice(0, -ENDING.length))
    return { ok: true, value: ids.sort().reverse() }
  }

  /** @param id  of the list, or `last` */
  async read(id: string): Promise<Found<DrillReport>> {
    const listed = await this.ids()
    if (!listed.ok) return listed
    const known = id === 'last' ? listed.value[0] : listed.value.find((one) => one === id)
    const mend = 'see: tandem drill list'
    if (known === undefined) {
      const message =
        id === 'last' ? 'there was no drill on this node yet' : `there is no drill ${id}`
      return { ok: false, message, mend }
    }
    const path = join(this.#directory, `${known}${ENDING}`)
    const read = await readWholeFile(path, { maxBytes: FILE_MAX_BYTES })
    if (!read.ok) return { ok: false, message: read.message, mend }
    const report = reportIn(read.bytes.toString('utf8'))
    if (report !== null) return { ok: true, value: report }
    return { ok: false, message: `${path} is no report of this version`, mend: 'remove it' }
  }

  /** Newest first; what cannot be read is passed over. */
  async all(): Promise<DrillReport[]> {
    const listed = await this.ids()
    const reports: DrillReport[] = []
    for (const id of listed.ok ? listed.value : []) {
      const read = await this.read(id)
      if (read.ok) reports.push(read.value)
    }
    return reports
  }

  /** Keeps it, and the newest of the others. @returns why not */
  async keep(report: DrillReport): Promise<string | null> {
    const path = join(this.#directory, `${report.id}${ENDING}`)
    const written = await replaceFile(path, `${JSON.stringify(report)}\n`, { mode: FILE_MODE })
    if (!written.ok) return written.message
    const listed = await this.ids()
    for (const id of listed.ok ? listed.value.slice(KEPT_MAX) : []) {
      await unlink(join(this.#directory, `${id}${ENDING}`)).catch(() => undefined)
    }
    return null
  }
}

/** `20261130T120000Z-switchover`: in order of time, and usable as a file name. */
export function idOf(at: Date, kind: string): string {
  return `${at.toISOString().replace(/[-:]|\.\d+/g, '')}-${kind}`
}

function reportIn(text: string): DrillReport | null {
  try {
    const report = JSON.parse(text) as Partial<DrillReport> | null
    const lists = [report?.phases, report?.steps, report?.strips, report?.compared]
    return report?.schema === DRILL_SCHEMA && lists.every(Array.isArray)
      ? (report as DrillReport)
      : null
  } catch {
    return null
  }
}
