/**
 * What must the next agent know of the services? Which processes are theirs, and what an operator or too
 * many failures ended.
 *
 * Services outlive the agent. Written after each change, read once at the start; a file that cannot be
 * read costs the knowledge and nothing else: what runs is found by looking.
 */
import { join } from 'node:path'
import type { ServiceLife } from '../core/supervision.ts'
import type { ProcessId } from '../resources/service.ts'
import { readWholeFile, replaceFile } from '../system/file.ts'

export interface KeptOfService extends Pick<ServiceLife, 'exhausted' | 'monitored' | 'held'> {
  process: ProcessId | null
}

const SCHEMA = 1
const BOOT_ID = '/proc/sys/kernel/random/boot_id'
const BOOT_ID_MAX_BYTES = 100
const MODE = 0o600
const MAX_BYTES = 1024 ** 2

export class ServiceRecord {
  readonly #path: string
  #written = ''
  #writing: Promise<unknown> = Promise.resolve()

  constructor(stateDir: string) {
    this.#path = join(stateDir, 'services.json')
  }

  /** @returns by name; and why the file could not be used, null when it could or there is none */
  async read(): Promise<{ kept: Map<string, KeptOfService>; trouble: string | null }> {
    const kept = new Map<string, KeptOfService>()
    const file = await readWholeFile(this.#path, { maxBytes: MAX_BYTES })
    if (!file.ok) return { kept, trouble: file.code === 'HA_FILE_MISSING' ? null : file.message }
    try {
      const { schema, boot, services } = JSON.parse(file.bytes.toString('utf8'))
      // Of an earlier boot of this machine: those numbers are others' now.
      const same = boot === (await bootId())
      if (schema !== SCHEMA) return { kept, trouble: `${this.#path} has schema ${schema}` }
      for (const [name, value] of Object.entries(services)) kept.set(name, keptOf(value, same))
      return { kept, trouble: null }
    } catch (error) {
      return { kept, trouble: `${this.#path}: ${(error as Error).message}` }
    }
  }

  /** Writes what changed, one writing after the other. @returns why it could not; null when it could */
  async write(kept: ReadonlyMap<string, KeptOfService>): Promise<string | null> {
    const services = Object.fromEntries(kept)
    const text = `${JSON.stringify({ schema: SCHEMA, boot: await bootId(), services }, null, 2)}\n`
    if (text === this.#written) return null
    this.#written = text
    const mine = this.#writing.then(() => replaceFile(this.#path, text, { mode: MODE }))
    this.#writing = mine
    const done = await mine
    return done.ok ? null : done.message
  }
}

async function bootId(): Promise<string | null> {
  const read = await readWholeFile(BOOT_ID, { maxBytes: BOOT_ID_MAX_BYTES })
  return read.ok ? read.bytes.toString('latin1').trim() : null
}

function keptOf(value: unknown, sameBoot: boolean): KeptOfService {
  const { process, exhausted, monitored, held } = value as Partial<KeptOfService>
  const known =
    sameBoot && typeof process?.pid === 'number' && typeof process.startTicks === 'string'
  return {
    process: known ? { pid: process.pid, startTicks: process.startTicks } : null,
    exhausted: exhausted === true,
    monitored: monitored !== false,
    held: held === true,
  }
}
