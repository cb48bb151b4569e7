/**
 * Which process is the MariaDB server, and how is it ended for certain?
 *
 * The id stands in the server's pid file, whose path it tells itself. It is believed only when that
 * process is called like the server and is as old as the server says it is; noted while it answers,
 * because then, when it must be killed, it does not.
 */
import { isAbsolute, join } from 'node:path'
import { listDirectory, readWholeFile } from '../system/file.ts'
import { killProcess, lookAtProcess, type ProcessIdentity, processRuns } from '../system/process.ts'
import type { ServerState } from './mariadb-status.ts'
import { Limit, pause, StoreFailure } from './store-result.ts'

const NAME = /^(mariadbd|mysqld)/
/** Whole seconds on one side; and the server begins to count some time after its process did. */
const AGE_TOLERANCE_SECONDS = 10
const KILL_LIMIT_MS = 2000
const LOOK_EVERY_MS = 5

export class MariadbProcess {
  readonly #pidFile: string | null
  #seen: ProcessIdentity | null = null

  /** @param pidFile  null: where the server says */
  constructor(pidFile: string | null) {
    this.#pidFile = pidFile
  }

  /** Id of the process that answered last; null when it could not be told. */
  get pid(): number | null {
    return this.#seen?.pid ?? null
  }

  /** Notes who answers; to be called with every look. */
  async note(state: ServerState): Promise<void> {
    if (this.#seen !== null && processRuns(this.#seen)) return
    const named = state.pidFile === '' ? null : join(state.dataDirectory, state.pidFile)
    const told = isAbsolute(state.pidFile) ? state.pidFile : named
    const path = this.#pidFile ?? told
    const sight = path === null ? null : await sightOf(path)
    const same =
      sight !== null &&
      NAME.test(sight.name) &&
      Math.abs(sight.ageSeconds - state.uptimeSeconds) <= AGE_TOLERANCE_SECONDS
    this.#seen = same ? { pid: sight.pid, startTicks: sight.startTicks } : null
  }

  /**
   * Ends it. Nothing is done when the process that answered is gone.
   *
   * @throws StoreFailure  when none was ever noted, or it does not go
   */
  async kill(): Promise<void> {
    const identity = this.#seen
    if (identity === null) {
      throw new StoreFailure(
        'HA_STORE_REFUSED',
        `its process is not known (it never answered here, or its pid file cannot be read), so nothing was killed`,
      )
    }
    const what = `SIGKILL to process ${identity.pid}`
    const outcome = await killProcess(identity, KILL_LIMIT_MS)
    if (outcome === 'forbidden') {
      throw new StoreFailure('HA_STORE_FORBIDDEN', `${what}: not allowed`)
    }
    if (outcome === 'stays' || !(await withoutThreads(identity.pid))) {
      throw new StoreFailure(
        'HA_STORE_TIMEOUT',
        `${what}: still there after ${KILL_LIMIT_MS} ms (waits for a disk?)`,
      )
    }
  }
}

/**
 * The first thread of a process may be gone while others still close files and sockets: it looks dead
 * then, and yet it listens.
 */
async function withoutThreads(pid: number): Promise<boolean> {
  const limit = new Limit(KILL_LIMIT_MS)
  while (!limit.over()) {
    const threads = await listDirectory(`/proc/${pid}/task`)
    if (!threads.ok || threads.names.length <= 1) return true
    await pause(LOOK_EVERY_MS)
  }
  return false
}

async function sightOf(path: string) {
  const content = await readWholeFile(path, { maxBytes: 64 })
  if (!content.ok) return null
  return lookAtProcess(Number(content.bytes.toString('latin1').trim()))
}
