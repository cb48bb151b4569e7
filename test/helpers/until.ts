import { setTimeout as sleep } from 'node:timers/promises'

/**
 * Asks again and again until there is an answer.
 *
 * @param ask  null or false: not yet
 * @throws Error when there was none within the limit
 */
export async function until<Value>(
  ask: () => Promise<Value | null | false>,
  limitMs = 60_000,
): Promise<Value> {
  const endMs = performance.now() + limitMs
  for (;;) {
    const value = await ask()
    if (value !== null && value !== false) return value
    if (performance.now() > endMs) throw new Error('did not come about in time')
    await sleep(50)
  }
}
