/**
 * Which user, host and port does a SIP URI name?
 *
 * RFC 3261 section 19.1, as far as a user agent needs it. Headers behind `?` are not kept. No names are
 * looked up here.
 */
import { addressBytes } from '../wire/ip-address.ts'

export type Transport = 'udp' | 'tcp' | 'tls'

export interface SipUri {
  scheme: 'sip' | 'sips'
  user: string | null
  /** Without the brackets of an IPv6 address. */
  host: string
  /** Null: the transport's own. */
  port: number | null
  params: ReadonlyMap<string, string>
}

/** A place to send to; the address is numeric. */
export interface Place {
  address: string
  port: number
}

/** As people write it: a name or an address. */
export interface HostPort {
  host: string
  port: number | null
}

const URI =
  /^(sips?):(?:([^@\s<>"]+)@)?(\[[0-9a-fA-F:.]+\]|[A-Za-z0-9._-]+)(?::(\d{1,5}))?((?:;[^?\s<>"]*)?)(?:\?\S*)?$/i

/** @returns null when it is not a SIP URI */
export function readUri(text: string): SipUri | null {
  const [, scheme = '', user, host = '', port, params = ''] = URI.exec(text) ?? []
  if (scheme === '' || !isPort(port)) return null
  const bare = host.replace(/^\[|\]$/g, '')
  if (host.startsWith('[') && addressBytes(bare)?.length !== 16) return null
  const pairs = params
    .split(';')
    .filter((part) => part !== '')
    .map((part): [string, string] => {
      const [name = '', value = ''] = part.split('=', 2)
      return [name.toLowerCase(), value]
    })
  return {
    scheme: scheme.toLowerCase() === 'sips' ? 'sips' : 'sip',
    // A password in a URI is nothing we would use or show.
    user: user === undefined ? null : (user.split(':')[0] ?? user),
    host: bare,
    port: port === undefined ? null : Number(port),
    params: new Map(pairs),
  }
}

/** `HOST`, `HOST:PORT`, `[v6]`, `[v6]:PORT` or a bare IPv6 address; null when it is none of these. */
export function readHostPort(text: string): HostPort | null {
  if (text.includes(':') && addressBytes(text)?.length === 16) return { host: text, port: null }
  const [, host = '', port] =
    /^(\[[0-9a-fA-F:.]+(?:%[\w.-]+)?\]|[A-Za-z0-9._-]+)(?::(\d{1,5}))?$/.exec(text) ?? []
  if (host === '' || !isPort(port)) return null
  const bare = host.replace(/^\[|\]$/g, '')
  if (host.startsWith('[') && addressBytes(bare)?.length !== 16) return null
  return { host: bare, port: port === undefined ? null : Number(port) }
}

/** The host as it stands in URIs and Via: IPv6 in brackets. */
export function hostText(host: string): string {
  return host.includes(':') ? `[${host}]` : host
}

/** `10.0.0.50:5060`, `[fd83::50]:5061`. */
export function placeText({ address, port }: Place): string {
  return `${hostText(address)}:${port}`
}

/** RFC 3261 section 19.1.2. */
export function defaultPort(transport: Transport): number {
  return transport === 'tls' ? 5061 : 5060
}

function isPort(text: string | undefined): boolean {
  return text === undefined || (Number(text) > 0 && Number(text) < 65_536)
}
