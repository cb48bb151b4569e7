/** Goal: a stream tells what happens, once, in order, and what was missed; its size is bounded. */
import { type ClientRequest, type IncomingMessage, request } from 'node:http'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import type { AgentEvent } from '../../src/control/event-schema.ts'
import { EventBoard, keyOf, STREAMS_MAX } from '../../src/control/events.ts'
import type { StatusDocument } from '../../src/control/schema.ts'
import { pretendPorts, startPretendAgent } from '../fixtures/control-agent.ts'
import { operationWith, STATUS } from '../fixtures/control-documents.ts'
import { until } from '../helpers/until.ts'

function operation(id: string): AgentEvent {
  return { type: 'operation', document: operationWith({ id }) }
}

interface Listener {
  said: string[]
  /** `EVENT ID`, or the comment. */
  heads(): string[]
  write(text: string): void
}

function listener(): Listener {
  const said: string[] = []
  return {
    said,
    write: (text) => said.push(text),
    heads: () =>
      said
        .join('')
        .split('\n\n')
        .filter((block) => block !== '' && !block.startsWith('retry'))
        .map((block) => {
          if (block.startsWith(':')) return block
          const [, id = ''] = /^id: (.*)$/m.exec(block) ?? []
          const [, type = ''] = /^event: (.*)$/m.exec(block) ?? []
          return `${type} ${id}`.trim()
        }),
  }
}

describe('the board', () => {
  let status: () => Promise<StatusDocument>
  let looks = 0
  let board: EventBoard
  beforeEach(() => {
    vi.useFakeTimers()
    looks = 0
    status = async () => STATUS
    board = new EventBoard({
      boot: 'abc',
      status: () => {
        looks += 1
        return status()
      },
    })
  })
  afterEach(() => {
    vi.useRealTimers()
  })

  it('tells the status first, then what happens, each with its id', async () => {
    const [one, other] = [listener(), listener()]
    board.open(one, null)
    await vi.advanceTimersByTimeAsync(0)
    board.emit(operation('x'))
    board.open(other, null)
    board.emit(operation('y'))
    expect(one.heads()).toEqual(['status', 'operation abc-1', 'operation abc-2'])
    expect(other.heads()).toEqual(['operation abc-2'])
    expect(one.said[1]).toBe(`event: status\ndata: ${JSON.stringify(STATUS)}\n\n`)
    expect(one.said[0]).toBe('retry: 2000\n\n')
  })

  it('tells a status when something changed, at most once a second, and its figures now and then', async () => {
    const one = listener()
    board.open(one, null)
    await vi.advanceTimersByTimeAsync(1_000)
    const count = (): number => one.heads().length
    expect(count()).toBe(2)
    status = async () => ({ ...STATUS, timeIso: 'later', self: { ...STATUS.self, rssBytes: 1 } })
    await vi.advanceTimersByTimeAsync(3_000)
    expect(count()).toBe(2)
    status = async () => ({ ...STATUS, majority: !STATUS.majority })
    await vi.advanceTimersByTimeAsync(1_000)
    expect(count()).toBe(3)
    await vi.advanceTimersByTimeAsync(10_000)
    expect(count()).toBe(5)
    status = () => Promise.reject(new Error('silent'))
    await vi.advanceTimersByTimeAsync(1_000)
    expect(one.heads().at(-1)).toBe(': the heart does not answer')
  })

  it('tells one who comes back what was missed, or that something was', () => {
    for (let n = 1; n <= 300; n += 1) board.emit(operation(String(n)))
    const missedSince = (lastId: string): string[] => {
      const back = listener()
      board.open(back, lastId)?.()
      return back.heads()
    }
    expect(missedSince('abc-298')).toEqual(['operation abc-299', 'operation abc-300'])
    expect(missedSince('abc-300')).toEqual([])
    expect(missedSince('abc-44').length).toBe(256)
    for (const lost of ['abc-43', 'abc-301', 'other-299', 'x', '', 'abc-x']) {
      expect(missedSince(lost)).toEqual(['gap'])
    }
    board = new EventBoard({ boot: 'abc', status: async () => STATUS })
    expect([missedSince('abc-0'), missedSince('abc-1')]).toEqual([[], ['gap']])
  })

  it('asks nothing of the heart while nobody listens', async () => {
    const close = board.open(listener(), null)
    await vi.advanceTimersByTimeAsync(2_000)
    close?.()
    const before = looks
    await vi.advanceTimersByTimeAsync(60_000)
    expect([before, looks]).toEqual([3, 3])
  })

  it('has room for so many and no more', () => {
    const closes = Array.from({ length: STREAMS_MAX }, () => board.open(listener(), null))
    expect(board.open(listener(), null)).toBe(null)
    closes[3]?.()
    expect(board.open(listener(), null)).not.toBe(null)
  })
})

it('a watchdog that is fed is no change, one that cannot be is', () => {
  const told = { device: '/dev/watchdog', identity: null, timeoutSeconds: 20, trouble: null }
  const keyAt = (fedMsAgo: number, trouble: string | null = null) =>
    keyOf({ ...STATUS, watchdog: { ...told, fedMsAgo, trouble } })
  expect(keyAt(700)).toBe(keyAt(1_200))
  expect(keyAt(700, 'it takes no word (EIO)')).not.toBe(keyAt(700))
})

it('figures that move by themselves are no change', () => {
  const moved = structuredClone(STATUS)
  moved.timeIso = 'later'
  moved.local.sinceMsAgo += 1
  moved.local.leaseLeftMs = 1
  moved.local.gate.commands += 1
  moved.peer.lastHeardMsAgo = 99
  expect(keyOf(moved)).toBe(keyOf(STATUS))
  expect(keyOf({ ...STATUS, alarms: [] })).not.toBe(keyOf(STATUS))
  expect(keyOf({ ...STATUS, local: { ...STATUS.local, maintenance: true } })).not.toBe(
    keyOf(STATUS),
  )
})

describe('a stream over the socket', () => {
  const open: ClientRequest[] = []
  afterEach(() => {
    for (const asked of open.splice(0)) asked.destroy()
  })

  function stream(
    runDir: string,
    headers: Record<string, string> = {},
  ): Promise<{ answer: IncomingMessage; text(): string; ask: ClientRequest }> {
    return new Promise((resolve, reject) => {
      const socketPath = join(runDir, 'status.sock')
      const ask = request({ socketPath, path: '/v1/events', headers, agent: false }, (answer) => {
        let text = ''
        answer.setEncoding('utf8').on('data', (piece: string) => {
          text += piece
        })
        answer.on('error', () => {})
        resolve({ answer, text: () => text, ask })
      })
      ask.once('error', reject)
      ask.end()
      open.push(ask)
    })
  }

  it('goes on until it is closed, and resumes', async () => {
    const board = new EventBoard({ boot: 'abc', status: async () => STATUS })
    const ports = pretendPorts({ events: (sink, lastId) => board.open(sink, lastId) })
    const agent = await startPretendAgent(ports)
    try {
      const first = await stream(agent.runDir)
      expect([first.answer.statusCode, first.answer.headers['content-type']]).toEqual([
        200,
        'text/event-stream; charset=utf-8',
      ])
      await until(async () => first.text().includes('event: status'))
      board.emit(operation('x'))
      await until(async () => first.text().includes('id: abc-1\nevent: operation\n'))
      first.ask.destroy()
      await until(async () => board.streams === 0)
      board.emit(operation('y'))
      const second = await stream(agent.runDir, { 'last-event-id': 'abc-1' })
      await until(async () => second.text().includes('id: abc-2\n'))
      expect(second.text()).not.toContain('id: abc-1\n')
      second.ask.destroy()
      await until(async () => board.streams === 0)
    } finally {
      await agent.stop()
    }
  })

  it('one that is not read is cut off', { timeout: 60_000 }, async () => {
    const board = new EventBoard({ boot: 'abc', status: async () => STATUS })
    const ports = pretendPorts({ events: (sink, lastId) => board.open(sink, lastId) })
    const agent = await startPretendAgent(ports)
    try {
      const { answer } = await stream(agent.runDir)
      answer.pause()
      const sentence = 'x'.repeat(50_000)
      const steps = [{ atMs: 1, sentence }]
      await until(async () => {
        board.emit({ type: 'operation', document: operationWith({ steps }) })
        return board.streams === 0
      })
    } finally {
      await agent.stop()
    }
  })

  it('one too many is refused', async () => {
    const agent = await startPretendAgent(pretendPorts())
    try {
      const { answer, text } = await stream(agent.runDir)
      await until(async () => text().includes('HA_TOO_MANY_REQUESTS'))
      expect(answer.statusCode).toBe(503)
    } finally {
      await agent.stop()
    }
  })
})
