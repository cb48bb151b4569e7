import { describe, expect, it } from 'vitest'
import {
  compareAddresses,
  inNetwork,
  isNetworkEdge,
  kindOf,
  parseAddress,
  parsePrefixLength,
  publicResolver,
} from '../../src/config/address.ts'

function address(text: string) {
  const parsed = parseAddress(text)
  if (parsed === null) throw new Error(text)
  return parsed
}

describe('an address', () => {
  it.each([
    ['192.0.2.1', '192.0.2.1'],
    ['2001:DB8:0:0:0:0:0:1', '2001:db8::1'],
    ['2001:db8::0:1', '2001:db8::1'],
    ['::1', '::1'],
    ['64:ff9b::192.0.2.1', '64:ff9b::c000:201'],
    ['1:2:3:4:5:6:7::', '1:2:3:4:5:6:7:0'],
  ])('%s has the one spelling %s', (written, spelled) => {
    expect(address(written).text).toBe(spelled)
    expect(address(written).value).toBe(address(spelled).value)
  })

  it.each([
    '',
    '192.0.2',
    '192.0.2.256',
    '192.0.02.1',
    '1.2.3.4/24',
    'fe80::1%eth0',
    '::ffff:192.0.2.1',
    'host',
    ' 192.0.2.1',
    '1::2::3',
  ])('is refused when written as "%s"', (written) => {
    expect(parseAddress(written)).toBeNull()
  })

  it('is ordered by number, IPv4 first', () => {
    const texts = ['2001:db8::2', '192.0.2.10', '2001:db8::1', '192.0.2.9']
    expect(
      texts
        .map(address)
        .sort(compareAddresses)
        .map((one) => one.text),
    ).toEqual(['192.0.2.9', '192.0.2.10', '2001:db8::1', '2001:db8::2'])
  })

  it.each([
    ['0.0.0.0', 'unspecified'],
    ['0.1.2.3', 'unspecified'],
    ['127.0.0.53', 'loopback'],
    ['169.254.1.1', 'link-local'],
    ['224.0.0.1', 'multicast'],
    ['239.255.255.255', 'multicast'],
    ['240.0.0.1', 'broadcast'],
    ['255.255.255.255', 'broadcast'],
    ['10.0.0.1', 'unicast'],
    ['::', 'unspecified'],
    ['::1', 'loopback'],
    ['fe80::1', 'link-local'],
    ['febf::1', 'link-local'],
    ['fec0::1', 'unicast'],
    ['ff02::1', 'multicast'],
    ['fd00::1', 'unicast'],
  ])('%s is %s', (text, kind) => {
    expect(kindOf(address(text))).toBe(kind)
  })

  it('of a public resolver is known in any spelling', () => {
    expect(publicResolver(address('2001:4860:4860:0::8888'))).toBe('Google')
    expect(publicResolver(address('192.0.2.1'))).toBeNull()
  })
})

describe('a network', () => {
  it.each([
    ['255.255.255.0', 4, 24],
    ['24', 4, 24],
    ['/24', 4, 24],
    ['255.255.255.255', 4, 32],
    ['0.0.0.0', 4, 0],
    ['255.255.255.248', 4, 29],
    ['64', 6, 64],
    ['ffff:ffff:ffff:ffff::', 6, 64],
    ['128', 6, 128],
    ['33', 4, null],
    ['129', 6, null],
    ['255.0.255.0', 4, null],
    ['0.0.0.255', 4, null],
    ['255.255.255.0', 6, null],
    ['-1', 4, null],
    ['24.5', 4, null],
    ['', 4, null],
  ] as const)('with mask "%s" of IPv%i has the prefix length %s', (text, family, length) => {
    expect(parsePrefixLength(text, family)).toBe(length)
  })

  it('contains what shares its prefix and nothing else', () => {
    const ours = address('192.0.2.11')
    expect(inNetwork(ours, 24, address('192.0.2.200'))).toBe(true)
    expect(inNetwork(ours, 29, address('192.0.2.16'))).toBe(false)
    expect(inNetwork(ours, 0, address('10.0.0.1'))).toBe(true)
    expect(inNetwork(ours, 0, address('::2'))).toBe(false)
    expect(inNetwork(address('2001:db8::1'), 64, address('2001:db8::ffff'))).toBe(true)
  })

  it('has edges that are no hosts, except where it is too small to have them', () => {
    expect(isNetworkEdge(address('192.0.2.0'), 24)).toBe(true)
    expect(isNetworkEdge(address('192.0.2.255'), 24)).toBe(true)
    expect(isNetworkEdge(address('192.0.2.255'), 23)).toBe(false)
    expect(isNetworkEdge(address('192.0.2.0'), 31)).toBe(false)
    expect(isNetworkEdge(address('2001:db8::'), 64)).toBe(false)
  })
})
