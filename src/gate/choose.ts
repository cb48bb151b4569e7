/**
 * Which gate holds the right here, and what does it cost when it is not the best one?
 *
 * Tries eBPF, then nftables, then the address lifetime alone. A gate counts as usable only when it
 * has proven itself: loaded, attached, claimed, and keeping the same clock as we do. The weaker
 * ones come with a sentence for the operator. Runs before the heart starts.
 */
import { randomBytes } from 'node:crypto'
import type { GuardedAddress } from './address.ts'
import { type GateDoor, KEY_SIZE_BYTES } from './command.ts'
import { EbpfGate } from './ebpf-gate.ts'
import { putInForce, takeOutOfForce } from './ebpf-loader.ts'
import type { Gate, GateKind } from './gate.ts'
import type { GateInForce } from './guard.ts'
import { LifetimeGate } from './lifetime-gate.ts'
import { NftablesGate } from './nftables-gate.ts'
import { loadTable, removeTable } from './nftables-loader.ts'
import type { Reading } from './traffic-control.ts'

/** Deadlines are never further ahead than a lease; more than this is a mistake of units. */
const AHEAD_MIN_MS = 5000

/** The kernel's quick reading of the clock may differ from the exact one by microseconds. */
const CLOCK_TOLERANCE_MS = 1

export interface GateWish {
  /** Key `gate` of the configuration. `auto` takes the strongest; a named one is taken or refused. */
  choice: 'auto' | GateKind
  /** As /run/tandem. Several agents on one host, each in its network namespace, need one each. */
  runDir: string
  floatingIps: readonly GuardedAddress[]
  /** All interfaces that might answer for a floating IP, not only those that carry one. */
  interfaces: readonly string[]
  /** L, for the bound on deadlines and the steps of the nftables gate. */
  leaseMs: number
  door: GateDoor
  /** The compiled program; default: the one that comes with these sources. */
  objectFile?: string
}

export interface PreparedGate {
  /** Claimed, thus shut. Belongs to the thread that makes the heart beat. */
  gate: Gate
  /** What this gate does not keep, in a sentence; null for eBPF. */
  weaker: string | null
  /** What to watch (guard.ts); plain data for another thread, not for logs. */
  inForce: GateInForce
}

/**
 * Puts the strongest usable gate in force and removes what is left of the other kinds.
 *
 * @returns why none could be had, in words; with `auto` there is always one
 */
export async function prepareGate(wish: GateWish): Promise<Reading<PreparedGate>> {
  const reasons: string[] = []
  const kinds: GateKind[] =
    wish.choice === 'auto' ? ['ebpf', 'nftables', 'lifetime'] : [wish.choice]
  for (const kind of kinds) {
    const prepared = await prepare(kind, wish)
    if (!prepared.ok) {
      reasons.push(`${kind}: ${prepared.reason}`)
      continue
    }
    // The new one is in force before the old ones go, so nothing passes in between.
    if (kind !== 'ebpf') reasons.push(...(await takeOutOfForce(wish.runDir)))
    if (kind !== 'nftables') await removeTable()
    const { weaker } = prepared.value
    const why = reasons.length === 0 ? '' : ` (${reasons.join('; ')})`
    const sentence = weaker === null ? null : `${weaker}${why}`
    return { ok: true, value: { ...prepared.value, weaker: sentence } }
  }
  return { ok: false, reason: `no gate could be had: ${reasons.join('; ')}` }
}

/** Removes every trace of every kind: for uninstalling and for tests. */
export async function removeGate(runDir: string): Promise<string[]> {
  await removeTable()
  return takeOutOfForce(runDir)
}

function prepare(kind: GateKind, wish: GateWish): Promise<Reading<PreparedGate>> {
  switch (kind) {
    case 'ebpf':
      return prepareEbpf(wish)
    case 'nftables':
      return prepareNftables(wish)
    case 'lifetime':
      return Promise.resolve(prepareLifetime(wish))
  }
}

async function prepareEbpf(wish: GateWish): Promise<Reading<PreparedGate>> {
  const key = randomBytes(KEY_SIZE_BYTES)
  const placed = await putInForce({
    runDir: wish.runDir,
    objectFile: wish.objectFile ?? shippedObject(),
    interfaces: wish.interfaces,
    addresses: wish.floatingIps,
    aheadMaxMs: Math.max(AHEAD_MIN_MS, 2 * wish.leaseMs),
    slot: 0,
    key,
  })
  if (!placed.ok) return placed
  const gate = new EbpfGate({ door: wish.door, key, session: randomSession() })
  const reason = proveEbpf(gate, wish.door)
  if (reason !== null) {
    gate.dispose()
    await takeOutOfForce(wish.runDir)
    return { ok: false, reason }
  }
  const inForce: GateInForce = { kind: 'ebpf', inForce: placed.value }
  return { ok: true, value: { gate, weaker: null, inForce } }
}

/** Claims, and compares clocks: in a time namespace ours is not the one the program reads. */
function proveEbpf(gate: EbpfGate, door: GateDoor): string | null {
  const { refusal } = gate.claim()
  if (refusal !== null) return `the kernel program answered ${refusal} to the first command`
  const beforeMs = door.bootTimeMs()
  const reading = gate.read()
  const afterMs = door.bootTimeMs()
  if (!reading.done) return 'the kernel program does not answer'
  const early = reading.bootNowMs < beforeMs - CLOCK_TOLERANCE_MS
  const late = reading.bootNowMs > afterMs + CLOCK_TOLERANCE_MS
  if (!early && !late) return null
  return 'the kernel program keeps another clock than this process (a time namespace?)'
}

async function prepareNftables(wish: GateWish): Promise<Reading<PreparedGate>> {
  const key = randomBytes(KEY_SIZE_BYTES)
  const rules = {
    key,
    addresses: wish.floatingIps,
    devices: [...new Set(wish.interfaces)],
    leaseMs: wish.leaseMs,
  }
  const failure = await loadTable(rules)
  if (failure !== null) return { ok: false, reason: failure }
  const { door, leaseMs } = wish
  const gate = new NftablesGate({ door, key, session: randomSession(), leaseMs })
  const { refusal } = gate.claim()
  if (refusal !== null) {
    gate.dispose()
    await removeTable()
    return { ok: false, reason: `the rules answered ${refusal} to the first command` }
  }
  const weaker =
    'the nftables gate cannot refuse a late command: an agent that is stopped in the middle of a ' +
    `renewal may serve up to ${leaseMs} ms longer than its right, and for IPv6 an occupation may draw clients`
  return { ok: true, value: { gate, weaker, inForce: { kind: 'nftables', wish: rules } } }
}

function prepareLifetime({ door }: GateWish): Reading<PreparedGate> {
  const gate = new LifetimeGate(() => door.bootTimeMs())
  gate.claim()
  const weaker =
    'no gate in the kernel: an agent that is stopped or hangs goes on serving until the lifetime ' +
    'of its addresses ends, up to 2.5 s, and the peer cannot see an occupation'
  return { ok: true, value: { gate, weaker, inForce: { kind: 'lifetime' } } }
}

/** Not zero, which is what the kernel's memory starts with. */
function randomSession(): bigint {
  return randomBytes(8).readBigUInt64LE() | 1n
}

/** The object lies beside this file, in the sources and in what is built from them. */
function shippedObject(): string {
  return `${import.meta.dirname}/gate.o`
}
