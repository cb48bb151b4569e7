/**
 * Whose frames are a conflict, and what a failed sending means. On a real kernel, also behind a shut
 * gate: test/e2e/address-watch.test.ts.
 */
import { expect, test } from 'vitest'
import type { FloatingIp } from '../../src/config/config.ts'
import {
  type AddressConflict,
  AddressWatch,
  type SendTrouble,
  type WatchDoor,
} from '../../src/links/address-watch.ts'
import { decodeArp, encodeArpAnnouncement, encodeArpProbe } from '../../src/wire/arp.ts'
import {
  decodeNeighbour,
  encodeNeighbourAnnouncement,
  encodeNeighbourProbe,
} from '../../src/wire/neighbour.ts'

const OURS = '02:00:5e:00:00:01'
const OTHER_OF_OURS = '02:00:5e:00:00:02'
const THEIRS = '02:00:5e:00:00:99'

const V4: FloatingIp = {
  address: '10.1.0.50',
  family: 4,
  prefixLength: 24,
  interface: 'eth0',
  label: null,
}
const V6: FloatingIp = { ...V4, address: 'FD98:0::50', family: 6, prefixLength: 64 }

function refuse(code: string): never {
  throw Object.assign(new Error(code), { code })
}

/** A host whose wires are in the hands of the test. */
class PretendHost implements WatchDoor {
  nowMs = 1_000
  readonly macs = new Map([
    ['lo', '00:00:00:00:00:00'],
    ['eth0', OURS],
    ['eth1', OTHER_OF_OURS],
  ])
  index = 2
  hasCarrier = true
  sendRefusal: string | null = null
  openRefusal: string | null = null
  readonly log: string[] = []
  readonly ears: { index: number; protocol: string; hear: (frame: Buffer) => void }[] = []

  bootTimeMs(): number {
    return this.nowMs
  }

  carrier(): boolean {
    return this.hasCarrier
  }

  linkNames(): string[] {
    return [...this.macs.keys()]
  }

  linkState(name: string) {
    const mac = this.macs.get(name)
    if (mac === undefined) return null
    return { index: this.index, mac, ethernet: true, up: true, carrier: this.hasCarrier, mtu: 1500 }
  }

  packetOpen: WatchDoor['packetOpen'] = ({ interfaceIndex, protocol }, hear) => {
    if (this.openRefusal !== null) refuse(this.openRefusal)
    this.log.push(`open ${protocol} on ${interfaceIndex}`)
    this.ears.push({ index: interfaceIndex, protocol, hear })
    return {
      send: (frame) => {
        if (this.sendRefusal !== null) refuse(this.sendRefusal)
        const message = protocol === 'arp' ? decodeArp(frame) : decodeNeighbour(frame)
        const { kind, senderMac, senderAddress, targetAddress } = message ?? {}
        this.log.push(`${kind} ${senderMac} ${senderAddress} ${targetAddress}`)
      },
      join: (group) => this.log.push(`join ${group.toString('hex')}`),
      close: () => this.log.push(`close ${protocol} on ${interfaceIndex}`),
    }
  }

  /** A frame arrives at every ear of this protocol. */
  bring(protocol: 'arp' | 'ipv6-nd', frame: Buffer): void {
    for (const ear of this.ears) if (ear.protocol === protocol) ear.hear(frame)
  }
}

function watch(host: PretendHost, floatingIps: readonly FloatingIp[] = [V4, V6]) {
  const conflicts: AddressConflict[] = []
  const troubles: SendTrouble[] = []
  const addressWatch = new AddressWatch({
    floatingIps,
    door: host,
    onConflict: (conflict) => conflicts.push(conflict),
    onTrouble: (trouble) => troubles.push(trouble),
  })
  return { addressWatch, conflicts, troubles }
}

test('a probe asks once for each address and tells nobody a sender', () => {
  const host = new PretendHost()
  const { addressWatch } = watch(host)
  expect(addressWatch.probe()).toBe('sent')
  expect(host.log).toEqual([
    'open arp on 2',
    'open ipv6-nd on 2',
    'join 3333ff000050',
    `probe ${OURS} 0.0.0.0 10.1.0.50`,
    `probe ${OURS} :: fd98::50`,
  ])
})

test('an announcement goes out in both forms of ARP and as an advertisement', () => {
  const host = new PretendHost()
  const { addressWatch } = watch(host)
  host.log.length = 0
  expect(addressWatch.announce()).toBe('sent')
  expect(addressWatch.announce(['fd98::50'])).toBe('sent')
  expect(host.log).toEqual([
    `announcement ${OURS} 10.1.0.50 10.1.0.50`,
    `announcement ${OURS} 10.1.0.50 10.1.0.50`,
    `announcement ${OURS} fd98::50 fd98::50`,
    `announcement ${OURS} fd98::50 fd98::50`,
  ])
})

const theirs4 = { mac: THEIRS, address: '10.1.0.50' }
const theirs6 = { mac: THEIRS, address: 'fd98::50' }

/** Their ARP frame with one of its addresses changed. */
function arp(sender: string, target: string, operation: 1 | 2): Buffer {
  const frame = encodeArpAnnouncement({ mac: THEIRS, address: sender }, 'request')
  frame.writeUInt16BE(operation, 20)
  frame.set(target.split('.').map(Number), 38)
  return frame
}

test.each<[string, 'arp' | 'ipv6-nd', Buffer, AddressConflict['kind']]>([
  ['probes for it', 'arp', encodeArpProbe(theirs4), 'probe'],
  ['claims it in request form', 'arp', encodeArpAnnouncement(theirs4, 'request'), 'announcement'],
  ['claims it in reply form', 'arp', encodeArpAnnouncement(theirs4, 'reply'), 'announcement'],
  ['answers our probe', 'arp', arp('10.1.0.50', '0.0.0.0', 2), 'answer'],
  ['answers a client', 'arp', arp('10.1.0.50', '10.1.0.7', 2), 'answer'],
  ['asks others from it', 'arp', arp('10.1.0.50', '10.1.0.7', 1), 'announcement'],
  ['probes for it by IPv6', 'ipv6-nd', encodeNeighbourProbe(theirs6), 'probe'],
  ['claims it by IPv6', 'ipv6-nd', encodeNeighbourAnnouncement(theirs6), 'announcement'],
])('whoever %s is a conflict', (_what, protocol, frame, kind) => {
  const host = new PretendHost()
  const { conflicts } = watch(host)
  host.bring(protocol, frame)
  const address = protocol === 'arp' ? '10.1.0.50' : 'FD98:0::50'
  expect(conflicts).toEqual([{ address, byMac: THEIRS, kind }])
})

test.each<[string, 'arp' | 'ipv6-nd', Buffer]>([
  ['a client that asks where the address is', 'arp', arp('10.1.0.7', '10.1.0.50', 1)],
  ['an answer to us from somebody else', 'arp', arp('10.1.0.7', '10.1.0.50', 2)],
  ['a probe for another address', 'arp', encodeArpProbe({ ...theirs4, address: '10.1.0.51' })],
  ['our own probe that came back', 'arp', encodeArpProbe({ ...theirs4, mac: OURS })],
  [
    'another interface of ours',
    'ipv6-nd',
    encodeNeighbourAnnouncement({ ...theirs6, mac: OTHER_OF_OURS }),
  ],
  ['a frame that makes no sense', 'arp', Buffer.alloc(60)],
])('%s is none', (_what, protocol, frame) => {
  const host = new PretendHost()
  const { conflicts } = watch(host)
  host.bring(protocol, frame)
  expect(conflicts).toEqual([])
})

test('an interface that came since is one of ours within seconds', () => {
  const host = new PretendHost()
  const { conflicts } = watch(host)
  host.bring('arp', encodeArpProbe(theirs4))
  host.macs.set('eth2', THEIRS)
  host.nowMs += 5_001
  host.bring('arp', encodeArpProbe(theirs4))
  expect(conflicts).toHaveLength(1)
})

test('what cannot be sent proves nothing, and the other addresses are still asked', () => {
  const host = new PretendHost()
  const { addressWatch, troubles } = watch(host)
  host.sendRefusal = 'ENOBUFS'
  expect(addressWatch.probe()).toBe('failed')
  expect(troubles).toEqual([
    { address: '10.1.0.50', interface: 'eth0', code: 'ENOBUFS' },
    { address: 'FD98:0::50', interface: 'eth0', code: 'ENOBUFS' },
  ])
})

test('an interface without a link counts as asked', () => {
  const host = new PretendHost()
  const { addressWatch, troubles } = watch(host)
  host.sendRefusal = 'ENETDOWN'
  host.hasCarrier = false
  expect(addressWatch.probe()).toBe('sent')
  expect(troubles).toEqual([])
})

test('a missing interface fails the probe, and is listened to once it is there', () => {
  const host = new PretendHost()
  host.macs.delete('eth0')
  const { addressWatch, troubles } = watch(host, [V4])
  expect(addressWatch.probe()).toBe('failed')
  expect(troubles).toEqual([{ address: '10.1.0.50', interface: 'eth0', code: 'ENODEV' }])
  host.macs.set('eth0', OURS)
  expect(addressWatch.probe()).toBe('sent')
  expect(host.log).toEqual(['open arp on 2', `probe ${OURS} 0.0.0.0 10.1.0.50`])
})

test('an interface that was made anew is listened to anew', () => {
  const host = new PretendHost()
  const { addressWatch } = watch(host, [V4])
  host.index = 7
  expect(addressWatch.probe()).toBe('sent')
  expect(host.log).toEqual([
    'open arp on 2',
    'close arp on 2',
    'open arp on 7',
    `probe ${OURS} 0.0.0.0 10.1.0.50`,
  ])
})

test('a MAC that was changed is the one that is told from then on', () => {
  const host = new PretendHost()
  const { addressWatch, conflicts } = watch(host, [V4])
  host.macs.set('eth0', THEIRS)
  expect(addressWatch.announce()).toBe('sent')
  expect(host.log.at(-1)).toBe(`announcement ${THEIRS} 10.1.0.50 10.1.0.50`)
  host.bring('arp', encodeArpProbe(theirs4))
  expect(conflicts).toEqual([])
})

test('a socket that cannot be opened is said and does not end the watch', () => {
  const host = new PretendHost()
  host.openRefusal = 'EPERM'
  const { addressWatch, troubles } = watch(host, [V4])
  expect(addressWatch.probe()).toBe('failed')
  expect(troubles.map(({ code }) => code)).toEqual(['EPERM', 'EPERM'])
})

test('nothing is heard and nothing opened after closing', () => {
  const host = new PretendHost()
  const { addressWatch, conflicts } = watch(host, [V4])
  addressWatch.close()
  addressWatch.close()
  host.bring('arp', encodeArpProbe(theirs4))
  expect(addressWatch.probe()).toBe('failed')
  expect(conflicts).toEqual([])
  expect(host.log).toEqual(['open arp on 2', 'close arp on 2'])
})
