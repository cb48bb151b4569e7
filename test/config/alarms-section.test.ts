/** Goal: who is told of alarms, and which files are compared, is read as written; each mistake names its mend. */
import { describe, expect, it } from 'vitest'
import { CONFIG, judgeTexts, linesOf } from '../helpers/config-case.ts'

const judged = (ours: string, general = '') =>
  judgeTexts({ config: `${CONFIG}  ${ours}\n${general}` })
const channelsOf = (ours: string, general = '') => judged(ours, general).config?.alarms.channels
const errorsOf = (ours: string): string[] =>
  linesOf(judged(ours).mistakes.filter(({ severity }) => severity === 'error'))

const ADMIN = 'general: {adminmail: noc@provider.test}\n'
const SENDMAIL = { via: 'sendmail', program: '/usr/sbin/sendmail' }

describe('mail', () => {
  it('goes to the administrator of the platform by itself, unless it is switched off', () => {
    const mail = { kind: 'mail', to: ['noc@provider.test'], from: null, way: SENDMAIL }
    expect(channelsOf('mode: ping', ADMIN)).toEqual([mail])
    expect(channelsOf('alarms: {remind_hours: 48}', ADMIN)).toEqual([mail])
    expect(channelsOf('alarms: {mail: no}', ADMIN)).toEqual([])
    expect(channelsOf('mode: ping', 'general: {adminmail: adjust@example.org}\n')).toEqual([])
    expect(channelsOf('mode: ping', 'general: {adminmail: root@localhost -oQ/tmp}\n')).toEqual([])
  })

  it('goes through a mail server with a login', () => {
    const told =
      'alarms: {mail: {to: [a@x.test, b@x.test], from: tandem@x.test, smtp: mx.x.test, user: u, password_file: /etc/p}}'
    expect(channelsOf(told, ADMIN)).toEqual([
      {
        ...{ kind: 'mail', to: ['a@x.test', 'b@x.test'], from: 'tandem@x.test' },
        way: {
          ...{ via: 'smtp', host: 'mx.x.test', port: 587, tls: 'starttls', caFile: null },
          ...{ user: 'u', passwordFile: '/etc/p' },
        },
      },
    ])
  })

  it.each([
    ['{webhook: {url: "https://x.test"}}', null],
    ['{mail: {}}', /alarms\.mail does not say whom to write to/],
    ['{mail: {from: a@x.test}}', /alarms\.mail .*does not say whom to write to.* -> add "to/],
    ['{mail: {to: -oQ/tmp@x.test}}', /to=-oQ\/tmp@x\.test is not a mail address/],
    ['{mail: {to: a@x.test, port: 25}}', /port=25 means nothing without a mail server/],
    ['{mail: {to: a@x.test, smtp: h, user: u}}', /user=u has no password -> add password_file/],
    [
      '{mail: {to: a@x.test, smtp: h, tls: none, user: u, password_file: /p}}',
      /user=u would send its password readable by all/,
    ],
    ['{mail: {to: a@x.test, smtp: "h:25"}}', /smtp=h:25 is neither an address nor a host name/],
    ['{remind_hours: 1}', /remind_hours=1 is too small/],
    ['{pager: x}', /alarms\.pager=x is not a known key/],
  ])('of %s is judged', (alarms, complaint) => {
    const errors = errorsOf(`alarms: ${alarms}`)
    expect(errors).toEqual(complaint === null ? [] : [expect.stringMatching(complaint)])
  })
})

describe('a webhook', () => {
  it('is an address, with a token from a file', () => {
    const told = 'alarms: {webhook: {url: "https://chat.x.test/hooks/word", token_file: /etc/t}}'
    const url = 'https://chat.x.test/hooks/word'
    expect(channelsOf(told)).toEqual([{ kind: 'webhook', url, tokenFile: '/etc/t', caFile: null }])
  })

  it('that is refused does not show its address, which may hold a secret', () => {
    for (const url of ['ftp://x.test/sesame', 'https://u:sesame@x.test/', 'sesame']) {
      const errors = errorsOf(`alarms: {webhook: {url: "${url}"}}`)
      expect(errors.length).toBe(1)
      expect(errors[0]).not.toContain('sesame')
    }
    const open = '{webhook: {url: "http://x.test/", token_file: /etc/t}}'
    expect(errorsOf(`alarms: ${open}`)).toEqual([
      expect.stringMatching(/would send the token readable by all -> use https/),
    ])
  })
})

it('a command is named from the root', () => {
  const argv = ['/usr/local/bin/page', '--quick']
  expect(channelsOf('alarms: {command: [/usr/local/bin/page, --quick]}')).toEqual([
    { kind: 'command', argv },
  ])
  expect(errorsOf('alarms: {command: page}')).toEqual([
    expect.stringMatching(/command=page is not an absolute path/),
  ])
})

it('files that should be alike are named from the root, and may be none', () => {
  const driftOf = (ours: string) => judged(ours).config?.drift
  expect(driftOf('drift: {files: []}')?.files).toEqual([])
  expect(
    driftOf('drift: {files: [/etc/a, "/etc/b/*.cfg"], except: /etc/a/x, after_minutes: 5}'),
  ).toEqual({ files: ['/etc/a', '/etc/b/*.cfg'], except: ['/etc/a/x'], afterMs: 300_000 })
  expect(errorsOf('drift: {files: [etc/a]}')).toEqual([
    expect.stringMatching(/files.*=etc\/a is not an absolute path/),
  ])
  expect(errorsOf('drift: {files: [/etc/../root]}')).toEqual([
    expect.stringMatching(/is not an absolute path/),
  ])
})
