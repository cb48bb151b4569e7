/**
 * Which address and port does a probe ask?
 *
 * `10.0.0.50:5060` or `[fd83::50]:5060`. Strict: no names, no zones, no ports left out, no address that
 * nobody can answer on.
 */
import { kindOf, parseAddress } from './address.ts'

export type Place =
  | { ok: true; address: string; port: number }
  | { ok: false; mistake: string; mend: string }

/** Reads `ADDRESS:PORT`; the address comes back in its one spelling. */
export function place(text: string): Place {
  if (text === '') return wrong('does not say where it asks', 'add address and port')
  const bracketed = /^\[([^\]]*)\](?::(.*))?$/.exec(text)
  const colon = text.lastIndexOf(':')
  // `fd83::50:5060` is an address itself: where its port begins cannot be told.
  if (bracketed === null && text.indexOf(':') !== colon && parseAddress(text) !== null) {
    const ported = /:\d{4,5}$/.test(text)
    return wrong(
      'has an IPv6 address without brackets',
      ported ? 'write it as [ADDRESS]:PORT' : `write [${text}]: and the port`,
    )
  }
  const host = bracketed?.[1] ?? (colon < 0 ? text : text.slice(0, colon))
  const port = bracketed === null ? (colon < 0 ? undefined : text.slice(colon + 1)) : bracketed[2]
  const address = parseAddress(host)
  if (address === null || (address.family === 6) !== (bracketed !== null)) {
    return wrong(
      'has no usable address',
      'write a numeric one (IPv6 in brackets), names are not looked up',
    )
  }
  const kind = kindOf(address)
  if (kind !== 'unicast' && kind !== 'loopback') {
    return wrong(`asks an address that is ${kind}`, 'write the address of one socket')
  }
  if (port === undefined || port === '') return wrong('has no port', 'add it after the address')
  if (!/^[1-9]\d{0,4}$/.test(port) || Number(port) > 65_535) {
    return wrong('has no usable port', 'write a number from 1 to 65535')
  }
  return { ok: true, address: address.text, port: Number(port) }
}

/** Address and port as they stand in a probe: IPv6 in brackets. */
export function placeText({ address, port }: { address: string; port: number }): string {
  return address.includes(':') ? `[${address}]:${port}` : `${address}:${port}`
}

function wrong(mistake: string, mend: string): Place {
  return { ok: false, mistake, mend }
}
