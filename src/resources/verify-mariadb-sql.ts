/**
 * Which statements tell whether a range of rows is the same on two servers?
 *
 * Pure. A row is 60 bits of the MD5 of its values as bytes, with the length of each text, so that neither
 * NULL and empty nor moved boundaries are taken for equal. A range is the count of its rows and the sum
 * of their words, which does not depend on their order and counts equal rows as often as they occur.
 *
 * Keys travel as text: the bytes of texts in hexadecimal, everything else as the server prints it.
 */
import { quoted } from './mariadb-door.ts'

/** What must be known of a column to read it exactly. */
export interface Column {
  name: string
  /** As information_schema.columns calls it, small letters: `varchar`, `int`. */
  type: string
  nullable: boolean
  /** Null for anything but text. */
  charset: string | null
}

export interface Table {
  schema: string
  name: string
  engine: string
  columns: readonly Column[]
  /** Columns of the primary key, or of another that is unique and never NULL; null: none we can go by. */
  key: readonly Column[] | null
  /** Name of that index; the server is held to it, so that no chunk is sorted first. */
  keyName: string
  /** By the server's statistics. */
  rowsEstimate: number
}

/** One value per column of the key. */
export type Key = readonly string[]

/** Rows after one key, up to and with another; null is an open end. */
export interface KeyRange {
  after: Key | null
  upTo: Key | null
}

const TEXTS: ReadonlySet<string> = new Set([
  ...['char', 'varchar', 'tinytext', 'text', 'mediumtext', 'longtext'],
])
const BYTES: ReadonlySet<string> = new Set([
  ...['binary', 'varbinary', 'tinyblob', 'blob', 'mediumblob', 'longblob'],
])
const INTEGERS: ReadonlySet<string> = new Set([
  ...['tinyint', 'smallint', 'mediumint', 'int', 'bigint', 'decimal', 'year'],
])
const MOMENTS: ReadonlySet<string> = new Set(['date', 'datetime', 'timestamp', 'time'])
const ADDRESSES: ReadonlySet<string> = new Set(['uuid', 'inet4', 'inet6'])
const INEXACT: ReadonlySet<string> = new Set(['float', 'double'])

/** Whether the server sorts such a column as it compares it with a value written by us. */
export function canBeKey({ type }: Column): boolean {
  return [TEXTS, BYTES, INTEGERS, MOMENTS, ADDRESSES].some((kind) => kind.has(type))
}

function identifier(name: string): string {
  return `\`${name.replace(/`/g, '``')}\``
}

/** The word of one row. */
export function rowWord(columns: readonly Column[]): string {
  const values = columns.map((column) => {
    const name = identifier(column.name)
    // FLOAT prints six digits, whatever it holds.
    return `CAST(${INEXACT.has(column.type) ? `CAST(${name} AS DOUBLE)` : name} AS BINARY)`
  })
  const shapes = columns.flatMap((column) => {
    const name = identifier(column.name)
    if (TEXTS.has(column.type) || BYTES.has(column.type)) return [`COALESCE(LENGTH(${name}),-1)`]
    return column.nullable ? [`ISNULL(${name})`] : []
  })
  const text = `CONCAT_WS('#',${[...values, ...shapes].join(',')})`
  return `CAST(CONV(LEFT(MD5(${text}),15),16,10) AS UNSIGNED)`
}

/** Count and sum of a range, as `amount` and `total`. */
export function summaryOf(table: Table, range: KeyRange): string {
  const what = `SELECT COUNT(*) AS amount, COALESCE(SUM(${rowWord(table.columns)}),0) AS total`
  return `${what} FROM ${along(table)}${where(table, range)}`
}

/** Key of the row that is so many rows after the beginning of the range; no row when there are fewer. */
export function boundaryOf(table: Table, range: KeyRange, rows: number): string {
  const key = keyOf(table)
  const order = key.map(({ name }) => identifier(name)).join(',')
  const place = `LIMIT 1 OFFSET ${Math.max(0, rows - 1)}`
  return `SELECT ${keySelect(key)} FROM ${along(table)}${where(table, range)} ORDER BY ${order} ${place}`
}

/** Key and word of each row of a range. */
export function listOf(table: Table, range: KeyRange): string {
  const select = `${keySelect(keyOf(table))},${rowWord(table.columns)} AS word`
  return `SELECT ${select} FROM ${along(table)}${where(table, range)}`
}

/** The key of a row that `boundaryOf` or `listOf` gave. */
export function readKey(table: Table, row: Readonly<Record<string, string | null>>): Key {
  return keyOf(table).map((_, index) => row[`k${index}`] ?? '')
}

/** `id=17, tenant=north`. */
export function showKey(table: Table, key: Key): string {
  return keyOf(table)
    .map((column, index) => `${column.name}=${shown(column, key[index] ?? '')}`)
    .join(', ')
}

function along({ schema, name, key, keyName }: Table): string {
  const table = `${identifier(schema)}.${identifier(name)}`
  return key === null ? table : `${table} FORCE INDEX (${identifier(keyName)})`
}

function keyOf({ key }: Table): readonly Column[] {
  if (key === null) throw new Error('a table without a key has no ranges')
  return key
}

function keySelect(key: readonly Column[]): string {
  return key
    .map((column, index) => {
      const name = identifier(column.name)
      return `${inHex(column) ? `HEX(${name})` : name} AS k${index}`
    })
    .join(',')
}

function inHex({ type }: Column): boolean {
  return TEXTS.has(type) || BYTES.has(type)
}

function where(table: Table, { after, upTo }: KeyRange): string {
  const conditions: string[] = []
  if (after !== null) conditions.push(beyond(keyOf(table), after, '>', '>'))
  if (upTo !== null) conditions.push(beyond(keyOf(table), upTo, '<', '<='))
  return conditions.length === 0 ? '' : ` WHERE ${conditions.join(' AND ')}`
}

/** `(a, b) > (x, y)` in the form that the server answers from the index. */
function beyond(key: readonly Column[], at: Key, strict: string, last: string): string {
  const [column, ...rest] = key
  const [value, ...others] = at
  if (column === undefined || value === undefined)
    throw new Error('a key has as many parts as its index')
  const name = identifier(column.name)
  const is = literal(column, value)
  if (rest.length === 0) return `${name}${last}${is}`
  const within = beyond(rest, others, strict, last)
  return `(${name}${strict}=${is} AND (${name}${strict}${is} OR (${within})))`
}

/**
 * A value of a key in a statement. Keys also come from a file of ours, so nothing is believed.
 *
 * @throws Error  when it is no value of such a column
 */
function literal({ type, charset }: Column, value: string): string {
  if (TEXTS.has(type) || BYTES.has(type)) {
    if (!/^([0-9A-F]{2})*$/.test(value)) throw new Error('not hexadecimal')
    const introducer = charset === null ? '' : `_${charset.replace(/\W/g, '')} `
    return value === '' ? `${introducer}''` : `${introducer}x'${value}'`
  }
  if (!INTEGERS.has(type)) return quoted(value)
  if (!/^-?\d+(\.\d+)?$/.test(value)) throw new Error('not a number')
  return value
}

const SHOWN_MAX = 80

function shown({ type }: Column, value: string): string {
  if (BYTES.has(type)) return `0x${cut(value)}`
  return cut(TEXTS.has(type) ? Buffer.from(value, 'hex').toString('utf8') : value)
}

function cut(text: string): string {
  return text.length > SHOWN_MAX ? `${text.slice(0, SHOWN_MAX)}…` : text
}
