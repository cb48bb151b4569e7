/** Goal: a test call is written down in one line, read back to the same, and no slip shows a password. */
import { describe, expect, it } from 'vitest'
import { checkText, parseCheck } from '../../src/config/check-text.ts'

const SHORT = 'call alice@HOST bob@HOST udp:10.0.0.50:5060'

describe('a test call', () => {
  it('has a usual audio and pace, and registers nobody', () => {
    expect(parseCheck(SHORT)).toEqual({
      ok: true,
      check: {
        ...{ kind: 'call', from: 'alice@HOST', to: 'bob@HOST', transport: 'udp' },
        ...{ address: '10.0.0.50', port: 5060, passwordFile: null, local: false },
        ...{ seconds: 2, everyMs: 60_000 },
      },
    })
  })

  it.each([
    SHORT,
    'call sip:alice@example.org:5080 bob@[fd83::50] tls:[fd83::50]:5061 password /etc/x local',
    `${SHORT} local seconds 0 every 300s`,
  ])('"%s" is written as it was read', (line) => {
    const read = parseCheck(line)
    expect(read.ok && checkText(read.check)).toBe(line)
  })

  it('takes its options in any order', () => {
    const read = parseCheck(`${SHORT} every 60s local seconds 2 password /etc/x`)
    expect(read.ok && checkText(read.check)).toBe(`${SHORT} password /etc/x local`)
  })

  it.each([
    ['call alice@HOST udp:10.0.0.50:5060', 'does not say who calls whom', true],
    ['call alice:secret@HOST bob@HOST udp:10.0.0.50:5060', 'does not say who calls whom', true],
    ['call alice@HOST bob@HOST 10.0.0.50:5060', 'does not say by which transport', false],
    ['call alice@HOST bob@HOST udp:sip.example.org:5060', 'has no usable address', false],
    [`${SHORT} password secret`, 'has a password that is no absolute path', true],
    [`${SHORT} secret`, 'has a word that is none of its options', true],
    [`${SHORT} seconds 100`, 'has no usable number of seconds', false],
    [`${SHORT} every 5s`, 'has no usable time after "every"', false],
    [`${SHORT} every`, 'has no usable time after "every"', false],
  ])('"%s" %s', (line, mistake, secret) => {
    const read = parseCheck(line)
    expect(read).toMatchObject({ ok: false, mistake })
    expect(!read.ok && read.secret === true).toBe(secret)
    expect(!read.ok && read.mend).not.toContain('secret')
  })
})
