import { describe, expect, it } from 'vitest'
import { BinlogReader, binlogStatements } from '../../src/resources/mariadb-binlog-text.ts'

const HEAD = '#261121 15:40:16 server id 1  end_log_pos 1435 CRC32 0x6b4077b7 \t'

function read(...lines: string[]) {
  const reader = new BinlogReader()
  for (const line of lines) reader.line(line)
  return reader.summary()
}

const INSERT = ['### INSERT INTO `app`.`t`', '### SET', '###   @1=1']

describe('a stretch of the binary log', () => {
  it('is counted in transactions and rows, and can be undone when it is rows alone', () => {
    const summary = read(
      `${HEAD}GTID 0-1-7 trans`,
      'START TRANSACTION',
      `${HEAD}Annotate_rows:`,
      '#Q> INSERT INTO app.t VALUES (1)',
      '#Q> ### UPDATE `not`.`this`',
      ...INSERT,
      `${HEAD}Xid = 50`,
      'COMMIT/*!*/;',
      `${HEAD}GTID 0-1-8 trans`,
      '### UPDATE `app`.`u`',
      '### DELETE FROM `odd``name`.`v`',
      `${HEAD}Query\tthread_id=9\texec_time=0\terror_code=0\txid=0`,
      'SET TIMESTAMP=1/*!*/;',
      'COMMIT',
    )
    expect(summary).toEqual({
      transactions: 2,
      rows: 3,
      tables: ['app.t', 'app.u', 'odd``name.v'],
      touched: ['app.u', 'odd``name.v'],
      obstacle: null,
    })
  })

  it.each([
    ['a change of the schema', [`${HEAD}GTID 0-1-7 ddl`], 'it changes the schema or accounts'],
    [
      'a table without transactions',
      [`${HEAD}GTID 0-1-7`],
      'it writes to a table without transactions',
    ],
    [
      'a statement',
      [
        `${HEAD}GTID 0-1-7 trans`,
        `${HEAD}Query\tthread_id=9\texec_time=0\terror_code=0`,
        'use `app`/*!*/;',
        'SET TIMESTAMP=1763739616/*!*/;',
        'SET @@session.sql_mode=1411383296/*!*/;',
        '/*!\\C utf8mb3 *//*!*/;',
        'insert into t values (1)',
      ],
      'it holds a statement instead of rows',
    ],
  ])('cannot be undone with %s in it', (_, lines, why) => {
    expect(read(...lines).obstacle).toBe(`0-1-7 cannot be undone: ${why}`)
  })

  it('names the first that stands in the way', () => {
    expect(read(`${HEAD}GTID 0-1-7 ddl`, `${HEAD}GTID 0-1-8`).obstacle).toContain('0-1-7')
  })
})

describe('what undoes a stretch', () => {
  it('is the statements that carry events, in their order, and nothing else', () => {
    const text =
      "DELIMITER /*!*/;\nBINLOG '\nAA==\n'/*!*/;\nSTART TRANSACTION/*!*/;\nBINLOG '\nBB+/\nCC==\n'/*!*/;\nCOMMIT"
    expect(binlogStatements(text)).toEqual(["BINLOG '\nAA==\n'", "BINLOG '\nBB+/\nCC==\n'"])
    expect(binlogStatements('')).toEqual([])
  })

  it('is refused when it is cut off or holds anything but events', () => {
    expect(binlogStatements("\nBINLOG '\nAA==")).toBe(null)
    expect(binlogStatements("\nBINLOG '\nAA'; DROP TABLE t; '\n'/*!*/;")).toBe(null)
  })
})
