/**
 * Goal: services are where the role wants them, what fails is started again and made known, and each is
 * told its role after every start. Method: pretend services on a virtual clock.
 */
import { beforeEach, describe, expect, it } from 'vitest'
import type { ServiceConfig } from '../../src/config/config.ts'
import type { OrderNews } from '../../src/daemon/order-posts.ts'
import { ServiceKeeper } from '../../src/daemon/service-keeper.ts'
import { ServiceOrders } from '../../src/daemon/service-orders.ts'
import { PretendService } from '../helpers/pretend-service.ts'
import { VirtualClock } from '../helpers/virtual-clock.ts'

const BASE: ServiceConfig = {
  name: 'lb',
  backend: { kind: 'systemd', unit: 'lb.service' },
  ...{ mode: 'active', early: true, after: [], reads: [], essential: true, probed: true },
  checks: [{ kind: 'process' }],
  ...{ checkEveryMs: 1_000, checkLimitMs: 500, misses: 2, startLimitMs: 5_000, stopLimitMs: 3_000 },
  restarts: { count: 3, withinMs: 60_000 },
  ...{ onActive: [{ kind: 'run', argv: ['/x'] }], onStandby: [{ kind: 'run', argv: ['/y'] }] },
}

let clock: VirtualClock
let asked: string[]
let logged: string[]
let told: string[]
let early: boolean[]
let services: Record<string, PretendService>
let probes: Record<string, string | null>
let hookFault: string | null
let keeper: ServiceKeeper

function build(
  configs: readonly Partial<ServiceConfig>[],
  kept = new Map(),
  running = false,
): void {
  keeper = new ServiceKeeper({
    services: configs.map((config) => {
      const whole = { ...BASE, ...config }
      const service = new PretendService(whole.name, asked)
      services[whole.name] = service
      service.running = running
      return {
        config: whole,
        service,
        probe: async () => {
          const why = probes[whole.name] ?? null
          return [{ ok: why === null, durationMs: 1, why }]
        },
        closeProbes: () => undefined,
        tellRole: async (role: string) => {
          if (hookFault === null) told.push(`${whole.name} ${role}`)
          return hookFault
        },
      }
    }),
    kept,
    now: () => clock.nowMs,
    wait: clock.wait,
    changed: () => undefined,
    log: (severity, event, text) => logged.push(`${severity} ${event}: ${text}`),
    step: () => undefined,
    upEarly: (on) => early.push(on),
  })
  keeper.start()
}

beforeEach(() => {
  clock = new VirtualClock()
  ;[asked, logged, told, early] = [[], [], [], []]
  services = {}
  probes = {}
  hookFault = null
})

const STACK = [
  { name: 'rtpengine' },
  { name: 'proxy', after: ['rtpengine'] },
  { name: 'lb', after: ['proxy'] },
]

describe('services', () => {
  it('are started in order when the node begins to serve, and stopped the other way round', async () => {
    build(STACK)
    await clock.pass(1_000)
    expect(asked).toEqual([])
    keeper.serve(true)
    await clock.pass(1_000)
    expect(asked).toEqual(['start rtpengine', 'start proxy', 'start lb'])
    expect(keeper.isUp('lb')).toBe(true)
    asked.length = 0
    keeper.serve(false)
    await clock.pass(1_000)
    expect(asked).toEqual(['stop lb', 'stop proxy', 'stop rtpengine'])
    expect(keeper.isSettled).toBe(true)
  })

  it('come up one right behind the other: nobody waits for a whole round of probes', async () => {
    build(STACK)
    await clock.pass(500)
    keeper.serve(true)
    await clock.pass(200)
    expect(asked).toHaveLength(3)
  })

  it('are started while the peer hands over, go on when it has, and end when it does not', async () => {
    build(STACK)
    await clock.pass(500)
    keeper.comes(true)
    await clock.pass(1_000)
    expect(asked).toEqual(['start rtpengine', 'start proxy', 'start lb'])
    keeper.comes(false)
    await clock.pass(1_000)
    expect(asked.slice(3)).toEqual(['stop lb', 'stop proxy', 'stop rtpengine'])
    asked.length = 0
    keeper.comes(true)
    await clock.pass(1_000)
    keeper.serve(true)
    keeper.comes(false)
    await clock.pass(1_000)
    expect(asked).toEqual(['start rtpengine', 'start proxy', 'start lb'])
  })

  it('say when all that starts before the role moves is up, and no more when nothing comes of it', async () => {
    build([...STACK, { name: 'billing', early: false }, { name: 'hot', mode: 'always' }])
    await clock.pass(500)
    asked.length = 0
    probes['lb'] = 'silent'
    keeper.comes(true)
    await clock.pass(1_000)
    expect([asked, early]).toEqual([['start rtpengine', 'start proxy', 'start lb'], []])
    delete probes['lb']
    await clock.pass(1_500)
    expect(early).toEqual([true])
    keeper.comes(false)
    expect(early).toEqual([true, false])
    keeper.comes(true)
    await clock.pass(3_000)
    keeper.serve(true)
    await clock.pass(1_000)
    expect([early, asked.at(-1)]).toEqual([[true, false, true, false], 'start billing'])
  })

  it('that cannot come up early, or have failed too often, keep nobody waiting', async () => {
    build(
      [{ name: 'lb' }, { name: 'sbc' }],
      new Map([['sbc', { exhausted: true, monitored: true, held: false }]]),
    )
    await clock.pass(500)
    services['lb']!.startFault = 'cannot assign requested address'
    services['sbc']!.startFault = 'no such file'
    keeper.comes(true)
    await clock.pass(500)
    expect(early).toEqual([true])
  })

  it('of which none is started early are up at once', async () => {
    build([
      { name: 'billing', early: false },
      { name: 'hot', mode: 'always' },
    ])
    await clock.pass(500)
    keeper.comes(true)
    expect(early).toEqual([true])
  })

  it('that cannot run before the floating IPs are here have not failed, and are started when they are', async () => {
    build([{ name: 'lb' }, { name: 'sbc' }])
    await clock.pass(500)
    services['lb']!.startFault = 'cannot assign requested address'
    keeper.comes(true)
    await clock.pass(100)
    services['sbc']!.die()
    await clock.pass(3_000)
    expect(asked).toEqual(['start lb', 'start sbc'])
    expect([keeper.lifeOf('lb')?.failedAtMs, keeper.lifeOf('sbc')?.failedAtMs]).toEqual([[], []])
    services['lb']!.startFault = null
    keeper.serve(true)
    await clock.pass(1_000)
    expect(asked.slice(2)).toEqual(['start lb', 'start sbc'])
    expect([keeper.isUp('lb'), keeper.isUp('sbc'), keeper.unfit]).toEqual([true, true, []])
  })

  it('that run where they should not are stopped when the agent finds them', async () => {
    build([{ name: 'lb' }], new Map(), true)
    await clock.pass(1_000)
    expect(asked).toEqual(['stop lb'])
  })

  it('that run already are taken over as they are', async () => {
    build([{ name: 'lb', mode: 'always' }], new Map(), true)
    await clock.pass(5_000)
    expect([asked, keeper.isUp('lb')]).toEqual([[], true])
  })

  it('are started again at once when they die, alone', async () => {
    build(STACK)
    await clock.pass(500)
    keeper.serve(true)
    await clock.pass(2_000)
    asked.length = 0
    services['proxy']?.die()
    await clock.pass(100)
    expect(asked).toEqual(['start proxy'])
    expect(logged).toEqual(['warning service-ended: proxy ended by itself'])
  })

  it('die twice in the same way, and both times it is said', async () => {
    build([{ name: 'lb', mode: 'always' }])
    await clock.pass(1_000)
    for (let death = 0; death < 2; death += 1) {
      services['lb']?.die()
      await clock.pass(2_000)
    }
    expect(logged).toEqual([
      'warning service-ended: lb ended by itself',
      'warning service-ended: lb ended by itself',
    ])
  })

  it('whose asked-for end is told when the next start has begun have not failed', async () => {
    build([{ name: 'lb', mode: 'always' }])
    await clock.pass(1_000)
    const lb = services['lb'] as PretendService
    const [look, start] = [lb.look.bind(lb), lb.start.bind(lb)]
    lb.look = async () => {
      await clock.wait(5)
      return look()
    }
    lb.start = async () => {
      await clock.wait(10)
      return start()
    }
    asked.length = 0
    keeper.order('lb', 'restart')
    await clock.pass(5_000)
    expect(asked).toEqual(['stop lb', 'start lb'])
    expect([keeper.isUp('lb'), keeper.snapshots[0]?.failures]).toEqual([true, 0])
  })

  it('that took a store in as they started are started again when it is linked anew, which is no failure', async () => {
    build([
      { name: 'rtpengine', mode: 'always', reads: ['redis'] },
      { name: 'lb', mode: 'always' },
    ])
    await clock.pass(1_000)
    asked.length = 0
    keeper.storeLinked('mariadb')
    await clock.pass(500)
    expect(asked).toEqual([])
    keeper.storeLinked('redis')
    await clock.pass(500)
    expect(asked).toEqual(['stop rtpengine', 'start rtpengine'])
    await clock.pass(5_000)
    expect([asked.length, keeper.isUp('rtpengine'), keeper.snapshots[0]?.failures]).toEqual([
      ...[2, true, 0],
    ])
    expect(logged).toEqual([
      'info service-restart: rtpengine is started again: redis follows the peer anew',
    ])
  })

  it('that do not run when a store is linked read it when they start', async () => {
    build([{ name: 'rtpengine', reads: ['redis'] }])
    await clock.pass(1_000)
    keeper.storeLinked('redis')
    await clock.pass(1_000)
    keeper.serve(true)
    await clock.pass(5_000)
    expect(asked).toEqual(['start rtpengine'])
  })

  it('whose end nobody tells are found by looking', async () => {
    build([{ name: 'lb' }])
    ;(services['lb'] as PretendService).knownProcess = false
    await clock.pass(500)
    keeper.serve(true)
    await clock.pass(2_000)
    ;(services['lb'] as PretendService).running = false
    await clock.pass(1_500)
    expect(asked).toEqual(['start lb', 'start lb'])
  })

  it('that fail their probes are started again', async () => {
    build([{ name: 'lb' }])
    await clock.pass(500)
    keeper.serve(true)
    await clock.pass(3_000)
    probes['lb'] = 'no answer from udp:10.0.0.50:5060'
    await clock.pass(3_000)
    expect(asked.slice(0, 3)).toEqual(['start lb', 'stop lb', 'start lb'])
    expect(logged).toContain(
      'warning service-restart: lb is started again: no answer from udp:10.0.0.50:5060',
    )
  })

  it('that fail too often make the node unfit, are tried on, and make it fit again when they run well', async () => {
    build([{ name: 'lb' }])
    await clock.pass(500)
    ;(services['lb'] as PretendService).startFault = 'no such unit'
    keeper.serve(true)
    await clock.pass(10_000)
    expect(keeper.unfit).toEqual([
      'service lb failed 4 times: no such unit; once that is mended: tandem service monitor lb',
    ])
    const tries = asked.length
    await clock.pass(60_000)
    expect(asked.length).toBeGreaterThan(tries)
    ;(services['lb'] as PretendService).startFault = null
    await clock.pass(100_000)
    expect(keeper.unfit).toEqual([])
  })

  it('that failed too often before are known as such to the next agent', async () => {
    build([{ name: 'lb' }], new Map([['lb', { exhausted: true, monitored: true, held: false }]]))
    await clock.pass(1_000)
    expect(keeper.unfit).toHaveLength(1)
    keeper.order('lb', 'monitor')
    expect(keeper.unfit).toEqual([])
  })
})

describe('the role', () => {
  it('is told to what runs, to standbys as well, and again after each start', async () => {
    build([{ name: 'rtpengine', mode: 'always' }])
    keeper.tellRole('standby')
    await clock.pass(1_000)
    keeper.serve(true)
    await clock.pass(300)
    expect(told).toEqual(['rtpengine standby'])
    keeper.tellRole('active')
    await clock.pass(300)
    services['rtpengine']?.die()
    await clock.pass(300)
    keeper.serve(false)
    await clock.pass(300)
    expect(told).toEqual([
      'rtpengine standby',
      'rtpengine active',
      'rtpengine active',
      'rtpengine standby',
    ])
  })

  it('is told until it was taken, which is said once', async () => {
    build([{ name: 'rtpengine', mode: 'always' }])
    await clock.pass(500)
    keeper.serve(true)
    hookFault = 'nobody listens'
    keeper.tellRole('active')
    await clock.pass(1_000)
    expect(keeper.snapshots[0]?.trouble).toBe('nobody listens')
    hookFault = null
    await clock.pass(500)
    expect(told).toEqual(['rtpengine active'])
    expect(logged).toEqual(['warning service-hook: rtpengine: nobody listens'])
    expect(keeper.snapshots[0]?.trouble).toBe(null)
  })
})

describe('an order', () => {
  async function order(verb: Parameters<ServiceOrders['obey']>[1]['verb'], service: string | null) {
    const news: OrderNews[] = []
    const orders = new ServiceOrders({
      ...{ keeper, now: () => clock.nowMs, wait: clock.wait, log: () => undefined },
      tell: (_id, one) => news.push(one),
    })
    const obeyed = orders.obey(1, { verb, service })
    await clock.pass(20_000)
    await obeyed
    return news.map((one) => (one.type === 'step' ? one.sentence : `end: ${one.failed}`))
  }

  beforeEach(async () => {
    build(STACK)
    await clock.pass(500)
    keeper.serve(true)
    await clock.pass(1_000)
    asked.length = 0
  })

  it('to stop is done when it is down, and holds until it is ordered otherwise', async () => {
    expect(await order('stop', 'lb')).toEqual(['lb is stopped', 'end: null'])
    await clock.pass(60_000)
    expect(asked).toEqual(['stop lb'])
    expect(await order('start', 'lb')).toEqual(['lb is running', 'end: null'])
  })

  it('to restart is done when it answers again', async () => {
    expect(await order('restart', 'proxy')).toEqual(['proxy is running', 'end: null'])
    expect(asked).toEqual(['stop proxy', 'start proxy'])
  })

  it('that cannot be carried out says why', async () => {
    await order('stop', 'lb')
    ;(services['lb'] as PretendService).startFault = 'no such unit'
    expect(await order('start', 'lb')).toEqual(['end: lb is not running: no such unit'])
    expect(await order('start', 'nothing')).toEqual(['end: there is no such service'])
    keeper.serve(false)
    expect(await order('start', 'rtpengine')).toEqual([
      'end: rtpengine runs only where the floating IPs are, and this node does not serve',
    ])
  })

  it('about all is about each', async () => {
    expect((await order('stop', null)).toSorted()).toEqual([
      'end: null',
      'lb is stopped',
      'proxy is stopped',
      'rtpengine is stopped',
    ])
    expect((await order('sync-state', null)).at(-1)).toBe('end: null')
    expect(keeper.isUp('lb')).toBe(true)
  })

  it('takes a service out of our hands and gives it back', async () => {
    expect(await order('unmonitor', 'lb')).toEqual(['lb is not monitored', 'end: null'])
    services['lb']?.die()
    await clock.pass(5_000)
    expect(asked).toEqual([])
    expect(await order('monitor', 'lb')).toEqual(['lb is monitored', 'end: null'])
    expect(asked).toEqual(['start lb'])
  })
})
