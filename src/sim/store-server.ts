/**
 * What is a pretend database server? A log of writes, a copy of the peer's, and its own word on who waits.
 *
 * It outlives its agent and its machine: what is in the log is on disk, what was received and not applied
 * is fetched again after a restart. As MariaDB with semi-synchronous replication: a write is held until the
 * peer's copy has received it; one that waited longer than the server's time-out ends the waiting of all,
 * and the server goes on alone by itself until the copy has caught up. It decides nothing and knows no role.
 *
 * @source  how the real one behaves: resources/mariadb-semi-sync.ts, mariadb-wait.ts, mariadb-compare.ts
 */

/** By whom a write was confirmed: with the peer's copy, alone as ordered, or alone by itself. */
export type Confirmer = 'peer' | 'ordered' | 'itself'

/** `to-agent`: looks and orders hang, applications do not notice. `all`: nothing moves. */
export type Hang = 'no' | 'to-agent' | 'all'

/**
 * `receiver`: nothing arrives. `applier`: what arrives is kept and acknowledged, and not applied until a
 * promotion starts the applier again. `error`: the same, and it cannot be started again.
 */
export type Halt = 'no' | 'receiver' | 'applier' | 'error'

/** Applications write through a pool: more than so many never wait at the same time. */
const SESSIONS_MAX = 8
/** Linked, and nothing came for longer than this, is not following. */
const FOLLOWS_MAX_MS = 3_500
/** A connection of the copy is counted for so long after it went silent. */
const CLIENT_MAX_MS = 10_000
/** A part of the acknowledgements is on its way a little longer. */
const ACK_AT_ONCE_RATIO = 0.7

interface Waiting {
  id: number
  /** Its place in the log. */
  index: number
  sinceMs: number
}

/** What a look finds; null when the server does not answer. */
export interface ServerLook {
  writable: boolean
  /** Number of the newest write that was applied or written. */
  offset: number
  following: boolean
  /** What it receives is applied. */
  applies: boolean
  backlog: number
  /** Writes wait for the peer, and a peer is there. */
  semiSync: boolean
  waiting: number
  acknowledged: number
}

export interface ServerOptions {
  now: () => number
  /** How long a write waits for the peer at most. */
  timeoutMs: number
  /** A write is confirmed; whether the client still hears of it is not known here. */
  confirmed: (id: number, by: Confirmer, aloneSinceMs: number | null) => void
  /** Writes are given up because the server is linked to one that never saw them. */
  dropped: (ids: readonly number[]) => void
}

export class StoreServer {
  readonly #options: ServerOptions
  /** Identities of writes, oldest first; what was received and not applied is at the end. */
  readonly log: number[] = []
  applied = 0
  up = true
  hang: Hang = 'no'
  halt: Halt = 'no'
  /** Writes copied in one go at most. */
  pace = Number.POSITIVE_INFINITY
  writable = false
  /** Writes are held back, by a freeze. */
  held = false
  linked = false
  /** Does not go back to waiting before. */
  aloneUntilMs = 0
  #carriedMs = Number.NEGATIVE_INFINITY
  #copySeenMs = Number.NEGATIVE_INFINITY
  /** The histories do not fit: replication has stopped with an error. */
  #broken = false
  /** Counts what was taken off the log. */
  #revision = 0
  #comparedWith = -1
  #enabled = false
  #on = false
  #aloneSinceMs: number | null = null
  /** How much of our log the copy has acknowledged. */
  #acknowledged = 0
  #receivedBefore = 0
  readonly #waiting: Waiting[] = []

  constructor(options: ServerOptions) {
    this.#options = options
  }

  get answers(): boolean {
    return this.up && this.hang === 'no'
  }

  get waiting(): number {
    return this.#waiting.length
  }

  get following(): boolean {
    const fits = this.linked && !this.#broken && this.halt === 'no'
    return fits && this.#options.now() - this.#carriedMs <= FOLLOWS_MAX_MS
  }

  /** What a promotion keeps: all that was received, where it can be applied. */
  get kept(): readonly number[] {
    return this.#drains ? this.log : this.log.slice(0, this.applied)
  }

  get #drains(): boolean {
    return !this.#broken && this.halt !== 'error'
  }

  /** It went on alone by itself, and since when; null when it did not. */
  get aloneSinceMs(): number | null {
    return this.#aloneSinceMs
  }

  get takesWrites(): boolean {
    const open = this.up && this.hang !== 'all' && this.writable && !this.held
    return open && this.#waiting.length < SESSIONS_MAX
  }

  look(): ServerLook | null {
    if (!this.answers) return null
    const clients = this.#options.now() - this.#copySeenMs <= CLIENT_MAX_MS
    return {
      writable: this.writable,
      offset: this.applied,
      following: this.following && !this.writable,
      applies: !this.linked || this.halt === 'no' || this.halt === 'receiver',
      backlog: this.log.length - this.applied,
      semiSync: this.#enabled && this.#on && clients,
      waiting: this.#waiting.length,
      acknowledged: this.#acknowledged,
    }
  }

  write(id: number): void {
    const index = this.log.length
    this.log.push(id)
    this.applied = this.log.length
    if (!this.#enabled) this.#options.confirmed(id, 'ordered', null)
    else if (!this.#on) this.#options.confirmed(id, 'itself', this.#aloneSinceMs)
    else this.#waiting.push({ id, index, sinceMs: this.#options.now() })
  }

  /** Whoever waits is let go: the writes stay, and are confirmed. */
  orderAlone(): void {
    this.#enabled = false
    this.#on = false
    this.#aloneSinceMs = null
    this.#release('ordered', null)
  }

  orderTogether(): void {
    if (this.#enabled) return
    this.#enabled = true
    this.#on = true
    this.#aloneSinceMs = null
  }

  /** It does not wait any longer, whatever it was ordered. */
  goAlone(): void {
    if (!this.#enabled || !this.#on) return
    this.#on = false
    this.#aloneSinceMs = this.#options.now()
    this.#release('itself', this.#aloneSinceMs)
  }

  #release(by: Confirmer, aloneSinceMs: number | null): void {
    for (const { id } of this.#waiting.splice(0)) this.#options.confirmed(id, by, aloneSinceMs)
  }

  /** Applies what it received, and opens for writes. */
  promote(together: boolean): void {
    if (this.writable) return
    this.#stopFollowing(true)
    this.#acknowledged = 0
    if (together) this.orderTogether()
    this.writable = true
    this.held = false
  }

  /** The gate is shut by now: whoever waits learns of nothing any more. */
  demote(): void {
    this.writable = false
    this.held = false
    this.#enabled = false
    this.#on = false
    this.#aloneSinceMs = null
    this.#waiting.length = 0
    this.#stopFollowing(false)
  }

  /** The process or its machine is gone. */
  crash(): void {
    this.demote()
    this.up = false
    this.hang = 'no'
    this.#cut(this.applied)
  }

  /** With its disk. @returns what was on it */
  wipe(): readonly number[] {
    const gone = this.log.slice()
    this.crash()
    this.#cut(0)
    return gone
  }

  /** Gives up what the other never saw, and follows. */
  link(source: StoreServer): void {
    const common = commonLength(this.log, this.applied, source)
    this.#options.dropped(this.log.slice(common, this.applied))
    this.#cut(common)
    this.linked = true
    this.#broken = false
    this.#comparedWith = -1
    this.#receivedBefore = 0
    this.#carriedMs = this.#options.now()
  }

  /** What is received and not applied is drained first, or given up with the link. */
  #stopFollowing(drain: boolean): void {
    if (this.linked && drain && this.#drains) this.applied = this.log.length
    else if (this.applied < this.log.length) this.#cut(this.applied)
    this.linked = false
  }

  #cut(length: number): void {
    if (this.log.length > length) {
      this.log.length = length
      this.#revision += 1
    }
    this.applied = Math.min(this.applied, length)
  }

  /**
   * A moment in which the wires carry both ways: something is copied, applied and acknowledged.
   *
   * @param chance  whether something with this ratio happens
   */
  copyFrom(source: StoreServer, chance: (ratio: number) => boolean): void {
    if (!this.linked || !this.up || !source.up) return
    if (this.hang === 'all' || source.hang === 'all' || this.halt === 'receiver') return
    if (this.#comparedWith !== source.#revision) {
      this.#comparedWith = source.#revision
      const fits = commonLength(this.log, this.log.length, source) === this.log.length
      this.#broken = !fits
      if (fits) source.#acknowledged = this.log.length
    }
    if (this.#broken) return
    this.#carriedMs = this.#options.now()
    source.#copySeenMs = this.#carriedMs
    const received = Math.min(source.applied, this.log.length + this.pace)
    for (let at = this.log.length; at < received; at += 1) this.log.push(source.log[at] as number)
    if (this.halt === 'no') {
      const reach = chance(ACK_AT_ONCE_RATIO) ? this.log.length : this.#receivedBefore
      this.applied = Math.max(this.applied, Math.min(reach, this.applied + this.pace))
    }
    const told = chance(ACK_AT_ONCE_RATIO) ? this.log.length : this.#receivedBefore
    source.#acknowledged = Math.max(source.#acknowledged, told)
    this.#receivedBefore = this.log.length
  }

  /** Confirms what the copy has, gives up waiting, or waits again. */
  judgeWaiting(): void {
    const { now, timeoutMs, confirmed } = this.#options
    if (!this.#enabled || !this.up || this.hang === 'all') return
    if (this.#on) {
      for (;;) {
        const first = this.#waiting[0]
        if (first === undefined || first.index >= this.#acknowledged) break
        this.#waiting.shift()
        confirmed(first.id, 'peer', null)
      }
      const oldest = this.#waiting[0]
      if (oldest !== undefined && now() - oldest.sinceMs > timeoutMs) this.goAlone()
    } else if (this.#acknowledged >= this.log.length && now() >= this.aloneUntilMs) {
      this.#on = true
      this.#aloneSinceMs = null
    }
  }
}

/** How far the first writes of a log are those of the other server, as far as that one has applied. */
function commonLength(log: readonly number[], upTo: number, source: StoreServer): number {
  const longest = Math.min(upTo, source.applied)
  let common = 0
  while (common < longest && log[common] === source.log[common]) common += 1
  return common
}
