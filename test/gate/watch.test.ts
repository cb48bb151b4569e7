/**
 * Is the gate looked at again when a program that tells of changes was itself killed?
 */
import { afterEach, describe, expect, it } from 'vitest'
import type { Guard } from '../../src/gate/guard.ts'
import { type GateWatch, watchGate } from '../../src/gate/watch.ts'

let watch: GateWatch | null = null
afterEach(() => watch?.stop())

/** A guard whose monitor says its process id, and timers that go off when the test wants. */
function startWatch(script: string) {
  const started: string[] = []
  let looks = 0
  let heard = (): void => undefined
  const guard: Guard = {
    monitors: [{ command: 'sh', args: ['-c', script] }],
    understand(line) {
      started.push(line)
      heard()
      return null
    },
    covers: () => true,
    gaps: async () => {
      looks += 1
      return []
    },
    mend: async () => undefined,
  }
  const timers: (() => void)[] = []
  watch = watchGate({
    guard,
    every: (_intervalMs, run) => {
      timers.push(run)
      return () => undefined
    },
    listener: { removed: () => undefined, mended: () => undefined, lost: () => undefined },
  })
  const line = (count: number): Promise<void> =>
    new Promise((done) => {
      heard = () => started.length >= count && done()
      heard()
    })
  return { started, line, second: () => timers[0]?.(), looks: () => looks }
}

describe('the watch over the gate', () => {
  it('starts a killed monitor again within seconds, and looks for what nobody told', async () => {
    const { started, line, second, looks } = startWatch('echo $$; exec sleep 60')
    await line(1)
    second()
    await watch?.check()
    expect(looks()).toBe(1)
    process.kill(Number(started[0]), 'SIGKILL')
    for (let passed = 0; started.length < 2 && passed < 100; passed += 1) {
      second()
      await new Promise((done) => setTimeout(done, 20))
    }
    await watch?.check()
    expect(started).toHaveLength(2)
    expect(looks()).toBe(3)
  })

  it('leaves a monitor that ends at once alone for ten seconds', async () => {
    const { started, line, second } = startWatch('echo $$')
    await line(1)
    await new Promise((done) => setTimeout(done, 100))
    for (let passed = 0; passed < 9; passed += 1) second()
    await new Promise((done) => setTimeout(done, 100))
    expect(started).toHaveLength(1)
    second()
    await line(2)
  })
})
