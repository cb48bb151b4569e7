/**
 * Does a MariaDB server confirm a write only when the peer has it, and how is it told to?
 *
 * Only the active waits: on a standby the applier would wait for the peer to confirm what came from
 * there. So an order given to a server that is read-only takes force with its promotion, before the first
 * application may write. The server gives up waiting by itself after its own time-out and goes on alone;
 * it waits again when the peer has caught up. That word of the server, not what it was told, is what
 * counts.
 *
 * @source  measured: a hung standby is noticed by the server after its time-out and by nothing else
 */
import type { Asks } from './mariadb-door.ts'
import type { Limit } from './store-result.ts'

/** What the server says of it. */
export interface SemiSyncStatus {
  /** Writes wait for the peer, and a peer is there. */
  on: boolean
  /** Transactions that the peer has acknowledged, ever. */
  acknowledged: number
  /** Sessions that wait for the peer at this moment. */
  waiting: number
}

/**
 * Somebody waits and nothing was acknowledged for this long: the peer does not confirm. Longer than a
 * write to a busy disk takes, and seen from one look to another, so 0.75 s may pass.
 */
const SILENT_MS = 500

const OFF = 'SET GLOBAL rpl_semi_sync_master_enabled=0'

export class SemiSync {
  readonly #act: Asks
  readonly #timeoutMs: number
  #wanted: 'together' | 'alone' = 'alone'
  /** The orders to the server, one after the other. */
  #tail: Promise<unknown> = Promise.resolve()
  /** Since when nothing was acknowledged although somebody waits. */
  #stuck: { acknowledged: number; sinceMs: number } | null = null
  #onBefore = false

  /** @param timeoutMs  how long the server holds a write back at most before it goes on alone */
  constructor(act: Asks, timeoutMs: number) {
    this.#act = act
    this.#timeoutMs = Math.max(1, Math.round(timeoutMs))
  }

  /** Whether writes are to wait for the peer, from now on or from the promotion on. */
  order(alone: boolean, limit: Limit): Promise<void> {
    this.#wanted = alone ? 'alone' : 'together'
    // Two looks in a row prove it anew.
    if (alone) this.#onBefore = false
    return this.#inTurn(async () => {
      if (this.#wanted === 'alone') {
        await this.#act.ask(OFF, limit)
        return
      }
      const { rows } = await this.#act.ask('SELECT @@global.read_only AS ro', limit)
      if (rows[0]?.['ro'] === '0') await this.#enable(limit)
    })
  }

  /** Opens a drained server for writes, which wait for the peer from the first one if they are to. */
  promote(limit: Limit): Promise<void> {
    return this.#inTurn(async () => {
      if (this.#wanted === 'together') await this.#enable(limit)
      await this.#act.ask('SET GLOBAL read_only=0', limit)
    })
  }

  /**
   * Judges a look.
   *
   * @param nowMs  monotonic
   * @returns whether every write since the look before was confirmed by the peer first
   */
  judge(status: SemiSyncStatus, nowMs: number): boolean {
    const before = this.#onBefore
    this.#onBefore = status.on
    if (!status.on || status.waiting === 0) this.#stuck = null
    else if (this.#stuck?.acknowledged !== status.acknowledged) {
      this.#stuck = { acknowledged: status.acknowledged, sinceMs: nowMs }
    }
    if (!status.on || !before) return false
    return this.#stuck === null || nowMs - this.#stuck.sinceMs < SILENT_MS
  }

  async #enable(limit: Limit): Promise<void> {
    await this.#act.ask(`SET GLOBAL rpl_semi_sync_master_timeout=${this.#timeoutMs}`, limit)
    await this.#act.ask('SET GLOBAL rpl_semi_sync_master_enabled=1', limit)
  }

  #inTurn(work: () => Promise<void>): Promise<void> {
    const mine = this.#tail.then(work)
    this.#tail = mine.catch(() => undefined)
    return mine
  }
}
