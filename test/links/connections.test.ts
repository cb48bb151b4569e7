import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { connect, createServer, type Socket } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, describe, expect, it } from 'vitest'
import {
  isTold,
  parseConnections,
  readConnections,
  spelledAlike,
} from '../../src/links/connections.ts'
import { CONNECTIONS_MAX } from '../../src/wire/connection-list.ts'

const HEAD =
  '  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode\n'

/** A line as Linux prints it. */
function line(local: string, remote: string, state = '01', inode = 4711, number = 0): string {
  return `${String(number).padStart(4)}: ${local} ${remote} ${state} 00000000:00000000 00:00000000 00000000     0        0 ${inode} 1 0000000000000000 20 4 30 10 -1\n`
}

const IPS = ['10.0.0.50', 'FD83:0::50']
/** 10.0.0.50, fd83::50 and ::ffff:10.0.0.50 on a little-endian machine. */
const OURS4 = '3200000A'
const OURS6 = '000083FD000000000000000050000000'
const OURS_MAPPED = '0000000000000000FFFF00003200000A'

const found = (text: string, order: 'LE' | 'BE' = 'LE') =>
  parseConnections(HEAD + text, IPS, order).map(
    ({ floatingIp, port, clientAddress, clientPort, inode }) =>
      `${floatingIp} ${port} ${clientAddress} ${clientPort} ${inode}`,
  )

const folder = mkdtempSync(join(tmpdir(), 'tandem-connections-'))
afterAll(() => rmSync(folder, { recursive: true }))

function table(name: string, text: string): string {
  const path = join(folder, name)
  writeFileSync(path, HEAD + text)
  return path
}

describe('the kernel’s table', () => {
  it('is read for IPv4, for IPv6 and for IPv4 in IPv6 sockets', () => {
    expect(found(line(`${OURS4}:13C4`, '0900000A:D431'))).toEqual([
      '10.0.0.50 5060 10.0.0.9 54321 4711',
    ])
    expect(found(line(`${OURS6}:13C4`, '000083FD000000000000000009000000:D431'))).toEqual([
      'fd83::50 5060 fd83::9 54321 4711',
    ])
    expect(found(line(`${OURS_MAPPED}:13C4`, '0000000000000000FFFF00000900000A:D431'))).toEqual([
      '10.0.0.50 5060 10.0.0.9 54321 4711',
    ])
  })

  it('of a big-endian machine is read as well', () => {
    expect(found(line('0A000032:13C4', '0A000009:D431'), 'BE')).toEqual([
      '10.0.0.50 5060 10.0.0.9 54321 4711',
    ])
    expect(
      found(
        line('FD830000000000000000000000000050:13C4', 'FD830000000000000000000000000009:D431'),
        'BE',
      ),
    ).toEqual(['fd83::50 5060 fd83::9 54321 4711'])
  })

  it('tells the states in which the other end may be waiting, and no others', () => {
    const states = Array.from({ length: 12 }, (_, index) =>
      (index + 1).toString(16).toUpperCase().padStart(2, '0'),
    )
    const text = states
      .map((state, index) =>
        line(
          `${OURS4}:13C4`,
          '0900000A:D431'.replace('31', `3${index.toString(16).toUpperCase()}`),
          state,
          Number.parseInt(state, 16),
        ),
      )
      .join('')
    // ESTABLISHED, FIN_WAIT1, CLOSE_WAIT, LAST_ACK
    expect(found(text).map((one) => one.split(' ').at(-1))).toEqual(['1', '4', '8', '9'])
  })

  it('with numbers of any width, other addresses and broken lines is read where it can be', () => {
    const text = [
      line(`${OURS4}:13C4`, '0900000A:0001', '01', 1, 123_456),
      line('3300000A:13C4', '0900000A:0002'),
      line('00000000:13C4', '00000000:0000', '0A'),
      '   7: 3200000A:13C4\n',
      '   8: 3200000A:13C4 09000:0003 01\n',
      '   9: 3200000A:13C4 0900000A: 01\n',
      `: ${OURS4}\n`,
      line(`${OURS4}:13C4`, '0900000A:0004', '01', 4),
      'no line at all',
    ].join('')
    expect(found(text)).toEqual(['10.0.0.50 5060 10.0.0.9 1 1', '10.0.0.50 5060 10.0.0.9 4 4'])
  })

  it('that tells a connection twice has it once', () => {
    const twice = line(`${OURS4}:13C4`, '0900000A:0001')
    expect(found(twice + line(`${OURS4}:13C4`, '0900000A:0002') + twice).length).toBe(2)
  })
})

describe('a connection is told', () => {
  const guarded = spelledAlike(IPS)
  const told = (floatingIp: string, clientAddress: string) =>
    isTold({ floatingIp, port: 1, clientAddress, clientPort: 2 }, guarded)

  it.each([
    ['10.0.0.50', '10.0.0.9', true],
    ['10.0.0.50', '203.0.113.255', true],
    ['fd83::50', '2001:db8::1', true],
    ['fd83::50', 'fec0::1', true],
    ['10.0.0.51', '10.0.0.9', false],
    ['10.0.0.50', '10.0.0.50', false],
    ['10.0.0.50', '127.0.0.1', false],
    ['10.0.0.50', '0.0.0.0', false],
    ['10.0.0.50', '224.0.0.1', false],
    ['10.0.0.50', '255.255.255.255', false],
    ['10.0.0.50', '2001:db8::1', false],
    ['fd83::50', '10.0.0.9', false],
    ['fd83::50', 'fd83::50', false],
    ['fd83::50', '::1', false],
    ['fd83::50', '::', false],
    ['fd83::50', '::ffff:a00:9', false],
    ['fd83::50', 'fe80::9', false],
    ['fd83::50', 'febf::9', false],
    ['fd83::50', 'ff02::1', false],
  ])('only between a floating IP and somebody on a network: %s and %s, %s', (ours, theirs, is) => {
    expect(told(ours, theirs)).toBe(is)
  })
})

describe('reading', () => {
  it('takes both tables, and a host without IPv6 as it is', async () => {
    const tcp = table('tcp', line(`${OURS4}:13C4`, '0900000A:0001'))
    const tcp6 = table('tcp6', line(`${OURS6}:01BB`, '000083FD000000000000000009000000:0002'))
    const four = { floatingIp: '10.0.0.50', port: 5060, clientAddress: '10.0.0.9', clientPort: 1 }
    const six = { floatingIp: 'fd83::50', port: 443, clientAddress: 'fd83::9', clientPort: 2 }
    expect(await readConnections(IPS, { tcp, tcp6 })).toEqual({
      ok: true,
      connections: [four, six],
      leftOutCount: 0,
    })
    expect(await readConnections(IPS, { tcp, tcp6: join(folder, 'none') })).toEqual({
      ok: true,
      connections: [four],
      leftOutCount: 0,
    })
  })

  it('says so when there is no table at all', async () => {
    const tcp = join(folder, 'none')
    expect(await readConnections(IPS, { tcp, tcp6: join(folder, 'neither') })).toMatchObject({
      ok: false,
      code: 'HA_FILE_MISSING',
    })
  })

  it('keeps the newest of too many and counts the rest', async () => {
    const lines = Array.from({ length: CONNECTIONS_MAX + 3 }, (_, index) =>
      line(
        `${OURS4}:13C4`,
        `0900000A:${(index + 1).toString(16).toUpperCase().padStart(4, '0')}`,
        '01',
        // The largest inode numbers stand first.
        100_000 - index,
      ),
    )
    const tcp = table('many', lines.join(''))
    const read = await readConnections(IPS, { tcp, tcp6: join(folder, 'none') })
    if (!read.ok) throw new Error(read.message)
    expect(read.leftOutCount).toBe(3)
    expect(read.connections.map((one) => one.clientPort)).toEqual(
      Array.from({ length: CONNECTIONS_MAX }, (_, index) => index + 1),
    )
  })

  it('finds what really is connected here, as far as a loopback can be told', async () => {
    const server = createServer()
    await new Promise<void>((done) => server.listen(0, '127.0.0.1', done))
    const address = server.address()
    if (address === null || typeof address === 'string') throw new Error('no port')
    const accepted = new Promise<Socket>((done) => server.once('connection', done))
    const client = connect(address.port, '127.0.0.1')
    const [socket] = await Promise.all([
      accepted,
      new Promise((done) => client.once('connect', done)),
    ])
    const { readFile } = await import('node:fs/promises')
    const text = await readFile('/proc/net/tcp', 'latin1')
    // Loopback is not told, so the same line with another client is looked for.
    const moved = text
      .replaceAll(' 0100007F:', ' 0900000A:')
      .replaceAll(': 0900000A:', ': 0100007F:')
    const all = parseConnections(moved, ['127.0.0.1'], 'LE')
    expect(all).toContainEqual(
      expect.objectContaining({
        floatingIp: '127.0.0.1',
        port: address.port,
        clientAddress: '10.0.0.9',
        clientPort: client.localPort,
      }),
    )
    client.destroy()
    socket.destroy()
    server.close()
  })
})
