/** Goal: the process of the API is started again when it ends, and what keeps it from serving is told. */
import { afterEach, beforeEach, expect, it, vi } from 'vitest'
import { ApiProcess } from '../../src/daemon/api-process.ts'
import type { FollowRequest } from '../../src/system/exec.ts'

const DAY_MS = 86_400_000
const started: FollowRequest[] = []
const logged: string[] = []
let stops = 0

beforeEach(() => {
  vi.useFakeTimers()
  started.length = 0
  logged.length = 0
  stops = 0
})
afterEach(() => {
  vi.useRealTimers()
})

function begin(asRoot = true): ApiProcess {
  return new ApiProcess({
    argument: { api: { listen: [] } as never, runDir: '/run/x' },
    log: (...said) => logged.push(said.join(' ')),
    now: Date.now,
    wallMs: Date.now,
    start: (request) => {
      started.push(request)
      return {
        stop: async () => {
          stops += 1
        },
      }
    },
    asRoot,
  })
}

const say = (news: object): void => started.at(-1)?.onLine(JSON.stringify(news))

it('it is started with little priority and, as root, without the rights of root', () => {
  begin()
  const words = [started[0]?.command, ...(started[0]?.args ?? [])].join(' ')
  expect(words).toMatch(
    /^nice -n 10 choom -n 500 -- setpriv --bounding-set -all,\+net_bind_service --inh-caps -all --no-new-privs -- \S+node .*listener\.js {"api":{"listen":\[\]},"runDir":"\/run\/x"}$/,
  )
  begin(false)
  expect(started[1]?.args).not.toContain('setpriv')
})

it('one that ends is started again, later each time, and is an alarm until it is back', () => {
  const api = begin()
  say({ type: 'state', troubles: [], notAfterMs: null })
  expect(api.troubles).toEqual([])
  const waits = [500, 1_000, 2_000, 4_000, 8_000, 16_000, 30_000, 30_000]
  for (const [index, waitMs] of waits.entries()) {
    started.at(-1)?.onEnd('gone')
    expect(api.troubles).toEqual(['its process does not run (gone)'])
    vi.advanceTimersByTime(waitMs - 1)
    expect(started.length).toBe(index + 1)
    vi.advanceTimersByTime(1)
    expect(started.length).toBe(index + 2)
  }
  say({ type: 'state', troubles: [], notAfterMs: null })
  expect(api.troubles).toEqual([])
  vi.advanceTimersByTime(61_000)
  started.at(-1)?.onEnd('gone')
  vi.advanceTimersByTime(500)
  expect(started.length).toBe(waits.length + 2)
})

it('what it says is logged and told, what makes no sense is passed over', () => {
  const api = begin()
  say({ type: 'log', severity: 'info', event: 'api', text: 'answers' })
  started[0]?.onLine('Warning: something of the engine')
  started[0]?.onLine('null')
  say({
    type: 'state',
    troubles: ['nothing can listen at x'],
    notAfterMs: Date.now() + 13 * DAY_MS,
  })
  expect(logged).toEqual(['info api answers'])
  const day = new Date(Date.now() + 13 * DAY_MS).toISOString().slice(0, 10)
  expect(api.troubles).toEqual(['nothing can listen at x', `its certificate runs out on ${day}`])
  vi.advanceTimersByTime(14 * DAY_MS)
  expect(api.troubles[1]).toBe(`its certificate ran out on ${day}`)
  say({ type: 'state', troubles: [], notAfterMs: Date.now() + 15 * DAY_MS })
  expect(api.troubles).toEqual([])
})

it('it is not started again once it was stopped', async () => {
  const api = begin()
  started[0]?.onEnd('gone')
  await api.stop()
  vi.advanceTimersByTime(60_000)
  expect([started.length, stops]).toEqual([1, 1])
})
