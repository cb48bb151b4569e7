import { execFileSync, spawn } from 'node:child_process'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import {
  build,
  buildLan,
  type Fixture,
  inside,
  missing,
  PREFIX,
  setupOf,
  startNode,
  tearLan,
  until,
} from '../helpers/heartbeat-lan.ts'

const why = missing()

beforeAll(() => {
  if (why === null) build()
  else console.log(`skipped: ${why}`)
})

const numbers = (from: number, to: number) =>
  Array.from({ length: to - from + 1 }, (_, index) => from + index)

describe.skipIf(why !== null)('heartbeats on the direct paths', () => {
  const started: Fixture[] = []

  beforeEach(() => {
    buildLan()
  })

  afterEach(async () => {
    for (const node of started.splice(0)) await node.stop()
  })

  afterAll(() => {
    tearLan()
  })

  async function start(us: 1 | 2, more: object = {}): Promise<Fixture> {
    const node = await startNode(us === 1 ? 'a' : 'b', { ...setupOf(us), ...more })
    started.push(node)
    return node
  }

  it('arrive on every path, IPv4 and IPv6, each number once', async () => {
    const a = await start(1)
    const b = await start(2)
    await Promise.all([a.ask('send', { count: 100 }), b.ask('send', { count: 100 })])
    for (const node of [a, b]) {
      const { heard, links } = await node.ask('report')
      const all = numbers(1, 100)
      expect(heard).toEqual({ direct: { 0: all, 1: all, 2: all }, reflected: {} })
      for (const report of links.direct) {
        expect(report).toMatchObject({
          sent: 100,
          sendErrors: 0,
          received: 100,
          accepted: 100,
          repeated: 0,
          reopened: 0,
          lossRatio: 0,
          open: true,
        })
        expect(report.roundTrip.medianMs).toBeLessThan(20)
      }
    }
  })

  it('go on when the crosslink was away at the start, comes, goes and comes again', async () => {
    inside('a', 'ip addr del 10.82.0.1/24 dev cross; ip link set cross down')
    const a = await start(1)
    const b = await start(2)
    const beat = async () => {
      await a.ask('forget')
      await b.ask('forget')
      await Promise.all([a.ask('send', { count: 10 }), b.ask('send', { count: 10 })])
      const heard = [await a.ask('report'), await b.ask('report')].map((report) =>
        [0, 1, 2].map((path) => report.heard.direct[path]?.length ?? 0),
      )
      return heard
    }
    expect(await beat()).toEqual([
      [0, 10, 10],
      [0, 10, 10],
    ])
    inside('a', 'ip link set cross up; ip addr add 10.82.0.1/24 dev cross')
    await until('the crosslink is open', async () => (await a.ask('report')).links.direct[0].open)
    await beat()
    expect(await beat()).toEqual([
      [10, 10, 10],
      [10, 10, 10],
    ])
    inside('a', 'ip link set cross down')
    expect(await beat()).toEqual([
      [0, 10, 10],
      [0, 10, 10],
    ])
    inside('a', 'ip link set cross up')
    await until('the crosslink carries', async () => (await beat())[0]?.[0] === 10)
    expect(await beat()).toEqual([
      [10, 10, 10],
      [10, 10, 10],
    ])
  })

  it('survive the death of the peer, who is heard again at once when it is back', async () => {
    const a = await start(1)
    const b = await start(2)
    await Promise.all([a.ask('send', { count: 5 }), b.ask('send', { count: 5 })])
    await b.stop()
    await a.ask('send', { count: 20 })
    const alone = (await a.ask('report')).links.direct
    for (const report of alone) expect(report).toMatchObject({ reopened: 0, open: true })
    expect(a.complaints).toContain(
      "path crosslink, 10.82.0.1 to 10.82.0.2: the peer's agent is not listening (ECONNREFUSED)",
    )
    const again = await start(2)
    await a.ask('forget')
    await Promise.all([a.ask('send', { count: 10 }), again.ask('send', { count: 10 })])
    const { heard } = await a.ask('report')
    expect(heard.direct).toEqual({ 0: numbers(1, 10), 1: numbers(1, 10), 2: numbers(1, 10) })
  })

  it('are heard after a flood of garbage, which is counted and told once', async () => {
    const a = await start(1)
    const quiet = await a.ask('report')
    // The magic, version and key id are right: the dearest garbage there is.
    for (const header of ['', '544e444d0101006c']) {
      const before = await a.ask('report')
      const flood = JSON.parse(
        execFileSync(
          'nsenter',
          [
            `--net=/run/netns/${PREFIX}b`,
            process.execPath,
            'test/fixtures/links/flood.mjs',
            JSON.stringify({ from: '10.81.0.2', to: '10.81.0.1', port: 6940, forMs: 1000, header }),
          ],
          { timeout: 20_000, encoding: 'utf8' },
        ),
      )
      const after = await a.ask('report')
      const count = (report: typeof after) => report.links.direct[1].rejected
      const kind = header === '' ? 'magic' : 'hmac'
      const dropped = count(after)[kind] - count(before)[kind]
      const microseconds = ((after.cpuMs - before.cpuMs) * 1000) / dropped
      console.log(
        `garbage (${kind}): ${flood.sent} sent, ${dropped} counted, ${microseconds.toFixed(1)} us each`,
      )
      expect(dropped).toBeGreaterThan(1000)
    }
    expect(quiet.heard.direct).toEqual({})
    const b = await start(2)
    await b.ask('send', { count: 10 })
    expect((await a.ask('report')).heard.direct[1]).toEqual(numbers(1, 10))
    expect(a.complaints).toEqual([
      'a datagram on path lan from 10.81.0.2 was ignored: it is not a heartbeat',
      'a datagram on path lan from 10.81.0.2 was ignored: its signature is wrong; compare "tandem key show-id" on both nodes',
    ])
  })

  it('are heard during a flood of garbage from the peer’s own address and port', async () => {
    const b = await start(2)
    const a = await start(1)
    // A third host that bears the address of a, and answers no address resolution for it.
    inside(
      'p1',
      'sysctl -qw net.ipv4.conf.all.arp_ignore=1 net.ipv4.conf.all.arp_announce=2; ip addr add 10.81.0.1/32 dev lo',
    )
    const before = await b.ask('report')
    const argument = { from: '10.81.0.1', to: '10.81.0.2', port: 6940, forMs: 2000 }
    const flooding = spawn('nsenter', [
      `--net=/run/netns/${PREFIX}p1`,
      process.execPath,
      'test/fixtures/links/flood.mjs',
      JSON.stringify({ ...argument, header: '544e444d0101006c' }),
    ])
    const flooded = new Promise((resolve) => flooding.once('exit', resolve))
    const hmac = async () => (await b.ask('report')).links.direct[1].rejected.hmac
    await until('the flood arrives', async () => (await hmac()) > 1000)
    const arrived = await hmac()
    await a.ask('send', { count: 50 })
    const during = await b.ask('report')
    await flooded
    const rejected = during.links.direct[1].rejected.hmac - before.links.direct[1].rejected.hmac
    const cost = ((during.cpuMs - before.cpuMs) * 1000) / rejected
    console.log(`during the flood: ${rejected} rejected, ${cost.toFixed(1)} us each`)
    // The other paths lose nothing at all; the flooded one less than would silence it.
    expect([during.heard.direct[0], during.heard.direct[2]]).toEqual([
      numbers(1, 50),
      numbers(1, 50),
    ])
    expect(during.heard.direct[1].length).toBeGreaterThan(40)
    // Slow machines flood slowly: ten for each heartbeat is a flood.
    expect(during.links.direct[1].rejected.hmac - arrived).toBeGreaterThan(500)
  })

  it('and pings and reflections work with link-local IPv6 addresses alone', async () => {
    const hosts = { a: 1, b: 2, p1: 11 } as const
    for (const place of ['a', 'b', 'p1'] as const)
      inside(place, `ip addr add fe80::aa:${hosts[place]}/64 dev lan nodad`)
    const setup = (us: 1 | 2) => ({
      pingNodes: [{ address: 'fe80::aa:11%lan', family: 6 }],
      paths: [
        {
          name: 'lan',
          kind: 'lan',
          interface: 'lan',
          family: 6,
          ourAddress: `fe80::aa:${us}`,
          peerAddress: `fe80::aa:${3 - us}`,
        },
      ],
    })
    const a = await start(1, setup(1))
    const b = await start(2, setup(2))
    await a.ask('rounds', { from: 1, count: 10 })
    await b.ask('send', { count: 10, reflect: true })
    const { pongs, heard } = await a.ask('report')
    expect(pongs).toEqual({ 0: numbers(1, 10) })
    expect(heard).toEqual({ direct: { 0: numbers(1, 10) }, reflected: { 0: numbers(1, 10) } })
  })

  it('of a node with our own name are not heard and complained of', async () => {
    const a = await start(1)
    const namesake = await start(2, { node: 'sp1' })
    await namesake.ask('send', { count: 3 })
    const report = await a.ask('report')
    expect(report.heard.direct).toEqual({})
    expect(report.links.namesakes).toBe(9)
    expect(a.complaints).toEqual([
      'a heartbeat of a node that calls itself sp1, as we do, was ignored',
    ])
  })
})

describe.skipIf(why !== null)('rounds of pings', () => {
  let a: Fixture

  beforeEach(async () => {
    buildLan()
    a = await startNode('a', setupOf(1))
    // Address resolution is not what is tried here.
    await a.ask('rounds', { from: 1, count: 5 })
    await a.ask('forget')
  })

  afterEach(async () => {
    await a?.stop()
  })

  afterAll(() => {
    tearLan()
  })

  it('are answered by every ping node, IPv4 and IPv6, each round once', async () => {
    const { cpuMs } = await a.ask('rounds', { from: 10, count: 100 })
    const { pongs, pingNodes, foreign, troubles } = await a.ask('report')
    const all = numbers(10, 109)
    expect(pongs).toEqual({ 0: all, 1: all, 2: all, 3: all, 4: all, 5: all })
    for (const report of pingNodes) expect(report).toMatchObject({ state: 'answering' })
    expect([foreign, troubles]).toEqual([0, {}])
    console.log(
      `rounds: ${((cpuMs / 2020) * 100).toFixed(1)} % of a core for 50 rounds a second to six ping nodes; ` +
        `round trip median ${pingNodes[0].roundTrip.medianMs.toFixed(2)} ms, max ${pingNodes[0].roundTrip.maxMs.toFixed(2)} ms`,
    )
  })

  it('tell a ping node that fell silent from one that never answered', async () => {
    inside('p2', 'sysctl -qw net.ipv4.icmp_echo_ignore_all=1')
    await a.stop()
    a = await startNode('a', setupOf(1))
    await a.ask('rounds', { from: 1, count: 10 })
    inside('p3', 'ip link set lan down')
    await a.ask('rounds', { from: 11, count: 10 })
    const { pingNodes } = await a.ask('report')
    expect(pingNodes.map((report: { state: string }) => report.state)).toEqual([
      'answering',
      'never-answered',
      'silent',
      'answering',
      'answering',
      'silent',
    ])
  })

  it('do not count an answer that came from somewhere else', async () => {
    inside(
      'p1',
      'nft -f -',
      `table ip forge {
        chain output {
          type filter hook output priority 0
          icmp type echo-reply ip saddr set 10.81.0.99
        }
      }`,
    )
    await a.ask('rounds', { from: 1, count: 10 })
    const { pongs, foreign } = await a.ask('report')
    expect(Object.keys(pongs)).toEqual(['1', '2', '3', '4', '5'])
    // Each of the three sendings of a round was answered, from the wrong address.
    expect(foreign).toBeGreaterThanOrEqual(20)
  })

  it('are not ended by the complaint of a router: the repeat is still sent and answered', async () => {
    inside(
      'p1',
      'nft -f -',
      `table inet moody {
        chain input {
          type filter hook input priority 0
          icmp type echo-request numgen inc mod 2 == 0 reject with icmp host-unreachable
          icmpv6 type echo-request numgen inc mod 2 == 0 reject with icmpv6 addr-unreachable
        }
      }`,
    )
    inside('p1', 'sysctl -qw net.ipv4.icmp_ratelimit=0 net.ipv6.icmp.ratelimit=0')
    await a.ask('rounds', { from: 1, count: 20 })
    const { pongs, pingNodes } = await a.ask('report')
    expect([pongs[0], pongs[3]]).toEqual([numbers(1, 20), numbers(1, 20)])
    expect(pingNodes[0].repeatRatio).toBeGreaterThan(0.5)
  })

  it('go on after the network interface was away', async () => {
    inside('a', 'ip link set lan down')
    await a.ask('rounds', { from: 1, count: 5 })
    inside('a', 'ip link set lan up; ip addr replace fd81::1/64 dev lan nodad')
    await until('the ping nodes answer', async () => {
      await a.ask('forget')
      await a.ask('rounds', { from: 100, count: 5 })
      const { pongs } = await a.ask('report')
      return [0, 1, 2, 3, 4, 5].every((index) => pongs[index]?.length === 5)
    })
    expect(Object.keys((await a.ask('report')).troubles)).toContain('Network is unreachable')
  })
})
