import { describe, expect, it } from 'vitest'
import { Dialog } from '../../src/sip/dialog.ts'
import { EMPTY, headersOf, type SipRequest, type SipResponse } from '../../src/sip/message.ts'

const INVITE: SipRequest = {
  kind: 'request',
  method: 'INVITE',
  uri: 'sip:bob@example.org',
  headers: [
    { name: 'from', value: '<sip:alice@example.org>;tag=a' },
    { name: 'to', value: '<sip:bob@example.org>' },
    { name: 'call-id', value: 'c' },
    { name: 'cseq', value: '5 INVITE' },
    { name: 'contact', value: '<sip:alice@10.0.0.1>' },
  ],
  body: EMPTY,
}

const answer = (...routes: string[]): SipResponse => ({
  kind: 'response',
  status: 200,
  reason: 'OK',
  headers: [
    ...routes.map((value) => ({ name: 'record-route', value })),
    { name: 'to', value: '<sip:bob@example.org>;tag=b' },
    { name: 'contact', value: '"Bob" <sip:bob@10.0.0.2:5070>;expires=60' },
  ],
  body: EMPTY,
})

function must<Value>(value: Value | null): Value {
  if (value === null) throw new Error('there is none')
  return value
}

const shown = (request: SipRequest) => ({
  uri: request.uri,
  route: headersOf(request, 'route'),
  from: headersOf(request, 'from')[0],
  to: headersOf(request, 'to')[0],
  cseq: headersOf(request, 'cseq')[0],
})

describe('a dialog', () => {
  it('goes for a caller through two recorded hops from the nearest to the farthest', () => {
    const dialog = must(
      Dialog.asCaller(INVITE, answer('<sip:far;lr>, <sip:mid;lr>', '<sip:near;lr>')),
    )
    expect(shown(dialog.ack(5, []))).toEqual({
      uri: 'sip:bob@10.0.0.2:5070',
      route: ['<sip:near;lr>', '<sip:mid;lr>', '<sip:far;lr>'],
      from: '<sip:alice@example.org>;tag=a',
      to: '<sip:bob@example.org>;tag=b',
      cseq: '5 ACK',
    })
    expect(shown(dialog.request('BYE')).cseq).toBe('6 BYE')
    expect(dialog.nextHop()).toBe('sip:near;lr')
  })

  it('goes for a callee the way the request came, with the ends exchanged', () => {
    const routes = { name: 'record-route', value: '<sip:near;lr>,<sip:far;lr>' }
    const dialog = must(Dialog.asCallee({ ...INVITE, headers: [...INVITE.headers, routes] }, 'b'))
    expect(shown(dialog.request('BYE'))).toEqual({
      uri: 'sip:alice@10.0.0.1',
      route: ['<sip:near;lr>', '<sip:far;lr>'],
      from: '<sip:bob@example.org>;tag=b',
      to: '<sip:alice@example.org>;tag=a',
      cseq: '1 BYE',
    })
  })

  it('serves a strict router: its URI is asked for, and the target is the last route', () => {
    const dialog = must(Dialog.asCaller(INVITE, answer('<sip:far;lr>', '<sip:strict>')))
    expect(shown(dialog.request('BYE'))).toMatchObject({
      uri: 'sip:strict',
      route: ['<sip:far;lr>', '<sip:bob@10.0.0.2:5070>'],
    })
  })

  it('goes straight to the target without recorded hops', () => {
    const dialog = must(Dialog.asCaller(INVITE, answer()))
    expect(dialog.nextHop()).toBe('sip:bob@10.0.0.2:5070')
  })

  it('does not come to be without a tag or a Contact that names a host', () => {
    const without = (name: string): SipResponse => ({
      ...answer(),
      headers: answer().headers.filter((header) => header.name !== name),
    })
    expect(Dialog.asCaller(INVITE, without('to'))).toBe(null)
    expect(Dialog.asCaller(INVITE, without('contact'))).toBe(null)
  })

  it('knows its own requests, and one that was overtaken', () => {
    const dialog = must(Dialog.asCallee(INVITE, 'b'))
    const inside = (number: number, tag: string): SipRequest => ({
      ...INVITE,
      headers: [
        { name: 'from', value: '<sip:alice@example.org>;tag=a' },
        { name: 'to', value: `<sip:bob@example.org>;tag=${tag}` },
        { name: 'call-id', value: 'c' },
        { name: 'cseq', value: `${number} INVITE` },
      ],
    })
    expect([dialog.has(inside(6, 'b')), dialog.has(inside(6, 'x'))]).toEqual([true, false])
    expect([7, 6, 8].map((number) => dialog.takesNumber(inside(number, 'b')))).toEqual([
      true,
      false,
      true,
    ])
  })
})
