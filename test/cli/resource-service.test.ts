/**
 * Goal: a service can be driven once, as other cluster managers drive theirs. Method: a pretend service, and
 * the agents in plain sh as they are.
 */
import { execFileSync, spawnSync } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { ServiceResource } from '../../src/cli/resource-service.ts'
import type { ServiceConfig } from '../../src/config/config.ts'
import { PretendService } from '../helpers/pretend-service.ts'

const CONFIG: ServiceConfig = {
  name: 'lb',
  backend: { kind: 'systemd', unit: 'lb.service' },
  ...{
    mode: 'active',
    early: true,
    after: [],
    reads: [],
    essential: true,
    checks: [],
    probed: false,
  },
  ...{ checkEveryMs: 1_000, checkLimitMs: 200, misses: 2, startLimitMs: 300, stopLimitMs: 300 },
  restarts: { count: 3, withinMs: 60_000 },
  ...{ onActive: [], onStandby: [] },
}

let directory: string
let service: PretendService
let said: string
let agentRuns: boolean

function resource(change: Partial<ServiceConfig> = {}): ServiceResource {
  const io = { stderr: (text: string) => (said += text) }
  return new ServiceResource({
    config: { ...CONFIG, ...change },
    ...{ service, stateDir: directory, runDir: directory },
    io: io as unknown as ConstructorParameters<typeof ServiceResource>[0]['io'],
    lockFile: () => !agentRuns,
  })
}

beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'resource-service-'))
  service = new PretendService('lb')
  ;[said, agentRuns] = ['', false]
})
afterEach(() => rmSync(directory, { recursive: true }))

describe('a service as a resource', () => {
  it('is started, looked at and stopped with the codes of OCF, each twice', async () => {
    const codes: number[] = []
    for (const action of [
      'monitor',
      'start',
      'start',
      'monitor',
      'stop',
      'stop',
      'monitor',
    ] as const) {
      codes.push(await resource().act(action))
    }
    expect(codes).toEqual([7, 0, 0, 0, 0, 0, 7])
  })

  it('is not started beside an agent', async () => {
    agentRuns = true
    expect(await resource().act('start')).toBe(1)
    expect(said).toBe(
      `tandem resource: an agent is running (it holds ${directory}/agent.lock): it alone starts and stops the services\n`,
    )
    expect(service.asked).toEqual([])
  })

  it('that cannot be started, or whose probes fail, says why', async () => {
    service.startFault = 'no such unit'
    expect(await resource().act('start')).toBe(1)
    service.startFault = null
    const checks = [{ kind: 'tcp', address: '127.0.0.1', port: 1 } as const]
    expect(await resource({ checks }).act('start')).toBe(1)
    expect(await resource({ checks }).act('monitor')).toBe(1)
    expect(said).toMatch(/no such unit\n.*127\.0\.0\.1:1.*\n.*127\.0\.0\.1:1/)
  })

  it('that is told its role when it is started fails when it does not take it', async () => {
    const onActive = [{ kind: 'run', argv: ['/bin/false'] } as const]
    expect(await resource({ onActive }).act('start')).toBe(1)
    expect(said).toContain('hook "run /bin/false"')
  })
})

describe('an agent in plain sh', () => {
  const agent = (name: string, action: string, env: Record<string, string> = {}) => {
    const ran = spawnSync(join(import.meta.dirname, '../../agents', name), [action], {
      env: { ...process.env, ...env },
      encoding: 'utf8',
    })
    return { code: ran.status, said: ran.stderr.trim(), stdout: ran.stdout }
  }

  it('written from the template keeps the contract as it stands', () => {
    const env = { OCF_RESKEY_pid_file: join(directory, 'pid'), OCF_RESKEY_seconds: '60' }
    const codes = ['monitor', 'start', 'start', 'monitor'].map(
      (act) => agent('template', act, env).code,
    )
    expect(codes).toEqual([7, 0, 0, 0])
    const pid = execFileSync('cat', [env.OCF_RESKEY_pid_file], { encoding: 'utf8' }).trim()
    process.kill(Number(pid), 'SIGSTOP')
    expect(agent('template', 'monitor', env)).toMatchObject({
      code: 1,
      said: `template: process ${pid} is stopped`,
    })
    process.kill(Number(pid), 'SIGCONT')
    expect(['stop', 'stop', 'monitor'].map((act) => agent('template', act, env).code)).toEqual([
      0, 0, 7,
    ])
    expect(agent('template', 'start', { OCF_RESKEY_seconds: 'long' }).code).toBe(6)
    expect(agent('template', 'promote').code).toBe(3)
  })

  it('for load-balancers and for FreeSWITCH has the whole contract', () => {
    expect(agent('load-balancer', 'start')).toMatchObject({
      code: 6,
      said: 'load-balancer: the parameter load_balancer is missing: name one of tandem.load_balancers',
    })
    expect(agent('load-balancer', 'meta-data').stdout).toContain(
      '<parameter name="load_balancer" required="1">',
    )
    expect(agent('load-balancer', 'promote').code).toBe(3)
    const described = agent('freeswitch', 'meta-data').stdout
    const names = [...described.matchAll(/<(?:action|parameter) name="([^"]+)"/g)].map(
      ([, name]) => name,
    )
    expect(names).toEqual([
      ...['unit', 'place', 'password_file', 'profiles', 'state'],
      ...['start', 'stop', 'monitor', 'monitor', 'promote', 'demote', 'notify'],
      ...['validate-all', 'meta-data'],
    ])
    expect(agent('freeswitch', 'reload').code).toBe(3)
  })

  it('has nothing that the checker of shell scripts minds', () => {
    const root = join(import.meta.dirname, '../..')
    const files = ['service', 'load-balancer', 'freeswitch', 'template', 'lib/tandem.sh']
    const paths = files.map((file) => join(root, 'agents', file))
    const ran = spawnSync('shellcheck', ['-x', '-P', root, ...paths], { encoding: 'utf8' })
    // Debian's package of it belongs to the tests; without it there is nothing to say either.
    if (ran.error !== undefined) return
    expect([ran.stdout, ran.status]).toEqual(['', 0])
  })

  it('for services asks for their name, and tells its parameters', () => {
    expect(agent('service', 'start')).toMatchObject({
      code: 6,
      said: 'service: the parameter service is missing: name one of tandem.services',
    })
    expect(agent('service', 'meta-data').stdout).toContain(
      '<parameter name="service" required="1">',
    )
    expect(agent('service', 'promote').code).toBe(3)
  })
})
