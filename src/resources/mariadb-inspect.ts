/**
 * Which settings, privileges and accounts of a server should be otherwise?
 *
 * Compares what runs with the lists of `mariadb-setup.ts`. Two settings are changed while the pair works,
 * or are no variables at all, so what counts at the next start is read from the option files, as the
 * server's own tool puts them together. Changes nothing: even the probe's INSERT is tried with no row.
 */
import { run } from '../system/exec.ts'
import { readWholeFile } from '../system/file.ts'
import type { Asks } from './mariadb-door.ts'
import { judgeFailure, SqlFailure } from './mariadb-fault.ts'
import {
  missing,
  PRIVILEGES,
  SEMI_SYNC_SETTINGS,
  SETTINGS,
  type Setting,
  UNDO_PRIVILEGES,
} from './mariadb-setup.ts'
import type { ServerState } from './mariadb-status.ts'
import type { StoreFinding } from './replicated-store.ts'
import type { Limit } from './store-result.ts'

export interface InspectRequest {
  look: Asks
  peer: Asks
  /** As the replication account, to the peer's server. */
  replication: Asks
  /** As the account that undoes; null when none is configured. */
  undo: Asks | null
  state: ServerState
  semiSync: boolean
  /** Of the running server; null when it is not known. */
  pid: number | null
}

/** The oldest version whose privileges these are. */
const VERSION_MIN: readonly [number, number] = [10, 11]

export async function inspectServer(
  request: InspectRequest,
  limit: Limit,
): Promise<StoreFinding[]> {
  return [
    ...versionFindings(request.state.version),
    ...(await settingFindings(request, limit)),
    ...(await startFindings(request.pid, limit)),
    ...(await grantFindings(request, limit)),
    ...(await tableFindings(request.look, limit)),
    ...(await peerFindings(request, limit)),
  ]
}

export function versionFindings(version: string): StoreFinding[] {
  const [major = 0, minor = 0] = version.split('.').map(Number)
  const isMariadb = /mariadb/i.test(version)
  if (
    isMariadb &&
    (major > VERSION_MIN[0] || (major === VERSION_MIN[0] && minor >= VERSION_MIN[1]))
  )
    return []
  return [
    {
      severity: 'error',
      setting: 'version',
      found: version,
      wanted: `MariaDB ${VERSION_MIN.join('.')} or newer`,
      why: 'privileges and replication work differently there',
      mend: 'upgrade the server',
    },
  ]
}

async function settingFindings(request: InspectRequest, limit: Limit): Promise<StoreFinding[]> {
  const wanted = [...SETTINGS, ...(request.semiSync ? SEMI_SYNC_SETTINGS : [])]
  const { rows } = await request.look.ask('SHOW GLOBAL VARIABLES', limit)
  const found = new Map(rows.map((row) => [row['Variable_name'] ?? '', row['Value'] ?? '']))
  return judgeSettings(found, wanted)
}

/** Pure. */
export function judgeSettings(
  found: ReadonlyMap<string, string>,
  wanted: readonly Setting[],
): StoreFinding[] {
  const findings: StoreFinding[] = []
  if (found.get('log_bin') !== 'ON') {
    findings.push(
      finding(
        'error',
        'log_bin',
        found.get('log_bin') ?? null,
        'ON',
        'without a binary log there is nothing to follow',
      ),
    )
  }
  for (const setting of wanted) {
    if (setting.onlyAtStart === true) continue
    const value = found.get(setting.name) ?? null
    if (value !== null && meets(setting, value)) continue
    findings.push(finding(setting.severity, setting.name, value, setting.value, setting.why))
  }
  return findings
}

/** Numbers of warnings are a direction, not a value. */
function meets({ name, value }: Setting, found: string): boolean {
  if (name === 'slave_net_timeout') return Number(found) <= Number(value)
  if (name === 'slave_parallel_threads') return Number(found) > 1
  if (name === 'slave_parallel_mode') return found !== 'none' && found !== 'minimal'
  return found.toUpperCase() === value.toUpperCase()
}

function finding(
  severity: StoreFinding['severity'],
  setting: string,
  found: string | null,
  wanted: string,
  why: string,
): StoreFinding {
  const mend = `write ${setting} = ${wanted} below [mariadbd] in the server's configuration and restart it`
  return { severity, setting, found, wanted, why, mend }
}

const GROUPS = [
  'mysqld',
  'server',
  'mysqld-10.11',
  'mariadb',
  'mariadb-10.11',
  'mariadbd',
  'mariadbd-10.11',
]

async function startFindings(pid: number | null, limit: Limit): Promise<StoreFinding[]> {
  const line = pid === null ? [] : await commandLine(pid)
  const file = line.find((word) => /^--defaults-(extra-)?file=/.test(word))
  const printed = await run({
    label: 'read the option files',
    command: 'my_print_defaults',
    args: [...(file === undefined ? [] : [file]), ...GROUPS],
    timeoutMs: Math.max(1, Math.min(2000, Math.floor(limit.leftMs()))),
  })
  if (!printed.ok) {
    return [
      {
        severity: 'warning',
        setting: 'read_only, skip_slave_start',
        found: null,
        wanted: 'ON in the option files',
        why: `what counts at the next start could not be read (${printed.message})`,
        mend: 'look into the option files yourself',
      },
    ]
  }
  return judgeStart([...printed.stdout.split('\n'), ...line])
}

/**
 * Pure.
 *
 * @param words  options as on a command line, the last one counts
 */
export function judgeStart(words: readonly string[]): StoreFinding[] {
  return SETTINGS.filter(({ onlyAtStart }) => onlyAtStart === true).flatMap((setting) => {
    const value = optionValue(words, setting.name)
    if (value === true) return []
    const found = value === null ? null : 'OFF'
    return [finding(setting.severity, setting.name, found, setting.value, setting.why)]
  })
}

/** Null when the option does not occur. */
function optionValue(words: readonly string[], name: string): boolean | null {
  let value: boolean | null = null
  for (const word of words) {
    const match = /^--(?:(disable|enable|loose)-)?([\w-]+)(?:=(.*))?$/.exec(word.trim())
    if (match === null || (match[2] ?? '').replace(/-/g, '_').toLowerCase() !== name) continue
    const off = match[1] === 'disable' || /^(0|off|false)$/i.test(match[3] ?? '')
    value = !off
  }
  return value
}

async function commandLine(pid: number): Promise<string[]> {
  const content = await readWholeFile(`/proc/${pid}/cmdline`, { maxBytes: 65_536 })
  return content.ok ? content.bytes.toString('utf8').split('\0') : []
}

async function grantFindings(request: InspectRequest, limit: Limit): Promise<StoreFinding[]> {
  const ours = missing(await grantsOf(request.look, limit), PRIVILEGES)
  const findings = ours.map((name) => missingPrivilege(name, 'our account'))
  if (request.undo === null) {
    findings.push({
      severity: 'warning',
      setting: 'undo account',
      found: null,
      wanted: `an account with ${UNDO_PRIVILEGES.join(', ')}`,
      why: 'a node that returns with transactions of its own must be copied anew',
      mend: 'create it as the set-up prints it and name it in the configuration',
    })
    return findings
  }
  try {
    const undo = missing(await grantsOf(request.undo, limit), UNDO_PRIVILEGES)
    findings.push(...undo.map((name) => missingPrivilege(name, 'the account that undoes')))
  } catch (failure) {
    findings.push(loginFinding('undo account', failure))
  }
  return findings
}

async function grantsOf(lane: Asks, limit: Limit): Promise<string[]> {
  const { rows } = await lane.ask('SHOW GRANTS', limit)
  return rows.flatMap((row) => Object.values(row).filter((value) => value !== null))
}

function missingPrivilege(name: string, whose: string): StoreFinding {
  return {
    severity: 'error',
    setting: name,
    found: null,
    wanted: `granted to ${whose}`,
    why: 'a switchover would fail in the middle',
    mend: `GRANT ${name} ON *.* TO that account, on both nodes`,
  }
}

/** Statements that read or write nothing and still need every privilege on our tables. */
const TRIALS: readonly [string, string][] = [
  [
    'tandem.probe',
    `INSERT INTO tandem.probe SELECT * FROM tandem.probe WHERE 1=0
      ON DUPLICATE KEY UPDATE number=VALUES(number)`,
  ],
  ['tandem.undone', 'SELECT 1 FROM tandem.undone WHERE 1=0'],
  ['tandem.table_look', 'SELECT 1 FROM tandem.table_look WHERE 1=0'],
  ['tandem.event_look', 'SELECT 1 FROM tandem.event_look WHERE 1=0'],
  ['tandem.bypass_look', 'SELECT 1 FROM tandem.bypass_look WHERE 1=0'],
]

async function tableFindings(look: Asks, limit: Limit): Promise<StoreFinding[]> {
  const findings: StoreFinding[] = []
  for (const [name, statement] of TRIALS) {
    try {
      await look.ask(statement, limit)
    } catch (failure) {
      if (!(failure instanceof SqlFailure) || failure.errno === 0) throw failure
      findings.push({
        severity: 'error',
        setting: name,
        found: null,
        wanted: 'there, and ours to use',
        why: judgeFailure(failure).why,
        mend: 'carry out the statements of the set-up on both nodes',
      })
    }
  }
  return findings
}

async function peerFindings(request: InspectRequest, limit: Limit): Promise<StoreFinding[]> {
  const findings: StoreFinding[] = []
  try {
    const { rows } = await request.peer.ask(
      'SELECT @@global.server_id AS id, @@global.gtid_domain_id AS domain',
      limit,
    )
    const { server, domain } = request.state
    if (rows[0]?.['id'] === String(server)) {
      findings.push(
        finding(
          'error',
          'server_id',
          String(server),
          "another than the peer's",
          'equal ones cannot follow each other',
        ),
      )
    }
    if (rows[0]?.['domain'] !== String(domain)) {
      findings.push(
        finding(
          'error',
          'gtid_domain_id',
          String(domain),
          "the same as the peer's",
          'split domains merge diverged rows without an error',
        ),
      )
    }
  } catch (failure) {
    findings.push(loginFinding("our account at the peer's server", failure))
  }
  try {
    const lacks = missing(await grantsOf(request.replication, limit), ['REPLICATION SLAVE'])
    findings.push(...lacks.map((name) => missingPrivilege(name, 'the replication account')))
  } catch (failure) {
    findings.push(loginFinding("replication account at the peer's server", failure))
  }
  return findings
}

function loginFinding(setting: string, failure: unknown): StoreFinding {
  if (!(failure instanceof SqlFailure)) throw failure
  return {
    severity: 'error',
    setting,
    found: null,
    wanted: 'logs in',
    why: judgeFailure(failure).why,
    mend: 'compare address and password with the configuration; carry out the statements of the set-up',
  }
}
