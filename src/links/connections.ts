/**
 * Which TCP connections end at one of the floating IPs on this host?
 *
 * Read from the kernel's tables (proc(5), /proc/net/tcp and tcp6) of the network namespace of the
 * process. For the thread that may wait, not for the heart: the kernel walks its whole table for it, and
 * connections that linger after their end (TIME_WAIT) stand there, too.
 *
 * Taken are the states in which the other end may be waiting for us: established; closed by it but not
 * yet by us; closed by us while it has not got everything. Not taken: who only has to say goodbye.
 *
 * The tables name no age. Where there are more connections than a list may hold, those with the largest
 * inode numbers are kept: sockets get them in order of their making, nearly. The rest is counted.
 */
import { endianness } from 'node:os'
import { type FileFailure, readWholeFile } from '../system/file.ts'
import { CONNECTIONS_MAX, type TcpConnection } from '../wire/connection-list.ts'
import { ipv4Text, ipv6Text } from '../wire/ethernet.ts'
import { addressBytes } from '../wire/ip-address.ts'

/** Some 100 000 sockets at 150 bytes; a host with more is not asked. */
const TABLE_MAX_BYTES = 16 * 1024 * 1024

/** ESTABLISHED, FIN_WAIT1, CLOSE_WAIT, LAST_ACK, as include/net/tcp_states.h numbers them. */
const WAITING_STATES: ReadonlySet<string> = new Set(['01', '04', '08', '09'])

/** Both ends, the state, and as the sixth thing after it the inode. */
const LINE =
  /([0-9A-F]+:([0-9A-F]{4}) ([0-9A-F]{8}|[0-9A-F]{32}):([0-9A-F]{4})) ([0-9A-F]{2}) \S+ \S+ \S+ +\d+ +\d+ (\d+)/y

/** Unspecified, loopback and IPv4 in disguise; multicast; link-local, which would need a zone. */
const UNREACHED_IPV6 = /^(::|0:|ff..:|fe[89ab].:)/

const MAPPED = '00000000000000000000ffff'

export type ConnectionsRead =
  | {
      ok: true
      connections: TcpConnection[]
      /** Found, but more than a list may hold. */
      leftOutCount: number
    }
  | FileFailure

/** A connection and what tells its age. */
export interface FoundConnection extends TcpConnection {
  readonly inode: number
}

/**
 * Reads both tables.
 *
 * @param floatingIps  numeric addresses
 * @returns never rejects; a host without IPv6 has no second table, which is no failure
 */
export async function readConnections(
  floatingIps: readonly string[],
  tables: { tcp: string; tcp6: string } = { tcp: '/proc/net/tcp', tcp6: '/proc/net/tcp6' },
): Promise<ConnectionsRead> {
  const found: FoundConnection[] = []
  for (const path of [tables.tcp, tables.tcp6]) {
    const content = await readWholeFile(path, { maxBytes: TABLE_MAX_BYTES })
    if (content.ok)
      found.push(...parseConnections(content.bytes.toString('latin1'), floatingIps, endianness()))
    else if (path !== tables.tcp6 || content.code !== 'HA_FILE_MISSING') return content
  }
  return { ok: true, ...newest(found, CONNECTIONS_MAX) }
}

/**
 * Finds the connections of the floating IPs in the text of one table. IPv4 connections of IPv6 sockets
 * (`::ffff:192.0.2.1`) are told as what they are. Lines that cannot be read are passed over.
 *
 * @param order  byte order of the machine that wrote it: each 32-bit word of an address is in it
 */
export function parseConnections(
  text: string,
  floatingIps: readonly string[],
  order: 'LE' | 'BE',
): FoundConnection[] {
  const guarded = spelledAlike(floatingIps)
  const wanted = new Map<string, string>()
  for (const floatingIp of guarded) {
    const hex = Buffer.from(addressBytes(floatingIp) ?? []).toString('hex')
    if (hex.length === 8) wanted.set(tableForm(MAPPED + hex, order), floatingIp)
    wanted.set(tableForm(hex, order), floatingIp)
  }
  const found = new Map<string, FoundConnection>()
  for (const line of text.split('\n')) {
    // "  12: 3200000A:13C4 0900000A:D431 01 ...": most lines are dropped after the first address.
    const at = line.indexOf(': ') + 2
    const floatingIp = wanted.get(line.slice(at, line.indexOf(':', at)))
    if (floatingIp === undefined) continue
    LINE.lastIndex = at
    const fields = LINE.exec(line)
    if (fields === null) continue
    const [, ends = '', ourPort = '', theirs = '', theirPort = '', state = '', inode = ''] = fields
    const port = Number.parseInt(ourPort, 16)
    const clientPort = Number.parseInt(theirPort, 16)
    if (!WAITING_STATES.has(state) || port === 0 || clientPort === 0) continue
    const clientAddress = addressOf(theirs, order)
    const connection = { floatingIp, port, clientAddress, clientPort, inode: Number(inode) }
    // Read piece by piece while it changes, a table may tell a line twice.
    if (isTold(connection, guarded)) found.set(ends, connection)
  }
  return [...found.values()]
}

/** Addresses in the spelling in which connections are told, here and by the peer. */
export function spelledAlike(addresses: readonly string[]): ReadonlySet<string> {
  const bytes = addresses.map((address) => Buffer.from(addressBytes(address) ?? []))
  return new Set(bytes.filter(({ length }) => length > 0).map(addressText))
}

/**
 * Whether a connection is one to tell the peer of, and one to believe it: of a floating IP, with
 * somebody who is reached through a network and by the same family.
 *
 * @param guarded  the floating IPs, spelled alike
 */
export function isTold(connection: TcpConnection, guarded: ReadonlySet<string>): boolean {
  const { floatingIp, clientAddress } = connection
  if (!guarded.has(floatingIp) || guarded.has(clientAddress)) return false
  if (floatingIp.includes(':') !== clientAddress.includes(':')) return false
  if (clientAddress.includes(':')) return !UNREACHED_IPV6.test(clientAddress)
  const first = Number.parseInt(clientAddress, 10)
  return first > 0 && first !== 127 && first < 224
}

function newest(
  found: FoundConnection[],
  count: number,
): { connections: TcpConnection[]; leftOutCount: number } {
  const leftOutCount = Math.max(0, found.length - count)
  const kept = leftOutCount === 0 ? found : found.sort((a, b) => b.inode - a.inode).slice(0, count)
  return {
    connections: kept.map(({ inode: _inode, ...connection }) => connection),
    leftOutCount,
  }
}

/** Between network order and what the kernel prints: each word of four bytes in machine order. */
function tableForm(hex: string, order: 'LE' | 'BE'): string {
  const printed = order === 'BE' ? hex : Buffer.from(hex, 'hex').swap32().toString('hex')
  return printed.toUpperCase()
}

function addressOf(printed: string, order: 'LE' | 'BE'): string {
  const bytes = Buffer.from(printed, 'hex')
  if (order === 'LE') bytes.swap32()
  return bytes.toString('hex', 0, 12) === MAPPED ? ipv4Text(bytes, 12) : addressText(bytes)
}

/** The spelling in which addresses are told, however they were configured. */
function addressText(bytes: Buffer): string {
  return bytes.length === 4 ? ipv4Text(bytes, 0) : ipv6Text(bytes, 0)
}
