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

/** Tries what the comparison will do, on both servers. */
export async function inspectMariadbVerify(
  servers: { ours: ServerAddress; theirs: ServerAddress },
  account: VerifyAccount,
  limitMs: number,
): Promise<StoreFinding[]> {
  const limit = new Limit(limitMs)
  const findings: StoreFinding[] = []
  for (const [side, where] of [
    ['ours', 'our server'],
    ['theirs', "the peer's server"],
  ] as const) {
    const lane = new Lane(servers[side], account)
    try {
      await lane.ask('SHOW MASTER STATUS', limit)
      const seen = await lane.ask(
        'SELECT schema_name AS name FROM information_schema.schemata',
        limit,
      )
      const names = new Set(seen.rows.map((row) => row['name']))
      for (const schema of account.schemas ?? []) {
        if (names.has(schema)) continue
        findings.push(finding(where, `SELECT ON ${schema}.*`, 'it would not be compared'))
      }
    } catch (failure) {
      if (!(failure instanceof SqlFailure)) throw failure
      findings.push(finding(where, 'logs in, with BINLOG MONITOR', judgeFailure(failure).why))
    } finally {
      lane.close()
    }
  }
  return findings
}

function finding(where: string, wanted: string, why: string): StoreFinding {
  return {
    severity: 'error',
    setting: `verify account at ${where}`,
    found: null,
    wanted,
    why,
    mend: 'carry out the statements of the set-up for it, on both nodes',
  }
}
