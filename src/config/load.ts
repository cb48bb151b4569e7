/**
 * Which files tell us what?
 *
 * Reads the platform's directory in the platform's order of precedence and hands the result to
 * `judge.ts`. Only config.yml and network.yml must be there. Never throws for what stands in the
 * files, and never stops at the first mistake.
 *
 * @source the platform's manual of its configuration tool, "Configuration file priority"
 */
import { hostname } from 'node:os'
import { join } from 'node:path'
import { type FileContent, type FileFailure, readWholeFile } from '../system/file.ts'
import { type FileSetView, viewFileSet } from '../system/file-set.ts'
import { Findings } from './finding.ts'
import { type Judged, judge, judgeIdentity } from './judge.ts'
import type { NameSource, NameSources, NodeIdentity } from './node-name.ts'
import { type MapTree, mergeTrees, type Tree } from './tree.ts'
import { readYaml } from './yaml.ts'

/** Where the platform keeps its configuration. */
export const DEFAULT_DIRECTORY = '/etc/ngcp-config'

/** A large installation's config.yml has a few hundred KiB. */
const FILE_MAX_BYTES = 1024 * 1024
const NAME_MAX_BYTES = 4096

/** What to read, and as whom. Everything has the platform's value by default. */
export interface LoadRequest {
  /** Holds config.yml and network.yml. */
  directory?: string
  /** Value of `--node`; null or missing when not given. */
  node?: string | null
  /** Value of the variable TANDEM_NODE; empty counts as not given. */
  nodeVariable?: string | null
  /** Where `/etc/ngcp_nodename` and its like are looked for. */
  etcDirectory?: string
  /** Of this machine; the system's by default. */
  machineName?: string
  /** As if these files of the directory were so; null as if one were not there. */
  changes?: ReadonlyMap<string, Uint8Array | null>
}

/** The judgement, with the files it rests on in the order in which they were merged. */
export type Loaded = Judged & { files: readonly string[] }

/** How often is read again what the peer's push replaced meanwhile. */
const READINGS_MAX = 5

/** Reads and judges the whole configuration of one node. */
export async function loadConfig(request: LoadRequest = {}): Promise<Loaded> {
  const directory = request.directory ?? DEFAULT_DIRECTORY
  let view = await viewFileSet(directory)
  for (let left = READINGS_MAX; ; left -= 1) {
    const loaded = await loadOnce({ directory, view, ...request })
    const after = await viewFileSet(directory)
    if (after.mark === view.mark || left <= 1) return loaded
    view = after
  }
}

/** Where the files are read, and which of them are taken to be otherwise. */
interface Source {
  directory: string
  view: FileSetView
  changes?: ReadonlyMap<string, Uint8Array | null>
}

async function loadOnce(request: LoadRequest & Source): Promise<Loaded> {
  const findings = new Findings()
  const network = await readTree(request, 'network.yml', findings)
  const sources = await readNames(request, findings)
  const known = network.tree && judgeIdentity(network.tree, sources, findings)
  const config = await readConfig(request, known?.identity ?? null, findings)
  const networkFile = join(request.directory, 'network.yml')
  const files = network.tree === null ? config.files : [...config.files, networkFile]
  return { ...judge(config.root, known, findings), files }
}

async function readOne(
  { view, changes }: Source,
  name: string,
): Promise<FileContent | FileFailure> {
  const changed = changes?.get(name)
  if (changed === undefined) return await view.read(name, { maxBytes: FILE_MAX_BYTES })
  if (changed === null) {
    return { ok: false, code: 'HA_FILE_MISSING', message: 'it does not exist', cause: null }
  }
  return { ok: true, bytes: Buffer.from(changed), mode: 0o600, uid: 0, gid: 0 }
}

async function readTree(
  source: Source,
  name: string,
  findings: Findings,
): Promise<{ there: boolean; tree: MapTree | null }> {
  const file = join(source.directory, name)
  const required = name === 'network.yml' || name === 'config.yml'
  const content = await readOne(source, name)
  if (content.ok) return { there: true, tree: readYaml(file, content.bytes, findings) }
  const there = content.code !== 'HA_FILE_MISSING'
  if (there || required) {
    const why = `cannot be used: ${content.message}`
    const mend = there
      ? 'make it a readable file of sensible size'
      : 'name its directory with --config'
    findings.error({ file, line: null, key: '' }, why, mend)
  }
  return { there, tree: null }
}

async function readNames(request: LoadRequest, findings: Findings): Promise<NameSources> {
  const etc = request.etcDirectory ?? '/etc'
  const option = request.node ?? null
  const variable = request.nodeVariable ?? ''
  const told: NameSource | null =
    option !== null
      ? { text: option, from: '--node' }
      : variable !== ''
        ? { text: variable, from: 'TANDEM_NODE' }
        : null
  // The second name is from the releases with heartbeat 2.
  const nodeFile =
    (await readName(join(etc, 'ngcp_nodename'), findings)) ??
    (await readName(join(etc, 'ngcp_ha_node'), findings))
  const hostFile = await readName(join(etc, 'ngcp_hostname'), findings)
  const machine = { text: request.machineName ?? hostname(), from: 'host name' }
  return { told, nodeFile, machine: hostFile === null ? [machine] : [hostFile, machine] }
}

async function readName(file: string, findings: Findings): Promise<NameSource | null> {
  const content = await readWholeFile(file, { maxBytes: NAME_MAX_BYTES })
  if (content.ok) return { text: content.bytes.toString('utf8').trim(), from: file }
  if (content.code !== 'HA_FILE_MISSING') {
    const mend = 'make it a readable file with the node name in it'
    findings.error({ file, line: null, key: '' }, `cannot be used: ${content.message}`, mend)
  }
  return null
}

/** Merges every file that speaks for this node, the weakest first. */
async function readConfig(
  source: Source,
  identity: NodeIdentity | null,
  findings: Findings,
): Promise<{ root: MapTree | null; files: string[] }> {
  const { directory, view, changes } = source
  const names = ['config.yml', ...ownNames(identity), 'config.local.yml']
  const extra = await view.list('config.d')
  if (extra.ok) {
    const added = [...(changes?.keys() ?? [])].filter((name) => name.startsWith('config.d/'))
    const there = extra.names.map((name) => join('config.d', name))
    names.push(...[...new Set([...there, ...added])].filter((name) => name.endsWith('.yml')).sort())
  } else {
    const file = join(directory, 'config.d')
    findings.error({ file, line: null, key: '' }, extra.message, 'make the directory readable')
  }
  names.push('constants.yml')
  let root: MapTree | null = null
  let failed = false
  const files: string[] = []
  for (const name of new Set(names)) {
    const file = join(directory, name)
    const { there, tree } = await readTree(source, name, findings)
    if (!there && name !== 'config.yml') continue
    if (tree === null) {
      failed = true
      continue
    }
    files.push(file)
    const merged: Tree = root === null ? tree : mergeTrees(root, tree)
    root = merged.kind === 'map' ? merged : root
  }
  // With a part missing, what the rest seems to say may be the opposite of what was meant.
  return { root: failed ? null : root, files }
}

/** Files for the node, the pair and the host, in this order of rising precedence. */
function ownNames(identity: NodeIdentity | null): string[] {
  if (identity === null) return []
  const { node, hostName } = identity
  const pairName = /^sp[12]$/.test(hostName) ? 'sp' : hostName.replace(/[ab]$/, '')
  return [`config.${node}.yml`, `config.${pairName}.yml`, `config.${hostName}.yml`]
}
