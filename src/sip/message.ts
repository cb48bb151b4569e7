/**
 * What does a SIP message say, and how is one written?
 *
 * RFC 3261 sections 7 and 25: start line, headers with compact names and folded lines, body. Bad input is
 * a value with a reason, never a throw: anybody can send us datagrams. Names of headers are kept in lower
 * case and in full; the order is kept, because Via and Record-Route depend on it. Knows nothing of
 * transports, and does not read what stands inside the headers beyond CSeq (header-value.ts does).
 */

export interface Header {
  /** Lower case, in full: `call-id`, never `i`. */
  readonly name: string
  /** Unfolded, without spaces around it. */
  readonly value: string
}

export interface SipRequest {
  readonly kind: 'request'
  readonly method: string
  readonly uri: string
  readonly headers: readonly Header[]
  readonly body: Buffer
}

export interface SipResponse {
  readonly kind: 'response'
  /** 100 to 699. */
  readonly status: number
  readonly reason: string
  readonly headers: readonly Header[]
  readonly body: Buffer
}

export type SipMessage = SipRequest | SipResponse

export type MessageRead = { ok: true; message: SipMessage } | { ok: false; why: string }

/** Longer heads are nobody's (RFC 3261 sets no limit; a UDP datagram could not hold one). */
export const HEAD_MAX_BYTES = 64 * 1024
export const BODY_MAX_BYTES = 256 * 1024

export const EMPTY = Buffer.alloc(0)

/** RFC 3261 section 7.3.3 and RFC 6665 (o, u), RFC 3515 (r), RFC 4028 (x). */
const COMPACT: Readonly<Record<string, string>> = {
  c: 'content-type',
  e: 'content-encoding',
  f: 'from',
  i: 'call-id',
  k: 'supported',
  l: 'content-length',
  m: 'contact',
  o: 'event',
  r: 'refer-to',
  s: 'subject',
  t: 'to',
  u: 'allow-events',
  v: 'via',
  x: 'session-expires',
}

/** Without these nothing can be matched to anything (section 8.1.1). */
const REQUIRED = ['via', 'from', 'to', 'call-id', 'cseq'] as const

const TOKEN = /^[A-Za-z0-9\-.!%*_+`'~]+$/

/**
 * Reads one whole message.
 *
 * @param bytes  a datagram, or what the framer of a stream cut out
 */
export function readMessage(bytes: Buffer): MessageRead {
  const end = headEnd(bytes)
  if (end === null) return refuse('the headers do not end')
  if (end.from > HEAD_MAX_BYTES) return refuse('the headers are too long')
  const lines = unfold(bytes.toString('utf8', 0, end.from).replace(/^[\r\n]+/, ''))
  const headers: Header[] = []
  for (const line of lines.slice(1)) {
    const colon = line.indexOf(':')
    const name = line.slice(0, Math.max(0, colon)).trim().toLowerCase()
    if (!TOKEN.test(name)) return refuse('a header has no name')
    const full = Object.hasOwn(COMPACT, name) ? (COMPACT[name] ?? name) : name
    headers.push({ name: full, value: line.slice(colon + 1).trim() })
  }
  for (const name of REQUIRED) {
    if (headerOf({ headers }, name) === null) return refuse(`there is no ${printedName(name)}`)
  }
  const rest = bytes.subarray(end.to)
  const length = headerOf({ headers }, 'content-length')
  if (length !== null && !/^\d{1,9}$/.test(length)) return refuse('Content-Length is no number')
  const size = length === null ? rest.length : Number(length)
  // Section 18.3: more in a datagram than was said is cut off, less is an error.
  if (size > rest.length) return refuse('the body is shorter than it says')
  if (size > BODY_MAX_BYTES) return refuse('the body is too long')
  return startOf(lines[0] ?? '', headers, Buffer.from(rest.subarray(0, size)))
}

function startOf(line: string, headers: Header[], body: Buffer): MessageRead {
  const cseq = cseqOf({ headers })
  if (cseq === null) return refuse('CSeq is not a number and a method')
  const answer = /^SIP\/2\.0 +([1-6]\d\d)(?: +(.*))?$/i.exec(line)
  if (answer !== null) {
    const [, status, reason = ''] = answer
    return {
      ok: true,
      message: { kind: 'response', status: Number(status), reason: reason.trim(), headers, body },
    }
  }
  const [, method = '', uri = ''] = /^(\S+) +(\S+) +SIP\/2\.0$/i.exec(line) ?? []
  if (!TOKEN.test(method)) return refuse('the first line is not that of a SIP message')
  if (cseq.method !== method) return refuse('CSeq names another method')
  return { ok: true, message: { kind: 'request', method, uri, headers, body } }
}

/** The message as it travels; Content-Length is set here and nowhere else. */
export function writeMessage(message: SipMessage): Buffer {
  const start =
    message.kind === 'request'
      ? `${message.method} ${message.uri} SIP/2.0`
      : `SIP/2.0 ${message.status} ${message.reason}`
  const lines = [start]
  for (const { name, value } of message.headers) {
    if (name !== 'content-length') lines.push(`${printedName(name)}: ${value}`)
  }
  lines.push(`Content-Length: ${message.body.length}`)
  // Whatever came in with a value, it can never begin a line of its own.
  const head = `${lines.map((line) => line.replace(/[\r\n]+/g, ' ')).join('\r\n')}\r\n\r\n`
  return Buffer.concat([Buffer.from(head, 'utf8'), message.body])
}

/** The first header of that name; null when there is none. */
export function headerOf(message: { readonly headers: readonly Header[] }, name: string) {
  return message.headers.find((header) => header.name === name)?.value ?? null
}

/** Every header of that name, in order, one entry per header line. */
export function headersOf(message: { readonly headers: readonly Header[] }, name: string) {
  return message.headers.filter((header) => header.name === name).map(({ value }) => value)
}

/** Number and method of CSeq; null when it is not there or not so. Section 8.1.1.5: below 2^31. */
export function cseqOf(message: {
  readonly headers: readonly Header[]
}): { number: number; method: string } | null {
  const [, digits = '', method = ''] =
    /^(\d{1,10})\s+(\S+)$/.exec(headerOf(message, 'cseq') ?? '') ?? []
  if (digits === '' || !TOKEN.test(method)) return null
  const number = Number(digits)
  return number < 2 ** 31 ? { number, method } : null
}

/** Where the head ends and the body begins; bare line feeds are forgiven in datagrams. */
function headEnd(bytes: Buffer): { from: number; to: number } | null {
  let start = 0
  while (bytes[start] === 0x0d || bytes[start] === 0x0a) start += 1
  const strict = bytes.indexOf('\r\n\r\n', start)
  const bare = bytes.indexOf('\n\n', start)
  if (strict >= 0 && (bare < 0 || strict < bare)) return { from: strict, to: strict + 4 }
  return bare < 0 ? null : { from: bare, to: bare + 2 }
}

/** Lines of the head; one that begins with a space goes on with the line before (section 7.3.1). */
function unfold(head: string): string[] {
  return head.replace(/\r?\n[ \t]+/g, ' ').split(/\r?\n/)
}

function printedName(name: string): string {
  const special: Readonly<Record<string, string>> = {
    'call-id': 'Call-ID',
    cseq: 'CSeq',
    'www-authenticate': 'WWW-Authenticate',
  }
  return (
    special[name] ?? name.replace(/(^|-)([a-z])/g, (_, dash, letter) => dash + letter.toUpperCase())
  )
}

function refuse(why: string): MessageRead {
  return { ok: false, why }
}
