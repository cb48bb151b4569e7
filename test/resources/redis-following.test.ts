// Goal: "following" is said only of a stream that flows. Method: two servers of a few lines that tell
// in INFO what we let them tell, because the real ones show the gap only now and then.
import { once } from 'node:events'
import { createServer, type Server, type Socket } from 'node:net'
import { afterEach, expect, test } from 'vitest'
import { RedisStore } from '../../src/resources/redis.ts'

const ID = 'a'.repeat(40)
const servers: Server[] = []
const sockets = new Set<Socket>()
const stores: RedisStore[] = []

afterEach(() => {
  for (const store of stores.splice(0)) store.close()
  for (const socket of sockets) socket.destroy()
  for (const server of servers.splice(0)) server.close()
})

type Fields = Record<string, string | number>

/** Answers every command with the fields as they are at that moment. */
async function tells(fields: Fields): Promise<number> {
  const server = createServer((socket) => {
    sockets.add(socket)
    socket.on('error', () => undefined)
    socket.on('data', () => {
      const text = Object.entries(fields)
        .map(([name, value]) => `${name}:${value}\r\n`)
        .join('')
      socket.write(`$${text.length}\r\n${text}\r\n`)
    })
  })
  servers.push(server)
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const address = server.address()
  return typeof address === 'object' && address !== null ? address.port : 0
}

const SERVER: Fields = { redis_version: '7.0.15', tcp_port: 6379, rdb_bgsave_in_progress: 0 }

async function stage(): Promise<{
  ours: Fields
  theirs: Fields
  following: () => Promise<unknown>
}> {
  const ours: Fields = {
    ...SERVER,
    role: 'slave',
    master_host: '127.0.0.1',
    master_link_status: 'up',
    master_sync_in_progress: 0,
    slave_read_repl_offset: 500,
    slave_repl_offset: 500,
    slave_read_only: 1,
    master_replid: ID,
    master_repl_offset: 500,
    repl_backlog_histlen: 20,
  }
  const theirs: Fields = {
    ...SERVER,
    role: 'master',
    master_replid: ID,
    master_repl_offset: 500,
    slave0: 'ip=127.0.0.1,port=6379,state=online,offset=500,lag=0',
  }
  const [port, peerPort] = [await tells(ours), await tells(theirs)]
  ours['master_port'] = peerPort
  const store = new RedisStore({
    name: 'redis',
    ours: { address: '127.0.0.1', port },
    peer: { address: '127.0.0.1', port: peerPort },
    account: null,
    dataDirectory: null,
    pidFile: null,
    now: () => new Date(),
  })
  stores.push(store)
  const following = async (): Promise<unknown> => {
    const result = await store.monitor(1000)
    return result.ok ? result.value.following : result.fault
  }
  return { ours, theirs, following }
}

test('a standby that has all of it, counted by the peer, after something came, follows', async () => {
  const { following } = await stage()
  expect(await following()).toBe(true)
})

test.each<[string, Fields, Fields]>([
  ['no link', { master_link_status: 'down' }, {}],
  ['a copy that is under way', { master_sync_in_progress: 1 }, {}],
  ['a copy after which nothing came yet', { repl_backlog_histlen: 0 }, {}],
  ['a peer that does not count us', {}, { slave0: 'ip=x,port=1,state=online,offset=500,lag=0' }],
  [
    'a peer that still sends us the copy',
    {},
    { slave0: 'ip=x,port=6379,state=send_bulk,offset=0,lag=0' },
  ],
  ['a peer of another history', {}, { master_replid: 'b'.repeat(40) }],
  ['a peer that is further, and stays so', {}, { master_repl_offset: 900 }],
])('%s is not following', async (_, ourChange, theirChange) => {
  const { ours, theirs, following } = await stage()
  Object.assign(ours, ourChange)
  Object.assign(theirs, theirChange)
  expect(await following()).toBe(false)
})

test('a standby a moment behind is waited for', async () => {
  const { ours, theirs, following } = await stage()
  theirs['master_repl_offset'] = 600
  setTimeout(() => {
    Object.assign(ours, { slave_repl_offset: 610, master_repl_offset: 610 })
  }, 20)
  expect(await following()).toBe(true)
})
