// How a notice reads: the whole text, and that nothing in a sentence becomes a line or header of its own.
import { expect, test } from 'vitest'
import { type AlarmNews, type NoticeFacts, noticeOf, noticeText } from '../../src/control/notice.ts'

const SINCE = '2026-11-21T11:58:00.000Z'
const PATH: AlarmNews = {
  ...{ what: 'began', code: 'path-silent', about: 'crosslink', returns: 2, endedIso: null },
  ...{ sentence: 'nothing is heard on heartbeat path crosslink', mend: 'look at the cable' },
  sinceIso: SINCE,
}
const FACTS: NoticeFacts = {
  ...{ kind: 'news', node: 'sp2', hostName: 'web01b', atIso: '2026-11-21T12:00:00.000Z' },
  ...{ state: 'active', peerState: 'unknown', standing: 1 },
  changes: [
    {
      ...{ atIso: SINCE, from: 'take', to: 'active', term: 9, outageMs: 1_103.4 },
      reason: { code: 'takeover-done', sentence: 'took over: the peer was silent' },
    },
  ],
  alarms: [
    PATH,
    {
      ...PATH,
      ...{ what: 'over', code: 'store-sick', about: 'redis', returns: 0, sinceIso: SINCE },
      ...{ sentence: 'store redis fails its probes', endedIso: '2026-11-21T11:59:00.000Z' },
    },
  ],
}

test('a takeover with what it brought', () => {
  const notice = noticeOf(FACTS)
  expect(notice.subject).toBe(
    '[tandem web01b] web01b serves now (takeover-done); Alarm: path-silent crosslink; Over: store-sick redis',
  )
  expect(noticeText(notice)).toBe(`web01b serves since 2026-11-21T11:58:00.000Z, term 9
  why: took over: the peer was silent (takeover-done)
  outage: about 1103 ms

Alarm: nothing is heard on heartbeat path crosslink
  code: path-silent, since 2026-11-21T11:58:00.000Z, came back 2 times
  next step: look at the cable

Over: store redis fails its probes
  code: store-sick, since 2026-11-21T11:58:00.000Z, over since 2026-11-21T11:59:00.000Z

web01b (sp2) is active, its peer is unknown; alarms that stand: 1.
More: tandem status, tandem explain, tandem alarm list
Written on web01b at 2026-11-21T12:00:00.000Z
`)
})

test('what a server said stays on its line and out of the headers', () => {
  const about = 'x\r\nBcc: someone@example.net'
  const notice = noticeOf({
    ...FACTS,
    changes: [],
    alarms: [{ ...PATH, about, sentence: 'bad\r\n.\r\nQUIT' }],
  })
  expect(notice.subject).not.toMatch(/[\r\n]/)
  expect(noticeText(notice)).toContain('Alarm: bad . QUIT\n')
})
