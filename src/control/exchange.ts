/**
 * How does one question travel to an agent, and what can become of it? One connection each, one limit on all of it.
 *
 * The door is one of its unix sockets, or its address on the network. Nothing here throws for what the other side
 * does or does not do: each way to fail is a value with its mend.
 */
import { request as httpRequest, type IncomingMessage, type RequestOptions } from 'node:http'
import { request as httpsRequest } from 'node:https'
import { type ErrorDocument, SCHEMA_VERSION } from './schema.ts'

export interface AskFailure {
  ok: false
  /**
   * `unreachable`: nobody listens. `forbidden`: not allowed to use the door. `timeout`: no whole
   * answer in time; an order may have been carried out. `refused`: the agent said no. `unknown`: it
   * does not know the thing asked about. `garbled`: the answer made no sense.
   */
  code: 'unreachable' | 'forbidden' | 'timeout' | 'refused' | 'unknown' | 'garbled'
  /** The same in the table of error codes (`errors.ts`); that of the agent where it answered. */
  errorCode: string
  message: string
  mend: string
}

export type Asked<T> = { ok: true; value: T } | AskFailure

/** A socket of this host, or `https://HOST:PORT` with a token and who signed its certificate (PEM; null: as the system trusts). */
export type Door = { socketPath: string } | { origin: string; token: string; ca: string | null }

export interface Exchange {
  door: Door
  method: 'GET' | 'POST'
  path: string
  limitMs: number
  /** A JSON document; missing: none. */
  body?: string
}

/** Larger than any answer of ours: a thousand transitions have some 300 kB. */
const ANSWER_MAX_BYTES = 4 * 1024 * 1024

/** Never rejects. */
export function exchange<T>({ door, method, path, limitMs, body }: Exchange): Promise<Asked<T>> {
  const words = wordsOf(door)
  return new Promise((resolve) => {
    let end: (outcome: Asked<T>) => void = resolve
    const receive = (response: IncomingMessage): void => {
      const chunks: Buffer[] = []
      let bytes = 0
      response.on('data', (chunk: Buffer) => {
        chunks.push(chunk)
        bytes += chunk.length
        if (bytes > ANSWER_MAX_BYTES) end(garbled(words, 'the answer is too long'))
      })
      response.on('end', () => {
        end(understand(response.statusCode ?? 0, Buffer.concat(chunks).toString('utf8'), words))
      })
      response.on('error', (error) => end(words.failureOf(error)))
    }
    const request = opened(door, { method, path, headers: headersOf(door, body) }, receive)
    const timer = setTimeout(() => end(tooLate(words, limitMs)), limitMs)
    end = (outcome) => {
      clearTimeout(timer)
      request.destroy()
      resolve(outcome)
    }
    request.on('error', (error) => end(words.failureOf(error)))
    request.end(body)
  })
}

function opened(door: Door, options: RequestOptions, receive: (answer: IncomingMessage) => void) {
  if ('socketPath' in door) {
    return httpRequest({ ...options, socketPath: door.socketPath, agent: false }, receive)
  }
  const ca = door.ca === null ? {} : { ca: door.ca }
  const more = { ...ca, agent: false, minVersion: 'TLSv1.2' as const }
  return httpsRequest(new URL(options.path ?? '/', door.origin), { ...options, ...more }, receive)
}

function headersOf(door: Door, body: string | undefined): Record<string, string> {
  return {
    ...(body === undefined ? {} : { 'content-type': 'application/json' }),
    ...('token' in door ? { authorization: `Bearer ${door.token}` } : {}),
  }
}

/** How the other end is called, and what stands in the way of reaching it. */
interface Words {
  agent: string
  /** Where to look when it does not answer. */
  look: string
  failureOf(error: NodeJS.ErrnoException): AskFailure
}

function wordsOf(door: Door): Words {
  const agent = `the agent at ${'socketPath' in door ? door.socketPath : door.origin}`
  if ('socketPath' in door) {
    const words: Words = {
      agent,
      look: 'look at its log (journalctl -u tandemd)',
      failureOf: (error) => socketFailure(error, door.socketPath, words),
    }
    return words
  }
  const words: Words = {
    agent,
    look: 'look at its log there (journalctl -u tandemd), and at the network between',
    failureOf: (error) => networkFailure(error, door.origin, words),
  }
  return words
}

function understand<T>(status: number, text: string, words: Words): Asked<T> {
  let document: { schema?: unknown }
  try {
    const parsed: unknown = JSON.parse(text)
    if (typeof parsed !== 'object' || parsed === null) throw new TypeError('not an object')
    document = parsed
  } catch {
    return garbled(words, `status ${status} and no JSON document`)
  }
  if (document.schema !== SCHEMA_VERSION) {
    const theirs = String(document.schema).slice(0, 20)
    return garbled(
      words,
      `its documents have version ${theirs}, this command reads version ${SCHEMA_VERSION}`,
    )
  }
  // 409 carries the operation that was refused, with its reason.
  if ((status >= 200 && status < 300) || status === 409) return { ok: true, value: document as T }
  const { code: errorCode, message, mend } = document as ErrorDocument
  return { ok: false, code: kindOfRefusal(status), errorCode, message, mend }
}

function kindOfRefusal(status: number): AskFailure['code'] {
  if (status === 404) return 'unknown'
  if (status === 401) return 'forbidden'
  // The control thread answers for a heart that does not.
  return status === 503 ? 'unreachable' : 'refused'
}

function unreachable(message: string, mend: string): AskFailure {
  return { ok: false, code: 'unreachable', errorCode: 'HA_CONTROL_UNREACHABLE', message, mend }
}

function socketFailure(error: NodeJS.ErrnoException, path: string, words: Words): AskFailure {
  switch (error.code) {
    case 'ENOENT':
    case 'ENOTDIR':
    case 'ECONNREFUSED':
      return unreachable(
        `no agent answers at ${path}`,
        'start it (systemctl start tandemd), or name its run directory with --run',
      )
    case 'EACCES':
    case 'EPERM':
      return {
        ok: false,
        code: 'forbidden',
        errorCode: 'HA_CONTROL_FORBIDDEN',
        message: `this user may not use ${path}`,
        mend: 'become root, or a member of the control group of config.yml',
      }
    case 'EAGAIN':
      return unreachable(
        `${words.agent} is there and takes no more connections`,
        'it may be stopped: look at its process and its log (journalctl -u tandemd)',
      )
    default:
      return brokenOff(error, words)
  }
}

function networkFailure(error: NodeJS.ErrnoException, origin: string, words: Words): AskFailure {
  switch (error.code) {
    case 'ECONNREFUSED':
      return unreachable(
        `nobody listens at ${origin}`,
        'see whether the agent runs there, and tandem.api of its config.yml',
      )
    case 'EHOSTUNREACH':
    case 'ENETUNREACH':
    case 'ETIMEDOUT':
      return unreachable(`there is no way to ${origin} (${error.code})`, 'see the network between')
    case 'ENOTFOUND':
    case 'EAI_AGAIN':
      return unreachable(`the name in ${origin} is not known`, 'correct it, or write the address')
    case 'ECONNRESET':
    case 'EPIPE':
      return brokenOff(error, words)
    default:
      // Node names what is wrong with a certificate by codes of OpenSSL and of its own.
      return isAboutCertificate(error)
        ? {
            ok: false,
            code: 'forbidden',
            errorCode: 'HA_CONTROL_FORBIDDEN',
            message: `the certificate of ${origin} is not trusted (${error.code})`,
            mend: 'name who signed it (ca_file), and see that it holds this address or name',
          }
        : brokenOff(error, words)
  }
}

function isAboutCertificate({ code = '' }: NodeJS.ErrnoException): boolean {
  return /CERT|SIGNATURE|SSL|TLS/.test(code)
}

function brokenOff(error: NodeJS.ErrnoException, words: Words): AskFailure {
  if (error.code !== 'ECONNRESET' && error.code !== 'EPIPE') return garbled(words, error.message)
  return unreachable(`${words.agent} ended while it was asked`, words.look)
}

function tooLate({ agent, look }: Words, limitMs: number): AskFailure {
  return {
    ok: false,
    code: 'timeout',
    errorCode: 'HA_CONTROL_TIMEOUT',
    message: `${agent} did not answer within ${limitMs} ms`,
    mend: `${look}, or allow more with --timeout`,
  }
}

function garbled({ agent }: Words, why: string): AskFailure {
  return {
    ok: false,
    code: 'garbled',
    errorCode: 'HA_CONTROL_GARBLED',
    message: `${agent} answered what this command cannot read: ${why}`,
    mend: 'install the same version of command and agent, and restart the agent',
  }
}
