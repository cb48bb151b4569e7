/**
 * How is one server asked again and again, JSON over HTTPS?
 *
 * With Node's own client over one connection that is kept. What has not been answered within the limit is given up
 * together with its connection. Connecting has a longer limit of its own and happens beside: a handshake that takes
 * longer than a call may would otherwise be begun anew for ever, and cost both sides more than all calls. Servers are named
 * by address: looking up a name could hang in the system's resolver, on a thread that others need.
 */
import { Agent, request as httpsRequest } from 'node:https'

const ANSWER_MAX_BYTES = 64 * 1024
const CONNECT_MS = 3_000

/** PEM, all of them. */
export interface ClientTls {
  ca: string
  certificate: string
  key: string
}

export type JsonAnswer = { ok: true; answer: unknown } | { ok: false; why: string }

export class HttpsJson {
  readonly #origin: string
  readonly #tls: ClientTls
  readonly #agent: Agent
  #state: 'apart' | 'connecting' | 'connected' = 'apart'
  /** Why the last call or the last try to connect failed. */
  #why = 'not connected yet'

  /** @param origin  `https://ADDRESS:PORT` */
  constructor(origin: string, tls: ClientTls) {
    this.#origin = origin
    this.#tls = tls
    this.#agent = new Agent({ keepAlive: true, maxSockets: 2, noDelay: true })
    void this.#connect()
  }

  /** Posts a document; only 200 is done. Fails at once while there is no connection. Never rejects. */
  async post(path: string, document: unknown, limitMs: number): Promise<JsonAnswer> {
    if (this.#state !== 'connected') {
      void this.#connect()
      return { ok: false, why: this.#why }
    }
    const answer = await this.#ask('POST', path, document, limitMs)
    if (answer.ok || answer.answered) return answer
    this.#state = 'apart'
    this.#why = answer.why
    void this.#connect()
    return answer
  }

  /** Any answer will do. */
  async #connect(): Promise<void> {
    if (this.#state !== 'apart') return
    this.#state = 'connecting'
    const answer = await this.#ask('GET', '/version', null, CONNECT_MS)
    const there = answer.ok || answer.answered
    this.#state = there ? 'connected' : 'apart'
    if (!answer.ok && !there) this.#why = answer.why
  }

  #ask(
    method: 'GET' | 'POST',
    path: string,
    document: unknown,
    limitMs: number,
  ): Promise<{ ok: true; answer: unknown } | { ok: false; why: string; answered: boolean }> {
    const bytes = document === null ? Buffer.alloc(0) : Buffer.from(JSON.stringify(document))
    const { ca, certificate, key } = this.#tls
    return new Promise((resolve) => {
      let end: (result: Parameters<typeof resolve>[0]) => void = () => {}
      const request = httpsRequest(
        `${this.#origin}${path}`,
        {
          method,
          agent: this.#agent,
          ...{ ca, cert: certificate, key, minVersion: 'TLSv1.2' as const },
          headers: { 'content-type': 'application/json', 'content-length': bytes.length },
        },
        (response) => {
          const pieces: Buffer[] = []
          let length = 0
          response.on('data', (piece: Buffer) => {
            length += piece.length
            if (length > ANSWER_MAX_BYTES) fail('it answers too much')
            else pieces.push(piece)
          })
          response.on('error', (error) => fail(sentenceOf(error)))
          response.on('end', () =>
            end(answerOf(response.statusCode ?? 0, Buffer.concat(pieces).toString('utf8'))),
          )
        },
      )
      const timer = setTimeout(() => {
        fail(`no answer within ${Math.round(limitMs)} ms`)
      }, limitMs)
      end = (result) => {
        clearTimeout(timer)
        resolve(result)
      }
      const fail = (why: string): void => {
        end({ ok: false, why, answered: false })
        request.destroy()
      }
      request.on('error', (error) => fail(sentenceOf(error)))
      request.end(bytes)
    })
  }

  close(): void {
    this.#agent.destroy()
  }
}

function answerOf(
  status: number,
  text: string,
): { ok: true; answer: unknown } | { ok: false; why: string; answered: true } {
  let answer: unknown
  try {
    answer = JSON.parse(text)
  } catch {
    return { ok: false, why: `it answers ${status}, and no JSON`, answered: true }
  }
  if (status === 200) return { ok: true, answer }
  const said = (answer as { error?: unknown } | null)?.error
  const more = typeof said === 'string' ? `: ${said.slice(0, 200)}` : ''
  return { ok: false, why: `it answers ${status}${more}`, answered: true }
}

function sentenceOf(error: NodeJS.ErrnoException): string {
  return error.code ?? error.message
}
