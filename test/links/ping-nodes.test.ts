import { expect, it } from 'vitest'
import { PingNodes, roundRhythm } from '../../src/links/ping-nodes.ts'
import { PretendIcmp } from '../helpers/pretend-icmp.ts'

it('a round asks each ping node by its family and tells which one answered and how quickly', () => {
  const icmp = { 4: new PretendIcmp(4), 6: null }
  let nowMs = 1000
  const pongs: [number, number, number][] = []
  const nodes = new PingNodes({
    pingNodes: [
      { address: '10.0.0.1', family: 4 },
      { address: 'fd00::1', family: 6 },
      { address: '10.0.0.2', family: 4 },
    ],
    icmp,
    now: () => nowMs,
    onPong: (...pong) => pongs.push(pong),
  })
  nodes.sendRound(7)
  nowMs = 1004
  nodes.sendRound(8)
  expect(icmp[4].pings.map((ping) => ping.target)).toEqual([
    '10.0.0.1',
    '10.0.0.2',
    '10.0.0.1',
    '10.0.0.2',
  ])
  nowMs = 1006
  icmp[4].pings[3]?.onEnd({ answered: true, repeated: false })
  icmp[4].pings[1]?.onEnd({ answered: true, repeated: true })
  icmp[4].pings[0]?.onEnd({ answered: false })
  expect(pongs).toEqual([
    [8, 2, 2],
    [7, 2, 6],
  ])
  expect(nodes.report().map(({ state, lossRatio }) => [state, lossRatio])).toEqual([
    ['never-answered', 1],
    ['never-answered', 1],
    ['answering', 0],
  ])
})

it('a round is repeated at a third and two thirds of its time', () => {
  expect([roundRhythm(100), roundRhythm(20), roundRhythm(1)]).toEqual([
    { repeatAfterMs: 33, repeats: 2 },
    { repeatAfterMs: 6, repeats: 2 },
    { repeatAfterMs: 1, repeats: 2 },
  ])
})
