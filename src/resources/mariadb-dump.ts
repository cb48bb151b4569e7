/**
 * How does the data of one MariaDB server get into a file, and from a file into another server?
 *
 * The door to mariadb-dump and mariadb. Both are told who they are by an option file of mode 0600 that
 * lives as long as they do, so that no password stands in an argument list. A dump is one snapshot
 * (`--single-transaction`): nobody is held up, and it says itself of which transaction it is.
 */
import { rm, stat } from 'node:fs/promises'
import { type RunRequest, run } from '../system/exec.ts'
import { replaceFile } from '../system/file.ts'
import { eachLine } from '../system/set-aside.ts'
import { type Gtid, parseGtidList } from './gtid.ts'
import type { Login, ServerAddress } from './mariadb-door.ts'
import { withoutValues } from './mariadb-fault.ts'
import { type Limit, StoreFailure } from './store-result.ts'

/** What our own schema has beside the row that the probe writes. */
const OURS_ALONE = ['undone', 'table_look', 'event_look', 'bypass_look']

/** Versions differ in whether it stands before the first table or after the last one. */
const EDGE_LINES = 40

/** A dump that did not grow for so long is given up. */
const STILL_MS = 60_000

export interface DumpRequest {
  /** For messages: "copy the peer's data". */
  label: string
  server: ServerAddress
  login: Login
  /** Without those of the server itself. */
  databases: readonly string[]
  /** The file to be made; a file beside it holds the login meanwhile. */
  path: string
}

/** Writes the file. @throws StoreFailure when it is not whole */
export async function dump(request: DumpRequest, limit: Limit): Promise<void> {
  const { label, databases, path } = request
  const words = [
    '--single-transaction',
    '--master-data=2',
    '--gtid',
    '--quick',
    '--hex-blob',
    '--routines',
    '--triggers',
    '--no-tablespaces',
    '--default-character-set=utf8mb4',
    '--max-allowed-packet=1G',
    ...OURS_ALONE.map((name) => `--ignore-table=tandem.${name}`),
    `--result-file=${path}`,
    '--databases',
    ...databases,
  ]
  await withLogin(request, (file) => whileGrowing(request, [file, ...words], limit))
  let last = ''
  const read = await eachLine(path, (line) => {
    if (line !== '') last = line
  })
  if (!read.ok) throw refuse(read.message)
  if (!last.startsWith('-- Dump completed')) throw refuse(`${label}: ${path} is not whole`)
}

/** A server that vanished says nothing for hours: what does not grow is given up. */
async function whileGrowing(
  { label, path }: Pick<DumpRequest, 'label' | 'path'>,
  words: readonly string[],
  limit: Limit,
): Promise<void> {
  const given = new AbortController()
  let bytes = -1
  const watch = setInterval(() => {
    void stat(path).then(
      ({ size }) => {
        if (size === bytes) given.abort()
        bytes = size
      },
      () => given.abort(),
    )
  }, STILL_MS)
  try {
    await tool(label, 'mariadb-dump', words, limit, { signal: given.signal })
  } catch (failure) {
    if (!given.signal.aborted) throw failure
    throw refuse(`${label}: nothing came for ${STILL_MS / 1000} s; given up`)
  } finally {
    clearInterval(watch)
  }
}

/** Plays a file, without a word of it in the binary log. @throws StoreFailure */
export async function play(request: Omit<DumpRequest, 'databases'>, limit: Limit): Promise<void> {
  const session = 'SET SESSION sql_log_bin=0, foreign_key_checks=0, unique_checks=0'
  const words = [
    `--init-command=${session}`,
    '--default-character-set=utf8mb4',
    '--max-allowed-packet=1G',
  ]
  // From standard input: a file that is named with "source" goes on after a mistake and says success.
  const { label, path } = request
  await withLogin(request, (file) =>
    tool(label, 'mariadb', [file, ...words], limit, { inputFile: path }),
  )
}

/** Of which transaction a dump is; null when it does not say. */
export async function positionIn(path: string): Promise<Gtid[] | null> {
  let lines = 0
  const found: { line: number; text: string }[] = []
  const read = await eachLine(path, (line) => {
    lines += 1
    const match = /^(?:-- )?SET GLOBAL gtid_slave_pos='([^']*)'/.exec(line)
    if (match !== null) found.push({ line: lines, text: match[1] ?? '' })
  })
  if (!read.ok) return null
  // The same words in between would be somebody's comment in a routine.
  const edge = found.filter(({ line }) => line <= EDGE_LINES || line > lines - EDGE_LINES).at(-1)
  return edge === undefined ? null : parseGtidList(edge.text)
}

async function withLogin(
  { server, login, path }: Pick<DumpRequest, 'server' | 'login' | 'path'>,
  work: (option: string) => Promise<void>,
): Promise<void> {
  const { socketPath, host, port } = server
  const file = `${path}.login`
  const place = socketPath
    ? [`socket=${optionText(socketPath)}`]
    : [`host=${optionText(host)}`, `port=${port}`, 'protocol=tcp']
  const lines = [
    '[client]',
    `user=${optionText(login.user)}`,
    `password=${optionText(login.password)}`,
    ...place,
    '',
  ]
  const written = await replaceFile(file, lines.join('\n'), { mode: 0o600 })
  if (!written.ok) throw refuse(written.message)
  try {
    await work(`--defaults-file=${file}`)
  } finally {
    await rm(file, { force: true })
  }
}

/** A value as an option file reads it: quoted, with what would end or change it escaped. */
export function optionText(value: string): string {
  return `"${value.replace(/\\/g, '\\\\').replace(/"/g, '\\"').replace(/\n/g, '\\n')}"`
}

async function tool(
  label: string,
  command: string,
  args: readonly string[],
  limit: Limit,
  more: Pick<RunRequest, 'inputFile' | 'signal'>,
): Promise<void> {
  const timeoutMs = Math.max(1, Math.min(2 ** 31 - 1, Math.floor(limit.leftMs())))
  const result = await run({ label, command, args, timeoutMs, ...more })
  if (result.ok) return
  if (result.code === 'HA_EXEC_TIMEOUT') throw new StoreFailure('HA_STORE_TIMEOUT', result.message)
  // The client repeats the statement that failed, with the rows in it: only the error is told.
  const error = /^.*?\bERROR (\d+) .*?at line (\d+).*?: (.*)$/m.exec(result.stderr)
  if (error === null) throw refuse(result.message)
  const [, number = '', line = '', words = ''] = error
  throw refuse(`${label}: error ${number} at line ${line} of the dump: ${withoutValues(words)}`)
}

function refuse(message: string): StoreFailure {
  return new StoreFailure('HA_STORE_REFUSED', message)
}
