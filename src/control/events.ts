/**
 * Who is told what happens, as it happens? Streams of events (server-sent events, HTML standard).
 *
 * Bounded everywhere: so many streams, so many events remembered, so many bytes waiting for one who does
 * not read. A stream that comes back with the last id it saw is told what it missed, or that it missed
 * something. While nobody listens nothing is asked of the heart.
 */
import type { AgentEvent } from './event-schema.ts'
import type { StatusDocument } from './schema.ts'

const REMEMBERED_MAX = 256
export const STREAMS_MAX = 16
const LOOK_MS = 1_000
/** A status for its figures; it keeps the connection alive as well. */
const FIGURES_MS = 5_000
/** What a browser waits before it comes again. */
const RETRY_MS = 2_000

/** Figures that move although nothing happens. */
const MOVING = new Set([
  ...['timeIso', 'sinceMsAgo', 'leaseLeftMs', 'grantLeftMs', 'lastHeardMsAgo', 'lossRatio'],
  ...['roundTripMs', 'lastAnnouncedMsAgo', 'commands', 'offset', 'backlog', 'behind', 'freeBytes'],
  ...['fullInMs', 'lookedMsAgo', 'runsMs', 'fedMsAgo', 'self'],
])

/** Where a stream goes. Nothing is written after the end. */
export interface EventSink {
  write(text: string): void
}

export interface EventBoardOptions {
  /** Of this start of the agent: ids of an earlier one are not ours. */
  boot: string
  /** Rejects when the heart is silent. */
  status(): Promise<StatusDocument>
}

export class EventBoard {
  readonly #options: EventBoardOptions
  readonly #sinks = new Set<EventSink>()
  readonly #remembered: { number: number; text: string }[] = []
  #number = 0
  #timer: NodeJS.Timeout | null = null
  #told = { key: '', atMs: 0 }

  constructor(options: EventBoardOptions) {
    this.#options = options
  }

  emit({ type, document }: AgentEvent): void {
    this.#number += 1
    const number = this.#number
    const text = message(type, document, `${this.#options.boot}-${number}`)
    this.#remembered.push({ number, text })
    if (this.#remembered.length > REMEMBERED_MAX) this.#remembered.shift()
    for (const sink of this.#sinks) sink.write(text)
  }

  /**
   * Begins a stream.
   *
   * @param lastId  of the last event that was seen before; null for one who comes new
   * @returns ends it; null when there are too many
   */
  open(sink: EventSink, lastId: string | null): (() => void) | null {
    if (this.#sinks.size >= STREAMS_MAX) return null
    sink.write(`retry: ${RETRY_MS}\n\n`)
    if (lastId !== null) sink.write(this.#missed(lastId))
    this.#sinks.add(sink)
    void this.#options.status().then(
      (status) => this.#sinks.has(sink) && sink.write(message('status', status)),
      () => {},
    )
    this.#timer ??= setInterval(() => void this.#look(), LOOK_MS)
    return () => {
      this.#sinks.delete(sink)
      if (this.#sinks.size > 0 || this.#timer === null) return
      clearInterval(this.#timer)
      this.#timer = null
    }
  }

  get streams(): number {
    return this.#sinks.size
  }

  #missed(lastId: string): string {
    const [, boot = '', digits = ''] = /^([^-]*)-(\d{1,15})$/.exec(lastId) ?? []
    const number = Number(digits)
    const [oldest] = this.#remembered
    const known =
      boot === this.#options.boot &&
      number <= this.#number &&
      number >= (oldest?.number ?? this.#number + 1) - 1
    if (!known) return message('gap', { after: lastId.slice(0, 100) })
    return this.#remembered.flatMap((event) => (event.number > number ? event.text : [])).join('')
  }

  async #look(): Promise<void> {
    const status = await this.#options.status().catch(() => null)
    // A silent heart: whoever listens learns that we are still there.
    if (status === null) return this.#tell(': the heart does not answer\n\n')
    const key = keyOf(status)
    const nowMs = performance.now()
    if (key === this.#told.key && nowMs - this.#told.atMs < FIGURES_MS - LOOK_MS / 2) return
    this.#told = { key, atMs: nowMs }
    this.#tell(message('status', status))
  }

  #tell(text: string): void {
    for (const sink of this.#sinks) sink.write(text)
  }
}

/** The same for two documents that differ in moving figures only. */
export function keyOf(status: StatusDocument): string {
  return JSON.stringify(status, (name, value: unknown) => (MOVING.has(name) ? undefined : value))
}

/** One event as it goes over the wire; JSON has no line breaks. */
function message(type: string, document: object, id?: string): string {
  const identified = id === undefined ? '' : `id: ${id}\n`
  return `${identified}event: ${type}\ndata: ${JSON.stringify(document)}\n\n`
}
