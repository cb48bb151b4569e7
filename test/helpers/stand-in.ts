/**
 * Stand-ins for the servers that probes ask: on a free port of loopback, answering what a test says. They
 * are no SEMS, Asterisk, Kamailio or rtpengine, only what such a server might send.
 */
import { createSocket } from 'node:dgram'
import { once } from 'node:events'
import { readdirSync, readlinkSync } from 'node:fs'
import { createServer, type Socket } from 'node:net'

export interface StandIn {
  address: string
  port: number
  /** Everything that was received, one item per datagram or piece. */
  heard: string[]
  close(): Promise<void>
}

const opened: StandIn[] = []

/** Closes all stand-ins that are still open. */
export async function closeStandIns(): Promise<void> {
  await Promise.all(opened.splice(0).map((standIn) => standIn.close()))
}

export type Answers = readonly (string | Buffer)[]

/** @param answers  datagrams sent back for one that came, `null`: silence */
export async function udpStandIn(
  answers: (request: Buffer, number: number) => Answers | null | Promise<Answers | null>,
): Promise<StandIn> {
  const socket = createSocket('udp4')
  const heard: string[] = []
  socket.on('message', async (request, from) => {
    heard.push(request.toString())
    for (const answer of (await answers(request, heard.length)) ?? []) {
      try {
        socket.send(answer, from.port, from.address, () => undefined)
      } catch {
        // The test is over.
      }
    }
  })
  socket.bind(0, '127.0.0.1')
  await once(socket, 'listening')
  return register({
    address: '127.0.0.1',
    port: socket.address().port,
    heard,
    async close() {
      socket.close()
      await once(socket, 'close')
    },
  })
}

/** @param talk  is handed each piece that came, the connection, and how many pieces there were; 0: it was just accepted */
export async function tcpStandIn(
  talk: (piece: string, socket: Socket, number: number) => void,
): Promise<StandIn> {
  const heard: string[] = []
  const sockets = new Set<Socket>()
  const server = createServer({ allowHalfOpen: true }, (socket) => {
    sockets.add(socket)
    let number = 0
    socket.on('error', () => undefined)
    socket.on('close', () => sockets.delete(socket))
    socket.on('data', (bytes) => {
      heard.push(bytes.toString())
      number += 1
      talk(bytes.toString(), socket, number)
    })
    talk('', socket, 0)
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const address = server.address()
  if (address === null || typeof address === 'string') throw new Error('no port')
  return register({
    address: '127.0.0.1',
    port: address.port,
    heard,
    async close() {
      for (const socket of sockets) socket.destroy()
      server.close()
      await once(server, 'close')
    },
  })
}

/** A place where nobody listens. */
export async function closedPort(kind: 'udp' | 'tcp'): Promise<{ address: string; port: number }> {
  const standIn = await (kind === 'udp' ? udpStandIn(() => null) : tcpStandIn(() => undefined))
  opened.splice(opened.indexOf(standIn), 1)
  await standIn.close()
  return { address: standIn.address, port: standIn.port }
}

/** How many sockets this process has open, of whatever kind, once no more are being closed. */
export async function openSockets(): Promise<number> {
  let count = countSockets()
  for (let same = 0; same < 5; same += 1) {
    await new Promise((resolve) => setTimeout(resolve, 10))
    const now = countSockets()
    if (now !== count) same = -1
    count = now
  }
  return count
}

function countSockets(): number {
  return readdirSync('/proc/self/fd').filter((fd) => {
    try {
      return readlinkSync(`/proc/self/fd/${fd}`).startsWith('socket:')
    } catch {
      // The one with which the directory was read.
      return false
    }
  }).length
}

function register(standIn: StandIn): StandIn {
  opened.push(standIn)
  return standIn
}
