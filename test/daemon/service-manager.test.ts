/**
 * Goal: systemd is told what is so, and nothing when nobody decides. Method: a pretend socket and clock.
 */
import { expect, test } from 'vitest'
import { ServiceManager } from '../../src/daemon/service-manager.ts'

interface Stage {
  manager: ServiceManager
  env: Record<string, string | undefined>
  told: string[]
  clock: { nowMs: number; refuses: boolean }
}

function stage(
  env: Record<string, string> = { NOTIFY_SOCKET: '@manager', WATCHDOG_USEC: '10000000' },
): Stage {
  const told: string[] = []
  const clock = { nowMs: 0, refuses: false }
  const mine = { ...env, PATH: '/bin' }
  const manager = new ServiceManager(mine, {
    now: () => clock.nowMs,
    sdNotify: (path, text) => {
      if (clock.refuses) throw new Error('EAGAIN')
      told.push(`${path} ${text}`)
    },
  })
  return { manager, env: mine, told, clock }
}

test('with ticks each 20 ms the watchdog hears four words in its time, and none before we are ready', () => {
  const { manager, told, clock } = stage()
  manager.alive()
  expect(told).toEqual([])
  manager.ready()
  for (; clock.nowMs < 10_000; clock.nowMs += 20) manager.alive()
  expect(told).toEqual(['@manager READY=1', ...Array(4).fill('@manager WATCHDOG=1')])
})

test('without ticks the watchdog hears nothing', () => {
  const { manager, told, clock } = stage()
  manager.ready()
  manager.alive()
  clock.nowMs += 60_000
  expect(told).toEqual(['@manager READY=1', '@manager WATCHDOG=1'])
})

test('a status is told when it changes', () => {
  const { manager, told } = stage()
  for (const text of ['standby, term 1', 'standby, term 1', 'active, term 2']) manager.status(text)
  manager.stopping()
  expect(told).toEqual([
    '@manager STATUS=standby, term 1',
    '@manager STATUS=active, term 2',
    '@manager STOPPING=1',
  ])
})

test('what we start does not find the socket', () => {
  expect(stage().env).toEqual({ PATH: '/bin' })
})

test('a socket that refuses, and none at all, end nothing', () => {
  const full = stage()
  full.clock.refuses = true
  full.manager.ready()
  full.manager.alive()
  const none = stage({})
  none.manager.ready()
  none.manager.alive()
  none.manager.stopping()
  expect([...full.told, ...none.told]).toEqual([])
})
