/**
 * Does anybody else have a floating IP, and how do we say that it is ours now?
 *
 * Carries out PROTOCOL T3 on the wire: probes that enter nobody's cache (RFC 5227, RFC 4862), an
 * ear for answers, for probes of others and for their claims, and the announcements of the one who
 * serves. What any of it means for the role is decided in the core.
 *
 * The ear is before the gate, so a shut gate does not deafen us; our probes pass a shut gate, our
 * announcements do not. Frames of any interface of this host are ours: two of its interfaces may
 * stand on one LAN and hear each other.
 */
import type { FloatingIp } from '../config/config.ts'
import type { LinkState } from '../system/add-on.ts'
import { errorCode, type Native, type PacketSocket } from '../system/native.ts'
import {
  type AddressMessage,
  decodeArp,
  encodeArpAnnouncement,
  encodeArpProbe,
} from '../wire/arp.ts'
import { addressKey } from '../wire/ip-address.ts'
import {
  decodeNeighbour,
  encodeNeighbourAnnouncement,
  encodeNeighbourProbe,
  solicitedNodeMac,
} from '../wire/neighbour.ts'

/** Our own MACs are read again at most this often: only a new interface changes them. */
const MACS_FRESH_MS = 5_000

/** Somebody else's frame about one of our floating IPs. */
export interface AddressConflict {
  /** As it is written in the configuration. */
  address: string
  byMac: string
  /**
   * `answer`: to a probe or request; `probe`: wants it as well; `announcement`: claims it. An IPv6
   * answer to a probe is no different from an announcement, and told as one.
   */
  kind: 'answer' | 'probe' | 'announcement'
}

/** Something that did not leave. */
export interface SendTrouble {
  address: string
  interface: string
  code: string
}

export type WatchDoor = Pick<
  Native,
  'bootTimeMs' | 'carrier' | 'linkNames' | 'linkState' | 'packetOpen'
>

export interface AddressWatchOptions {
  floatingIps: readonly FloatingIp[]
  door: WatchDoor
  /** Called as soon as it is heard, from the event loop; never from inside our own methods. */
  onConflict: (conflict: AddressConflict) => void
  /** For counters and logs; a frame is never sent again. */
  onTrouble?: (trouble: SendTrouble) => void
}

/** One socket: one interface and family, with the addresses that live there. */
interface Ear {
  name: string
  family: 4 | 6
  floatingIps: readonly FloatingIp[]
  /** Null while the interface is missing. */
  open: { socket: PacketSocket; link: LinkState } | null
}

/** Listens from its making until `close`. */
export class AddressWatch {
  readonly #options: AddressWatchOptions
  readonly #ears: readonly Ear[]
  /** By `addressKey`, what the configuration calls it. */
  readonly #guarded: ReadonlyMap<string, string>
  #ourMacs: ReadonlySet<string> = new Set()
  #macsReadMs = Number.NEGATIVE_INFINITY
  #closed = false

  /** Interfaces that are missing now are listened to once they are there. */
  constructor(options: AddressWatchOptions) {
    this.#options = options
    this.#ears = earsFor(options.floatingIps)
    this.#guarded = new Map(
      options.floatingIps.map(({ address }) => [addressKey(address), address]),
    )
    for (const ear of this.#ears) {
      try {
        this.#tune(ear)
      } catch (error) {
        this.#complain(ear, errorCode(error))
      }
    }
  }

  /**
   * Asks once for every floating IP.
   *
   * An interface without a link cannot be asked, and nobody can be heard there: that is no failure;
   * the ping majority guards then (PROTOCOL, T2).
   *
   * @returns 'failed' when a probe could not be sent for any other reason: it proves nothing
   */
  probe(): 'sent' | 'failed' {
    let outcome: 'sent' | 'failed' = 'sent'
    for (const ear of this.#ears) {
      const encode = ear.family === 4 ? encodeArpProbe : encodeNeighbourProbe
      if (!this.#say(ear, (mac, address) => [encode({ mac, address })])) outcome = 'failed'
    }
    return outcome
  }

  /**
   * Says once for each address that it is here: ARP in both forms, and an unsolicited advertisement.
   *
   * @param addresses  as in the configuration; without it all floating IPs
   * @returns 'failed' when something could not be sent, such as behind a shut gate (ENOBUFS)
   */
  announce(addresses?: readonly string[]): 'sent' | 'failed' {
    const wanted = addresses === undefined ? null : new Set(addresses.map(addressKey))
    let outcome: 'sent' | 'failed' = 'sent'
    for (const ear of this.#ears) {
      const frames = ear.family === 4 ? arpAnnouncements : neighbourAnnouncements
      if (!this.#say(ear, frames, wanted)) outcome = 'failed'
    }
    return outcome
  }

  /** Stops listening; idempotent. */
  close(): void {
    this.#closed = true
    for (const ear of this.#ears) {
      ear.open?.socket.close()
      ear.open = null
    }
  }

  /** @returns whether everything that could be sent was */
  #say(
    ear: Ear,
    frames: (mac: string, address: string) => Buffer[],
    wanted: ReadonlySet<string> | null = null,
  ): boolean {
    try {
      this.#tune(ear)
    } catch (error) {
      this.#complain(ear, errorCode(error))
      return false
    }
    if (ear.open === null) {
      this.#complain(ear, 'ENODEV')
      return false
    }
    let all = true
    for (const { address } of ear.floatingIps) {
      if (wanted !== null && !wanted.has(addressKey(address))) continue
      try {
        for (const frame of frames(ear.open.link.mac, address)) ear.open.socket.send(frame)
      } catch (error) {
        if (!this.#hasCarrier(ear.name)) continue
        this.#complain(ear, errorCode(error), address)
        all = false
      }
    }
    return all
  }

  #hasCarrier(name: string): boolean {
    try {
      return this.#options.door.carrier(name)
    } catch {
      // Not known to be without one.
      return true
    }
  }

  /** Follows an interface that was made anew, or whose MAC changed. */
  #tune(ear: Ear): void {
    if (this.#closed) return
    const link = this.#options.door.linkState(ear.name)
    const before = ear.open?.link
    if (before?.index === link?.index) {
      if (ear.open !== null && link !== null && before?.mac !== link.mac) {
        ear.open = { socket: ear.open.socket, link }
        this.#macsReadMs = Number.NEGATIVE_INFINITY
      }
      return
    }
    ear.open?.socket.close()
    ear.open = null
    this.#macsReadMs = Number.NEGATIVE_INFINITY
    if (link === null) return
    const protocol = ear.family === 4 ? 'arp' : 'ipv6-nd'
    const decode = ear.family === 4 ? decodeArp : decodeNeighbour
    const socket = this.#options.door.packetOpen(
      { interfaceIndex: link.index, protocol },
      (frame) => {
        const message = decode(frame)
        if (message !== null) this.#hear(message)
      },
    )
    ear.open = { socket, link }
    // Others' probes go to the group of the address. The kernel listens to it for us only while we
    // have the address ourselves.
    if (ear.family === 4) return
    for (const { address } of ear.floatingIps) socket.join(solicitedNodeMac(address))
  }

  #hear(message: AddressMessage): void {
    if (this.#closed) return
    const found = conflictIn(message)
    const address = found === null ? undefined : this.#guarded.get(addressKey(found.address))
    if (found === null || address === undefined || this.#isOurs(message.senderMac)) return
    this.#options.onConflict({ address, byMac: message.senderMac, kind: found.kind })
  }

  #isOurs(mac: string): boolean {
    if (this.#ourMacs.has(mac)) return true
    // Perhaps an interface that came since. Asked only when something else would be a conflict.
    const { door } = this.#options
    const now = door.bootTimeMs()
    if (now - this.#macsReadMs < MACS_FRESH_MS) return false
    this.#macsReadMs = now
    try {
      this.#ourMacs = new Set(door.linkNames().map((name) => door.linkState(name)?.mac ?? ''))
    } catch {
      // Rather a conflict too many than one not told.
    }
    return this.#ourMacs.has(mac)
  }

  #complain(ear: Ear, code: string, address?: string): void {
    const about = address === undefined ? ear.floatingIps.map((entry) => entry.address) : [address]
    for (const one of about) {
      this.#options.onTrouble?.({ address: one, interface: ear.name, code })
    }
  }
}

/** Which address a message takes for itself, if any. An ordinary question takes none. */
function conflictIn(
  message: AddressMessage,
): { address: string; kind: AddressConflict['kind'] } | null {
  const { kind, senderAddress, targetAddress } = message
  switch (kind) {
    case 'probe':
      return { address: targetAddress, kind: 'probe' }
    case 'announcement':
      return { address: targetAddress, kind: 'announcement' }
    case 'reply':
      // ARP names the owner as sender; an advertisement as target, and may come from elsewhere.
      return {
        address: senderAddress.includes(':') ? targetAddress : senderAddress,
        kind: 'answer',
      }
    case 'request':
      // Who asks from the address claims it by that.
      return { address: senderAddress, kind: 'announcement' }
  }
}

function arpAnnouncements(mac: string, address: string): Buffer[] {
  return [
    encodeArpAnnouncement({ mac, address }, 'request'),
    encodeArpAnnouncement({ mac, address }, 'reply'),
  ]
}

function neighbourAnnouncements(mac: string, address: string): Buffer[] {
  return [encodeNeighbourAnnouncement({ mac, address })]
}

function earsFor(floatingIps: readonly FloatingIp[]): Ear[] {
  const ears = new Map<string, { name: string; family: 4 | 6; floatingIps: FloatingIp[] }>()
  for (const floatingIp of floatingIps) {
    const { interface: name, family } = floatingIp
    const key = `${family} ${name}`
    const ear = ears.get(key) ?? { name, family, floatingIps: [] }
    ear.floatingIps.push(floatingIp)
    ears.set(key, ear)
  }
  return [...ears.values()].map((ear) => ({ ...ear, open: null }))
}
