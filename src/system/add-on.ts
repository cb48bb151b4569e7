/**
 * Where is our add-on, and what does it offer? Found and loaded when it is first needed.
 *
 * The functions as C has them, arguments by position. Only `native.ts` calls them; what they mean,
 * with units and errors, is told there.
 */
import { existsSync } from 'node:fs'
import { createRequire } from 'node:module'
import { dirname, join } from 'node:path'

export interface SchedulingClass {
  policy: 'other' | 'fifo' | 'rr' | 'batch' | 'idle' | 'unknown'
  /** 1 to 99 for `fifo` and `rr`, else 0. */
  priority: number
}

export interface LinkState {
  index: number
  /** Lower case with colons. Zeros where there is none, such as on `lo`. */
  mac: string
  /** Frames have an Ethernet header: only then is there anything to say by ARP or ND. */
  ethernet: boolean
  /** Set up by the administrator; says nothing of the cable. */
  up: boolean
  carrier: boolean
  mtu: number
}

export interface AddressKey {
  interfaceIndex: number
  family: 4 | 6
  /** Numeric, without a zone. */
  address: string
  prefixLength: number
}

export interface AddressEntry extends AddressKey {
  label: string | null
  /** What is left, null for ever. */
  validSeconds: number | null
  /** IFA_F_*; see ADDRESS_FLAGS. */
  flags: number
}

/** What a watchdog tells of itself; null: it does not. */
export interface WatchdogTold {
  /** Of its driver. */
  identity: string | null
  /** It goes on when it is closed without the magic letter. */
  magicClose: boolean | null
  /** After so long without a word it resets the machine. */
  seconds: number | null
}

/** The exports of `native/module.c`. */
export interface AddOn {
  bootTimeMs(): number
  bootTimeNs(): bigint
  monotonicNs(): bigint
  setRealtime(priority: number): void
  setNormal(): void
  schedulingClass(): SchedulingClass
  lockMemory(): number
  enterNetns(path: string): void
  lockFile(path: string): boolean
  execProgram(path: string, words: readonly string[]): never
  sealDescriptors(): void
  watchProcess(pid: number, onEnd: () => void): number
  unwatchProcess(fd: number): void
  neighbourConfirm(index: number, family: 4 | 6, address: string): boolean
  gateOpen(): number
  gateExchange(fd: number, buffer: Buffer, timeoutMs: number): boolean
  fdClose(fd: number): void
  sdNotify(socketPath: string, text: string): void
  sendDatagram(socketPath: string, bytes: Buffer): boolean
  carrier(name: string): boolean
  linkState(name: string): LinkState | null
  linkNames(): string[]
  addressReplace(
    interfaceIndex: number,
    family: 4 | 6,
    address: string,
    prefixLength: number,
    label: string | null,
    flags: number,
    validSeconds: number,
    preferredSeconds: number,
  ): void
  addressRemove(index: number, family: 4 | 6, address: string, prefixLength: number): boolean
  addressList(): AddressEntry[]
  packetOpen(index: number, protocol: string, onFrame: (frame: Buffer) => void): number
  packetSend(fd: number, frame: Buffer): void
  packetJoin(fd: number, index: number, group: Buffer): void
  packetClose(fd: number): void
  watchdogSet(fd: number, seconds: number): Promise<WatchdogTold>
}

let loaded: AddOn | null = null

/**
 * Loads the add-on when it is first needed, so that commands and tests without it need no compiler.
 *
 * @throws Error that names the mend when it was not built
 */
export function addOn(): AddOn {
  loaded ??= createRequire(import.meta.url)(findAddOn(import.meta.dirname)) as AddOn
  return loaded
}

/**
 * Beside us (a packed program) or in the checkout above us, whether we run from `src` or `dist`.
 */
function findAddOn(from: string): string {
  for (let folder = from; ; folder = dirname(folder)) {
    const places = [
      join(folder, 'tandem.node'),
      join(folder, 'src/system/native/build/Release/tandem.node'),
    ]
    const found = places.find((place) => existsSync(place))
    if (found !== undefined) return found
    if (dirname(folder) === folder) break
  }
  throw new Error(`tandem.node is not at or above ${from}; build it with: npm run build:native`)
}
