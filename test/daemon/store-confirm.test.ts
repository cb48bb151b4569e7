/**
 * Goal: how stores confirm writes is what the core ordered last, however often a store fails to take it.
 * Method: pretend stores that fail as often as told, and a wait that ends at once.
 */
import { describe, expect, it } from 'vitest'
import { StoreConfirm } from '../../src/daemon/store-confirm.ts'
import type { ReplicatedStore } from '../../src/resources/replicated-store.ts'

/** Takes orders after so many failures. */
function store(name: string, failures: number, asked: string[]): ReplicatedStore {
  let left = failures
  return {
    name,
    async confirm(alone: boolean) {
      asked.push(`${name} ${alone ? 'alone' : 'together'}`)
      left -= 1
      return left < 0
        ? { ok: true, value: undefined, durationMs: 1 }
        : { ok: false, fault: { code: 'HA_STORE_TIMEOUT', message: 'no answer' }, durationMs: 1 }
    },
  } as unknown as ReplicatedStore
}

function stage(...failures: number[]) {
  const asked: string[] = []
  const troubles: string[] = []
  let waiting: (() => void)[] = []
  const stores = failures.map((count, index) => store(`s${index}`, count, asked))
  const confirmation = new StoreConfirm(
    stores,
    (one, text) => troubles.push(`${one.name}: ${text}`),
    () => new Promise((resolve) => waiting.push(resolve)),
  )
  const settle = (): Promise<void> => new Promise((resolve) => setImmediate(resolve))
  const wake = async (): Promise<void> => {
    await settle()
    for (const resolve of waiting) resolve()
    waiting = []
    await settle()
  }
  return { confirmation, stores, asked, troubles, wake, settle }
}

describe('an order about confirming writes', () => {
  it('goes to every store once when they take it', async () => {
    const { confirmation, asked, troubles } = stage(0, 0)
    await confirmation.order(true)
    expect([asked, troubles]).toEqual([['s0 alone', 's1 alone'], []])
  })

  it('is given again to the store that failed, which is said once', async () => {
    const { confirmation, asked, troubles, wake } = stage(2, 0)
    const done = confirmation.order(true)
    await wake()
    await wake()
    await done
    expect(asked).toEqual(['s0 alone', 's1 alone', 's0 alone', 's0 alone'])
    expect(troubles).toEqual(['s0: no answer'])
  })

  it('ends with a later order, and with a demotion', async () => {
    const { confirmation, asked, wake } = stage(1)
    const first = confirmation.order(true)
    const second = confirmation.order(false)
    await wake()
    await Promise.all([first, second])
    expect(asked).toEqual(['s0 alone', 's0 together'])
    const other = stage(9)
    const never = other.confirmation.order(false)
    await other.settle()
    other.confirmation.forget()
    await other.wake()
    await never
    expect(other.asked).toEqual(['s0 together'])
  })
  it('is given anew to one store when asked for, and not before there was one', async () => {
    const { confirmation, stores, asked } = stage(0, 0)
    const [first] = stores
    if (first === undefined) throw new Error('no store')
    await confirmation.again(first)
    await confirmation.order(false)
    await confirmation.again(first)
    expect(asked).toEqual(['s0 together', 's1 together', 's0 together'])
  })
})
