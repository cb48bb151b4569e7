/**
 * In which order does the eBPF gate come into force?
 *
 * Look at every interface first and change nothing if one of them would not do; then load, tell the
 * addresses, attach, look again. Every step may be repeated: an agent that restarts finds all of it
 * in place, state included, and the `claim` that follows shuts what its predecessor left open.
 * Runs before the heart starts: it starts about five processes per interface.
 *
 * Never touches a qdisc, filter or table of others. Whatever stands in the way is a reason to fall
 * back, in words for the operator.
 */
import {
  configureObject,
  type GateSettings,
  type LoadedObject,
  loadObject,
  removePins,
} from './ebpf-object.ts'
import { findOurs, readLinks } from './interfaces.ts'
import {
  type Attachment,
  attach,
  attachmentsFor,
  detach,
  type Reading,
  readHook,
  readQdiscKinds,
} from './traffic-control.ts'

export interface EbpfWish extends GateSettings {
  /** Directory of this agent, as /run/tandem; the pins go below it. */
  runDir: string
  /** The compiled gate.bpf.c. */
  objectFile: string
  /** All interfaces that might answer for a floating IP. */
  interfaces: readonly string[]
}

/** A gate program in force. */
export interface InForce {
  loaded: LoadedObject
  /** Also those of interfaces that do not exist yet; the watch attaches them when they come. */
  attachments: readonly Attachment[]
}

/** Puts the gate program in force, shut or as an earlier agent left it. */
export async function putInForce(wish: EbpfWish): Promise<Reading<InForce>> {
  const links = await readLinks()
  if (!links.ok) return links
  const { names, headerless } = links.value
  const attachments = attachmentsFor(wish.interfaces)
  const possible = attachments.filter(({ device }) => names.has(device))
  for (const attachment of possible) {
    const kind = headerless.get(attachment.device)
    const reason =
      kind === undefined
        ? await obstacle(attachment)
        : `${attachment.device} has no Ethernet header (${kind})`
    if (reason !== null) return { ok: false, reason }
  }
  const loaded = await loadObject(wish.runDir, wish.objectFile)
  if (!loaded.ok) return loaded
  // The addresses come before the filters: an attached program without addresses guards nothing.
  const failure =
    (await configureObject(loaded.value, wish)) ?? (await attachAll(possible, loaded.value))
  if (failure !== null) {
    // A filter without an agent that can open it would shut the addresses for ever.
    await takeOutOfForce(wish.runDir)
    return { ok: false, reason: failure }
  }
  await detachElsewhere(attachments)
  await removePins(wish.runDir, loaded.value)
  return { ok: true, value: { loaded: loaded.value, attachments } }
}

/**
 * Removes our filters from every interface, our pins and our mount: for uninstalling, and before
 * another kind of gate takes over.
 *
 * @returns what could not be removed, one sentence each
 */
export async function takeOutOfForce(runDir: string): Promise<string[]> {
  const failures: string[] = []
  const found = await findOurs()
  if (!found.ok) failures.push(found.reason)
  for (const { device, hook } of found.ok ? found.value : []) {
    const failure = await detach(device, hook)
    if (failure !== null) failures.push(failure)
  }
  await removePins(runDir, null)
  return failures
}

/** The pinned program that belongs to a place. */
export function pinOf({ program }: Attachment, loaded: LoadedObject): string {
  return `${loaded.directory}/${program}`
}

/** Whether our program hangs where it should and is asked first; otherwise what is wrong. */
export async function checkAttachment(
  attachment: Attachment,
  loaded: LoadedObject,
): Promise<'in-place' | string> {
  const reading = await readHook(attachment.device, attachment.hook)
  if (!reading.ok) return reading.reason
  const { ourProgramId, ahead } = reading.value
  if (ahead !== null) return `${ahead} stands before the gate`
  if (ourProgramId === null) return 'the filter is gone'
  return ourProgramId === loaded.programIds[attachment.program]
    ? 'in-place'
    : 'the filter holds another program'
}

function describe({ device, hook }: Attachment): string {
  return `${device} ${hook}`
}

async function attachAll(
  attachments: readonly Attachment[],
  loaded: LoadedObject,
): Promise<string | null> {
  for (const attachment of attachments) {
    const failure = await attach(attachment, pinOf(attachment, loaded))
    if (failure !== null) return failure
    const state = await checkAttachment(attachment, loaded)
    if (state !== 'in-place') return `${describe(attachment)}: ${state}`
  }
  return null
}

/** Something on the interface that keeps us from attaching first; null when nothing does. */
async function obstacle(attachment: Attachment): Promise<string | null> {
  const { device, hook } = attachment
  const kinds = await readQdiscKinds(device)
  if (!kinds.ok) return kinds.reason
  if (kinds.value.includes('ingress')) {
    return `${device} has an ingress qdisc of somebody else, which excludes clsact`
  }
  const reading = await readHook(device, hook)
  if (!reading.ok) return reading.reason
  const { ahead } = reading.value
  return ahead === null ? null : `${describe(attachment)}: ${ahead} stands before the gate`
}

/** An interface that was guarded under an earlier configuration would stay shut for ever. */
async function detachElsewhere(attachments: readonly Attachment[]): Promise<void> {
  const found = await findOurs()
  if (!found.ok) return
  for (const { device, hook } of found.value) {
    if (attachments.some((wanted) => wanted.device === device && wanted.hook === hook)) continue
    await detach(device, hook)
  }
}
