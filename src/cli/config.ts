/**
 * `tandem config diff|push`: in what do the nodes differ that should be alike, and how is it made alike?
 *
 * The agent knows fingerprints only. Contents are for whoever may log in on the peer: `diff` prints the exact
 * command for each file and runs none; `push` goes that way (`push/`).
 */
import { randomBytes } from 'node:crypto'
import { controlClient } from '../control/client.ts'
import { SCHEMA_VERSION, type StatusDocument } from '../control/schema.ts'
import { toPattern } from '../daemon/drift-files.ts'
import { linkState, lockFile } from '../system/native.ts'
import { type Asking, json, parseAsking, reportFailure } from './ask.ts'
import {
  ASKING_OPTIONS,
  type CommandSpec,
  type Io,
  type Parsed,
  type Places,
  timeoutMsFrom,
  usageError,
} from './command.ts'
import { WHERE_WORDS } from './drift-text.ts'
import { EXIT } from './exit-code.ts'
import { type Paint, paintFor } from './paint.ts'
import type { ReloadOutcome } from './push/exchange.ts'
import { push } from './push/push.ts'
import { receive } from './push/receive.ts'
import { askOverSsh } from './push/ssh.ts'
import { run as reload } from './reload.ts'
import { cell, table } from './table.ts'

type Asked = Extract<Asking, { ok: true }>

const PUSH_OPTIONS = ['dry-run', 'force', 'shown'] as const

/** Of a push: the peer stops services that were taken away one after the other. */
const PUSH_LIMIT_MS = 60_000
/** All that a push sends, packed. */
const REQUEST_MAX_BYTES = 8 * 1024 * 1024

export const SPEC: CommandSpec = {
  name: 'config',
  summary:
    "Names what differs between the nodes, and brings this node's configuration to the peer.",
  details:
    'diff     names release, parts of the configuration and files, and for each file prints the command that\n' +
    '         shows how it differs. Exit status: 0 nothing differs, 3 the peer tells nothing to compare with,\n' +
    '         5 something differs.\n' +
    'push     shows how the files of the configuration differ, has the peer try them, and puts ours in their\n' +
    '         place, over ssh, all of them or none; its agent then takes over what it can, without a change of\n' +
    '         the role. Exit status: 0 in force there, or alike already, 2 the peer was not reached, 3 refused\n' +
    '         and nothing changed, 4 not known to be done, 5 the files are there and not in force (restart,\n' +
    '         or no agent), 6 not brought to an end.\n' +
    'receive  what push starts on the peer.',
  positionals: ['diff|push|receive'],
  options: {
    ...ASKING_OPTIONS,
    'dry-run': { type: 'boolean', help: 'push: show it, have the peer try it, change nothing' },
    force: { type: 'boolean', help: 'push: also over what is newer there, or changed meanwhile' },
    shown: { type: 'string', value: 'WORD', help: 'push: only what that dry run showed' },
  },
}

export async function run(args: string[], io: Io): Promise<number> {
  const asking = parseAsking(SPEC, args, io)
  if (!asking.ok) return asking.exitCode
  const { parsed } = asking
  const [verb = ''] = parsed.positionals
  const pushed = PUSH_OPTIONS.find((option) => parsed.values[option] !== undefined)
  if (verb !== 'push' && pushed !== undefined) {
    return usageError(SPEC.name, `--${pushed} is for push`, io)
  }
  switch (verb) {
    case 'diff':
      return await diff(asking, io)
    case 'push':
      return await pushFrom(parsed, io)
    case 'receive':
      return await receiveHere(parsed, io)
    default:
      return usageError(SPEC.name, `'${verb}' is none of diff, push, receive`, io)
  }
}

async function diff({ parsed, limitMs, asJson }: Asked, io: Io): Promise<number> {
  const asked = await controlClient(parsed.places.runDir).status(limitMs)
  if (!asked.ok) return reportFailure(asked, { command: SPEC.name, json: asJson, io })
  const { drift } = asked.value
  if (asJson) io.stdout(json({ schema: SCHEMA_VERSION, ...drift }))
  else io.stdout(diffText(asked.value, paintFor(io)))
  if (drift.differences.length > 0) return EXIT.unverified
  return drift.compared === null ? EXIT.refused : EXIT.done
}

async function pushFrom(parsed: Parsed, io: Io): Promise<number> {
  const { places, values } = parsed
  const options = {
    places,
    // Its value was found usable.
    limitMs: timeoutMsFrom(parsed, PUSH_LIMIT_MS) ?? PUSH_LIMIT_MS,
    asJson: values['json'] === true,
    dryRun: values['dry-run'] === true,
    force: values['force'] === true,
    shown: typeof values['shown'] === 'string' ? values['shown'] : null,
  }
  return await push(options, io, {
    ask: askOverSsh,
    etcDirectory: '/etc',
    lockFile,
    isExcepted: ({ drift }, path) => drift.except.some((told) => toPattern(told).test(path)),
  })
}

async function receiveHere({ places }: Parsed, io: Io): Promise<number> {
  const request = await readInput(process.stdin, REQUEST_MAX_BYTES)
  const answer = await receive(request, {
    directory: places.configDir,
    node: places.node,
    etcDirectory: '/etc',
    interfaceExists: (name) => linkState(name) !== null,
    lockFile,
    reload: async () => await reloadHere(places),
    newId: () =>
      `${new Date().toISOString().replaceAll(':', '')}-${randomBytes(2).toString('hex')}`,
  })
  io.stdout(`${JSON.stringify(answer)}\n`)
  return EXIT.done
}

/** As an operator would on this node. */
async function reloadHere({ configDir, runDir, node }: Places): Promise<ReloadOutcome> {
  let text = ''
  const io: Io = {
    stdout: (more) => {
      text += more
    },
    stderr: () => undefined,
    env: {},
    isTty: false,
  }
  const who = node === null ? [] : ['--node', node]
  const exitCode = await reload(['--json', '--config', configDir, '--run', runDir, ...who], io)
  const document = text === '' ? null : (JSON.parse(text) as ReloadOutcome['document'])
  return { exitCode, document }
}

/** All of it; what is longer is cut, and no whole request then. */
async function readInput(input: NodeJS.ReadableStream, maxBytes: number): Promise<string> {
  const pieces: Buffer[] = []
  let length = 0
  for await (const piece of input) {
    const bytes = Buffer.from(piece as Buffer)
    length += bytes.length
    if (length > maxBytes) break
    pieces.push(bytes)
  }
  return Buffer.concat(pieces).toString('utf8')
}

/** Pure. */
export function diffText(
  { drift, peerNode, paths }: Pick<StatusDocument, 'drift' | 'peerNode' | 'paths'>,
  paint: Paint,
): string {
  const { compared, differences } = drift
  const head =
    compared === null
      ? `${peerNode} has told nothing to compare with for two minutes\n`
      : `${compared} things were compared\n`
  if (differences.length === 0) return compared === null ? head : `nothing differs; ${head}`
  const found = table(
    [
      ['NOT ALIKE', 'IS', 'HOW', 'SINCE'].map((title) => cell(title, 'title')),
      ...differences.map(({ kind, name, where, sinceIso }) => [
        name,
        kind,
        WHERE_WORDS[where],
        sinceIso,
      ]),
    ],
    paint,
  )
  const host = paths.find(({ kind }) => kind === 'crosslink') ?? paths[0]
  const files = differences.filter(({ kind }) => kind === 'file')
  if (host === undefined || files.length === 0) return `${found}\n${head}`
  const commands = files.map(({ name, where }) => {
    const there = `ssh ${host.theirs} cat ${quoted(quoted(name))}`
    if (where === 'only-here') return `  cat ${quoted(name)}`
    return where === 'only-there' ? `  ${there}` : `  ${there} | diff ${quoted(name)} -`
  })
  return `${found}\n${head}\nWhat is in them (< this node, > ${peerNode}):\n${commands.join('\n')}\n`
}

/** For a shell; once more for the shell on the other side of ssh. Plain names stay as they are. */
function quoted(name: string): string {
  return /^[\w./-]+$/.test(name) ? name : `'${name.replaceAll("'", "'\\''")}'`
}
