/**
 * Which object keeps which configured store? Reads the passwords and makes them; opens no connection.
 */
import { join } from 'node:path'
import type { StoreConfig } from '../config/config.ts'
import { MariadbStore } from '../resources/mariadb.ts'
import { RedisStore } from '../resources/redis.ts'
import type { ReplicatedStore } from '../resources/replicated-store.ts'
import { readPassword } from '../system/password.ts'

export type OpenedStores =
  | { ok: true; stores: ReplicatedStore[] }
  /** Why not, in a sentence that names the file. */
  | { ok: false; why: string }

/**
 * @param semiSyncTimeoutMs  how long a MariaDB server waits for the peer before it goes on alone
 * @param stateDir  where the agent remembers whom a store followed; left out by whoever only looks
 */
export async function openStores(
  configs: readonly StoreConfig[],
  semiSyncTimeoutMs: number,
  stateDir?: string,
): Promise<OpenedStores> {
  const stores: ReplicatedStore[] = []
  const faults: string[] = []
  const password = async (path: string | null): Promise<string> => {
    if (path === null) return ''
    const read = await readPassword(path)
    if (!read.ok) faults.push(read.message)
    return read.ok ? read.password : ''
  }
  for (const config of configs) {
    const own = await password(config.passwordFile)
    if (config.kind === 'redis') {
      stores.push(
        new RedisStore({
          name: config.name,
          ours:
            config.socketPath === null
              ? { address: config.address, port: config.port }
              : { socketPath: config.socketPath },
          peer: { address: config.peerAddress, port: config.peerPort },
          account: config.passwordFile === null ? null : { username: config.user, password: own },
          dataDirectory: config.dataDirectory,
          pidFile: config.pidFile,
          ...(stateDir === undefined
            ? {}
            : { followedFile: join(stateDir, `followed-${config.name}`) }),
          now: () => new Date(),
        }),
      )
      continue
    }
    const undoPassword = await password(config.undoPasswordFile)
    stores.push(
      new MariadbStore({
        name: config.name,
        server: { host: config.address, port: config.port, socketPath: config.socketPath },
        peer: { host: config.peerAddress, port: config.peerPort },
        user: config.user,
        password: own,
        replicationUser: config.replicationUser,
        replicationPassword: await password(config.replicationPasswordFile),
        verifyUser: config.verify?.user ?? null,
        undo: config.undoUser === null ? null : { user: config.undoUser, password: undoPassword },
        semiSync: config.semiSync,
        semiSyncTimeoutMs,
        pidFile: config.pidFile,
        binlogDirectory: config.dataDirectory,
      }),
    )
  }
  if (faults.length === 0) return { ok: true, stores }
  for (const store of stores) store.close()
  return { ok: false, why: faults.join('; ') }
}
