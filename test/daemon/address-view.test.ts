// What is known of each floating IP on the wire, and since when; fake timers, a pretend verifier.
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest'
import { AddressView } from '../../src/daemon/address-view.ts'
import { CONFIG } from '../helpers/snapshot-case.ts'

const [V4, V6] = ['10.0.0.50', 'fd00::50']
let startMs = 0
const sinceStart = (): number => Date.now() - startMs
let asked: [number, string][] = []
let answers: (address: string) => boolean = () => true
/** How long a verification takes. */
let takesMs = 1

beforeEach(() => {
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout', 'Date'] })
  startMs = Date.now()
  asked = []
  answers = () => true
  takesMs = 1
})
afterEach(() => {
  vi.useRealTimers()
})

function viewed(families: readonly (4 | 6)[] = [4, 6]): AddressView {
  return new AddressView(
    CONFIG.floatingIps,
    families,
    async (address, timeoutMs) => {
      expect(timeoutMs).toBe(120)
      asked.push([sinceStart(), address])
      const verdict = answers(address)
      await new Promise((resolve) => setTimeout(resolve, takesMs))
      return verdict ? 'verified' : 'unanswered'
    },
    sinceStart,
  )
}
const looks = (view: AddressView): string[] => view.snapshot().map(({ look }) => look)
const run = (ms: number) => vi.advanceTimersByTimeAsync(ms)

test('before anything was served nothing is looked at, and the configuration is shown', async () => {
  const view = viewed()
  await run(60_000)
  expect(asked).toEqual([])
  expect(view.snapshot()).toEqual([
    {
      address: V4,
      prefixLength: 24,
      interface: 'eth0',
      label: 'eth0:0',
      look: 'none',
      conflict: null,
    },
    { address: V6, prefixLength: 64, interface: 'eth0', label: null, look: 'none', conflict: null },
  ])
})

describe('a look', () => {
  test('is pending until it is answered, and then over', async () => {
    const view = viewed()
    view.serving(true)
    expect(looks(view)).toEqual(['pending', 'pending'])
    await run(10)
    expect(looks(view)).toEqual(['verified', 'verified'])
    await run(60_000)
    expect(asked.map(([, address]) => address)).toEqual([V4, V6])
  })

  test('that nobody answers is an alarm from the third on, and repeated until one is', async () => {
    answers = (address) => address === V6
    const view = viewed()
    view.serving(true)
    await run(400)
    expect(looks(view)).toEqual(['pending', 'verified'])
    await run(150)
    expect(looks(view)).toEqual(['unanswered', 'verified'])
    await run(19_600)
    const atMs = asked.filter(([, address]) => address === V4).map(([ms]) => ms)
    expect(atMs).toEqual([0, 150, 500, 1_500, 5_000, 10_000, 15_000, 20_000])
    // The gateway was down all that time, and is back.
    answers = () => true
    await run(5_000)
    expect(looks(view)).toEqual(['verified', 'verified'])
    expect(vi.getTimerCount()).toBe(0)
  })

  test('is not made where no ping node of the family could answer', async () => {
    const view = viewed([4])
    view.serving(true)
    await run(1_000)
    expect(looks(view)).toEqual(['verified', 'none'])
    expect(asked.map(([, address]) => address)).toEqual([V4])
  })

  test('ends with the service, and an answer that comes late counts for nothing', async () => {
    takesMs = 100
    const view = viewed()
    view.serving(true)
    await run(50)
    view.serving(false)
    expect(looks(view)).toEqual(['none', 'none'])
    await run(60_000)
    expect(looks(view)).toEqual(['none', 'none'])
    expect(asked.length).toBe(2)
  })

  test('of an earlier activation says nothing of the present one', async () => {
    takesMs = 100
    const view = viewed()
    view.serving(true)
    await run(50)
    view.serving(false)
    answers = () => false
    view.serving(true)
    // The answer of before comes now.
    await run(60)
    expect(looks(view)).toEqual(['pending', 'pending'])
  })
})

test('a quarrel is shown for a minute after it was last seen', async () => {
  const view = viewed()
  view.noteConflict({ address: V4, mac: '02:00:00:00:00:07', kind: 'announcement' })
  await run(59_000)
  expect(view.snapshot().map(({ conflict }) => conflict)).toEqual([
    { mac: '02:00:00:00:00:07', kind: 'announcement', atMs: 0 },
    null,
  ])
  view.noteConflict({ address: V4, mac: '02:00:00:00:00:08', kind: 'answer' })
  await run(59_000)
  expect(view.snapshot()[0]?.conflict).toEqual({
    mac: '02:00:00:00:00:08',
    kind: 'answer',
    atMs: 59_000,
  })
  await run(1_000)
  expect(view.snapshot()[0]?.conflict).toBeNull()
})
