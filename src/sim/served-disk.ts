/**
 * Who served last, as far as the disk of a pretend node tells? It outlives the agent and the machine.
 *
 * @source  daemon/last-served.ts; words are written one after the other, and what is not there when the agent
 *          ends never comes there
 */
import type { ServedLast, SimNode } from './node.ts'
import type { Random } from './random.ts'
import type { Timeline } from './timeline.ts'

/** A disk that hangs lets go after this long at the latest. */
const HANG_MAX_MS = 2_000

export interface ServedDiskOptions {
  timeline: Timeline
  random: Random
  node: SimNode
  /** Does something later, unless the agent is gone by then. */
  later: (delayMs: number, act: () => void) => void
}

export class ServedDisk {
  readonly #options: ServedDiskOptions
  #word: { by: 'us' | 'peer'; term: number } | null = null
  /** When the newest word is there. */
  #dueMs = 0

  constructor(options: ServedDiskOptions) {
    this.#options = options
  }

  /** What a start finds. */
  read(): ServedLast {
    this.#dueMs = 0
    return { behind: this.#word?.by === 'peer', term: this.#word?.term ?? 0 }
  }

  lose(): void {
    this.#word = null
  }

  /** @param term  in which we serve; 0 for the peer */
  write(by: 'us' | 'peer', term: number): void {
    const { random, node, timeline, later } = this.#options
    const { diskHangs, diskMs } = node.manners
    this.#dueMs =
      Math.max(this.#dueMs, timeline.nowMs) + random.between(0, diskHangs ? HANG_MAX_MS : diskMs)
    later(this.leftMs, () => {
      this.#word = { by, term }
    })
  }

  /** How long until the newest word is there. */
  get leftMs(): number {
    return Math.max(0, this.#dueMs - this.#options.timeline.nowMs)
  }
}
