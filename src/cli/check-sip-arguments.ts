/**
 * What was typed behind `tandem check-sip`, as plans of calls?
 *
 * One plan per target. Reads the files that are named; complaints name the option and never a password.
 */
import { parseArgs } from 'node:util'
import { readAudioFile } from '../sip/audio-file.ts'
import { Credentials } from '../sip/digest.ts'
import type { Trust } from '../sip/flow.ts'
import { readSubscriber } from '../sip/subscriber.ts'
import type { TestCallPlan } from '../sip/test-call.ts'
import { systemTrust, trustIn } from '../sip/trust.ts'
import { type HostPort, hostText, readHostPort, type Transport } from '../sip/uri.ts'
import { readPassword } from '../system/password.ts'
import { addressBytes } from '../wire/ip-address.ts'
import { type OptionSpec, type Parsed, timeoutComplaint, timeoutMsFrom } from './command.ts'

export interface TargetPlan {
  /** As given; null when no target was named. */
  target: string | null
  plan: TestCallPlan
}

export type Planned = { ok: true; plans: TargetPlan[] } | { ok: false; complaint: string }

export const PASSWORD_VARIABLE = 'TANDEM_SIP_PASSWORD'
export const PASSWORD_REASON =
  'passwords are not taken as an argument, where every user of this host can read them; ' +
  `use --password-file FILE or the variable ${PASSWORD_VARIABLE}`

const LIMIT_MS = 10_000
const MEDIA_MS = 2_000
const MEDIA_MAX_S = 3_600
const TRANSPORTS: readonly Transport[] = ['udp', 'tcp', 'tls']

class Complaint extends Error {}

type Env = Readonly<Record<string, string | undefined>>

/** Values of an option that may be repeated, in order. */
export function repeated(
  args: readonly string[],
  options: Readonly<Record<string, OptionSpec>>,
  name: string,
): string[] {
  const { tokens } = parseArgs({
    args: [...args],
    options: Object.fromEntries(
      Object.entries(options).map(([key, { type, short }]) => [
        key,
        short === undefined ? { type } : { type, short },
      ]),
    ),
    strict: false,
    allowPositionals: true,
    tokens: true,
  })
  return tokens.flatMap((token) =>
    token.kind === 'option' && token.name === name && token.value !== undefined
      ? [token.value]
      : [],
  )
}

export async function planCalls(
  parsed: Parsed,
  lists: { targets: readonly string[]; files: readonly string[] },
  env: Env,
): Promise<Planned> {
  try {
    const shared = await readShared(parsed, lists.files, env)
    const targets = lists.targets.length === 0 ? [null] : lists.targets
    const plans = targets.map((target) => ({ target, plan: planFor(target, parsed, shared) }))
    return { ok: true, plans }
  } catch (cause) {
    if (cause instanceof Complaint) return { ok: false, complaint: cause.message }
    throw cause
  }
}

interface Shared {
  transport: Transport
  trust: Trust
  limitMs: number
  mediaMs: number
  samples: Buffer | null
  password: string | null
  localPassword: string | null
}

async function readShared(parsed: Parsed, files: readonly string[], env: Env): Promise<Shared> {
  const limitMs = timeoutMsFrom(parsed, LIMIT_MS)
  if (limitMs === null) throw new Complaint(timeoutComplaint(parsed))
  const named = text(parsed, 'transport') ?? 'udp'
  const transport = TRANSPORTS.find((known) => known === named)
  if (transport === undefined) {
    throw new Complaint(`--transport '${named}' is none of udp, tcp and tls`)
  }
  const seconds = text(parsed, 'seconds')
  if (seconds !== null && !(/^\d+(\.\d+)?$/.test(seconds) && Number(seconds) <= MEDIA_MAX_S)) {
    throw new Complaint(`--seconds '${seconds}' is not a number of seconds up to ${MEDIA_MAX_S}`)
  }
  const own = await passwordOf(parsed, 'password-file')
  const inherited = env[PASSWORD_VARIABLE]
  const password = own ?? (inherited === undefined || inherited === '' ? null : inherited)
  return {
    transport,
    trust: await trustOf(parsed, transport),
    limitMs,
    mediaMs: seconds === null ? MEDIA_MS : Math.round(Number(seconds) * 1000),
    samples: await samplesOf(files),
    password,
    localPassword: (await passwordOf(parsed, 'local-password-file')) ?? password,
  }
}

function planFor(target: string | null, parsed: Parsed, shared: Shared): TestCallPlan {
  const { password, localPassword, ...rest } = shared
  const fill = (value: string, name: string, inUri: boolean): string => {
    if (target === null && /\bHOST\b/.test(value)) {
      throw new Complaint(`${name} says HOST, and no --target says what stands for it`)
    }
    const host = (target ?? '').replace(/^\[(.*)\]$/, '$1')
    // A function, because a text may hold `$&`, which replace would obey.
    return value.replace(/\bHOST\b/g, () => (inUri ? hostText(host) : host))
  }
  if (target !== null && readHostPort(target)?.port !== null) {
    throw new Complaint(`--target '${target}' is not a host name or an address`)
  }
  const option = (name: string, inUri: boolean): string | null => {
    const value = text(parsed, name)
    return value === null ? null : fill(value, `--${name}`, inUri)
  }
  const from = addressOf(fill(parsed.positionals[0] ?? '', 'FROM', true), 'FROM')
  const to = addressOf(fill(parsed.positionals[1] ?? '', 'TO', true), 'TO')
  const local = option('local', true)
  const username = option('username', false) ?? from.user
  const localUsername = option('local-username', false) ?? to.user
  return {
    ...rest,
    from: from.uri,
    to: to.uri,
    proxy: hostPortOf(option('proxy', true), '--proxy'),
    registrar: hostPortOf(option('registrar', true), '--registrar'),
    caller: password === null ? null : new Credentials(username, password),
    callee: localPassword === null ? null : new Credentials(localUsername, localPassword),
    local: local === null ? null : localOf(local),
  }
}

function addressOf(value: string, name: string): { uri: string; user: string } {
  const read = readSubscriber(value)
  if (read.ok) return read
  if (read.secret) throw new Complaint(`${name} ${read.why}; ${PASSWORD_REASON}`)
  throw new Complaint(`${name} '${value}' ${read.why}`)
}

function hostPortOf(value: string | null, name: string): HostPort | null {
  if (value === null) return null
  const read = readHostPort(value)
  if (read === null) throw new Complaint(`${name} '${value}' is not HOST or HOST:PORT`)
  return read
}

function localOf(value: string): { address: string; port: number | null } {
  const read = readHostPort(value)
  if (read === null || addressBytes(read.host) === null) {
    throw new Complaint(`--local '${value}' is not ADDRESS or ADDRESS:PORT with a numeric address`)
  }
  return { address: read.host, port: read.port }
}

async function passwordOf(parsed: Parsed, option: string): Promise<string | null> {
  const path = text(parsed, option)
  if (path === null) return null
  const read = await readPassword(path)
  if (!read.ok) throw new Complaint(`--${option}: ${read.message}`)
  if (read.password === '') throw new Complaint(`--${option}: ${path} is empty`)
  return read.password
}

async function trustOf(parsed: Parsed, transport: Transport): Promise<Trust> {
  const path = text(parsed, 'ca')
  const insecure = parsed.values['insecure'] === true
  if (path !== null && insecure) throw new Complaint('--ca and --insecure exclude each other')
  if (insecure) return { check: false }
  if (transport !== 'tls') {
    if (path !== null) throw new Complaint('--ca means something with --transport tls only')
    return { check: true, ca: null }
  }
  if (path === null) return await systemTrust()
  const read = await trustIn(path)
  if (!read.ok) throw new Complaint(`--ca: ${read.why}`)
  return read.trust
}

async function samplesOf(files: readonly string[]): Promise<Buffer | null> {
  const pieces: Buffer[] = []
  for (const path of files) {
    const read = await readAudioFile(path)
    if (!read.ok) throw new Complaint(`--send: ${read.why}; ${read.mend}`)
    pieces.push(read.samples)
  }
  return pieces.length === 0 ? null : Buffer.concat(pieces)
}

function text(parsed: Parsed, name: string): string | null {
  const value = parsed.values[name]
  return typeof value === 'string' ? value : null
}
