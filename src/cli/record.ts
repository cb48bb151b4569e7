/**
 * `tandem record list|show|export|now`: what did the flight recorder keep?
 */
import { loadConfig } from '../config/load.ts'
import { controlClient } from '../control/client.ts'
import { formatMs } from '../control/duration.ts'
import { SCHEMA_VERSION } from '../control/schema.ts'
import { pictureOf } from '../record/picture.ts'
import { storyOf } from '../record/story.ts'
import { readWholeFile, replaceFile } from '../system/file.ts'
import { json, reportFailure } from './ask.ts'
import {
  type CommandSpec,
  type Io,
  type Parsed,
  parseCommand,
  timeoutComplaint,
  timeoutMsFrom,
  usageError,
} from './command.ts'
import { EXIT } from './exit-code.ts'
import { paintFor } from './paint.ts'
import { type RunOnPeer, runOverSsh } from './peer-shell.ts'
import { type Found, type NamedRecord, recordIds, recordsIn, recordsNamed } from './record-files.ts'
import { peerRecord } from './record-peer.ts'
import { storyDocument, storyText } from './record-text.ts'
import { cell, printable, table } from './table.ts'

const NAME = 'record'
/** A busy disk takes its time. */
const NOW_LIMIT_MS = 15_000
const FILE_MODE = 0o600
const FILE_MAX_BYTES = 16 * 1024 * 1024
/** Somebody waits for it, and our own part is at hand. */
const PEER_LIMIT_MS = 10_000

export const SPEC: CommandSpec = {
  name: NAME,
  summary: 'Shows what this node saw and did around each change of the role.',
  details:
    'list              every record that is kept, newest first\n' +
    'show [ID] [FILE]  what happened, in order; ID is of the list, last when left out. With the file of\n' +
    '                  the other node, or with --peer, both together\n' +
    'export ID [FILE]  one file to take along; with the file of the other node, or with --peer, it has both\n' +
    'now               keep what the recorder holds at this moment\n' +
    'Records are in STATE/records; `tandem replay` runs one through this version.\n' +
    'Exit status: 0 done, 1 wrong arguments, 2 no agent (now), 3 no such record, or it cannot be read.',
  positionals: ['list|show|export|now', '[ID]', '[FILE]'],
  options: {
    json: { type: 'boolean', help: 'print one JSON document instead of text' },
    all: { type: 'boolean', help: 'show: also what was long before the role changed' },
    svg: { type: 'string', value: 'FILE', help: 'show: draw it into this file instead' },
    out: {
      type: 'string',
      value: 'FILE',
      help: 'export: into this file (ID.record here); - is base64',
    },
    peer: { type: 'boolean', help: 'show, export: fetch what the other node recorded, over ssh' },
    timeout: { type: 'string', value: 'SECONDS', help: 'longest that fetching may take (10)' },
  },
}

export async function run(
  args: string[],
  io: Io,
  doors: RecordDoors = { run: runOverSsh },
): Promise<number> {
  const result = parseCommand(SPEC, args, io)
  if (!result.ok) return result.exitCode
  const { parsed } = result
  const [action = '', ...names] = parsed.positionals
  const complaint = complaintAbout(action, names, parsed)
  if (complaint !== null) return usageError(NAME, complaint, io)
  switch (action) {
    case 'list':
      return list(parsed, io)
    case 'show':
      return show(parsed, names.length === 0 ? ['last'] : names, { io, ...doors })
    case 'export':
      return exportRecord(parsed, names, { io, ...doors })
    default:
      return keepNow(parsed, io)
  }
}

const OPTIONS_OF: Readonly<Record<string, readonly string[]>> = {
  list: ['json'],
  show: ['json', 'svg', 'all', 'peer', 'timeout'],
  export: ['out', 'peer', 'timeout'],
  now: ['json'],
}

function complaintAbout(
  action: string,
  names: readonly string[],
  { values }: Parsed,
): string | null {
  const options = OPTIONS_OF[action]
  if (options === undefined) return `'${action}' is none of list, show, export, now`
  const foreign = ['json', 'svg', 'out', 'all', 'peer', 'timeout'].find(
    (option) => values[option] !== undefined && !options.includes(option),
  )
  if (foreign !== undefined) return `--${foreign} does not belong to ${action}`
  if ((action === 'list' || action === 'now') && names.length > 0) {
    return `unexpected argument '${names[0]}'`
  }
  if (values['peer'] === true && names.length > 1) return '--peer fetches what the file has'
  return action === 'export' && names.length === 0 ? 'missing argument: ID' : null
}

/** What a test replaces. */
export interface RecordDoors {
  run: RunOnPeer
}

/**
 * The records that were named, and with `--peer` the other node's part. Where that does not come, our own has to
 * do, and it is said.
 *
 * @returns `missing`: why the other node's part is not there, a sentence; null when it is, or was not asked for
 */
async function gathered(
  parsed: Parsed,
  names: readonly string[],
  doors: RecordDoors,
): Promise<Found<{ found: NamedRecord[]; missing: string | null }>> {
  const { places, values } = parsed
  const found = await recordsNamed(places.stateDir, names)
  if (!found.ok) return found
  const [own, other] = found.value
  if (values['peer'] !== true || own === undefined || other !== undefined) {
    return { ok: true, value: { found: found.value, missing: null } }
  }
  const limitMs = timeoutMsFrom(parsed, PEER_LIMIT_MS)
  if (limitMs === null) {
    return { ok: false, message: timeoutComplaint(parsed), mend: 'see: tandem record --help' }
  }
  const node = places.node ?? own.record.header.node
  const loaded = await loadConfig({ directory: places.configDir, node })
  const alone = (message: string) => {
    const missing = `Of ${own.record.header.node} alone: ${message}.`
    return { ok: true as const, value: { found: found.value, missing } }
  }
  if (!loaded.ok) return alone('the configuration, which names the peer, has mistakes')
  const peer = await peerRecord(own.record, { config: loaded.config, run: doors.run, limitMs })
  if (!peer.ok) return alone(`${peer.message} (${peer.mend})`)
  const { id, host, record, file } = peer
  const both = [...found.value, { id, file: `${host}:${id}`, record, bytes: file }]
  const sorted = both.sort((a, b) => a.record.header.node.localeCompare(b.record.header.node))
  return { ok: true, value: { found: sorted, missing: null } }
}

function refuse(failure: Extract<Found<never>, { ok: false }>, { values }: Parsed, io: Io): number {
  const { message, mend } = failure
  if (values['json'] === true) io.stdout(json({ schema: SCHEMA_VERSION, message, mend }))
  else io.stderr(`tandem record: ${message}\n  mend: ${mend}\n`)
  return EXIT.refused
}

async function list(parsed: Parsed, io: Io): Promise<number> {
  const { stateDir } = parsed.places
  const ids = await recordIds(stateDir)
  if (!ids.ok) return refuse(ids, parsed, io)
  const entries = []
  for (const id of ids.value) {
    const found = await recordsIn(stateDir, id)
    const header = found.ok ? found.value[0]?.record.header : undefined
    const unreadable = found.ok ? '' : found.message
    const summary = header?.summary ?? { what: 'cannot be read', why: unreadable, outageMs: null }
    const iso = (ms: number): string => new Date(ms + (header?.wallOffsetMs ?? 0)).toISOString()
    const [atIso, fromIso, untilIso] =
      header === undefined
        ? [null, null, null]
        : ([iso(header.pivotMs), iso(header.beginMs), iso(header.endMs)] as const)
    entries.push({ id, atIso, fromIso, untilIso, node: header?.node ?? null, ...summary })
  }
  if (parsed.values['json'] === true) io.stdout(json({ schema: SCHEMA_VERSION, records: entries }))
  else if (entries.length === 0) io.stdout('there is no record yet\n')
  else {
    const titles = ['ID', 'TIME', 'NODE', 'WHAT', 'OUTAGE', 'WHY']
    const rows = entries.map(({ id, atIso, node, what, outageMs, why }) => [
      id,
      atIso ?? '?',
      node ?? '?',
      printable(what),
      outageMs === null ? '-' : formatMs(outageMs),
      printable(why),
    ])
    io.stdout(table([titles.map((title) => cell(title, 'title')), ...rows], paintFor(io)))
  }
  return EXIT.done
}

async function show(
  parsed: Parsed,
  names: readonly string[],
  { io, ...doors }: RecordDoors & { io: Io },
): Promise<number> {
  const found = await gathered(parsed, names, doors)
  if (!found.ok) return refuse(found, parsed, io)
  const { missing } = found.value
  const story = storyOf(found.value.found.map(({ record }) => record))
  if (story === null) return EXIT.refused
  const svg = parsed.values['svg']
  if (typeof svg === 'string') {
    const written = await replaceFile(svg, pictureOf(story), { mode: FILE_MODE })
    if (!written.ok) {
      return refuse({ ok: false, message: written.message, mend: 'name another file' }, parsed, io)
    }
    io.stdout(`drawn into ${svg}\n`)
    if (missing !== null) io.stderr(`${printable(missing)}\n`)
    return EXIT.done
  }
  const asJson = parsed.values['json'] === true
  const all = parsed.values['all'] === true
  if (asJson) {
    const document = storyDocument(story)
    io.stdout(json(parsed.values['peer'] === true ? { ...document, missing } : document))
    return EXIT.done
  }
  io.stdout(storyText(story, paintFor(io), all))
  if (missing !== null) io.stdout(`\n${printable(missing)}\n`)
  return EXIT.done
}

/** Files of several records are the files of each one behind the other. */
async function exportRecord(
  parsed: Parsed,
  names: readonly string[],
  { io, ...doors }: RecordDoors & { io: Io },
): Promise<number> {
  const gatheredAll = await gathered(parsed, names, doors)
  if (!gatheredAll.ok) return refuse(gatheredAll, parsed, io)
  const { found, missing } = gatheredAll.value
  const out = String(parsed.values['out'] ?? `${found[0]?.id}.record`)
  const pieces = new Map<string, Buffer>()
  for (const { file, bytes } of found) {
    if (pieces.has(file)) continue
    const read =
      bytes === undefined ? await readWholeFile(file, { maxBytes: FILE_MAX_BYTES }) : null
    if (read?.ok === false) {
      return refuse({ ...read, mend: 'see: tandem record list' }, parsed, io)
    }
    pieces.set(file, read?.bytes ?? bytes ?? Buffer.of())
  }
  const whole = Buffer.concat([...pieces.values()])
  if (missing !== null) io.stderr(`${printable(missing)}\n`)
  if (out === '-') {
    io.stdout(`${whole.toString('base64')}\n`)
    return EXIT.done
  }
  const written = await replaceFile(out, whole, { mode: FILE_MODE })
  if (!written.ok) return refuse({ ...written, mend: 'name another with --out' }, parsed, io)
  const nodes = found.map(({ record }) => record.header.node).join(' and ')
  io.stdout(`the record of ${nodes} is in ${out}\n`)
  return EXIT.done
}

async function keepNow(parsed: Parsed, io: Io): Promise<number> {
  const asked = await controlClient(parsed.places.runDir).keepRecord(NOW_LIMIT_MS)
  const asJson = parsed.values['json'] === true
  if (!asked.ok) return reportFailure(asked, { command: NAME, json: asJson, io })
  io.stdout(asJson ? json(asked.value) : `kept: tandem record show ${asked.value.id}\n`)
  return EXIT.done
}
