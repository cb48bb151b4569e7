/**
 * Goal: a changed list of services comes into force as a whole or not at all, and what did not change is not
 * touched. Method: pretend services on a virtual clock, as in service-keeper.test.ts.
 */
import { beforeEach, describe, expect, it } from 'vitest'
import type { ServiceConfig } from '../../src/config/config.ts'
import { serviceChanges } from '../../src/daemon/service-changes.ts'
import { ServiceKeeper } from '../../src/daemon/service-keeper.ts'
import type { KeptService } from '../../src/daemon/service-lane.ts'
import { reloadServices } from '../../src/daemon/service-reload.ts'
import type { ManagedService } from '../../src/resources/service.ts'
import { PretendService } from '../helpers/pretend-service.ts'
import { VirtualClock } from '../helpers/virtual-clock.ts'

const unit = (name: string) => ({ kind: 'systemd', unit: `${name}.service` }) as const
const command = (...argv: string[]): ServiceConfig['backend'] => ({
  ...{ kind: 'command', argv, directory: '/', environment: {}, user: null },
  ...{ logFile: '/x.log', graceMs: 500 },
})

function service(name: string, changes: Partial<ServiceConfig> = {}): ServiceConfig {
  return {
    ...{
      name,
      backend: unit(name),
      mode: 'always',
      early: true,
      after: [],
      reads: [],
      essential: true,
    },
    ...{ checks: [{ kind: 'process' }], probed: true, checkEveryMs: 1_000, checkLimitMs: 500 },
    ...{ misses: 2, startLimitMs: 5_000, stopLimitMs: 3_000 },
    ...{ restarts: { count: 3, withinMs: 60_000 }, onActive: [], onStandby: [] },
    ...changes,
  }
}

let clock: VirtualClock
let asked: string[]
let told: string[]
let opened: PretendService[]
let faults: Record<string, string | null>
let stopFaults: Record<string, string>
let keeper: ServiceKeeper

function dress(config: ServiceConfig, service: ManagedService | null): KeptService {
  const own = service ?? new PretendService(config.name, asked)
  if (service === null) {
    opened.push(own as PretendService)
    ;(own as PretendService).stopFault = stopFaults[config.name] ?? null
  }
  return {
    config,
    service: own,
    probe: async () => {
      const why = faults[JSON.stringify(config.checks)] ?? null
      return [{ ok: why === null, durationMs: 1, why }]
    },
    closeProbes: () => undefined,
    tellRole: async (role) => {
      told.push(`${config.name} ${role}`)
      return null
    },
  }
}

async function start(configs: readonly ServiceConfig[]): Promise<void> {
  keeper = new ServiceKeeper({
    services: configs.map((config) => dress(config, null)),
    ...{ kept: new Map(), now: () => clock.nowMs, wait: clock.wait },
    ...{ changed: () => undefined, log: () => undefined, step: () => undefined },
    upEarly: () => undefined,
  })
  keeper.start()
  keeper.serve(true)
  keeper.tellRole('active')
  await clock.pass(5_000)
  asked.length = 0
  told.length = 0
}

async function reload(configs: readonly ServiceConfig[]) {
  const steps: string[] = []
  const done = reloadServices(configs, { keeper, dress, step: (sentence) => steps.push(sentence) })
  await clock.pass(5_000)
  return { refused: await done, steps }
}

const uptimes = () => keeper.snapshots.map(({ name, runsSinceMs }) => `${name} ${runsSinceMs}`)

beforeEach(() => {
  clock = new VirtualClock()
  asked = []
  told = []
  opened = []
  faults = {}
  stopFaults = {}
})

describe('what a changed list asks for', () => {
  it('is told per service, with the keys that changed', () => {
    const before = ['a', 'b', 'c', 'd'].map((name) => service(name))
    const after = [
      service('e'),
      service('a'),
      service('b', { misses: 5, onActive: [{ kind: 'run', argv: ['/x'] }] }),
      service('c', { backend: unit('other'), misses: 5 }),
    ]
    expect(serviceChanges(before, after)).toEqual([
      { what: 'added', name: 'e' },
      { what: 'same', name: 'a' },
      { what: 'adjusted', name: 'b', settings: ['check_misses', 'on_active'] },
      { what: 'replaced', name: 'c' },
      { what: 'removed', name: 'd' },
    ])
  })
})

describe('a reload', () => {
  it('touches nothing where nothing changed, and no process for another way to look after it', async () => {
    await start([service('proxy'), service('lb', { after: ['proxy'] })])
    const before = uptimes()
    expect(await reload([service('proxy'), service('lb', { misses: 5 })])).toEqual({
      refused: null,
      steps: ['lb: after, check_misses in force, its process goes on'],
    })
    expect([asked, uptimes()]).toEqual([[], before])
  })

  it('starts what is new and stops what is gone, the dependents first', async () => {
    await start([service('a'), service('b', { after: ['a'] })])
    expect(await reload([service('c')])).toEqual({
      refused: null,
      steps: [
        'c: is looked after from now on',
        'a: was stopped, and is looked after no longer',
        'b: was stopped, and is looked after no longer',
      ],
    })
    expect(asked).toEqual(['stop b', 'stop a', 'start c'])
    expect(opened.map(({ closed }) => closed)).toEqual([true, true, false])
    expect(keeper.isUp('c')).toBe(true)
  })

  it('starts again only what is run by something else', async () => {
    await start([service('proxy'), service('lb')])
    const { steps } = await reload([service('proxy'), service('lb', { backend: command('/x') })])
    expect(steps).toEqual(['lb: is run by something else from now on; what ran was stopped'])
    expect([asked, keeper.isUp('lb')]).toEqual([['stop lb', 'start lb'], true])
  })

  it('leaves alone what an operator looks after', async () => {
    await start([service('a'), service('b', { mode: 'manual' })])
    keeper.order('a', 'unmonitor')
    const { steps } = await reload([])
    expect(steps).toEqual([
      'a: is looked after no longer, and was left as it is',
      'b: is looked after no longer, and was left as it is',
    ])
    expect(asked).toEqual([])
  })

  it('changes nothing when a new probe says no to a service that is well', async () => {
    await start([service('lb'), service('gone')])
    const checks = [{ kind: 'tcp', address: '127.0.0.1', port: 5_999 }] as const
    faults[JSON.stringify(checks)] = 'tcp 127.0.0.1:5999: refused'
    expect(await reload([service('lb', { checks }), service('new')])).toEqual({
      refused:
        'lb is well, and its new checks say: tcp 127.0.0.1:5999: refused; nothing was changed',
      steps: [],
    })
    expect([asked, keeper.snapshots.map(({ name }) => name)]).toEqual([[], ['lb', 'gone']])
    expect(opened.map(({ closed }) => closed)).toEqual([false, false, true])
  })

  it('changes nothing when something cannot be stopped, and starts again what was', async () => {
    stopFaults['a'] = 'a does not end'
    await start([service('a'), service('b')])
    const { refused, steps } = await reload([service('c')])
    expect([refused, steps]).toEqual([
      'a does not end; nothing was changed, and what was stopped is started again',
      [],
    ])
    expect(asked).toEqual(['stop b', 'stop a', 'start b'])
    expect(keeper.snapshots.map(({ name, process }) => `${name} ${process}`)).toEqual([
      'a running',
      'b running',
    ])
  })

  it('judges by other probes from now on, without a new time to come up', async () => {
    await start([service('lb', { checks: [], probed: false })])
    await clock.pass(60_000)
    const checks = [{ kind: 'process' }, { kind: 'process' }] as const
    expect((await reload([service('lb', { checks })])).refused).toBe(null)
    expect([asked, keeper.isUp('lb')]).toEqual([[], true])
    faults[JSON.stringify(checks)] = 'silent'
    await clock.pass(4_000)
    expect(asked.slice(0, 2)).toEqual(['stop lb', 'start lb'])
  })

  it('tells the role again where what is told changed', async () => {
    const hook = (path: string) => ({ onActive: [{ kind: 'run', argv: [path] }] }) as const
    await start([service('a', hook('/x')), service('b', hook('/x'))])
    await reload([service('a', hook('/y')), service('b', hook('/x'))])
    expect(told).toEqual(['a active'])
  })

  it('makes a service fit again that failed too often, when its section was mended', async () => {
    await start([service('lb')])
    const [first] = opened
    if (first === undefined) throw new Error('nothing was opened')
    first.startFault = 'no such unit'
    first.die()
    await clock.pass(20_000)
    expect(keeper.unfit).toEqual([
      'service lb failed 4 times: no such unit; once that is mended: tandem service monitor lb',
    ])
    keeper.serve(false)
    await reload([service('lb', { backend: unit('lb-mended'), mode: 'active' })])
    expect(keeper.unfit).toEqual([])
  })
})
