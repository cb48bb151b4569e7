/**
 * What happens to a request from outside, from its connection to its answer?
 *
 * In this order: room for the connection, TLS, rate of the address, credentials, rate of everybody, and
 * only then the agent. A stranger is told the same for whatever he asks: nothing before the credentials
 * looks at the path, but for the few that the configuration opens. What is not HTTP is cut off without
 * a word.
 */
import {
  createServer as createPlainServer,
  type IncomingMessage,
  type Server as PlainServer,
  type ServerResponse,
} from 'node:http'
import { createServer as createTlsServer, type Server as TlsServer } from 'node:https'
import type { Socket } from 'node:net'
import { TLSSocket } from 'node:tls'
import type { ApiMaterial } from '../config/api-files.ts'
import type { ApiConfig } from '../config/config.ts'
import type { ErrorCode } from '../errors.ts'
import { CONNECTION_LIMITS, type ConnectionLimits, Connections } from './connections.ts'
import { type Asker, askerByCertificate, askerByToken, isOpen } from './credentials.ts'
import { Forwarder } from './forward.ts'
import { type PageFiles, servePage } from './page-files.ts'
import { type Rate, RateLimit, sourceOf } from './rate.ts'

export interface FrontLimits {
  connections: ConnectionLimits
  /** Of one address, with or without credentials. */
  requests: Rate
  /** Of all together, to the agent. */
  forwarded: Rate
}

export const FRONT_LIMITS: FrontLimits = {
  connections: CONNECTION_LIMITS,
  requests: { perSecond: 50, burst: 100 },
  // Each costs the heart a fraction of a millisecond at the most.
  forwarded: { perSecond: 200, burst: 200 },
}

/** Milliseconds; nobody who means it is slower. */
const HANDSHAKE_LIMIT_MS = 5_000
const HEADERS_LIMIT_MS = 5_000
const REQUEST_LIMIT_MS = 10_000
const CHECK_EVERY_MS = 1_000
const KEEP_ALIVE_MS = 30_000
/** Streams say something every few seconds. */
const SILENCE_MS = 60_000
const HEADERS_MAX_BYTES = 8 * 1024
const REQUESTS_PER_CONNECTION_MAX = 10_000

export interface FrontOptions {
  api: ApiConfig
  runDir: string
  material: ApiMaterial
  /** The files of the page; without them there is none. */
  page?: PageFiles
  limits?: FrontLimits
  now: () => number
  /** Somebody with credentials gave an order. */
  ordered(order: { asker: Asker; address: string; url: string; status: number }): void
  /** Somebody came without. */
  refused(address: string): void
}

export class Front {
  readonly #options: FrontOptions
  readonly #connections: Connections
  readonly #requests: RateLimit
  readonly #forwarded: RateLimit
  readonly #forwarder: Forwarder
  readonly #servers: (PlainServer | TlsServer)[] = []
  #material: ApiMaterial

  constructor(options: FrontOptions) {
    const { material, runDir, now, limits = FRONT_LIMITS } = options
    this.#options = options
    this.#material = material
    this.#connections = new Connections(limits.connections, now)
    this.#requests = new RateLimit(limits.requests, now)
    this.#forwarded = new RateLimit(limits.forwarded, now)
    this.#forwarder = new Forwarder({ runDir, refuse })
  }

  /** A server that does not listen yet; all share their limits. */
  server(tls: boolean): PlainServer | TlsServer {
    const server = tls ? this.#tlsServer() : createPlainServer(HTTP_OPTIONS)
    this.#servers.push(server)
    // What Node does with a connection, TLS above all, begins only for those who are let in.
    const begin = server.listeners('connection')
    server.removeAllListeners('connection')
    server.on('connection', (socket: Socket) => {
      if (!this.#connections.admit(socket)) return
      socket.on('error', () => socket.destroy())
      for (const listener of begin) listener.call(server, socket)
    })
    server.timeout = SILENCE_MS
    server.keepAliveTimeout = KEEP_ALIVE_MS
    server.maxRequestsPerSocket = REQUESTS_PER_CONNECTION_MAX
    server.on('request', (incoming, response) => {
      // A mistake of ours costs one request and not the process.
      this.#answer(incoming, response).catch(() => response.destroy())
    })
    for (const event of ['clientError', 'tlsClientError', 'upgrade', 'connect'] as const) {
      server.on(event, (_first: unknown, second: unknown) => destroyOf(second))
    }
    return server
  }

  /** New files, for connections from now on. */
  use(material: ApiMaterial): void {
    this.#material = material
    for (const server of this.#servers) {
      if ('setSecureContext' in server && material.certificate !== null) {
        server.setSecureContext(contextOf(material))
      }
    }
  }

  get connectionCount(): number {
    return this.#connections.size
  }

  close(): void {
    this.#connections.closeAll()
    for (const server of this.#servers) server.close()
  }

  #tlsServer(): TlsServer {
    return createTlsServer({
      ...HTTP_OPTIONS,
      ...contextOf(this.#material),
      handshakeTimeout: HANDSHAKE_LIMIT_MS,
      requestCert: this.#options.api.clientCaFile !== null,
      // One without a certificate may have a token.
      rejectUnauthorized: false,
    })
  }

  async #answer(incoming: IncomingMessage, response: ServerResponse): Promise<void> {
    const { ordered, refused } = this.#options
    const address = incoming.socket.remoteAddress ?? ''
    response.on('error', () => response.destroy())
    if (!this.#requests.take(sourceOf(address))) return refuse(response, TOO_OFTEN)
    const asker = this.#askerOf(incoming)
    const { page, api } = this.#options
    const pageIsOpen = api.open.includes('page')
    if (asker === null && pageIsOpen && page !== undefined && servePage(page, incoming, response)) {
      return
    }
    if (asker === null && !isOpen(requestLine(incoming), api.open)) {
      refused(address)
      return refuse(response, isScript(incoming) ? STRANGE_SCRIPT : STRANGER)
    }
    if (asker !== null) this.#connections.trust(incoming.socket)
    if (asker !== null && page !== undefined && servePage(page, incoming, response)) return
    if (!this.#forwarded.take('')) return refuse(response, TOO_OFTEN)
    const status = await this.#forwarder.pass(incoming, response, asker?.role ?? 'read')
    const { method, url } = requestLine(incoming)
    if (asker !== null && method !== 'GET' && method !== 'HEAD') {
      ordered({ asker, address, url: url.slice(0, 100), status })
    }
  }

  #askerOf({ socket, headers }: IncomingMessage): Asker | null {
    const { tokens } = this.#material
    const byToken = askerByToken(headers.authorization, tokens)
    if (byToken !== null || !(socket instanceof TLSSocket) || !socket.authorized) return byToken
    const name: unknown = socket.getPeerCertificate().subject?.CN
    const commonName = typeof name === 'string' ? name : null
    return askerByCertificate(commonName, this.#options.api.clients)
  }
}

const HTTP_OPTIONS = {
  maxHeaderSize: HEADERS_MAX_BYTES,
  headersTimeout: HEADERS_LIMIT_MS,
  requestTimeout: REQUEST_LIMIT_MS,
  connectionsCheckingInterval: CHECK_EVERY_MS,
  noDelay: true,
} as const

function contextOf({ certificate, key, clientCa }: ApiMaterial) {
  return {
    ...{ cert: certificate ?? '', key: key ?? '', minVersion: 'TLSv1.2' as const },
    ...(clientCa === null ? {} : { ca: clientCa }),
  }
}

function requestLine({ method = '', url = '' }: IncomingMessage): { method: string; url: string } {
  return { method, url }
}

/** Browsers say so themselves (Fetch Metadata); nobody else has to. */
function isScript({ headers }: IncomingMessage): boolean {
  return (headers['sec-fetch-mode'] ?? 'navigate') !== 'navigate'
}

function destroyOf(socket: unknown): void {
  if (socket instanceof Object && 'destroy' in socket) (socket as Socket).destroy()
}

interface Answer {
  status: number
  /** The ways to show credentials. */
  challenges?: string[]
  code: ErrorCode
  message: string
  mend: string
}

const STRANGER: Answer = {
  status: 401,
  challenges: ['Bearer', 'Basic realm="api"'],
  code: 'HA_UNAUTHORIZED',
  message: 'no known credentials came with this request',
  mend: 'send a token: authorization: Bearer TOKEN',
}

/** The page asks for a token itself; the browser's own dialogue would come before it. */
const STRANGE_SCRIPT: Answer = { ...STRANGER, challenges: ['Bearer'] }

const TOO_OFTEN: Answer = {
  status: 429,
  code: 'HA_TOO_MANY_REQUESTS',
  message: 'too many requests',
  mend: 'ask less often',
}

/** Whoever is refused has to connect anew, which costs him more than us. */
function refuse(response: ServerResponse, answer: Answer): void {
  const { status, code, message, mend, challenges } = answer
  const body = `${JSON.stringify({ schema: 1, code, message, mend })}\n`
  response.writeHead(status, {
    'content-type': 'application/json; charset=utf-8',
    'content-length': Buffer.byteLength(body),
    'cache-control': 'no-store',
    connection: 'close',
    ...(challenges === undefined ? {} : { 'www-authenticate': challenges }),
    ...(status === 429 || status === 503 ? { 'retry-after': '1' } : {}),
  })
  response.end(body)
}
