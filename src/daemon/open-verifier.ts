/**
 * What compares a configured store? Reads the password of its account; opens no connection.
 */
import type { StoreConfig } from '../config/config.ts'
import type { StoreFinding } from '../resources/replicated-store.ts'
import { MariadbVerifier } from '../resources/verify-mariadb.ts'
import { inspectMariadbVerify } from '../resources/verify-mariadb-access.ts'
import { RedisVerifier } from '../resources/verify-redis.ts'
import { inspectRedisVerify } from '../resources/verify-redis-access.ts'
import type { Verifier } from '../resources/verify-tally.ts'
import { readPassword } from '../system/password.ts'

export type OpenedVerifier =
  | { ok: true; verifier: Verifier }
  | { ok: false; why: string; mend: string }

export async function openVerifier(config: StoreConfig): Promise<OpenedVerifier> {
  const account = await accountOf(config)
  if (!account.ok) return account
  const { login } = account
  if (config.kind === 'mariadb') {
    const { ours, theirs } = mariadbServers(config)
    const schemas = config.verify?.schemas ?? null
    return { ok: true, verifier: new MariadbVerifier({ ours, theirs, login, schemas }) }
  }
  const { ours, theirs } = redisServers(config)
  const named = { username: login.user, password: login.password }
  return {
    ok: true,
    verifier: new RedisVerifier({
      ours: { label: config.name, place: ours, account: named },
      theirs: { label: `the peer's ${config.name}`, place: theirs, account: named },
    }),
  }
}

/** What the account lacks on either server; none when no account is configured. */
export async function inspectVerify(config: StoreConfig, limitMs: number): Promise<StoreFinding[]> {
  if (config.verify === null) return []
  const account = await accountOf(config)
  if (!account.ok) {
    const { why, mend } = account
    const of = { setting: 'verify account', found: null, wanted: 'its password' }
    return [{ severity: 'error', ...of, why, mend }]
  }
  const { login } = account
  if (config.kind === 'mariadb') {
    const { schemas } = config.verify
    return inspectMariadbVerify(mariadbServers(config), { ...login, schemas }, limitMs)
  }
  const named = { username: login.user, password: login.password }
  return inspectRedisVerify(redisServers(config), named, limitMs)
}

type Account =
  | { ok: true; login: { user: string; password: string } }
  | { ok: false; why: string; mend: string }

async function accountOf({ name, verify }: StoreConfig): Promise<Account> {
  if (verify === null) {
    const why = `tandem.stores.${name}.verify_user names no account to compare with`
    return { ok: false, why, mend: `name one, and make it as "tandem setup ${name}" prints it` }
  }
  if (verify.passwordFile === null) return { ok: true, login: { user: verify.user, password: '' } }
  const read = await readPassword(verify.passwordFile)
  const mend =
    'make it with  (umask 077; openssl rand -hex 24 > FILE)  and copy it to the other node'
  if (!read.ok) return { ok: false, why: read.message, mend }
  return { ok: true, login: { user: verify.user, password: read.password } }
}

function mariadbServers({ address, port, socketPath, peerAddress, peerPort }: StoreConfig) {
  return {
    ours: { host: address, port, socketPath },
    theirs: { host: peerAddress, port: peerPort },
  }
}

function redisServers({ address, port, socketPath, peerAddress, peerPort }: StoreConfig) {
  return {
    ours: socketPath === null ? { address, port } : { socketPath },
    theirs: { address: peerAddress, port: peerPort },
  }
}
