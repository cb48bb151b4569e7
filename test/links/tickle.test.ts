import { describe, expect, it } from 'vitest'
import { TICKLE_ROUNDS, Tickler } from '../../src/links/tickle.ts'
import type { WholeSender } from '../../src/system/icmp.ts'
import type { TcpConnection } from '../../src/wire/connection-list.ts'

class PretendSender implements WholeSender {
  readonly sent: [string, string][] = []
  readonly atMs: number[] = []
  takes = true
  closed = 0

  send(packet: Buffer, destination: string): boolean {
    if (this.closed > 0) throw new Error('closed')
    this.sent.push([packet.toString('hex'), destination])
    this.atMs.push(performance.now())
    return this.takes
  }

  close(): void {
    this.closed += 1
  }
}

const SECOND_ROUND_MS = 200
const QUICK = [
  { atMs: 0, sequence: 1, acknowledgement: 2 },
  { atMs: SECOND_ROUND_MS, sequence: 3, acknowledgement: 4 },
]
const four: TcpConnection = {
  floatingIp: '10.0.0.50',
  port: 5060,
  clientAddress: '10.0.0.9',
  clientPort: 40_000,
}
const six: TcpConnection = {
  floatingIp: 'fd83::50',
  port: 443,
  clientAddress: 'fd83::9',
  clientPort: 40_001,
}

function stage(rounds = QUICK) {
  const senders: Record<4 | 6, PretendSender[]> = { 4: [], 6: [] }
  const tickler = new Tickler({
    now: () => performance.now(),
    rounds,
    open: (family) => {
      const sender = new PretendSender()
      senders[family].push(sender)
      return sender
    },
  })
  return { senders, tickler }
}

describe('a tickle', () => {
  it('is one ACK per connection and round from the floating IP to the client, in its family', async () => {
    const { senders, tickler } = stage()
    const report = await tickler.tickle([four, six])
    expect(report).toEqual({
      connections: 2,
      sent: 4,
      failed: 0,
      firstRoundMs: report.firstRoundMs,
      complete: true,
    })
    expect(report.firstRoundMs).toBeLessThan(SECOND_ROUND_MS)
    const [sender4] = senders[4]
    const [sender6] = senders[6]
    expect(sender4?.sent.map(([hex, to]) => [hex.slice(24, 72), to])).toEqual([
      ['0a0000320a00000913c49c4000000001000000025010ffff', '10.0.0.9'],
      ['0a0000320a00000913c49c4000000003000000045010ffff', '10.0.0.9'],
    ])
    expect(sender6?.sent.map(([hex, to]) => [hex.slice(16, 112), to])).toEqual(
      [
        ['fd830000000000000000000000000050fd83000000000000000000000000000901bb9c4100000001', 2],
        ['fd830000000000000000000000000050fd83000000000000000000000000000901bb9c4100000003', 4],
      ].map(([head, ack]) => [`${head}0000000${ack}5010ffff`, 'fd83::9']),
    )
    expect([sender4?.closed, sender6?.closed]).toEqual([1, 1])
    // The first one left somewhat after the beginning that all rounds are counted from.
    expect((sender4?.atMs[1] ?? 0) - (sender4?.atMs[0] ?? 0)).toBeGreaterThan(SECOND_ROUND_MS / 2)
  })

  it('leaves with its first packets before the call returns', () => {
    const { senders, tickler } = stage()
    void tickler.tickle([four])
    expect(senders[4][0]?.sent.length).toBe(1)
    tickler.stop()
  })

  it('of thousands lets the event loop go on in between', async () => {
    const { tickler } = stage([{ atMs: 0, sequence: 0, acknowledgement: 0 }])
    let turns = 0
    const count = (): void => {
      turns += 1
      timer = setImmediate(count)
    }
    let timer = setImmediate(count)
    const report = await tickler.tickle(new Array<TcpConnection>(3200).fill(four))
    clearImmediate(timer)
    expect(report.sent).toBe(3200)
    expect(turns).toBeGreaterThanOrEqual(95)
  })

  it('opens no socket for nobody, and one per family that is needed', async () => {
    const { senders, tickler } = stage()
    expect(await tickler.tickle([])).toMatchObject({ connections: 0, sent: 0, complete: true })
    await tickler.tickle([six, six])
    expect([senders[4].length, senders[6].length]).toEqual([0, 1])
  })

  it('ends when the gate is shut, with its sockets closed', async () => {
    const { senders, tickler } = stage()
    const running = tickler.tickle([four])
    tickler.stop()
    expect(await running).toMatchObject({ sent: 1, complete: false })
    expect(senders[4].map(({ closed }) => closed)).toEqual([1])
    expect(await tickler.tickle([four])).toMatchObject({ sent: 2, complete: true })
  })

  it('that the kernel does not take is counted, and so is all of it without a socket', async () => {
    const refusing = new PretendSender()
    refusing.takes = false
    const tickler = new Tickler({
      now: () => performance.now(),
      rounds: QUICK,
      open: (family) => {
        if (family === 6) throw new Error('Operation not permitted')
        return refusing
      },
    })
    const crossed = { ...four, clientAddress: 'fd83::9' }
    expect(await tickler.tickle([four, six, crossed])).toMatchObject({ sent: 0, failed: 6 })
  })
})

describe('the rounds', () => {
  const HALF = 2 ** 31
  const inReach = TICKLE_ROUNDS.filter((round) => round.atMs <= 50)

  it('try within 50 ms numbers of which, whatever the true ones are, one pair is behind them', () => {
    for (const [truth, acknowledged] of [
      [1, 1],
      [HALF + 1, 1],
      [1, HALF + 1],
      [HALF + 1, HALF + 1],
      [2 ** 32 - 1, HALF],
    ] as const) {
      const behind = (number: number, than: number): boolean => ((number - than) | 0) < 0
      expect(
        inReach.filter(
          ({ sequence, acknowledgement }) =>
            behind(sequence, truth) && behind(acknowledgement, acknowledged),
        ).length,
      ).toBe(1)
    }
  })

  it('are all repeated once clients may answer again, 500 ms after each answer', () => {
    const [first, second] = [TICKLE_ROUNDS.slice(0, 4), TICKLE_ROUNDS.slice(4)]
    expect(second.map(({ atMs, ...numbers }) => [atMs - 600, numbers])).toEqual(
      first.map(({ atMs, ...numbers }) => [atMs, numbers]),
    )
  })
})
