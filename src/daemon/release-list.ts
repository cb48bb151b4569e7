/**
 * What must be released when nothing of the agent is left? Two lists in the run directory for
 * `agents/release`, written before anything is put on or promoted.
 *
 * `floating-ips` has a line `INTERFACE ADDRESS/PREFIX` for each. `stores` has a block for each store, of
 * lines `KEY VALUE` with the keys of our configuration, the first of them `store`; a value goes to the end
 * of its line. Passwords are named by their files only, and the list is for its owner alone all the same:
 * it says where they are.
 */
import { rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { PairConfig, StoreConfig } from '../config/config.ts'

/** The text of `floating-ips`. */
function addressLines({ floatingIps }: Pick<PairConfig, 'floatingIps'>): string {
  return floatingIps
    .map(({ interface: name, address, prefixLength }) => `${name} ${address}/${prefixLength}\n`)
    .join('')
}

/** The text of `stores`. Left out is what is as the agents have it without being told. */
function storeLines(stores: readonly StoreConfig[]): string {
  return stores
    .map((store) => {
      const fields: [string, string | number | null][] = [
        ['store', store.name],
        ['kind', store.kind],
        ['socket', store.socketPath],
        ['address', store.address],
        ['port', store.port],
        ['user', store.user],
        ['password_file', store.passwordFile],
        ['replication_user', store.kind === 'mariadb' ? store.replicationUser : null],
        ['pid_file', store.pidFile],
      ]
      return fields
        .filter(([, value]) => value !== null)
        .map(([key, value]) => `${key} ${value}\n`)
        .join('')
    })
    .join('')
}

/** Writes both. @throws what the system refuses */
export async function writeReleaseLists(
  runDir: string,
  config: Pick<PairConfig, 'floatingIps' | 'stores'>,
): Promise<void> {
  await writeFile(join(runDir, 'floating-ips'), addressLines(config), { mode: 0o644 })
  // The mode counts for a new file only.
  const stores = join(runDir, 'stores')
  await rm(stores, { force: true })
  await writeFile(stores, storeLines(config.stores), { mode: 0o600 })
}
