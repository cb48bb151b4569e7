/**
 * Which tables are to be compared, and by which key?
 *
 * Reads what the account may see of both servers' catalogues and puts equal names together. Whatever is
 * not compared is said: a table that one side lacks or has in another shape is a difference by itself,
 * one without transactions cannot be looked at in one moment.
 */
import type { Asks, SqlRow } from './mariadb-door.ts'
import { quoted } from './mariadb-door.ts'
import type { Limit } from './store-result.ts'
import { type Column, canBeKey, type Table } from './verify-mariadb-sql.ts'
import type { Difference } from './verify-tally.ts'

/** Ours, and those of the server itself. */
const LEFT_OUT = ['mysql', 'information_schema', 'performance_schema', 'sys', 'tandem']

/** A table without a key is read in one statement, which cannot pause. */
const WHOLE_ROWS_MAX = 5_000_000

export interface Catalogue {
  /** In the order in which they are compared. */
  tables: readonly Table[]
  /** Of the shape; of rows nothing is known yet. */
  differences: readonly Difference[]
  notes: readonly string[]
}

/** @param schemas  null: all that the account may see */
export async function readTables(
  lane: Asks,
  schemas: readonly string[] | null,
  limit: Limit,
): Promise<Map<string, Table>> {
  const scope =
    schemas === null
      ? `table_schema NOT IN (${LEFT_OUT.map(quoted).join(',')})`
      : `table_schema IN (${schemas.map(quoted).join(',')})`
  const tables = await lane.ask(
    `SELECT table_schema AS db, table_name AS name, engine, table_rows AS amount
      FROM information_schema.tables WHERE table_type='BASE TABLE' AND ${scope}`,
    limit,
  )
  const columns = await lane.ask(
    `SELECT table_schema AS db, table_name AS tab, column_name AS name, data_type AS type,
      is_nullable AS nullable, character_set_name AS charset
      FROM information_schema.columns WHERE ${scope} AND extra NOT LIKE '%VIRTUAL GENERATED%'
      ORDER BY table_schema, table_name, ordinal_position`,
    limit,
  )
  const indexes = await lane.ask(
    `SELECT table_schema AS db, table_name AS tab, index_name AS index_name,
      column_name AS name, sub_part AS part
      FROM information_schema.statistics WHERE ${scope} AND non_unique=0
      ORDER BY table_schema, table_name, index_name<>'PRIMARY', index_name, seq_in_index`,
    limit,
  )
  return assemble(tables.rows, columns.rows, indexes.rows)
}

/** Pure; by `schema.table`. */
export function assemble(
  tables: readonly SqlRow[],
  columns: readonly SqlRow[],
  indexes: readonly SqlRow[],
): Map<string, Table> {
  const columnsOf = new Map<string, Column[]>()
  for (const row of columns) {
    const column = {
      name: row['name'] ?? '',
      type: (row['type'] ?? '').toLowerCase(),
      nullable: row['nullable'] === 'YES',
      charset: row['charset'] ?? null,
    }
    pushTo(columnsOf, `${row['db']}.${row['tab']}`, column)
  }
  const indexesOf = new Map<string, Map<string, SqlRow[]>>()
  for (const row of indexes) {
    const place = `${row['db']}.${row['tab']}`
    const known = indexesOf.get(place) ?? new Map<string, SqlRow[]>()
    indexesOf.set(place, known)
    pushTo(known, row['index_name'] ?? '', row)
  }
  const found = new Map<string, Table>()
  for (const row of tables) {
    const place = `${row['db']}.${row['name']}`
    const own = columnsOf.get(place) ?? []
    found.set(place, {
      schema: row['db'] ?? '',
      name: row['name'] ?? '',
      engine: row['engine'] ?? '',
      columns: own,
      ...keyAmong(indexesOf.get(place) ?? new Map<string, SqlRow[]>(), own),
      rowsEstimate: Number(row['amount'] ?? 0),
    })
  }
  return found
}

/** The first that orders the rows as we compare them; the primary key comes first. */
function keyAmong(
  indexes: ReadonlyMap<string, readonly SqlRow[]>,
  columns: readonly Column[],
): Pick<Table, 'key' | 'keyName'> {
  for (const [keyName, parts] of indexes) {
    const key = parts.flatMap((part) => {
      const column = columns.find(({ name }) => name === part['name'])
      return part['part'] !== null || column === undefined ? [] : [column]
    })
    const usable = key.length === parts.length && key.every(isKeyPart)
    if (usable) return { key, keyName }
  }
  return { key: null, keyName: '' }
}

function isKeyPart(column: Column): boolean {
  return !column.nullable && canBeKey(column)
}

/** Pure. What to compare of two servers. */
export function pairTables(
  ours: ReadonlyMap<string, Table>,
  theirs: ReadonlyMap<string, Table>,
  names: { ours: string; theirs: string },
): Catalogue {
  const tables: Table[] = []
  const differences: Difference[] = []
  const notes: string[] = []
  for (const place of [...new Set([...ours.keys(), ...theirs.keys()])].sort()) {
    const [own, other] = [ours.get(place), theirs.get(place)]
    if (own === undefined || other === undefined) {
      const onlyOn = own === undefined ? names.theirs : names.ours
      differences.push({ place, key: null, onlyOn })
    } else if (JSON.stringify(shapeOf(own)) !== JSON.stringify(shapeOf(other))) {
      differences.push({ place, key: null, onlyOn: null })
      notes.push(
        `${place} has other columns or another key on ${names.theirs}; its rows were not compared`,
      )
    } else if (own.engine !== 'InnoDB' || other.engine !== 'InnoDB') {
      const engine = own.engine === 'InnoDB' ? other.engine : own.engine
      notes.push(
        `${place} (${engine}) has no transactions; it cannot be compared while it is written`,
      )
    } else if (own.key === null && own.rowsEstimate > WHOLE_ROWS_MAX) {
      notes.push(
        `${place} has no primary key to go by and is too large to be compared in one piece`,
      )
    } else {
      if (own.key === null)
        notes.push(`${place} has no primary key to go by; it was compared as a whole`)
      tables.push(own)
    }
  }
  return { tables, differences, notes }
}

function shapeOf({ columns, key }: Table): unknown {
  const known = columns.map(({ name, type, nullable, charset }) => [name, type, nullable, charset])
  return [known, key?.map(({ name }) => name) ?? null]
}

function pushTo<Value>(map: Map<string, Value[]>, name: string, value: Value): void {
  const known = map.get(name)
  if (known === undefined) map.set(name, [value])
  else known.push(value)
}
