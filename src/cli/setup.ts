/**
 * `tandem setup NAME`: what must be put in place, so that a server can be a store of the pair?
 *
 * Prints the settings and the accounts, made from the lists that `tandem doctor` checks. Changes nothing:
 * an operator reads it, and pipes the statements into the server's own client.
 */
import { formatReport } from '../config/check-report.ts'
import type { PairConfig, StoreConfig } from '../config/config.ts'
import { loadConfig } from '../config/load.ts'
import {
  mariadbConfiguration,
  mariadbCopyGrants,
  mariadbStatementText,
  type VerifyAccount,
} from '../resources/mariadb-setup.ts'
import {
  accessLines,
  configurationLines,
  type RedisSetup,
  setupText,
} from '../resources/redis-setup.ts'
import { readPassword } from '../system/password.ts'
import { type CommandSpec, type Io, parseCommand, usageError } from './command.ts'
import { EXIT } from './exit-code.ts'

export const SPEC: CommandSpec = {
  name: 'setup',
  summary: 'Prints the settings and accounts that a store needs.',
  details:
    'NAME is a store below tandem.stores. The text holds its passwords: do not keep it.\n' +
    'MariaDB accounts, on both nodes: tandem setup NAME --accounts | mariadb\n' +
    'Redis accounts are the file that its settings name as aclfile.\n' +
    'Exit status: 0 printed, 1 no such store, 3 the configuration or a password file cannot be used.',
  positionals: ['NAME'],
  options: {
    accounts: { type: 'boolean', help: 'only what makes the accounts' },
    settings: { type: 'boolean', help: 'only the lines of configuration' },
    'copy-grants': {
      type: 'boolean',
      help: 'MariaDB: what the undo account needs besides for "tandem data rejoin NAME --copy"',
    },
  },
}

export async function run(args: string[], io: Io): Promise<number> {
  const result = parseCommand(SPEC, args, io)
  if (!result.ok) return result.exitCode
  const { places, positionals, values } = result.parsed
  const loaded = await loadConfig({ directory: places.configDir, node: places.node })
  if (!loaded.ok) {
    io.stderr(formatReport(loaded.mistakes))
    return EXIT.refused
  }
  const { config } = loaded
  const store = config.stores.find(({ name }) => name === positionals[0])
  if (store === undefined) {
    const known = config.stores.map(({ name }) => name).join(', ')
    io.stderr(
      `tandem setup: no store is called ${positionals[0]}; configured are: ${known === '' ? 'none' : known}\n`,
    )
    return EXIT.usage
  }
  if (values['copy-grants'] === true) return printCopyGrants(config, store, io)
  const passwords = await readPasswords(store)
  if (typeof passwords === 'string') {
    io.stderr(
      `tandem setup: ${passwords}\n  mend: make it with  (umask 077; openssl rand -hex 24 > FILE)  on one node, and copy it to the other\n`,
    )
    return EXIT.refused
  }
  const wanted: Wanted = {
    accounts: values['settings'] !== true,
    settings: values['accounts'] !== true,
  }
  const textOf = store.kind === 'redis' ? redisText : mariadbText
  io.stdout(textOf(config, store, passwords, wanted))
  return EXIT.done
}

/** Apart from the rest: with them the account may read and replace everything. */
function printCopyGrants(config: PairConfig, store: StoreConfig, io: Io): number {
  if (store.kind === 'redis') {
    return usageError(SPEC.name, '--copy-grants means nothing for Redis: its account may do it', io)
  }
  if (store.undoUser === null) {
    io.stderr(
      `tandem setup: tandem.stores.${store.name}.undo_user names no account to copy with\n  mend: name one with undo_user and undo_password_file, and make it with --accounts\n`,
    )
    return EXIT.refused
  }
  const statements = mariadbCopyGrants(store.undoUser, hostsOf(config))
  io.stdout(statements.map((statement) => `${statement};\n`).join(''))
  return EXIT.done
}

/** Where our accounts come from: this host and the peer, over the first path. */
function hostsOf(config: PairConfig): string[] {
  return ['localhost', '127.0.0.1', ...pathAddresses(config)]
}

/** Ours and the peer's, of the path over which stores follow. */
function pathAddresses({ paths: [path] }: PairConfig): string[] {
  return path === undefined ? [] : [path.ourAddress, path.peerAddress]
}

/** Both: everything, with explanations. */
interface Wanted {
  accounts: boolean
  settings: boolean
}

interface Passwords {
  own: string
  replication: string
  undo: string
  verify: string
}

async function readPasswords(store: StoreConfig): Promise<Passwords | string> {
  const needed: [keyof Passwords, string, string | null][] = [
    ['own', 'password_file', store.passwordFile],
    ['replication', 'replication_password_file', store.replicationPasswordFile],
  ]
  if (store.undoUser !== null) {
    needed.push(['undo', 'undo_password_file', store.undoPasswordFile])
  }
  if (store.verify !== null) {
    needed.push(['verify', 'verify_password_file', store.verify.passwordFile])
  }
  const passwords: Passwords = { own: '', replication: '', undo: '', verify: '' }
  for (const [of, key, path] of needed) {
    if (path === null) return `tandem.stores.${store.name}.${key} names no file with a password`
    const read = await readPassword(path)
    if (!read.ok) return read.message
    if (read.password === '') return `${path} is empty`
    passwords[of] = read.password
  }
  return passwords
}

function redisText(
  config: PairConfig,
  store: StoreConfig,
  passwords: Passwords,
  wanted: Wanted,
): string {
  const [listen] = pathAddresses(config)
  const setup: RedisSetup = {
    username: store.user,
    password: passwords.own,
    replicaUsername: store.replicationUser,
    replicaPassword: passwords.replication,
    aclFile: '/etc/redis/users.acl',
    verify: verifyAccount(store, passwords),
    ...(listen === undefined ? {} : { listen }),
  }
  if (!wanted.settings) return accessLines(setup)
  if (!wanted.accounts) return configurationLines(setup)
  return setupText(setup)
}

/** The account that compares both nodes; null when none is wanted. */
function verifyAccount({ verify }: StoreConfig, passwords: Passwords): VerifyAccount | null {
  if (verify === null) return null
  return { user: verify.user, password: passwords.verify, schemas: verify.schemas }
}

function mariadbText(
  config: PairConfig,
  store: StoreConfig,
  passwords: Passwords,
  wanted: Wanted,
): string {
  const settings = mariadbConfiguration(config.node === 'sp1' ? 1 : 2, store.semiSync)
  const statements = mariadbStatementText({
    user: store.user,
    password: passwords.own,
    hosts: hostsOf(config),
    replicationUser: store.replicationUser,
    replicationPassword: passwords.replication,
    replicationHosts: pathAddresses(config),
    undo: store.undoUser === null ? null : { user: store.undoUser, password: passwords.undo },
    verify: verifyAccount(store, passwords),
  })
  if (!wanted.settings) return statements
  if (!wanted.accounts) return settings
  return (
    `# 1. /etc/mysql/mariadb.conf.d/99-tandem.cnf on ${config.node}:\n\n${settings}\n` +
    `# 2. Accounts, on both nodes: tandem setup ${store.name} --accounts | mariadb\n\n` +
    statements.replace(/^/gm, '#   ').replace(/#\s+$/, '')
  )
}
