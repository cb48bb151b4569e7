/**
 * What stands inside a header? Lists, name-addresses, parameters and Via.
 *
 * RFC 3261 section 25.1. Commas and semicolons count only outside of quotes and angle brackets. Nothing
 * here throws; what cannot be read is null.
 */
import { type Header, headersOf } from './message.ts'

export interface NameAddress {
  uri: string
  /** Of the header, not of the URI; names in lower case, `''` for one without a value. */
  params: ReadonlyMap<string, string>
}

export interface Via {
  /** Upper case: `UDP`, `TCP`, `TLS`. */
  transport: string
  host: string
  port: number | null
  params: ReadonlyMap<string, string>
}

/** Parts of a header that is a list, without spaces around them. */
export function splitList(value: string): string[] {
  return splitOutside(value, ',').filter((part) => part !== '')
}

/** Every entry of that header, whether one line carries many or many carry one each. */
export function listOf(message: { readonly headers: readonly Header[] }, name: string): string[] {
  return headersOf(message, name).flatMap(splitList)
}

/** `"Name" <sip:a@b;lr>;tag=x`, or `sip:a@b;tag=x`, whose parameters belong to the header. */
export function readNameAddress(value: string): NameAddress | null {
  const open = indexOutsideQuotes(value, '<')
  if (open < 0) {
    const [uri = '', ...rest] = splitOutside(value, ';')
    return uri === '' || /\s/.test(uri) ? null : { uri, params: paramsOf(rest) }
  }
  const close = value.indexOf('>', open)
  if (close < 0) return null
  const uri = value.slice(open + 1, close).trim()
  if (uri === '' || /\s/.test(uri)) return null
  return { uri, params: paramsOf(splitOutside(value.slice(close + 1), ';').slice(1)) }
}

/** The tag of a From or To; null when it has none. */
export function tagOf(value: string | null): string | null {
  const tag = value === null ? undefined : readNameAddress(value)?.params.get('tag')
  return tag === undefined || tag === '' ? null : tag
}

/** The uppermost Via, which says who sent a request and whom an answer is for. */
export function topVia(message: { readonly headers: readonly Header[] }): Via | null {
  const [first] = listOf(message, 'via')
  return first === undefined ? null : readVia(first)
}

export function readVia(value: string): Via | null {
  const [head = '', ...rest] = splitOutside(value, ';')
  const found =
    /^SIP\s*\/\s*2\.0\s*\/\s*(\w+)\s+(\[[0-9a-fA-F:.]+\]|[^\s:;,]+)(?:\s*:\s*(\d{1,5}))?$/i.exec(
      head,
    )
  const [, transport, host, port] = found ?? []
  if (transport === undefined || host === undefined) return null
  return {
    transport: transport.toUpperCase(),
    host: host.replace(/^\[|\]$/g, ''),
    port: port === undefined ? null : Number(port),
    params: paramsOf(rest),
  }
}

/** `name=value` parts; the first of a name counts. */
export function paramsOf(parts: readonly string[]): Map<string, string> {
  const params = new Map<string, string>()
  for (const part of parts) {
    const equals = part.indexOf('=')
    const name = (equals < 0 ? part : part.slice(0, equals)).trim().toLowerCase()
    const value = equals < 0 ? '' : unquote(part.slice(equals + 1).trim())
    if (name !== '' && !params.has(name)) params.set(name, value)
  }
  return params
}

/** Without quotes and escapes; a text that is not quoted as it is. */
export function unquote(text: string): string {
  if (!/^".*"$/s.test(text) || text.length < 2) return text
  return text.slice(1, -1).replace(/\\(.)/gs, '$1')
}

export function quote(text: string): string {
  return `"${text.replace(/[\\"]/g, '\\$&')}"`
}

function splitOutside(value: string, separator: string): string[] {
  const parts: string[] = []
  let quoted = false
  let bracketed = false
  let from = 0
  for (let index = 0; index < value.length; index += 1) {
    const letter = value[index]
    if (quoted) {
      if (letter === '\\') index += 1
      else if (letter === '"') quoted = false
    } else if (letter === '"') quoted = true
    else if (letter === '<') bracketed = true
    else if (letter === '>') bracketed = false
    else if (letter === separator && !bracketed) {
      parts.push(value.slice(from, index).trim())
      from = index + 1
    }
  }
  parts.push(value.slice(from).trim())
  return parts
}

function indexOutsideQuotes(value: string, wanted: string): number {
  let quoted = false
  for (let index = 0; index < value.length; index += 1) {
    const letter = value[index]
    if (quoted && letter === '\\') index += 1
    else if (letter === '"') quoted = !quoted
    else if (letter === wanted && !quoted) return index
  }
  return -1
}
