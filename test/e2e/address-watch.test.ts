/**
 * Goal: whoever else has, wants or claims a floating IP is heard, also behind a shut gate, and our
 * announcements correct what others believe. Method: two hosts in network namespaces; the far one
 * uses its kernel and arping.
 */
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest'
import type { FloatingIp } from '../../src/config/config.ts'
import { prepareGate, removeGate } from '../../src/gate/choose.ts'
import type { Gate } from '../../src/gate/gate.ts'
import {
  type AddressConflict,
  AddressWatch,
  type SendTrouble,
} from '../../src/links/address-watch.ts'
import { FloatingIps } from '../../src/resources/floating-ip.ts'
import { native } from '../../src/system/native.ts'
import {
  addLink,
  buildHosts,
  FAR_DEVICE,
  FAR_MAC,
  far,
  farCode,
  NEAR_DEVICE,
  NEAR_MAC,
  near,
  removeHosts,
  settle,
  until,
} from '../helpers/address-lab.ts'

const V4: FloatingIp = {
  address: '10.98.0.50',
  family: 4,
  prefixLength: 24,
  interface: NEAR_DEVICE,
  label: null,
}
const V6: FloatingIp = { ...V4, address: 'fd98::50', family: 6, prefixLength: 64 }

const conflicts: AddressConflict[] = []
const troubles: SendTrouble[] = []
let watch: AddressWatch

beforeAll(() => {
  buildHosts()
  watch = new AddressWatch({
    floatingIps: [V4, V6],
    door: native,
    onConflict: (conflict) => conflicts.push(conflict),
    onTrouble: (trouble) => troubles.push(trouble),
  })
})
afterAll(() => {
  watch.close()
  removeHosts()
})
afterEach(() => {
  far('ip', 'address', 'flush', 'dev', FAR_DEVICE, 'to', '10.98.0.50')
  far('ip', '-6', 'address', 'flush', 'dev', FAR_DEVICE, 'to', 'fd98::50')
  conflicts.length = 0
  troubles.length = 0
})

/** Each kind once, for the far host may say a thing several times. */
const heard = (): string[] => {
  for (const { byMac } of conflicts) expect(byMac).toBe(FAR_MAC)
  return [...new Set(conflicts.map(({ address, kind }) => `${kind} ${address}`))].sort()
}
const farTakes = (...more: string[]): void => {
  far('ip', 'address', 'add', '10.98.0.50/24', 'dev', FAR_DEVICE)
  far('ip', 'address', 'add', 'fd98::50/64', 'dev', FAR_DEVICE, ...more)
}

/** The ways of hearing; they must be the same whatever our gate does. */
function hearsEverything(): void {
  test('nobody answers a probe for an address that nobody has', async () => {
    expect(watch.probe()).toBe('sent')
    await settle()
    expect([conflicts, troubles]).toEqual([[], []])
  })

  test('a holder of the address answers the probe', async () => {
    farTakes('nodad')
    conflicts.length = 0
    expect(watch.probe()).toBe('sent')
    await until('both answers', () => conflicts.length >= 2)
    expect(heard()).toEqual(['announcement fd98::50', 'answer 10.98.0.50'])
  })

  test('somebody who probes as well is heard', async () => {
    farCode('arping', '-q', '-D', '-c', '1', '-w', '1', '-I', FAR_DEVICE, '10.98.0.50')
    // With duplicate detection: the kernel probes by itself.
    far('ip', 'address', 'add', 'fd98::50/64', 'dev', FAR_DEVICE)
    await until('both probes', () => heard().length >= 2)
    expect(heard()).toEqual(['probe 10.98.0.50', 'probe fd98::50'])
  })

  test('somebody who claims the address is heard', async () => {
    far('ip', 'address', 'add', '10.98.0.50/24', 'dev', FAR_DEVICE)
    farCode('timeout', '0.2', 'arping', '-q', '-U', '-I', FAR_DEVICE, '10.98.0.50')
    await until('the claim', () => conflicts.length > 0)
    expect(heard()).toEqual(['announcement 10.98.0.50'])
  })

  test('a client that looks for the address is no conflict', async () => {
    farCode('ping', '-n', '-c', '1', '-W', '0.2', '10.98.0.50')
    farCode('ping', '-n', '-c', '1', '-W', '0.2', 'fd98::50')
    await settle()
    expect(conflicts).toEqual([])
  })
}

const farBelieves = (address: string): string =>
  /lladdr (\S+)/.exec(far('ip', 'neigh', 'show', address))?.[1] ?? 'nothing'
const misleadFar = (): void => {
  for (const address of ['10.98.0.50', 'fd98::50']) {
    const entry = [address, 'dev', FAR_DEVICE]
    far('ip', 'neigh', 'replace', ...entry, 'lladdr', '02:00:00:00:00:77', 'nud', 'stale')
  }
}

describe('without a gate', () => {
  hearsEverything()

  test('announcements correct what others believe, in both families', async () => {
    misleadFar()
    expect(watch.announce(['10.98.0.50'])).toBe('sent')
    await until('the first is right', () => farBelieves('10.98.0.50') === NEAR_MAC)
    expect(farBelieves('fd98::50')).toBe('02:00:00:00:00:77')
    expect(watch.announce()).toBe('sent')
    await until('the second is right', () => farBelieves('fd98::50') === NEAR_MAC)
    expect([conflicts, troubles]).toEqual([[], []])
  })

  test('a second interface of ours on the same LAN is none of the others', async () => {
    // A bridge at the far end joins two of our links.
    near('ip', 'link', 'add', 'near1', 'type', 'veth', 'peer', 'name', 'near1p')
    const second = new AddressWatch({
      floatingIps: [{ ...V4, interface: 'near1p' }],
      door: native,
      onConflict: (conflict) => conflicts.push(conflict),
    })
    for (const name of ['near1', 'near1p']) near('ip', 'link', 'set', name, 'up')
    const beside = new AddressWatch({
      floatingIps: [{ ...V4, interface: 'near1' }],
      door: native,
      onConflict: () => {},
    })
    expect(beside.probe()).toBe('sent')
    await settle()
    expect(conflicts).toEqual([])
    second.close()
    beside.close()
    near('ip', 'link', 'delete', 'near1')
  })

  test('without a link the probe is sent to nobody, and that is no failure', () => {
    far('ip', 'link', 'set', FAR_DEVICE, 'down')
    expect(watch.probe()).toBe('sent')
    near('ip', 'link', 'set', NEAR_DEVICE, 'down')
    expect(watch.probe()).toBe('sent')
    expect(troubles).toEqual([])
  })

  test('an interface that is gone fails the probe, and one made anew is heard again', async () => {
    near('ip', 'link', 'delete', NEAR_DEVICE)
    expect(watch.probe()).toBe('failed')
    expect(troubles.map(({ address, code }) => `${address} ${code}`)).toEqual([
      '10.98.0.50 ENODEV',
      'fd98::50 ENODEV',
    ])
    addLink()
    far('ip', 'address', 'add', '10.98.0.50/24', 'dev', FAR_DEVICE)
    expect(watch.probe()).toBe('sent')
    await until('the answer', () => conflicts.length > 0)
    expect(heard()).toEqual(['answer 10.98.0.50'])
  })
})

describe('behind a gate', () => {
  const runDir = mkdtempSync(join(tmpdir(), 'tandem-watch-'))
  const floatingIps = new FloatingIps([V4, V6], native)
  let gate: Gate
  beforeAll(async () => {
    const prepared = await prepareGate({
      choice: 'ebpf',
      runDir,
      floatingIps: [V4, V6],
      interfaces: [NEAR_DEVICE],
      leaseMs: 600,
      door: native,
    })
    if (!prepared.ok) throw new Error(prepared.reason)
    gate = prepared.value.gate
    expect(gate.claim().done).toBe(true)
    expect(floatingIps.add(0)).toEqual([])
  })
  afterAll(async () => {
    floatingIps.remove()
    await removeGate(runDir)
    rmSync(runDir, { recursive: true, force: true })
  })

  describe('that is shut around the configured address', () => {
    hearsEverything()

    test('an announcement is held back and told as such', () => {
      misleadFar()
      expect(watch.announce()).toBe('failed')
      expect(troubles.map(({ address, code }) => `${address} ${code}`)).toEqual([
        '10.98.0.50 ENOBUFS',
        'fd98::50 ENOBUFS',
      ])
      expect(farBelieves('10.98.0.50')).toBe('02:00:00:00:00:77')
    })
  })

  describe('that is open', () => {
    test('announcements leave', async () => {
      misleadFar()
      expect(gate.open(native.bootTimeMs() + 2000, false).done).toBe(true)
      expect(watch.announce()).toBe('sent')
      await until('both are right', () =>
        ['10.98.0.50', 'fd98::50'].every((address) => farBelieves(address) === NEAR_MAC),
      )
      gate.close()
    })
  })
})
