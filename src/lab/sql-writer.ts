/**
 * Program: writes to a MariaDB server at a fixed rate, as an application with a pool of connections
 * does, and notes what was acknowledged.
 *
 * Each write is a transaction of its own with a key of its own. A connection has one write under way; it
 * waits for the answer as long as the connection stands, and connects anew at once when it breaks or the
 * server refuses the write. What got no answer stays unknown. Each line of the file is one acknowledged
 * write:
 *
 *     KEY ACKNOWLEDGED        moment in ms of the monotonic clock
 *
 * Argument: JSON {outFile, address, port, firstId, perSecond}.
 */
import { openSync, writeSync } from 'node:fs'
import { type Connection, createConnection } from 'mysql2'
import { APPLICATION } from './application.ts'

interface Order {
  outFile: string
  address: string
  port: number
  firstId: number
  perSecond: number
}

const CONNECTIONS = 8
const CONNECT_LIMIT_MS = 300
/** A pool waits a moment before it tries again: what is refused now is refused in a millisecond too. */
const AGAIN_MS = 20
/** What cannot be written in time is not saved up beyond this: an application does not wait for ever. */
const WAITING_MAX = 200

const order = JSON.parse(process.argv[2] ?? '') as Order
const out = openSync(order.outFile, 'a', 0o600)
const nowMs = (): number => Number(process.hrtime.bigint()) / 1e6
/** Connections that wait for something to write. */
const idle: Connection[] = []
let waiting = 0
let nextId = order.firstId

function connect(): void {
  const { address: host, port } = order
  const { user, password } = APPLICATION
  const mine = createConnection({ host, port, user, password, connectTimeout: CONNECT_LIMIT_MS })
  // It covers the connecting only; a server that says nothing afterwards must not hold us either.
  const limit = setTimeout(() => again(mine), CONNECT_LIMIT_MS)
  mine.on('connect', () => {
    clearTimeout(limit)
    idle.push(mine)
    pump()
  })
  mine.on('error', () => again(mine))
  mine.on('end', () => again(mine))
}

const over = new WeakSet<Connection>()

/** Gives a connection up, whatever happened to it, and makes another in its place. */
function again(connection: Connection): void {
  if (over.has(connection)) return
  over.add(connection)
  connection.destroy()
  const place = idle.indexOf(connection)
  if (place >= 0) idle.splice(place, 1)
  setTimeout(connect, AGAIN_MS)
}

function pump(): void {
  while (waiting > 0) {
    const connection = idle.shift()
    if (connection === undefined) return
    waiting -= 1
    write(connection)
  }
}

function write(connection: Connection): void {
  const id = nextId
  nextId += 1
  connection.query(`INSERT INTO ${APPLICATION.table} VALUES (${id}, 'w')`, (error) => {
    if (error !== null) {
      again(connection)
      return
    }
    writeSync(out, `${id} ${nowMs().toFixed(3)}\n`)
    if (over.has(connection)) return
    idle.push(connection)
    pump()
  })
}

for (let count = 0; count < CONNECTIONS; count += 1) connect()
const intervalMs = 1000 / order.perSecond
let dueMs = nowMs()
setInterval(() => {
  for (; dueMs <= nowMs(); dueMs += intervalMs) waiting = Math.min(WAITING_MAX, waiting + 1)
  pump()
}, 1)
