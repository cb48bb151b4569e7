import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { PairConfig } from '../../src/config/config.ts'
import { type Loaded, type LoadRequest, loadConfig } from '../../src/config/load.ts'
import { deriveTiming, TIMING_PROFILES } from '../../src/core/policy.ts'
import { CONFIG, linesOf, NETWORK } from '../helpers/config-case.ts'

const FIXTURES = join(import.meta.dirname, '../fixtures/config')
const EXAMPLES = join(import.meta.dirname, '../../packaging/examples')

let scratch = ''
beforeAll(async () => {
  scratch = await mkdtemp(join(tmpdir(), 'config-load-'))
})
afterAll(async () => {
  await rm(scratch, { recursive: true })
})

/** Loads as on a machine that has nothing of the platform in /etc. */
function load(request: LoadRequest): Promise<Loaded> {
  return loadConfig({ etcDirectory: join(scratch, 'none'), machineName: 'mail', ...request })
}

async function configOf(request: LoadRequest): Promise<PairConfig> {
  const loaded = await load(request)
  if (!loaded.ok) throw new Error(linesOf(loaded.mistakes).join('\n'))
  return loaded.config
}

/** A directory with these files; `null` bytes are not special. */
async function directory(
  name: string,
  files: Record<string, string | Uint8Array>,
): Promise<string> {
  const path = join(scratch, name)
  for (const [file, content] of Object.entries(files)) {
    await mkdir(join(path, file, '..'), { recursive: true })
    await writeFile(join(path, file), content)
  }
  return path
}

describe('a platform’s own files', () => {
  it('of a PRO pair load unchanged, with every fact in its place', async () => {
    const loaded = await load({ directory: join(FIXTURES, 'pro'), node: 'sp1' })
    const path = (name: string): string => join(FIXTURES, 'pro', name)
    expect(loaded.mistakes).toEqual([])
    expect(loaded.files).toEqual(
      ['config.yml', 'config.d/50_faxserver.yml', 'constants.yml', 'network.yml'].map(path),
    )
    expect(loaded.config).toEqual({
      node: 'sp1',
      hostName: 'sp1',
      ...{ witness: null, fence: null },
      peerHostName: 'sp2',
      mode: 'ping',
      policy: {
        node: 'sp1',
        mode: 'ping',
        timing: deriveTiming(TIMING_PROFILES.fast),
        pingNodeCount: 3,
        data: {
          takeover: 'recent',
          recentMs: 10_000,
          stale: 'serve',
          staleWaitMs: 120_000,
          confirmAloneAfterMs: 60,
        },
        digest: '89e416300357b7f9',
      },
      // The placeholder that the platform ships for its administrator is nobody.
      alarms: { channels: [], remindAfterMs: 86_400_000 },
      drift: {
        files: ['/etc/kamailio', '/etc/rtpengine', '/etc/ngcp-config/*.yml'],
        except: [],
        afterMs: 900_000,
      },
      watchdog: null,
      timingProfile: 'fast',
      port: 694,
      paths: [
        {
          name: 'crosslink',
          kind: 'crosslink',
          interface: 'eth1',
          family: 4,
          ourAddress: '192.168.255.251',
          peerAddress: '192.168.255.252',
        },
        {
          name: 'lan',
          kind: 'lan',
          interface: 'eth0',
          family: 4,
          ourAddress: '192.0.2.11',
          peerAddress: '192.0.2.12',
        },
      ],
      pingNodes: ['192.0.2.1', '192.0.2.2', '192.0.2.3'].map((address) => ({
        address,
        family: 4,
        source: 'config',
      })),
      floatingIps: [
        { address: '192.0.2.10', family: 4, prefixLength: 24, interface: 'eth0', label: 'eth0:0' },
        { address: '192.0.2.9', family: 4, prefixLength: 24, interface: 'eth0', label: 'eth0:1' },
        {
          address: '2001:db8:0:1::10',
          family: 6,
          prefixLength: 64,
          interface: 'eth0',
          label: null,
        },
        {
          address: '192.168.255.250',
          family: 4,
          prefixLength: 29,
          interface: 'eth1',
          label: 'eth1:0',
        },
      ],
      serviceInterfaces: ['eth0'],
      stores: [
        {
          name: 'mariadb',
          kind: 'mariadb',
          socketPath: '/run/mysqld/mysqld.sock',
          address: '127.0.0.1',
          port: 3306,
          peerAddress: '192.168.255.252',
          peerPort: 3306,
          user: 'tandem',
          passwordFile: null,
          replicationUser: 'tandem_repl',
          replicationPasswordFile: null,
          undoUser: null,
          undoPasswordFile: null,
          semiSync: true,
          dataDirectory: null,
          pidFile: null,
          probeMisses: 3,
          minFreeMb: null,
          archivesKept: 10,
          lagMax: 10_000,
          verify: null,
        },
      ],
      services: [],
      outsideChecks: [],
      loadBalancers: [],
      callCheck: null,
      keyFile: '/etc/tandem/key',
      mainStallMs: 3000,
      gate: 'auto',
      controlGroup: 'adm',
      api: null,
    })
  })

  it('give both nodes the same digest', async () => {
    for (const [name, first, second] of [
      ['pro', 'sp1', 'sp2'],
      ['carrier', 'prx01a', 'prx01b'],
      ['heartbeat', 'sp1', 'sp2'],
    ] as const) {
      const ours = await configOf({ directory: join(FIXTURES, name), node: first })
      const theirs = await configOf({ directory: join(FIXTURES, name), node: second })
      expect(theirs.policy.digest).toBe(ours.policy.digest)
      expect([ours.node, theirs.node]).toEqual(['sp1', 'sp2'])
    }
  })

  it('of a carrier load with the files of the pair and the host before the common one', async () => {
    const first = await load({ directory: join(FIXTURES, 'carrier'), machineName: 'prx01a' })
    const second = await load({ directory: join(FIXTURES, 'carrier'), machineName: 'prx01b.x.org' })
    const other = await load({ directory: join(FIXTURES, 'carrier'), machineName: 'db01b' })
    expect([first, second, other].map((loaded) => loaded.config?.mainStallMs)).toEqual([
      2000, 4000, 3000,
    ])
    expect(second.files.map((file) => file.slice(FIXTURES.length + 1))).toEqual([
      'carrier/config.yml',
      'carrier/config.prx01.yml',
      'carrier/config.prx01b.yml',
      'carrier/network.yml',
    ])
    expect(second.config?.timingProfile).toBe('custom')
    expect(second.config?.policy.timing.leaseMs).toBe(800)
    expect(second.config?.paths.map(({ name, ourAddress }) => [name, ourAddress])).toEqual([
      ['crosslink', '172.30.53.11'],
      ['lan:vlan300', '192.168.25.11'],
      ['lan:vlan1720', '172.30.52.11'],
      ['lan:vlan1722', '172.30.54.11'],
    ])
    expect(second.config?.pingNodes.map(({ address, source }) => `${address} ${source}`)).toEqual([
      '192.168.25.1 gateway',
      '198.51.100.30 dns',
      '198.51.100.31 dns',
    ])
    expect(second.config?.serviceInterfaces).toEqual(['vlan1720', 'vlan1722'])
  })

  it('of the heartbeat era load with their ping nodes and port', async () => {
    const config = await configOf({ directory: join(FIXTURES, 'heartbeat'), node: 'sp2' })
    expect(config.port).toBe(1694)
    expect(config.pingNodes.map((node) => node.address)).toEqual([
      '192.0.2.1',
      '192.0.2.253',
      '192.0.2.254',
    ])
    expect(config.floatingIps.map((ip) => `${ip.address}/${ip.prefixLength}`)).toEqual([
      '192.0.2.10/24',
    ])
  })

  it('as we ship them for an example are without mistakes on both nodes', async () => {
    for (const node of ['sp1', 'sp2']) {
      const loaded = await load({ directory: EXAMPLES, node })
      expect(loaded.mistakes).toEqual([])
    }
  })
})

describe('the files of a directory', () => {
  it('go before each other in the platform’s order', async () => {
    const stall = (ms: number): string => `tandem: {main_stall_ms: ${ms}}\n`
    const order = [
      'config.sp1.yml',
      'config.sp.yml',
      'config.local.yml',
      'config.d/a.yml',
      'config.d/b.yml',
      'constants.yml',
    ]
    const files: Record<string, string> = { 'config.yml': CONFIG, 'network.yml': NETWORK }
    for (const [index, name] of order.entries()) {
      files[name] = stall(1000 + index)
      const path = await directory(`order-${index}`, files)
      expect((await configOf({ directory: path, node: 'sp1' })).mainStallMs).toBe(1000 + index)
    }
  })

  it('add to lists, and the ping nodes come out sorted and once each', async () => {
    const path = await directory('lists', {
      'config.yml': CONFIG,
      'network.yml': NETWORK,
      'config.local.yml': 'ha: {pingnodes: [192.0.2.30, 192.0.2.4, 192.0.2.1]}\n',
    })
    const config = await configOf({ directory: path, node: 'sp1' })
    expect(config.pingNodes.map((node) => node.address)).toEqual(
      [1, 2, 3, 4, 30].map((host) => `192.0.2.${host}`),
    )
  })

  it('name the node by the platform’s file, and an empty one is fatal', async () => {
    const path = await directory('named', { 'config.yml': CONFIG, 'network.yml': NETWORK })
    const etc = await directory('etc', { ngcp_nodename: 'sp2\n' })
    const old = await directory('etc-old', { ngcp_ha_node: 'sp2\n' })
    const empty = await directory('etc-empty', { ngcp_nodename: '\n' })
    const request = { directory: path, machineName: 'sp1' }
    expect((await configOf({ ...request, etcDirectory: etc })).node).toBe('sp2')
    expect((await configOf({ ...request, etcDirectory: old })).node).toBe('sp2')
    expect((await configOf({ ...request, etcDirectory: etc, nodeVariable: 'sp1' })).node).toBe(
      'sp1',
    )
    const refused = await load({ ...request, etcDirectory: empty })
    expect(linesOf(refused.mistakes)).toEqual([
      `error ${empty}/ngcp_nodename  is empty -> write the node name into it: sp1 or sp2`,
    ])
  })

  it('are both named when both are missing', async () => {
    const path = join(scratch, 'nowhere')
    const loaded = await load({ directory: path, node: 'sp1' })
    const mend = 'name its directory with --config'
    expect(linesOf(loaded.mistakes)).toEqual(
      ['network.yml', 'config.yml'].map(
        (name) =>
          `error ${path}/${name}  cannot be used: cannot read ${path}/${name}: it does not exist -> ${mend}`,
      ),
    )
  })

  it('show their mistakes together, whichever file they are in', async () => {
    const path = await directory('several', {
      'config.yml': 'tandem: {mod: ping}\n',
      'network.yml': NETWORK.replace('192.0.2.11', '192.0.2.300'),
      'constants.yml': Buffer.from('a: \xe9\n', 'latin1'),
    })
    const loaded = await load({ directory: path, node: 'sp1' })
    expect(loaded.ok).toBe(false)
    expect(loaded.mistakes.filter((one) => one.severity === 'error').map((one) => one.why)).toEqual(
      ['byte 3 is not valid UTF-8 (0xe9)', 'is not an IPv4 address'],
    )
  })
})

describe('switches of the platform', () => {
  it.each(['yes', 'Yes', 'YES', 'on', 'true', '"yes"', "'on'", '1', 'y'])(
    'are on when written as %s',
    async (word) => {
      const path = await directory(`switch-${word.replace(/\W/g, '_')}`, {
        'config.yml': `ha: {pingnodes: [192.0.2.2, 192.0.2.3], pingnodes_add_gw: ${word}}\n`,
        'network.yml': NETWORK,
      })
      const config = await configOf({ directory: path, node: 'sp1' })
      expect(config.pingNodes.map((node) => node.source)).toEqual(['gateway', 'config', 'config'])
    },
  )
})
