import { afterEach, describe, expect, it } from 'vitest'
import { Callee } from '../../src/sip/callee.ts'
import type { Flow } from '../../src/sip/flow.ts'
import { type Media, openMedia } from '../../src/sip/media.ts'
import { EMPTY, headerOf, type SipRequest } from '../../src/sip/message.ts'
import { readSdp, writeSdp } from '../../src/sip/sdp.ts'
import type { Answer } from '../../src/sip/server-transaction.ts'
import { UserAgent } from '../../src/sip/user-agent.ts'

const medias: Media[] = []
afterEach(() => {
  for (const media of medias.splice(0)) media.close()
})

const FLOW: Flow = {
  transport: 'udp',
  reliable: false,
  local: { address: '127.0.0.1', port: 5070 },
  peer: { address: '127.0.0.1', port: 5060 },
  send: () => {},
  listenToAll: () => {},
  close: () => {},
}

async function stand() {
  const opened = await openMedia('127.0.0.1')
  if (!opened.ok) throw new Error(opened.trouble.sentence)
  medias.push(opened.media)
  const answers: (Answer & { method: string })[] = []
  let ended = 0
  const agent = new UserAgent({
    transport: 'udp',
    trust: { check: false },
    localAddress: null,
    localPort: null,
    uri: 'sip:bob@example.org',
    credentials: null,
    onRequest: () => {},
  })
  const onEnd = (): void => {
    ended += 1
  }
  const callee = new Callee({ agent, media: opened.media, mark: 'ours', onEnd })
  const ask = (request: SipRequest): Answer | null => {
    const before = answers.length
    const answer = (given: Answer): void => void answers.push({ ...given, method: request.method })
    callee.handle({ request, flow: FLOW, answer })
    return answers[before] ?? null
  }
  return { callee, media: opened.media, ask, ended: () => ended }
}

interface Wanted {
  mark?: string | null
  body?: Buffer
  toTag?: string
  callId?: string
  cseq?: number
}

const OFFER = writeSdp({ place: { address: '127.0.0.1', port: 9 }, id: 1, version: 1 })

function request(method: string, wanted: Wanted = {}): SipRequest {
  const { mark = 'ours', body = EMPTY, toTag, callId = 'c', cseq = 1 } = wanted
  return {
    kind: 'request',
    method,
    uri: 'sip:bob@127.0.0.1:5070',
    headers: [
      { name: 'from', value: '<sip:alice@example.org>;tag=a' },
      { name: 'to', value: `<sip:bob@example.org>${toTag === undefined ? '' : `;tag=${toTag}`}` },
      { name: 'call-id', value: callId },
      { name: 'cseq', value: `${cseq} ${method}` },
      { name: 'contact', value: '<sip:alice@127.0.0.1:5080>' },
      ...(mark === null ? [] : [{ name: 'x-tandem-check', value: mark }]),
    ],
    body,
  }
}

describe('our own callee', () => {
  it('takes the call with the mark of the test and answers with its audio', async () => {
    const { ask, callee, media } = await stand()
    const answer = ask(request('INVITE', { body: OFFER }))
    expect(answer).toMatchObject({ status: 200, reason: 'OK' })
    expect(headerOf({ headers: answer?.headers ?? [] }, 'contact')).toBe('<sip:bob@127.0.0.1:5070>')
    expect(readSdp(answer?.body ?? EMPTY)).toMatchObject({
      ok: true,
      audio: { place: media.place },
    })
    expect(callee.leg?.dialog.remoteTag).toBe('a')
  })

  it('is busy for a call with another mark and for a second call, and takes one without a mark', async () => {
    const { ask } = await stand()
    expect(ask(request('INVITE', { mark: 'theirs', body: OFFER }))?.status).toBe(486)
    expect(ask(request('INVITE', { mark: null, body: OFFER }))?.status).toBe(200)
    expect(ask(request('INVITE', { callId: 'other', body: OFFER }))?.status).toBe(486)
  })

  it('refuses an offer that it cannot speak, and a call that nobody could be reached in', async () => {
    const { ask, callee } = await stand()
    const other = Buffer.from(OFFER.toString().replace('RTP/AVP 0', 'RTP/AVP 8'))
    expect(ask(request('INVITE', { body: other }))?.status).toBe(488)
    const invite = request('INVITE', { body: OFFER })
    const headers = invite.headers.filter(({ name }) => name !== 'contact')
    expect(ask({ ...invite, headers })?.status).toBe(400)
    expect(callee.leg).toBe(null)
  })

  it('offers its own audio to an INVITE without any, and follows the answer in the ACK', async () => {
    const { ask, media } = await stand()
    const answer = ask(request('INVITE'))
    expect(readSdp(answer?.body ?? EMPTY)).toMatchObject({
      ok: true,
      audio: { place: media.place },
    })
    media.start(null)
    expect(media.count().sent).toBe(0)
    expect(ask(request('ACK', { toTag: answer?.tag ?? '', body: OFFER }))).toBe(null)
    await expect.poll(() => media.count().sent).toBeGreaterThan(0)
  })

  it('ends with the BYE of its call and of no other, and answers nothing in it after that', async () => {
    const { ask, ended } = await stand()
    const toTag = ask(request('INVITE', { body: OFFER }))?.tag ?? ''
    expect(ask(request('BYE', { toTag, callId: 'other', cseq: 2 }))?.status).toBe(481)
    expect(ask(request('BYE', { toTag: 'other', cseq: 2 }))?.status).toBe(481)
    expect(ended()).toBe(0)
    expect(ask(request('BYE', { toTag, cseq: 2 }))?.status).toBe(200)
    expect(ended()).toBe(1)
    expect(ask(request('INVITE', { toTag, cseq: 3, body: OFFER }))?.status).toBe(481)
  })

  it('answers a probe outside of any call, and refuses what it does not know', async () => {
    const { ask } = await stand()
    expect(ask(request('OPTIONS'))?.status).toBe(200)
    expect(ask(request('MESSAGE'))?.status).toBe(405)
    expect(ask(request('CANCEL'))?.status).toBe(481)
    expect(ask(request('ACK'))).toBe(null)
  })
})
