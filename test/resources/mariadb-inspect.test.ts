import { describe, expect, it } from 'vitest'
import { describeLasting } from '../../src/resources/mariadb-hazards.ts'
import { judgeSettings, judgeStart, versionFindings } from '../../src/resources/mariadb-inspect.ts'
import {
  mariadbConfiguration,
  mariadbStatementText,
  missing,
  PRIVILEGES,
  SETTINGS,
} from '../../src/resources/mariadb-setup.ts'

const RIGHT = new Map([
  ['log_bin', 'ON'],
  ...SETTINGS.map(({ name, value }) => [name, value] as [string, string]),
])

const names = (findings: readonly { setting: string; found: string | null }[]) =>
  findings.map(({ setting, found }) => `${setting}=${found}`)

describe('settings', () => {
  it('are right as the set-up prints them', () => {
    expect(judgeSettings(RIGHT, SETTINGS)).toEqual([])
    expect(
      judgeStart(
        mariadbConfiguration(1, true)
          .split('\n')
          .map((line) => `--${line.replace(' = ', '=')}`),
      ),
    ).toEqual([])
  })

  it.each(SETTINGS.filter(({ onlyAtStart }) => onlyAtStart !== true).map(({ name }) => name))(
    'are found wrong one by one: %s',
    (name) => {
      const wrong =
        name === 'slave_net_timeout'
          ? '60'
          : name === 'slave_parallel_threads'
            ? '0'
            : name === 'slave_parallel_mode'
              ? 'none'
              : 'x'
      expect(names(judgeSettings(new Map([...RIGHT, [name, wrong]]), SETTINGS))).toEqual([
        `${name}=${wrong}`,
      ])
    },
  )

  it('may be better than wanted', () => {
    const better = new Map([
      ...RIGHT,
      ['slave_parallel_threads', '8'],
      ['slave_net_timeout', '5'],
      ['slave_parallel_mode', 'aggressive'],
    ])
    expect(judgeSettings(better, SETTINGS)).toEqual([])
  })

  it('that count at the next start are read as the server reads them, the last one counting', () => {
    expect(names(judgeStart([]))).toEqual(['read_only=null', 'skip_slave_start=null'])
    expect(judgeStart(['--read-only', '--skip_slave_start'])).toEqual([])
    expect(names(judgeStart(['--read_only=1', '--skip-slave-start=ON', '--read-only=0']))).toEqual([
      'read_only=OFF',
    ])
    expect(names(judgeStart(['--loose-skip-slave-start', '--disable-read-only']))).toEqual([
      'read_only=OFF',
    ])
  })

  it('tell why and what to write', () => {
    expect(judgeSettings(new Map([...RIGHT, ['gtid_strict_mode', 'OFF']]), SETTINGS)).toEqual([
      {
        severity: 'error',
        setting: 'gtid_strict_mode',
        found: 'OFF',
        wanted: 'ON',
        why: 'a diverged server must stop before a row is merged',
        mend: "write gtid_strict_mode = ON below [mariadbd] in the server's configuration and restart it",
      },
    ])
  })
})

describe('versions', () => {
  it('are MariaDB from 10.11 on', () => {
    expect(versionFindings('10.11.19-MariaDB-log')).toEqual([])
    expect(versionFindings('11.4.2-MariaDB')).toEqual([])
    expect(versionFindings('10.6.1-MariaDB')).toHaveLength(1)
    expect(versionFindings('8.0.40')).toHaveLength(1)
  })
})

describe('grants', () => {
  it('are those on everything, and ALL PRIVILEGES holds each', () => {
    const line = `GRANT ${PRIVILEGES.slice(1).join(', ')} ON *.* TO \`t\`@\`h\` IDENTIFIED BY PASSWORD '*X'`
    expect(missing([line], PRIVILEGES)).toEqual(['READ_ONLY ADMIN'])
    expect(missing(['GRANT ALL PRIVILEGES ON *.* TO `t`@`h`'], PRIVILEGES)).toEqual([])
    expect(missing(['GRANT READ_ONLY ADMIN ON `x`.* TO `t`@`h`'], ['READ_ONLY ADMIN'])).toEqual([
      'READ_ONLY ADMIN',
    ])
  })
})

describe('the set-up', () => {
  const accounts = {
    user: "o'hare",
    password: "p\\'w",
    hosts: ['10.0.0.1'],
    replicationUser: 'repl',
    replicationPassword: 'r',
    replicationHosts: ['10.0.0.2'],
    undo: null,
  }

  it('quotes names and passwords, and keeps all of it out of the binary log', () => {
    const text = mariadbStatementText(accounts)
    expect(text).toContain(
      "CREATE USER IF NOT EXISTS 'o''hare'@'10.0.0.1' IDENTIFIED BY 'p\\\\''w';",
    )
    expect(text).toContain("GRANT REPLICATION SLAVE ON *.* TO 'repl'@'10.0.0.2';")
    expect(text.startsWith('SET SESSION sql_log_bin = 0;')).toBe(true)
    expect(text).not.toContain('BINLOG REPLAY')
  })

  it('numbers the two servers differently and nothing else', () => {
    const [one, two] = ([1, 2] as const).map((node) =>
      mariadbConfiguration(node, false).split('\n'),
    )
    expect(one?.filter((line, at) => line !== two?.[at])).toEqual([
      'server_id = 1',
      'auto_increment_offset = 1',
    ])
    expect(one?.join()).not.toContain('rpl_semi_sync_slave_enabled')
  })
})

describe('what a server holds', () => {
  it('is told by a few names and how many more', () => {
    const keyless = [1, 2, 3, 4, 5, 6, 7].map((n) => ({ name: `app/t${n}` }))
    expect(describeLasting({ tables: [], keyless, events: [], accounts: [] }, [])).toEqual([
      'Tables without a primary key make the standby search all rows for each change: app.t1, app.t2, app.t3, app.t4, app.t5 and 2 more; ALTER TABLE ... ADD PRIMARY KEY.',
    ])
  })

  it('does not call administrators and our own accounts a danger', () => {
    const accounts = ['root@localhost', 'root@vm', 'mysql@localhost', 'tandem@10.0.0.1'].map(
      (name) => {
        const [user = '', host = ''] = name.split('@')
        return { user, host }
      },
    )
    expect(describeLasting({ tables: [], keyless: [], events: [], accounts }, ['tandem'])).toEqual(
      [],
    )
    const anywhere = [{ user: 'root', host: '%' }]
    expect(
      describeLasting({ tables: [], keyless: [], events: [], accounts: anywhere }, []),
    ).toHaveLength(1)
  })
})
