import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest'
import {
  build,
  buildLan,
  type Fixture,
  inside,
  isolate,
  missing,
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

const all = Array.from({ length: 100 }, (_, index) => index + 1)

describe.skipIf(why !== null)('heartbeats by way of the ping nodes', () => {
  let a: Fixture
  let b: Fixture

  afterEach(async () => {
    await a?.stop()
    await b?.stop()
  })

  afterAll(() => {
    tearLan()
  })

  async function pair(): Promise<void> {
    a = await startNode('a', setupOf(1))
    b = await startNode('b', setupOf(2))
  }

  it('all arrive, IPv4 and IPv6, both ways, while the nodes are cut from each other at layer 2', async () => {
    buildLan()
    isolate(true)
    inside('a', 'ip link set cross down')
    expect(() => inside('a', 'ping -c 1 -W 1 10.81.0.2')).toThrow()
    expect(() => inside('a', 'ping -c 1 -W 1 fd81::2')).toThrow()
    await pair()
    await Promise.all([
      a.ask('send', { count: 100, reflect: true }),
      b.ask('send', { count: 100, reflect: true }),
    ])
    for (const node of [a, b]) {
      const { heard, links } = await node.ask('report')
      expect(heard.direct).toEqual({})
      // 0 to 2 are the IPv4 addresses of the ping nodes, 3 to 5 the IPv6 ones.
      expect(heard.reflected).toEqual({ 0: all, 1: all, 2: all, 3: all, 4: all, 5: all })
      for (const report of links.reflected) {
        expect(report).toMatchObject({ sent: 100, accepted: 100, lossRatio: 0, reflects: true })
        expect(report.roundTrip.medianMs).toBeLessThan(20)
      }
    }
  })

  it('pass a firewall that lets in nothing but answers to what went out', async () => {
    buildLan()
    isolate(true)
    inside('a', 'ip link set cross down')
    for (const place of ['a', 'b'] as const)
      inside(
        place,
        'nft -f -',
        `table inet guard {
          chain input {
            type filter hook input priority 0; policy drop;
            icmpv6 type { nd-neighbor-solicit, nd-neighbor-advert } accept
            ct state established accept
          }
        }`,
      )
    await pair()
    await Promise.all([
      a.ask('send', { count: 20, reflect: true }),
      b.ask('send', { count: 20, reflect: true }),
    ])
    // The very first may come before the other side's own request has opened the way.
    for (const node of [a, b]) {
      const { heard } = await node.ask('report')
      for (const path of [0, 1, 2, 3, 4, 5])
        expect(heard.reflected[path].slice(-15)).toEqual(all.slice(5, 20))
    }
  })

  it('are told of each ping node: one that does not reflect is known, the others go on', async () => {
    buildLan()
    inside('p2', 'sysctl -qw net.ipv4.icmp_echo_ignore_all=1')
    await pair()
    const send = () =>
      Promise.all([
        a.ask('send', { count: 25, reflect: true }),
        b.ask('send', { count: 25, reflect: true }),
      ])
    const reflects = async () =>
      (await a.ask('report')).links.reflected.map(
        (report: { reflects: boolean }) => report.reflects,
      )
    await send()
    expect(await reflects()).toEqual([true, null, true, true, true, true])
    for (let round = 0; round < 6; round += 1) await send()
    expect(await reflects()).toEqual([true, false, true, true, true, true])
    // The peer falls silent: now nobody can tell any more.
    await b.stop()
    await new Promise((resolve) => setTimeout(resolve, 6 * 25 * 20))
    expect(await reflects()).toEqual([null, null, null, null, null, null])
    b = await startNode('b', setupOf(2))
  })

  it('do not come from an address that is not a ping node, nor unsigned', async () => {
    buildLan()
    isolate(true)
    inside('a', 'ip link set cross down')
    await pair()
    // p1 answers from an address nobody configured; p2 spoils what it returns.
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
    inside(
      'p2',
      'nft -f -',
      `table ip forge {
        chain output {
          type filter hook output priority 0
          icmp type echo-reply @th,160,8 set 0x77
        }
      }`,
    )
    await b.ask('send', { count: 20, reflect: true })
    const { heard, links } = await a.ask('report')
    expect(Object.keys(heard.reflected)).toEqual(['2', '3', '4', '5'])
    expect(links.reflected[1].rejected).toMatchObject({ hmac: 20 })
  })
})

describe.skipIf(why !== null)('verifying a floating IP on the wire', () => {
  let a: Fixture

  afterAll(async () => {
    await a?.stop()
    tearLan()
  })

  it('succeeds where the LAN delivers the address and nowhere else', async () => {
    buildLan()
    for (const place of ['a', 'b'] as const)
      inside(place, 'sysctl -qw net.ipv4.conf.all.arp_notify=1')
    inside('a', 'ip addr add 10.81.0.50/32 dev lan; ip addr add fd81::50/128 dev lan nodad')
    a = await startNode('a', setupOf(1))
    const verify = async (address: string, timeoutMs: number) =>
      (await a.ask('verify', { address, timeoutMs })).verdict
    expect(await verify('10.81.0.50', 1000)).toBe('verified')
    expect(await verify('fd81::50', 1000)).toBe('verified')

    // The other node takes the addresses, and the ping nodes know; ours still stand on our interface.
    inside('b', 'ip addr add 10.81.0.50/32 dev lan; ip addr add fd81::50/128 dev lan nodad')
    const macB = inside(
      'b',
      'cat /sys/class/net/lan/address 2>/dev/null; ip -o link show lan',
    ).match(/link\/ether ([0-9a-f:]+)/)?.[1]
    for (const place of ['p1', 'p2', 'p3'] as const)
      inside(
        place,
        `ip neigh replace 10.81.0.50 lladdr ${macB} dev lan nud permanent; ip neigh replace fd81::50 lladdr ${macB} dev lan nud permanent`,
      )
    expect(await verify('10.81.0.50', 300)).toBe('unanswered')
    expect(await verify('fd81::50', 300)).toBe('unanswered')

    // One ping node that delivers to us is enough.
    inside('p3', 'ip neigh del 10.81.0.50 dev lan; ip neigh del fd81::50 dev lan; true')
    inside('b', 'ip addr del 10.81.0.50/32 dev lan; ip addr del fd81::50/128 dev lan')
    await until('the address is back', async () => (await verify('10.81.0.50', 300)) === 'verified')
    expect(await verify('fd81::50', 1000)).toBe('verified')
  })
})
