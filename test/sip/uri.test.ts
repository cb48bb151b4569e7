import { describe, expect, it } from 'vitest'
import { placeText, readHostPort, readUri } from '../../src/sip/uri.ts'

describe('a SIP URI', () => {
  it('names user, host, port and parameters', () => {
    expect(readUri('sip:+43;x=y@example.org:5080;lr;transport=TCP?a=b')).toEqual({
      scheme: 'sip',
      user: '+43;x=y',
      host: 'example.org',
      port: 5080,
      params: new Map([
        ['lr', ''],
        ['transport', 'TCP'],
      ]),
    })
    expect(readUri('SIPS:[fd83::50]')).toEqual({
      scheme: 'sips',
      user: null,
      host: 'fd83::50',
      port: null,
      params: new Map(),
    })
    expect(readUri('sip:alice:secret@h')?.user).toBe('alice')
  })

  it('is refused when it is none', () => {
    for (const text of ['', 'tel:1', 'sip:', 'sip:a@', 'sip:a@b:0', 'sip:a@b:65536', 'sip:[::g]']) {
      expect(readUri(text), text).toBe(null)
    }
    expect(readUri('sip:a b@c')).toBe(null)
    expect(readUri('sip:a@b\r\nEvil: 1')).toBe(null)
  })
})

describe('a host with or without a port', () => {
  it('is read in every spelling, IPv6 too', () => {
    expect(readHostPort('sp1')).toEqual({ host: 'sp1', port: null })
    expect(readHostPort('10.0.0.1:5060')).toEqual({ host: '10.0.0.1', port: 5060 })
    expect(readHostPort('fd83::50')).toEqual({ host: 'fd83::50', port: null })
    expect(readHostPort('[fd83::50]:5061')).toEqual({ host: 'fd83::50', port: 5061 })
    for (const text of ['', 'a:b', 'a:0', '[fd83::50', 'a b', 'a:5060:1', '[1.2.3.4]']) {
      expect(readHostPort(text), text).toBe(null)
    }
    expect(placeText({ address: 'fd83::50', port: 5060 })).toBe('[fd83::50]:5060')
  })
})
