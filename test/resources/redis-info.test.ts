// Goal: what a server tells of itself is read as it is meant. Method: text as 7.0 prints it.
import { describe, expect, test } from 'vitest'
import {
  keyCountOf,
  parseInfo,
  persistenceOf,
  replicationOf,
  serverOf,
} from '../../src/resources/redis-info.ts'

const ID = 'a'.repeat(40)
const FORMER = 'b'.repeat(40)

const ACTIVE = `# Replication\r
role:master\r
connected_slaves:2\r
slave0:ip=10.0.0.2,port=6379,state=online,offset=1204,lag=0\r
slave1:ip=fd00::2,port=6380,state=wait_bgsave,offset=0,lag=0\r
master_failover_state:no-failover\r
master_replid:${ID}\r
master_replid2:${FORMER}\r
master_repl_offset:1234\r
second_repl_offset:1000\r
repl_backlog_active:1\r
repl_backlog_size:67108864\r
repl_backlog_first_byte_offset:1\r
repl_backlog_histlen:1234\r
`

const STANDBY = `# Replication\r
role:slave\r
master_host:10.0.0.1\r
master_port:6379\r
master_link_status:up\r
master_last_io_seconds_ago:1\r
master_sync_in_progress:0\r
slave_read_repl_offset:1300\r
slave_repl_offset:1234\r
slave_priority:100\r
slave_read_only:1\r
replica_announced:1\r
connected_slaves:0\r
master_failover_state:no-failover\r
master_replid:${ID}\r
master_replid2:${'0'.repeat(40)}\r
master_repl_offset:1234\r
second_repl_offset:-1\r
repl_backlog_active:1\r
repl_backlog_size:1048576\r
repl_backlog_first_byte_offset:1\r
repl_backlog_histlen:0\r
`

describe('INFO', () => {
  test('of a server that takes writes has its history, the former one and who follows', () => {
    expect(replicationOf(parseInfo(ACTIVE))).toEqual({
      following: null,
      history: ID,
      offset: 1234,
      formerHistory: FORMER,
      formerEnd: 1000,
      followers: [
        { address: '10.0.0.2', port: 6379, online: true },
        { address: 'fd00::2', port: 6380, online: false },
      ],
      backlogBytes: 67_108_864,
    })
  })

  test('of a server that follows has what came in, what is applied, and whether anything came at all', () => {
    expect(replicationOf(parseInfo(STANDBY))).toEqual({
      following: {
        address: '10.0.0.1',
        port: 6379,
        linkUp: true,
        copying: false,
        streamed: false,
        silentSeconds: 1,
        receivedOffset: 1300,
        offset: 1234,
        readOnly: true,
      },
      history: ID,
      offset: 1234,
      formerHistory: null,
      formerEnd: null,
      followers: [],
      backlogBytes: 1_048_576,
    })
  })

  test('of a server without a link tells what it holds, not the 1 that stands there then', () => {
    const alone = STANDBY.replace('link_status:up', 'link_status:down')
      .replace('seconds_ago:1', 'seconds_ago:-1')
      .replace('slave_repl_offset:1234', 'slave_repl_offset:1')
      .replace('slave_read_repl_offset:1300', 'slave_read_repl_offset:1')
    const following = replicationOf(parseInfo(alone))?.following
    expect(following).toMatchObject({
      linkUp: false,
      silentSeconds: null,
      offset: 1234,
      receivedOffset: 1234,
    })
  })

  test('without the fields we decide by is not read at all', () => {
    expect(replicationOf(parseInfo(''))).toBeNull()
    expect(replicationOf(parseInfo(ACTIVE.replace('role:master', 'role:sentinel')))).toBeNull()
    expect(replicationOf(parseInfo(ACTIVE.replace(/master_repl_offset.*/, '')))).toBeNull()
    expect(serverOf(parseInfo(ACTIVE))).toBeNull()
    expect(persistenceOf(parseInfo(ACTIVE))).toBeNull()
  })

  test('of the server itself has what identifies its process', () => {
    const text =
      'redis_version:7.0.15\r\nredis_mode:standalone\r\nprocess_id:77\r\nrun_id:ab\r\ntcp_port:6379\r\nuptime_in_seconds:5\r\nconfig_file:\r\n'
    expect(serverOf(parseInfo(text))).toEqual({
      version: '7.0.15',
      mode: 'standalone',
      runId: 'ab',
      processId: 77,
      tcpPort: 6379,
      uptimeSeconds: 5,
      configFile: null,
    })
  })

  test('of persistence tells what is under way and what failed', () => {
    const text =
      'loading:0\r\nasync_loading:0\r\nrdb_bgsave_in_progress:1\r\nrdb_last_bgsave_status:err\r\nrdb_saves:3\r\naof_enabled:1\r\naof_rewrite_in_progress:0\r\naof_rewrite_scheduled:1\r\naof_last_write_status:ok\r\n'
    expect(persistenceOf(parseInfo(text))).toEqual({
      loading: false,
      saving: true,
      saves: 3,
      lastSaveOk: false,
      appendOnly: true,
      rewriting: true,
      lastAppendOk: true,
    })
  })

  test('counts the keys of every database', () => {
    const text =
      '# Keyspace\r\ndb0:keys=3,expires=1,avg_ttl=0\r\ndb11:keys=40,expires=0,avg_ttl=0\r\n'
    expect(keyCountOf(parseInfo(text))).toBe(43)
    expect(keyCountOf(parseInfo('# Keyspace\r\n'))).toBe(0)
  })
})
