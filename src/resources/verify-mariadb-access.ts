/**
 * Is the account that compares two MariaDB servers allowed what it needs?
 *
 * Tries on both servers what the comparison will do; `mariadb-setup.ts` prints what to grant.
 */
import { Lane, type ServerAddress } from './mariadb-door.ts'
import { judgeFailure, SqlFailure } from './mariadb-fault.ts'
import type { VerifyAccount } from './mariadb-setup.ts'
import type { StoreFinding } from './replicated-store.ts'
import { Limit } from './store-result.ts'
import { type AccessFault, inspectBothServers, type Side } from './verify-access.ts'

const MEND = 'carry out the statements of the set-up for it, on both nodes'

/** Tries what the comparison will do, on both servers. */
export function inspectMariadbVerify(
  servers: Readonly<Record<Side, ServerAddress>>,
  account: VerifyAccount,
  limitMs: number,
): Promise<StoreFinding[]> {
  const limit = new Limit(limitMs)
  return inspectBothServers(MEND, async (side) => {
    const lane = new Lane(servers[side], account)
    try {
      return await missingSchemas(lane, account, limit)
    } catch (failure) {
      if (!(failure instanceof SqlFailure)) throw failure
      return [{ wanted: 'logs in, with BINLOG MONITOR', why: judgeFailure(failure).why }]
    } finally {
      lane.close()
    }
  })
}

async function missingSchemas(
  lane: Lane,
  account: VerifyAccount,
  limit: Limit,
): Promise<AccessFault[]> {
  await lane.ask('SHOW MASTER STATUS', limit)
  const seen = await lane.ask('SELECT schema_name AS name FROM information_schema.schemata', limit)
  const names = new Set(seen.rows.map((row) => row['name']))
  return (account.schemas ?? [])
    .filter((schema) => !names.has(schema))
    .map((schema) => ({ wanted: `SELECT ON ${schema}.*`, why: 'it would not be compared' }))
}
