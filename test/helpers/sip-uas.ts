/**
 * A small SIP server for tests: registrar and callee on loopback, by UDP, TCP or TLS, told to behave well or
 * badly. Reads and writes messages by itself, so that it does not share our mistakes.
 */
import { createHash } from 'node:crypto'
import { createSocket, type Socket as UdpSocket } from 'node:dgram'
import { createServer as createTcp, type Server, type Socket } from 'node:net'
import { createServer as createTls } from 'node:tls'

export interface Heard {
  method: string
  uri: string
  /** First value of a header, by its full name in lower case. */
  header: (name: string) => string
  all: (name: string) => string[]
  body: string
  atMs: number
}

export type Reply = (
  status: string,
  more?: { headers?: readonly string[]; body?: string; tag?: string },
) => void

export interface UasOptions {
  transport?: 'udp' | 'tcp' | 'tls'
  tls?: { key: string; cert: string }
  /** Called for each request, ACK included. Default: `standard`. */
  onRequest?: (request: Heard, reply: Reply, uas: SipUas) => void
}

export class SipUas {
  readonly heard: Heard[] = []
  readonly port: number
  readonly transport: 'udp' | 'tcp' | 'tls'
  /** Answers to requests of ours. */
  readonly answers: { status: number; cseq: string; body: string }[] = []
  readonly #close: () => Promise<void>
  /** Sends text to whoever was heard last. */
  send: (text: string | Buffer) => void

  private constructor(parts: {
    port: number
    transport: 'udp' | 'tcp' | 'tls'
    close: () => Promise<void>
  }) {
    this.port = parts.port
    this.transport = parts.transport
    this.#close = parts.close
    this.send = () => {}
  }

  static async start(options: UasOptions = {}): Promise<SipUas> {
    const { transport = 'udp', onRequest = standard() } = options
    let uas: SipUas | null = null
    const take = (text: string, send: (text: string | Buffer) => void): void => {
      if (uas === null) return
      uas.send = send
      const read = readText(text)
      if (read.status > 0) {
        uas.answers.push({ status: read.status, cseq: read.header('cseq'), body: read.body })
        return
      }
      uas.heard.push(read)
      onRequest(read, (status, more = {}) => send(answerText(read, status, more)), uas)
    }
    if (transport === 'udp') {
      const socket = createSocket('udp4')
      socket.on('message', (bytes, from) =>
        take(bytes.toString(), (text) => socket.send(text, from.port, from.address, () => {})),
      )
      const port = await bindUdp(socket)
      uas = new SipUas({ port, transport, close: () => closeUdp(socket) })
      return uas
    }
    const open = new Set<Socket>()
    const accept = (socket: Socket): void => {
      open.add(socket)
      let held = ''
      socket.on('error', () => {})
      socket.on('close', () => open.delete(socket))
      socket.on('data', (piece) => {
        held += piece.toString()
        for (;;) {
          const end = held.indexOf('\r\n\r\n')
          if (end < 0) return
          const size = end + 4 + Number(/content-length: *(\d+)/i.exec(held)?.[1] ?? 0)
          if (held.length < size) return
          const text = held.slice(0, size)
          held = held.slice(size)
          take(text, (out) => void socket.write(out))
        }
      })
    }
    const server: Server =
      transport === 'tcp' ? createTcp(accept) : createTls({ ...options.tls }, accept)
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
    const address = server.address()
    const port = typeof address === 'object' && address !== null ? address.port : 0
    uas = new SipUas({
      port,
      transport,
      close: () => {
        for (const socket of open) socket.destroy()
        return new Promise<void>((resolve) => server.close(() => resolve()))
      },
    })
    return uas
  }

  /** Methods of everything heard, in order, each repetition too. */
  get methods(): string[] {
    return this.heard.map(({ method }) => method)
  }

  close(): Promise<void> {
    return this.#close()
  }
}

export interface StandardOptions {
  /** Without them nobody is asked for a password. */
  users?: Readonly<Record<string, string>>
  algorithm?: 'MD5' | 'SHA-256'
  qop?: boolean
  /** The first right answer gets a stale challenge. */
  stale?: boolean
  /** What an INVITE of a known user gets; default: 200 with the SDP of `media`. */
  onInvite?: (request: Heard, reply: Reply, uas: SipUas) => void
  media?: UasMedia
}

/** Registers, is called, hangs up; 200 for everything unless a password is wrong. */
export function standard(options: StandardOptions = {}): NonNullable<UasOptions['onRequest']> {
  let staleLeft = options.stale === true ? 1 : 0
  return (request, reply, uas) => {
    if (request.method === 'ACK') return
    const invite = request.method === 'INVITE'
    if (options.users !== undefined && (invite || request.method === 'REGISTER')) {
      const proof = request.header(invite ? 'proxy-authorization' : 'authorization')
      const right = proof !== '' && isRight(proof, request.method, options.users)
      const stale = right && staleLeft > 0
      if (stale) staleLeft -= 1
      if (proof !== '' && !right) return reply('403 Forbidden')
      if (!right || stale) {
        const name = invite ? 'Proxy-Authenticate' : 'WWW-Authenticate'
        const qop = options.qop === false ? '' : ',qop="auth,auth-int"'
        const ask = `Digest realm="te\\"st", nonce="n${uas.heard.length}"${qop},algorithm=${options.algorithm ?? 'MD5'}`
        return reply(invite ? '407 Proxy Authentication Required' : '401 Unauthorized', {
          headers: [`${name}: Basic realm="no"`, `${name}: ${ask}${stale ? ',stale=TRUE' : ''}`],
        })
      }
    }
    if (!invite) return reply('200 OK')
    if (options.onInvite !== undefined) return options.onInvite(request, reply, uas)
    reply('100 Trying')
    accept(request, reply, uas, { media: options.media })
  }
}

/** The 200 of a callee, with its SDP; port 9 (discard) where it has no media. */
export function accept(
  request: Heard,
  reply: Reply,
  uas: SipUas,
  more: {
    media?: UasMedia | undefined
    headers?: readonly string[]
    tag?: string
    sdp?: string
  } = {},
): void {
  const { media, headers = [], sdp = sdpText(media?.port ?? 9), ...rest } = more
  media?.follow(request.body)
  const contact = `Contact: <sip:callee@127.0.0.1:${uas.port}>`
  reply('200 OK', {
    ...rest,
    headers: [...headers, contact, 'Content-Type: application/sdp'],
    body: sdp,
  })
}

export function sdpText(port: number, codec = '0'): string {
  return `v=0\r\no=uas 1 1 IN IP4 127.0.0.1\r\ns=-\r\nc=IN IP4 127.0.0.1\r\nt=0 0\r\nm=audio ${port} RTP/AVP ${codec}\r\n`
}

/** Audio of the callee: sends back what comes, or only swallows it. */
export class UasMedia {
  readonly port: number
  received: Buffer[] = []
  readonly #socket: UdpSocket
  #to = 0

  private constructor(socket: UdpSocket, port: number, echo: boolean) {
    this.#socket = socket
    this.port = port
    socket.on('message', (bytes) => {
      this.received.push(bytes)
      if (echo && this.#to > 0) socket.send(bytes, this.#to, '127.0.0.1', () => {})
    })
    socket.on('error', () => {})
  }

  static async start(echo: boolean): Promise<UasMedia> {
    const socket = createSocket('udp4')
    return new UasMedia(socket, await bindUdp(socket), echo)
  }

  follow(sdp: string): void {
    this.#to = Number(/^m=audio (\d+)/m.exec(sdp)?.[1] ?? 0)
  }

  close(): Promise<void> {
    return closeUdp(this.#socket)
  }
}

const COMPACT: Readonly<Record<string, string>> = {
  v: 'via',
  f: 'from',
  t: 'to',
  i: 'call-id',
  m: 'contact',
  l: 'content-length',
}

export function readText(text: string): Heard & { status: number } {
  const [head = '', ...rest] = text.split('\r\n\r\n')
  const [start = '', ...lines] = head.split('\r\n')
  const pairs = lines.map((line): [string, string] => {
    const colon = line.indexOf(':')
    const name = line.slice(0, colon).trim().toLowerCase()
    return [COMPACT[name] ?? name, line.slice(colon + 1).trim()]
  })
  const all = (name: string): string[] =>
    pairs.filter(([found]) => found === name).map(([, value]) => value)
  const [method = '', uri = ''] = start.split(' ')
  return {
    method,
    uri,
    status: method === 'SIP/2.0' ? Number(uri) : 0,
    all,
    header: (name) => all(name)[0] ?? '',
    body: rest.join('\r\n\r\n'),
    atMs: performance.now(),
  }
}

/** In compact names and with folded lines, as some servers write. */
function answerText(request: Heard, status: string, more: Parameters<Reply>[1] = {}): string {
  const { headers = [], body = '', tag = 'uas-tag' } = more
  const to = request.header('to')
  const tagged = to.includes('tag=') || status.startsWith('100') ? to : `${to}\r\n ;tag=${tag}`
  return [
    `SIP/2.0 ${status}`,
    ...request.all('via').map((via) => `v: ${via.replace('rport', 'rport=1;received=127.0.0.1')}`),
    `f: ${request.header('from')}`,
    `t: ${tagged}`,
    `i: ${request.header('call-id')}`,
    `CSeq: ${request.header('cseq')}`,
    ...headers,
    `l: ${Buffer.byteLength(body)}`,
    '',
    body,
  ].join('\r\n')
}

function isRight(proof: string, method: string, users: Readonly<Record<string, string>>): boolean {
  const part = (name: string): string =>
    new RegExp(`${name}=(?:"((?:[^"\\\\]|\\\\.)*)"|([^,]+))`).exec(proof)?.slice(1).join('') ?? ''
  const password = users[part('username')]
  if (password === undefined) return false
  const kind = part('algorithm') === 'SHA-256' ? 'sha256' : 'md5'
  const hash = (text: string): string => createHash(kind).update(text).digest('hex')
  const secret = hash(`${part('username')}:${part('realm').replace(/\\(.)/g, '$1')}:${password}`)
  const request = hash(`${method}:${part('uri')}`)
  const middle =
    part('qop') === '' ? part('nonce') : `${part('nonce')}:${part('nc')}:${part('cnonce')}:auth`
  return part('response') === hash(`${secret}:${middle}:${request}`)
}

function bindUdp(socket: UdpSocket): Promise<number> {
  return new Promise((resolve) => {
    socket.bind(0, '127.0.0.1', () => resolve(socket.address().port))
  })
}

function closeUdp(socket: UdpSocket): Promise<void> {
  return new Promise((resolve) => socket.close(() => resolve()))
}
