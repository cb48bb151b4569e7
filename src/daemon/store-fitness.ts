/**
 * May this node serve, as far as its stores are concerned? Every reason why not, in words.
 *
 * Reasons come from several places (a sick server, a full disk) and go by themselves; the node is fit
 * while there is none. What follows from it is the core's.
 *
 * A server on a disk that is nearly full still works. That is a reason to hand over, and to refuse
 * being handed to, but none to let a platform go without: it counts only while the other node could serve or does.
 */
import type { ReplicatedStore } from '../resources/replicated-store.ts'
import type { StoreSpace } from './store-space.ts'

export class StoreFitness {
  readonly #tell: (whys: readonly string[]) => void
  readonly #whys = new Map<string, string>()
  readonly #full = new Map<string, string>()
  #alone = true

  /** @param tell  called when the reasons changed, with all of them */
  constructor(tell: (whys: readonly string[]) => void) {
    this.#tell = tell
  }

  /** @param why  a clause for people, without figures that change all the time; null: the reason is gone */
  set(key: string, why: string | null): void {
    if ((this.#whys.get(key) ?? null) === why) return
    if (why === null) this.#whys.delete(key)
    else this.#whys.set(key, why)
    this.#tell([...this.#whys.values()])
  }

  noteSick({ name }: ReplicatedStore, sick: boolean): void {
    this.set(`sick ${name}`, sick ? `store ${name} does not do its work` : null)
  }

  noteSpace({ name }: ReplicatedStore, { state, directory }: StoreSpace): void {
    if (state === 'critical') this.#full.set(name, `store ${name}: ${directory} is nearly full`)
    else this.#full.delete(name)
    this.#judgeSpace(name)
  }

  /** @param alone  neither this node serves nor the other */
  noteAlone(alone: boolean): void {
    this.#alone = alone
    for (const name of this.#full.keys()) this.#judgeSpace(name)
  }

  #judgeSpace(name: string): void {
    this.set(`space ${name}`, this.#alone ? null : (this.#full.get(name) ?? null))
  }
}
