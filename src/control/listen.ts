/**
 * Where can the agent be asked? Two sockets in the run directory, and who may use which.
 *
 *   control.sock  0660, root and the control group: questions and orders
 *   status.sock   0666, everybody: questions only
 *
 * A socket is born under a hidden name in a private directory, gets its owner and mode there and is
 * then renamed into place: at no moment can somebody connect who should not, and a dead agent's
 * socket is replaced in one step. (The umask would do as well, but a worker thread cannot set it.)
 * An agent that still answers is not replaced.
 */
import { chmod, chown, mkdir, mkdtemp, readFile, rename, rm } from 'node:fs/promises'
import { createConnection } from 'node:net'
import { dirname, join } from 'node:path'
import { groupIdFrom } from './group.ts'
import type { ControlServer } from './server.ts'

export const CONTROL_SOCKET = 'control.sock'
export const STATUS_SOCKET = 'status.sock'

/** sockaddr_un holds 108 bytes with the closing zero (unix(7)). */
const SOCKET_PATH_MAX_BYTES = 107

/** How long a leftover socket may take to show that somebody answers. */
const PROBE_LIMIT_MS = 1_000

export interface ListenRequest {
  runDir: string
  /** Name of the group that may give orders; null: root only. */
  controlGroup: string | null
  full: ControlServer
  read: ControlServer
}

export type ListenResult =
  | { ok: true; close(): Promise<void> }
  | {
      ok: false
      code: 'HA_CONTROL_IN_USE' | 'HA_CONTROL_GROUP_UNKNOWN' | 'HA_CONTROL_SOCKET_FAILED'
      message: string
      mend: string
    }

/** Listens on both sockets, or on none. */
export async function listen(request: ListenRequest): Promise<ListenResult> {
  const { runDir, controlGroup, full, read } = request
  const controlPath = join(runDir, CONTROL_SOCKET)
  const statusPath = join(runDir, STATUS_SOCKET)
  if (Buffer.byteLength(join(runDir, '.XXXXXX', CONTROL_SOCKET)) > SOCKET_PATH_MAX_BYTES) {
    return failed(`the run directory ${runDir} has too long a name for a socket`, 'choose another')
  }
  let groupId: number | null = null
  if (controlGroup !== null) {
    groupId = groupIdFrom(await readFile('/etc/group', 'utf8').catch(() => ''), controlGroup)
    if (groupId === null) {
      return {
        ok: false,
        code: 'HA_CONTROL_GROUP_UNKNOWN',
        message: `there is no group '${controlGroup}' in /etc/group`,
        mend: 'create it with groupadd, or correct control_group in config.yml',
      }
    }
  }
  let hidden: string | null = null
  try {
    await makeDirectory(runDir)
    for (const path of [controlPath, statusPath]) {
      if (await somebodyAnswers(path)) {
        return {
          ok: false,
          code: 'HA_CONTROL_IN_USE',
          message: `another agent answers at ${path}`,
          mend: 'stop it first, or give this one a run directory of its own with --run',
        }
      }
    }
    // Not `join`, which swallows the dot: it would lie beside the run directory, on another disk perhaps.
    hidden = await mkdtemp(`${runDir}/.`)
    await put({ server: full, hidden, path: controlPath, mode: 0o660, groupId })
    await put({ server: read, hidden, path: statusPath, mode: 0o666, groupId: null })
  } catch (cause) {
    await closeAll([full, read], [])
    const why = cause instanceof Error ? cause.message : String(cause)
    return failed(`cannot listen in ${runDir}: ${why}`, 'check its owner, its mode and its disk')
  } finally {
    if (hidden !== null) await rm(hidden, { recursive: true, force: true })
  }
  return { ok: true, close: () => closeAll([full, read], [controlPath, statusPath]) }
}

/** Not `recursive: true`: that one tries for ever where a parent is there and refuses (as /proc). */
async function makeDirectory(path: string): Promise<void> {
  try {
    await mkdir(path, { mode: 0o755 })
  } catch (cause) {
    const { code } = cause as NodeJS.ErrnoException
    if (code === 'EEXIST') return
    if (code !== 'ENOENT' || dirname(path) === path) throw cause
    await makeDirectory(dirname(path))
    await mkdir(path, { mode: 0o755 })
  }
}

async function put(socket: {
  server: ControlServer
  hidden: string
  path: string
  mode: number
  groupId: number | null
}): Promise<void> {
  const { server, hidden, path, mode, groupId } = socket
  const born = join(hidden, CONTROL_SOCKET)
  await server.listen({ path: born })
  if (groupId !== null) await chown(born, -1, groupId)
  await chmod(born, mode)
  await rename(born, path)
}

async function closeAll(servers: ControlServer[], paths: string[]): Promise<void> {
  await Promise.allSettled(paths.map((path) => rm(path, { force: true })))
  await Promise.allSettled(servers.map((server) => server.close()))
}

/** Silence counts as an answer: an agent that is stopped is still there. */
function somebodyAnswers(path: string): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = createConnection({ path })
    const end = (answers: boolean): void => {
      socket.destroy()
      resolve(answers)
    }
    socket.setTimeout(PROBE_LIMIT_MS, () => end(true))
    socket.once('connect', () => end(true))
    socket.once('error', (error: NodeJS.ErrnoException) => end(error.code === 'EAGAIN'))
  })
}

function failed(message: string, mend: string): ListenResult {
  return { ok: false, code: 'HA_CONTROL_SOCKET_FAILED', message, mend }
}
