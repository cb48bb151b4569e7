import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { ClientTransaction, type TransactionParts } from '../../src/sip/client-transaction.ts'
import { EMPTY, headersOf, type SipRequest, type SipResponse } from '../../src/sip/message.ts'

beforeEach(() => void vi.useFakeTimers())
afterEach(() => void vi.useRealTimers())

const HEADERS = [
  { name: 'via', value: 'SIP/2.0/UDP us;branch=z9hG4bKa' },
  { name: 'route', value: '<sip:p;lr>' },
  { name: 'max-forwards', value: '70' },
  { name: 'from', value: '<sip:a>;tag=1' },
  { name: 'to', value: '<sip:b>' },
  { name: 'call-id', value: 'c' },
  { name: 'contact', value: '<sip:a@us>' },
]

const requestOf = (method: string): SipRequest => ({
  kind: 'request',
  method,
  uri: 'sip:b',
  headers: [...HEADERS, { name: 'cseq', value: `4 ${method}` }],
  body: EMPTY,
})

const response = (status: number): SipResponse => ({
  kind: 'response',
  status,
  reason: '',
  headers: [{ name: 'to', value: '<sip:b>;tag=2' }],
  body: EMPTY,
})

function begin(method: string, reliable = false, more: Partial<TransactionParts> = {}) {
  const startedMs = Date.now()
  const sent: string[] = []
  const messages: SipRequest[] = []
  const transaction = new ClientTransaction({
    request: requestOf(method),
    branch: 'z9hG4bKa',
    reliable,
    send: (message) => {
      sent.push(`${message.method} ${Date.now() - startedMs}`)
      messages.push(message)
    },
    ...more,
  })
  transaction.start()
  return { transaction, sent, messages }
}

describe('a client transaction', () => {
  it('sends an INVITE again after 0.5, 1, 2, 4 s and so on, for 32 s in all', () => {
    const { sent } = begin('INVITE')
    vi.advanceTimersByTime(100_000)
    const at = [0, 500, 1500, 3500, 7500, 15_500, 31_500]
    expect(sent).toEqual(at.map((ms) => `INVITE ${ms}`))
  })

  it('sends any other request again at most 4 s after the last time', () => {
    const { sent } = begin('REGISTER')
    vi.advanceTimersByTime(100_000)
    const at = [0, 500, 1500, 3500, 7500, 11_500, 15_500, 19_500, 23_500, 27_500, 31_500]
    expect(sent).toEqual(at.map((ms) => `REGISTER ${ms}`))
  })

  it('does not send an INVITE again after a provisional answer, and others every 4 s', () => {
    const invite = begin('INVITE')
    const bye = begin('BYE')
    invite.transaction.receive(response(100))
    bye.transaction.receive(response(100))
    vi.advanceTimersByTime(10_000)
    expect(invite.sent).toEqual(['INVITE 0'])
    expect(bye.sent).toEqual(['BYE 0', 'BYE 500', 'BYE 4500', 'BYE 8500'])
  })

  it('sends nothing again on a stream', () => {
    const { sent } = begin('INVITE', true)
    vi.advanceTimersByTime(100_000)
    expect(sent).toEqual(['INVITE 0'])
  })

  it('acknowledges each refusal of an INVITE with the tag of the answer and in the same branch', async () => {
    const { transaction, sent, messages } = begin('INVITE')
    const end = transaction.wait(1_000)
    transaction.receive(response(486))
    transaction.receive(response(486))
    vi.advanceTimersByTime(10_000)
    expect(sent).toEqual(['INVITE 0', 'ACK 0', 'ACK 0'])
    expect(messages[1]?.headers).toEqual([
      ...HEADERS.slice(0, 4),
      HEADERS[5],
      { name: 'to', value: '<sip:b>;tag=2' },
      { name: 'cseq', value: '4 ACK' },
    ])
    expect(messages[1]?.uri).toBe('sip:b')
    expect(await end).toMatchObject({ type: 'answered', response: { status: 486 } })
  })

  it('leaves the ACK of a 2xx to the call, and tells each time one comes', () => {
    const successes: number[] = []
    const onSuccess = ({ status }: SipResponse): void => void successes.push(status)
    const { transaction, sent } = begin('INVITE', false, { onSuccess })
    transaction.receive(response(200))
    transaction.receive(response(200))
    expect(successes).toEqual([200, 200])
    expect(sent).toEqual(['INVITE 0'])
  })

  it('is silent at the limit, and still takes what comes later', async () => {
    const { transaction } = begin('INVITE')
    const first = transaction.wait(2_000)
    transaction.receive(response(183))
    vi.advanceTimersByTime(2_000)
    expect(await first).toMatchObject({ type: 'silent', provisional: { status: 183 } })
    const second = transaction.wait(4_000)
    transaction.receive(response(487))
    expect(await second).toMatchObject({ type: 'answered', response: { status: 487 } })
  })

  it('fails at once with its transport, and is not sent any more', async () => {
    const { transaction, sent } = begin('REGISTER')
    const end = transaction.wait(5_000)
    const trouble = { kind: 'port-closed', sentence: 'closed' } as const
    transaction.fail(trouble)
    expect(await end).toEqual({ type: 'failed', trouble })
    vi.advanceTimersByTime(10_000)
    expect(sent).toEqual(['REGISTER 0'])
    expect(headersOf(transaction.request, 'cseq')).toEqual(['4 REGISTER'])
  })
})
