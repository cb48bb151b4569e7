/**
 * Who answers for the witness? The endpoints of one etcd, asked in turns of trust.
 *
 * A call goes to one endpoint and is over within its limit; when it fails, the next call goes to the next
 * endpoint. What a call without an answer did is not known, and nothing here guesses. All endpoints must be
 * one cluster: what another one says is refused, for two stores could give two leases.
 */
import { type ClientTls, HttpsJson } from '../system/https-json.ts'
import {
  READ_PATH,
  readAnswer,
  readRequest,
  SWAP_PATH,
  swapAnswer,
  swapRequest,
  type WitnessAnswer,
  type WitnessEntry,
  type WitnessReading,
} from '../wire/witness-record.ts'

/** Durations of answered calls that are remembered. */
const DURATIONS = 512

export interface EndpointReport {
  url: string
  /** Null: not asked yet. */
  answers: boolean | null
  /** Why it did not answer last; null when it did. */
  why: string | null
}

export interface WitnessStoreOptions {
  endpoints: readonly string[]
  /** As etcd has it. */
  key: string
  tls: ClientTls
  /** For one call. */
  limitMs: number
  now: () => number
}

interface Endpoint {
  client: HttpsJson
  report: EndpointReport
}

export class WitnessStore {
  readonly #options: WitnessStoreOptions
  readonly #endpoints: Endpoint[]
  readonly #durations: number[] = []
  #next = 0
  /** The cluster that answered first since the start of the agent. */
  #cluster: string | null = null

  constructor(options: WitnessStoreOptions) {
    this.#options = options
    this.#endpoints = options.endpoints.map((url) => ({
      client: new HttpsJson(url, options.tls),
      report: { url, answers: null, why: null },
    }))
  }

  get size(): number {
    return this.#endpoints.length
  }

  get reports(): EndpointReport[] {
    return this.#endpoints.map(({ report }) => ({ ...report }))
  }

  /** How long the newest answered calls took, ms, in no order. */
  get durations(): readonly number[] {
    return this.#durations
  }

  /** Other files: connections begin anew. */
  useTls(tls: ClientTls): void {
    for (const [index, endpoint] of this.#endpoints.entries()) {
      endpoint.client.close()
      endpoint.client = new HttpsJson(this.#options.endpoints[index] ?? '', tls)
    }
  }

  read(): Promise<WitnessAnswer> {
    return this.#call(this.#next, READ_PATH, readRequest(this.#options.key), readAnswer)
  }

  swap(seen: WitnessReading, entry: WitnessEntry): Promise<WitnessAnswer> {
    const request = swapRequest(this.#options.key, seen, entry)
    return this.#call(this.#next, SWAP_PATH, request, (answer) => swapAnswer(answer, entry))
  }

  /** Looks whether the endpoints that are not in use answer, before they are needed. */
  async lookAtOthers(): Promise<void> {
    const { key } = this.#options
    for (const index of this.#endpoints.keys()) {
      if (index === this.#next) continue
      await this.#call(index, READ_PATH, readRequest(key), readAnswer)
    }
  }

  close(): void {
    for (const { client } of this.#endpoints) client.close()
  }

  async #call(
    index: number,
    path: string,
    document: unknown,
    understand: (answer: unknown) => WitnessAnswer,
  ): Promise<WitnessAnswer> {
    const endpoint = this.#endpoints[index]
    if (endpoint === undefined) return { ok: false, why: 'no endpoint is configured' }
    const { now, limitMs } = this.#options
    const sentMs = now()
    const posted = await endpoint.client.post(path, document, limitMs)
    const found = posted.ok ? this.#ofOneCluster(understand(posted.answer)) : posted
    endpoint.report.answers = found.ok
    endpoint.report.why = found.ok ? null : found.why
    if (found.ok) {
      this.#durations.push(now() - sentMs)
      if (this.#durations.length > DURATIONS) this.#durations.shift()
      return found
    }
    if (index === this.#next) this.#next = (index + 1) % this.#endpoints.length
    return { ok: false, why: `${endpoint.report.url}: ${found.why}` }
  }

  #ofOneCluster(answer: WitnessAnswer): WitnessAnswer {
    if (!answer.ok) return answer
    this.#cluster ??= answer.cluster
    if (answer.cluster === this.#cluster) return answer
    return { ok: false, why: 'it belongs to another etcd than the one that answered before' }
  }
}
