/**
 * Who switches a silent node off, and how is it told which? The section `tandem.fence`.
 *
 * What stands below `sp1` is how `sp1` is switched off: the parameters of the agent as its manual names them.
 * Passwords stand in files, so that they are in no list of processes and no copy of this file.
 */
import type { Findings } from './finding.ts'
import { knownKeys } from './known-keys.ts'
import type { FenceConfig, FencePlug } from './quorum.ts'
import { readInteger, readPath, readText } from './scalar.ts'
import { child, isEmpty, type MapTree, placeUnder, type Tree } from './tree.ts'

export const FENCE_EXAMPLE = '{agent: fence_ipmilan, sp1: {ip: …}, sp2: {ip: …}}'

/** Where Debian's fence-agents are. */
const AGENT_DIRECTORY = '/usr/sbin'
const DEFAULT_TIMEOUT_SECONDS = 30
/** What the agent is told by us. */
const OURS = ['action', 'nodename']
const SECRET = /pass|secret|token/

export function readFence(tree: Tree, findings: Findings): FenceConfig | null {
  if (tree.kind !== 'map') {
    findings.error(tree, 'is not a section', `write it as ${FENCE_EXAMPLE}`)
    return null
  }
  const given = knownKeys(tree, ['agent', 'timeout_seconds', 'sp1', 'sp2'], findings)
  const agent = readAgent(given, findings)
  const seconds = readInteger(
    child(given, 'timeout_seconds'),
    { min: 1, max: 600, unit: 'seconds' },
    findings,
  )
  const sp1 = readPlug(given, 'sp1', findings)
  const sp2 = readPlug(given, 'sp2', findings)
  if (agent === null || sp1 === null || sp2 === null) return null
  const timeoutMs = (seconds ?? DEFAULT_TIMEOUT_SECONDS) * 1000
  return { agent, timeoutMs, plugs: { sp1, sp2 } }
}

function readAgent(given: MapTree, findings: Findings): string | null {
  const tree = child(given, 'agent')
  const mend = 'name one of the package fence-agents, as fence_ipmilan, or a path from /'
  if (isEmpty(tree)) findings.error(placeUnder(given, 'agent'), 'is missing', mend)
  const told = readText(tree, findings)
  if (told === null) return null
  if (told.text.startsWith('/')) return told.text
  if (/^fence_[a-z0-9_]+$/.test(told.text)) return `${AGENT_DIRECTORY}/${told.text}`
  findings.error(told, 'is not a fence agent', mend)
  return null
}

function readPlug(given: MapTree, node: 'sp1' | 'sp2', findings: Findings): FencePlug | null {
  const tree = child(given, node)
  if (tree?.kind !== 'map') {
    const mend = `write below it how ${node} is switched off, as {ip: 192.0.2.71, username: tandem}`
    findings.error(tree ?? placeUnder(given, node), 'does not say how to switch it off', mend)
    return null
  }
  const parameters: Record<string, string> = {}
  for (const [key, value] of tree.entries) {
    if (key === 'password_file') continue
    const told = readParameter(key, value, findings)
    if (told !== null) parameters[key] = told
  }
  return { parameters, passwordFile: readPath(child(tree, 'password_file'), findings) }
}

function readParameter(key: string, value: Tree, findings: Findings): string | null {
  const at = value.place
  if (!/^[a-z][a-z0-9_]*$/.test(key)) {
    findings.error(at, 'is not a parameter of a fence agent', 'write it as its manual names it')
  } else if (OURS.includes(key)) {
    findings.error(at, 'is told by the agent of this node', 'remove it')
  } else if (SECRET.test(key)) {
    findings.error(at, 'does not belong here', 'write password_file: a file of mode 0600')
  } else return readText(value, findings)?.text ?? null
  return null
}
