import { SocketAddress } from 'node:net'
import { describe, expect, it } from 'vitest'
import { addressBytes, addressKey, bareAddress, isLinkLocal } from '../../src/wire/ip-address.ts'

const hex = (text: string): string | null => {
  const bytes = addressBytes(text)
  return bytes === null ? null : Buffer.from(bytes).toString('hex')
}

describe('an address', () => {
  it('is read from every spelling', () => {
    expect(hex('192.0.2.255')).toBe('c00002ff')
    expect(hex('::')).toBe('0'.repeat(32))
    expect(hex('::1')).toBe(`${'0'.repeat(31)}1`)
    expect(hex('2001:DB8::a:0:1')).toBe(
      `${'20010db80000000000000000000a00000001'.slice(0, 8)}000000000000000a00000001`,
    )
    expect(hex('fe80::1%eth0')).toBe('fe800000000000000000000000000001')
    expect(hex('::ffff:192.0.2.1')).toBe('00000000000000000000ffffc0000201')
    expect(hex('1:2:3:4:5:6:7:8')).toBe('00010002000300040005000600070008')
    expect(hex('1:2:3:4:5:6:7::')).toBe('00010002000300040005000600070000')
  })

  it('is null when it is none', () => {
    for (const text of [
      '',
      '1.2.3',
      '1.2.3.256',
      '01.2.3.4',
      '1.2.3.4.5',
      'a.b.c.d',
      ':',
      ':::',
      '1::2::3',
      '1:2:3:4:5:6:7',
      '1:2:3:4:5:6:7:8:9',
      '1:2:3:4:5:6:7:8::',
      '12345::',
      'g::',
      '::1.2.3',
      'gateway.example',
    ])
      expect([text, hex(text)]).toEqual([text, null])
  })

  it('has one key however it is spelled, as the system sees it too', () => {
    for (const text of ['2001:DB8:0:0::1', 'FE80::0:1', '::ffff:1.2.3.4', '1:0:0:2::3']) {
      const spelled = new SocketAddress({ address: text, family: 'ipv6' }).address
      expect(addressKey(text)).toBe(addressKey(spelled))
    }
    expect(addressKey('10.0.0.1')).not.toBe(addressKey('10.0.0.2'))
    expect(addressKey('nonsense')).toBe('nonsense')
  })

  it('is known to be link-local up to the end of fe80::/10', () => {
    expect(
      ['fe80::1%eth0', 'febf::1', 'fec0::1', '2001:db8::1', '169.254.0.1'].map(isLinkLocal),
    ).toEqual([true, true, false, false, false])
    expect(bareAddress('fe80::1%eth0')).toBe('fe80::1')
  })
})
