/**
 * `tandem config receive`: how does a node take the configuration of its peer?
 *
 * Started by ssh for `tandem config push` on the other node. Everything that can refuse comes first: who sends,
 * what is here, and whether this node would start with it. Then the files are replaced as one, and the running
 * agent is asked to take over what it can; if it refuses, the files of before come back.
 */
import { apiMistakes } from '../../config/api-files.ts'
import { loadConfig } from '../../config/load.ts'
import { checkMachine } from '../../config/machine-check.ts'
import type { Mistake } from '../../errors.ts'
import {
  type FileChange,
  finishFileSet,
  hasUnfinishedSet,
  lockFileSet,
  replaceFileSet,
} from '../../system/file-set.ts'
import { EXIT } from '../exit-code.ts'
import {
  EXCHANGE_VERSION,
  type PushAnswer,
  type PushRequest,
  pack,
  type ReloadOutcome,
  readRequest,
  unpack,
} from './exchange.ts'
import { isShareable, namesInConfigD, readShared, type SharedFile } from './shared-files.ts'

type Refusal = Extract<PushAnswer, { ok: false }>

/** The outside of a receiver. */
export interface ReceiveDoors {
  directory: string
  /** As `--node` says; null: this machine knows. */
  node: string | null
  etcDirectory: string
  interfaceExists: (name: string) => boolean
  /** Takes a lock for as long as we run. */
  lockFile: (path: string) => boolean
  reload: () => Promise<ReloadOutcome>
  /** Sorts by time; another each time. */
  newId: () => string
}

/** Never rejects. @param text  the request as it came, whole or not */
export async function receive(text: string, doors: ReceiveDoors): Promise<PushAnswer> {
  const request = readRequest(text)
  if (request === null || request.version !== EXCHANGE_VERSION) {
    const message = 'the request is not whole, or of another release'
    return refusal('version', message, 'run it again; upgrade Tandem on both nodes')
  }
  try {
    if (!(await lockFileSet(doors.directory, doors.lockFile))) {
      return refusal('busy', 'another push is at work on this node', 'wait, and run it again')
    }
  } catch (cause) {
    return refusal('files', sentenceOf(cause), 'log in there as root')
  }
  const finished = await finishFileSet(doors.directory)
  if (!finished.ok) return refusal('files', finished.message, 'mend the disk of that node')
  const { directory } = doors
  const there = (await namesInConfigD(directory)).map((name) => `config.d/${name}`)
  const names = [...new Set([...Object.keys(request.have), ...there])].filter(isShareable)
  const read = await readShared(directory, names)
  if (!read.ok) return refusal('files', read.message, 'make it a readable file')
  const { files: current } = read
  const judged = await judge(request, doors)
  if (!judged.ok) return judged.refusal
  const head = { version: EXCHANGE_VERSION, ok: true as const, node: judged.node }
  if (request.kind === 'look') return { ...head, kind: 'look', files: found(request, current) }
  const changed = request.expect === null ? null : firstChanged(request.expect, current)
  if (changed !== null) {
    const message = `${changed} is not what it was when it was looked at`
    return refusal('changed', message, 'look again: tandem config push --dry-run')
  }
  if (request.kind === 'try') return { ...head, kind: 'try', warnings: judged.warnings }
  return await take(request, current, doors, { ...head, warnings: judged.warnings })
}

/** Are we the peer of who sends, and would this node start with its files? */
async function judge(
  request: PushRequest,
  doors: ReceiveDoors,
): Promise<{ ok: true; node: string; warnings: Mistake[] } | { ok: false; refusal: Refusal }> {
  const { directory, node, etcDirectory, interfaceExists } = doors
  const changes = new Map<string, Uint8Array | null>()
  try {
    for (const { name, content } of request.files) {
      changes.set(name, content === null ? null : unpack(content))
    }
  } catch {
    return { ok: false, refusal: refusal('version', 'a file did not come whole', 'run it again') }
  }
  const loaded = await loadConfig({ directory, node, etcDirectory, changes })
  const config = loaded.config
  if (request.kind === 'look' && config === null) {
    // What is here cannot be used, which is a reason to push.
    return { ok: true, node: 'the peer', warnings: [] }
  }
  const machine =
    config === null
      ? []
      : [...(await checkMachine(config, { interfaceExists })), ...(await apiMistakes(config))]
  const mistakes = [...loaded.mistakes, ...machine]
  if (config !== null) {
    const { hostName, peerHostName } = config
    if (config.node === request.from || peerHostName !== request.fromHost) {
      const message = `this is ${hostName} with the peer ${peerHostName}, and ${request.fromHost} sends`
      const mend = 'name the node in /etc/ngcp_nodename, or mend the addresses in network.yml'
      return { ok: false, refusal: refusal('not-the-peer', message, mend) }
    }
  }
  if (request.kind !== 'look' && (config === null || mistakes.some(isError))) {
    const message = 'this node would not start with these files'
    const mend = 'mend what is named, and run it again'
    return { ok: false, refusal: { ...refusal('mistakes', message, mend), mistakes } }
  }
  return { ok: true, node: config?.node ?? 'the peer', warnings: mistakes }
}

function found(request: PushRequest, current: ReadonlyMap<string, SharedFile>) {
  return [...current.values()].map(({ name, sha256, mtimeMs, bytes }) => ({
    ...{ name, sha256, mtimeMs },
    content: request.have[name] === sha256 ? null : pack(bytes),
  }))
}

/** Also a file that came up meanwhile. */
function firstChanged(
  expect: Readonly<Record<string, string | null>>,
  current: ReadonlyMap<string, SharedFile>,
): string | null {
  const names = [...new Set([...Object.keys(expect), ...current.keys()])]
  return (
    names.find((name) => (current.get(name)?.sha256 ?? null) !== (expect[name] ?? null)) ?? null
  )
}

async function take(
  request: PushRequest,
  current: ReadonlyMap<string, SharedFile>,
  doors: ReceiveDoors,
  head: { version: number; ok: true; node: string; warnings: Mistake[] },
): Promise<PushAnswer> {
  const { directory } = doors
  const user = { uid: process.getuid?.() ?? 0, gid: process.getgid?.() ?? 0 }
  const changes = request.files.map(({ name, content, mode, mtimeMs }): FileChange => {
    // What was there keeps its owner and who may read it.
    const old = current.get(name)
    const bytes = content === null ? null : unpack(content)
    return { name, bytes, mode: old?.mode ?? mode & 0o777, owner: old?.owner ?? user, mtimeMs }
  })
  const replaced = await replaceFileSet(directory, changes, doors.newId())
  if (!replaced.ok) {
    const unchanged = !(await hasUnfinishedSet(directory))
    return { ...refusal('files', replaced.message, 'mend the disk of that node'), unchanged }
  }
  const reload = await doors.reload()
  if (!wasRefused(reload)) return { ...head, kind: 'take', backup: replaced.backup, reload }
  const { reason, message: why, mend } = reload.document ?? {}
  const message = `its agent does not take it over: ${reason?.sentence ?? why ?? 'see its log'}`
  const back = changes.map(({ name }): FileChange => {
    const old = current.get(name)
    if (old === undefined) return { name, bytes: null, mode: 0, owner: user, mtimeMs: 0 }
    return { name, bytes: old.bytes, mode: old.mode, owner: old.owner, mtimeMs: old.mtimeMs }
  })
  const restored = await replaceFileSet(directory, back, doors.newId())
  const unchanged = restored.ok
  const order = reason?.mend ?? mend ?? 'mend it, and run it again'
  return { ...refusal('reload', message, order), unchanged }
}

/** The agent says no; one that is not there, or needs a restart for a part of it, does not. */
function wasRefused({ exitCode, document }: ReloadOutcome): boolean {
  return exitCode === EXIT.refused && document?.ok !== true
}

function isError({ severity }: Mistake): boolean {
  return severity === 'error'
}

function refusal(code: Refusal['code'], message: string, mend: string): Refusal {
  const version = EXCHANGE_VERSION
  return { version, ok: false, code, unchanged: true, message, mend, mistakes: [] }
}

function sentenceOf(cause: unknown): string {
  return cause instanceof Error ? cause.message : String(cause)
}
