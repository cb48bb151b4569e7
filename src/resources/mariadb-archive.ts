/**
 * How is what only we hold set aside before it is undone or overwritten?
 *
 * As files that people can read (`transactions.txt`), that can be played again (`transactions.sql`), that
 * undo it here (`undo.sql`, where that is possible), the parts of the binary log they came from, and a
 * page that says what it is. mariadb-binlog reads the log's files itself, so no password is needed.
 * The directory gets its name when everything in it is durable: one ending in `.partial` is none.
 */
import { stat } from 'node:fs/promises'
import { basename, join } from 'node:path'
import { run } from '../system/exec.ts'
import { pathExists, replaceFile } from '../system/file.ts'
import {
  copyInto,
  eachLine,
  makeDurable,
  makeFreshDirectory,
  renameDirectory,
  type SetAside,
} from '../system/set-aside.ts'
import { assertRoom } from './archive-room.ts'
import { formatGtidList, formatGtidRange, newestOf, parseGtidList } from './gtid.ts'
import { BinlogReader, type BinlogSummary } from './mariadb-binlog-text.ts'
import { type Divergence, stateAtBegin } from './mariadb-compare.ts'
import type { Asks } from './mariadb-door.ts'
import type { ServerState } from './mariadb-status.ts'
import type { StoreArchive } from './replicated-store.ts'
import { type Limit, StoreFailure } from './store-result.ts'

export interface MariadbArchive extends StoreArchive {
  directory: string
  summary: BinlogSummary
  /** What was compared, so that nothing else is undone later. */
  divergence: Divergence
}

export interface ArchiveRequest {
  name: string
  /** Above the archive's own directory. */
  directory: string
  binlogDirectory: string
  divergence: Divergence
  state: ServerState
  nowIso: string
}

/** Writes the archive. @throws StoreFailure */
export async function writeArchive(
  look: Asks,
  request: ArchiveRequest,
  limit: Limit,
): Promise<MariadbArchive> {
  const { divergence, binlogDirectory } = request
  const domain = divergence.errant[0]?.domain
  const only = divergence.errant.every((range) => range.domain === domain)
  if (domain === undefined || !only) {
    throw refuse(
      'what only we hold is in several GTID domains, which cannot be exported as one stretch; tandem data rejoin NAME --copy sets everything aside instead',
    )
  }
  const first = newestOf(divergence.common, domain)
  const last = Math.max(...divergence.errant.map((range) => range.last))
  const lastServer = divergence.errant.find((range) => range.last === last)?.server ?? 0
  const logs = await logsFrom(look, domain, first?.sequence ?? 0, limit)
  const stamp = request.nowIso.replace(/[-:]/g, '').replace(/\.\d+/, '')
  const range = divergence.errant.map(formatGtidRange).join('_')
  const target = await freePath(join(request.directory, `${request.name}-${stamp}-${range}`))
  const beside = `${target}.partial`
  const paths = logs.map((log) => join(binlogDirectory, log))
  await assertRoom(request.directory, ARCHIVE_RATIO * (await bytesOf(paths)))
  ensure(await makeFreshDirectory(beside))
  for (const path of paths) ensure(await copyInto(beside, path))
  const stretch = [
    ...(first === null ? [] : [`--start-position=${formatGtidList([first])}`]),
    `--stop-position=${domain}-${lastServer}-${last}`,
    ...logs.map((log) => join(beside, log)),
  ]
  const readable = join(beside, 'transactions.txt')
  await printLog(
    ['-v', '--base64-output=decode-rows', `--result-file=${readable}`, ...stretch],
    limit,
  )
  const playable = join(beside, 'transactions.sql')
  await printLog([`--result-file=${playable}`, ...stretch], limit)
  await tool('sed', ['-i', OLD_NUMBERS, playable], limit)
  const summary = await summarise(readable)
  if (summary.transactions === 0) {
    throw refuse(`no transaction of ${range} was found in ${logs.join(', ')}`)
  }
  if (summary.obstacle === null) {
    await printLog(['--flashback', `--result-file=${join(beside, 'undo.sql')}`, ...stretch], limit)
  }
  const page = describe(request, range, logs, summary)
  const written = await replaceFile(join(beside, 'README.txt'), page, { mode: 0o600 })
  ensure(written)
  const names = [
    'README.txt',
    'transactions.txt',
    'transactions.sql',
    ...(summary.obstacle === null ? ['undo.sql'] : []),
    ...logs,
  ]
  ensure(await makeDurable(beside, names))
  ensure(await renameDirectory(beside, target))
  const count = summary.transactions
  return {
    directory: target,
    summary,
    divergence,
    paths: names.map((name) => join(target, name)),
    count,
    sentence: `${count} transaction${count === 1 ? '' : 's'} with ${summary.rows} row changes (${range}) set aside in ${target}`,
  }
}

/** The files themselves, and as much again for the texts made of a part of them. */
const ARCHIVE_RATIO = 2

/** Of those that can be looked at; the others fail with a reason when they are copied. */
async function bytesOf(paths: readonly string[]): Promise<number> {
  const sizes = paths.map((path) =>
    stat(path).then(
      ({ size }) => size,
      () => 0,
    ),
  )
  return (await Promise.all(sizes)).reduce((sum, size) => sum + size, 0)
}

/** The path, or with a number when it was used before: in the same second, or by one cut short. */
async function freePath(path: string): Promise<string> {
  for (let number = 1; ; number += 1) {
    const candidate = number === 1 ? path : `${path}-${number}`
    const used = (await pathExists(candidate)) || (await pathExists(`${candidate}.partial`))
    if (!used) return candidate
  }
}

/** Files of the log from the one that holds the transaction after `sequence` on, oldest first. */
async function logsFrom(
  look: Asks,
  domain: number,
  sequence: number,
  limit: Limit,
): Promise<string[]> {
  const { rows } = await look.ask('SHOW BINARY LOGS', limit)
  const names = rows.map((row) => basename(row['Log_name'] ?? '')).filter((name) => name !== '')
  const needed: string[] = []
  for (const name of names.reverse()) {
    needed.unshift(name)
    const begin = await stateAtBegin(look, name, limit)
    const list = parseGtidList((begin ?? '').replace(/^\[|\]$/g, ''))
    if (begin !== null && list !== null && (newestOf(list, domain)?.sequence ?? 0) <= sequence) {
      return needed
    }
  }
  throw refuse(
    'the binary log no longer reaches back to the last common transaction; tandem data rejoin NAME --copy sets everything aside instead',
  )
}

/** Old numbers for new transactions are what strict mode refuses: played again, they get new ones. */
const OLD_NUMBERS =
  '/^\\/\\*M!100001 SET @@session\\.\\(gtid_domain_id\\|server_id\\|gtid_seq_no\\)=/d'

/** `--no-defaults` first, so that no option of the host's own files changes what is printed. */
function printLog(args: readonly string[], limit: Limit): Promise<void> {
  return tool('mariadb-binlog', ['--no-defaults', ...args], limit)
}

async function tool(command: string, args: readonly string[], limit: Limit): Promise<void> {
  const result = await run({
    label: 'export the binary log',
    command,
    args,
    timeoutMs: Math.max(1, Math.floor(limit.leftMs())),
  })
  if (result.ok) return
  const code = result.code === 'HA_EXEC_TIMEOUT' ? 'HA_STORE_TIMEOUT' : 'HA_STORE_REFUSED'
  throw new StoreFailure(code, result.message)
}

async function summarise(path: string): Promise<BinlogSummary> {
  const reader = new BinlogReader()
  ensure(await eachLine(path, (line) => reader.line(line)))
  return reader.summary()
}

function describe(
  request: ArchiveRequest,
  range: string,
  logs: readonly string[],
  summary: BinlogSummary,
): string {
  const { state, divergence } = request
  return `Transactions that only this server had (${request.name}, server_id ${state.server})

Set aside   ${request.nowIso}
What        ${range}: ${summary.transactions} transactions, ${summary.rows} row changes
Tables      ${summary.tables.join(', ') || 'none'}
Common      ${formatGtidList(divergence.common) || 'nothing'} (both servers have everything up to here)
Undo        ${summary.obstacle ?? 'possible, see undo.sql'}

They were written here and never reached the peer, which went on without them. To follow the
peer this server gives them up; nothing of them is on the active any more.

transactions.txt   to read: every row before and after
transactions.sql   to play again, after reading, on the active node:
                   mariadb --binary-mode < transactions.sql
                   They get new transaction numbers there. A row that was changed meanwhile stops it
                   (duplicate key, row not found).
undo.sql           what was played here to give them up
${logs.join('\n')}
                   the parts of the binary log they came from
`
}

function ensure(result: SetAside): void {
  if (!result.ok) throw refuse(result.message)
}

function refuse(message: string): StoreFailure {
  return new StoreFailure('HA_STORE_REFUSED', message)
}
