/**
 * Are the floating IPs on this node's interfaces? Puts them on, keeps them there, takes them off, and
 * tells the heart what the kernel really has.
 *
 * They count as there when each of their interfaces carries at least one: then an occupation can be seen
 * on every segment, and one address that cannot be had (IPv6 switched off, a name taken) does not keep
 * the node from serving the others. An interface that carries none would hide the occupation there.
 * When to keep them is `address-keeping.ts`; which thread this runs on is `hands-thread.ts`.
 */
import type { FloatingIp } from '../config/config.ts'
import { Complaints } from '../links/complaint.ts'
import type { AddressFailure, FloatingIps } from '../resources/floating-ip.ts'
import type { AddressKeeping } from './address-keeping.ts'
import type { SharedMemory } from './shared-memory.ts'

/** Between two looks for floating IPs that nobody wants here. */
const STRAY_LOOK_MS = 1_000

export interface AddressHandsOptions {
  floatingIps: readonly FloatingIp[]
  addresses: Pick<FloatingIps, 'add' | 'present' | 'refresh' | 'remove'>
  keeping: AddressKeeping
  memory: Pick<SharedMemory, 'read' | 'write'>
  /** Lifetime given at each renewal. */
  validSeconds: number
  now: () => number
  trouble: (text: string) => void
}

export class AddressHands {
  readonly #options: AddressHandsOptions
  readonly #complaints: Complaints
  #strayLookMs = Number.NEGATIVE_INFINITY

  constructor(options: AddressHandsOptions) {
    this.#options = options
    this.#complaints = new Complaints(options.trouble)
  }

  add(): void {
    const { addresses, keeping, validSeconds, now } = this.#options
    this.#tell(addresses.add(validSeconds))
    keeping.noteAdded(now())
  }

  remove(): void {
    const { addresses, keeping, memory } = this.#options
    keeping.noteRemoved()
    memory.write('addressesPresent', 0)
    this.#complain(addresses.remove())
  }

  /** Renews the lifetime as long as the heart beats and wants it. */
  refresh(): void {
    const { addresses, keeping, memory, validSeconds, now } = this.#options
    const wanted = memory.read('addressesWanted') === 1
    if (keeping.look(now(), memory.read('heartBeat'), wanted)) {
      this.#tell(addresses.refresh(validSeconds))
    } else {
      // Nobody renews them: in at most their lifetime they are gone.
      memory.write('addressesPresent', 0)
      if (!wanted) this.#removeStrays()
    }
  }

  /** Somebody's hand put one on a node that must not have it: the gate alone would hold it back. */
  #removeStrays(): void {
    const { addresses, memory, now, trouble } = this.#options
    if (now() < this.#strayLookMs) return
    this.#strayLookMs = now() + STRAY_LOOK_MS
    let strays: readonly string[]
    try {
      strays = addresses.present()
    } catch {
      return
    }
    if (strays.length === 0 || memory.read('addressesWanted') === 1) return
    trouble(`${strays.join(', ')}: was on an interface of a node that does not serve; taken off`)
    this.#complain(addresses.remove())
  }

  #tell(failures: readonly AddressFailure[]): void {
    const there = failures.length === 0 || this.#onEveryInterface()
    this.#options.memory.write('addressesPresent', there ? 1 : 0)
    this.#complain(failures)
  }

  /** Asked of the kernel, since some failures leave an address where it is. */
  #onEveryInterface(): boolean {
    const { floatingIps, addresses } = this.#options
    let standing: readonly string[]
    try {
      standing = addresses.present()
    } catch {
      // Unknown is not there.
      return false
    }
    return floatingIps.every(({ interface: name }) =>
      floatingIps.some((other) => other.interface === name && standing.includes(other.address)),
    )
  }

  /** The heart asks again at every tick; the log gets each kind of failure now and then. */
  #complain(failures: readonly AddressFailure[]): void {
    for (const { address, code, message } of failures) {
      this.#complaints.raise(
        `${address} ${code}`,
        this.#options.now(),
        () => `floating IP ${address}: ${message} (${code})`,
      )
    }
  }
}
