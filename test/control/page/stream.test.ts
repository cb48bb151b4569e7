import { describe, expect, test } from 'vitest'
import { EventParser, follow } from '../../../src/control/page/stream.ts'

describe('the parser of the stream', () => {
  const TEXT =
    'retry: 2000\n\n: the heart does not answer\n\nid: b-7\nevent: alarm\ndata: {"now":"raised"}\n\n' +
    'event: status\ndata: {"a":\ndata: 1}\n\n'

  test.each([1, 2, 3, 7, 1000])('puts pieces of %i letters together', (size) => {
    const parser = new EventParser()
    const pieces = TEXT.match(new RegExp(`[^]{1,${size}}`, 'g')) ?? []
    expect(pieces.flatMap((piece) => parser.push(piece))).toStrictEqual([
      { event: 'alarm', data: '{"now":"raised"}' },
      { event: 'status', data: '{"a":\n1}' },
    ])
    expect(parser.lastId).toBe('b-7')
  })

  test('keeps what has not ended for the next piece', () => {
    const parser = new EventParser()
    expect(parser.push('event: status\ndata: 1\n')).toStrictEqual([])
    expect(parser.push('\r\n')).toStrictEqual([{ event: 'status', data: '1' }])
  })
})

describe('following', () => {
  function told(log: string[]) {
    return {
      heard: () => undefined,
      event: ({ data }: { data: string }) => void log.push(data),
      refused: () => void log.push('refused'),
    }
  }

  test('begins again where it ended, and stops when the token is not taken', async () => {
    const log: string[] = []
    const answers = [
      () => new Response('id: b-1\nevent: alarm\ndata: one\n\n'),
      () => Promise.reject(new TypeError('no network')),
      () => new Response('data: two\n\n'),
      () => new Response('', { status: 401 }),
    ]
    const asked: (string | undefined)[] = []
    const ask = async (
      _signal: AbortSignal,
      headers: Record<string, string>,
    ): Promise<Response> => {
      asked.push(headers['last-event-id'])
      return (answers.shift() ?? (() => new Response('', { status: 401 })))()
    }
    const wait = async (): Promise<void> => undefined
    await follow(ask, told(log), new AbortController().signal, wait)
    expect(log).toStrictEqual(['one', 'two', 'refused'])
    expect(asked).toStrictEqual([undefined, 'b-1', 'b-1', 'b-1'])
  })

  test('waits longer each time, with a limit', async () => {
    const waits: number[] = []
    const end = new AbortController()
    const wait = async (ms: number): Promise<void> => {
      waits.push(ms)
      if (waits.length === 8) end.abort()
    }
    await follow(() => Promise.reject(new TypeError()), told([]), end.signal, wait)
    expect(waits[0]).toBeLessThan(1_500)
    expect(Math.max(...waits)).toBeLessThanOrEqual(10_000)
    expect(waits[6]!).toBeGreaterThan(waits[0]!)
  })
})
