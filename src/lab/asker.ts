/**
 * Program: asks several addresses at a fixed rate who they are, and writes down what came back.
 *
 * Writes to a file on tmpfs and never to a pipe: a reader that is not scheduled must not stop the
 * clock of the measurement. One line per question, written when it was answered or given up:
 *
 *     TARGET SENT ANSWERED NAME        moments in ms of the monotonic clock; "-" for no answer
 *
 * Argument: JSON {outFile, port, intervalMs, patienceMs, targets: [{name, address}]}.
 */
import { createSocket, type Socket } from 'node:dgram'
import { openSync, writeSync } from 'node:fs'
import { isIPv6 } from 'node:net'
import { literalLookup } from './literal-lookup.ts'

interface Order {
  outFile: string
  port: number
  intervalMs: number
  patienceMs: number
  targets: { name: string; address: string }[]
}

/** Questions of one target in flight, by number. Maps keep insertion order: the oldest is first. */
interface Target {
  name: string
  socket: Socket
  connected: boolean
  sentAtMs: Map<number, number>
}

const order = JSON.parse(process.argv[2] ?? '') as Order
const out = openSync(order.outFile, 'a', 0o600)
const nowMs = (): number => Number(process.hrtime.bigint()) / 1e6
let lines: string[] = []
let number = 0

const targets = order.targets.map(({ name, address }): Target => {
  const socket = createSocket({ type: isIPv6(address) ? 'udp6' : 'udp4', lookup: literalLookup })
  const target: Target = { name, socket, connected: false, sentAtMs: new Map() }
  socket.on('message', (answer) => {
    const atMs = nowMs()
    if (answer.length <= 4) return
    const sequence = answer.readUInt32BE(0)
    const sentMs = target.sentAtMs.get(sequence)
    // Unknown: a duplicate, or one that was given up. The silence it ends is ended by the next.
    if (sentMs === undefined) return
    target.sentAtMs.delete(sequence)
    lines.push(`${name} ${sentMs.toFixed(3)} ${atMs.toFixed(3)} ${answer.toString('latin1', 4)}\n`)
  })
  // Refused or unreachable: that question stays unanswered, which is all there is to know.
  socket.on('error', () => {})
  socket.connect(order.port, address, () => {
    target.connected = true
  })
  return target
})

function ask(): void {
  number += 1
  const question = Buffer.alloc(4)
  question.writeUInt32BE(number >>> 0, 0)
  for (const target of targets) {
    if (!target.connected) continue
    target.sentAtMs.set(number >>> 0, nowMs())
    target.socket.send(question, () => {})
  }
}

function giveUp(): void {
  const limitMs = nowMs() - order.patienceMs
  for (const target of targets) {
    for (const [sequence, sentMs] of target.sentAtMs) {
      if (sentMs > limitMs) break
      target.sentAtMs.delete(sequence)
      lines.push(`${target.name} ${sentMs.toFixed(3)} - -\n`)
    }
  }
}

let dueMs = nowMs()
function turn(): void {
  ask()
  if (number % 4 === 0) {
    giveUp()
    if (lines.length > 0) writeSync(out, lines.join(''))
    lines = []
  }
  // Due times are absolute, so that the rate holds; after a pause the missed ones are skipped.
  const atMs = nowMs()
  dueMs += order.intervalMs
  if (dueMs < atMs) dueMs = atMs
  setTimeout(turn, Math.max(1, dueMs - atMs))
}
setTimeout(turn, 20)
