import { beforeEach, describe, expect, it } from 'vitest'
import { ClientConnections } from '../../src/links/client-connections.ts'
import type { TickleReport } from '../../src/links/tickle.ts'
import {
  decodeConnectionList,
  encodeConnectionList,
  type TcpConnection,
} from '../../src/wire/connection-list.ts'
import { makeKey } from '../../src/wire/key.ts'

const key = makeKey(1, Buffer.alloc(32, 5))
const later = makeKey(2, Buffer.alloc(32, 6))
const floatingIps = ['10.0.0.50', 'FD83::0:50']
const BOOT = '00000000000000aa'
const OTHER_BOOT = '00000000000000bb'
const NOTHING: TickleReport = {
  connections: 0,
  sent: 0,
  failed: 0,
  firstRoundMs: 0,
  complete: true,
}

/** Connections number `from` to `to`; 188 fit into one datagram. */
function clients(from: number, to: number): TcpConnection[] {
  return Array.from({ length: to - from + 1 }, (_, index) => ({
    floatingIp: '10.0.0.50',
    port: 5060,
    clientAddress: '192.0.2.9',
    clientPort: from + index,
  }))
}

let nowMs = 0
let tickled: (readonly TcpConnection[])[] = []
let stops = 0

function side(node: 'sp1' | 'sp2', boot: string): ClientConnections {
  const tickler = {
    tickle(connections: readonly TcpConnection[]) {
      tickled.push(connections)
      return Promise.resolve(NOTHING)
    },
    stop() {
      stops += 1
    },
  }
  return new ClientConnections({ node, boot, floatingIps, keys: [key], tickler, now: () => nowMs })
}

let active: ClientConnections
let standby: ClientConnections
const hear = (datagrams: readonly Buffer[], peerBoot: string | null = BOOT) =>
  datagrams.map((bytes) => standby.hear(bytes, peerBoot))
const portsRemembered = () =>
  standby.remembered.map(({ clientPort }) => clientPort).sort((a, b) => a - b)

beforeEach(() => {
  nowMs = 1000.7
  tickled = []
  stops = 0
  active = side('sp1', BOOT)
  standby = side('sp2', OTHER_BOOT)
})

describe('the standby', () => {
  it('remembers what the active tells, whatever number of datagrams it takes', () => {
    const all = clients(1, 400)
    const datagrams = active.tell(all)
    expect(datagrams.length).toBe(3)
    expect(hear(datagrams)).toEqual(['taken', 'taken', 'taken'])
    expect(standby.remembered).toEqual(all)
  })

  it('remembers the latest list only, also when it is empty, and lists told in one moment', () => {
    hear(active.tell(clients(1, 5)))
    hear(active.tell(clients(4, 6)))
    expect(portsRemembered()).toEqual([4, 5, 6])
    hear(active.tell([]))
    expect(portsRemembered()).toEqual([])
  })

  it('keeps the last whole list while parts of a later one are missing, each connection once', () => {
    hear(active.tell(clients(1, 3)))
    const [, second] = active.tell([...clients(1, 1), ...clients(1000, 1190)])
    if (second === undefined) throw new Error('one datagram')
    hear([second])
    expect(portsRemembered()).toEqual([1, 2, 3, 1187, 1188, 1189, 1190])
    hear(active.tell(clients(2, 2)))
    expect(portsRemembered()).toEqual([2])
  })

  it('is not moved by a recording of an earlier list, nor by a repeat', () => {
    const recorded = active.tell(clients(1, 3))
    const recent = active.tell(clients(7, 7))
    hear(recorded)
    hear(recent)
    expect(hear([...recorded, ...recent])).toEqual(['old', 'old'])
    expect(portsRemembered()).toEqual([7])
  })

  it('does not mend the latest list with parts of an earlier one', () => {
    const recorded = active.tell(clients(1, 400))
    const [first] = active.tell(clients(501, 900))
    if (first === undefined) throw new Error('none')
    hear([first])
    expect(hear(recorded)).toEqual(['old', 'old', 'old'])
    expect(portsRemembered()).toEqual(clients(501, 688).map(({ clientPort }) => clientPort))
  })

  it('takes lists of that start of the peer only that is heard now', () => {
    const recorded = side('sp1', OTHER_BOOT).tell(clients(1, 3))
    expect(hear(recorded)).toEqual(['boot'])
    expect(hear(recorded, null)).toEqual(['boot'])
    hear(active.tell(clients(5, 5)))
    // The agent of the peer starts again; until it tells, what is known holds.
    nowMs = 5
    const again = side('sp1', '00000000000000cc')
    expect(portsRemembered()).toEqual([5])
    expect(hear(again.tell(clients(6, 6)), '00000000000000cc')).toEqual(['taken'])
    expect(portsRemembered()).toEqual([6])
  })

  it('refuses what is not signed by the pair, and its own name', () => {
    const forged = encodeConnectionList(
      { node: 'sp1', boot: BOOT, number: 9, connections: clients(1, 1) },
      makeKey(1, Buffer.alloc(32, 7)),
    )
    expect(hear(forged)).toEqual(['hmac'])
    expect(hear(side('sp2', BOOT).tell(clients(1, 1)))).toEqual(['namesake'])
    expect(hear([Buffer.from('nonsense')])).toEqual(['short'])
    expect(portsRemembered()).toEqual([])
  })

  it('believes nobody a connection that is not of a floating IP, or with nobody on a network', () => {
    const [one] = clients(1, 1)
    if (one === undefined) throw new Error('none')
    const datagrams = encodeConnectionList(
      {
        node: 'sp1',
        boot: BOOT,
        number: 9,
        connections: [
          { ...one, floatingIp: '10.0.0.51' },
          { ...one, clientAddress: '127.0.0.1' },
          one,
        ],
      },
      key,
    )
    expect(hear(datagrams)).toEqual(['taken'])
    expect(standby.remembered).toEqual([one])
  })

  it('accepts every key of the pair while one is being replaced', () => {
    active.useKeys([later, key])
    expect(hear(active.tell(clients(1, 1)))).toEqual(['key'])
    standby.useKeys([key, later])
    expect(hear(active.tell(clients(1, 1)))).toEqual(['taken'])
    standby.useKeys([])
    expect(hear(active.tell(clients(2, 2)))).toEqual(['taken'])
  })
})

describe('the active', () => {
  it('tells nothing that the standby would not believe', () => {
    const six: TcpConnection = {
      floatingIp: 'fd83::50',
      port: 443,
      clientAddress: '2001:db8::1',
      clientPort: 5,
    }
    const others = [
      { ...six, clientAddress: '::1' },
      { ...six, floatingIp: 'fd83::51' },
    ]
    const [bytes = Buffer.alloc(0)] = active.tell([six, ...others])
    expect(decodeConnectionList(bytes, [key])).toMatchObject({ part: { connections: [six] } })
  })
})

describe('behind an open gate', () => {
  it('every remembered client is tickled, once: the list is forgotten, and late repeats of it too', async () => {
    const all = clients(1, 200)
    const datagrams = active.tell(all)
    hear(datagrams)
    expect(await standby.tickle()).toEqual(NOTHING)
    expect(hear(datagrams)).toEqual(['old', 'old'])
    await standby.tickle()
    expect(tickled).toEqual([all, []])
  })

  it('the parts that came are enough', async () => {
    const [first, second] = active.tell(clients(1, 200))
    if (first === undefined || second === undefined) throw new Error('one datagram')
    hear([first])
    await standby.tickle()
    expect(tickled[0]?.length).toBe(188)
    expect(hear([second])).toEqual(['old'])
  })

  it('a later list of the same peer is heard again', async () => {
    hear(active.tell(clients(1, 2)))
    await standby.tickle()
    expect(hear(active.tell(clients(3, 3)))).toEqual(['taken'])
    expect(portsRemembered()).toEqual([3])
  })

  it('nothing leaves any more once it is shut', () => {
    standby.stop()
    expect(stops).toBe(1)
  })
})
