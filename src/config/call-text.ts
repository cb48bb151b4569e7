/**
 * Which test call was written down?
 *
 *     call alice@example.org bob@example.org udp:10.0.0.50:5060 password /etc/tandem/alice local seconds 2 every 300s
 *
 * Who calls whom, by which transport and address, and then, in any order: `password` with the file that holds
 * it (the caller registers, and with `local` the callee too), `local` (we answer the call ourselves, so that
 * both directions of the audio are counted), `seconds` of audio, and `every` for how often. HOST in the two
 * names stands for the address.
 */
import { place, placeText } from './check-place.ts'
import type { SipTransport } from './check-text.ts'

export interface CallConfig {
  from: string
  to: string
  transport: SipTransport
  address: string
  port: number
  /** Null: nobody registers. */
  passwordFile: string | null
  local: boolean
  /** Of audio; 0: none is asked for. */
  seconds: number
  everyMs: number
}

export const CALL_EXAMPLE =
  'call alice@HOST bob@HOST udp:10.0.0.50:5060 password /etc/tandem/sip-password'

export type ParsedCall =
  | { ok: true; call: CallConfig }
  | { ok: false; mistake: string; mend: string; secret?: true }

const SECONDS = 2
const SECONDS_MAX = 60
const EVERY_S = { usual: 60, min: 10, max: 86_400 }
const SUBSCRIBER = /^(sip:)?[^\s@:<>"]+@(\[[0-9a-fA-F:.]+\]|[A-Za-z0-9._-]+)(:\d{1,5})?(;\S*)?$/
const TRANSPORTS = ['udp', 'tcp', 'tls'] as const

/** Reads what follows the word `call`. */
export function parseCall(words: readonly string[]): ParsedCall {
  const [from = '', to = '', where = '', ...rest] = words
  for (const subscriber of [from, to]) {
    if (SUBSCRIBER.test(subscriber)) continue
    const secret = { secret: true } as const
    const mistake = 'does not say who calls whom'
    return { ...wrong(mistake, 'write USER@HOST twice, and never a password'), ...secret }
  }
  const [, told = '', at = ''] = /^(\w+):(.*)$/.exec(where) ?? []
  const transport = TRANSPORTS.find((known) => known === told)
  if (transport === undefined) {
    return wrong('does not say by which transport', 'write udp:, tcp: or tls: before the address')
  }
  const target = place(at)
  if (!target.ok) return wrong(target.mistake, target.mend)
  const { address, port } = target
  return readOptions(rest, { from, to, transport, address, port, ...USUAL })
}

const USUAL = { passwordFile: null, local: false, seconds: SECONDS, everyMs: EVERY_S.usual * 1000 }

function readOptions(words: readonly string[], usual: CallConfig): ParsedCall {
  const call = { ...usual }
  for (let index = 0; index < words.length; index += 1) {
    const word = words[index] ?? ''
    if (word === 'local') {
      call.local = true
      continue
    }
    index += 1
    const value = words[index] ?? ''
    if (word === 'password') {
      const mend = 'write the path of a file of mode 0600 behind "password", never the password'
      if (!value.startsWith('/')) {
        return { ...wrong('has a password that is no absolute path', mend), secret: true }
      }
      call.passwordFile = value
    } else if (word === 'seconds') {
      if (!/^\d{1,2}$/.test(value) || Number(value) > SECONDS_MAX) {
        return wrong('has no usable number of seconds', `write 0 to ${SECONDS_MAX}`)
      }
      call.seconds = Number(value)
    } else if (word === 'every') {
      const seconds = Number(/^(\d{1,6})s$/.exec(value)?.[1] ?? Number.NaN)
      if (!(seconds >= EVERY_S.min && seconds <= EVERY_S.max)) {
        return wrong('has no usable time after "every"', `write ${EVERY_S.min}s to ${EVERY_S.max}s`)
      }
      call.everyMs = seconds * 1000
    } else {
      const mend = 'behind the address stand password FILE, local, seconds N and every Ns'
      return { ...wrong('has a word that is none of its options', mend), secret: true }
    }
  }
  return { ok: true, call }
}

/** Writes it down; `parseCall` reads it back to the same. */
export function callText(call: CallConfig): string {
  const { from, to, transport, passwordFile, local, seconds, everyMs } = call
  const password = passwordFile === null ? '' : ` password ${passwordFile}`
  const audio = seconds === SECONDS ? '' : ` seconds ${seconds}`
  const every = everyMs === USUAL.everyMs ? '' : ` every ${everyMs / 1000}s`
  return `call ${from} ${to} ${transport}:${placeText(call)}${password}${local ? ' local' : ''}${audio}${every}`
}

function wrong(mistake: string, mend: string): { ok: false; mistake: string; mend: string } {
  return { ok: false, mistake, mend: `${mend}, as "${CALL_EXAMPLE}"` }
}
