/**
 * How does the page hear of news? Server-sent events read from a fetch, since an EventSource cannot carry a
 * token; whatever ends it, it is begun again.
 *
 * Source: the event stream format of the HTML standard, section 9.2.6. Only what our agent sends is read: `event`,
 * `id`, `data`, and comments that say "still here".
 */

export interface StreamEvent {
  event: string
  data: string
}

/** Bytes of a stream come in pieces that end anywhere; whole events come out. */
export class EventParser {
  #rest = ''
  #event = ''
  #data: string[] = []
  /** Of the last event that had one, to go on from. */
  lastId = ''

  push(piece: string): StreamEvent[] {
    const lines = (this.#rest + piece).split(/\r\n|\n|\r(?!$)/)
    this.#rest = lines.pop() ?? ''
    return lines.flatMap((line) => this.#line(line))
  }

  #line(line: string): StreamEvent[] {
    if (line === '') {
      const event = {
        event: this.#event === '' ? 'message' : this.#event,
        data: this.#data.join('\n'),
      }
      const whole = this.#data.length > 0
      this.#event = ''
      this.#data = []
      return whole ? [event] : []
    }
    const [, field = '', value = ''] = /^([^:]*)(?:: ?(.*))?$/.exec(line) ?? []
    if (field === 'event') this.#event = value
    if (field === 'data') this.#data.push(value)
    if (field === 'id') this.lastId = value
    return []
  }
}

export interface StreamTold {
  /** Something came, be it only a sign of life. */
  heard(): void
  event(event: StreamEvent): void
  /** The token is not taken. */
  refused(): void
}

const WAIT_FIRST_MS = 500
const WAIT_MAX_MS = 8_000
/** The agent says something every few seconds; a stream that says nothing for so long is dead. */
export const SILENCE_MAX_MS = 12_000

/** Follows the stream until `signal` ends it. */
export async function follow(
  ask: (signal: AbortSignal, headers: Record<string, string>) => Promise<Response>,
  told: StreamTold,
  signal: AbortSignal,
  wait: (ms: number) => Promise<void> = pause,
): Promise<void> {
  let waitMs = WAIT_FIRST_MS
  const parser = { lastId: '' }
  while (!signal.aborted) {
    const began = performance.now()
    try {
      const go = await once(ask, told, parser, signal)
      if (!go) return
    } catch {
      // A network that fails and a stream that ends are the same here: the page says since when.
    }
    // One that lived is tried again at once.
    waitMs =
      performance.now() - began > WAIT_MAX_MS ? WAIT_FIRST_MS : Math.min(WAIT_MAX_MS, waitMs * 2)
    // Not all pages of a wall at the same moment.
    const jitter = 0.75 + Math.random() / 2
    await wait(waitMs * jitter)
  }
}

function pause(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms))
}

async function once(
  ask: (signal: AbortSignal, headers: Record<string, string>) => Promise<Response>,
  told: StreamTold,
  known: { lastId: string },
  signal: AbortSignal,
): Promise<boolean> {
  const silent = new AbortController()
  let timer = setTimeout(() => silent.abort(), SILENCE_MAX_MS)
  try {
    const headers: Record<string, string> = { accept: 'text/event-stream' }
    if (known.lastId !== '') headers['last-event-id'] = known.lastId
    const response = await ask(AbortSignal.any([signal, silent.signal]), headers)
    if (response.status === 401) {
      told.refused()
      return false
    }
    if (!response.ok || response.body === null) return true
    const parser = new EventParser()
    const decoder = new TextDecoder()
    const reader = response.body.getReader()
    for (;;) {
      const { done, value } = await reader.read()
      if (done) return true
      clearTimeout(timer)
      timer = setTimeout(() => silent.abort(), SILENCE_MAX_MS)
      told.heard()
      for (const event of parser.push(decoder.decode(value, { stream: true }))) told.event(event)
      if (parser.lastId !== '') known.lastId = parser.lastId
    }
  } finally {
    clearTimeout(timer)
  }
}
