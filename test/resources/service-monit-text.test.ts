// Goal: monit's status document is read exactly, and garbage is told from it. Method: documents as monit
// 5.33 writes them, mutilated in many ways.
import { expect, test } from 'vitest'
import {
  executionFailed,
  type MonitFacts,
  monitFindings,
  monitState,
  monitWords,
  readMonit,
} from '../../src/resources/service-monit-text.ts'
import { parseXml } from '../../src/resources/service-monit-xml.ts'

const DOCUMENT = `<?xml version="1.0" encoding="ISO-8859-1"?><monit><server><id>3f</id><version>5.33.0</version><localhostname>sp1</localhostname><controlfile>/etc/monit/monitrc</controlfile><httpd><unixsocket>/run/monit.sock</unixsocket></httpd></server><platform><name>Linux</name><machine>x86_64</machine></platform><service type="5"><name>sp1</name><status>0</status><monitor>1</monitor></service><service type="3"><name>lb &amp; co</name><collected_sec>1795299000</collected_sec><status>512</status><status_hint>0</status_hint><monitor>2</monitor><monitormode>1</monitormode><onreboot>2</onreboot><pendingaction>6</pendingaction><status_message><![CDATA[<gone> & ]]]></status_message></service>
<!-- a <comment> --><service type="3"><name>proxy</name><status>0</status><monitor>1</monitor><monitormode>0</monitormode><pendingaction>0</pendingaction><pid>4711</pid><ppid>1</ppid></service></monit>
`

test('a service is found by its name, with everything that counts', () => {
  expect(readMonit(DOCUMENT, 'lb & co')).toEqual({
    ok: true,
    facts: { status: 512, monitor: 2, passive: true, onReboot: 2, pending: 'start', pid: null },
  })
  expect(readMonit(DOCUMENT, 'proxy')).toEqual({
    ok: true,
    facts: { status: 0, monitor: 1, passive: false, onReboot: 0, pending: '', pid: 4711 },
  })
})

test('a service that is not there, and one that is no process, are told apart', () => {
  expect(readMonit(DOCUMENT, 'lb')).toEqual({ ok: false, why: 'unknown' })
  expect(readMonit(DOCUMENT, 'sp1')).toEqual({ ok: false, why: 'other' })
})

test('the form with names as attributes is read as well', () => {
  const other = `<monit><services><service name="lb"><type>3</type><status>0</status><monitor>0</monitor></service></services></monit>`
  expect(readMonit(other, 'lb')).toMatchObject({ ok: true, facts: { monitor: 0, pid: null } })
})

test('a document that breaks off anywhere, or has a byte too many or another one, never passes for one', () => {
  const cut = Array.from({ length: DOCUMENT.trimEnd().length }, (_, end) => DOCUMENT.slice(0, end))
  expect(cut.filter((text) => parseXml(text) !== null)).toEqual([])
  for (let at = 0; at < DOCUMENT.length; at += 1) {
    for (const wrong of ['<', '>', '&', '"', '\0', '/']) {
      const text = DOCUMENT.slice(0, at) + wrong + DOCUMENT.slice(at + 1)
      // Whatever it is taken for, it is taken without an exception and in no time.
      readMonit(text, 'proxy')
    }
  }
})

test.each([
  ['nothing', ''],
  ['a page', '<HTML><BODY><P>Not authorised</BODY></HTML>'],
  ['a document type', '<!DOCTYPE a [<!ENTITY b "c">]><monit></monit>'],
  ['an unknown name of a character', '<monit>&nbsp;</monit>'],
  ['a lone ampersand', '<monit>a & b</monit>'],
  ['two outermost elements', '<monit></monit><monit></monit>'],
  ['text outside', '<monit></monit>x'],
  ['elements that cross', '<monit><a><b></a></b></monit>'],
  ['an end with attributes', '<monit></monit a="b">'],
  ['endless nesting', `${'<a>'.repeat(100)}${'</a>'.repeat(100)}`],
])('%s is no document', (_what, text) => {
  expect(parseXml(text)).toBeNull()
})

test('elements, attributes, numbers of characters and empty elements are read', () => {
  expect(parseXml(`<a b='1' c = "&lt;2&gt;"> x &#65;&#x42; <d/> y </a >`)).toEqual({
    name: 'a',
    attributes: new Map([
      ['b', '1'],
      ['c', '<2>'],
    ]),
    children: [{ name: 'd', attributes: new Map(), children: [], text: '' }],
    text: 'x AB  y',
  })
})

const facts = (changes: Partial<MonitFacts> = {}): MonitFacts => ({
  status: 0,
  monitor: 1,
  passive: false,
  onReboot: 1,
  pending: '',
  pid: 7,
  ...changes,
})

test.each<[string, Partial<MonitFacts>, boolean, string, string]>([
  ['runs and is fine', {}, true, 'running', 'OK'],
  ['runs and a test of monit fails', { status: 32 }, true, 'running', 'Connection failed'],
  ['runs unmonitored', { monitor: 0, pid: null }, true, 'running', 'Not monitored'],
  ['was stopped', { monitor: 0, pid: null }, false, 'stopped', 'Not monitored'],
  ['died', { status: 512, pid: null }, false, 'failed', 'Does not exist'],
  [
    'is only watched',
    { status: 512, pid: null, passive: true },
    false,
    'stopped',
    'Does not exist',
  ],
  [
    'would not start',
    { status: 4608, pid: null },
    false,
    'failed',
    'Does not exist | Execution failed',
  ],
  ['is not looked at yet', { monitor: 2, pid: null }, false, 'starting', 'Initializing'],
  ['waits for another', { monitor: 4, pid: null }, false, 'starting', 'Waiting'],
  ['is to be started', { pending: 'start' }, false, 'starting', 'OK - start pending'],
  ['is to be stopped', { pending: 'stop' }, true, 'stopping', 'OK - stop pending'],
])('one that %s', (_what, changes, runs, state, words) => {
  expect([monitState(facts(changes), runs), monitWords(facts(changes))]).toEqual([state, words])
})

test('a failed order is seen in its bit', () => {
  expect([
    executionFailed(facts({ status: 4608 })),
    executionFailed(facts({ status: 512 })),
  ]).toEqual([true, false])
})

test('a service that monit starts by itself is told with both reasons; one that it only watches is not', () => {
  expect(monitFindings('lb', facts({ passive: true }))).toEqual([])
  const found = monitFindings('lb', facts({ onReboot: 0 }))
  expect(found.map(({ severity, setting, mend }) => [severity, setting, mend])).toEqual([
    [
      'error',
      'lb onreboot',
      'write "onreboot nostart" into "check process lb", and have monit reload',
    ],
    ['warning', 'lb mode', 'write "mode passive" into "check process lb", and have monit reload'],
  ])
})
