/** Goal: the SIP side of the stand-ins is enough for a probe. Method: requests by hand, whole answers. */
import { describe, expect, it } from 'vitest'
import { answerTo } from '../../src/lab/options-answer.ts'

const request = (method: string, to = 'To: <sip:127.0.0.1:5080>'): string =>
  [
    `${method} sip:127.0.0.1:5080 SIP/2.0`,
    'Via: SIP/2.0/UDP 127.0.0.1:9;branch=z9hG4bK1;rport',
    'Max-Forwards: 10',
    'From: <sip:check@127.0.0.1>;tag=1',
    to,
    'Call-ID: 1',
    `CSeq: 1 ${method}`,
    '',
    '',
  ].join('\r\n')

describe('the SIP side of a stand-in', () => {
  it('answers OPTIONS with 200 and what belongs to the request', () => {
    expect(answerTo(request('OPTIONS'), 'SEMS stand-in')).toBe(
      [
        'SIP/2.0 200 OK',
        'Via: SIP/2.0/UDP 127.0.0.1:9;branch=z9hG4bK1;rport',
        'From: <sip:check@127.0.0.1>;tag=1',
        'To: <sip:127.0.0.1:5080>;tag=stand-in',
        'Call-ID: 1',
        'CSeq: 1 OPTIONS',
        'Server: SEMS stand-in',
        'Content-Length: 0',
        '',
        '',
      ].join('\r\n'),
    )
  })

  it('takes no call, keeps a tag that is there, and does not answer an ACK or noise', () => {
    expect(answerTo(request('INVITE', 'To: <sip:a@b>;tag=7'), 'x')).toMatch(
      /^SIP\/2\.0 501 .*To: <sip:a@b>;tag=7\r\n/s,
    )
    expect(answerTo(request('ACK'), 'x')).toBeNull()
    expect(answerTo('\r\n\r\n', 'x')).toBeNull()
  })
})
