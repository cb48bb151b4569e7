/**
 * What do the two nodes tell each other about their stores? Position, rate, and what a takeover lacks.
 *
 * Runs on the thread of the stores: makes what our heartbeats carry, once per look, and reads what the
 * peer's brought (`wire/store-words.ts`). What may be lost is reckoned by `loss-ledger.ts`.
 */
import type { LossSnapshot, PeerStoreSnapshot } from '../control/snapshot.ts'
import type { NodeName } from '../core/policy.ts'
import type { StorePosition } from '../resources/replicated-store.ts'
import { encodeStoreWords, historyToken, type StoreWord } from '../wire/store-words.ts'
import { LossLedger, type Taking } from './loss-ledger.ts'
import { PeerStores } from './peer-stores.ts'
import { RatePeak } from './rate-peak.ts'
import type { PeerMail } from './store-mail.ts'
import type { RejoinRecord } from './store-rejoin.ts'
import type { StoreView } from './store-watch.ts'

export interface StorePostOptions {
  node: NodeName
  stores: readonly { name: string; kind: 'redis' | 'mariadb'; semiSync: boolean }[]
  holdsMs: number
  now: () => number
  /** What our heartbeats carry from now on. */
  send: (section: Uint8Array, madeMs: number) => void
  lost: (loss: LossSnapshot) => void
  /** How long the peer's stores took to take writes; null when they were not told to. */
  peerPromoted: (durationMs: number | null) => void
}

type View = Readonly<StoreView>

export class StorePost {
  readonly #options: StorePostOptions
  readonly #peer = new PeerStores()
  readonly #ledger: LossLedger
  readonly #views = new Map<string, View>()
  readonly #rates: ReadonlyMap<string, RatePeak>
  /** Bytes of its log since a store stands alone; setting aside and linking may begin the log anew. */
  readonly #logs = new Map<string, number>()
  /** Frozen at these positions, which the peer has. */
  #handedOver: ReadonlyMap<string, StorePosition> = new Map()
  #serves = false
  #taking: Taking | null = null
  #promotedMs: number | null = null
  #peerPromotedMs: number | null = null
  #number = 0

  constructor(options: StorePostOptions) {
    this.#options = options
    const { node, stores, holdsMs, lost } = options
    this.#ledger = new LossLedger({ node, stores, holdsMs, peer: this.#peer, tell: lost })
    this.#rates = new Map(stores.map(({ name }) => [name, new RatePeak()]))
  }

  /** A look at one of our stores is done. */
  looked(view: View): void {
    const { store, report } = view
    this.#views.set(store.name, view)
    const rate = this.#rates.get(store.name)
    if (report?.role === 'writable') rate?.note(report.position, view.begunMs)
    else if (report !== null) rate?.pause()
    if (report?.role === 'writable') this.#logs.delete(store.name)
    else if (report?.following === false && report.logBytes !== null)
      this.#logs.set(store.name, this.#logs.get(store.name) ?? report.logBytes)
    this.#write()
  }

  /** The role was given: what is open from before is not, from here on. */
  taking(taking: Taking): void {
    this.#serves = true
    this.#taking = taking
    this.#handedOver = new Map()
    this.#logs.clear()
  }

  /** The stores take writes. */
  promoted(positions: ReadonlyMap<string, StorePosition>, durationMs: number): void {
    this.#promotedMs = durationMs
    if (this.#taking !== null) this.#ledger.tookOver(this.#taking, positions, this.#ownRates())
    this.#taking = null
    this.#write()
  }

  /** The role was taken. */
  demoting(): void {
    if (this.#serves) this.#ledger.stoppedServing(this.#options.now())
    this.#serves = false
    this.#taking = null
    this.#promotedMs = null
  }

  /** Nobody writes, and the peer has everything; or that is taken back. */
  frozen(positions: ReadonlyMap<string, StorePosition>): void {
    this.#handedOver = positions
    this.#write()
  }

  hear(mail: PeerMail): void {
    // What follows from it is told with the next look: an answer at once would be answered at once.
    const words = this.#peer.hear(mail)
    if (words === null) return
    for (const word of words.stores) this.#ledger.hear(word)
    if (words.promotedMs === this.#peerPromotedMs) return
    this.#peerPromotedMs = words.promotedMs
    this.#options.peerPromoted(words.promotedMs)
  }

  /** A store of ours follows the peer's again. */
  rejoined({ store, comparison }: RejoinRecord): void {
    const logBytes = this.#logs.get(store) ?? null
    this.#logs.delete(store)
    this.#ledger.compared(store, { ours: comparison.ours, logBytes })
    this.#write()
  }

  /** Open when the agent ended. */
  restore(losses: readonly LossSnapshot[]): void {
    this.#ledger.restore(losses)
    this.#write()
  }

  lossOf(store: string): LossSnapshot | null {
    return this.#ledger.of(store)
  }

  /**
   * The peer has applied all that it received, by a look that began after a moment.
   *
   * @param sinceMs  on our clock
   */
  peerApplied(store: string, sinceMs: number): boolean {
    const view = this.#peer.newest(store)
    return view !== null && view.told === view.word && view.lookedMs >= sinceMs && view.word.applied
  }

  peerOf(store: string): PeerStoreSnapshot | null {
    const view = this.#peer.newest(store)
    if (view === null) return null
    const { role, following } = view.word
    const ours = this.#views.get(store)?.report ?? null
    const theirs = view.told?.position ?? null
    return {
      role,
      following,
      offset: theirs?.offset ?? null,
      behind: theirs === null || ours === null ? null : behindOf({ ...ours }, { role, ...theirs }),
      lookedMs: view.lookedMs,
    }
  }

  #ownRates(): Map<string, number | null> {
    const nowMs = this.#options.now()
    return new Map([...this.#rates].map(([name, rate]) => [name, rate.peak(nowMs)]))
  }

  #write(): void {
    const { stores, now, send } = this.#options
    const madeMs = now()
    this.#number += 1
    const section = encodeStoreWords({
      number: this.#number,
      stores: stores.map(({ name }) => this.#wordOf(name, madeMs)),
      configured: stores.length,
      promotedMs: this.#promotedMs,
    })
    // Of a buffer of its own: what is posted to another thread is copied whole.
    send(new Uint8Array(section), madeMs)
  }

  #wordOf(name: string, nowMs: number): StoreWord {
    const view = this.#views.get(name)
    const report = view?.report ?? null
    const frozenAt = this.#handedOver.get(name)
    // One that was ended because it did not answer has no position.
    const handedOver = frozenAt !== undefined && frozenAt.history !== ''
    const offset = Math.max(report?.position.offset ?? 0, handedOver ? frozenAt.offset : 0)
    const history = report?.position.history ?? frozenAt?.history
    return {
      name,
      role: report?.role ?? null,
      following: report?.following ?? false,
      confirmsTogether: report?.confirmsTogether ?? false,
      handedOver,
      applied: report?.role === 'read-only' && report.applies && report.backlog === 0,
      position: history === undefined || history === '' ? null : { history, offset },
      lookedAgoMs: handedOver ? 0 : nowMs - (view?.begunMs ?? nowMs),
      rate: this.#rates.get(name)?.peak(nowMs) ?? null,
      logBytes: report?.logBytes ?? null,
      ...this.#ledger.wordsOf(name),
    }
  }
}

type Side = { role: 'writable' | 'read-only' | null }

/** Of the two, the one that takes no writes is behind the other. */
function behindOf(
  ours: Side & { position: StorePosition },
  theirs: Side & { history: string; offset: number },
): number | null {
  if (historyToken(ours.position.history) !== historyToken(theirs.history)) return null
  const ahead = theirs.offset - ours.position.offset
  if (ours.role === 'read-only' && theirs.role === 'writable') return Math.max(0, ahead)
  if (ours.role === 'writable' && theirs.role === 'read-only') return Math.max(0, -ahead)
  return null
}
