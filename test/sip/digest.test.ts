import { inspect } from 'node:util'
import { describe, expect, it } from 'vitest'
import { type Challenge, Credentials, digestAnswer, readChallenge } from '../../src/sip/digest.ts'

const challengeOf = (text: string): Challenge => {
  const read = readChallenge(text)
  if (read === null) throw new Error(`not read: ${text}`)
  return read
}

const HTTP_AUTH =
  'Digest realm="http-auth@example.org", qop="auth, auth-int", ' +
  'nonce="7ypf/xlj9XXwfDPEoM4URrv/xwf94BcCAzFZH4GiTo0v", ' +
  'opaque="FQhe/qaU925kfnzjCev0ciny7QMkPqMAFRtzCUYo5tdS"'

function answer(challenge: Challenge): string {
  return digestAnswer({
    challenge,
    credentials: new Credentials('Mufasa', 'Circle of Life'),
    method: 'GET',
    uri: '/dir/index.html',
    cnonce: 'f2/wE4q74E6zIJEtWaHKaf5wv/H5QzzpXusqGemxURZJ',
    count: 1,
  })
}

describe('a digest', () => {
  it('is that of the example in RFC 7616 section 3.9.1, for MD5 and for SHA-256', () => {
    expect(answer(challengeOf(`${HTTP_AUTH}, algorithm=MD5`))).toBe(
      'Digest username="Mufasa", realm="http-auth@example.org", ' +
        'nonce="7ypf/xlj9XXwfDPEoM4URrv/xwf94BcCAzFZH4GiTo0v", uri="/dir/index.html", ' +
        'response="8ca523f5e9506fed4657c9700eebdbec", algorithm=MD5, ' +
        'opaque="FQhe/qaU925kfnzjCev0ciny7QMkPqMAFRtzCUYo5tdS", qop=auth, nc=00000001, ' +
        'cnonce="f2/wE4q74E6zIJEtWaHKaf5wv/H5QzzpXusqGemxURZJ"',
    )
    expect(answer(challengeOf(`${HTTP_AUTH}, algorithm=sha-256`))).toContain(
      'response="753927fa0e85d155564e2e272a28d1802ca10daf4496794697cf8db5856cb6c1", algorithm=SHA-256',
    )
  })

  it('leaves out qop, count and algorithm where the challenge has none', () => {
    // RFC 2069, as its erratum corrects it.
    const old = digestAnswer({
      challenge: challengeOf(
        'Digest realm="testrealm@host.com", nonce="dcd98b7102dd2f0e8b11d0f600bfb0c093"',
      ),
      credentials: new Credentials('Mufasa', 'CircleOfLife'),
      method: 'GET',
      uri: '/dir/index.html',
      cnonce: 'x',
      count: 1,
    })
    expect(old).toBe(
      'Digest username="Mufasa", realm="testrealm@host.com", ' +
        'nonce="dcd98b7102dd2f0e8b11d0f600bfb0c093", uri="/dir/index.html", ' +
        'response="1949323746fe6a43ef61f9606e7febea"',
    )
  })

  it('is not tried for what we do not speak', () => {
    for (const text of [
      'Basic realm="x"',
      'Digest realm="x", nonce="y", algorithm=MD5-sess',
      'Digest realm="x", nonce="y", algorithm=SHA-512-256',
      'Digest realm="x", nonce="y", qop="auth-int"',
      'Digest realm="x"',
      'Digest',
      '',
    ]) {
      expect(readChallenge(text), text).toBe(null)
    }
  })

  it('reads stale in every spelling and a realm with quotes and commas in it', () => {
    expect(challengeOf('digest realm="a, \\"b\\"",nonce=n,stale=TRUE')).toMatchObject({
      realm: 'a, "b"',
      nonce: 'n',
      stale: true,
    })
  })

  it('keeps the password out of everything that can be printed', () => {
    const credentials = new Credentials('alice', 'hunter2')
    const shown = [
      inspect(credentials, { depth: 9, showHidden: true }),
      JSON.stringify(credentials),
    ]
    expect(shown.join()).not.toContain('hunter2')
  })
})
