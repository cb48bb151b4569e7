/**
 * `tandem token new|list|remove`: who may use the API, and what for.
 *
 * A token is printed once and kept as a hash. The agent takes a changed file up within seconds.
 */
import { loadConfig } from '../config/load.ts'
import { readPrivateFile, replaceFile } from '../system/file.ts'
import {
  API_ROLES,
  type ApiToken,
  formatToken,
  hashToken,
  isTokenName,
  newToken,
  parseTokens,
} from '../wire/api-tokens.ts'
import { type CommandSpec, type Io, type Parsed, parseCommand, usageError } from './command.ts'
import { EXIT } from './exit-code.ts'

export const SPEC: CommandSpec = {
  name: 'token',
  summary: 'Makes, lists and removes the tokens of the API.',
  details:
    'new      makes a token, prints it once and keeps its hash\n' +
    'list     role and name of each\n' +
    'remove   nobody comes in with that one any more\n' +
    'A running agent takes the change up within seconds. Each node has its own file: copy it, or make\n' +
    'a token on each.\n',
  positionals: ['new|list|remove'],
  options: {
    name: { type: 'string', value: 'NAME', help: 'who will use it, as prometheus' },
    role: { type: 'string', value: 'ROLE', help: 'new: read, or operate to give orders' },
    file: { type: 'string', value: 'FILE', help: 'token file (token_file of the configuration)' },
  },
}

const DEFAULT_FILE = '/etc/tandem/api.tokens'
const FILE_MAX_BYTES = 256 * 1024

type Outcome =
  | { ok: true; tokens: ApiToken[]; text: string }
  | { ok: false; message: string; mend: string }

export async function run(args: string[], io: Io): Promise<number> {
  const result = parseCommand(SPEC, args, io)
  if (!result.ok) return result.exitCode
  const { parsed } = result
  const [word = ''] = parsed.positionals
  const name = textOf(parsed, 'name')
  const role = API_ROLES.find((candidate) => candidate === parsed.values['role'])
  if (!['new', 'list', 'remove'].includes(word)) {
    return usageError(SPEC.name, `'${word}' is none of new, list, remove`, io)
  }
  if (word !== 'list' && (name === null || !isTokenName(name))) {
    return usageError(SPEC.name, `${word} needs --name with letters, digits, '.', '_' or '-'`, io)
  }
  if (word === 'new' && role === undefined) {
    return usageError(SPEC.name, 'new needs --role read or --role operate', io)
  }
  const file = await fileOf(parsed)
  const known = await readTokens(file, word === 'new')
  if (!known.ok) return refuse(io, known)
  if (word === 'list') {
    io.stdout(known.tokens.map((token) => `${token.role.padEnd(8)} ${token.name}\n`).join(''))
    return EXIT.done
  }
  const found = known.tokens.some((token) => token.name === name)
  if (word === 'remove') {
    if (!found) {
      return refuse(io, { message: `${file} names no ${name}`, mend: 'see: tandem token list' })
    }
    return (await write(file, withoutLine(known.text, name ?? ''), io)) ?? EXIT.done
  }
  if (found) {
    const mend = `choose another name, or first: tandem token remove --name ${name}`
    return refuse(io, { message: `${file} has a token for ${name} already`, mend })
  }
  const token = newToken()
  const added = { role: role ?? 'read', name: name ?? '', hash: hashToken(token) }
  const failed = await write(file, withLine(known.text, added), io)
  if (failed !== null) return failed
  io.stderr(`${file}: ${added.role} for ${added.name}; the token is shown this once:\n`)
  io.stdout(`${token}\n`)
  return EXIT.done
}

function textOf(parsed: Parsed, option: string): string | null {
  const value = parsed.values[option]
  return typeof value === 'string' ? value : null
}

/** A configuration that does not load must not keep anybody from making a token. */
async function fileOf(parsed: Parsed): Promise<string> {
  const given = textOf(parsed, 'file')
  if (given !== null) return given
  const { configDir, node } = parsed.places
  const loaded = await loadConfig({ directory: configDir, node })
  return loaded.config?.api?.tokenFile ?? DEFAULT_FILE
}

async function readTokens(file: string, mayBeMissing: boolean): Promise<Outcome> {
  const content = await readPrivateFile(file, { maxBytes: FILE_MAX_BYTES })
  if (!content.ok) {
    if (content.code === 'HA_FILE_MISSING' && mayBeMissing)
      return { ok: true, tokens: [], text: '' }
    const mend =
      content.code === 'HA_FILE_NOT_PRIVATE'
        ? `chown root ${file} && chmod 600 ${file}`
        : 'make one with: tandem token new'
    return { ok: false, message: content.message, mend }
  }
  const text = content.bytes.toString('latin1')
  const parsed = parseTokens(text)
  if (parsed.ok) return { ...parsed, text }
  const { line, why, mend } = parsed
  return { ok: false, message: `${file}${line === 0 ? '' : `, line ${line}`} ${why}`, mend }
}

/** The operator's own comments stay. */
function withLine(text: string, token: ApiToken): string {
  return `${text}${text === '' || text.endsWith('\n') ? '' : '\n'}${formatToken(token)}`
}

function withoutLine(text: string, name: string): string {
  return text
    .split('\n')
    .filter((line) => line.trim().startsWith('#') || line.trim().split(/\s+/)[1] !== name)
    .join('\n')
}

/** @returns null when written */
async function write(file: string, text: string, io: Io): Promise<number | null> {
  const written = await replaceFile(file, text, { mode: 0o600 })
  if (written.ok) return null
  return refuse(io, { message: written.message, mend: 'make its directory, and run this as root' })
}

function refuse(io: Io, { message, mend }: { message: string; mend: string }): number {
  io.stderr(`tandem token: ${message}\n  mend: ${mend}\n`)
  return EXIT.refused
}
