/**
 * How does a Redis server put all it holds into files, and where are they?
 *
 * A save that began before we asked may lack what came last, so an own one is made after every other
 * has ended. BGSAVE and not a transfer over the network: a server that follows nobody refuses to hand
 * itself over (NOMASTERLINK), and saves.
 */
import type { RedisFiles } from './redis-archive.ts'
import { askAll, type RedisLook } from './redis-ask.ts'
import type { RedisLine } from './redis-line.ts'
import { readSettings } from './redis-settings.ts'
import { type Limit, pause, StoreFailure } from './store-result.ts'

const LOOK_EVERY_MS = 20

/**
 * Saves, and says where.
 *
 * @param dataDirectory  as configured with us; null: as the server's configuration says
 * @throws StoreFailure
 */
export async function saveAll(
  line: RedisLine,
  dataDirectory: string | null,
  limit: Limit,
): Promise<{ look: RedisLook; files: RedisFiles }> {
  const before = await whenIdle(line, limit)
  // First of all, before anything is written: without the place the save would be in vain.
  const settings = await whereItKeeps(line, before, dataDirectory, limit)
  const savedAfterMs = Date.now()
  await line.call(['BGSAVE'], limit)
  const look = await whenIdle(line, limit)
  const { saves, lastSaveOk } = look.persistence
  if (!lastSaveOk || saves <= before.persistence.saves) {
    throw refuse(line, 'BGSAVE: saving failed; see the log of the server (disk full?)')
  }
  const appendOnly = look.persistence.appendOnly ? settings.appendOnly : null
  return { look, files: { ...settings, appendOnly, savedAfterMs } }
}

/**
 * Where the server keeps what it saves.
 *
 * @throws StoreFailure
 */
export async function directoriesOf(
  line: RedisLine,
  dataDirectory: string | null,
  limit: Limit,
): Promise<string[]> {
  if (dataDirectory !== null) return [dataDirectory]
  const { directory } = await whereItKeeps(line, await askAll(line, limit), null, limit)
  return [directory]
}

/** When no child of the server writes files. */
async function whenIdle(line: RedisLine, limit: Limit): Promise<RedisLook> {
  for (;;) {
    const look = await askAll(line, limit)
    if (!look.persistence.saving && !look.persistence.rewriting) return look
    await pause(LOOK_EVERY_MS)
  }
}

async function whereItKeeps(
  line: RedisLine,
  look: RedisLook,
  dataDirectory: string | null,
  limit: Limit,
): Promise<{ directory: string; snapshot: string; appendOnly: string }> {
  const { configFile } = look.server
  const settings = configFile === null ? null : await readSettings(configFile)
  const value = (name: string): string | null => settings?.values.get(name)?.[0] ?? null
  let directory = dataDirectory ?? value('dir')
  if (directory === null || !directory.startsWith('/')) {
    directory = await askDirectory(line, limit)
  }
  return {
    directory,
    snapshot: value('dbfilename') ?? 'dump.rdb',
    appendOnly: value('appenddirname') ?? 'appendonlydir',
  }
}

/** Asked last: most accounts may not, and each refusal stands in the server's access log. */
async function askDirectory(line: RedisLine, limit: Limit): Promise<string> {
  try {
    const reply = await line.call(['CONFIG', 'GET', 'dir'], limit, true)
    if (Array.isArray(reply) && typeof reply[1] === 'string') return reply[1]
  } catch (cause) {
    if (!(cause instanceof StoreFailure) || cause.fault.code === 'HA_STORE_TIMEOUT') throw cause
  }
  throw refuse(
    line,
    'archive: where it keeps its files is not known; name its data directory in the configuration',
  )
}

function refuse(line: RedisLine, message: string): StoreFailure {
  return new StoreFailure('HA_STORE_REFUSED', `${line.label}: ${message}`)
}
