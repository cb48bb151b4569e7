/**
 * What do the nodes tell each other of themselves, and what follows for operators?
 *
 * On the control thread, behind the heart's back: fingerprints of what both should have alike every half a
 * minute, the alarms that stand every few seconds. The heart only carries the datagrams.
 */
import type { PairConfig } from '../config/config.ts'
import { sharedFingerprints } from '../config/parts.ts'
import type { Raised } from '../control/alarm.ts'
import { DriftBook, differenceSentence } from '../control/drift.ts'
import type { Alarm } from '../control/notice.ts'
import { alarmKey } from '../control/notice-book.ts'
import type { StatusDocument } from '../control/schema.ts'
import type { StoreSnapshot } from '../control/snapshot.ts'
import { PeerFacts } from '../links/peer-facts.ts'
import { encodeFactList, type Fact, type FactPart, type FactTopic } from '../wire/fact-list.ts'
import type { PairKey } from '../wire/key.ts'
import { DriftFiles, factOf } from './drift-files.ts'

/** Between two walks through the files, and two lists of facts. */
const FACTS_MS = 30_000
const ALARMS_MS = 4_000
/** Of lists that came: three may be lost. */
const FACTS_AGE_MS = 4 * FACTS_MS
const ALARMS_AGE_MS = 4 * ALARMS_MS

const NO_FINGERPRINT = '0'.repeat(16)

export interface PeerPostOptions {
  config: PairConfig
  version: string
  boot: string
  keys: readonly PairKey[]
  /** Milliseconds that grow during a boot: numbers of lists come from it. */
  now: () => number
  send: (datagrams: readonly Uint8Array[]) => void
}

export class PeerPost {
  readonly #options: PeerPostOptions
  readonly #heard = new PeerFacts()
  readonly #files: DriftFiles
  readonly #book: DriftBook
  #keys: readonly PairKey[]
  #number = 0
  #stores: readonly StoreSnapshot[] = []
  #factsAtMs = -FACTS_MS
  #alarmsAtMs = -ALARMS_MS
  #ours: readonly Fact[] | null = null
  #walking = false

  constructor(options: PeerPostOptions) {
    this.#options = options
    this.#keys = options.keys
    this.#files = new DriftFiles(options.config)
    this.#book = new DriftBook(options.config)
  }

  useKeys(keys: readonly PairKey[]): void {
    if (keys.length > 0) this.#keys = keys
  }

  hear(part: FactPart): void {
    this.#heard.take(part, this.#options.now())
  }

  /** To be told every few seconds. */
  look({
    stores,
    standing,
    peerHeard,
  }: {
    stores: readonly StoreSnapshot[]
    standing: readonly Alarm[]
    peerHeard: boolean
  }): void {
    const nowMs = this.#options.now()
    this.#stores = stores
    if (nowMs - this.#alarmsAtMs >= ALARMS_MS) {
      this.#alarmsAtMs = nowMs
      this.#tell('alarms', standing.map(alarmFact))
    }
    if (nowMs - this.#factsAtMs >= FACTS_MS && !this.#walking) void this.#walk(nowMs)
    if (this.#ours === null) return
    const theirs = peerHeard
      ? (this.#heard.of('configuration', { nowMs, maxAgeMs: FACTS_AGE_MS })?.facts ?? null)
      : null
    this.#book.compare({ ours: this.#ours, theirs }, { nowMs, nowIso: new Date().toISOString() })
  }

  /** Keys of the alarms that the peer has; null when it did not tell lately. */
  get peerAlarms(): ReadonlySet<string> | null {
    const heard = this.#heard.of('alarms', { nowMs: this.#options.now(), maxAgeMs: ALARMS_AGE_MS })
    return heard === null ? null : new Set(heard.facts.map(({ name }) => name))
  }

  get drift(): StatusDocument['drift'] {
    return this.#book.part
  }

  /** In what the nodes differ, for people. */
  get sentences(): string[] {
    return this.#book.part.differences.map(differenceSentence)
  }

  get raised(): Raised[] {
    return this.#book.raised
  }

  async #walk(nowMs: number): Promise<void> {
    this.#walking = true
    this.#factsAtMs = nowMs
    const { config, version } = this.#options
    const parts = sharedFingerprints(config).map(({ part, fingerprint }) => ({
      ...{ kind: 'part' as const, name: part, fingerprint, neutral: fingerprint },
    }))
    const settings = this.#stores.flatMap(({ name, version: of, settings = new Map() }) =>
      [...(of === null ? [] : [['version', of] as const]), ...settings].map(([setting, value]) =>
        factOf('setting', `${name}: ${setting}`, value),
      ),
    )
    const files = await this.#files.look()
    this.#ours = [factOf('version', 'tandem', version), ...parts, ...settings, ...files]
    this.#walking = false
    this.#tell('configuration', this.#ours)
  }

  #tell(topic: FactTopic, facts: readonly Fact[]): void {
    const [key] = this.#keys
    if (key === undefined) return
    const { now, config, boot, send } = this.#options
    this.#number = Math.max(this.#number + 1, Math.floor(now()))
    const head = { node: config.node, boot, number: this.#number }
    send(encodeFactList(head, { topic, facts }, key))
  }
}

function alarmFact(alarm: Alarm): Fact {
  const name = alarmKey(alarm)
  return { kind: 'alarm', name, fingerprint: NO_FINGERPRINT, neutral: NO_FINGERPRINT }
}
