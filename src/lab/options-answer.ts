/**
 * The SIP side of the lab's stand-ins: answers OPTIONS with 200 and everything else with 501.
 *
 * No more than a probe needs; calls are for the real Kamailio and rtpengine of the lab.
 */
import { createSocket } from 'node:dgram'

/** Headers that an answer takes from its request. */
const ECHOED = /^(via|v|from|f|to|t|call-id|i|cseq)\s*:/i

/** Answers on a UDP port until the process ends. */
export function answerOptions(address: string, port: number, server: string): void {
  const socket = createSocket('udp4')
  socket.on('message', (request, from) => {
    const answer = answerTo(request.toString('latin1'), server)
    if (answer !== null) socket.send(answer, from.port, from.address)
  })
  socket.bind(port, address)
}

/** @returns null when it is no request, or one that is never answered */
export function answerTo(request: string, server: string): string | null {
  const [first = '', ...lines] = request.split('\r\n')
  const method = /^([A-Z]+) \S+ SIP\/2\.0$/.exec(first)?.[1]
  if (method === undefined || method === 'ACK') return null
  const end = lines.indexOf('')
  const echoed = lines.slice(0, end < 0 ? lines.length : end).filter((line) => ECHOED.test(line))
  const tagged = echoed.map((line) =>
    /^(to|t)\s*:/i.test(line) && !/;\s*tag=/i.test(line) ? `${line};tag=stand-in` : line,
  )
  const status = method === 'OPTIONS' ? '200 OK' : '501 Not Implemented'
  return [`SIP/2.0 ${status}`, ...tagged, `Server: ${server}`, 'Content-Length: 0', '', ''].join(
    '\r\n',
  )
}
