import { describe, expect, it } from 'vitest'
import { StreamFramer } from '../../src/sip/framer.ts'

const message = (number: number, length: string, body: string): string =>
  `SIP/2.0 200 OK\r\nVia: SIP/2.0/TCP a;branch=x\r\nFrom: <sip:a>;tag=1\r\nTo: <sip:b>\r\n` +
  `Call-ID: c\r\nCSeq: ${number} OPTIONS\r\n${length}\r\n\r\n${body}`

const bodiesOf = (framer: StreamFramer, piece: Buffer) =>
  framer.take(piece).messages.map(({ body }) => body.toString())

describe('messages on a stream', () => {
  it('are found wherever the pieces were cut, with empty lines between them', () => {
    const text = `\r\n\r\n${message(1, 'Content-Length: 4', 'on\r\n')}\r\n\r\n${message(2, 'l:  3', 'two')}`
    const bytes = Buffer.from(text)
    for (let cut = 0; cut <= bytes.length; cut += 1) {
      const framer = new StreamFramer()
      const found = [bytes.subarray(0, cut), bytes.subarray(cut)].flatMap((p) =>
        bodiesOf(framer, p),
      )
      expect(found).toEqual(['on\r\n', 'two'])
    }
  })

  it('leave out one that cannot be read and go on with the next', () => {
    const framer = new StreamFramer()
    const bad = message(1, 'Content-Length: 2', 'xx').replace('Call-ID: c\r\n', '')
    const piece = Buffer.from(bad + message(2, 'Content-Length: 2', 'ok'))
    expect(bodiesOf(framer, piece)).toEqual(['ok'])
  })

  it('end for good where a length is missing, too long, or the head does not end', () => {
    const framer = new StreamFramer()
    const told = framer.take(Buffer.from(message(1, 'X: 1', '')))
    expect(told).toEqual({ messages: [], broken: 'a message came without Content-Length' })
    expect(framer.take(Buffer.from(message(1, 'l: 0', ''))).messages).toEqual([])
    const large = Buffer.from(message(1, 'Content-Length: 999999999', ''))
    expect(new StreamFramer().take(large).broken).toBe('a body is too long')
    expect(new StreamFramer().take(Buffer.alloc(70_000, 'x')).broken).toBe('the headers do not end')
  })
})
