/**
 * How does the active tell the standby which TCP connections its clients hold?
 *
 * One list in as many datagrams as it takes, each signed and readable by itself, at most 1 200 bytes
 * so that none is fragmented. Big endian.
 *
 * | offset | size | field                                                         |
 * | -----: | ---: | ------------------------------------------------------------- |
 * |      0 |    4 | magic `TNDC`                                                  |
 * |      4 |    1 | version, 1                                                    |
 * |      5 |    1 | id of the key that signed, 1 to 255                           |
 * |      6 |    2 | length of the whole datagram in bytes, 64 to 1 200            |
 * |      8 |    1 | node: 1 `sp1`, 2 `sp2`                                        |
 * |      9 |    1 | sent as 0, ignored                                            |
 * |     10 |    1 | part, from 0                                                  |
 * |     11 |    1 | parts of this list, 1 to 255                                  |
 * |     12 |    4 | sent as 0, ignored                                            |
 * |     16 |    8 | boot of the sender, as in its heartbeats                      |
 * |     24 |    6 | number of the list, from 1; a later list has a larger one     |
 * |     30 |    2 | sent as 0, ignored                                            |
 * |     32 |    n | groups: connections to one floating IP and port               |
 * | length - 32 | 32 | HMAC-SHA256 over everything before it                      |
 *
 * A group: family (1: 4 or 6), count (1: 1 to 255), port (2), floating IP (4 or 16), and `count` times the
 * client's address (4 or 16) and port (2). 6 bytes per IPv4 client: 2 000 of them take 11 datagrams.
 *
 * What harm could a forged or replayed list do? The reader sends a bare ACK to each client in it, in
 * the name of a floating IP it serves. A connection that lives here answers for itself and goes on; one
 * that is not here is reset, and it was dead. So the worst is some packets to addresses of the forger's
 * choice, at most CONNECTIONS_MAX times the rounds of one move; the HMAC keeps that to holders of the key,
 * boot and number keep recordings out. The list is not encrypted: it says who talks to the platform, no
 * more than the packets themselves say on the LAN.
 */
import { createHmac, timingSafeEqual } from 'node:crypto'
import type { NodeName } from '../core/policy.ts'
import { ipv4Text, ipv6Text } from './ethernet.ts'
import { addressBytes } from './ip-address.ts'
import type { PairKey } from './key.ts'

const MAGIC = 0x544e_4443
const VERSION = 1
const HEAD_BYTES = 32
const HMAC_BYTES = 32
const GROUP_COUNT_MAX = 255
const PARTS_MAX = 255
const U48_MAX = 0xffff_ffff_ffff
const NODES: readonly NodeName[] = ['sp1', 'sp2']

/** Below the 1 232 bytes that IPv6 carries everywhere (RFC 8200, 5). */
export const CONNECTION_LIST_MAX_BYTES = 1200
/** Connections in one list. In the worst case, all IPv6 and each to another port, they are 142 parts. */
export const CONNECTIONS_MAX = 4096

/** A TCP connection between a floating IP and somebody else. Addresses are numeric, without zones. */
export interface TcpConnection {
  readonly floatingIp: string
  readonly port: number
  readonly clientAddress: string
  readonly clientPort: number
}

export interface ConnectionList {
  readonly node: NodeName
  /** 16 hexadecimal digits. */
  readonly boot: string
  /** 1 to 2^48 - 1, larger than that of every earlier list of this boot. */
  readonly number: number
  readonly connections: readonly TcpConnection[]
}

/** One datagram of a list. */
export interface ConnectionListPart extends ConnectionList {
  /** 0 to `parts - 1`. */
  readonly part: number
  readonly parts: number
}

/** In the order in which it is looked at, cheapest first. */
export type ListRejectReason = 'short' | 'magic' | 'version' | 'length' | 'key' | 'hmac' | 'field'

export type ConnectionListRead =
  | { ok: true; part: ConnectionListPart }
  | { ok: false; reason: ListRejectReason }

/** Whether a datagram means to be a part of a list; nothing is proven by that. */
export function isConnectionList(bytes: Buffer): boolean {
  return bytes.length >= 4 && bytes.readUInt32BE(0) === MAGIC
}

/**
 * Writes and signs a list.
 *
 * @returns at least one datagram: an empty list is one that says so
 * @throws RangeError for more than CONNECTIONS_MAX connections, or an address, port or number that
 *   does not fit its place: our mistake
 */
export function encodeConnectionList(list: ConnectionList, key: PairKey): Buffer[] {
  if (list.connections.length > CONNECTIONS_MAX)
    throw new RangeError(`connection list: ${list.connections.length} connections`)
  if (!Number.isInteger(list.number) || list.number < 1 || list.number > U48_MAX)
    throw new RangeError(`connection list: number is ${list.number}`)
  if (!/^[0-9a-f]{16}$/.test(list.boot))
    throw new RangeError('connection list: boot must be 16 hexadecimal digits')
  const bodies = fillBodies(groupsOf(list.connections))
  if (bodies.length > PARTS_MAX) throw new RangeError(`connection list: ${bodies.length} parts`)
  return bodies.map((body, part) => {
    const bytes = Buffer.alloc(HEAD_BYTES + body.length + HMAC_BYTES)
    bytes.writeUInt32BE(MAGIC, 0)
    bytes[4] = VERSION
    bytes[5] = key.id
    bytes.writeUInt16BE(bytes.length, 6)
    bytes[8] = NODES.indexOf(list.node) + 1
    bytes[10] = part
    bytes[11] = bodies.length
    bytes.write(list.boot, 16, 'hex')
    bytes.writeUIntBE(list.number, 24, 6)
    body.copy(bytes, HEAD_BYTES)
    sign(bytes, key).copy(bytes, bytes.length - HMAC_BYTES)
    return bytes
  })
}

/**
 * Reads one datagram of a list. Never throws; what is none of the pair is a value with a reason.
 *
 * @param bytes  exactly one datagram; not kept
 * @param keys   every key that is accepted
 */
export function decodeConnectionList(
  bytes: Uint8Array,
  keys: readonly PairKey[],
): ConnectionListRead {
  const view = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length)
  if (view.length < HEAD_BYTES + HMAC_BYTES) return { ok: false, reason: 'short' }
  if (!isConnectionList(view)) return { ok: false, reason: 'magic' }
  if (view[4] !== VERSION) return { ok: false, reason: 'version' }
  if (view.length > CONNECTION_LIST_MAX_BYTES || view.readUInt16BE(6) !== view.length)
    return { ok: false, reason: 'length' }
  const key = keys.find((candidate) => candidate.id === view[5])
  if (key === undefined) return { ok: false, reason: 'key' }
  if (!timingSafeEqual(sign(view, key), view.subarray(view.length - HMAC_BYTES)))
    return { ok: false, reason: 'hmac' }
  const node = NODES[view.readUInt8(8) - 1]
  const part = view.readUInt8(10)
  const parts = view.readUInt8(11)
  const number = view.readUIntBE(24, 6)
  const connections = readGroups(view.subarray(HEAD_BYTES, view.length - HMAC_BYTES))
  if (node === undefined || part >= parts || number === 0 || connections === null)
    return { ok: false, reason: 'field' }
  const boot = view.toString('hex', 16, 24)
  return { ok: true, part: { node, boot, number, part, parts, connections } }
}

/** Connections to one floating IP and port, as bytes. */
interface Group {
  head: Buffer
  clients: Buffer[]
}

function groupsOf(connections: readonly TcpConnection[]): Iterable<Group> {
  const groups = new Map<string, Group>()
  for (const { floatingIp, port, clientAddress, clientPort } of connections) {
    const ours = addressBytes(floatingIp)
    const theirs = addressBytes(clientAddress)
    if (ours === null || theirs === null || ours.length !== theirs.length)
      throw new RangeError(`connection list: ${floatingIp} and ${clientAddress}`)
    const name = `${floatingIp} ${port}`
    let group = groups.get(name)
    if (group === undefined) {
      const head = Buffer.alloc(4 + ours.length)
      head[0] = ours.length === 4 ? 4 : 6
      head.writeUInt16BE(port, 2)
      head.set(ours, 4)
      group = { head, clients: [] }
      groups.set(name, group)
    }
    const client = Buffer.alloc(theirs.length + 2)
    client.set(theirs)
    client.writeUInt16BE(clientPort, theirs.length)
    group.clients.push(client)
  }
  return groups.values()
}

/** Fills datagrams one after the other; a group that does not fit is continued in the next. */
function fillBodies(groups: Iterable<Group>): Buffer[] {
  const room = CONNECTION_LIST_MAX_BYTES - HEAD_BYTES - HMAC_BYTES
  const bodies: Buffer[] = []
  let body: Buffer[] = []
  let used = 0
  for (const { head, clients } of groups) {
    const clientBytes = head.length - 2
    let done = 0
    while (done < clients.length) {
      const fitting = Math.floor((room - used - head.length) / clientBytes)
      if (fitting < 1) {
        bodies.push(Buffer.concat(body))
        body = []
        used = 0
        continue
      }
      const count = Math.min(fitting, clients.length - done, GROUP_COUNT_MAX)
      const mine = Buffer.from(head)
      mine[1] = count
      body.push(mine, ...clients.slice(done, done + count))
      used += head.length + count * clientBytes
      done += count
    }
  }
  if (body.length > 0 || bodies.length === 0) bodies.push(Buffer.concat(body))
  return bodies
}

/** @returns null when the bytes are not whole groups to the end */
function readGroups(bytes: Buffer): TcpConnection[] | null {
  const connections: TcpConnection[] = []
  let at = 0
  while (at < bytes.length) {
    const family = bytes[at]
    const size = family === 4 ? 4 : 16
    const count = bytes[at + 1] ?? 0
    const clientsAt = at + 4 + size
    const end = clientsAt + count * (size + 2)
    if ((family !== 4 && family !== 6) || count === 0 || end > bytes.length) return null
    const text = family === 4 ? ipv4Text : ipv6Text
    const port = bytes.readUInt16BE(at + 2)
    const floatingIp = text(bytes, at + 4)
    for (let client = clientsAt; client < end; client += size + 2) {
      const clientPort = bytes.readUInt16BE(client + size)
      if (port === 0 || clientPort === 0) return null
      connections.push({ floatingIp, port, clientAddress: text(bytes, client), clientPort })
    }
    at = end
  }
  return connections
}

function sign(bytes: Buffer, key: PairKey): Buffer {
  return createHmac('sha256', key.secret)
    .update(bytes.subarray(0, bytes.length - HMAC_BYTES))
    .digest()
}
