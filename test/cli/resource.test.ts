/**
 * Goal: `tandem resource` keeps the promises of OCF: codes, repeats, and no word on standard output but
 * the description. Method: a pretend kernel; the kernel itself: test/e2e/floating-ip.test.ts.
 */
import { execFileSync } from 'node:child_process'
import { cpSync, existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { type ResourceDoors, run } from '../../src/cli/resource.ts'
import type { AddressEntry } from '../../src/system/add-on.ts'
import { lockFile } from '../../src/system/native.ts'
import { capturedIo } from '../fixtures/captured-io.ts'

const PRO = join(import.meta.dirname, '../fixtures/config/pro')
const AGENT = join(import.meta.dirname, '../../agents/floating-ip')
/** What sp1 has in that configuration. */
const ALL = ['192.0.2.10', '192.0.2.9', '2001:db8:0:1::10', '192.168.255.250']

let scratch = ''
let directory = ''
let runDir = ''
let standing: AddressEntry[] = []
let interfaces = new Map<string, number>()
let refuses: (operation: string, address: string) => string | null = () => null
let announced: string[][] = []
let locked: string[] = []
let doors: ResourceDoors

beforeEach(() => {
  scratch = mkdtempSync(join(tmpdir(), 'tandem-resource-'))
  directory = join(scratch, 'config')
  runDir = join(scratch, 'run/tandem')
  cpSync(PRO, directory, { recursive: true })
  standing = []
  interfaces = new Map([
    ['eth0', 2],
    ['eth1', 3],
  ])
  refuses = () => null
  announced = []
  locked = []
  const judge = (operation: string, address: string): void => {
    const code = refuses(operation, address)
    if (code !== null) throw Object.assign(new Error(`${operation} was refused`), { code })
  }
  doors = {
    addresses: {
      addressList: () => {
        judge('list', '')
        return [...standing]
      },
      addressReplace: (request) => {
        judge('set', request.address)
        const { interfaceIndex, family, address, prefixLength, label, validSeconds } = request
        expect(validSeconds).toBe(0)
        standing = standing.filter((entry) => entry.address !== address)
        standing.push({
          ...{ interfaceIndex, family, address, prefixLength, label },
          ...{ validSeconds: null, flags: 0 },
        })
      },
      addressRemove: ({ address }) => {
        judge('take', address)
        standing = standing.filter((entry) => entry.address !== address)
        return true
      },
      linkState: (name) => {
        const index = interfaces.get(name)
        if (index === undefined) return null
        const mac = '02:00:5e:00:00:01'
        return { index, mac, ethernet: true, up: true, carrier: true, mtu: 1500 }
      },
      promoteSecondaries: () => {},
    },
    lockFile: (path) => {
      locked.push(path)
      return true
    },
    announce: ({ floatingIps }) => announced.push(floatingIps.map(({ address }) => address)),
    openService: () => {
      throw new Error('no service is to be touched')
    },
    openStores: async () => ({ ok: true, stores: [] }),
    etcDirectory: scratch,
    machineName: 'sp1',
  }
})
afterEach(() => rmSync(scratch, { recursive: true, force: true }))

async function act(action: string, ...more: string[]) {
  const io = capturedIo({ env: { TANDEM_CONFIG: directory, TANDEM_RUN: runDir } })
  const code = await run(['floating-ip', action, ...more], io, doors)
  return { code, out: io.out, err: io.err }
}
const SILENT = { out: '', err: '' }
const there = (): string[] => standing.map(({ address }) => address)

describe('floating-ip', () => {
  test('is started and stopped twice, and told rightly each time', async () => {
    expect(await act('validate-all')).toEqual({ code: 0, ...SILENT })
    expect(await act('monitor')).toEqual({ code: 7, ...SILENT })
    for (const _round of [1, 2]) {
      expect(await act('start')).toEqual({ code: 0, ...SILENT })
      expect(there()).toEqual(ALL)
      expect(await act('monitor')).toEqual({ code: 0, ...SILENT })
    }
    expect(announced).toEqual([ALL, ALL])
    for (const _round of [1, 2]) {
      expect(await act('stop')).toEqual({ code: 0, ...SILENT })
      expect(there()).toEqual([])
      expect(await act('monitor')).toEqual({ code: 7, ...SILENT })
    }
  })

  test('is that of the node that is named', async () => {
    expect((await act('start', '--node', 'sp2')).code).toBe(0)
    expect((await act('monitor', '--node', 'sp1')).code).toBe(0)
    expect((await act('monitor', '--node', 'sp3')).code).toBe(6)
  })

  test('of which some are missing has failed, and says which', async () => {
    await act('start')
    standing = standing.filter(({ address }) => address !== '192.0.2.9')
    expect(await act('monitor')).toEqual({
      code: 1,
      out: '',
      err: 'tandem resource: 1 of 4 addresses are missing: 192.0.2.9\n',
    })
  })

  test('that stands on another interface is not running, and a stop takes it from there', async () => {
    const lost = { interfaceIndex: 1, family: 4, address: '192.0.2.10', prefixLength: 32 } as const
    standing = [{ ...lost, label: null, validSeconds: null, flags: 0 }]
    expect((await act('monitor')).code).toBe(7)
    expect((await act('stop')).code).toBe(0)
    expect(there()).toEqual([])
  })

  test('is not started beside an agent, which alone moves the addresses', async () => {
    doors.lockFile = () => false
    expect(await act('start')).toEqual({
      code: 1,
      out: '',
      err: `tandem resource: an agent is running (it holds ${runDir}/agent.lock): it alone moves the floating IPs\n`,
    })
    expect([there(), announced]).toEqual([[], []])
    // To look and to stop is always allowed.
    expect((await act('monitor')).code).toBe(7)
    expect((await act('stop')).code).toBe(0)
  })

  test('holds the lock of the agent while it starts, in a run directory that it makes', async () => {
    await act('start')
    expect(locked).toEqual([join(runDir, 'agent.lock')])
    expect(existsSync(runDir)).toBe(true)
    locked = []
    for (const action of ['stop', 'monitor', 'validate-all']) await act(action)
    expect(locked).toEqual([])
  })

  test('tries everything before a start has failed, and does not announce what is not there', async () => {
    refuses = (operation, address) =>
      operation === 'set' && address === '192.0.2.9' ? 'EPERM' : null
    expect(await act('start')).toEqual({
      code: 1,
      out: '',
      err:
        'tandem resource: floating IP 192.0.2.9: set was refused (EPERM)\n' +
        'tandem resource: 1 of 4 addresses are missing: 192.0.2.9\n',
    })
    expect(there()).toEqual(ALL.filter((address) => address !== '192.0.2.9'))
    expect(announced).toEqual([])
    refuses = (operation) => (operation === 'set' ? 'EPERM' : null)
    await act('stop')
    expect((await act('start')).code).toBe(1)
  })

  test('tries everything before a stop has failed, and says what stays', async () => {
    await act('start')
    refuses = (operation, address) =>
      operation === 'take' && address === '192.0.2.10' ? 'EBUSY' : null
    expect(await act('stop')).toEqual({
      code: 1,
      out: '',
      err: 'tandem resource: floating IP 192.0.2.10: 192.0.2.10/24 stays on interface 2 (EBUSY)\n',
    })
    expect(there()).toEqual(['192.0.2.10'])
  })

  test('is not called stopped by a kernel that does not tell', async () => {
    refuses = (operation) => (operation === 'list' ? 'EIO' : null)
    expect(await act('monitor')).toEqual({
      code: 1,
      out: '',
      err: 'tandem resource: list was refused\n',
    })
  })
})

describe('what is refused', () => {
  test('an interface that is not there is found by validate-all, and by a start', async () => {
    interfaces.delete('eth1')
    expect(await act('validate-all')).toEqual({
      code: 6,
      out: '',
      err: 'tandem resource: 192.168.255.250 belongs on eth1, which does not exist here\n',
    })
    expect((await act('start')).code).toBe(1)
    expect((await act('stop')).code).toBe(0)
  })

  test('a configuration with mistakes is shown with each of them', async () => {
    writeFileSync(join(directory, 'network.yml'), 'hosts: 5\n')
    const { code, out, err } = await act('start')
    expect([code, out]).toEqual([6, ''])
    expect(err).toMatch(/^tandem resource: the configuration has mistakes\n/)
    expect(err).toContain('network.yml')
    expect(there()).toEqual([])
  })

  test('a node without floating IPs has nothing to start, and nothing to stop', async () => {
    const network = readFileSync(join(directory, 'network.yml'), 'utf8')
    writeFileSync(
      join(directory, 'network.yml'),
      network.replaceAll(/^ +shared_(v6)?ip:\n( +- .*\n)+/gm, ''),
    )
    expect(await act('start')).toEqual({
      code: 6,
      out: '',
      err: 'tandem resource: network.yml gives sp1 no floating IP (shared_ip)\n',
    })
    expect((await act('validate-all')).code).toBe(6)
    expect((await act('monitor')).code).toBe(7)
    expect(await act('stop')).toEqual({ code: 0, ...SILENT })
  })

  test('a name, an action or an option that does not exist has a code of its own', async () => {
    const typed = async (...args: string[]) => {
      const io = capturedIo({ env: { TANDEM_CONFIG: directory } })
      return [await run(args, io, doors), io.out, io.err]
    }
    expect(await typed('redis', 'start')).toEqual([
      2,
      '',
      "tandem resource: there is no resource 'redis'; known are floating-ip, mariadb\n",
    ])
    expect(await typed('floating-ip', 'promote')).toEqual([
      3,
      '',
      "tandem resource: floating-ip has no action 'promote'; " +
        'known are start, stop, monitor, validate-all, meta-data\n',
    ])
    expect((await typed('floating-ip'))[0]).toBe(2)
    expect((await typed('floating-ip', 'start', 'now'))[0]).toBe(2)
    expect((await typed('floating-ip', 'start', '--force'))[0]).toBe(2)
    expect((await typed('--help'))[0]).toBe(0)
  })

  test('a program that was not built is not installed', async () => {
    const addressList = (): never => {
      throw new Error('tandem.node is not at or above /x; build it with: npm run build:native')
    }
    doors = { ...doors, addresses: { ...doors.addresses, addressList } }
    expect((await act('monitor')).code).toBe(5)
  })
})

describe('the description', () => {
  const names = (text: string, element: string): string[] =>
    [...text.matchAll(new RegExp(`<${element} name=.*>`, 'g'))].map(([line]) => line)

  test('needs no configuration, and has the actions of the agent in plain sh', async () => {
    rmSync(directory, { recursive: true })
    const { code, out, err } = await act('meta-data')
    expect([code, err]).toEqual([0, ''])
    const plain = execFileSync(AGENT, ['meta-data'], { encoding: 'utf8' })
    expect(names(out, 'action')).toEqual(names(plain, 'action'))
    expect(names(out, 'resource-agent')).toEqual(names(plain, 'resource-agent'))
    expect(out.split('\n').slice(0, 2)).toEqual(plain.split('\n').slice(0, 2))
  })

  test('is well formed, and every action in it can be called', async () => {
    const { out } = await act('meta-data')
    const open = [...out.matchAll(/<([a-z-]+)[^>]*[^/]>|<([a-z-]+)>/g)].length
    const closed = [...out.matchAll(/<\/[a-z-]+>/g)].length
    expect(open).toBe(closed)
    for (const [, action = ''] of out.matchAll(/<action name="([a-z-]+)"/g)) {
      expect((await act(action)).code).not.toBe(3)
    }
  })
})

test.skipIf(process.getuid?.() !== 0)(
  'the lock of a living agent is seen for what it is',
  async () => {
    doors.lockFile = lockFile
    expect((await act('start')).code).toBe(0)
    // This very process holds it since, as an agent would.
    const { code, err } = await act('start')
    expect([code, err]).toEqual([1, expect.stringContaining('an agent is running')])
  },
)
