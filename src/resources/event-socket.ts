/**
 * What does FreeSWITCH say to a command? Over its event socket (mod_event_socket), one connection per command.
 *
 * It asks for the password first; a command's answer is a block of headers and, where they say so, so many
 * bytes behind it. The password is read from its file each time and is never part of what we say.
 *
 * @source FreeSWITCH, mod_event_socket: `auth/request`, `command/reply`, `api/response`
 */
import { placeText } from '../config/check-place.ts'
import { readPassword } from '../system/password.ts'
import { openTcp, type TcpLine } from '../system/tcp-ask.ts'
import { nothing, quote } from './checks/words.ts'

export interface EventSocket {
  /** Numeric. */
  address: string
  port: number
  /** One line, mode 0600. */
  passwordFile: string
}

export type EventSocketAnswer = { ok: true; text: string } | { ok: false; message: string }

const ANSWER_MAX_BYTES = 256 * 1024

interface Packet {
  /** By lower case name. */
  headers: ReadonlyMap<string, string>
  body: string
}

/**
 * Says one command, as `sofia recover`.
 *
 * @param limitMs  above zero
 * @returns never rejects; ends within the limit; not ok also when FreeSWITCH refused it
 */
export async function askFreeswitch(
  place: EventSocket,
  command: string,
  limitMs: number,
): Promise<EventSocketAnswer> {
  const target = `FreeSWITCH at ${placeText(place)}`
  const fault = (what: string): EventSocketAnswer => ({ ok: false, message: `${target}: ${what}` })
  const read = await readPassword(place.passwordFile)
  if (!read.ok) return fault(`the password could not be read: ${read.message}`)
  const { password } = read
  // A second line would be a command of its own.
  if (password === '' || /[\r\n\0]/.test(password)) {
    return fault(`${place.passwordFile} does not hold one line`)
  }
  const controller = new AbortController()
  const timer = setTimeout(() => controller.abort(), limitMs)
  try {
    const opened = await openTcp({ ...place, signal: controller.signal })
    if (!opened.ok) return fault(`expected a connection, ${nothing(opened, place, limitMs)}`)
    try {
      const talk = { line: opened.line, place, limitMs }
      const why = await enter(talk, password)
      return why === null ? judge(await say(talk, `api ${command}`), command, fault) : fault(why)
    } finally {
      opened.line.close()
    }
  } finally {
    clearTimeout(timer)
  }
}

interface Talk {
  line: TcpLine
  place: EventSocket
  limitMs: number
}

/** @returns why it does not let us in; null when it does */
async function enter(talk: Talk, password: string): Promise<string | null> {
  const asked = await packet(talk)
  if (typeof asked === 'string') return `expected to be asked for the password, ${asked}`
  const type = asked.headers.get('content-type')
  if (type === 'text/rude-rejection') {
    return 'it does not take connections from here: mend apply-inbound-acl of event_socket.conf.xml'
  }
  if (type !== 'auth/request') return `expected to be asked for the password, came ${shown(asked)}`
  const reply = await say(talk, `auth ${password}`)
  if (typeof reply === 'string') return `expected an answer to the password, ${reply}`
  if (reply.headers.get('reply-text')?.startsWith('+OK') === true) return null
  return `it does not take the password in ${talk.place.passwordFile}: compare with event_socket.conf.xml`
}

async function say(talk: Talk, command: string): Promise<Packet | string> {
  talk.line.write(`${command}\n\n`)
  return await packet(talk)
}

/** The next one, or what came instead as the end of a sentence. */
async function packet({ line, place, limitMs }: Talk): Promise<Packet | string> {
  const read = await line.read(readPacket, ANSWER_MAX_BYTES)
  return read.ok ? read.value : nothing(read, place, limitMs)
}

function readPacket(heard: Buffer): { value: Packet; used: number } | null {
  const end = heard.indexOf('\n\n')
  if (end < 0) return null
  const headers = new Map<string, string>()
  for (const row of heard.subarray(0, end).toString('utf8').split('\n')) {
    const colon = row.indexOf(':')
    if (colon > 0)
      headers.set(row.slice(0, colon).trim().toLowerCase(), row.slice(colon + 1).trim())
  }
  const length = Number(headers.get('content-length') ?? 0)
  const used = end + 2 + (Number.isSafeInteger(length) && length > 0 ? length : 0)
  if (heard.length < used) return null
  return { value: { headers, body: heard.subarray(end + 2, used).toString('utf8') }, used }
}

/** Refusals have no code: they are told in the text. */
function judge(
  answer: Packet | string,
  command: string,
  fault: (what: string) => EventSocketAnswer,
): EventSocketAnswer {
  const wanted = `expected an answer to "${command}"`
  if (typeof answer === 'string') return fault(`${wanted}, ${answer}`)
  const text = answer.body.trim()
  const isAnswer = answer.headers.get('content-type') === 'api/response'
  if (!isAnswer || /^-|^invalid|^no such/i.test(text))
    return fault(`${wanted}, came ${shown(answer)}`)
  return { ok: true, text }
}

function shown({ headers, body }: Packet): string {
  return quote(body.trim() || headers.get('reply-text') || headers.get('content-type') || '')
}
