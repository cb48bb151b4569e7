/**
 * Which settings of a MariaDB server should both nodes have alike, besides what "tandem doctor" wants?
 *
 * What differs in them comes to light at a switchover: other sizes, other limits, another meaning of the same
 * statement. Any account may read them.
 */
import type { Asks } from './mariadb-door.ts'
import { SETTINGS } from './mariadb-setup.ts'
import type { Limit } from './store-result.ts'

const BESIDES = [
  'character_set_server',
  'collation_server',
  'innodb_buffer_pool_size',
  'innodb_log_file_size',
  'innodb_strict_mode',
  'lower_case_table_names',
  'max_allowed_packet',
  'max_connections',
  'sql_mode',
  'time_zone',
  'transaction_isolation',
  'tx_isolation',
  'wait_timeout',
]

/** By name; a setting that this release does not have is left out. */
export async function askShared(lane: Asks, limit: Limit): Promise<ReadonlyMap<string, string>> {
  const names = [
    ...SETTINGS.filter(({ onlyAtStart }) => !onlyAtStart).map(({ name }) => name),
    ...BESIDES,
  ]
  const list = names.map((name) => `'${name}'`).join(', ')
  const { rows } = await lane.ask(`SHOW GLOBAL VARIABLES WHERE Variable_name IN (${list})`, limit)
  return new Map(rows.map((row) => [row['Variable_name'] ?? '', row['Value'] ?? '']))
}
