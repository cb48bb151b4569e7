/**
 * What do we know of each floating IP on the wire? Verified or not, and who else claimed it.
 *
 * That an address stands on our interface is only our own opinion. After each activation a ping node
 * is asked from the floating IP; that its answer comes back here shows that the LAN delivers it to
 * us (PROTOCOL leaves it to the announcement; this looks).
 */
import type { FloatingIp } from '../config/config.ts'
import type { FloatingIpSnapshot } from '../control/snapshot.ts'

/** First look and repeats until one is answered, in milliseconds after the activation. */
const LOOKS_MS: readonly number[] = [0, 150, 500, 1_500, 5_000]
/** Between the repeats after those. */
const LOOK_AGAIN_MS = 5_000
const LOOK_LIMIT_MS = 120
/** A quarrel is shown for this long after it was last seen. */
const CONFLICT_SHOWN_MS = 60_000

export interface AddressConflict {
  address: string
  mac: string
  kind: string
}

interface View {
  look: FloatingIpSnapshot['look']
  conflict: { mac: string; kind: string; atMs: number } | null
}

export class AddressView {
  readonly #floatingIps: readonly FloatingIp[]
  readonly #families: readonly (4 | 6)[]
  readonly #verify: (address: string, timeoutMs: number) => Promise<'verified' | 'unanswered'>
  readonly #now: () => number
  readonly #views = new Map<string, View>()
  /** Raised by every activation and its end, so that late answers of an earlier one do not count. */
  #activation = 0

  /**
   * @param families  of which there is a ping node to ask; the others are never looked at
   */
  constructor(
    floatingIps: readonly FloatingIp[],
    families: readonly (4 | 6)[],
    verify: (address: string, timeoutMs: number) => Promise<'verified' | 'unanswered'>,
    now: () => number,
  ) {
    this.#floatingIps = floatingIps
    this.#families = families
    this.#verify = verify
    this.#now = now
  }

  /** The floating IPs are served from now on, or no longer. */
  serving(on: boolean): void {
    this.#activation += 1
    for (const { address, family } of this.#floatingIps) {
      const looking = on && this.#families.includes(family)
      this.#view(address).look = looking ? 'pending' : 'none'
      if (looking) void this.#look(address, this.#activation)
    }
  }

  noteConflict({ address, mac, kind }: AddressConflict): void {
    this.#view(address).conflict = { mac, kind, atMs: this.#now() }
  }

  snapshot(): FloatingIpSnapshot[] {
    const now = this.#now()
    return this.#floatingIps.map((floatingIp) => {
      const { look, conflict } = this.#view(floatingIp.address)
      return {
        address: floatingIp.address,
        prefixLength: floatingIp.prefixLength,
        interface: floatingIp.interface,
        label: floatingIp.label,
        look,
        conflict: conflict !== null && now - conflict.atMs < CONFLICT_SHOWN_MS ? conflict : null,
      }
    })
  }

  #view(address: string): View {
    const known = this.#views.get(address)
    if (known !== undefined) return known
    const view: View = { look: 'none', conflict: null }
    this.#views.set(address, view)
    return view
  }

  async #look(address: string, activation: number): Promise<void> {
    const startedMs = this.#now()
    for (let index = 0, atMs = 0; ; index += 1) {
      atMs = LOOKS_MS[index] ?? atMs + LOOK_AGAIN_MS
      await new Promise((resolve) =>
        setTimeout(resolve, Math.max(0, startedMs + atMs - this.#now())),
      )
      if (activation !== this.#activation) return
      const verdict = await this.#verify(address, LOOK_LIMIT_MS)
      if (activation !== this.#activation) return
      if (verdict === 'verified') {
        this.#view(address).look = 'verified'
        return
      }
      // One unanswered look may be the switch still learning; the third is an alarm.
      if (index >= 2) this.#view(address).look = 'unanswered'
    }
  }
}
