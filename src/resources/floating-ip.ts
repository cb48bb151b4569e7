/**
 * How do the floating IPs come onto this node's interfaces, stay there, and go?
 *
 * All of them as one set, through the kernel directly: a few tens of microseconds each, where starting
 * `ip` takes milliseconds. Nothing here asks whether we may: that is the gate's and the core's part.
 * Every method tries everything before it reports what failed, and may be repeated at will.
 *
 * Decisions, all of them about living beside the addresses the host has of its own:
 * - The prefix length is the configured one. An IPv4 address in the subnet of an older one is then its
 *   secondary: no second route, and never the source of what the host sends by itself.
 * - By default the kernel deletes secondaries together with their primary. After a network restart
 *   the floating IP may be the primary, and its end would take the host's own address along. So the
 *   interface is told to promote secondaries instead (as systemd's own sysctl defaults do).
 * - Where an own address covers the floating IP but the kernel makes no secondary of it (IPv6, or
 *   another prefix length), it comes without a route. Where none does, it brings the route: the LAN
 *   would be out of reach otherwise.
 */
import type { FloatingIp } from '../config/config.ts'
import type { AddressEntry } from '../system/add-on.ts'
import { errorCode, type Native } from '../system/native.ts'
import { addressKey } from '../wire/ip-address.ts'
import { sharesSubnet } from './subnet.ts'

export type AddressDoor = Pick<
  Native,
  'addressList' | 'addressRemove' | 'addressReplace' | 'linkState' | 'promoteSecondaries'
>

/** One address that did not become what it should. */
export interface AddressFailure {
  address: string
  interface: string
  /** As in errno(3). */
  code: string
  message: string
}

/** A floating IP that somebody left behind. */
export interface Leftover {
  address: string
  prefixLength: number
  interfaceIndex: number
  /** Null when it is gone now, else why it is not. */
  code: string | null
}

/** The floating IPs of one node; opens nothing, so there is nothing to close. */
export class FloatingIps {
  readonly #floatingIps: readonly FloatingIp[]
  readonly #door: AddressDoor
  readonly #keys: ReadonlySet<string>
  /** By address, whether it brings the route to its subnet; decided when it is added. */
  readonly #connectedRoute = new Map<string, boolean>()
  /** Index of the interfaces that promote secondaries, so that one made anew is told again. */
  readonly #promoting = new Set<number>()

  constructor(floatingIps: readonly FloatingIp[], door: AddressDoor) {
    this.#floatingIps = floatingIps
    this.#door = door
    this.#keys = new Set(floatingIps.map(({ address }) => addressKey(address)))
  }

  /**
   * Puts every floating IP on its interface.
   *
   * @param validSeconds  whole seconds until the kernel removes it again by itself; 0 is for ever
   * @returns what failed; ENODEV for an interface that does not exist
   */
  add(validSeconds: number): AddressFailure[] {
    const failures: AddressFailure[] = []
    try {
      this.#decideRoutes(this.#door.addressList())
    } catch {
      // Without the list they come as they came last time, or without a route.
    }
    for (const floatingIp of this.#floatingIps) this.#set(floatingIp, validSeconds, failures)
    return failures
  }

  /** Gives every floating IP its lifetime anew; one that vanished meanwhile comes back. */
  refresh(validSeconds: number): AddressFailure[] {
    const failures: AddressFailure[] = []
    for (const floatingIp of this.#floatingIps) this.#set(floatingIp, validSeconds, failures)
    return failures
  }

  /**
   * Takes every floating IP from every interface it stands on, and says what would not go.
   *
   * @returns what is still there, and why
   */
  remove(): AddressFailure[] {
    const failures: AddressFailure[] = []
    let standing: AddressEntry[]
    try {
      standing = this.#standing()
    } catch {
      // Blind, then: where they should be.
      for (const floatingIp of this.#floatingIps) this.#removeFromHome(floatingIp, failures)
      return failures
    }
    for (const entry of standing) {
      const code = this.#take(entry)
      if (code !== null) failures.push(this.#failure(entry, code))
    }
    return failures
  }

  /** The floating IPs that stand on their own interface now, as the configuration writes them. */
  present(): string[] {
    const standing = this.#standing()
    return this.#floatingIps
      .filter((floatingIp) => {
        const index = this.#door.linkState(floatingIp.interface)?.index
        const key = addressKey(floatingIp.address)
        return standing.some(
          (entry) => entry.interfaceIndex === index && addressKey(entry.address) === key,
        )
      })
      .map(({ address }) => address)
  }

  /**
   * For the start: takes away what an earlier agent left, on whichever interface and with whichever
   * prefix length.
   *
   * @returns what was found
   * @throws NativeError  when the kernel does not tell its addresses
   */
  releaseLeftovers(): Leftover[] {
    return this.#standing().map((entry) => ({
      address: entry.address,
      prefixLength: entry.prefixLength,
      interfaceIndex: entry.interfaceIndex,
      code: this.#take(entry),
    }))
  }

  #standing(): AddressEntry[] {
    return this.#door.addressList().filter(({ address }) => this.#keys.has(addressKey(address)))
  }

  #set(floatingIp: FloatingIp, validSeconds: number, failures: AddressFailure[]): void {
    const { address, family, prefixLength, label, interface: name } = floatingIp
    try {
      // Looked up each time: an interface that was made anew has another index.
      const link = this.#door.linkState(name)
      if (link === null) {
        failures.push({ address, interface: name, code: 'ENODEV', message: `no interface ${name}` })
        return
      }
      if (family === 4) this.#promote(floatingIp, link.index, failures)
      this.#door.addressReplace({
        interfaceIndex: link.index,
        family,
        address,
        prefixLength,
        label,
        validSeconds,
        connectedRoute: this.#connectedRoute.get(addressKey(address)) ?? false,
      })
    } catch (error) {
      failures.push(failureOf(floatingIp, error))
    }
  }

  #promote(floatingIp: FloatingIp, index: number, failures: AddressFailure[]): void {
    if (this.#promoting.has(index)) return
    // Once, whatever comes of it: a read-only /proc/sys stays one.
    this.#promoting.add(index)
    try {
      this.#door.promoteSecondaries(floatingIp.interface)
    } catch (error) {
      failures.push(failureOf(floatingIp, error))
    }
  }

  /** @returns null when it is gone, else the code of the failure */
  #take(entry: AddressEntry): string | null {
    try {
      this.#door.addressRemove(entry)
      return null
    } catch (error) {
      const code = errorCode(error)
      // With its interface the address went too.
      return code === 'ENODEV' ? null : code
    }
  }

  #removeFromHome(floatingIp: FloatingIp, failures: AddressFailure[]): void {
    try {
      const link = this.#door.linkState(floatingIp.interface)
      if (link !== null) this.#door.addressRemove({ ...floatingIp, interfaceIndex: link.index })
    } catch (error) {
      if (errorCode(error) !== 'ENODEV') failures.push(failureOf(floatingIp, error))
    }
  }

  #decideRoutes(entries: readonly AddressEntry[]): void {
    const earlier: AddressEntry[] = entries.filter(
      ({ address }) => !this.#keys.has(addressKey(address)),
    )
    for (const { address, family, prefixLength, interface: name } of this.#floatingIps) {
      const link = this.#door.linkState(name)
      if (link === null) continue
      const entry = { interfaceIndex: link.index, family, address, prefixLength }
      const neighbours = earlier.filter((other) => sharesSubnet(other, entry))
      const hasTwin = neighbours.some((other) => other.prefixLength === prefixLength)
      // A secondary needs the permission to bring the route on the day it becomes the primary.
      const connectedRoute = neighbours.length === 0 || (family === 4 && hasTwin)
      this.#connectedRoute.set(addressKey(address), connectedRoute)
      // The next floating IP of this subnet finds this one there.
      earlier.push({ ...entry, label: null, validSeconds: null, flags: 0 })
    }
  }

  #failure(entry: AddressEntry, code: string): AddressFailure {
    const key = addressKey(entry.address)
    const home = this.#floatingIps.find(({ address }) => addressKey(address) === key)
    const message = `${entry.address}/${entry.prefixLength} stays on interface ${entry.interfaceIndex}`
    return { address: entry.address, interface: home?.interface ?? '', code, message }
  }
}

function failureOf(floatingIp: FloatingIp, error: unknown): AddressFailure {
  return {
    address: floatingIp.address,
    interface: floatingIp.interface,
    code: errorCode(error),
    message: error instanceof Error ? error.message : String(error),
  }
}
