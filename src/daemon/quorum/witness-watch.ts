/**
 * The witness of the quorum's thread: its files, its store and its keeper, put together.
 */
import type { WitnessConfig } from '../../config/quorum.ts'
import { readWitnessFiles, type WitnessTls } from '../../config/witness-files.ts'
import type { WitnessSnapshot } from '../../control/quorum-snapshot.ts'
import type { NodeName, Timing } from '../../core/policy.ts'
import { WitnessStore } from '../../links/witness-store.ts'
import { fileStamp } from '../../system/file.ts'
import { recordKey } from '../../wire/witness-record.ts'
import type { Happening } from '../loop.ts'
import type { Severity } from '../message.ts'
import { callLimitMs, WitnessKeeper } from './witness-keeper.ts'
import { WitnessLedger } from './witness-ledger.ts'

export interface WitnessWatchOptions {
  node: NodeName
  boot: string
  timing: Timing
  witness: WitnessConfig
  now: () => number
  take: (happening: Happening) => void
  log: (severity: Severity, text: string) => void
}

const FILES_MS = 5_000
const NO_TLS: WitnessTls = { ca: '', certificate: '', key: '' }

export class WitnessWatch {
  readonly #options: WitnessWatchOptions
  readonly #store: WitnessStore
  readonly #keeper: WitnessKeeper
  #stamp = ''
  #filesTrouble: string | null = null

  constructor(options: WitnessWatchOptions) {
    this.#options = options
    const { witness, timing, now, node, boot, take, log } = options
    this.#store = new WitnessStore({
      endpoints: witness.endpoints,
      key: recordKey(witness.record),
      tls: NO_TLS,
      limitMs: callLimitMs(timing),
      now,
    })
    const ledger = new WitnessLedger({ ...timing, node, boot })
    this.#keeper = new WitnessKeeper({ ledger, store: this.#store, timing, now, take, log })
  }

  get snapshot(): WitnessSnapshot {
    const { snapshot } = this.#keeper
    const trouble = snapshot.trouble ?? this.#filesTrouble
    return { record: this.#options.witness.record, ...snapshot, trouble }
  }

  async start(): Promise<void> {
    await this.#readFiles()
    setInterval(() => this.#keeper.beat(), this.#options.timing.heartbeatMs)
    setInterval(() => void this.#readFiles(), FILES_MS)
  }

  ask(attempt: number): void {
    this.#keeper.ask(attempt)
  }

  close(): void {
    this.#store.close()
  }

  /** When one of them changed. What is in use stays in use when they cannot be used. */
  async #readFiles(): Promise<void> {
    const { witness, log } = this.#options
    const files = [witness.caFile, witness.certificateFile, witness.keyFile]
    const stamp = (await Promise.all(files.map(fileStamp))).join('\n')
    if (stamp === this.#stamp) return
    this.#stamp = stamp
    const { tls, mistakes } = await readWitnessFiles(witness, Date.now())
    const wrong = mistakes.find(({ severity }) => severity === 'error')
    this.#filesTrouble = wrong === undefined ? null : `${wrong.file} ${wrong.why}`
    if (this.#filesTrouble !== null) log('error', this.#filesTrouble)
    if (tls !== null) this.#store.useTls(tls)
  }
}
