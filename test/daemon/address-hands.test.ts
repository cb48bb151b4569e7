/**
 * Goal: the heart hears "there" only of addresses that the kernel has. Method: the real floating IPs in
 * front of a pretend set of addresses, of which some cannot be put on.
 */
import { beforeEach, describe, expect, test } from 'vitest'
import type { FloatingIp } from '../../src/config/config.ts'
import { AddressHands } from '../../src/daemon/address-hands.ts'
import { AddressKeeping } from '../../src/daemon/address-keeping.ts'
import { SharedMemory } from '../../src/daemon/shared-memory.ts'
import type { AddressFailure } from '../../src/resources/floating-ip.ts'

const H = 20
const LOOK_MS = 200
const on = (name: string, address: string): FloatingIp => ({
  ...{ address, family: address.includes(':') ? 6 : 4, prefixLength: 24 },
  ...{ interface: name, label: null },
})
const V4 = on('eth0', '10.0.0.50')
const V6 = on('eth0', 'fd00::50')
const OTHER = on('eth2', '10.9.0.50')

let nowMs = 0
let refused: string[] = []
let standing: Set<string> = new Set()
let kernelTells = true
let said: string[] = []
let memory: SharedMemory

beforeEach(() => {
  nowMs = 1_000
  refused = []
  standing = new Set()
  kernelTells = true
  said = []
  memory = new SharedMemory(0)
})

function handsFor(...floatingIps: FloatingIp[]): AddressHands {
  const put = (): AddressFailure[] => {
    const failures: AddressFailure[] = []
    for (const { address, interface: name } of floatingIps) {
      if (!refused.includes(address)) standing.add(address)
      else failures.push({ address, interface: name, code: 'EACCES', message: 'not permitted' })
    }
    return failures
  }
  return new AddressHands({
    floatingIps,
    addresses: {
      add: put,
      refresh: put,
      remove: () => {
        standing.clear()
        return []
      },
      present: () => {
        if (!kernelTells) throw new Error('EBUSY')
        return [...standing]
      },
    },
    keeping: new AddressKeeping(LOOK_MS, H),
    memory,
    validSeconds: 1,
    now: () => nowMs,
    trouble: (text) => said.push(text),
  })
}

/** A look of a heart that has beaten since the one before. */
function look(hands: AddressHands, wanted = true): void {
  nowMs += LOOK_MS
  memory.raise('heartBeat')
  memory.write('addressesWanted', wanted ? 1 : 0)
  hands.refresh()
}

const isThere = (): boolean => memory.read('addressesPresent') === 1

describe('after adding, the addresses are', () => {
  test('there, when all were put on', () => {
    handsFor(V4, V6).add()
    expect([isThere(), said]).toEqual([true, []])
  })

  test('not there, when none could be put on, and the log says which and why', () => {
    refused = [V4.address]
    handsFor(V4).add()
    expect([isThere(), said]).toEqual([false, ['floating IP 10.0.0.50: not permitted (EACCES)']])
  })

  test('there, when one of an interface failed and another of it stands', () => {
    refused = [V6.address]
    handsFor(V4, V6).add()
    expect([isThere(), said.length]).toEqual([true, 1])
  })

  test('not there, when an interface carries none of its own', () => {
    refused = [OTHER.address]
    handsFor(V4, OTHER).add()
    expect(isThere()).toBe(false)
  })

  test('not there, when one failed and the kernel does not tell what stands', () => {
    refused = [V6.address]
    kernelTells = false
    handsFor(V4, V6).add()
    expect(isThere()).toBe(false)
  })
})

describe('a renewal', () => {
  test('that fails takes "there" back, and one that works gives it again', () => {
    const hands = handsFor(V4)
    // The first look cannot tell yet whether the heart beats.
    look(hands)
    look(hands)
    expect(isThere()).toBe(true)
    refused = [V4.address]
    standing.clear()
    look(hands)
    expect(isThere()).toBe(false)
    refused = []
    look(hands)
    expect(isThere()).toBe(true)
  })

  test('is not done for a heart that does not want the addresses: they are on their way out', () => {
    const hands = handsFor(V4)
    look(hands)
    look(hands)
    expect(isThere()).toBe(true)
    standing.clear()
    look(hands, false)
    expect([isThere(), [...standing]]).toEqual([false, []])
  })
})

describe('an address that nobody wants here', () => {
  test('is taken off within a second of its appearance, and said', () => {
    const hands = handsFor(V4)
    look(hands, false)
    standing.add(V4.address)
    for (let looks = 0; looks < 1_000 / LOOK_MS; looks += 1) look(hands, false)
    expect([[...standing], said]).toEqual([
      [],
      ['10.0.0.50: was on an interface of a node that does not serve; taken off'],
    ])
  })

  test('stays while it was asked for a moment ago: the heart occupies before it wants', () => {
    const hands = handsFor(V4)
    look(hands, false)
    look(hands, false)
    for (let looks = 0; looks < 2_000 / LOOK_MS; looks += 1) {
      hands.add()
      // The next look comes before the heart's next tick.
      nowMs -= H
      look(hands, false)
    }
    expect([[...standing], said]).toEqual([[V4.address], []])
  })
})

test('what was taken off is not there', () => {
  const hands = handsFor(V4)
  hands.add()
  hands.remove()
  expect([isThere(), [...standing]]).toEqual([false, []])
})

test('an address that fails at every tick is said once in ten seconds, with how often it was', () => {
  refused = [V4.address]
  const hands = handsFor(V4)
  for (let tick = 0; tick < 10_000 / H; tick += 1) {
    hands.add()
    nowMs += H
  }
  expect(said).toEqual(['floating IP 10.0.0.50: not permitted (EACCES)'])
  hands.add()
  expect(said[1]).toBe(
    'floating IP 10.0.0.50: not permitted (EACCES) (and 499 more of this kind before)',
  )
})
