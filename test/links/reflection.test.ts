import { beforeEach, describe, expect, it } from 'vitest'
import type { PathConfig } from '../../src/config/config.ts'
import { Reflection, reflectionIdentifier } from '../../src/links/reflection.ts'
import { PretendIcmp } from '../helpers/pretend-icmp.ts'

const REST_MS = 500
const heartbeat = Buffer.alloc(108, 0x42)

function path(kind: PathConfig['kind'], ourAddress: string, peerAddress: string): PathConfig {
  const family = ourAddress.includes(':') ? 6 : 4
  return { name: kind, kind, interface: 'eth0', family, ourAddress, peerAddress }
}

let icmp: { 4: PretendIcmp; 6: PretendIcmp }
let nowMs = 0
let arrived: [string, number, number][] = []

function reflecting(paths: PathConfig[]): Reflection {
  return new Reflection({
    pingNodes: [
      { address: '10.0.0.11', family: 4 },
      { address: 'FD00::11', family: 6 },
      { address: 'fe80::11', family: 6 },
    ],
    paths,
    port: 694,
    icmp,
    now: () => nowMs,
    restIntervalMs: REST_MS,
    onDatagram: (bytes, index, atMs) => arrived.push([bytes.toString('hex'), index, atMs]),
  })
}

beforeEach(() => {
  icmp = { 4: new PretendIcmp(4), 6: new PretendIcmp(6) }
  nowMs = 10_000
  arrived = []
})

const sourcesOf = (port: PretendIcmp) =>
  port.sent.map(({ packet, destination }) => {
    const source = port.family === 4 ? packet.subarray(12, 16) : packet.subarray(8, 24)
    return [source.toString('hex'), destination]
  })

describe('a reflected heartbeat', () => {
  it('bears the peer’s LAN address, and the way back is opened from our own every ten seconds', () => {
    const reflection = reflecting([
      path('crosslink', '192.168.9.1', '192.168.9.2'),
      path('extra', '10.1.0.1', '10.1.0.2'),
      path('lan', '10.0.0.1', '10.0.0.2'),
      path('extra', 'fd00::1', 'fd00::2'),
    ])
    reflection.send(heartbeat)
    const [ours, theirs] = ['0a000001', '0a000002']
    expect(sourcesOf(icmp[4])).toEqual([
      [ours, '10.0.0.11'],
      [theirs, '10.0.0.11'],
    ])
    // The link-local ping node could not answer a global address.
    expect(sourcesOf(icmp[6])).toEqual([
      [`fd00${'0'.repeat(27)}1`, 'FD00::11'],
      [`fd00${'0'.repeat(27)}2`, 'FD00::11'],
    ])
    nowMs += 9999
    reflection.send(heartbeat)
    expect(icmp[4].sent).toHaveLength(3)
    nowMs += 1
    reflection.send(heartbeat)
    expect(sourcesOf(icmp[4]).slice(3)).toEqual([
      [ours, '10.0.0.11'],
      [theirs, '10.0.0.11'],
    ])
  })

  it('is handed on with the ping node that brought it; the answer to our own opening is not', () => {
    const reflection = reflecting([
      path('lan', '10.0.0.1', '10.0.0.2'),
      path('lan', 'fd00::1', 'fd00::2'),
    ])
    reflection.send(heartbeat)
    for (const sent of icmp[4].sent) icmp[4].answer(sent)
    for (const sent of icmp[6].sent) icmp[6].answer(sent, 'fd00::11')
    expect(arrived).toEqual([
      [heartbeat.toString('hex'), 0, 10_000],
      [heartbeat.toString('hex'), 1, 10_000],
    ])
  })

  it('is not taken from an address that is not a ping node', () => {
    const reflection = reflecting([path('lan', '10.0.0.1', '10.0.0.2')])
    reflection.send(heartbeat)
    for (const sent of icmp[4].sent) icmp[4].answer(sent, '10.0.0.12')
    expect(arrived).toEqual([])
  })

  it('counts as not sent when the kernel does not take it, or no port is open', () => {
    const reflection = reflecting([path('lan', '10.0.0.1', '10.0.0.2')])
    icmp[4].takes = false
    reflection.send(heartbeat)
    expect(reflection.report(nowMs)[0]).toMatchObject({ sent: 0, sendErrors: 1, reflects: null })
  })

  it('has its loss told by the gaps in the echo numbers, across their wrap', () => {
    const reflection = reflecting([path('lan', '10.0.0.1', '10.0.0.2')])
    reflection.send(heartbeat)
    const sent = icmp[4].sent[1]
    if (sent === undefined) throw new Error('nothing sent')
    for (const sequence of [65_530, 65_532, 65_534, 0, 2]) {
      sent.packet.writeUInt16BE(sequence, 26)
      icmp[4].answer(sent)
      reflection.noteAccepted(0, 'boot', nowMs)
      nowMs += 100
    }
    expect(reflection.report(nowMs)[0]?.lossRatio).toBeCloseTo(4 / 9, 5)
  })
})

describe('whether a ping node reflects', () => {
  it('is unknown until something came, and again when the peer is not heard at all', () => {
    const reflection = reflecting([path('lan', '10.0.0.1', '10.0.0.2')])
    const told = () => reflection.report(nowMs)[0]?.reflects
    expect(told()).toBeNull()
    reflection.noteAccepted(0, 'boot', nowMs)
    expect(told()).toBe(true)
    nowMs += 5 * REST_MS + 1
    expect(told()).toBeNull()
  })

  it('is denied only after the peer was heard otherwise for five intervals without a break', () => {
    const reflection = reflecting([path('lan', '10.0.0.1', '10.0.0.2')])
    const told = () => reflection.report(nowMs)[0]?.reflects
    const hearFor = (ms: number) => {
      for (const endMs = nowMs + ms; nowMs < endMs; nowMs += 100) reflection.notePeerHeard(nowMs)
    }
    hearFor(2000)
    nowMs += REST_MS + 1
    hearFor(2400)
    expect(told()).toBeNull()
    hearFor(300)
    expect(told()).toBe(false)
  })
})

it('pairs with different ports do not hear each other’s reflections', () => {
  expect(reflectionIdentifier(694)).not.toBe(reflectionIdentifier(695))
})
