/**
 * How does a question that may be asked reach the agent? Over its unix sockets, as an operator's does.
 *
 * What a role may do is not judged here: whoever may only read is taken to the socket that only answers
 * questions. So there is one API, and a mistake in this process cannot give an order for somebody who
 * may not. Whatever is slow is cut: the agent's answer by its time, the asker's body by its size.
 */
import { request as httpRequest, type IncomingMessage, type ServerResponse } from 'node:http'
import { join } from 'node:path'
import type { ApiRole } from '../wire/api-tokens.ts'

/** As the agent itself: its longest request has some hundred bytes. */
const BODY_MAX_BYTES = 16 * 1024
/** The agent answers within two seconds, or says that its heart is silent. */
const ANSWER_LIMIT_MS = 10_000
/** Half of it may be streams of events, of which the agent itself allows 16. */
const IN_FLIGHT_MAX = 32
/** Of the headers, the only ones that mean something to the agent. */
const PASSED_ON = ['accept', 'content-type', 'last-event-id'] as const
const PASSED_BACK = ['content-type', 'retry-after', 'allow'] as const

export type Refuse = (response: ServerResponse, refusal: Refusal) => void

export interface Refusal {
  status: number
  code: 'HA_CONTROL_UNREACHABLE' | 'HA_REQUEST_TOO_LARGE' | 'HA_TOO_MANY_REQUESTS'
  message: string
  mend: string
}

export interface ForwardOptions {
  runDir: string
  refuse: Refuse
  answerLimitMs?: number
}

export class Forwarder {
  readonly #options: ForwardOptions
  #inFlight = 0

  constructor(options: ForwardOptions) {
    this.#options = options
  }

  /** Answers the response, whatever happens. @returns the status that was answered, 0 for none */
  async pass(incoming: IncomingMessage, response: ServerResponse, role: ApiRole): Promise<number> {
    const { refuse } = this.#options
    const say = (refusal: Refusal): number => {
      refuse(response, refusal)
      return refusal.status
    }
    if (this.#inFlight >= IN_FLIGHT_MAX) return say(BUSY)
    this.#inFlight += 1
    try {
      const body = await bodyOf(incoming)
      if (body === 'too-large') return say(TOO_LARGE)
      if (body === 'broken') return 0
      return await this.#exchange(incoming, response, { role, body })
    } finally {
      this.#inFlight -= 1
    }
  }

  #exchange(
    incoming: IncomingMessage,
    response: ServerResponse,
    { role, body }: { role: ApiRole; body: Buffer },
  ): Promise<number> {
    const { runDir, refuse, answerLimitMs = ANSWER_LIMIT_MS } = this.#options
    const socketPath = join(runDir, role === 'operate' ? 'control.sock' : 'status.sock')
    const headers: Record<string, string | number | string[]> = {}
    for (const name of PASSED_ON) {
      const value = incoming.headers[name]
      if (value !== undefined) headers[name] = value
    }
    if (body.length > 0) headers['content-length'] = body.length
    const { method = 'GET', url = '/' } = incoming
    return new Promise((resolve) => {
      const asked = httpRequest(
        { socketPath, method, path: url, headers, agent: false },
        (answer) => {
          clearTimeout(timer)
          const status = answer.statusCode ?? 502
          for (const name of PASSED_BACK) {
            const value = answer.headers[name]
            if (value !== undefined) response.setHeader(name, value)
          }
          response.writeHead(status)
          response.flushHeaders()
          answer.pipe(response)
          answer.once('error', () => response.destroy())
          answer.once('close', () => resolve(status))
        },
      )
      const timer = setTimeout(() => asked.destroy(new Error('no answer in time')), answerLimitMs)
      asked.once('error', () => {
        clearTimeout(timer)
        if (response.headersSent) response.destroy()
        else refuse(response, UNREACHABLE)
        resolve(UNREACHABLE.status)
      })
      // Who left is not waited for.
      response.once('close', () => asked.destroy())
      asked.end(body)
    })
  }
}

const BUSY: Refusal = {
  status: 503,
  code: 'HA_TOO_MANY_REQUESTS',
  message: `${IN_FLIGHT_MAX} requests are being answered already`,
  mend: 'ask again in a moment',
}

const TOO_LARGE: Refusal = {
  status: 413,
  code: 'HA_REQUEST_TOO_LARGE',
  message: 'the body has more than 16 KiB',
  mend: 'send one request, as in the README',
}

const UNREACHABLE: Refusal = {
  status: 503,
  code: 'HA_CONTROL_UNREACHABLE',
  message: 'the agent of this node does not answer',
  mend: 'look at its log on the node',
}

async function bodyOf(incoming: IncomingMessage): Promise<Buffer | 'too-large' | 'broken'> {
  if (Number(incoming.headers['content-length'] ?? 0) > BODY_MAX_BYTES) return 'too-large'
  const pieces: Buffer[] = []
  let bytes = 0
  try {
    // Left before its end it is not destroyed: whoever sent too much is to be told.
    for await (const piece of incoming.iterator({ destroyOnReturn: false })) {
      bytes += (piece as Buffer).length
      if (bytes > BODY_MAX_BYTES) return 'too-large'
      pieces.push(piece as Buffer)
    }
  } catch {
    return 'broken'
  }
  return Buffer.concat(pieces)
}
