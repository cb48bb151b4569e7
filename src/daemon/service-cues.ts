/**
 * What do the services have to be told as this node's role goes on? Each cue once, when it changes.
 *
 * Pure: states come in, cues come out; `services.ts` sends them.
 */
import type { NodeName } from '../core/policy.ts'
import type { State } from '../core/state.ts'
import type { ToServices } from './service-message.ts'

export class ServiceCues {
  readonly #node: NodeName
  readonly #suspicionMs: number
  readonly #hasStores: boolean
  #storesReady: boolean
  #peerServes = false
  /** It was this node that served last, as far as it knows. */
  #servedLast = false
  #stood = ''
  #comes = false
  #serving: boolean | null = null

  /**
   * @param suspicionMs  a peer that was not heard for longer is silent (S)
   * @param storesReady  the stores take writes already
   */
  constructor(
    node: NodeName,
    options: { suspicionMs: number; hasStores: boolean; storesReady: boolean },
  ) {
    this.#node = node
    this.#suspicionMs = options.suspicionMs
    this.#hasStores = options.hasStores
    this.#storesReady = !options.hasStores || options.storesReady
  }

  /** The role is about to move to this node. */
  get comes(): boolean {
    return this.#comes
  }

  /** @param announced  an operator's move to this node is about to be asked for */
  after(state: Readonly<State>, announced: boolean): ToServices[] {
    const { role, armed, ask, peer, lastRunMs, lastHeardMs } = state
    const heard = lastRunMs - lastHeardMs <= this.#suspicionMs
    const serving = role === 'active' && armed
    const asked = ask === this.#node || peer?.ask === this.#node
    return [
      ...this.#peer(role === 'standby' && heard && peer?.role === 'active'),
      ...this.#standing(state, serving),
      ...this.#serve(serving),
      // Behind that it serves: nothing is ended between the two.
      ...this.#come(!serving && heard && (asked || announced)),
    ]
  }

  /** The stores take writes: services may be told that they are active. */
  storesReady(): ToServices[] {
    this.#storesReady = true
    return this.#role()
  }

  #peer(on: boolean): ToServices[] {
    if (on === this.#peerServes) return []
    this.#peerServes = on
    return [{ type: 'peer-serves', on }]
  }

  /** For the load-balancers; what becomes of it is decided in `core/drain.ts`. */
  #standing({ role, healthy, maintenance }: Readonly<State>, serving: boolean): ToServices[] {
    if (serving) this.#servedLast = true
    else if (this.#peerServes) this.#servedLast = false
    const released = this.#servedLast && maintenance && role !== 'active'
    const stood = `${healthy} ${released}`
    if (stood === this.#stood) return []
    this.#stood = stood
    return [{ type: 'stand', unfit: !healthy, released }]
  }

  #serve(on: boolean): ToServices[] {
    if (on === this.#serving) return []
    this.#serving = on
    if (!on) this.#storesReady = !this.#hasStores
    return [{ type: 'serve', on }, ...this.#role()]
  }

  #come(on: boolean): ToServices[] {
    if (on === this.#comes) return []
    this.#comes = on
    return [{ type: 'comes', on }]
  }

  #role(): ToServices[] {
    if (this.#serving === null) return []
    if (this.#serving === false) return [{ type: 'role', role: 'standby' }]
    return this.#storesReady ? [{ type: 'role', role: 'active' }] : []
  }
}
