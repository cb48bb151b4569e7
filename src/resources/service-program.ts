/**
 * Is there anything to start? The program, the directory and the account of a configured command, looked
 * for before it is started, so that what is missing is told by its name.
 */
import { constants } from 'node:fs'
import { access, stat } from 'node:fs/promises'
import { isAbsolute, join } from 'node:path'
import { run } from '../system/exec.ts'
import type { Account } from '../system/launch.ts'
import { ServiceFailure } from './service-result.ts'
import type { Limit } from './store-result.ts'

function missing(message: string): ServiceFailure {
  return new ServiceFailure('HA_SERVICE_MISSING', message)
}

/** @throws ServiceFailure  when it is not there, or no program */
export async function needProgram(
  label: string,
  program: string,
  place: { directory: string; path: string },
): Promise<void> {
  if (!(await isDirectory(place.directory))) {
    throw missing(`${label}: its directory ${place.directory} does not exist`)
  }
  if (program.includes('/')) {
    const full = isAbsolute(program) ? program : join(place.directory, program)
    if (await isProgram(full)) return
    throw missing(`${label}: ${full} is no program that can be run: install it or mend its path`)
  }
  for (const folder of place.path.split(':').filter((part) => part !== '')) {
    if (await isProgram(join(folder, program))) return
  }
  throw missing(`${label}: ${program} is not in ${place.path}: install it or write its full path`)
}

async function isDirectory(path: string): Promise<boolean> {
  try {
    return (await stat(path)).isDirectory()
  } catch {
    return false
  }
}

async function isProgram(path: string): Promise<boolean> {
  try {
    await access(path, constants.X_OK)
    return (await stat(path)).isFile()
  } catch {
    return false
  }
}

/**
 * Looks an account up, in whatever directory this host has for them.
 *
 * @returns null when it is the one we run as
 * @throws ServiceFailure  when there is none, or we may not become it
 */
export async function accountOf(
  label: string,
  user: string,
  limit: Limit,
): Promise<Account | null> {
  const found = await run({
    label: `${label}: look up user ${user}`,
    command: 'getent',
    args: ['passwd', '--', user],
    timeoutMs: Math.max(1, limit.leftMs()),
  })
  if (!found.ok && found.code === 'HA_EXEC_TIMEOUT') {
    throw new ServiceFailure('HA_SERVICE_TIMEOUT', found.message)
  }
  const [name, , uid, gid, , home] = found.stdout.split('\n')[0]!.split(':')
  if (!found.ok || name === undefined || uid === undefined || gid === undefined) {
    throw missing(`${label}: there is no user ${user} on this host: make it or name another one`)
  }
  if (Number(uid) === process.geteuid?.()) return null
  if (process.geteuid?.() !== 0) {
    throw new ServiceFailure(
      'HA_SERVICE_REFUSED',
      `${label}: only root can start it as user ${user}`,
    )
  }
  return { name, uid: Number(uid), gid: Number(gid), home: home || '/' }
}
