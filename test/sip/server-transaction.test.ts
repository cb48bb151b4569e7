import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import type { Flow } from '../../src/sip/flow.ts'
import { EMPTY, headersOf, readMessage, type SipRequest } from '../../src/sip/message.ts'
import { type AnswerOf, ServerTransactions } from '../../src/sip/server-transaction.ts'

beforeEach(() => void vi.useFakeTimers())
afterEach(() => void vi.useRealTimers())

const FROM = { address: '10.0.0.9', port: 5099 }

function stand(reliable = false) {
  const startedMs = Date.now()
  const sent: string[] = []
  const bytes: Buffer[] = []
  const flow: Flow = {
    transport: reliable ? 'tcp' : 'udp',
    reliable,
    local: { address: '10.0.0.1', port: 5060 },
    peer: FROM,
    send: (message, to) => {
      const status = message.toString().split(' ')[1]
      sent.push(`${status} ${Date.now() - startedMs} ${to?.address}:${to?.port}`)
      bytes.push(message)
    },
    listenToAll: () => {},
    close: () => {},
  }
  const served = new ServerTransactions()
  return { served, sent, bytes, take: (request: SipRequest) => served.receive(request, flow, FROM) }
}

function request(method: string, branch: string, cseq = 1, rport = ';rport'): SipRequest {
  return {
    kind: 'request',
    method,
    uri: 'sip:b',
    headers: [
      { name: 'via', value: `SIP/2.0/UDP 10.0.0.8:5088${rport};branch=${branch}` },
      { name: 'via', value: 'SIP/2.0/UDP far;branch=z9hG4bKfar' },
      { name: 'record-route', value: '<sip:p;lr>' },
      { name: 'from', value: '<sip:a>;tag=1' },
      { name: 'to', value: '<sip:b>' },
      { name: 'call-id', value: 'c' },
      { name: 'cseq', value: `${cseq} ${method}` },
    ],
    body: EMPTY,
  }
}

const must = (answer: AnswerOf | null): AnswerOf => {
  if (answer === null) throw new Error('nothing to answer')
  return answer
}

describe('a server transaction', () => {
  it('gives a repeated request the same answer again and hides it from the callee', () => {
    const { take, sent } = stand()
    const answer = must(take(request('BYE', 'z1')))
    expect(take(request('BYE', 'z1'))).toBe(null)
    expect(sent).toEqual([])
    answer({ status: 200, reason: 'OK', tag: 't' })
    answer({ status: 500, reason: 'Too late', tag: 't' })
    expect(take(request('BYE', 'z1'))).toBe(null)
    expect(take(request('BYE', 'z2'))).not.toBe(null)
    expect(sent).toEqual(['200 0 10.0.0.9:5099', '200 0 10.0.0.9:5099'])
  })

  it('sends a 200 to an INVITE again until its ACK comes, on streams too', () => {
    for (const reliable of [false, true]) {
      const { take, sent } = stand(reliable)
      must(take(request('INVITE', 'z1')))({ status: 200, reason: 'OK', tag: 't' })
      vi.advanceTimersByTime(4_000)
      take(request('ACK', 'another', 2))
      vi.advanceTimersByTime(4_000)
      take(request('ACK', 'another', 1))
      vi.advanceTimersByTime(30_000)
      expect(sent.map((line) => line.split(' ')[1])).toEqual(['0', '500', '1500', '3500', '7500'])
    }
  })

  it('sends a refusal of an INVITE again on UDP only, and stops by itself', () => {
    const stream = stand(true)
    must(stream.take(request('INVITE', 'z1')))({ status: 486, reason: 'Busy', tag: 't' })
    const datagrams = stand()
    must(datagrams.take(request('INVITE', 'z1')))({ status: 486, reason: 'Busy', tag: 't' })
    vi.advanceTimersByTime(100_000)
    expect(stream.sent).toHaveLength(1)
    expect(datagrams.sent).toHaveLength(11)
  })

  it('answers with what the request brought, the place it came from, and a tag of ours', () => {
    const { take, bytes } = stand()
    must(take(request('INVITE', 'z1')))({ status: 180, reason: 'Ringing', tag: 't' })
    const read = readMessage(bytes[0] ?? EMPTY)
    if (!read.ok) throw new Error(read.why)
    const { message } = read
    expect(headersOf(message, 'via')).toEqual([
      'SIP/2.0/UDP 10.0.0.8:5088;received=10.0.0.9;rport=5099;branch=z1',
      'SIP/2.0/UDP far;branch=z9hG4bKfar',
    ])
    expect(headersOf(message, 'record-route')).toEqual(['<sip:p;lr>'])
    expect(headersOf(message, 'to')).toEqual(['<sip:b>;tag=t'])
    expect(headersOf(message, 'cseq')).toEqual(['1 INVITE'])
  })

  it('answers to the port in Via where rport was not asked for', () => {
    const { take, sent } = stand()
    must(take(request('OPTIONS', 'z1', 1, '')))({ status: 200, reason: 'OK', tag: 't' })
    expect(sent).toEqual(['200 0 10.0.0.9:5088'])
  })

  it('does not fill its memory for somebody who never stops', () => {
    const { take } = stand()
    const taken = Array.from({ length: 1_000 }, (_, index) => take(request('OPTIONS', `z${index}`)))
    expect(taken.filter((answer) => answer !== null)).toHaveLength(256)
  })
})
