/**
 * How is monit asked, and told? Its HTTP interface, over a unix socket or TCP, with the password from a
 * file that is read anew each time.
 *
 * Orders need a token in a cookie and in the form alike; monit checks that they are the same. It carries
 * an order out later: what comes back says only that it was taken.
 */
import { randomBytes } from 'node:crypto'
import { type IncomingMessage, request } from 'node:http'
import { readPassword } from '../system/password.ts'
import type { MonitServiceConfig } from './service-config.ts'
import { ServiceFailure } from './service-result.ts'
import type { Limit } from './store-result.ts'

/** A monit with a thousand services says about this much. */
const ANSWER_MAX_BYTES = 4 * 1024 * 1024

export type MonitAction = 'start' | 'stop' | 'monitor' | 'unmonitor'

export interface MonitAnswer {
  status: number
  text: string
}

export class MonitDoor {
  readonly #config: MonitServiceConfig

  constructor(config: MonitServiceConfig) {
    this.#config = config
  }

  /** Where it is, for messages. */
  get place(): string {
    const config = this.#config
    return 'socketPath' in config ? config.socketPath : `${config.address}:${config.port}`
  }

  /** @throws ServiceFailure  when there is no answer, or another one than the document */
  async status(limit: Limit, label: string): Promise<string> {
    const answer = await this.#ask({ method: 'GET', path: '/_status?format=xml' }, limit, label)
    if (answer.status === 200) return answer.text
    throw this.#refusal(answer, label)
  }

  /**
   * Gives an order.
   *
   * @returns false when monit has another one under way: to be tried again
   * @throws ServiceFailure  when it will not
   */
  async order(action: MonitAction, limit: Limit, label: string): Promise<boolean> {
    const token = randomBytes(16).toString('hex')
    const body = `securitytoken=${token}&action=${action}`
    const path = `/${encodeURIComponent(this.#config.monitName)}`
    const answer = await this.#ask({ method: 'POST', path, body, token }, limit, label)
    if (answer.status >= 200 && answer.status < 400) return true
    if (answer.status === 503) return false
    throw this.#refusal(answer, label)
  }

  async #ask(
    ask: { method: string; path: string; body?: string; token?: string },
    limit: Limit,
    label: string,
  ): Promise<MonitAnswer> {
    const config = this.#config
    const password = await readPassword(config.passwordFile)
    if (!password.ok)
      throw new ServiceFailure('HA_SERVICE_REFUSED', `${label}: ${password.message}`)
    const place =
      'socketPath' in config
        ? { socketPath: config.socketPath, host: 'localhost' }
        : { host: config.address, port: config.port }
    const form = {
      'content-type': 'application/x-www-form-urlencoded',
      'content-length': String(Buffer.byteLength(ask.body ?? '')),
      cookie: `securitytoken=${ask.token}`,
    }
    return await new Promise((resolve, reject) => {
      const fail = (code: 'HA_SERVICE_TIMEOUT' | 'HA_SERVICE_REFUSED', why: string): void => {
        reject(new ServiceFailure(code, `${label}: monit at ${this.place} ${why}`))
        outgoing.destroy()
      }
      const late = setTimeout(
        () => fail('HA_SERVICE_TIMEOUT', `did not answer within ${limit.limitMs} ms`),
        limit.leftMs(),
      )
      const outgoing = request({
        ...place,
        method: ask.method,
        path: ask.path,
        agent: false,
        auth: `${config.user}:${password.password}`,
        headers: ask.body === undefined ? {} : form,
      })
      outgoing.on('error', (cause: NodeJS.ErrnoException) => {
        clearTimeout(late)
        fail('HA_SERVICE_REFUSED', unreachable(cause))
      })
      outgoing.once('response', (incoming: IncomingMessage) => {
        const pieces: Buffer[] = []
        let bytes = 0
        incoming.on('data', (piece: Buffer) => {
          bytes += piece.length
          pieces.push(piece)
          if (bytes > ANSWER_MAX_BYTES) fail('HA_SERVICE_REFUSED', 'says too much')
        })
        incoming.once('close', () => {
          clearTimeout(late)
          if (!incoming.complete) fail('HA_SERVICE_REFUSED', 'broke off its answer')
          // Names are bytes to monit, whatever encoding its header tells.
          const text = Buffer.concat(pieces).toString('utf8')
          resolve({ status: incoming.statusCode ?? 0, text })
        })
        // The end is told by `close`.
        incoming.on('error', () => undefined)
      })
      outgoing.end(ask.body)
    })
  }

  #refusal({ status, text }: MonitAnswer, label: string): ServiceFailure {
    const { user, passwordFile, monitName } = this.#config
    const where = `${label}: monit at ${this.place}`
    if (status === 401) {
      return new ServiceFailure(
        'HA_SERVICE_REFUSED',
        `${where} does not take user ${user} with the password in ${passwordFile}: compare with "allow" of its configuration`,
      )
    }
    const said = wordsOf(text)
    const why = `answered ${status}${said === '' ? '' : `: ${said}`}`
    const code = status === 404 ? 'HA_SERVICE_MISSING' : 'HA_SERVICE_REFUSED'
    return new ServiceFailure(code, `${where} ${why} (service ${monitName})`)
  }
}

function unreachable(cause: NodeJS.ErrnoException): string {
  switch (cause.code) {
    case 'ENOENT':
    case 'ECONNREFUSED':
      return 'does not listen: start it, or mend the place of its "set httpd"'
    case 'EACCES':
      return 'may not be used by this user'
    default:
      return `could not be asked (${cause.code ?? cause.message})`
  }
}

/** The text of a page, without its tags. */
function wordsOf(page: string): string {
  return page
    .replace(/<(style|script|title)[\s\S]*?<\/\1>/gi, ' ')
    .replace(/<[^>]*>/g, ' ')
    .replace(/\s+/g, ' ')
    .trim()
    .slice(0, 200)
}
