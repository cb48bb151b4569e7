import { describe, expect, it } from 'vitest'
import {
  blockersOf,
  firstWords,
  isApplication,
  nameSession,
  type Session,
} from '../../src/resources/mariadb-blockers.ts'
import type { Asks, SqlRow } from '../../src/resources/mariadb-door.ts'
import { SqlFailure } from '../../src/resources/mariadb-fault.ts'

const OWN = { user: 'tandem', replicationUser: 'repl' }
const LIMIT = { leftMs: () => 1000 } as never

const session = (more: Partial<Session>): Session => ({
  id: 7,
  user: 'app',
  host: '10.0.0.5:4000',
  command: 'Query',
  seconds: 2.6,
  statement: 'SELECT 1',
  transactionSeconds: null,
  transactionRows: 0,
  ...more,
})

describe('the first words of a statement', () => {
  it.each([
    ["INSERT INTO app.t VALUES (1, 'secret')", 'INSERT INTO app.t VALUES (?, ?)'],
    ["SET PASSWORD FOR x = PASSWORD('secret')", 'SET PASSWORD FOR x = PASSWORD(?)'],
    ["UPDATE t1 SET v='it''s secret', w=\"secret\"", 'UPDATE t1 SET v=?, w=?'],
    ["SELECT /* secret 'x */ a FROM t -- 'secret\nWHERE b='secret'", 'SELECT a FROM t WHERE b=?'],
    ['SELECT a FROM t # secret\nWHERE b=0xBEEF', 'SELECT a FROM t WHERE b=?'],
    ["SELECT '/*', 'secret', '*/'", 'SELECT ?, ?, ?'],
    ["UPDATE t SET v='cut off in the mid", 'UPDATE t SET v=?'],
    // Whether the backslash escapes depends on the server, so nothing behind a quote is shown.
    ["UPDATE t SET v='a\\', w='secret'", 'UPDATE t SET v=?'],
    ["UPDATE t SET v='a\\' secret'", 'UPDATE t SET v=?'],
    ['SELECT 1.5e-3, -7, `c4`, t5.x', 'SELECT ?, -?, `c4`, t5.x'],
  ])('hold no value: %s', (statement, words) => {
    expect(firstWords(statement)).toBe(words)
  })

  it('end after sixty characters', () => {
    expect(firstWords(`SELECT ${'a, '.repeat(100)}`)).toHaveLength(61)
  })
})

describe('who is an application', () => {
  it('is everybody but replication, the server and us', () => {
    expect(isApplication(session({}), OWN)).toBe(true)
    expect(isApplication(session({ command: 'Sleep', statement: null }), OWN)).toBe(true)
    const others = [
      { user: 'system user' },
      { user: 'event_scheduler' },
      { user: 'tandem' },
      { user: 'repl' },
      { user: 'other', command: 'Binlog Dump' },
      { user: 'other', command: 'Daemon' },
      { user: 'other', command: 'Slave_SQL' },
    ]
    expect(others.filter((other) => isApplication(session(other), OWN))).toEqual([])
  })
})

function server(sessions: SqlRow[], holders: SqlRow[] | null): Asks {
  return {
    ask: async (sql) => {
      if (!sql.includes('METADATA_LOCK_INFO')) return { rows: sessions, affected: 0 }
      if (holders === null) throw new SqlFailure('ER_UNKNOWN_TABLE', 1109, 'unknown table')
      return { rows: holders, affected: 0 }
    },
  }
}

const row = (id: number, more: SqlRow = {}): SqlRow => ({
  id: String(id),
  user: 'app',
  host: 'h',
  command: 'Query',
  seconds: '1.0',
  info: 'SELECT 1',
  trx_seconds: null,
  trx_rows: null,
  ...more,
})

describe('who holds a server up', () => {
  it('is the holder of a lock before a longer statement', async () => {
    const idle = row(2, { command: 'Sleep', info: null, seconds: '3.2' })
    const found = await blockersOf(
      server([row(1, { seconds: '9' }), idle], [{ id: '2' }]),
      OWN,
      LIMIT,
    )
    expect(found).toBe('it is held up by session 2, app@h, for 3 s: it is idle and holds a lock')
  })

  it('is the longest statement where locks cannot be seen', async () => {
    const found = await blockersOf(server([row(1), row(2, { seconds: '4' })], null), OWN, LIMIT)
    expect(found).toBe('it is held up by session 2, app@h, for 4 s: SELECT ?')
  })

  it('is nobody, and how to see more is said', async () => {
    expect(await blockersOf(server([], null), OWN, LIMIT)).toBe(
      'nobody is seen who holds it up (load the plugin metadata_lock_info to see who holds a lock idly)',
    )
    expect(await blockersOf(server([], []), OWN, LIMIT)).toBe('nobody is seen who holds it up')
  })

  it('is named with session, account and time', () => {
    expect(nameSession(session({}))).toBe('session 7, app@10.0.0.5:4000, for 3 s: SELECT ?')
  })
})
