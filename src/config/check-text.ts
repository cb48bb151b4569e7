/**
 * Which probe of a service was written down?
 *
 * One line per probe: the kind, where it asks, and what it needs beside that. Addresses are numeric and
 * ports always said: a probe that looks up a name tests the name server. IPv6 stands in brackets.
 *
 *     sip udp:10.0.0.50:5060        sip tls:[fd83::50]:5061       tcp 127.0.0.1:5038
 *     ng 127.0.0.1:12222            ng 127.0.0.1:12222 offer      sems 127.0.0.1:5040
 *     jsonrpc 127.0.0.1:5064 core.uptime                          ami 127.0.0.1:5038 USER FILE
 *     process                       usage memory 512 MB           usage cpu 90%
 *     call alice@HOST bob@HOST udp:10.0.0.50:5060 password FILE   (`call-text.ts`)
 *
 * `checkText` writes the one spelling that all others are read to.
 */
import { CALL_EXAMPLE, type CallConfig, callText, parseCall } from './call-text.ts'
import { place, placeText } from './check-place.ts'
import { nearMiss } from './near-miss.ts'

export type CheckConfig =
  | { kind: 'sip'; transport: SipTransport; address: string; port: number }
  | { kind: 'tcp'; address: string; port: number }
  /** rtpengine. `offer`: a call is allocated and deleted, for a pong does not prove that it can. */
  | { kind: 'ng'; address: string; port: number; offer: boolean }
  /** Kamailio's JSON-RPC over UDP. */
  | { kind: 'jsonrpc'; address: string; port: number; method: string }
  /** Asterisk's manager; the secret stands alone in a file of mode 0600. */
  | { kind: 'ami'; address: string; port: number; user: string; secretFile: string }
  /** The statistics of SEMS over UDP, `calls`. */
  | { kind: 'sems'; address: string; port: number }
  /** None of its processes is stopped or a zombie. */
  | { kind: 'process' }
  /** Memory of all its processes; CPU in percent of all processors together, 1 to 100. */
  | { kind: 'usage'; memoryMb: number | null; cpuPercent: number | null }
  /** A real call through the platform. */
  | ({ kind: 'call' } & CallConfig)

export type SipTransport = 'udp' | 'tcp' | 'tls'

/** What is wrong, as a clause that continues "KEY VALUE …", and an order. */
export interface CheckMistake {
  ok: false
  mistake: string
  mend: string
  /** What was written may hold a secret and is not to be repeated. */
  secret?: true
}

export type ParsedCheck = { ok: true; check: CheckConfig } | CheckMistake

/** As an operator writes it; also what a mend shows. */
const EXAMPLES: Record<CheckConfig['kind'], string> = {
  sip: 'sip udp:10.0.0.50:5060',
  tcp: 'tcp 127.0.0.1:5038',
  ng: 'ng 127.0.0.1:12222 offer',
  jsonrpc: 'jsonrpc 127.0.0.1:5064 core.uptime',
  ami: 'ami 127.0.0.1:5038 tandem /etc/tandem/ami-secret',
  sems: 'sems 127.0.0.1:5040',
  process: 'process',
  usage: 'usage memory 512 MB',
  call: CALL_EXAMPLE,
}
const KINDS = Object.keys(EXAMPLES) as CheckConfig['kind'][]
const TRANSPORTS = ['udp', 'tcp', 'tls'] as const

/** Words that people use for what we call otherwise. */
const MEANT: ReadonlyMap<string, CheckConfig['kind']> = new Map([
  ['options', 'sip'],
  ['rtpengine', 'ng'],
  ['kamailio', 'jsonrpc'],
  ['rpc', 'jsonrpc'],
  ['asterisk', 'ami'],
  ['manager', 'ami'],
  ['port', 'tcp'],
  ['connect', 'tcp'],
  ['proc', 'process'],
  ['memory', 'usage'],
  ['cpu', 'usage'],
])

const LINE_MAX_CHARS = 500
const MEMORY_MAX_MB = 16_777_216

/** Reads one written probe. */
export function parseCheck(text: string): ParsedCheck {
  if (text.length > LINE_MAX_CHARS) return wrong('is too long', 'write one probe per item')
  const [word = '', ...rest] = text.trim().split(/\s+/)
  if (word === '') return wrong('is empty', `write a probe, as "${EXAMPLES.sip}"`)
  const kind = KINDS.find((known) => known === word)
  return kind === undefined ? unknownKind(word) : parseWords(kind, rest)
}

function parseWords(kind: CheckConfig['kind'], rest: readonly string[]): ParsedCheck {
  switch (kind) {
    case 'sip':
      return parseSip(rest)
    case 'tcp':
    case 'sems':
      return placed(kind, rest, 0, (at) => ({ kind, ...at }))
    case 'ng':
      return parseNg(rest)
    case 'jsonrpc':
      return parseJsonRpc(rest)
    case 'ami':
      return parseAmi(rest)
    case 'process':
      if (rest.length === 0) return { ok: true, check: { kind } }
      return wrong('has words after "process"', 'write "process" alone')
    case 'usage':
      return parseUsage(rest)
    case 'call': {
      const read = parseCall(rest)
      return read.ok ? { ok: true, check: { kind, ...read.call } } : read
    }
  }
}

/** Writes a probe down; `parseCheck` reads it back to the same. */
export function checkText(check: CheckConfig): string {
  switch (check.kind) {
    case 'sip':
      return `sip ${check.transport}:${placeText(check)}`
    case 'tcp':
    case 'sems':
      return `${check.kind} ${placeText(check)}`
    case 'ng':
      return `ng ${placeText(check)}${check.offer ? ' offer' : ''}`
    case 'jsonrpc':
      return `jsonrpc ${placeText(check)} ${check.method}`
    case 'ami':
      return `ami ${placeText(check)} ${check.user} ${check.secretFile}`
    case 'process':
      return 'process'
    case 'usage': {
      const memory = check.memoryMb === null ? '' : ` memory ${check.memoryMb} MB`
      return `usage${memory}${check.cpuPercent === null ? '' : ` cpu ${check.cpuPercent}%`}`
    }
    case 'call':
      return callText(check)
  }
}

function unknownKind(word: string): CheckMistake {
  const meant = MEANT.get(word.toLowerCase()) ?? nearMiss(word, KINDS)
  const why = `begins with "${word.slice(0, 40)}", which is no kind of probe`
  const kind = KINDS.find((known) => known === meant)
  // The rest may be the account of a manager.
  const secret = kind === 'ami' || kind === 'call' ? { secret: true as const } : {}
  const mend =
    kind === undefined
      ? `begin it with one of ${KINDS.join(', ')}`
      : `did you mean ${kind}, as "${EXAMPLES[kind]}"?`
  return { ...wrong(why, mend), ...secret }
}

function parseSip(words: readonly string[]): ParsedCheck {
  const [first = '', ...rest] = words
  const colon = first.indexOf(':')
  const told = colon < 0 ? '' : first.slice(0, colon)
  const transport = TRANSPORTS.find((known) => known === told)
  if (transport === undefined) {
    // Too short for slips; what is left is upper case.
    const meant = TRANSPORTS.find((known) => known === told.toLowerCase())
    const order = `rite udp:, tcp: or tls: before the address, as "${EXAMPLES.sip}"`
    const mend = meant === undefined ? `w${order}` : `did you mean ${meant}? W${order}`
    return wrong('does not say which transport it is for', mend)
  }
  return placed('sip', [first.slice(colon + 1), ...rest], 0, (at) => ({
    kind: 'sip',
    transport,
    ...at,
  }))
}

function parseNg(words: readonly string[]): ParsedCheck {
  const [, option] = words
  if (option !== undefined && option !== 'offer') {
    return wrong(
      `has "${option.slice(0, 40)}" after the port`,
      `write "offer" or nothing there, as "${EXAMPLES.ng}"`,
    )
  }
  return placed('ng', words, 1, (at) => ({ kind: 'ng', ...at, offer: option === 'offer' }))
}

function parseJsonRpc(words: readonly string[]): ParsedCheck {
  const [, method] = words
  if (method === undefined) {
    return wrong('does not say which method to call', `name one, as "${EXAMPLES.jsonrpc}"`)
  }
  if (!/^[A-Za-z0-9_-]+(\.[A-Za-z0-9_-]+)*$/.test(method)) {
    return wrong(
      'has a method that is no name',
      `name one without arguments, as "${EXAMPLES.jsonrpc}"`,
    )
  }
  return placed('jsonrpc', words, 1, (at) => ({ kind: 'jsonrpc', ...at, method }))
}

/** Nothing behind the port is repeated: whoever errs here may have written the secret itself. */
function parseAmi(words: readonly string[]): ParsedCheck {
  const [, user, secretFile, ...more] = words
  const secret = (why: string, mend: string): CheckMistake => ({
    ...wrong(why, mend),
    secret: true,
  })
  const mend = `write the account and the file that holds its secret, as "${EXAMPLES.ami}"`
  if (user === undefined) return secret('does not say which account logs in', mend)
  if (!/^[A-Za-z0-9_.@-]{1,64}$/.test(user)) {
    return secret(
      'has an account that is no name',
      `${mend}; letters, digits, "_", ".", "@" and "-"`,
    )
  }
  if (secretFile === undefined) return secret('does not say where the secret is', mend)
  if (!secretFile.startsWith('/')) {
    return secret('has a last word that is no absolute path', `${mend}; never the secret itself`)
  }
  if (more.length > 0) return secret('has words after the path', `${mend}; no blanks in the path`)
  const parsed = placed('ami', words, 2, (at) => ({ kind: 'ami', ...at, user, secretFile }))
  return parsed.ok ? parsed : { ...parsed, secret: true }
}

function parseUsage(words: readonly string[]): ParsedCheck {
  const mend = `write "${EXAMPLES.usage}", "usage cpu 90%" or both, as "${EXAMPLES.usage} cpu 90%"`
  // The unit may stand apart from its number or not.
  const text = words.join(' ').replace(/(\d)\s+(mb|gb|%)(?=\s|$)/gi, '$1$2')
  const seen: { memory: number | null; cpu: number | null } = { memory: null, cpu: null }
  const parts = text === '' ? [] : text.split(' ')
  if (parts.length === 0) return wrong('does not say which limit it watches', mend)
  for (let index = 0; index < parts.length; index += 2) {
    const what = parts[index]
    if (what !== 'memory' && what !== 'cpu') {
      const meant = nearMiss(what ?? '', ['memory', 'cpu'])
      const why = `has "${(what ?? '').slice(0, 40)}" where memory or cpu is expected`
      return wrong(why, meant === null ? mend : `did you mean ${meant}? ${mend}`)
    }
    if (seen[what] !== null) return wrong(`limits ${what} twice`, mend)
    const limit = what === 'memory' ? megabytes(parts[index + 1]) : percent(parts[index + 1])
    if (limit === null) {
      const range =
        what === 'memory' ? `from 1 to ${MEMORY_MAX_MB} MB` : 'from 1% to 100% of all processors'
      return wrong(`has no usable limit after ${what}`, `${mend}; whole numbers ${range}`)
    }
    seen[what] = limit
  }
  return { ok: true, check: { kind: 'usage', memoryMb: seen.memory, cpuPercent: seen.cpu } }
}

function megabytes(text: string | undefined): number | null {
  const [, digits, unit] = /^([1-9]\d{0,8})(mb|gb)$/i.exec(text ?? '') ?? []
  if (digits === undefined || unit === undefined) return null
  const value = Number(digits) * (unit.toLowerCase() === 'gb' ? 1024 : 1)
  return value <= MEMORY_MAX_MB ? value : null
}

function percent(text: string | undefined): number | null {
  const digits = /^([1-9]\d{0,2})%$/.exec(text ?? '')?.[1]
  return digits === undefined || Number(digits) > 100 ? null : Number(digits)
}

/** Reads address and port, the first word, and sees that no more than so many words follow. */
function placed(
  kind: CheckConfig['kind'],
  words: readonly string[],
  following: number,
  build: (at: { address: string; port: number }) => CheckConfig,
): ParsedCheck {
  const at = place(words[0] ?? '')
  if (!at.ok) return wrong(at.mistake, `${at.mend}, as "${EXAMPLES[kind]}"`)
  if (words.length > following + 1) {
    return wrong('has more words than it needs', `write it as "${EXAMPLES[kind]}"`)
  }
  return { ok: true, check: build({ address: at.address, port: at.port }) }
}

function wrong(mistake: string, mend: string): CheckMistake {
  return { ok: false, mistake, mend }
}
