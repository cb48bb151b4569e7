/**
 * What does all of it together mean for our node?
 *
 * From the merged sections to one `PairConfig`, without touching a file. Goes through every part
 * even when an earlier one failed, so that an operator sees all mistakes at once.
 */
import { deriveTiming } from '../core/policy.ts'
import type { Mistake } from '../errors.ts'
import { placeApi } from './api-listen.ts'
import type { ApiConfig, FloatingIp, PairConfig, PathConfig } from './config.ts'
import { findConflicts } from './conflict.ts'
import { digestOf } from './digest.ts'
import { Findings } from './finding.ts'
import { readFloatingIps } from './floating-ip.ts'
import { identifyNode, type NameSources, type NodeIdentity } from './node-name.ts'
import { type Pair, readPair } from './pair.ts'
import { isCrosslink, readPaths } from './path.ts'
import { readPingNodes } from './ping-node.ts'
import { readSettings, type Settings } from './settings.ts'
import { child, type MapTree, placeUnder } from './tree.ts'

/** A configuration that can be used, or the reasons why not. */
export type Judged =
  | { ok: true; config: PairConfig; mistakes: readonly Mistake[] }
  | { ok: false; code: 'HA_CONFIG_INVALID'; config: null; mistakes: readonly Mistake[] }

/** Finds out which host we are, from network.yml alone; null when a mistake was told. */
export function judgeIdentity(
  network: MapTree,
  sources: NameSources,
  findings: Findings,
): { identity: NodeIdentity; hosts: MapTree } | null {
  for (const section of ['tandem', 'ha', 'heartbeat']) {
    const misplaced = child(network, section)
    if (misplaced === undefined) continue
    findings.warning(misplaced, 'is not read from this file', 'move it to config.yml')
  }
  const hosts = child(network, 'hosts')
  if (hosts?.kind !== 'map') {
    const at = hosts ?? placeUnder(network, 'hosts')
    findings.error(at, 'describes no host', 'describe both hosts of the pair below it')
    return null
  }
  const identity = identifyNode(sources, hosts, findings)
  return identity === null ? null : { identity, hosts }
}

/**
 * Judges everything.
 *
 * @param root   config.yml with what goes before it; null when it could not be read
 * @param known  who we are and the hosts section; null when that failed
 */
export function judge(
  root: MapTree | null,
  known: { identity: NodeIdentity; hosts: MapTree } | null,
  findings: Findings,
): Judged {
  const settings = root === null ? null : readSettings(root, findings)
  const readers = { findings, silent: new Findings() }
  const pair = known === null ? null : readPair(known.identity, known.hosts, readers)
  if (pair !== null) findConflicts(pair, findings)
  const floatingIps = pair === null ? [] : readFloatingIps(pair, findings)
  if (pair !== null && floatingIps.length === 0) tellNoFloating(pair, findings)
  const paths = pair === null ? [] : readPaths(pair, settings?.extraPaths ?? [], findings)
  const pingNodes = root === null ? [] : readPingNodes(root, pair, findings)
  const api = pair === null ? null : placeApi(settings?.api ?? null, pair, findings)
  if (findings.failed || settings === null || pair === null) {
    return { ok: false, code: 'HA_CONFIG_INVALID', config: null, mistakes: findings.all }
  }
  const parts = { settings, pair, floatingIps, paths, pingNodes, api }
  return { ok: true, config: assemble(parts), mistakes: findings.all }
}

function tellNoFloating(pair: Pair, findings: Findings): void {
  // A list that is there but wrong was told already.
  const shared = pair.ours.interfaces.some((section) =>
    ['shared_ip', 'shared_v6ip'].some((key) => {
      const list = child(section.tree, key)
      return list?.kind === 'list' && list.items.length > 0
    }),
  )
  if (shared) return
  findings.warning(
    child(pair.ours.tree, 'interfaces')?.place ?? placeUnder(pair.ours.tree, 'interfaces'),
    'have no shared address: nothing would move when the role does',
    'add shared_ip to the interface that clients reach, on both hosts',
  )
}

interface Parts {
  settings: Settings
  pair: Pair
  floatingIps: readonly FloatingIp[]
  paths: readonly PathConfig[]
  pingNodes: PairConfig['pingNodes']
  api: ApiConfig | null
}

function assemble({ settings, pair, floatingIps, paths, pingNodes, api }: Parts): PairConfig {
  const { timing, data, stores } = settings
  const { mode, witness, fence } = settings.quorum
  const [firstPath] = paths
  const crosslinks = pair.ours.interfaces.filter(isCrosslink).map((section) => section.name)
  const carriers = floatingIps.map((ip) => ip.interface)
  const policy = {
    node: pair.node,
    mode,
    timing: deriveTiming(timing.choice),
    pingNodeCount: pingNodes.length,
    data,
    digest: digestOf({ mode, timing: timing.choice, pingNodes, floatingIps, witness }),
  }
  return {
    node: pair.node,
    hostName: pair.ours.name,
    peerHostName: pair.theirs.name,
    mode,
    ...{ witness, fence },
    policy,
    timingProfile: timing.profile,
    port: settings.port,
    paths,
    pingNodes,
    floatingIps,
    serviceInterfaces: [...new Set(carriers)].filter((name) => !crosslinks.includes(name)),
    stores: stores.map((store) => ({
      ...store,
      peerAddress: store.peerAddress ?? firstPath?.peerAddress ?? store.address,
    })),
    services: settings.services,
    outsideChecks: settings.outsideChecks,
    loadBalancers: settings.loadBalancers,
    callCheck: settings.callCheck,
    alarms: settings.alarms,
    drift: settings.drift,
    watchdog: settings.watchdog,
    keyFile: settings.keyFile.path,
    mainStallMs: settings.mainStallMs,
    gate: settings.gate,
    controlGroup: settings.controlGroup,
    api,
  }
}
