/** Goal: confirmed writes that are gone are counted, all of them and no others. Method: pretend servers. */
import { expect, it } from 'vitest'
import { type StoreDoor, StoreProbe } from '../../src/drill/store-probe.ts'
import { until } from '../helpers/until.ts'

class PretendServer implements StoreDoor {
  number = 0
  open = true
  cleaned = false
  hungUp = 0

  async write(number: number): Promise<void> {
    if (!this.open) throw new Error('read-only')
    this.number = number
  }
  async read(): Promise<number> {
    if (!this.open) throw new Error('read-only')
    return this.number
  }
  hangUp(): void {
    this.hungUp += 1
  }
  async clean(): Promise<void> {
    this.cleaned = true
  }
  close(): void {}
}

function stage() {
  const [there, here] = [new PretendServer(), new PretendServer()]
  let holder: 'sp1' | 'sp2' = 'sp1'
  const probe = new StoreProbe(
    'redis',
    { there, here },
    { by: () => holder, us: 'sp2', now: () => performance.now() },
  )
  const move = (): void => {
    there.open = false
    holder = 'sp2'
  }
  const written = (more: number) => {
    const wanted = probe.confirmed + more
    return until(async () => probe.confirmed >= wanted, 5_000)
  }
  return { there, here, probe, move, written }
}

it('follows the address to the other server, and loses nothing where that has everything', async () => {
  const { there, here, probe, move, written } = stage()
  // What an earlier drill left behind.
  there.number = 500
  probe.start()
  await written(5)
  here.number = there.number
  move()
  // A write may have been under way.
  here.number = there.number
  await written(5)
  await probe.stop()
  expect(probe.lost).toBe(0)
  expect(here.number).toBeGreaterThan(505)
  expect(new Set(probe.answers.map(({ by }) => by))).toEqual(new Set(['sp1', 'sp2']))
  expect([there.hungUp > 0, here.cleaned]).toEqual([true, true])
})

it('counts what was confirmed and is not there', async () => {
  const { there, here, probe, move, written } = stage()
  probe.start()
  await written(10)
  move()
  const { number } = there
  here.number = number - 3
  await written(5)
  await probe.stop()
  expect(probe.lost).toBe(3)
})

it('says why nothing is confirmed, and does not call that lost', async () => {
  const { there, probe, written } = stage()
  probe.start()
  await written(3)
  there.open = false
  await until(async () => probe.trouble !== null, 5_000)
  expect(probe.trouble).toBe('read-only')
  there.open = true
  await written(3)
  await probe.stop()
  expect([probe.lost, probe.trouble]).toEqual([0, null])
})

it('looks a last time for what was confirmed before it ends', async () => {
  const { there, probe, written } = stage()
  probe.start()
  await written(5)
  const stopping = probe.stop()
  there.number = 0
  await stopping
  expect(probe.lost).toBe(probe.confirmed)
})
