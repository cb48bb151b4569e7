/**
 * A stand-in for the event socket of FreeSWITCH, which Debian does not have: no FreeSWITCH, only its words. It
 * asks for a password, answers commands as a test says, and can be silent or rude.
 */
import { type StandIn, tcpStandIn } from './stand-in.ts'

export const EVENT_PASSWORD = 'fish and chips'

export interface EventSocketOptions {
  /** The text of the answer to a command; null: silence. */
  answer?: (command: string) => string | null
  /** What it does when somebody connects. */
  greets?: 'asks' | 'rude' | 'silent'
}

const answered = (text: string): string =>
  `Content-Type: api/response\nContent-Length: ${Buffer.byteLength(text)}\n\n${text}`
const replied = (text: string): string => `Content-Type: command/reply\nReply-Text: ${text}\n\n`
const closing = (type: string, text: string): string =>
  `Content-Type: ${type}\nContent-Length: ${Buffer.byteLength(text)}\n\n${text}`

/** `commands` are those that were carried out. */
export async function eventSocket(
  options: EventSocketOptions = {},
): Promise<StandIn & { commands: string[] }> {
  const { answer = () => '+OK\n', greets = 'asks' } = options
  const commands: string[] = []
  const standIn = await tcpStandIn((piece, socket, number) => {
    if (number === 0) {
      if (greets === 'asks') socket.write('Content-Type: auth/request\n\n')
      else if (greets === 'rude') {
        socket.end(closing('text/rude-rejection', 'Access Denied, go away.\n'))
      }
      return
    }
    const command = /^api (.*)\n\n$/.exec(piece)?.[1]
    if (piece === `auth ${EVENT_PASSWORD}\n\n`) socket.write(replied('+OK accepted'))
    else if (piece.startsWith('auth ')) {
      socket.write(replied('-ERR invalid'))
      socket.end(closing('text/disconnect-notice', 'Disconnected, goodbye.\n'))
    } else if (command !== undefined) {
      commands.push(command)
      const text = answer(command)
      // In two pieces: half an answer is none yet.
      if (text === null) return
      const whole = answered(text)
      socket.write(whole.slice(0, 30))
      setTimeout(() => socket.write(whole.slice(30)), 5)
    }
  })
  return Object.assign(standIn, { commands })
}
