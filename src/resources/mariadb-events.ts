/**
 * How do the events of the active server come to a standby that was copied anew?
 *
 * As replication would have brought them: there, and not running (`DISABLE ON SLAVE`), so that a promoted
 * node can be told to run them and no standby does. A dump would make them run at once.
 */
import { type Asks, quoted } from './mariadb-door.ts'
import { type Limit, StoreFailure } from './store-result.ts'

/** An event of the peer, as it is to be made here. */
export interface CopiedEvent {
  database: string
  sqlMode: string
  timeZone: string
  /** Makes it, not running. */
  statement: string
}

const EVENTS = `SELECT EVENT_SCHEMA AS db, EVENT_NAME AS name FROM information_schema.EVENTS
  WHERE EVENT_SCHEMA NOT IN ('mysql', 'sys', 'tandem') ORDER BY 1, 2`

/** Every event of a server. @throws StoreFailure for one that cannot be read */
export async function readEvents(source: Asks, limit: Limit): Promise<CopiedEvent[]> {
  const { rows } = await source.ask(EVENTS, limit)
  const events: CopiedEvent[] = []
  for (const { db, name } of rows) {
    const path = `${named(db ?? '')}.${named(name ?? '')}`
    const shown = (await source.ask(`SHOW CREATE EVENT ${path}`, limit)).rows[0] ?? {}
    const statement = asOnStandby(shown['Create Event'] ?? '')
    if (statement === null) {
      throw new StoreFailure('HA_STORE_REFUSED', `the event ${path} cannot be read`)
    }
    events.push({
      database: db ?? '',
      sqlMode: shown['sql_mode'] ?? '',
      timeZone: shown['time_zone'] ?? 'SYSTEM',
      statement,
    })
  }
  return events
}

/** Makes events, in a session that is not logged and that is good for nothing else afterwards. */
export async function makeEvents(
  target: Asks,
  events: readonly CopiedEvent[],
  limit: Limit,
): Promise<void> {
  for (const { database, sqlMode, timeZone, statement } of events) {
    await target.ask(`USE ${named(database)}`, limit)
    await target.ask(
      `SET SESSION sql_mode=${quoted(sqlMode)}, time_zone=${quoted(timeZone)}`,
      limit,
    )
    await target.ask(statement, limit)
  }
}

/** The statement that makes an event, so that it does not run; null when it is none we know. */
export function asOnStandby(statement: string): string | null {
  const known = /^CREATE .*? ON COMPLETION (?:NOT )?PRESERVE (ENABLE|DISABLE(?: ON SLAVE)?)\b/s
  const found = known.exec(statement)
  if (found === null) return null
  const [head = '', status = ''] = found
  const kept = status === 'ENABLE' ? 'DISABLE ON SLAVE' : status
  return head.slice(0, -status.length) + kept + statement.slice(head.length)
}

function named(name: string): string {
  return `\`${name.replaceAll('`', '``')}\``
}
