/**
 * What does Node have no function for, and this program needs?
 *
 * The one door to our own add-on (`native/*.c`, loaded by `add-on.ts`): the clock that counts sleep,
 * the scheduling class, the gate's datagram, links, addresses, packet sockets, and systemd's
 * notification socket. Every function is one or a few system calls, carried out before it returns;
 * none decides anything.
 *
 * Failures of the system are thrown as NativeError. The add-on may be loaded in the main thread and in
 * workers; what one opened, the other cannot use.
 */
import assert from 'node:assert/strict'
import { writeFileSync } from 'node:fs'
import {
  type AddressEntry,
  type AddressKey,
  addOn,
  type LinkState,
  type SchedulingClass,
  type WatchdogTold,
} from './add-on.ts'

/** What every function here throws when the kernel says no. */
export interface NativeError extends Error {
  /** As in errno(3): `EPERM`, `ENODEV`, `ETIMEDOUT`. */
  code: string
  /** Negative, as in Node's own errors. */
  errno: number
  syscall: string
}

export interface AddressRequest extends AddressKey {
  /** IPv4 only; must begin with the interface's name for old tools, at most 15 characters. */
  label: string | null
  /** Whole seconds until the kernel removes it by itself; 0 is for ever. */
  validSeconds: number
  /**
   * Whether the kernel adds a route to the subnet with it. Only for an address that is the first of
   * its subnet; else there would be two, and which one wins is chance.
   */
  connectedRoute: boolean
}

/** Bits of `flags`, from linux/if_addr.h. */
export const ADDRESS_FLAGS = {
  /** IPv4: hangs on an earlier address of the same subnet. (IPv6: a temporary address.) */
  secondary: 0x01,
  noDuplicateDetection: 0x02,
  /** IPv6: duplicate address detection found another owner. */
  duplicate: 0x08,
  deprecated: 0x20,
  tentative: 0x40,
  permanent: 0x80,
  noPrefixRoute: 0x200,
} as const

export interface PacketRequest {
  interfaceIndex: number
  /** Which frames are heard: ARP, or neighbour solicitations and advertisements. */
  protocol: 'arp' | 'ipv6-nd'
}

export interface PacketSocket {
  /**
   * Sends a whole Ethernet frame, at once.
   *
   * @throws NativeError  ENOBUFS when a gate or filter holds it back, ENETDOWN, ENXIO when the
   *   interface is gone
   */
  send(frame: Buffer): void
  /** Lets the adapter pass frames to this group address (6 bytes). */
  join(group: Buffer): void
  /** No frame is handed over after this. */
  close(): void
}

/** The kernel's word for a lifetime without end. */
const FOREVER_SECONDS = 0xffff_ffff

/** CLOCK_BOOTTIME, with fractions: since boot, and it counts the time the machine slept. */
export function bootTimeMs(): number {
  return addOn().bootTimeMs()
}

/** CLOCK_BOOTTIME in nanoseconds. */
export function bootTimeNs(): bigint {
  return addOn().bootTimeNs()
}

/** CLOCK_MONOTONIC in nanoseconds, the clock of `process.hrtime`; stands still during sleep. */
export function monotonicNs(): bigint {
  return addOn().monotonicNs()
}

/**
 * Puts the calling thread, and nothing that it starts, into SCHED_RR.
 *
 * @param priority  1 to 99
 * @throws NativeError  EPERM without CAP_SYS_NICE or RLIMIT_RTPRIO, or where the cgroup has no
 *   real-time budget
 */
export function setRealtime(priority: number): void {
  addOn().setRealtime(priority)
}

/**
 * Puts the calling thread back into SCHED_OTHER.
 *
 * @throws NativeError  EPERM: an unprivileged thread cannot take reset-on-fork back
 */
export function setNormal(): void {
  addOn().setNormal()
}

/** Scheduling class of the calling thread. */
export function schedulingClass(): SchedulingClass {
  return addOn().schedulingClass()
}

/**
 * Keeps program code, libraries, stack and C heap of the process in memory, whatever the disk does.
 * To be called once everything is loaded; mappings made later are not covered.
 *
 * The JavaScript heap is not: V8 dies when its pages are locked (mlockall under Node 20 ends in a
 * trap). Where there is swap, the unit has to keep us out of it (`MemorySwapMax=0`).
 *
 * @returns bytes locked; about 100 MB, most of it the node program itself
 * @throws NativeError  EPERM or ENOMEM without CAP_IPC_LOCK and with too small a RLIMIT_MEMLOCK
 */
export function lockMemory(): number {
  return addOn().lockMemory()
}

/**
 * Moves the calling thread into another network namespace. For the lab and tests; sockets that are
 * already open stay where they are, and other threads too.
 *
 * @param path  such as `/run/netns/sp1`
 */
export function enterNetns(path: string): void {
  addOn().enterNetns(path)
}

/**
 * Takes a lock that ends with this process, whatever it dies of. The file is made when missing and
 * stays.
 *
 * @returns false when another process, or this one earlier, holds it
 */
export function lockFile(path: string): boolean {
  return addOn().lockFile(path)
}

/**
 * Opens the socket for commands to the gate: 127.71.0.1, a port of the kernel's choice, connected
 * to itself.
 *
 * @returns a descriptor, to be given back with `fdClose`
 */
export function gateOpen(): number {
  return addOn().gateOpen()
}

/**
 * Sends a command and waits for it to come back.
 *
 * @param buffer     96 bytes; overwritten by the answer, untouched when none came
 * @param timeoutMs  0 to 1000, fractions allowed; the answer is normally there without any wait
 * @returns          whether the datagram of this session (offset 24) and sequence (offset 32) came
 * @throws NativeError  when the socket does not work, such as ENETUNREACH without `lo`
 */
export function gateExchange(fd: number, buffer: Buffer, timeoutMs: number): boolean {
  return addOn().gateExchange(fd, buffer, timeoutMs)
}

export function fdClose(fd: number): void {
  addOn().fdClose(fd)
}

/**
 * Tells the service manager something (sd_notify(3)): `READY=1`, `WATCHDOG=1`, `STATUS=…`.
 *
 * @param socketPath  $NOTIFY_SOCKET; one that begins with `@` is abstract
 * @throws NativeError  EAGAIN when nobody reads; it is never waited
 */
export function sdNotify(socketPath: string, text: string): void {
  addOn().sdNotify(socketPath, text)
}

/**
 * Sends one datagram to a unix socket, at once or not at all.
 *
 * @returns false when it did not go: nobody reads, or too slowly, or it is too large
 */
export function sendDatagram(socketPath: string, bytes: Buffer): boolean {
  return addOn().sendDatagram(socketPath, bytes)
}

/**
 * Whether the driver sees a link partner, now.
 *
 * Takes microseconds, but also the kernel's configuration lock: whoever holds that holds us up.
 *
 * @returns false also when the interface is set down or does not exist
 */
export function carrier(name: string): boolean {
  return addOn().carrier(name)
}

/** @returns null when there is no such interface */
export function linkState(name: string): LinkState | null {
  return addOn().linkState(name)
}

/** Names of all interfaces, `lo` included. */
export function linkNames(): string[] {
  return addOn().linkNames()
}

/**
 * Sets an address, or the lifetime of one that is there already.
 *
 * IPv6 addresses come without duplicate address detection (an occupation must answer at once, and
 * the probes of PROTOCOL T3 are that detection), and deprecated: the kernel would otherwise prefer the
 * newest address as the source of everything this host sends, and a shut gate drops all of that.
 * Deprecated only means "not by default"; programs bound to the address use it as ever. IPv4 has no
 * such choice to make: the kernel takes the oldest address of a subnet.
 *
 * @throws NativeError  ENODEV when the interface is gone, ETIMEDOUT after 50 ms without an answer
 */
export function addressReplace(request: AddressRequest): void {
  const { interfaceIndex, family, address, prefixLength, validSeconds } = request
  assert.ok(Number.isInteger(validSeconds) && validSeconds >= 0, 'a lifetime is in whole seconds')
  const seconds = validSeconds === 0 ? FOREVER_SECONDS : validSeconds
  const flags =
    (request.connectedRoute ? 0 : ADDRESS_FLAGS.noPrefixRoute) |
    (family === 6 ? ADDRESS_FLAGS.noDuplicateDetection : 0)
  const label = family === 4 ? request.label : null
  const preferredSeconds = family === 6 ? 0 : seconds
  addOn().addressReplace(
    interfaceIndex,
    family,
    address,
    prefixLength,
    label,
    flags,
    seconds,
    preferredSeconds,
  )
}

/**
 * Has the kernel keep the IPv4 secondaries of an interface when their primary goes: the next one
 * becomes the primary. Without it they all go with it.
 *
 * @param name  of an interface that exists
 * @throws Error  ENOENT, or EROFS and EACCES where /proc/sys may not be written
 */
export function promoteSecondaries(name: string): void {
  // Of procfs: the write is carried out in the kernel, in microseconds, no disk is involved.
  writeFileSync(`/proc/sys/net/ipv4/conf/${name}/promote_secondaries`, '1')
}

/**
 * Takes an address away.
 *
 * @returns false when it was not there, which is as good
 * @throws NativeError  ENODEV when the interface is gone
 */
export function addressRemove(key: AddressKey): boolean {
  return addOn().addressRemove(key.interfaceIndex, key.family, key.address, key.prefixLength)
}

/** All addresses of the network namespace, of all interfaces. */
export function addressList(): AddressEntry[] {
  return addOn().addressList()
}

/**
 * Opens a packet socket that hears ARP or neighbour discovery, before any gate or firewall does.
 *
 * @param onFrame  called from the event loop with whole Ethernet frames of others; never with frames
 *   this host sent on the interface, nor with VLAN-tagged ones. Its exceptions are uncaught ones.
 * @throws NativeError  EPERM without CAP_NET_RAW, ENODEV
 */
export function packetOpen(request: PacketRequest, onFrame: (frame: Buffer) => void): PacketSocket {
  const fd = addOn().packetOpen(request.interfaceIndex, request.protocol, onFrame)
  let open = true
  return {
    send(frame) {
      assert.ok(open, 'packet socket is closed')
      addOn().packetSend(fd, frame)
    },
    join(group) {
      assert.ok(open, 'packet socket is closed')
      addOn().packetJoin(fd, request.interfaceIndex, group)
    },
    close() {
      // The number may belong to somebody else by the second time.
      if (open) addOn().packetClose(fd)
      open = false
    },
  }
}

/**
 * Keeps the kernel's neighbour entry for an address reachable, with the hardware address it has.
 *
 * Without this an entry dies when its owner no longer answers address requests, although the owner
 * may still receive what we send.
 *
 * @returns false when the kernel knows no hardware address for it
 * @throws NativeError  ENODEV when the interface is gone, EPERM without CAP_NET_ADMIN
 */
export function neighbourConfirm(interfaceIndex: number, family: 4 | 6, address: string): boolean {
  return addOn().neighbourConfirm(interfaceIndex, family, address)
}

/**
 * Puts another program in place of this one: same process, same terminal, nothing of us is left.
 *
 * @param words  as the new program sees them, its own name first
 * @throws NativeError  ENOENT, EACCES; it returns only then
 */
export function execProgram(path: string, words: readonly string[]): never {
  return addOn().execProgram(path, words)
}

/**
 * Marks every descriptor of this process but the standard streams to be closed in programs it starts.
 * For those that a library opened without; one that is opened later is not covered.
 */
export function sealDescriptors(): void {
  addOn().sealDescriptors()
}

/** A process whose end is waited for. */
export interface ProcessWatch {
  /** The callback is not called after this. */
  close(): void
}

/**
 * Tells when a process has ended with all its threads, whoever is its parent.
 *
 * The id may belong to another process than the one that was meant: look at its start afterwards.
 *
 * @param onEnd  called once, from the event loop
 * @throws NativeError  ESRCH when there is none, ENOSYS before Linux 5.3
 */
export function watchProcess(pid: number, onEnd: () => void): ProcessWatch {
  let open = true
  const fd = addOn().watchProcess(pid, () => {
    open = false
    onEnd()
  })
  return {
    close() {
      // The number may belong to somebody else by the second time.
      if (open) addOn().unwatchProcess(fd)
      open = false
    },
  }
}

/**
 * Asks a watchdog for another time, and what it is. Never fails: a descriptor that is none tells nothing.
 *
 * Carried out beside the event loop, for some drivers wait for their hardware.
 *
 * @param fd       open for writing
 * @param seconds  the driver may round it, or keep its own
 */
export function watchdogSet(fd: number, seconds: number): Promise<WatchdogTold> {
  return addOn().watchdogSet(fd, seconds)
}

/** The whole door as one value, for those who are handed it. */
export const native = {
  bootTimeMs,
  bootTimeNs,
  monotonicNs,
  setRealtime,
  setNormal,
  schedulingClass,
  lockMemory,
  enterNetns,
  lockFile,
  execProgram,
  sealDescriptors,
  watchProcess,
  gateOpen,
  gateExchange,
  fdClose,
  sdNotify,
  neighbourConfirm,
  carrier,
  linkState,
  linkNames,
  addressReplace,
  promoteSecondaries,
  addressRemove,
  addressList,
  packetOpen,
} as const

export type Native = typeof native

/** Code of anything caught, `UNKNOWN` when it has none. */
export function errorCode(error: unknown): string {
  const code = error instanceof Error && 'code' in error ? error.code : undefined
  return typeof code === 'string' ? code : 'UNKNOWN'
}
