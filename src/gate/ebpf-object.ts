/**
 * How do the gate's programs and maps get into the kernel, and who tells them what to guard?
 *
 * `bpftool` loads and pins; there is no loader of our own. The pins live in a bpffs of their own,
 * mounted on `<runDir>/bpf`: /sys/fs/bpf is hidden from a process that came through `ip netns exec`,
 * and shared with everybody else. The directory of the pins bears the hash of the object, so an
 * agent that restarts finds what is loaded and only a changed object is loaded anew.
 * Attaching is traffic-control.ts, the order of things ebpf-loader.ts.
 */
import { type RunResult, run } from '../system/exec.ts'
import { addressBytes, type GuardedAddress } from './address.ts'
import { PROGRAMS, type ProgramName, type Reading } from './traffic-control.ts'

const MAPS = ['tandem_config', 'tandem_state', 'tandem_address4', 'tandem_address6'] as const

/** Loading took 60 ms here, the verifier included; the rest is for a machine in trouble. */
const TIMEOUT_MS = 10_000

/** The names of the sections do not say it: see gate.bpf.c. */
const TYPE = ['type', 'classifier'] as const

/** `stat -f` prints the magic number of a filesystem in hexadecimal; this is bpffs. */
const BPFFS_MAGIC = 'cafe4a11'

/** Programs and maps that are in the kernel and pinned. */
export interface LoadedObject {
  /** Directory of the pins. */
  directory: string
  programIds: Readonly<Record<ProgramName, number>>
  /** False when it was there already, state and all. */
  fresh: boolean
}

/** Where the pins of an agent are. */
export function bpffsDirectory(runDir: string): string {
  return `${runDir}/bpf`
}

/** Loads the object, or finds it loaded, in a bpffs that is mounted when missing. */
export async function loadObject(
  runDir: string,
  objectFile: string,
): Promise<Reading<LoadedObject>> {
  const bpffs = bpffsDirectory(runDir)
  const hashed = await step('hash the gate program', 'sha256sum', [objectFile])
  if (!hashed.ok) return { ok: false, reason: hashed.message }
  const mountFailure = await mountBpffs(bpffs)
  if (mountFailure !== null) return { ok: false, reason: mountFailure }

  const directory = `${bpffs}/${hashed.stdout.slice(0, 16)}`
  const found = await readLoaded(directory)
  if (found !== null) return { ok: true, value: { directory, programIds: found, fresh: false } }

  // What is there is half of something: an earlier load was interrupted.
  for (const [command, args] of [
    ['rm', ['-rf', directory]],
    ['mkdir', ['-m', '0700', directory]],
    ['bpftool', ['prog', 'loadall', objectFile, directory, ...TYPE, 'pinmaps', directory]],
  ] as const) {
    const done = await step('load the gate program', command, args)
    if (!done.ok) return { ok: false, reason: done.message }
  }
  const programIds = await readLoaded(directory)
  if (programIds === null)
    return { ok: false, reason: 'the gate program was loaded but not pinned' }
  return { ok: true, value: { directory, programIds, fresh: true } }
}

async function mountBpffs(directory: string): Promise<string | null> {
  const made = await step('make the directory of the gate', 'mkdir', ['-p', directory])
  if (!made.ok) return made.message
  const kind = await step('look at the directory of the gate', 'stat', [
    ...['-f', '-c', '%t', directory],
  ])
  if (!kind.ok) return kind.message
  if (kind.stdout.trim() === BPFFS_MAGIC) return null
  const mounted = await step('mount the directory of the gate', 'mount', [
    ...['-t', 'bpf', '-o', 'mode=0700,nosuid,nodev,noexec', 'bpf', directory],
  ])
  return mounted.ok ? null : mounted.message
}

/** Ids of the pinned programs, null unless all programs and maps are there. */
async function readLoaded(directory: string): Promise<Record<ProgramName, number> | null> {
  const ids = new Map<ProgramName, number>()
  for (const name of PROGRAMS) {
    const shown = await step('look for a loaded gate program', 'bpftool', [
      ...['-j', 'prog', 'show', 'pinned', `${directory}/${name}`],
    ])
    const id = shown.ok ? /"id":(\d+)/.exec(shown.stdout)?.[1] : undefined
    if (id === undefined) return null
    ids.set(name, Number(id))
  }
  for (const name of MAPS) {
    const shown = await step('look for a loaded gate map', 'bpftool', [
      ...['-j', 'map', 'show', 'pinned', `${directory}/${name}`],
    ])
    if (!shown.ok) return null
  }
  return Object.fromEntries(ids) as Record<ProgramName, number>
}

export interface GateSettings {
  /** 16 bytes, new at each start. */
  key: Uint8Array
  /** How far ahead a deadline may be. */
  aheadMaxMs: number
  slot: number
  addresses: readonly GuardedAddress[]
}

/**
 * Tells the programs the key and the addresses, exactly these.
 *
 * All of it goes through stdin: the argument list of a process can be read by everyone. New
 * addresses come before old ones go, so one that stays is guarded throughout.
 *
 * @returns why not, null when done
 */
export async function configureObject(
  loaded: LoadedObject,
  settings: GateSettings,
): Promise<string | null> {
  const { directory } = loaded
  const lines = [update(`${directory}/tandem_config`, '00 00 00 00', configBytes(settings))]
  const wanted = new Set<string>()
  for (const { address, family } of settings.addresses) {
    const key = hex(addressBytes(address))
    wanted.add(key)
    lines.push(update(`${directory}/tandem_address${family}`, key, hex([settings.slot, 0, 0, 0])))
  }
  for (const map of ['tandem_address4', 'tandem_address6']) {
    const path = `${directory}/${map}`
    const dumped = await step('read the guarded addresses', 'bpftool', [
      ...['-j', 'map', 'dump', 'pinned', path],
    ])
    if (!dumped.ok) return dumped.message
    for (const [, bytes] of dumped.stdout.matchAll(/"key":\[((?:"0x[0-9a-f]{2}",?)+)\]/g)) {
      const key = (bytes ?? '').replaceAll(/"|0x/g, '').replaceAll(',', ' ')
      if (!wanted.has(key)) lines.push(`map delete pinned ${path} key hex ${key}`)
    }
  }
  const result = await run({
    label: 'configure the gate program',
    command: 'bpftool',
    args: ['batch', 'file', '-'],
    input: `${lines.join('\n')}\n`,
    timeoutMs: TIMEOUT_MS,
  })
  return result.ok ? null : result.message
}

function update(path: string, key: string, value: string): string {
  return `map update pinned ${path} key hex ${key} value hex ${value}`
}

/** `struct config` of gate.bpf.c: 16 bytes of key, then nanoseconds. */
function configBytes({ key, aheadMaxMs }: GateSettings): string {
  const bytes = Buffer.alloc(24)
  bytes.set(key, 0)
  bytes.writeBigUInt64LE(BigInt(Math.ceil(aheadMaxMs)) * 1_000_000n, 16)
  return hex(bytes)
}

function hex(bytes: Iterable<number>): string {
  return [...bytes].map((byte) => byte.toString(16).padStart(2, '0')).join(' ')
}

/** Removes the pins of other objects, or all of them. What is attached lives on without pins. */
export async function removePins(runDir: string, keep: LoadedObject | null): Promise<void> {
  const bpffs = bpffsDirectory(runDir)
  const listed = await step('list the pins of the gate', 'ls', ['-1', bpffs])
  if (!listed.ok) return
  for (const name of listed.stdout.split('\n')) {
    const path = `${bpffs}/${name}`
    if (!/^[0-9a-f]{16}$/.test(name) || path === keep?.directory) continue
    await step('remove old pins of the gate', 'rm', ['-rf', path])
  }
  if (keep === null) await step('unmount the directory of the gate', 'umount', [bpffs])
}

function step(label: string, command: string, args: readonly string[]): Promise<RunResult> {
  return run({ label, command, args, timeoutMs: TIMEOUT_MS })
}
