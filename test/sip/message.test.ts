import { describe, expect, it } from 'vitest'
import { listOf, readNameAddress, tagOf, topVia } from '../../src/sip/header-value.ts'
import { headersOf, readMessage, type SipMessage, writeMessage } from '../../src/sip/message.ts'

const ANSWER = [
  'SIP/2.0 200 All is well',
  'v: SIP/2.0/UDP 10.0.0.1:5060;branch=z9hG4bKa;rport=5062;received=10.0.0.9',
  'Record-Route: <sip:p3.example.org;lr>, "A, B" <sip:p2.example.org;lr;x="1,2">',
  'record-ROUTE:',
  ' <sip:p1.example.org;lr>',
  'f: "Al \\"x\\" <y>" <sip:alice@example.org>;tag=1',
  't: <sip:bob@example.org>',
  '\t;tag=2',
  'i: call@1',
  'CSeq: 7 INVITE',
  'm: sip:bob@10.0.0.2;transport=udp',
  'l: 3',
  '',
  'abcdef',
].join('\r\n')

function read(text: string | Buffer): SipMessage {
  const result = readMessage(Buffer.from(text))
  if (!result.ok) throw new Error(result.why)
  return result.message
}

const whyOf = (text: string) => {
  const result = readMessage(Buffer.from(text))
  return result.ok ? null : result.why
}

describe('a SIP message', () => {
  it('is read with compact names, folded lines, lists in one header or in many, and cut to its length', () => {
    const message = read(ANSWER)
    expect(message).toMatchObject({ kind: 'response', status: 200, reason: 'All is well' })
    expect(message.body.toString()).toBe('abc')
    expect(listOf(message, 'record-route')).toEqual([
      '<sip:p3.example.org;lr>',
      '"A, B" <sip:p2.example.org;lr;x="1,2">',
      '<sip:p1.example.org;lr>',
    ])
    expect(headersOf(message, 'from').map(tagOf)).toEqual(['1'])
    expect(headersOf(message, 'to').map(tagOf)).toEqual(['2'])
    expect(topVia(message)).toEqual({
      transport: 'UDP',
      host: '10.0.0.1',
      port: 5060,
      params: new Map([
        ['branch', 'z9hG4bKa'],
        ['rport', '5062'],
        ['received', '10.0.0.9'],
      ]),
    })
  })

  it('is the same after it was written and read again', () => {
    const first = read(ANSWER)
    const second = read(writeMessage(first))
    const withoutLength = (message: SipMessage) => ({
      ...message,
      headers: message.headers.filter(({ name }) => name !== 'content-length'),
    })
    expect(withoutLength(second)).toEqual(withoutLength(first))
  })

  it('is written with names as people know them and never with a line that a value made up', () => {
    const headers = [
      { name: 'call-id', value: 'a' },
      { name: 'cseq', value: '1 OPTIONS' },
      { name: 'www-authenticate', value: 'x' },
      { name: 'record-route', value: 'a\r\nEvil: 1' },
    ]
    const body = Buffer.from('ü')
    const bytes = writeMessage({ kind: 'request', method: 'OPTIONS', uri: 'sip:a', headers, body })
    expect(bytes.toString()).toBe(
      'OPTIONS sip:a SIP/2.0\r\nCall-ID: a\r\nCSeq: 1 OPTIONS\r\nWWW-Authenticate: x\r\n' +
        'Record-Route: a Evil: 1\r\nContent-Length: 2\r\n\r\nü',
    )
  })

  it('is refused with the reason when something it needs is wrong', () => {
    const request = ANSWER.replace('SIP/2.0 200 All is well', 'INVITE sip:b SIP/2.0')
    expect(whyOf(request)).toBe(null)
    expect(whyOf(request.replace('7 INVITE', '7 BYE'))).toBe('CSeq names another method')
    expect(whyOf(ANSWER.replace('7 INVITE', '4294967296 INVITE'))).toBe(
      'CSeq is not a number and a method',
    )
    expect(whyOf(ANSWER.replace('i: call@1\r\n', ''))).toBe('there is no Call-ID')
    expect(whyOf(ANSWER.replace('l: 3', 'l: 7'))).toBe('the body is shorter than it says')
    expect(whyOf(ANSWER.replace('l: 3', 'l: -3'))).toBe('Content-Length is no number')
    expect(whyOf(ANSWER.replace('SIP/2.0 200', 'SIP/2.0 700'))).toBe(
      'the first line is not that of a SIP message',
    )
    expect(whyOf(ANSWER.replace('i: call@1', 'call@1'))).toBe('a header has no name')
    expect(whyOf('OPTIONS sip:a SIP/2.0\r\n')).toBe('the headers do not end')
    expect(whyOf('')).toBe('the headers do not end')
  })

  it('never makes the reader throw or hang, however it was cut or spoilt', () => {
    const whole = Buffer.from(ANSWER)
    for (let length = 0; length < whole.length; length += 1) readMessage(whole.subarray(0, length))
    let seed = 7
    const random = (below: number): number => {
      seed = (seed * 1_103_515_245 + 12_345) % 2 ** 31
      return seed % below
    }
    for (let round = 0; round < 500; round += 1) {
      const bytes = Buffer.from(whole)
      for (let spoilt = 0; spoilt < 1 + (round % 20); spoilt += 1) {
        bytes[random(bytes.length)] = random(256)
      }
      const result = readMessage(bytes)
      if (result.ok) {
        listOf(result.message, 'record-route').map(readNameAddress)
        topVia(result.message)
        readMessage(writeMessage(result.message))
      }
    }
  })
})
