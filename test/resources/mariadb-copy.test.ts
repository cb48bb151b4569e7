/** Goal: the small decisions of a whole copy, which a server would only show when it is too late. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, describe, expect, test } from 'vitest'
import { formatGtidList, parseGtidList } from '../../src/resources/gtid.ts'
import { stateAt } from '../../src/resources/mariadb-copy.ts'
import { optionText, positionIn } from '../../src/resources/mariadb-dump.ts'
import { asOnStandby } from '../../src/resources/mariadb-events.ts'

const directory = mkdtempSync(join(tmpdir(), 'tandem-dump-'))
afterAll(() => rmSync(directory, { recursive: true, force: true }))

const list = (text: string) => parseGtidList(text) ?? []

describe('the state of a copied server', () => {
  test.each([
    { before: '0-1-5,0-2-9', position: '0-2-12', state: '0-1-5,0-2-12' },
    { before: '0-2-9,0-1-10', position: '0-1-10', state: '0-2-9,0-1-10' },
    { before: '', position: '0-2-1', state: '0-2-1' },
    { before: '0-1-5', position: '', state: '0-1-5' },
    { before: '0-1-5,7-1-3', position: '0-1-8,7-1-3', state: '0-1-8,7-1-3' },
  ])('is $state, from $before moved on to $position', ({ before, position, state }) => {
    expect(formatGtidList(stateAt(list(before), list(position)))).toBe(state)
  })
})

describe('the position of a dump', () => {
  const file = (lines: readonly string[]): string => {
    const path = join(directory, 'dump.sql')
    writeFileSync(path, `${lines.join('\n')}\n`)
    return path
  }
  const rows = Array.from({ length: 200 }, (_, row) => `INSERT INTO t VALUES (${row});`)
  const word = (gtid: string): string => `-- SET GLOBAL gtid_slave_pos='${gtid}';`

  test.each([
    { name: 'before the tables', lines: [word('0-2-9'), ...rows], found: '0-2-9' },
    { name: 'after the tables', lines: [...rows, word('0-2-9'), '-- end'], found: '0-2-9' },
    { name: 'only in somebody’s routine', lines: [...rows, word('0-9-9'), ...rows], found: null },
    {
      name: 'after the tables, and something alike in a routine',
      lines: [...rows, word('0-9-9'), ...rows, word('0-2-9')],
      found: '0-2-9',
    },
    { name: 'nowhere', lines: rows, found: null },
  ])('is read where it stands $name', async ({ lines, found }) => {
    const position = await positionIn(file(lines))
    expect(position === null ? null : formatGtidList(position)).toBe(found)
  })
})

test('a password reaches the client whatever is in it', () => {
  expect(optionText('a"b\\c\'d #e\nf')).toBe('"a\\"b\\\\c\'d #e\\nf"')
})

describe('an event on a standby', () => {
  const event = (status: string): string =>
    `CREATE DEFINER=\`a\`@\`%\` EVENT \`e\` ON SCHEDULE EVERY 1 DAY STARTS '2026-01-01 00:00:00' ON COMPLETION NOT PRESERVE ${status} DO SELECT 'ON COMPLETION PRESERVE ENABLE'`

  test.each([
    { from: 'ENABLE', to: 'DISABLE ON SLAVE' },
    { from: 'DISABLE', to: 'DISABLE' },
    { from: 'DISABLE ON SLAVE', to: 'DISABLE ON SLAVE' },
    { from: "ENABLE COMMENT 'x'", to: "DISABLE ON SLAVE COMMENT 'x'" },
  ])('that is "$from" at the peer is "$to" here', ({ from, to }) => {
    expect(asOnStandby(event(from))).toBe(event(to))
  })

  test('that cannot be read is not made', () => {
    expect(asOnStandby('CREATE TABLE t (id INT)')).toBeNull()
  })
})
