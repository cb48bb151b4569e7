/**
 * What must an operator put in place, so that a MariaDB server can be a store of a pair?
 *
 * Text to copy: lines of configuration and statements for both nodes. Pure. The check
 * (`mariadb-inspect.ts`) reads the same lists, and a test carries the statements out and tries every
 * call of the store with nothing else granted. Passwords come in as parameters and stand in the text.
 */

/** Privileges that our account needs on `*.*`, all day. RELOAD holds writes for a planned move. */
export const PRIVILEGES = [
  'READ_ONLY ADMIN',
  'REPLICATION SLAVE ADMIN',
  'REPLICATION MASTER ADMIN',
  'SLAVE MONITOR',
  'BINLOG MONITOR',
  'CONNECTION ADMIN',
  'PROCESS',
  'RELOAD',
] as const

/** And those of the account that gives up transactions of a returning node; used only then. */
export const UNDO_PRIVILEGES = [
  'READ_ONLY ADMIN',
  'REPLICATION SLAVE ADMIN',
  'REPLICATION MASTER ADMIN',
  'BINLOG ADMIN',
  'BINLOG REPLAY',
  'RELOAD',
] as const

/** Granted besides to the same account, where it shall be able to copy a whole server anew. */
export const COPY_PRIVILEGES = [
  'SELECT',
  'INSERT',
  'UPDATE',
  'DELETE',
  'CREATE',
  'DROP',
  'ALTER',
  'INDEX',
  'REFERENCES',
  'TRIGGER',
  'EVENT',
  'CREATE VIEW',
  'SHOW VIEW',
  'CREATE ROUTINE',
  'ALTER ROUTINE',
  'LOCK TABLES',
  'SHOW DATABASES',
  'SET USER',
  'BINLOG MONITOR',
] as const

/** A setting that must be so, and why. Names with underscores, as the server shows them. */
export interface Setting {
  name: string
  value: string
  why: string
  /** Where another value loses data or stops the pair; else it is only worse. */
  severity: 'error' | 'warning'
  /** It counts when the server starts and is no variable, or changes while it runs. */
  onlyAtStart?: true
}

export const SETTINGS: readonly Setting[] = [
  error('binlog_format', 'ROW', 'statements may do something else on the other node'),
  error('log_slave_updates', 'ON', 'a standby must be able to send on what it received'),
  error('gtid_strict_mode', 'ON', 'a diverged server must stop before a row is merged'),
  error('slave_exec_mode', 'STRICT', 'otherwise rows are swapped without any error'),
  error('binlog_row_image', 'FULL', 'transactions of a returning node could not be undone'),
  error('sync_binlog', '1', 'a power cut would lose what the peer has'),
  error('innodb_flush_log_at_trx_commit', '1', 'a power cut would lose what was confirmed'),
  error('relay_log_recovery', 'ON', 'a relay log damaged by a crash would be applied'),
  { ...error('read_only', 'ON', 'a booting node must not take writes'), onlyAtStart: true },
  { ...error('skip_slave_start', 'ON', 'a booting node must not merge'), onlyAtStart: true },
  warning('slave_net_timeout', '10', 'a silent link is noticed late'),
  warning('slave_parallel_mode', 'optimistic', 'a busy active would leave the standby behind'),
  warning('slave_parallel_threads', '4', 'a busy active would leave the standby behind'),
]

/** Wanted besides, when writes are to wait for the peer. */
export const SEMI_SYNC_SETTINGS: readonly Setting[] = [
  error('rpl_semi_sync_slave_enabled', 'ON', 'the active could not wait for this node'),
  error('rpl_semi_sync_master_wait_point', 'AFTER_SYNC', 'others would see what may be lost'),
]

function error(name: string, value: string, why: string): Setting {
  return { name, value, why, severity: 'error' }
}

function warning(name: string, value: string, why: string): Setting {
  return { name, value, why, severity: 'warning' }
}

export interface MariadbAccounts {
  /** Our account and the hosts it comes from: this node's and the peer's addresses. */
  user: string
  password: string
  hosts: readonly string[]
  replicationUser: string
  replicationPassword: string
  /** The peers' servers. */
  replicationHosts: readonly string[]
  /** Account that undoes; null leaves it out, and a diverged node is then copied anew. */
  undo: { user: string; password: string } | null
  /** Account that compares both nodes; left out where none is wanted. */
  verify?: VerifyAccount | null
}

/**
 * Reads, and does nothing else: no RELOAD and no right to write. SELECT on everything includes the
 * server's own accounts, so that naming schemas grants less.
 */
export interface VerifyAccount {
  user: string
  password: string
  /** Null: everything. */
  schemas: readonly string[] | null
}

function verifyStatements(account: VerifyAccount, hosts: readonly string[]): string[] {
  const schemas = account.schemas?.map((name) => `\`${name.replace(/`/g, '``')}\`.*`)
  return hosts.flatMap((host) => {
    const name = `${text(account.user)}@${text(host)}`
    return [
      ...accountStatements(name, account.password),
      `GRANT BINLOG MONITOR ON *.* TO ${name}`,
      ...(schemas ?? ['*.*']).map((place) => `GRANT SELECT ON ${place} TO ${name}`),
    ]
  })
}

/** An account that is there already gets the password as well. */
function accountStatements(name: string, password: string): string[] {
  const identified = `${name} IDENTIFIED BY ${text(password)}`
  return [`CREATE USER IF NOT EXISTS ${identified}`, `ALTER USER ${identified}`]
}

/** Lines for a file below /etc/mysql/mariadb.conf.d, of the node with this number. */
export function mariadbConfiguration(node: 1 | 2, semiSync: boolean): string {
  const settings = [...SETTINGS, ...(semiSync ? SEMI_SYNC_SETTINGS : [])]
  return [
    '[mariadbd]',
    '# Different on the two nodes.',
    `server_id = ${node}`,
    `auto_increment_offset = ${node}`,
    'auto_increment_increment = 2',
    '# The same on both.',
    'gtid_domain_id = 0',
    'log_bin = binlog',
    'relay_log = relay',
    'expire_logs_days = 7',
    'bind_address = *',
    '# Shows who holds a lock that is in the way.',
    'plugin_load_add = metadata_lock_info',
    'rpl_semi_sync_slave_kill_conn_timeout = 1',
    ...settings.flatMap(({ name, value, why }) => [`# Else: ${why}.`, `${name} = ${value}`]),
    '',
  ].join('\n')
}

/** Statements for both nodes, before they are linked. They are kept out of the binary log. */
export function mariadbStatements(accounts: MariadbAccounts): string[] {
  const { user, password, hosts, undo } = accounts
  const statements = ['SET SESSION sql_log_bin = 0', ...SCHEMA]
  for (const host of hosts) {
    const account = `${text(user)}@${text(host)}`
    statements.push(
      ...accountStatements(account, password),
      `GRANT ${PRIVILEGES.join(', ')} ON *.* TO ${account}`,
      `GRANT SELECT ON tandem.* TO ${account}`,
      `GRANT INSERT, UPDATE ON tandem.probe TO ${account}`,
    )
    if (undo === null) continue
    const undoing = `${text(undo.user)}@${text(host)}`
    statements.push(
      ...accountStatements(undoing, undo.password),
      `GRANT ${UNDO_PRIVILEGES.join(', ')} ON *.* TO ${undoing}`,
      `GRANT SELECT, INSERT, UPDATE ON tandem.undone TO ${undoing}`,
    )
  }
  if (accounts.verify != null) statements.push(...verifyStatements(accounts.verify, hosts))
  for (const host of accounts.replicationHosts) {
    const account = `${text(accounts.replicationUser)}@${text(host)}`
    statements.push(
      ...accountStatements(account, accounts.replicationPassword),
      `GRANT REPLICATION SLAVE ON *.* TO ${account}`,
    )
  }
  statements.push('SET SESSION sql_log_bin = 1')
  return statements
}

/** Statements that let the account which undoes also copy everything (`tandem data rejoin --copy`). */
export function mariadbCopyGrants(user: string, hosts: readonly string[]): string[] {
  return [
    'SET SESSION sql_log_bin = 0',
    ...hosts.map(
      (host) => `GRANT ${COPY_PRIVILEGES.join(', ')} ON *.* TO ${text(user)}@${text(host)}`,
    ),
    'SET SESSION sql_log_bin = 1',
  ]
}

/** The same as one text to be given to the `mariadb` client. */
export function mariadbStatementText(accounts: MariadbAccounts): string {
  return `${mariadbStatements(accounts)
    .map((statement) => `${statement};`)
    .join('\n')}\n`
}

/**
 * Our tables, and views that show names to an account that may see no table of anybody.
 *
 * TEMPTABLE, so that nothing can be written through them with the rights of whoever made them.
 * READ_ONLY ADMIN is bit 33 of the access bits; in accounts made before 10.11 SUPER (bit 15) contains it.
 */
const SCHEMA: readonly string[] = [
  'CREATE DATABASE IF NOT EXISTS tandem',
  `CREATE TABLE IF NOT EXISTS tandem.probe (
  id INT PRIMARY KEY, number BIGINT NOT NULL, at TIMESTAMP(6) NOT NULL
) ENGINE=InnoDB`,
  `CREATE TABLE IF NOT EXISTS tandem.undone (
  id INT PRIMARY KEY, common TEXT NOT NULL, gtid_range TEXT NOT NULL,
  transactions BIGINT NOT NULL, archive TEXT NOT NULL, finished TINYINT NOT NULL
) ENGINE=InnoDB`,
  `CREATE OR REPLACE ALGORITHM=TEMPTABLE SQL SECURITY DEFINER VIEW tandem.table_look AS
  SELECT table_schema, table_name, engine FROM information_schema.tables
  WHERE table_type = 'BASE TABLE'
    AND table_schema NOT IN ('mysql', 'information_schema', 'performance_schema', 'sys', 'tandem')`,
  `CREATE OR REPLACE ALGORITHM=TEMPTABLE SQL SECURITY DEFINER VIEW tandem.event_look AS
  SELECT db, name, definer, status FROM mysql.event`,
  `CREATE OR REPLACE ALGORITHM=TEMPTABLE SQL SECURITY DEFINER VIEW tandem.bypass_look AS
  SELECT User AS user, Host AS host FROM mysql.global_priv
  WHERE CAST(JSON_VALUE(Priv, '$.access') AS UNSIGNED) & (1 << 33)
    OR (CAST(JSON_VALUE(Priv, '$.access') AS UNSIGNED) & (1 << 15)
      AND COALESCE(CAST(JSON_VALUE(Priv, '$.version_id') AS UNSIGNED), 0) < 101100)`,
]

/** Which of the privileges on everything a list of grants lacks; pure. */
export function missing(grants: readonly string[], wanted: readonly string[]): string[] {
  const held = new Set(
    grants.flatMap((line) => {
      const match = /^GRANT (.*?) ON \*\.\* TO /.exec(line)
      return match === null ? [] : (match[1] ?? '').split(',').map((name) => name.trim())
    }),
  )
  if (held.has('ALL PRIVILEGES')) return []
  return wanted.filter((name) => !held.has(name))
}

function text(value: string): string {
  return `'${value.replace(/\\/g, '\\\\').replace(/'/g, "''")}'`
}
