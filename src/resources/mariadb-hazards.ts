/**
 * What should an operator know about the contents and users of a server before a switchover?
 *
 * Sentences, each with its mend. Who is busy right now is looked at every time; tables, events and
 * accounts change seldom and are looked at once a minute. Names only: no rows, no statements' values.
 * Those lists come from the views that `mariadb-setup.ts` makes, because our account may see no more.
 */
import { domainsOf } from './gtid.ts'
import {
  isApplication,
  nameSession,
  type Own,
  type Session,
  sessionsOf,
} from './mariadb-blockers.ts'
import type { Asks, Lane, SqlRow } from './mariadb-door.ts'
import { judgeFailure, SqlFailure } from './mariadb-fault.ts'
import { isLinked, type ServerState } from './mariadb-status.ts'
import { Limit, pause } from './store-result.ts'

/** A statement that runs this long may be in the way of a freeze. */
const STATEMENT_LONG_SECONDS = 1
/** A transaction open this long will be refused at its end when a switchover comes. */
const TRANSACTION_LONG_SECONDS = 5
/** So many names are shown of each kind. */
const NAMES_MAX = 5

/** Of who is busy and how the server stands; pure. */
export function presentHazards(
  state: ServerState,
  sessions: readonly Session[],
  own: Own,
): string[] {
  const hazards: string[] = []
  const applications = sessions.filter((session) => isApplication(session, own))
  for (const session of applications) {
    if (session.command !== 'Sleep' && session.seconds >= STATEMENT_LONG_SECONDS) {
      hazards.push(
        `A long statement holds up a switchover: ${nameSession(session)}; wait for it or KILL ${session.id}.`,
      )
    } else if ((session.transactionSeconds ?? 0) >= TRANSACTION_LONG_SECONDS) {
      hazards.push(
        `A transaction is open for ${session.transactionSeconds} s and would be refused at its end: session ${session.id}, ${session.user}@${session.host}; let the application commit sooner.`,
      )
    }
  }
  const domains = domainsOf([...state.binlogState, ...state.slavePos])
  if (domains.some((domain) => domain !== state.domain)) {
    hazards.push(
      `Transactions are in several GTID domains (${domains.join(', ')}), which merge without being noticed; set gtid_domain_id=${state.domain} everywhere and fill both servers anew.`,
    )
  }
  if (state.role === 'writable' && isLinked(state.replication)) {
    hazards.push(
      "The active still receives from the peer, so late transactions of the peer's could come in; STOP SLAVE.",
    )
  }
  return hazards
}

const TABLES = `SELECT table_schema AS db, table_name AS name, engine FROM tandem.table_look
  WHERE engine <> 'InnoDB' LIMIT 1000`
/** InnoDB makes this one itself where a table has neither a primary nor another whole key. */
const KEYLESS = `SELECT t.NAME AS name FROM information_schema.INNODB_SYS_INDEXES i
  JOIN information_schema.INNODB_SYS_TABLES t USING (TABLE_ID)
  WHERE i.NAME = 'GEN_CLUST_INDEX' AND t.NAME NOT LIKE 'mysql/%' LIMIT 1000`
const EVENTS = 'SELECT db, name, definer, status FROM tandem.event_look'
const ACCOUNTS = 'SELECT user, host FROM tandem.bypass_look'

/** Of what the server holds. Four questions. */
export async function lastingHazards(
  lane: Asks,
  known: readonly string[],
  limit: Limit,
): Promise<string[]> {
  const tables = (await lane.ask(TABLES, limit)).rows
  const keyless = (await lane.ask(KEYLESS, limit)).rows
  const events = (await lane.ask(EVENTS, limit)).rows
  const accounts = (await lane.ask(ACCOUNTS, limit)).rows
  return describeLasting({ tables, keyless, events, accounts }, known)
}

export interface Contents {
  tables: readonly SqlRow[]
  keyless: readonly SqlRow[]
  events: readonly SqlRow[]
  accounts: readonly SqlRow[]
}

/** Users that are meant to be able to write always, unless they may come from anywhere. */
const ADMINISTRATORS: ReadonlySet<string> = new Set(['root', 'mysql', 'mariadb.sys'])

/**
 * Pure.
 *
 * @param known  users of ours
 */
export function describeLasting(contents: Contents, known: readonly string[]): string[] {
  const hazards: string[] = []
  const tables = contents.tables.map((row) => `${row['db']}.${row['name']} (${row['engine']})`)
  if (tables.length > 0) {
    hazards.push(
      `Tables without transactions may differ after a crash: ${some(tables)}; ALTER TABLE ... ENGINE=InnoDB.`,
    )
  }
  const keyless = contents.keyless.map((row) => (row['name'] ?? '').replace('/', '.'))
  if (keyless.length > 0) {
    hazards.push(
      `Tables without a primary key make the standby search all rows for each change: ${some(keyless)}; ALTER TABLE ... ADD PRIMARY KEY.`,
    )
  }
  const bypass = contents.accounts.map((row) => `${row['user']}@${row['host']}`)
  const strangers = contents.accounts
    .filter(({ user, host }) => {
      if (known.includes(user ?? '')) return false
      return !(ADMINISTRATORS.has(user ?? '') && !(host ?? '').includes('%'))
    })
    .map((row) => `${row['user']}@${row['host']}`)
  if (strangers.length > 0) {
    hazards.push(
      `Accounts that may write on a read-only server: ${some(strangers)}; REVOKE READ_ONLY ADMIN ON *.* FROM each (GRANT ALL contains it).`,
    )
  }
  const events = contents.events.filter((row) => row['status'] === 'ENABLED')
  const unguarded = events.filter((row) => bypass.includes(row['definer'] ?? ''))
  if (unguarded.length > 0) {
    hazards.push(
      `Events run with an account that may write on a read-only server, so they go on after a demotion: ${some(unguarded.map(nameEvent))}; ALTER DEFINER=... EVENT to an account without READ_ONLY ADMIN.`,
    )
  }
  if (events.length > 0) {
    hazards.push(
      `Events are enabled on one node only and stay there after a switchover: ${some(events.map(nameEvent))}; run such jobs from outside the server, or ALTER EVENT ... ENABLE on the new active.`,
    )
  }
  return hazards
}

function nameEvent(row: SqlRow): string {
  return `${row['db']}.${row['name']} (${row['definer']})`
}

function some(names: readonly string[]): string {
  const sorted = [...names].sort()
  const more = sorted.length - NAMES_MAX
  return sorted.slice(0, NAMES_MAX).join(', ') + (more > 0 ? ` and ${more} more` : '')
}

/** How long what was seen of tables, events and accounts is believed. */
const LASTING_MS = 60_000
/** A server with very many tables takes its time; nobody waits for it. */
const LASTING_LIMIT_MS = 20_000
/** So long the first look waits for them. */
const FIRST_WAIT_MS = 200

/** Remembers the slow part, so that looking every second costs little and never waits. */
export class HazardWatch {
  readonly #own: Own
  readonly #known: readonly string[]
  readonly #lane: Lane
  #lasting: readonly string[] = []
  #begunMs: number | null = null

  /**
   * @param known  users of ours
   * @param lane   for the slow part alone
   */
  constructor(own: Own, known: readonly string[], lane: Lane) {
    this.#own = own
    this.#known = known
    this.#lane = lane
  }

  async look(look: Asks, state: ServerState, nowMs: number, limit: Limit): Promise<string[]> {
    if (this.#begunMs === null || nowMs - this.#begunMs >= LASTING_MS) {
      this.#begunMs = nowMs
      await Promise.race([this.#lookLonger(), pause(Math.min(FIRST_WAIT_MS, limit.leftMs() / 4))])
    }
    const present = presentHazards(state, await sessionsOf(look, limit), this.#own)
    return [...present, ...this.#lasting]
  }

  close(): void {
    this.#lane.close()
  }

  async #lookLonger(): Promise<void> {
    try {
      this.#lasting = await lastingHazards(this.#lane, this.#known, new Limit(LASTING_LIMIT_MS))
    } catch (failure) {
      if (!(failure instanceof SqlFailure)) throw failure
      const { why } = judgeFailure(failure)
      this.#lasting = [`Tables, events and accounts could not be looked at: ${why}.`]
    }
  }
}
