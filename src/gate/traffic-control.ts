/**
 * What hangs on the tc hooks of an interface, and how do we hang our own there?
 *
 * The `tc` commands of the gate, as values. Ours is always the filter with preference 1 and handle 1
 * whose program bears one of our names; everything else on an interface belongs to somebody and is
 * only looked at. A clsact qdisc that we added stays when our filters go: it costs nothing, and
 * nobody can tell any more whether others have come to rely on it.
 */
import { run } from '../system/exec.ts'

export const PROGRAMS = ['tandem_in', 'tandem_out', 'tandem_control'] as const
export type ProgramName = (typeof PROGRAMS)[number]
export type Hook = 'ingress' | 'egress'

/** One place where a program must hang. */
export interface Attachment {
  device: string
  hook: Hook
  program: ProgramName
}

/** Before every other filter: one that ends with "ok" ahead of ours would bypass the gate. */
const PREFERENCE = 1
const HANDLE = '0x1'

/** Measured p50 2.5 ms; the rest is for a machine in trouble. */
const TIMEOUT_MS = 5000

/** What a hook holds, seen from the gate. */
export interface HookReading {
  /** Id of our program there, null when none of ours is there. */
  ourProgramId: number | null
  ourProgram: ProgramName | null
  /** Somebody else's filter that is asked before or beside ours, in words; null when none. */
  ahead: string | null
}

/** What came back, or why nothing did, in words for the operator. */
export type Reading<Value> = { ok: true; value: Value } | { ok: false; reason: string }

/**
 * Where the gate hangs: on `lo` for commands, on each interface both ways for frames.
 *
 * @param interfaces  all that might answer for a floating IP; Linux answers ARP for a local address
 *                    on every interface, so these are more than those that carry one
 */
export function attachmentsFor(interfaces: readonly string[]): Attachment[] {
  const devices = [...new Set(interfaces)].filter((device) => device !== 'lo')
  return [
    { device: 'lo', hook: 'egress', program: 'tandem_control' },
    ...devices.flatMap((device): Attachment[] => [
      { device, hook: 'ingress', program: 'tandem_in' },
      { device, hook: 'egress', program: 'tandem_out' },
    ]),
  ]
}

/** Reads one hook. A device without clsact has an empty one. */
export async function readHook(device: string, hook: Hook): Promise<Reading<HookReading>> {
  const label = `read the filters of ${device} ${hook}`
  const result = await tc(label, ['-j', 'filter', 'show', 'dev', device, hook])
  if (!result.ok) return { ok: false, reason: result.message }
  return parse(result.stdout, label, judgeFilters)
}

/** One entry of `tc -j filter show`, as far as we look at it. */
export interface TcFilter {
  pref?: number
  kind?: string
  options?: { handle?: string; bpf_name?: string; prog?: { id?: number; name?: string } }
}

/** Tells our filter from those of others that are asked before or beside it. */
export function judgeFilters(filters: readonly TcFilter[]): HookReading {
  const reading: HookReading = { ourProgramId: null, ourProgram: null, ahead: null }
  for (const { pref, kind, options } of filters) {
    // Each preference has a head entry without options; 0 is never used by the kernel.
    if (options === undefined || pref === undefined || pref > PREFERENCE) continue
    // Old releases of tc do not tell the program's name; the filter bears that of the pin, the same.
    const called = options.prog?.name ?? options.bpf_name?.split(':')[0]
    const ours = PROGRAMS.find((name) => name === called)
    if (ours !== undefined && options.handle === HANDLE) {
      reading.ourProgram = ours
      reading.ourProgramId = options.prog?.id ?? null
    } else {
      reading.ahead = `filter pref ${pref} ${kind ?? ''} ${options.bpf_name ?? ''}`.trim()
    }
  }
  return reading
}

/** Kinds of the queueing disciplines of a device: `clsact`, `ingress`, `noqueue` and others. */
export async function readQdiscKinds(device: string): Promise<Reading<string[]>> {
  const label = `read the qdiscs of ${device}`
  const result = await tc(label, ['-j', 'qdisc', 'show', 'dev', device])
  if (!result.ok) return { ok: false, reason: result.message }
  return parse(result.stdout, label, (qdiscs: readonly { kind?: string }[]) =>
    qdiscs.map(({ kind }) => kind ?? ''),
  )
}

/**
 * Hangs a pinned program on its hook, or puts it in the place of our earlier one. Idempotent.
 *
 * @returns why not, null when done
 */
export async function attach(attachment: Attachment, pin: string): Promise<string | null> {
  const { device, hook } = attachment
  const kinds = await readQdiscKinds(device)
  if (!kinds.ok) return kinds.reason
  if (!kinds.value.includes('clsact')) {
    const added = await tc(`add clsact to ${device}`, ['qdisc', 'add', 'dev', device, 'clsact'])
    if (!added.ok) return added.message
  }
  const label = `attach the gate to ${device} ${hook}`
  const replaced = await tc(label, replaceArgs(device, hook, pin))
  return replaced.ok ? null : replaced.message
}

/**
 * Hangs several programs at once, in the one process that this takes: an open gap costs more than
 * a clear message. Goes on after a failing line; clsact is normally there already.
 */
export async function attachTogether(
  attachments: readonly (Attachment & { pin: string })[],
): Promise<void> {
  const devices = [...new Set(attachments.map(({ device }) => device))]
  const lines = devices.map((device) => `qdisc add dev ${device} clsact`)
  for (const { device, hook, pin } of attachments)
    lines.push(replaceArgs(device, hook, pin).join(' '))
  await run({
    label: 'attach the gate again',
    command: 'tc',
    args: ['-force', '-batch', '-'],
    input: `${lines.join('\n')}\n`,
    timeoutMs: TIMEOUT_MS,
  })
}

function replaceArgs(device: string, hook: Hook, pin: string): string[] {
  return [
    ...['filter', 'replace', 'dev', device, hook],
    ...['pref', String(PREFERENCE), 'handle', HANDLE, 'protocol', 'all'],
    ...['bpf', 'direct-action', 'object-pinned', pin],
  ]
}

/**
 * Takes our filter off a hook, if it is there and ours.
 *
 * @returns why not, null when done or nothing was there
 */
export async function detach(device: string, hook: Hook): Promise<string | null> {
  const reading = await readHook(device, hook)
  if (!reading.ok) return reading.reason
  if (reading.value.ourProgram === null) return null
  const result = await tc(`detach the gate from ${device} ${hook}`, [
    ...['filter', 'del', 'dev', device, hook],
    ...['pref', String(PREFERENCE), 'handle', HANDLE, 'protocol', 'all', 'bpf'],
  ])
  return result.ok ? null : result.message
}

function tc(label: string, args: readonly string[]) {
  return run({ label, command: 'tc', args, timeoutMs: TIMEOUT_MS })
}

/**
 * Reads a JSON list. The shapes are iproute2's and bpftool's; callers take all their fields as
 * optional, because they are not ours.
 */
export function parse<Raw, Value>(
  text: string,
  label: string,
  read: (raw: readonly Raw[]) => Value,
): Reading<Value> {
  try {
    const raw: unknown = JSON.parse(text === '' ? '[]' : text)
    if (!Array.isArray(raw)) return { ok: false, reason: `${label}: the output is no JSON list` }
    return { ok: true, value: read(raw as Raw[]) }
  } catch {
    return { ok: false, reason: `${label}: the output is not JSON` }
  }
}
