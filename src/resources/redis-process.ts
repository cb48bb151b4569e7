/**
 * Which process is the Redis server, and how is it ended for certain?
 *
 * The id comes from INFO while the server answers, together with the moment that process started, or
 * from the pid file. It is believed only when the process is called like Redis and is as old as it
 * should be: a pid file may be older than the last reboot, and the id that a server in a container
 * tells is another process out here.
 */
import { stat } from 'node:fs/promises'
import { readWholeFile } from '../system/file.ts'
import {
  type KillOutcome,
  killProcess,
  lookAtProcess,
  type ProcessIdentity,
  processRuns,
} from '../system/process.ts'
import type { RedisServerFacts } from './redis-info.ts'
import { StoreFailure } from './store-result.ts'

/** `redis-server`, and `redis-check-rdb` is not one. */
const NAME = /^(redis-server|valkey-server)/

/** INFO tells whole seconds, and the server starts counting a little after the kernel. */
const AGE_TOLERANCE_SECONDS = 3

/** A file of before the last reboot is older by more; a stepped clock may cost some seconds. */
const PID_FILE_TOLERANCE_SECONDS = 60

const KILL_LIMIT_MS = 2000

/** The server process of one store. */
export class RedisProcess {
  readonly #label: string
  readonly #pidFile: string | null
  #seen: ProcessIdentity | null = null

  constructor(label: string, pidFile: string | null) {
    this.#label = label
    this.#pidFile = pidFile
  }

  /** Notes who answers; to be called with every look. */
  note(server: RedisServerFacts): void {
    if (this.#seen?.pid === server.processId && processRuns(this.#seen)) return
    const sight = lookAtProcess(server.processId)
    const same =
      sight !== null &&
      NAME.test(sight.name) &&
      Math.abs(sight.ageSeconds - server.uptimeSeconds) <= AGE_TOLERANCE_SECONDS
    this.#seen = same ? { pid: sight.pid, startTicks: sight.startTicks } : null
  }

  /**
   * Ends it.
   *
   * @throws StoreFailure  when it is not known or does not go
   */
  async kill(): Promise<void> {
    const identity = await this.#current()
    if (identity === null) return
    const outcome: KillOutcome = await killProcess(identity, KILL_LIMIT_MS)
    const what = `${this.#label}: SIGKILL to process ${identity.pid}`
    if (outcome === 'forbidden')
      throw new StoreFailure('HA_STORE_FORBIDDEN', `${what}: not allowed`)
    if (outcome === 'stays') {
      throw new StoreFailure(
        'HA_STORE_TIMEOUT',
        `${what}: still there after ${KILL_LIMIT_MS} ms (waits for a disk?)`,
      )
    }
  }

  /** Null when the one that we saw is gone and no other took its place. */
  async #current(): Promise<ProcessIdentity | null> {
    if (this.#seen === null) return await this.#fromPidFile()
    if (processRuns(this.#seen) || this.#pidFile === null) return this.#seen
    try {
      return await this.#fromPidFile()
    } catch (cause) {
      if (cause instanceof StoreFailure) return null
      throw cause
    }
  }

  async #fromPidFile(): Promise<ProcessIdentity> {
    const unknown = (why: string): StoreFailure =>
      new StoreFailure(
        'HA_STORE_REFUSED',
        `${this.#label}: its process is not known (${why}), so nothing was killed; name its pid file in the configuration`,
      )
    if (this.#pidFile === null) throw unknown('it never answered and there is no pid file')
    const content = await readWholeFile(this.#pidFile, { maxBytes: 64 })
    if (!content.ok) throw unknown(content.message)
    const sight = lookAtProcess(Number(content.bytes.toString('latin1').trim()))
    if (sight === null) throw unknown(`${this.#pidFile} names no process that runs`)
    if (!NAME.test(sight.name)) {
      throw unknown(`process ${sight.pid} of ${this.#pidFile} is ${sight.name}`)
    }
    const writtenAgoSeconds = await secondsSinceWritten(this.#pidFile)
    if (writtenAgoSeconds > sight.ageSeconds + PID_FILE_TOLERANCE_SECONDS) {
      throw unknown(`${this.#pidFile} is older than process ${sight.pid}`)
    }
    return { pid: sight.pid, startTicks: sight.startTicks }
  }
}

async function secondsSinceWritten(path: string): Promise<number> {
  try {
    return (Date.now() - (await stat(path)).mtimeMs) / 1000
  } catch {
    return Number.POSITIVE_INFINITY
  }
}
