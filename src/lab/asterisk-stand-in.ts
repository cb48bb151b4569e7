/**
 * Program: stands in for Asterisk, which Debian 12 does not have, on a node of the lab. It is no Asterisk: it
 * answers OPTIONS, and Login, Ping and Logoff where the manager of Asterisk would be asked.
 *
 *     asterisk-stand-in.js ADDRESS SIP_PORT MANAGER_PORT USER SECRET_FILE
 */
import { readFileSync } from 'node:fs'
import { createServer } from 'node:net'
import { answerOptions } from './options-answer.ts'

const [address = '', sipPort = '', managerPort = '', user = '', secretFile = ''] =
  process.argv.slice(2)
const secret = readFileSync(secretFile, 'utf8').trim()

answerOptions(address, Number(sipPort), 'Asterisk stand-in')

function reply(fields: ReadonlyMap<string, string>, response: string, more: string): string {
  const id = fields.get('actionid')
  const lines = [`Response: ${response}`, ...(id === undefined ? [] : [`ActionID: ${id}`]), more]
  return `${lines.join('\r\n')}\r\n\r\n`
}

createServer((socket) => {
  let known = false
  let heard = ''
  socket.on('error', () => socket.destroy())
  socket.write('Asterisk Call Manager/5.0.2\r\n')
  socket.setEncoding('utf8').on('data', (piece: string) => {
    const blocks = `${heard}${piece}`.split('\r\n\r\n')
    heard = blocks.pop() ?? ''
    for (const block of blocks) {
      const rows = block.split('\r\n').map((row) => row.split(/:\s*/, 2))
      const fields = new Map(rows.map(([key = '', value = '']) => [key.toLowerCase(), value]))
      const action = fields.get('action')?.toLowerCase()
      if (action === 'login') {
        known = fields.get('username') === user && fields.get('secret') === secret
        if (known) socket.write(reply(fields, 'Success', 'Message: Authentication accepted'))
        else socket.end(reply(fields, 'Error', 'Message: Authentication failed'))
      } else if (action === 'ping' && known) socket.write(reply(fields, 'Success', 'Ping: Pong'))
      else if (action === 'logoff') socket.end(reply(fields, 'Goodbye', 'Message: Thanks'))
      else socket.write(reply(fields, 'Error', 'Message: Permission denied'))
    }
  })
}).listen(Number(managerPort), address)
