/**
 * How does the active tell the standby which TCP connections its clients hold?
 *
 * A list of the kind `TNDC` (`signed-list.ts`). What it says are groups: connections to one floating IP and
 * port. Big endian.
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
import { ipv4Text, ipv6Text } from './ethernet.ts'
import { addressBytes } from './ip-address.ts'
import type { PairKey } from './key.ts'
import {
  hasMagic,
  LIST_BODY_MAX_BYTES,
  LIST_PART_MAX_BYTES,
  type ListHead,
  type ListRejectReason,
  openListPart,
  signList,
} from './signed-list.ts'

const MAGIC = 0x544e_4443
const GROUP_COUNT_MAX = 255

export const CONNECTION_LIST_MAX_BYTES = LIST_PART_MAX_BYTES
/** Connections in one list. In the worst case, all IPv6 and each to another port, they are 142 parts. */
export const CONNECTIONS_MAX = 4096

/** A TCP connection between a floating IP and somebody else. Addresses are numeric, without zones. */
export interface TcpConnection {
  readonly floatingIp: string
  readonly port: number
  readonly clientAddress: string
  readonly clientPort: number
}

export interface ConnectionList extends ListHead {
  readonly connections: readonly TcpConnection[]
}

/** One datagram of a list. */
export interface ConnectionListPart extends ConnectionList {
  /** 0 to `parts - 1`. */
  readonly part: number
  readonly parts: number
}

export type ConnectionListRead =
  | { ok: true; part: ConnectionListPart }
  | { ok: false; reason: ListRejectReason }

/** Whether a datagram means to be a part of a list; nothing is proven by that. */
export function isConnectionList(bytes: Buffer): boolean {
  return hasMagic(bytes, MAGIC)
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
  const bodies = fillBodies(groupsOf(list.connections))
  return signList(list, { magic: MAGIC, bodies, name: 'connection list' }, key)
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
  const read = openListPart(bytes, MAGIC, keys)
  if (!read.ok) return read
  const connections = readGroups(read.body)
  if (connections === null) return { ok: false, reason: 'field' }
  const { topic: _none, ...head } = read.head
  return { ok: true, part: { ...head, connections } }
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
  const room = LIST_BODY_MAX_BYTES
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
