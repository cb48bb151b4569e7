/** Goal: statements are exact for every kind of key, and no value of a key can become a statement. */
import { describe, expect, it } from 'vitest'
import {
  boundaryOf,
  type Column,
  canBeKey,
  listOf,
  readKey,
  rowWord,
  showKey,
  summaryOf,
  type Table,
} from '../../src/resources/verify-mariadb-sql.ts'

const column = (name: string, type: string, more: Partial<Column> = {}): Column => ({
  ...{ name, type, nullable: false, charset: null },
  ...more,
})
const ID = column('id', 'int')
const TENANT = column('tenant', 'varchar', { charset: 'utf8mb4' })
const table = (key: readonly Column[] | null, columns: readonly Column[] = key ?? []): Table => ({
  ...{
    schema: 'app',
    name: 't`x',
    engine: 'InnoDB',
    columns,
    key,
    keyName: 'PRIMARY',
    rowsEstimate: 0,
  },
})
const wordOf = (columns: readonly Column[]): string => rowWord(columns)

describe('the word of a row', () => {
  it('holds every value as bytes, which are NULL, and how long each text is', () => {
    const columns = [ID, column('n', 'int', { nullable: true }), TENANT, column('f', 'float')]
    expect(wordOf(columns)).toBe(
      "CAST(CONV(LEFT(MD5(CONCAT_WS('#',CAST(`id` AS BINARY),CAST(`n` AS BINARY)," +
        'CAST(`tenant` AS BINARY),CAST(CAST(`f` AS DOUBLE) AS BINARY),' +
        'ISNULL(`n`),COALESCE(LENGTH(`tenant`),-1))),15),16,10) AS UNSIGNED)',
    )
  })
})

describe('a range', () => {
  it('is open at its ends and goes along the key', () => {
    const all = summaryOf(table([ID]), { after: null, upTo: null })
    expect(all).toMatch(/ FROM `app`\.`t``x` FORCE INDEX \(`PRIMARY`\)$/)
    const part = { after: ['10'], upTo: ['20'] }
    expect(summaryOf(table([ID]), part)).toMatch(/ WHERE `id`>10 AND `id`<=20$/)
    expect(boundaryOf(table([ID]), { after: ['10'], upTo: null }, 1000)).toBe(
      'SELECT `id` AS k0 FROM `app`.`t``x` FORCE INDEX (`PRIMARY`) WHERE `id`>10 ORDER BY `id` LIMIT 1 OFFSET 999',
    )
  })

  it('of a key of several columns is one that the index answers', () => {
    const key = [TENANT, column('at', 'datetime')]
    const range = { after: ['6E6F', '2026-01-01 00:00:00'], upTo: ['', '2026-01-02 00:00:00'] }
    expect(listOf(table(key), range)).toContain(
      " WHERE (`tenant`>=_utf8mb4 x'6E6F' AND (`tenant`>_utf8mb4 x'6E6F' OR (`at`>'2026-01-01 00:00:00')))" +
        " AND (`tenant`<=_utf8mb4 '' AND (`tenant`<_utf8mb4 '' OR (`at`<='2026-01-02 00:00:00')))",
    )
  })

  it('of a table without a key is the whole of it', () => {
    const whole = summaryOf(table(null, [ID]), { after: null, upTo: null })
    expect(whole).toMatch(/ FROM `app`\.`t``x`$/)
  })

  it('does not carry anything but a value, whatever the file of an earlier run says', () => {
    const statement = (key: Column, value: string) => () =>
      summaryOf(table([key]), { after: [value], upTo: null })
    expect(statement(ID, '1 OR 1=1')).toThrow('not a number')
    expect(statement(TENANT, "41' OR 1")).toThrow('not hexadecimal')
    expect(statement(column('at', 'date'), "x' OR '1")()).toContain("`at`>'x'' OR ''1'")
    expect(statement({ ...TENANT, charset: "utf8' x" }, '41')()).toContain("`tenant`>_utf8x x'41'")
  })
})

describe('a key', () => {
  it('is read and shown as people know it', () => {
    const key = [TENANT, ID, column('hash', 'binary')]
    const row = { k0: 'C3A464', k1: '17', k2: '00FF', word: '1' }
    expect(readKey(table(key), row)).toEqual(['C3A464', '17', '00FF'])
    expect(showKey(table(key), ['C3A464', '17', '00FF'])).toBe('tenant=äd, id=17, hash=0x00FF')
  })

  it('is only one whose columns sort as they compare', () => {
    const fit = ['int', 'bigint', 'decimal', 'varchar', 'binary', 'timestamp', 'uuid']
    expect(fit.map((type) => canBeKey(column('k', type)))).toEqual(fit.map(() => true))
    const unfit = ['enum', 'set', 'float', 'double', 'bit', 'geometry']
    expect(unfit.map((type) => canBeKey(column('k', type)))).toEqual(unfit.map(() => false))
  })
})
