import { describe, expect, it } from 'vitest'
import { parseGtidList } from '../../src/resources/gtid.ts'
import { judgeHistories } from '../../src/resources/mariadb-compare.ts'
import { judgeFailure, SqlFailure, withoutValues } from '../../src/resources/mariadb-fault.ts'
import { linkFault } from '../../src/resources/mariadb-link.ts'
import {
  backlogOf,
  Flow,
  positionOf,
  readReplication,
  type ServerState,
} from '../../src/resources/mariadb-status.ts'

const list = (text: string) => parseGtidList(text) ?? []

const UP = {
  Connection_name: '',
  Master_Host: '10.0.0.2',
  Master_Port: '3306',
  Slave_IO_Running: 'Yes',
  Slave_SQL_Running: 'Yes',
  Using_Gtid: 'Slave_Pos',
  Gtid_IO_Pos: '0-1-12',
  Master_Log_File: 'binlog.000001',
  Read_Master_Log_Pos: '100',
  Slave_received_heartbeats: '3',
  Last_IO_Errno: '0',
  Last_SQL_Errno: '0',
  Last_SQL_Error: '',
}
const up = readReplication(UP)

const state = (more: Partial<ServerState>): ServerState => ({
  role: 'read-only',
  version: '10.11.19-MariaDB',
  domain: 0,
  server: 2,
  binlogOn: true,
  binlogPos: list('0-1-9'),
  binlogState: list('0-1-9'),
  slavePos: list('0-1-9'),
  pidFile: '',
  dataDirectory: '',
  uptimeSeconds: 1,
  binlogBase: null,
  replication: null,
  semiSync: { on: false, acknowledged: 0, waiting: 0 },
  ...more,
})

describe('a link', () => {
  it('is followed while something comes in, and no longer than silence allows', () => {
    const flow = new Flow()
    expect(flow.follows(up, 1000)).toBe(true)
    expect(flow.follows(up, 4500)).toBe(true)
    expect(flow.follows(up, 4501)).toBe(false)
    expect(flow.follows({ ...up, mark: 'other' }, 4600)).toBe(true)
  })

  it('is not followed while a thread stands, or before the peer said anything', () => {
    const rows = [
      { Slave_IO_Running: 'Connecting' },
      { Slave_IO_Running: 'Preparing' },
      { Slave_IO_Running: 'No' },
      { Slave_SQL_Running: 'No' },
      { Master_Log_File: '' },
    ]
    for (const row of rows)
      expect(new Flow().follows(readReplication({ ...UP, ...row }), 0)).toBe(false)
    expect(new Flow().follows(null, 0)).toBe(false)
  })

  it('has its backlog counted in transactions, and none when it is stopped', () => {
    expect(backlogOf(state({ replication: up }))).toBe(3)
    expect(backlogOf(state({ replication: { ...up, receiver: 'no' } }))).toBe(3)
    expect(backlogOf(state({ replication: { ...up, receiver: 'no', applier: false } }))).toBe(null)
    expect(backlogOf(state({}))).toBe(null)
  })
})

describe('how far data reaches', () => {
  it('is what is applied on a standby', () => {
    const behind = state({ replication: up, binlogPos: list('0-1-10') })
    expect(positionOf(behind)).toEqual({ history: '0', offset: 9 })
  })

  it('is what was written on a server that is or was active', () => {
    const written = { binlogPos: list('0-2-30'), slavePos: list('0-1-9') }
    expect(positionOf(state({ ...written, role: 'writable', replication: up })).offset).toBe(30)
    expect(positionOf(state(written)).offset).toBe(30)
    expect(positionOf(state({ binlogPos: [], slavePos: list('0-1-9') })).offset).toBe(9)
  })
})

describe('comparing histories', () => {
  const peer = { binlogOn: true, state: list('0-1-9,0-2-20'), complete: false }

  it('says same, ahead and why it cannot tell', () => {
    expect(judgeHistories(state({}), peer)).toMatchObject({ verdict: 'same', ours: 0 })
    expect(judgeHistories(state({ binlogState: list('0-1-12') }), peer)).toMatchObject({
      verdict: 'ahead',
      ours: 3,
      sentence: '3 transactions here that the peer never saw: 0-1-10..12',
    })
    expect(judgeHistories(state({ binlogOn: false }), peer).verdict).toBe('unknown')
    expect(judgeHistories(state({}), { ...peer, binlogOn: false }).verdict).toBe('unknown')
  })

  it('lets an empty server follow from the beginning only when the peer has that', () => {
    const empty = state({ binlogState: [], binlogPos: [], slavePos: [] })
    expect(judgeHistories(empty, peer).verdict).toBe('unknown')
    expect(judgeHistories(empty, { ...peer, complete: true }).verdict).toBe('same')
    expect(judgeHistories(empty, { ...peer, state: [] }).verdict).toBe('same')
  })
})

describe('what went wrong', () => {
  it('is one of four codes', () => {
    const code = (name: string, errno = 0) => judgeFailure(new SqlFailure(name, errno, 'x')).code
    expect([
      code('ECONNREFUSED'),
      code('PROTOCOL_CONNECTION_LOST'),
      code('DEADLINE'),
      code('ETIMEDOUT'),
      code('ER_ACCESS_DENIED_ERROR', 1045),
      code('ER_SPECIFIC_ACCESS_DENIED_ERROR', 1227),
      code('ER_CON_COUNT_ERROR', 1040),
      code('ER_X', 9999),
    ]).toEqual([
      'HA_STORE_UNREACHABLE',
      'HA_STORE_UNREACHABLE',
      'HA_STORE_TIMEOUT',
      'HA_STORE_TIMEOUT',
      'HA_STORE_FORBIDDEN',
      'HA_STORE_FORBIDDEN',
      'HA_STORE_REFUSED',
      'HA_STORE_REFUSED',
    ])
  })

  it('is told without the text of the server where that may hold values', () => {
    const failure = new SqlFailure('ER_PARSE_ERROR', 1064, "near 'MASTER_PASSWORD='secret''")
    expect(judgeFailure(failure).why).toBe('error 1064')
    expect(withoutValues("Duplicate entry 'it''s secret' for key 'PRIMARY'")).toBe(
      "Duplicate entry '?' for key '?'",
    )
  })

  it('with replication says what to do about it', () => {
    const told = (more: object) => linkFault({ ...up, ...more }, 'peer:1')
    expect(told({})).toBe(null)
    expect(told({ receiverErrno: 2003 })?.code).toBe('HA_STORE_UNREACHABLE')
    expect(told({ receiverErrno: 1045 })?.code).toBe('HA_STORE_FORBIDDEN')
    expect(told({ receiverErrno: 1236 })?.message).toContain('copy this server anew')
    expect(told({ receiverErrno: 1593 })?.message).toContain('same server_id')
    expect(told({ applierErrno: 1950 })?.message).toContain('different rows')
  })
})
