/**
 * Goal: floating IPs come and go beside the host's own addresses without harm to either, whether the
 * agent in Node or the one in plain sh moves them. Method: two hosts in network namespaces.
 */
import { execFileSync, spawnSync } from 'node:child_process'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import type { FloatingIp } from '../../src/config/config.ts'
import { FloatingIps } from '../../src/resources/floating-ip.ts'
import { native } from '../../src/system/native.ts'
import {
  addLink,
  buildHosts,
  FAR_DEVICE,
  far,
  farCode,
  NEAR_DEVICE,
  near,
  removeHosts,
  until,
} from '../helpers/address-lab.ts'

const V4: FloatingIp = {
  address: '10.98.0.50',
  family: 4,
  prefixLength: 24,
  interface: NEAR_DEVICE,
  label: `${NEAR_DEVICE}:0`,
}
const V6: FloatingIp = { ...V4, address: 'fd98::50', family: 6, prefixLength: 64, label: null }

beforeAll(buildHosts)
afterAll(removeHosts)
beforeEach(() => {
  near('ip', 'link', 'delete', NEAR_DEVICE)
  addLink()
})

/** What `ip` says, without indexes, link-local addresses and lifetimes. */
function addresses(device = NEAR_DEVICE): string[] {
  return near('ip', '-o', 'address', 'show', 'dev', device)
    .split('\n')
    .filter((line) => line !== '' && !line.includes('scope link'))
    .map((line) => line.replace(/^\d+: \S+\s+/, '').replace(/\s*\\.*/, ''))
}

const routes = (): string[] =>
  [near('ip', 'route', 'show'), near('ip', '-6', 'route', 'show', 'fd98::/64')]
    .join('')
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => line.replace(/ proto kernel.*?(?= src|$)/, '').trim())

const OWN = ['inet 10.98.0.1/24 scope global near0', 'inet6 fd98::1/64 scope global nodad']
const OWN_ROUTES = ['10.98.0.0/24 dev near0 src 10.98.0.1', 'fd98::/64 dev near0']
const answered = (address: string): boolean =>
  farCode('ping', '-n', '-c', '1', '-W', '1', address) === 0

describe('the agent in Node', () => {
  test('both families are there at once, answer, and go at once', () => {
    const floatingIps = new FloatingIps([V4, V6], native)
    expect(floatingIps.present()).toEqual([])
    expect(floatingIps.add(1)).toEqual([])
    expect(floatingIps.add(1)).toEqual([])
    expect(floatingIps.present()).toEqual(['10.98.0.50', 'fd98::50'])
    expect(addresses()).toEqual([
      OWN[0],
      'inet 10.98.0.50/24 scope global secondary dynamic near0:0',
      'inet6 fd98::50/64 scope global nodad deprecated dynamic noprefixroute',
      OWN[1],
    ])
    expect(routes()).toEqual(OWN_ROUTES)
    expect([answered('10.98.0.50'), answered('fd98::50')]).toEqual([true, true])
    expect(floatingIps.remove()).toEqual([])
    expect(floatingIps.remove()).toEqual([])
    expect(addresses()).toEqual(OWN)
    expect(routes()).toEqual(OWN_ROUTES)
  })

  test('what the host sends by itself never comes from a floating IP', () => {
    new FloatingIps([V4, V6], native).add(5)
    expect(near('ip', 'route', 'get', '10.98.0.2')).toContain('src 10.98.0.1 ')
    expect(near('ip', '-6', 'route', 'get', 'fd98::2')).toContain('src fd98::1 ')
  })

  test('without a refresh they are gone by themselves, with it they stay', async () => {
    const floatingIps = new FloatingIps([V4, V6], native)
    floatingIps.add(1)
    const endMs = native.bootTimeMs() + 1500
    await until('the time is over', () => {
      expect(floatingIps.refresh(1)).toEqual([])
      return native.bootTimeMs() > endMs
    })
    expect(floatingIps.present()).toEqual(['10.98.0.50', 'fd98::50'])
    const lastMs = native.bootTimeMs()
    await until('they are gone', () => floatingIps.present().length === 0)
    expect(native.bootTimeMs() - lastMs).toBeGreaterThan(980)
    expect(addresses()).toEqual(OWN)
  })

  test('a restart of the network under an active node costs the host nothing when it ends', () => {
    const floatingIps = new FloatingIps([V4], native)
    floatingIps.add(0)
    near('ip', 'address', 'del', '10.98.0.1/24', 'dev', NEAR_DEVICE)
    expect(floatingIps.present()).toEqual(['10.98.0.50'])
    expect(answered('10.98.0.50')).toBe(true)
    near('ip', 'address', 'add', '10.98.0.1/24', 'dev', NEAR_DEVICE)
    // Now the host's own address hangs on ours.
    expect(addresses()[0]).toBe('inet 10.98.0.50/24 scope global near0:0')
    expect(addresses()[1]).toBe('inet 10.98.0.1/24 scope global secondary near0')
    expect(floatingIps.remove()).toEqual([])
    expect(addresses()).toEqual(OWN)
    expect(routes()).toEqual(OWN_ROUTES)
  })

  test('an interface without own addresses gets the route to the LAN with them, and loses it', () => {
    near('ip', 'address', 'del', '10.98.0.1/24', 'dev', NEAR_DEVICE)
    near('ip', 'address', 'del', 'fd98::1/64', 'dev', NEAR_DEVICE)
    const floatingIps = new FloatingIps([V4, { ...V4, address: '10.98.0.51' }, V6], native)
    // For ever: an IPv6 route of a limited address would stay until that limit.
    expect(floatingIps.add(0)).toEqual([])
    expect(routes()).toEqual(['10.98.0.0/24 dev near0 src 10.98.0.50', 'fd98::/64 dev near0'])
    expect([answered('10.98.0.51'), answered('fd98::50')]).toEqual([true, true])
    expect(floatingIps.remove()).toEqual([])
    expect([...addresses(), ...routes()]).toEqual([])
  })

  test('a floating IP of another prefix length brings no second route', () => {
    const floatingIps = new FloatingIps([{ ...V4, prefixLength: 25 }], native)
    expect(floatingIps.add(5)).toEqual([])
    expect(routes()).toEqual(OWN_ROUTES)
    expect(answered('10.98.0.50')).toBe(true)
  })

  test('an interface that was made anew gets its address again', () => {
    const floatingIps = new FloatingIps([V4], native)
    floatingIps.add(5)
    near('ip', 'link', 'delete', NEAR_DEVICE)
    const gone = [
      { address: V4.address, interface: 'near0', code: 'ENODEV', message: 'no interface near0' },
    ]
    expect(floatingIps.refresh(5)).toEqual(gone)
    expect(floatingIps.remove()).toEqual([])
    addLink()
    expect(floatingIps.refresh(5)).toEqual([])
    expect(answered('10.98.0.50')).toBe(true)
  })

  test('what an earlier agent left anywhere is released, and everything else stays', () => {
    near('ip', 'address', 'add', '10.98.0.50/32', 'dev', 'lo')
    near('ip', 'address', 'add', '10.98.0.50/24', 'dev', NEAR_DEVICE)
    near('ip', 'address', 'add', 'fd98::50/128', 'dev', NEAR_DEVICE, 'nodad')
    near('ip', 'address', 'add', '10.98.0.51/24', 'dev', NEAR_DEVICE)
    const found = new FloatingIps([V4, V6], native).releaseLeftovers()
    const index = native.linkState(NEAR_DEVICE)?.index
    expect(found.toSorted((a, b) => a.prefixLength - b.prefixLength)).toEqual([
      { address: '10.98.0.50', prefixLength: 24, interfaceIndex: index, code: null },
      { address: '10.98.0.50', prefixLength: 32, interfaceIndex: 1, code: null },
      { address: 'fd98::50', prefixLength: 128, interfaceIndex: index, code: null },
    ])
    expect(addresses()).toEqual([OWN[0], 'inet 10.98.0.51/24 scope global secondary near0', OWN[1]])
  })
})

describe('the agent in plain sh', () => {
  const agent = join(import.meta.dirname, '../../agents/floating-ip')
  const directory = mkdtempSync(join(tmpdir(), 'tandem-agent-'))
  const list = join(directory, 'floating-ips')
  afterAll(() => rmSync(directory, { recursive: true }))

  type Parameters = Record<string, string>
  const one: Parameters = {
    OCF_RESKEY_address: '10.98.0.50',
    OCF_RESKEY_prefix: '24',
    OCF_RESKEY_interface: NEAR_DEVICE,
    OCF_RESKEY_label: `${NEAR_DEVICE}:0`,
  }
  const all: Parameters = { OCF_RESKEY_state: list }

  function act(action: string, parameters: Parameters, path = '/usr/bin:/bin') {
    const ended = spawnSync(agent, [action], {
      env: { PATH: path, ...parameters },
      encoding: 'utf8',
    })
    return { code: ended.status, said: ended.stderr }
  }
  const code = (action: string, parameters: Parameters): number | null =>
    act(action, parameters).code
  const writeList = (...lines: string[]): void => writeFileSync(list, `${lines.join('\n')}\n`)

  test.each([
    ['one IPv4 address', one, ['inet 10.98.0.50/24 scope global secondary near0:0']],
    [
      'one IPv6 address',
      { ...one, OCF_RESKEY_address: 'fd98::50', OCF_RESKEY_prefix: '64' },
      ['inet6 fd98::50/64 scope global nodad deprecated'],
    ],
    [
      'an address without a prefix length',
      { OCF_RESKEY_address: '10.98.0.50', OCF_RESKEY_interface: NEAR_DEVICE },
      ['inet 10.98.0.50/32 scope global near0'],
    ],
  ])('%s is started and stopped twice, and told rightly each time', (_what, parameters, added) => {
    expect(code('validate-all', parameters)).toBe(0)
    expect(code('monitor', parameters)).toBe(7)
    for (const _round of [1, 2]) {
      expect(code('start', parameters)).toBe(0)
      expect(code('monitor', parameters)).toBe(0)
      expect(addresses().filter((line) => !OWN.includes(line))).toEqual(added)
    }
    for (const _round of [1, 2]) {
      expect(code('stop', parameters)).toBe(0)
      expect(code('monitor', parameters)).toBe(7)
      expect(addresses()).toEqual(OWN)
    }
  })

  test('an IPv4 address is announced', async () => {
    const entry = (): string => far('ip', 'neigh', 'show', '10.98.0.50')
    far('ip', 'neigh', 'replace', '10.98.0.50', 'lladdr', '02:00:00:00:00:77', 'dev', FAR_DEVICE)
    far('ip', 'neigh', 'change', '10.98.0.50', 'dev', FAR_DEVICE, 'nud', 'stale')
    expect(entry()).toContain('02:00:00:00:00:77')
    expect(code('start', one)).toBe(0)
    await until('the other host has heard it', () => entry().includes('02:00:5e:00:00:01'))
  })

  test('an IPv6 address is announced', async () => {
    const entry = (): string => far('ip', '-6', 'neigh', 'show', 'fd98::50')
    const known = ['fd98::50', 'lladdr', '02:00:00:00:00:77', 'dev', FAR_DEVICE]
    far('ip', '-6', 'neigh', 'replace', ...known, 'nud', 'stale')
    expect(entry()).toContain('02:00:00:00:00:77')
    const six = { ...one, OCF_RESKEY_address: 'fd98::50', OCF_RESKEY_prefix: '64' }
    expect(code('start', six)).toBe(0)
    await until('the other host has heard it', () => entry().includes('02:00:5e:00:00:01'))
  })

  test('a list is started, watched and stopped as one', () => {
    writeList(
      '# written by the agent',
      `${NEAR_DEVICE} 10.98.0.50/24`,
      '',
      `${NEAR_DEVICE} fd98::50/64`,
    )
    expect(code('monitor', all)).toBe(7)
    expect(code('start', all)).toBe(0)
    expect(code('monitor', all)).toBe(0)
    near('ip', 'address', 'del', '10.98.0.50/24', 'dev', NEAR_DEVICE)
    expect(act('monitor', all)).toEqual({
      code: 1,
      said: 'floating-ip: 1 of 2 addresses are missing\n',
    })
    expect(code('stop', all)).toBe(0)
    expect(code('monitor', all)).toBe(7)
    expect(addresses()).toEqual(OWN)
  })

  test('it stops what the agent in Node has added, with another prefix length too', () => {
    new FloatingIps([{ ...V4, prefixLength: 25 }, V6], native).add(60)
    writeList(`${NEAR_DEVICE} 10.98.0.50/24`, `${NEAR_DEVICE} fd98::50/64`)
    expect(code('stop', all)).toBe(0)
    expect(addresses()).toEqual(OWN)
  })

  test('a line that makes no sense is told, and the others are stopped all the same', () => {
    writeList('near0 10.98.0.50', 'near0 nonsense/24', `${NEAR_DEVICE} 10.98.0.51/24`)
    near('ip', 'address', 'add', '10.98.0.51/24', 'dev', NEAR_DEVICE)
    expect(act('stop', all)).toEqual({
      code: 6,
      said:
        'floating-ip: no interface, address and prefix length: near0 10.98.0.50/10.98.0.50\n' +
        'floating-ip: no interface, address and prefix length: near0 nonsense/24\n',
    })
    expect(addresses()).toEqual(OWN)
  })

  test('where nothing was ever started there is nothing to stop', () => {
    expect(act('stop', { OCF_RESKEY_state: join(directory, 'none') })).toEqual({
      code: 0,
      said: '',
    })
    expect(code('stop', { ...one, OCF_RESKEY_interface: 'nope0' })).toBe(0)
  })

  test.each([
    ['a missing address', 'start', { OCF_RESKEY_interface: NEAR_DEVICE }, 6],
    ['a missing interface name', 'monitor', { OCF_RESKEY_address: '10.98.0.50' }, 6],
    ['a missing list', 'start', { OCF_RESKEY_state: '/nonexistent' }, 6],
    [
      'an interface that is not there',
      'validate-all',
      { ...one, OCF_RESKEY_interface: 'nope0' },
      6,
    ],
    ['an interface that is not there', 'start', { ...one, OCF_RESKEY_interface: 'nope0' }, 1],
    ['a prefix length beyond the end', 'validate-all', { ...one, OCF_RESKEY_prefix: '33' }, 6],
    ['something that is no address', 'start', { ...one, OCF_RESKEY_address: '10.98.0.50;id' }, 6],
    ['an option as interface', 'stop', { ...one, OCF_RESKEY_interface: '-all' }, 6],
    ['an unknown action', 'promote', one, 3],
  ])('%s ends with its code (%s)', (_what, action, parameters, expected) => {
    expect(code(action, parameters)).toBe(expected)
    expect(addresses()).toEqual(OWN)
  })

  test('a stop that cannot look is a failure, never a success', () => {
    writeFileSync(join(directory, 'ip'), '#!/bin/sh\nexit 1\n', { mode: 0o755 })
    expect(act('stop', one, `${directory}:/usr/bin:/bin`)).toEqual({
      code: 1,
      said: 'floating-ip: 10.98.0.50 on near0: stop failed\n',
    })
    rmSync(join(directory, 'ip'))
  })

  test('its description names every parameter and action that it has', () => {
    const text = execFileSync(agent, ['meta-data'], { encoding: 'utf8' })
    const names = (element: string): string[] =>
      [...text.matchAll(new RegExp(`<${element} name="([^"]+)"`, 'g'))].map(
        ([, name]) => name ?? '',
      )
    expect(names('parameter')).toEqual(['address', 'prefix', 'interface', 'label', 'state'])
    expect(names('action')).toEqual(['start', 'stop', 'monitor', 'validate-all', 'meta-data'])
  })

  test('the checker of shell scripts has nothing to say', () => {
    const files = [agent, join(agent, '../lib/ocf.sh')]
    const ended = spawnSync('shellcheck', ['-x', '-P', join(agent, '../..'), ...files], {
      encoding: 'utf8',
    })
    expect([ended.stdout, ended.status]).toEqual(['', 0])
  })
})
