/**
 * A small stateless SIP proxy and registrar for tests, by UDP on loopback: what goes to a user goes to the
 * Contact that was registered last. It record-routes itself twice, as a pair of proxies does, and may spoil
 * the audio of one direction by naming a dead port in the SDP.
 */
import { createSocket } from 'node:dgram'
import { readText } from './sip-uas.ts'

export interface Relay {
  port: number
  /** First lines of everything that was relayed. */
  relayed: string[]
  close: () => Promise<void>
}

export interface RelayOptions {
  /** Whose SDP is spoilt: `offer` has the callee send into the void, `answer` the caller. */
  spoil?: 'offer' | 'answer'
}

export async function startRelay(options: RelayOptions = {}): Promise<Relay> {
  const socket = createSocket('udp4')
  const bindings = new Map<string, number>()
  const relayed: string[] = []
  const port = await new Promise<number>((resolve) => {
    socket.bind(0, '127.0.0.1', () => resolve(socket.address().port))
  })
  const send = (text: string, to: number): void => {
    relayed.push(text.split('\r\n')[0] ?? '')
    socket.send(text, to, '127.0.0.1', () => {})
  }
  const spoilt = (text: string): string => {
    const [head = '', body = ''] = text.split('\r\n\r\n')
    const dead = body.replace(/^m=audio \d+/m, 'm=audio 9')
    const length = `Content-Length: ${Buffer.byteLength(dead)}`
    return `${head.replace(/content-length: *\d+/i, length)}\r\n\r\n${dead}`
  }
  socket.on('message', (bytes, from) => {
    const text = bytes.toString()
    const read = readText(text)
    if (read.status > 0) {
      const without = text.replace(/^Via: [^\r]*\r\n/m, '')
      const back = /;rport=(\d+)/.exec(readText(without).header('via'))?.[1]
      const answer = options.spoil === 'answer' && /INVITE$/.test(read.header('cseq'))
      return send(answer ? spoilt(without) : without, Number(back))
    }
    const user = /sip:([^@]+)@/.exec(read.method === 'REGISTER' ? read.header('to') : read.uri)?.[1]
    if (read.method === 'REGISTER') {
      const contact = Number(/:(\d+)>/.exec(read.header('contact'))?.[1])
      if (read.header('expires') === '0') bindings.delete(user ?? '')
      else bindings.set(user ?? '', contact)
      return send(reply(text, '200 OK', from.port), from.port)
    }
    const routed = read.all('route').length > 0
    const there = routed
      ? Number(/:(\d+)(?:;|$)/.exec(read.uri)?.[1])
      : (bindings.get(user ?? '') ?? 0)
    if (there === 0) {
      if (read.method !== 'ACK') send(reply(text, '404 Not Found', from.port), from.port)
      return
    }
    const marked = text.replace(/;rport(?=\r\n)/, `;rport=${from.port};received=127.0.0.1`)
    const branch = /branch=([^;\r]+)/.exec(text)?.[1] ?? ''
    const own = `Via: SIP/2.0/UDP 127.0.0.1:${port};branch=${branch}.1\r\n`
    const rr =
      read.method === 'INVITE'
        ? `Record-Route: <sip:127.0.0.1:${port};lr;hop=2>, <sip:127.0.0.1:${port};lr;hop=1>\r\n`
        : ''
    const target = routed ? read.uri : `sip:${user}@127.0.0.1:${there}`
    const bare = routed ? marked.replace(/^Route: [^\r]*\r\n/gm, '') : marked
    const lines = bare.replace(/^(\S+) \S+ SIP\/2\.0\r\n/, `$1 ${target} SIP/2.0\r\n${own}${rr}`)
    send(options.spoil === 'offer' && read.method === 'INVITE' ? spoilt(lines) : lines, there)
  })
  return {
    port,
    relayed,
    close: () => new Promise((resolve) => socket.close(() => resolve())),
  }
}

function reply(text: string, status: string, port: number): string {
  const kept = text
    .split('\r\n\r\n')[0]
    ?.split('\r\n')
    .filter((line) => /^(via|from|to|call-id|cseq):/i.test(line))
    .map((line) => line.replace(/;rport$/, `;rport=${port};received=127.0.0.1`))
    .map((line) => (/^to:/i.test(line) && !line.includes('tag=') ? `${line};tag=relay` : line))
  return [`SIP/2.0 ${status}`, ...(kept ?? []), 'Content-Length: 0', '', ''].join('\r\n')
}
