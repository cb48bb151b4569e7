// Settings of the stores are known once a store answered, and stay known while it does not.
import { expect, test } from 'vitest'
import { StoreSettings } from '../../src/daemon/store-settings.ts'
import { FAULT, PretendStore } from '../helpers/pretend-store.ts'

test('what does not answer keeps what it said before', async () => {
  const [one, two] = [new PretendStore('one'), new PretendStore('two')]
  one.faults = { settings: FAULT }
  const rounds: (() => void)[] = []
  const settings = new StoreSettings({
    stores: [one, two],
    wait: () => new Promise((resolve) => rounds.push(resolve)),
  })
  settings.start()
  const round = async () => {
    while (rounds.length === 0) await new Promise((resolve) => setImmediate(resolve))
    return rounds.shift()
  }
  let next = await round()
  expect([settings.of(one).size, [...settings.of(two)]]).toEqual([0, [['size', '7']]])
  two.faults = { settings: FAULT }
  one.faults = {}
  next?.()
  next = await round()
  expect([settings.of(one).size, settings.of(two).size]).toEqual([1, 1])
  settings.stop()
  next?.()
})
