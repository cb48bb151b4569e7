// Goal: what an operator writes is one probe or one mistake with its mend, and what we write is read back
// to the same. Method: a table of spellings, a table of mistakes, and probes made by chance.
import { describe, expect, it } from 'vitest'
import { type CheckConfig, checkText, parseCheck } from '../../src/config/check-text.ts'

/** Mulberry32: the same seed, the same probes. */
function randomFrom(seed: number): (below: number) => number {
  let state = seed
  return (below) => {
    state = (state + 0x6d2b79f5) | 0
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state)
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed
    return ((mixed ^ (mixed >>> 14)) >>> 0) % below
  }
}

describe('a written probe', () => {
  it.each<[string, CheckConfig]>([
    ['sip udp:10.0.0.50:5060', { kind: 'sip', transport: 'udp', address: '10.0.0.50', port: 5060 }],
    ['sip tcp:127.0.0.1:5060', { kind: 'sip', transport: 'tcp', address: '127.0.0.1', port: 5060 }],
    ['sip tls:[fd83::50]:5061', { kind: 'sip', transport: 'tls', address: 'fd83::50', port: 5061 }],
    [
      'sip udp:[FD83:0:0::50]:5061',
      { kind: 'sip', transport: 'udp', address: 'fd83::50', port: 5061 },
    ],
    ['tcp 127.0.0.1:5038', { kind: 'tcp', address: '127.0.0.1', port: 5038 }],
    ['tcp [::1]:80', { kind: 'tcp', address: '::1', port: 80 }],
    ['  ng   127.0.0.1:12222 ', { kind: 'ng', address: '127.0.0.1', port: 12222, offer: false }],
    ['ng 127.0.0.1:12222 offer', { kind: 'ng', address: '127.0.0.1', port: 12222, offer: true }],
    [
      'jsonrpc 127.0.0.1:5064 core.uptime',
      { kind: 'jsonrpc', address: '127.0.0.1', port: 5064, method: 'core.uptime' },
    ],
    [
      'ami 127.0.0.1:5038 tandem /etc/tandem/ami',
      {
        kind: 'ami',
        address: '127.0.0.1',
        port: 5038,
        user: 'tandem',
        secretFile: '/etc/tandem/ami',
      },
    ],
    ['sems 127.0.0.1:5040', { kind: 'sems', address: '127.0.0.1', port: 5040 }],
    ['process', { kind: 'process' }],
    ['usage memory 512 MB', { kind: 'usage', memoryMb: 512, cpuPercent: null }],
    ['usage memory 2gb', { kind: 'usage', memoryMb: 2048, cpuPercent: null }],
    ['usage cpu 90%', { kind: 'usage', memoryMb: null, cpuPercent: 90 }],
    ['usage cpu 90 % memory 512MB', { kind: 'usage', memoryMb: 512, cpuPercent: 90 }],
  ])('"%s" is read', (text, check) => {
    expect(parseCheck(text)).toEqual({ ok: true, check })
  })

  it('is written in one spelling, which is read back to the same', () => {
    const pick = randomFrom(20_261_122)
    const word = (): string =>
      Array.from({ length: 1 + pick(8) }, () => 'abcXYZ019_'[pick(10)]).join('')
    const at = (): { address: string; port: number } => ({
      address:
        pick(2) === 0
          ? `10.${pick(256)}.${pick(256)}.${pick(256)}`
          : `fd${10 + pick(80)}::${1 + pick(9)}`,
      port: 1 + pick(65_535),
    })
    const makers: readonly (() => CheckConfig)[] = [
      () => ({ kind: 'sip', transport: (['udp', 'tcp', 'tls'] as const)[pick(3)]!, ...at() }),
      () => ({ kind: 'tcp', ...at() }),
      () => ({ kind: 'ng', ...at(), offer: pick(2) === 0 }),
      () => ({ kind: 'jsonrpc', ...at(), method: `${word()}.${word()}` }),
      () => ({ kind: 'ami', ...at(), user: word(), secretFile: `/${word()}/${word()}` }),
      () => ({ kind: 'sems', ...at() }),
      () => ({ kind: 'process' }),
      () => ({ kind: 'usage', memoryMb: 1 + pick(99_999), cpuPercent: 1 + pick(100) }),
      () => ({ kind: 'usage', memoryMb: null, cpuPercent: 1 + pick(100) }),
    ]
    for (let round = 0; round < 2_000; round += 1) {
      const check = makers[round % makers.length]!()
      const text = checkText(check)
      expect(parseCheck(text)).toEqual({ ok: true, check })
      expect(checkText(check)).toBe(text)
    }
  })
})

describe('a mistake in a written probe', () => {
  it.each([
    ['', 'is empty', 'write a probe, as "sip udp:10.0.0.50:5060"'],
    [
      'SIP udp:10.0.0.50:5060',
      'begins with "SIP", which is no kind of probe',
      'did you mean sip, as "sip udp:10.0.0.50:5060"?',
    ],
    [
      'proccess',
      'begins with "proccess", which is no kind of probe',
      'did you mean process, as "process"?',
    ],
    [
      'rtpengine 127.0.0.1:12222',
      'begins with "rtpengine", which is no kind of probe',
      'did you mean ng, as "ng 127.0.0.1:12222 offer"?',
    ],
    [
      'http 127.0.0.1:80',
      'begins with "http", which is no kind of probe',
      'begin it with one of sip, tcp, ng, jsonrpc, ami, sems, process, usage, call',
    ],
    [
      'sip 10.0.0.50:5060',
      'does not say which transport it is for',
      'write udp:, tcp: or tls: before the address, as "sip udp:10.0.0.50:5060"',
    ],
    [
      'sip UDP:10.0.0.50:5060',
      'does not say which transport it is for',
      'did you mean udp? Write udp:, tcp: or tls: before the address, as "sip udp:10.0.0.50:5060"',
    ],
    [
      'sip tls:fd83::50',
      'has an IPv6 address without brackets',
      'write [fd83::50]: and the port, as "sip udp:10.0.0.50:5060"',
    ],
    [
      'tcp fd83::50:5060',
      'has an IPv6 address without brackets',
      'write it as [ADDRESS]:PORT, as "tcp 127.0.0.1:5038"',
    ],
    [
      'tcp localhost:5038',
      'has no usable address',
      'write a numeric one (IPv6 in brackets), names are not looked up, as "tcp 127.0.0.1:5038"',
    ],
    ['tcp 10.0.0.50', 'has no port', 'add it after the address, as "tcp 127.0.0.1:5038"'],
    ['tcp [fd83::50]', 'has no port', 'add it after the address, as "tcp 127.0.0.1:5038"'],
    [
      'tcp 10.0.0.50:70000',
      'has no usable port',
      'write a number from 1 to 65535, as "tcp 127.0.0.1:5038"',
    ],
    [
      'tcp 0.0.0.0:5060',
      'asks an address that is unspecified',
      'write the address of one socket, as "tcp 127.0.0.1:5038"',
    ],
    ['tcp', 'does not say where it asks', 'add address and port, as "tcp 127.0.0.1:5038"'],
    ['tcp 127.0.0.1:1 fast', 'has more words than it needs', 'write it as "tcp 127.0.0.1:5038"'],
    [
      'ng 127.0.0.1:12222 ofer',
      'has "ofer" after the port',
      'write "offer" or nothing there, as "ng 127.0.0.1:12222 offer"',
    ],
    [
      'jsonrpc 127.0.0.1:5064',
      'does not say which method to call',
      'name one, as "jsonrpc 127.0.0.1:5064 core.uptime"',
    ],
    ['process all', 'has words after "process"', 'write "process" alone'],
  ])('"%s": %s', (text, mistake, mend) => {
    expect(parseCheck(text)).toEqual({ ok: false, mistake, mend })
  })

  it.each([
    ['usage', 'does not say which limit it watches'],
    ['usage disk 5 MB', 'has "disk" where memory or cpu is expected'],
    ['usage memory', 'has no usable limit after memory'],
    ['usage memory 512', 'has no usable limit after memory'],
    ['usage memory 0 MB', 'has no usable limit after memory'],
    ['usage cpu 101%', 'has no usable limit after cpu'],
    ['usage cpu 90', 'has no usable limit after cpu'],
    ['usage cpu 90% cpu 80%', 'limits cpu twice'],
  ])('"%s": %s', (text, mistake) => {
    expect(parseCheck(text)).toMatchObject({ ok: false, mistake })
  })

  it.each([
    ['ami 127.0.0.1:5038', 'does not say which account logs in'],
    ['ami 127.0.0.1:5038 tandem', 'does not say where the secret is'],
    ['ami 127.0.0.1:5038 tandem hunter2', 'has a last word that is no absolute path'],
    ['ami 127.0.0.1:5038 tandem /etc/ami hunter2', 'has words after the path'],
    ['ami 127.0.0.1 tandem /hunter2', 'has no port'],
    ['AMI 127.0.0.1:5038 tandem hunter2', 'begins with "AMI", which is no kind of probe'],
    ['asterisk 127.0.0.1:5038 tandem hunter2', 'begins with "asterisk", which is no kind of probe'],
  ])('where a secret may stand is marked as secret and not repeated: "%s"', (text, mistake) => {
    const parsed = parseCheck(text)
    expect(parsed).toMatchObject({ ok: false, mistake, secret: true })
    expect(JSON.stringify(parsed)).not.toContain('hunter2')
  })

  it('is told in short, however long and odd the text is', () => {
    const pick = randomFrom(7)
    const words =
      'sip udp: tcp ng offer 127.0.0.1:1 [::1]:2 [ ] : usage memory cpu 5 MB % ami / \0 é'.split(
        ' ',
      )
    for (let round = 0; round < 2_000; round += 1) {
      const text = Array.from({ length: pick(9) }, () => words[pick(words.length)]).join(
        ' '.repeat(pick(3)),
      )
      const parsed = parseCheck(text)
      if (parsed.ok) expect(parseCheck(checkText(parsed.check))).toEqual(parsed)
      else expect(parsed.mistake.length + parsed.mend.length).toBeLessThan(400)
    }
    expect(parseCheck('x'.repeat(1_000_000))).toEqual({
      ok: false,
      mistake: 'is too long',
      mend: 'write one probe per item',
    })
  })
})
