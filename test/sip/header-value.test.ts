import { describe, expect, it } from 'vitest'
import { readNameAddress, readVia } from '../../src/sip/header-value.ts'

describe('the inside of headers', () => {
  it('keeps parameters of a URI in brackets apart from those of the header', () => {
    expect(readNameAddress('<sip:a@b;lr>;tag=x;y')).toEqual({
      uri: 'sip:a@b;lr',
      params: new Map([
        ['tag', 'x'],
        ['y', ''],
      ]),
    })
    expect(readNameAddress('sip:a@b;tag=x')?.uri).toBe('sip:a@b')
    expect(readNameAddress('"<sip:evil@x>" <sip:a@b>')?.uri).toBe('sip:a@b')
    expect(readNameAddress('<sip:a@b')).toBe(null)
    expect(readNameAddress('')).toBe(null)
  })

  it('reads Via with spaces, IPv6 and quoted parameters, and nothing else as Via', () => {
    expect(readVia('SIP / 2.0 / tls [2001:db8::1]:5061 ;branch="a;b"')).toEqual({
      transport: 'TLS',
      host: '2001:db8::1',
      port: 5061,
      params: new Map([['branch', 'a;b']]),
    })
    expect(readVia('SIP/1.0/UDP a')).toBe(null)
    expect(readVia('SIP/2.0/UDP')).toBe(null)
  })
})
