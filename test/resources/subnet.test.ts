import { expect, test } from 'vitest'
import { sharesSubnet } from '../../src/resources/subnet.ts'

const at = (interfaceIndex: number, address: string, prefixLength: number) => ({
  interfaceIndex,
  family: address.includes(':') ? (6 as const) : (4 as const),
  address,
  prefixLength,
})

test.each([
  ['the same subnet', at(2, '10.1.0.1', 24), at(2, '10.1.0.50', 24), true],
  ['a subnet that contains it', at(2, '10.1.0.1', 16), at(2, '10.1.9.50', 32), true],
  ['a subnet beside it', at(2, '10.1.0.1', 24), at(2, '10.1.1.50', 24), false],
  ['a part of its subnet without it', at(2, '10.1.0.1', 25), at(2, '10.1.0.200', 24), false],
  ['another interface', at(3, '10.1.0.1', 24), at(2, '10.1.0.50', 24), false],
  ['another family', at(2, 'fd98::1', 64), at(2, '10.1.0.50', 24), false],
  ['the same subnet of IPv6', at(2, 'fd98::1', 64), at(2, 'fd98:0:0:0:1::50', 64), true],
  ['a link-local address', at(2, 'fe80::1', 64), at(2, 'fd98::50', 64), false],
  ['a boundary inside a byte', at(2, '10.1.0.127', 26), at(2, '10.1.0.64', 24), true],
])('an address on %s: %s and %s', (_name, other, address, shared) => {
  expect(sharesSubnet(other, address)).toBe(shared)
})
