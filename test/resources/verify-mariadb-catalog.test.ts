/** Goal: every table is compared, or it is said why not. */
import { describe, expect, it } from 'vitest'
import type { SqlRow } from '../../src/resources/mariadb-door.ts'
import { assemble, pairTables } from '../../src/resources/verify-mariadb-catalog.ts'
import type { Table } from '../../src/resources/verify-mariadb-sql.ts'

const NAMES = { ours: 'sp1', theirs: 'sp2' }
const ID = { name: 'id', type: 'int', nullable: false, charset: null }

const table = (name: string, more: Partial<Table> = {}): [string, Table] => [
  `app.${name}`,
  {
    ...{ schema: 'app', name, engine: 'InnoDB', columns: [ID], key: [ID], keyName: 'PRIMARY' },
    ...{ rowsEstimate: 10, ...more },
  },
]

describe('the tables of a server', () => {
  const tables: SqlRow[] = [{ db: 'app', name: 't', engine: 'InnoDB', amount: '12' }]
  const column = (name: string, type: string, nullable = 'NO'): SqlRow => ({
    ...{ db: 'app', tab: 't', name, type, nullable, charset: null },
  })
  const part = (index: string, name: string, length: string | null = null): SqlRow => ({
    ...{ db: 'app', tab: 't', index_name: index, name, part: length },
  })
  const keyOf = (columns: SqlRow[], indexes: SqlRow[]): string[] | null => {
    const found = assemble(tables, columns, indexes).get('app.t')
    return found?.key == null ? null : [found.keyName, ...found.key.map(({ name }) => name)]
  }

  it('are compared along the primary key', () => {
    const columns = [column('a', 'INT'), column('b', 'INT')]
    expect(keyOf(columns, [part('PRIMARY', 'b'), part('PRIMARY', 'a')])).toEqual([
      'PRIMARY',
      'b',
      'a',
    ])
  })

  it('are compared along another that is unique, whole and never NULL, where the first does not do', () => {
    const columns = [
      ...[column('kind', 'ENUM'), column('maybe', 'int', 'YES'), column('text', 'varchar')],
      column('number', 'bigint'),
    ]
    const indexes = [
      ...[
        part('PRIMARY', 'kind'),
        part('a', 'maybe'),
        part('b', 'text', '10'),
        part('c', 'number'),
      ],
    ]
    expect(keyOf(columns, indexes)).toEqual(['c', 'number'])
    expect(keyOf(columns, indexes.slice(0, 3))).toBe(null)
  })
})

describe('the tables of two servers', () => {
  it('that are alike are compared in the order of their names', () => {
    const { tables, differences, notes } = pairTables(
      new Map([table('b'), table('a')]),
      new Map([table('a', { rowsEstimate: 99 }), table('b')]),
      NAMES,
    )
    expect([tables.map(({ name }) => name), differences, notes]).toEqual([['a', 'b'], [], []])
  })

  it('that one of them lacks or has otherwise differ by themselves', () => {
    const other = { ...ID, type: 'bigint' }
    const { tables, differences, notes } = pairTables(
      new Map([table('ours'), table('shape')]),
      new Map([table('theirs'), table('shape', { columns: [other], key: [other] })]),
      NAMES,
    )
    expect(tables).toEqual([])
    expect(differences).toEqual([
      { place: 'app.ours', key: null, onlyOn: 'sp1' },
      { place: 'app.shape', key: null, onlyOn: null },
      { place: 'app.theirs', key: null, onlyOn: 'sp2' },
    ])
    expect(notes).toEqual([
      'app.shape has other columns or another key on sp2; its rows were not compared',
    ])
  })

  it('that cannot be compared to the row are named with the reason', () => {
    const told = (more: Partial<Table>) => {
      const side = new Map([table('t', more)])
      const { tables, notes } = pairTables(side, side, NAMES)
      return [tables.length, ...notes]
    }
    expect(told({ engine: 'Aria' })).toEqual([
      ...[0, 'app.t (Aria) has no transactions; it cannot be compared while it is written'],
    ])
    expect(told({ key: null })).toEqual([
      ...[1, 'app.t has no primary key to go by; it was compared as a whole'],
    ])
    expect(told({ key: null, rowsEstimate: 6_000_000 })).toEqual([
      ...[0, 'app.t has no primary key to go by and is too large to be compared in one piece'],
    ])
  })
})
