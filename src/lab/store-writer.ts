/**
 * Program: writes to a Redis server at a fixed rate, as an application does, and notes what was
 * acknowledged.
 *
 * One connection at a time, commands sent without waiting for answers. When the connection ends, what
 * waited for an answer stays unknown, and the next connection is made at once. Each line of the file
 * is one acknowledged write:
 *
 *     KEY ACKNOWLEDGED        moment in ms of the monotonic clock
 *
 * Argument: JSON {outFile, address, port, prefix, perSecond}.
 */
import { openSync, writeSync } from 'node:fs'
import { createConnection, type Socket } from 'node:net'

interface Order {
  outFile: string
  address: string
  port: number
  prefix: string
  perSecond: number
}

const CONNECT_LIMIT_MS = 300
const AGAIN_MS = 5
/** More without an answer than this, and the writer waits: an application does not send for ever. */
const WAITING_MAX = 200

const order = JSON.parse(process.argv[2] ?? '') as Order
const out = openSync(order.outFile, 'a', 0o600)
const nowMs = (): number => Number(process.hrtime.bigint()) / 1e6
let socket: Socket | null = null
let ready = false
let waiting: string[] = []
let text = ''
let number = 0

function connect(): void {
  const mine = createConnection({ host: order.address, port: order.port, noDelay: true })
  socket = mine
  const limit = setTimeout(() => mine.destroy(), CONNECT_LIMIT_MS)
  mine.on('connect', () => {
    clearTimeout(limit)
    ready = true
  })
  mine.on('data', (bytes: Buffer) => take(bytes.toString('latin1')))
  mine.on('error', () => {})
  mine.on('close', () => {
    clearTimeout(limit)
    if (mine !== socket) return
    ready = false
    waiting = []
    text = ''
    setTimeout(connect, AGAIN_MS)
  })
}

function take(more: string): void {
  text += more
  for (let end = text.indexOf('\r\n'); end >= 0; end = text.indexOf('\r\n')) {
    const answer = text.slice(0, end)
    text = text.slice(end + 2)
    const key = waiting.shift()
    if (key !== undefined && answer === '+OK') writeSync(out, `${key} ${nowMs().toFixed(3)}\n`)
    // Refused: this is not the node that takes writes. An application connects anew.
    else if (answer.startsWith('-READONLY')) socket?.destroy()
  }
}

function write(): void {
  if (!ready || waiting.length >= WAITING_MAX) return
  number += 1
  const key = `${order.prefix}${number}`
  waiting.push(key)
  socket?.write(`SET ${key} ${number}\r\n`)
}

connect()
const intervalMs = 1000 / order.perSecond
let dueMs = nowMs()
setInterval(() => {
  for (; dueMs <= nowMs(); dueMs += intervalMs) write()
}, 1)
