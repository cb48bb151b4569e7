import { expect, test } from 'vitest'
import { ipv4Text, ipv6Text, macBytes, macText } from '../../src/wire/ethernet.ts'
import { addressBytes } from '../../src/wire/ip-address.ts'

test.each([
  '::',
  '::1',
  '1::',
  'fd99::50',
  '2001:db8::1:0:0:1',
  '2001:db8:0:1:1:1:1:1',
  '1:0:1:0:1:0:1:0',
  'fe80::12:3456',
  '1:2:3:4:5:6:7:8',
])('%s is written as RFC 5952 says', (text) => {
  expect(ipv6Text(Buffer.from(addressBytes(text) ?? []), 0)).toBe(text)
})

test('the longest run of zeros is shortened, the first of two equal ones', () => {
  const text = (address: string) => ipv6Text(Buffer.from(addressBytes(address) ?? []), 0)
  expect(text('2001:0:0:1:0:0:0:1')).toBe('2001:0:0:1::1')
  expect(text('2001:0:0:1:2:0:0:1')).toBe('2001::1:2:0:0:1')
})

test('addresses are read from the middle of a frame', () => {
  expect(ipv4Text(Buffer.from('00c000023200', 'hex'), 1)).toBe('192.0.2.50')
  expect(macText(Buffer.from('0002005e10000100', 'hex'), 1)).toBe('02:00:5e:10:00:01')
  expect(macBytes('02:00:5E:10:00:01').toString('hex')).toBe('02005e100001')
})
