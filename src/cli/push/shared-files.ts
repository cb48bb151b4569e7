/**
 * Which files of the configuration may both nodes have alike, and what stands in them?
 *
 * Those that Tandem reads on both, and those that bear this node's own name: the peer does not read them, and
 * whoever looks there finds what holds here. Never what bears the peer's name, `config.local.yml`, which is of
 * the machine, nor what `tandem.drift.except` says may differ. Secrets have files of their own (key, tokens,
 * certificates), which only the configuration's paths to them are sent of.
 */
import { createHash } from 'node:crypto'
import { stat } from 'node:fs/promises'
import { join } from 'node:path'
import type { PairConfig } from '../../config/config.ts'
import { type FileFailure, listDirectory, readWholeFile } from '../../system/file.ts'

/** As the configuration is read. */
const FILE_MAX_BYTES = 1024 * 1024
const FILES_MAX = 200

export interface SharedFile {
  name: string
  bytes: Buffer
  sha256: string
  mode: number
  owner: { uid: number; gid: number }
  mtimeMs: number
}

/** A name that a push may bear, whoever sent it: nothing outside of the directory. */
export function isShareable(name: string): boolean {
  return /^(config\.d\/)?[A-Za-z0-9_][A-Za-z0-9_.-]{0,200}\.yml$/.test(name)
}

/** Names of all that may be pushed from this node, whether they are there or not. */
export function sharedNames(
  config: Pick<PairConfig, 'node' | 'hostName' | 'peerHostName'>,
  inConfigD: readonly string[],
): string[] {
  const { node, hostName, peerHostName } = config
  const peerNode = node === 'sp1' ? 'sp2' : 'sp1'
  const pairName = /^sp[12]$/.test(hostName) ? 'sp' : hostName.replace(/[ab]$/, '')
  const own = [node, pairName, hostName].map((name) => `config.${name}.yml`)
  const theirs = [peerNode, peerHostName].map((name) => `config.${name}.yml`)
  const names = ['config.yml', 'network.yml', 'constants.yml', ...own]
  const more = inConfigD.map((name) => `config.d/${name}`)
  const all = new Set([...names, ...more].filter(isShareable))
  return [...all].filter((name) => !theirs.includes(name)).sort()
}

/** Names inside `config.d`, none where it is not there. */
export async function namesInConfigD(directory: string): Promise<string[]> {
  const found = await listDirectory(join(directory, 'config.d'))
  return (found.ok ? found.names : []).slice(0, FILES_MAX)
}

/** @returns by name those that are there, or why one cannot be read */
export async function readShared(
  directory: string,
  names: readonly string[],
): Promise<{ ok: true; files: Map<string, SharedFile> } | FileFailure> {
  const files = new Map<string, SharedFile>()
  for (const name of names) {
    const path = join(directory, name)
    const read = await readWholeFile(path, { maxBytes: FILE_MAX_BYTES })
    if (!read.ok && read.code === 'HA_FILE_MISSING') continue
    if (!read.ok) return read
    const { bytes, mode, uid, gid } = read
    const mtimeMs = (await stat(path).catch(() => null))?.mtimeMs ?? 0
    files.set(name, { name, bytes, sha256: hashOf(bytes), mode, owner: { uid, gid }, mtimeMs })
  }
  return { ok: true, files }
}

export function hashOf(bytes: Uint8Array): string {
  return createHash('sha256').update(bytes).digest('hex')
}
