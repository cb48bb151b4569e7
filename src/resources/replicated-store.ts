/**
 * What may the manager ask of a store that both nodes keep a copy of?
 *
 * One contract, kept by `redis.ts` and `mariadb.ts`. Every call has a limit on our own clock and comes
 * back with a value when it is over: a hung server is an answer here, never a hang. Nothing decides in
 * here who is active; whoever calls holds the right to (`daemon`).
 *
 * The life of a store on one node:
 *
 *     boot, demote          rejoin                    promote
 *     read-only, alone ---> read-only, following ---> writable, alone
 *          ^                                               |
 *          +----------------- demote ----------------------+
 *
 * "Alone" is not linked to anybody. A store is linked only after its history was compared with that of
 * the peer's and what the peer never saw was set aside, because linking discards it.
 */

/** How far the data of a store reaches. Offsets are compared within one history only. */
export interface StorePosition {
  /** Redis: replication id, 40 hexadecimal digits. MariaDB: the GTID domain. */
  history: string
  /** Redis: bytes of the replication stream. MariaDB: sequence number of the newest transaction. */
  offset: number
}

/** Why a call did not do what it should. */
export type StoreFaultCode =
  /** Nobody listens, or the connection broke. */
  | 'HA_STORE_UNREACHABLE'
  /** No answer within the limit: frozen, hung or busy. What was asked may still happen. */
  | 'HA_STORE_TIMEOUT'
  /** Wrong password, or a privilege is missing. */
  | 'HA_STORE_FORBIDDEN'
  /** It answered that it will not or cannot; nothing was changed. */
  | 'HA_STORE_REFUSED'

export interface StoreFault {
  code: StoreFaultCode
  /** What was tried, on what, for how long, what came back. No secrets. */
  message: string
}

export type StoreResult<Value> =
  | { ok: true; value: Value; durationMs: number }
  | { ok: false; fault: StoreFault; durationMs: number }

export type StoreRole = 'writable' | 'read-only'

/** What one look at a store found. */
export interface StoreReport {
  role: StoreRole
  position: StorePosition
  /** Following the peer: linked, and what it sends comes in. Never said of a link alone. */
  following: boolean
  /** False when it receives what it does not apply: that may be acknowledged, and is not to be relied on. */
  applies: boolean
  /** Received and not yet applied, in units of the offset; null when nothing is received. */
  backlog: number | null
  /**
   * Bytes of its own log of changes, where that grows as the offset does: after a crash, which makes it
   * forget the offset, this tells how far it was. Null where there is no such log.
   */
  logBytes: number | null
  /** A write is confirmed only when the peer has it, and that is so right now. */
  confirmsTogether: boolean
  /** What an operator should know before a switchover, each one sentence with its mend. */
  hazards: readonly string[]
  /** As the server tells it, `7.0.15`. */
  version: string
}

/** What comparing our history with the peer's found. */
export interface StoreComparison {
  /**
   * `same`: the peer has everything of ours. `ahead`: we hold what the peer never saw, exactly
   * `ours`. `unknown`: cannot be told, to be treated as ahead.
   */
  verdict: 'same' | 'ahead' | 'unknown'
  /** What only we hold, in units of the offset; null when unknown. */
  ours: number | null
  /** One sentence for people. */
  sentence: string
}

/** What was set aside before it would have been discarded. */
export interface StoreArchive {
  /** Every file written, for the operator. */
  paths: readonly string[]
  /** Transactions or bytes in it that the peer lacks; null when unknown. */
  count: number | null
  sentence: string
}

/** How a returning store came to follow the peer. */
export type RejoinWay =
  /** From where it was. */
  | 'resumed'
  /** Its own tail was undone first. */
  | 'undone'
  /** Everything was copied anew. */
  | 'copied'

/** What a full copy needs of whoever asks for it. */
export interface CopyRequest {
  /** Archives go below it. */
  directory: string
  /**
   * Carries out what changes our store, alone on it; null when the role changed meanwhile, and then
   * nothing was changed.
   */
  whenStill: <Value>(work: () => Promise<Value>) => Promise<Value | null>
  /** How far it is, a clause for an operator. */
  tell: (progress: string) => void
}

/** A store of this node, and its counterpart on the peer as far as calls need it. */
export interface ReplicatedStore {
  /** As configured, unique on the node: `redis`, `redis-calls`, `mariadb`. */
  readonly name: string
  readonly kind: 'redis' | 'mariadb'
  /** A freeze does not wait for what applications have under way. */
  readonly freezesAtOnce: boolean

  /** Looks; changes nothing. */
  monitor(limitMs: number): Promise<StoreResult<StoreReport>>

  /**
   * Stops writes of everybody. When it returns, what was being written is written or waits, and the
   * position stands still.
   *
   * @param holdMs  after this the store may let writes go on by itself, should we die meanwhile
   */
  freeze(limitMs: number, holdMs: number): Promise<StoreResult<StorePosition>>

  /** Takes a freeze back. Also right when there was none. */
  unfreeze(limitMs: number): Promise<StoreResult<void>>

  /**
   * Waits until the peer's store has everything up to a position of ours. Refused when we froze and that
   * does not hold any more.
   */
  peerReached(position: StorePosition, limitMs: number): Promise<StoreResult<void>>

  /** Everything that was received is applied; to be done before a promotion without the peer. */
  drain(limitMs: number): Promise<StoreResult<StorePosition>>

  /** Writable, alone. Idempotent. */
  promote(limitMs: number): Promise<StoreResult<void>>

  /**
   * Read-only, alone. Idempotent. Whoever still writes is cut off; where that is not enough the result
   * says so and `kill` is what is left.
   */
  demote(limitMs: number): Promise<StoreResult<void>>

  /** Cuts off the connections of applications, so that they come again to the new active. */
  dropClients(limitMs: number): Promise<StoreResult<number>>

  /**
   * Writes something of our own, where `writable`; else reads. What no connection test shows: that
   * the store does its work.
   */
  probe(role: StoreRole, limitMs: number): Promise<StoreResult<void>>

  /**
   * Whether a write waits for the peer (`alone: false`) or is confirmed at once. For a store that is not
   * writable yet it takes force with the promotion.
   */
  confirm(alone: boolean, limitMs: number): Promise<StoreResult<void>>

  /** Compares our history with that of the peer's store, which is active. Changes nothing. */
  compare(limitMs: number): Promise<StoreResult<StoreComparison>>

  /** Writes what only we hold to files below `directory`. Nothing may be linked unless this worked. */
  archive(directory: string, limitMs: number): Promise<StoreResult<StoreArchive>>

  /**
   * Read-only and following the peer's active store.
   *
   * @param comparison  of a moment ago; what it calls ours is gone afterwards
   */
  rejoin(comparison: StoreComparison, limitMs: number): Promise<StoreResult<RejoinWay>>

  /**
   * Sets everything of ours aside, replaces it by a copy of what the peer's active store holds, and
   * follows that. For what `rejoin` cannot, and where rows differ although histories do not.
   */
  copy(request: CopyRequest, limitMs: number): Promise<StoreResult<StoreArchive>>

  /** Each setting that should be otherwise, with the reason and the mend. Changes nothing. */
  inspect(limitMs: number): Promise<StoreResult<readonly StoreFinding[]>>

  /** Ends the server process at once. The last resort for what does not answer. */
  kill(): Promise<StoreResult<void>>

  /** Directories of this machine that must not get full: data, logs. None when it cannot be told. */
  directories(limitMs: number): Promise<StoreResult<readonly string[]>>

  /** What both nodes should have set alike, by name. No secrets. */
  settings(limitMs: number): Promise<StoreResult<ReadonlyMap<string, string>>>

  /** Closes our connections. */
  close(): void
}

/** One setting of a store that is missing or wrong. */
export interface StoreFinding {
  severity: 'error' | 'warning'
  /** Name of the setting, privilege or account. */
  setting: string
  /** As found; null when it is secret or absent. */
  found: string | null
  wanted: string
  why: string
  /** What to type or write, and where. */
  mend: string
}
