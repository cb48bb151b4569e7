/**
 * `tandem config push`: how does this node's configuration come to the peer?
 *
 * Looks at what the peer has, shows how it differs, has the peer try it, and only then take it: all files as one
 * and only where the peer still has what was shown. A push that is run again after any interruption finds the
 * old files or the new ones.
 */
import { formatReport } from '../../config/check-report.ts'
import type { PairConfig } from '../../config/config.ts'
import { loadConfig } from '../../config/load.ts'
import { SCHEMA_VERSION } from '../../control/schema.ts'
import { settleFileSet } from '../../system/file-set.ts'
import { json } from '../ask.ts'
import type { Io, Places } from '../command.ts'
import { EXIT, type ExitCode } from '../exit-code.ts'
import { paintFor } from '../paint.ts'
import { peerHosts } from '../peer-shell.ts'
import { printable } from '../table.ts'
import { differencesOf, type FileDifference, sentFiles, shownWord } from './difference.ts'
import { EXCHANGE_VERSION, type FoundFile, type PushAnswer, type PushRequest } from './exchange.ts'
import { namesInConfigD, readShared, type SharedFile, sharedNames } from './shared-files.ts'
import type { AskPeer, Told } from './ssh.ts'
import { differencesText, refusalText, reloadSentences } from './text.ts'

/** A look at the peer's files; connecting has a limit of its own. */
const LOOK_LIMIT_MS = 15_000

export interface PushOptions {
  places: Places
  limitMs: number
  asJson: boolean
  dryRun: boolean
  force: boolean
  /** The word of a dry run: only what it showed is done. */
  shown: string | null
}

/** What a test replaces. */
export interface PushDoors {
  ask: AskPeer
  etcDirectory: string
  lockFile: (path: string) => boolean
  /** Whether `tandem.drift.except` says that this path may differ. */
  isExcepted: (config: PairConfig, path: string) => boolean
}

/** What both nodes have. */
interface Looked {
  config: PairConfig
  peerNode: string
  host: string
  ours: ReadonlyMap<string, SharedFile>
  theirs: readonly FoundFile[]
  /** The same with what may differ: all that must still be so when it is ordered. */
  seen: readonly FoundFile[]
  names: readonly string[]
}

export async function push(options: PushOptions, io: Io, doors: PushDoors): Promise<ExitCode> {
  const out = new Outcome(options, io)
  const looked = await look(options, doors, out)
  if (typeof looked === 'number') return looked
  const { config, peerNode, host, ours, theirs } = looked
  const compared = { node: config.node, peerNode, directory: options.places.configDir }
  const differences = await differencesOf(ours, theirs, compared)
  const shown = shownWord(ours, theirs)
  out.found({ ...compared, host, differences, shown })
  if (differences.length === 0) return out.same(theirs.length)
  if (options.shown !== null && options.shown !== shown) {
    const message = `the files are not those of which '${options.shown}' was shown`
    return out.refuse('changed', message, 'look again: tandem config push --dry-run')
  }
  const doubt = differences.find((difference) => difference.doubt !== null)
  if (doubt !== undefined && !options.force && !options.dryRun) {
    const message = `${doubt.name} ${doubt.doubt ?? ''}`
    const mend = `take it over here, or put ours in its place: tandem config push --force`
    return out.refuse('newer-there', message, mend)
  }
  const files = sentFiles(differences, ours)
  const kind = options.dryRun ? 'try' : 'take'
  const request = requestFrom(looked, { kind, files, force: options.force })
  const told = await doors.ask(host, request, options.limitMs)
  if (!told.ok) return await unanswered(told, { looked, options, doors, out })
  return out.answered(told.answer)
}

/** Our own files, sound, and what the peer has of them. */
async function look(
  { places, limitMs }: PushOptions,
  doors: PushDoors,
  out: Outcome,
): Promise<Looked | ExitCode> {
  const directory = places.configDir
  const { etcDirectory, lockFile } = doors
  if (!(await settleFileSet(directory, lockFile))) {
    return out.refuse('busy', 'the peer is pushing to this node', 'wait, and run it again')
  }
  const loaded = await loadConfig({ directory, node: places.node, etcDirectory })
  if (!loaded.ok) return out.mistaken(formatReport(loaded.mistakes))
  const { config } = loaded
  const names = sharedNames(config, await namesInConfigD(directory)).filter(
    (name) => !doors.isExcepted(config, `${directory}/${name}`),
  )
  const read = await readShared(directory, names)
  if (!read.ok) return out.refuse('files', read.message, 'make it a readable file')
  const ours = read.files
  const peerNode = config.node === 'sp1' ? 'sp2' : 'sp1'
  const looked = { config, peerNode, host: '', ours, theirs: [], seen: [], names }
  const request = requestFrom(looked, { kind: 'look', files: [], force: true })
  let last: Told | null = null
  for (const host of peerHosts(config)) {
    last = await doors.ask(host, request, Math.min(limitMs, LOOK_LIMIT_MS))
    if (last.ok) break
  }
  if (last === null) return out.refuse('unreachable', 'there is no way to the peer', 'add a path')
  if (!last.ok) return out.unreachable(last)
  const { answer, host } = last
  if (!answer.ok) return out.answered(answer)
  if (answer.kind !== 'look') return out.refuse('version', 'the peer answered otherwise', 'upgrade')
  const theirs = answer.files.filter(
    ({ name }) =>
      sharedNames(config, [name.replace('config.d/', '')]).includes(name) &&
      !doors.isExcepted(config, `${directory}/${name}`),
  )
  return { ...looked, host, theirs, seen: answer.files }
}

function requestFrom(
  { config, ours, seen, names }: Looked,
  what: Pick<PushRequest, 'kind' | 'files'> & { force: boolean },
): PushRequest {
  const { kind, files, force } = what
  return {
    version: EXCHANGE_VERSION,
    kind,
    from: config.node,
    fromHost: config.hostName,
    have: Object.fromEntries(names.map((name) => [name, ours.get(name)?.sha256 ?? null])),
    expect: force ? null : Object.fromEntries(seen.map(({ name, sha256 }) => [name, sha256])),
    files,
  }
}

/** The answer is lost, which says nothing about the order: asks once more what is there. */
async function unanswered(
  told: Extract<Told, { ok: false }>,
  {
    looked,
    options,
    doors,
    out,
  }: { looked: Looked; options: PushOptions; doors: PushDoors; out: Outcome },
): Promise<ExitCode> {
  if (options.dryRun || told.code === 'unreachable') return out.unreachable(told)
  const request = requestFrom(looked, { kind: 'look', files: [], force: true })
  const again = await doors.ask(told.host, request, LOOK_LIMIT_MS)
  if (!again.ok || !again.answer.ok || again.answer.kind !== 'look') return out.lost(told, null)
  const shown = new Map(again.answer.files.map(({ name, sha256 }) => [name, sha256]))
  const isNew = looked.names.every((name) => shown.get(name) === looked.ours.get(name)?.sha256)
  return out.lost(told, isNew)
}

interface Found {
  node: string
  peerNode: string
  host: string
  differences: readonly FileDifference[]
  shown: string
}

/** Prints for people as it goes, or one document at the end; knows the exit codes. */
class Outcome {
  readonly #options: PushOptions
  readonly #io: Io
  #found: Found | null = null

  constructor(options: PushOptions, io: Io) {
    this.#options = options
    this.#io = io
  }

  found(found: Found): void {
    this.#found = found
    if (this.#options.asJson) return
    const { differences, peerNode } = found
    this.#io.stdout(differencesText(differences, { peerNode, paint: paintFor(this.#io) }))
  }

  same(count: number): ExitCode {
    const message = `${count} files are alike on both nodes; nothing was changed`
    return this.#end(EXIT.done, { ok: true, state: 'same', message }, `${message}\n`)
  }

  refuse(code: string, message: string, mend: string): ExitCode {
    const text = `tandem config push: ${printable(message)}; nothing was changed\n  mend: ${printable(mend)}\n`
    return this.#end(EXIT.refused, { ok: false, state: 'refused', code, message, mend }, text)
  }

  mistaken(report: string): ExitCode {
    const message = 'the configuration of this node has mistakes; nothing was changed'
    const text = `${report}\ntandem config push: ${message}\n`
    const mend = 'see: tandem check-config'
    const told = { ok: false, state: 'refused', code: 'mistakes', message, mend }
    return this.#end(EXIT.refused, told, text)
  }

  unreachable({ code, message, mend }: Extract<Told, { ok: false }>): ExitCode {
    const text = `tandem config push: the peer was not reached: ${printable(message)}; nothing was changed\n  mend: ${printable(mend)}\n`
    const exitCode = code === 'timeout' ? EXIT.timedOut : EXIT.unreachable
    return this.#end(exitCode, { ok: false, state: 'unreachable', code, message, mend }, text)
  }

  /** @param isNew  whether the peer has our files now; null when that cannot be told either */
  lost({ message }: Extract<Told, { ok: false }>, isNew: boolean | null): ExitCode {
    const peer = this.#found?.peerNode ?? 'the peer'
    const [state, what, mend] =
      isNew === null
        ? [
            'unknown',
            `whether ${peer} took the files is not known`,
            'look: tandem config push --dry-run',
          ]
        : isNew
          ? ['taken', `${peer} has the new files`, `on ${peer}: tandem reload`]
          : ['not-taken', `${peer} has the old files`, 'run it again']
    const text = `tandem config push: the answer was lost: ${printable(message)}; ${what}\n  mend: ${mend}\n`
    return this.#end(EXIT.timedOut, { ok: false, state, code: 'lost', message, mend }, text)
  }

  answered(answer: PushAnswer): ExitCode {
    const peerNode = this.#found?.peerNode ?? 'the peer'
    if (!answer.ok) {
      const { code, message, mend, mistakes, unchanged } = answer
      const told = { ok: false, state: 'refused', code, message, mend, mistakes, unchanged }
      return this.#end(unchanged ? EXIT.refused : EXIT.failed, told, refusalText(answer, peerNode))
    }
    if (answer.kind === 'look') return EXIT.internal
    if (answer.kind === 'try') {
      const doubted = this.#found?.differences.some(({ doubt }) => doubt !== null) === true
      const word = `tandem config push${doubted ? ' --force' : ''} --shown ${this.#found?.shown ?? ''}`
      const text = `\n${peerNode} would take it; nothing was changed. This and nothing else: ${word}\n`
      return this.#end(EXIT.done, { ok: true, state: 'tried' }, text)
    }
    const { backup, reload } = answer
    const sentences = reloadSentences(reload, peerNode)
    const inForce = reload.document?.ok === true && reload.document.changed?.length === 0
    const text = [
      `\n${peerNode} has these files now; those of before are there in ${printable(backup)}`,
      ...sentences.map(printable),
      '',
    ].join('\n')
    const told = {
      ok: true,
      state: inForce ? 'in-force' : 'taken',
      backup,
      reload: reload.document,
    }
    return this.#end(inForce ? EXIT.done : EXIT.unverified, told, text)
  }

  #end(exitCode: ExitCode, told: Record<string, unknown>, text: string): ExitCode {
    if (this.#options.asJson) {
      this.#io.stdout(json({ schema: SCHEMA_VERSION, ...told, ...this.#found }))
    } else if (told['ok'] === true) this.#io.stdout(text)
    else this.#io.stderr(text)
    return exitCode
  }
}
