import { expect, it } from 'vitest'
import { addressBytes } from '../../src/gate/address.ts'

it.each([
  ['10.99.0.50', '0a630032'],
  ['fd99::50', 'fd990000000000000000000000000050'],
  ['::', '00000000000000000000000000000000'],
  ['2001:db8:1:2:3:4:5:6', '20010db8000100020003000400050006'],
  ['2001:db8::', '20010db8000000000000000000000000'],
  ['::1', '00000000000000000000000000000001'],
  ['64:ff9b::192.0.2.33', '0064ff9b0000000000000000c0000221'],
])('the address %s stands in a packet as %s', (address, bytes) => {
  expect(addressBytes(address).toString('hex')).toBe(bytes)
})
