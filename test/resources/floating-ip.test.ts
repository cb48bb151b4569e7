/**
 * What is tried, in which order, and what is reported when the kernel says no. How it looks on a
 * real kernel: test/e2e/floating-ip.test.ts.
 */
import { expect, test } from 'vitest'
import type { FloatingIp } from '../../src/config/config.ts'
import { type AddressDoor, FloatingIps } from '../../src/resources/floating-ip.ts'
import type { AddressEntry } from '../../src/system/add-on.ts'

const V4: FloatingIp = {
  address: '10.1.0.50',
  family: 4,
  prefixLength: 24,
  interface: 'eth0',
  label: 'eth0:0',
}
const V6: FloatingIp = {
  address: 'FD98:0::50',
  family: 6,
  prefixLength: 64,
  interface: 'eth1',
  label: null,
}
const own4 = { interfaceIndex: 2, family: 4, address: '10.1.0.1', prefixLength: 24 } as const
const own6 = { interfaceIndex: 3, family: 6, address: 'fd98::1', prefixLength: 64 } as const

function refuse(code: string): never {
  throw Object.assign(new Error(`${code}: refused`), { code })
}

/** A kernel of two interfaces that refuses what it is told to refuse. */
class PretendKernel implements AddressDoor {
  readonly indexes = new Map([
    ['eth0', 2],
    ['eth1', 3],
  ])
  entries: AddressEntry[] = []
  /** By operation and address, `replace 10.1.0.50`; what is not here succeeds. */
  readonly refusals = new Map<string, string>()
  readonly done: string[] = []

  constructor(own: readonly Omit<AddressEntry, 'label' | 'validSeconds' | 'flags'>[] = []) {
    this.entries = own.map((entry) => ({ ...entry, label: null, validSeconds: null, flags: 0 }))
  }

  linkState(name: string) {
    const index = this.indexes.get(name)
    if (index === undefined) return null
    const mac = '02:00:5e:00:00:01'
    return { index, mac, ethernet: true, up: true, carrier: true, mtu: 1500 }
  }

  addressList(): AddressEntry[] {
    this.#judge('list', '')
    return [...this.entries]
  }

  addressReplace(request: Parameters<AddressDoor['addressReplace']>[0]): void {
    const { interfaceIndex: index, address, prefixLength, label, validSeconds } = request
    const route = request.connectedRoute ? 'with route' : 'without route'
    this.#judge('replace', address)
    this.done.push(
      `set ${address}/${prefixLength} ${label} on ${index} for ${validSeconds} s ${route}`,
    )
  }

  addressRemove: AddressDoor['addressRemove'] = ({ interfaceIndex, address, prefixLength }) => {
    this.#judge('remove', address)
    this.done.push(`take ${address}/${prefixLength} from ${interfaceIndex}`)
    return true
  }

  promoteSecondaries(name: string): void {
    this.#judge('promote', name)
    this.done.push(`promote on ${name}`)
  }

  #judge(operation: string, subject: string): void {
    const code = this.refusals.get(`${operation} ${subject}`.trim())
    if (code !== undefined) refuse(code)
  }
}

const entry = (on: typeof own4 | typeof own6, address: string): AddressEntry => ({
  ...on,
  address,
  label: null,
  validSeconds: 1,
  flags: 0,
})

test('every address comes with the lifetime asked for, and a second time without new decisions', () => {
  const kernel = new PretendKernel([own4, own6])
  const floatingIps = new FloatingIps([V4, V6], kernel)
  expect(floatingIps.add(1)).toEqual([])
  expect(floatingIps.refresh(2)).toEqual([])
  expect(kernel.done).toEqual([
    'promote on eth0',
    'set 10.1.0.50/24 eth0:0 on 2 for 1 s with route',
    'set FD98:0::50/64 null on 3 for 1 s without route',
    'set 10.1.0.50/24 eth0:0 on 2 for 2 s with route',
    'set FD98:0::50/64 null on 3 for 2 s without route',
  ])
})

test.each([
  ['IPv4 beside its twin could become the primary', [own4], V4, 'with route'],
  [
    'IPv4 in a wider subnet must not bring a second route',
    [{ ...own4, prefixLength: 16 }],
    V4,
    'without route',
  ],
  ['IPv4 alone would be out of reach', [], V4, 'with route'],
  [
    'IPv4 beside another subnet would be out of reach',
    [{ ...own4, address: '10.2.0.1' }],
    V4,
    'with route',
  ],
  [
    'IPv4 beside the subnet of another interface too',
    [{ ...own4, interfaceIndex: 3 }],
    V4,
    'with route',
  ],
  ['IPv6 beside its own subnet', [{ ...own6, interfaceIndex: 3 }], V6, 'without route'],
  ['IPv6 alone would be out of reach', [], V6, 'with route'],
])('the route: %s', (_why, own, floatingIp, expected) => {
  const kernel = new PretendKernel(own)
  new FloatingIps([floatingIp], kernel).add(1)
  expect(kernel.done.at(-1)).toMatch(new RegExp(` ${expected}$`))
})

test('of two floating IPs alone in an IPv6 subnet the first brings the route', () => {
  const kernel = new PretendKernel()
  new FloatingIps([V6, { ...V6, address: 'fd98::51' }], kernel).add(1)
  expect(kernel.done).toEqual([
    'set FD98:0::50/64 null on 3 for 1 s with route',
    'set fd98::51/64 null on 3 for 1 s without route',
  ])
})

test('one address that fails does not keep the others off', () => {
  const kernel = new PretendKernel([own4, own6])
  kernel.refusals.set('replace 10.1.0.50', 'EPERM')
  const failures = new FloatingIps([V4, V6], kernel).add(1)
  expect(failures).toEqual([
    { address: '10.1.0.50', interface: 'eth0', code: 'EPERM', message: 'EPERM: refused' },
  ])
  expect(kernel.done).toContain('set FD98:0::50/64 null on 3 for 1 s without route')
})

test('a missing interface is named, and found by its new index once it is there', () => {
  const kernel = new PretendKernel([own4])
  kernel.indexes.delete('eth1')
  const floatingIps = new FloatingIps([V4, V6], kernel)
  const missing = [
    { address: 'FD98:0::50', interface: 'eth1', code: 'ENODEV', message: 'no interface eth1' },
  ]
  expect(floatingIps.add(1)).toEqual(missing)
  kernel.indexes.set('eth1', 7)
  expect(floatingIps.refresh(1)).toEqual([])
  expect(kernel.done.at(-1)).toContain('FD98:0::50/64 null on 7')
})

test('an interface that cannot promote its secondaries is said once and does not stop the address', () => {
  const kernel = new PretendKernel([own4])
  kernel.refusals.set('promote eth0', 'EROFS')
  const floatingIps = new FloatingIps([V4], kernel)
  expect(floatingIps.add(1).map(({ code }) => code)).toEqual(['EROFS'])
  expect(floatingIps.refresh(1)).toEqual([])
  expect(kernel.done).toHaveLength(2)
})

test('removing takes a floating IP from wherever and however it stands, and nothing else', () => {
  const kernel = new PretendKernel([own4, own6])
  kernel.entries.push(
    entry(own4, '10.1.0.50'),
    { ...entry(own4, '10.1.0.50'), interfaceIndex: 9, prefixLength: 32 },
    entry(own6, 'fd98::50'),
    entry(own4, '10.1.0.51'),
  )
  expect(new FloatingIps([V4, V6], kernel).remove()).toEqual([])
  expect(kernel.done).toEqual([
    'take 10.1.0.50/24 from 2',
    'take 10.1.0.50/32 from 9',
    'take fd98::50/64 from 3',
  ])
})

test('an address that stays is reported after everything else was taken', () => {
  const kernel = new PretendKernel()
  kernel.entries.push(entry(own4, '10.1.0.50'), entry(own6, 'fd98::50'))
  kernel.refusals.set('remove 10.1.0.50', 'EPERM')
  expect(new FloatingIps([V4, V6], kernel).remove()).toEqual([
    {
      address: '10.1.0.50',
      interface: 'eth0',
      code: 'EPERM',
      message: '10.1.0.50/24 stays on interface 2',
    },
  ])
  expect(kernel.done).toEqual(['take fd98::50/64 from 3'])
})

test('an interface that goes in that very moment took its address with it', () => {
  const kernel = new PretendKernel()
  kernel.entries.push(entry(own4, '10.1.0.50'))
  kernel.refusals.set('remove 10.1.0.50', 'ENODEV')
  expect(new FloatingIps([V4], kernel).remove()).toEqual([])
})

test('a kernel that tells no addresses does not keep them from being taken away', () => {
  const kernel = new PretendKernel()
  kernel.refusals.set('list', 'ENOBUFS')
  const floatingIps = new FloatingIps([V4, V6], kernel)
  expect(floatingIps.remove()).toEqual([])
  expect(kernel.done).toEqual(['take 10.1.0.50/24 from 2', 'take FD98:0::50/64 from 3'])
  expect(() => floatingIps.releaseLeftovers()).toThrow('ENOBUFS')
})

test('leftovers are told with what came of each', () => {
  const kernel = new PretendKernel([own4])
  kernel.entries.push(entry(own4, '10.1.0.50'), entry(own6, 'fd98::50'))
  kernel.refusals.set('remove fd98::50', 'EPERM')
  expect(new FloatingIps([V4, V6], kernel).releaseLeftovers()).toEqual([
    { address: '10.1.0.50', prefixLength: 24, interfaceIndex: 2, code: null },
    { address: 'fd98::50', prefixLength: 64, interfaceIndex: 3, code: 'EPERM' },
  ])
})

test('only an address on its own interface is present', () => {
  const kernel = new PretendKernel()
  kernel.entries.push({ ...entry(own4, '10.1.0.50'), interfaceIndex: 3 }, entry(own6, 'fd98::50'))
  expect(new FloatingIps([V4, V6], kernel).present()).toEqual(['FD98:0::50'])
})
