/**
 * What does the heart know at this moment? Its parts, put together as plain values.
 */
import type { PairConfig } from '../config/config.ts'
import type { QuorumSnapshot } from '../control/quorum-snapshot.ts'
import type {
  FloatingIpSnapshot,
  HeartHealth,
  PathSnapshot,
  Snapshot,
} from '../control/snapshot.ts'
import type { State } from '../core/state.ts'
import type { LinksReport } from '../links/heartbeat-links.ts'
import type { PingNodeReport } from '../links/ping-stats.ts'
import type { FollowersSnapshot } from './followers.ts'
import type { ServiceGate } from './service-gate.ts'

export interface SnapshotParts {
  config: PairConfig
  nowMs: number
  state: Readonly<State>
  gate: ServiceGate
  weaker: string | null
  missingPlaces: Snapshot['gate']['missing']
  announcedMs: number | null
  links: LinksReport
  rounds: readonly PingNodeReport[]
  floatingIps: readonly FloatingIpSnapshot[]
  withoutCarrier: readonly string[]
  follow: FollowersSnapshot
  quorum: QuorumSnapshot
  heart: HeartHealth
  carrier: (name: string) => boolean
}

export function buildSnapshot(parts: SnapshotParts): Snapshot {
  const { config, gate, links, rounds } = parts
  const { serveUntilMs, occupiedUntilMs } = gate.query()
  return {
    nowMs: parts.nowMs,
    state: parts.state,
    gate: {
      kind: gate.kind,
      weaker: parts.weaker,
      ...gate.counts,
      serveUntilMs,
      occupiedUntilMs,
      missing: parts.missingPlaces,
    },
    addressesPresent: gate.present,
    announcedMs: parts.announcedMs,
    paths: pathsOf(parts),
    pingNodes: config.pingNodes.map((node, index) => ({
      address: node.address,
      source: node.source,
      state: rounds[index]?.state ?? 'never-answered',
      lossRatio: rounds[index]?.lossRatio ?? null,
      roundTrip: rounds[index]?.roundTrip ?? null,
      reflects: links.reflected[index]?.reflects ?? null,
    })),
    floatingIps: parts.floatingIps,
    withoutCarrier: parts.withoutCarrier,
    ...parts.follow,
    quorum: parts.quorum,
    heart: parts.heart,
  }
}

function pathsOf({ config, links, carrier }: SnapshotParts): PathSnapshot[] {
  const direct = links.direct.map(({ path, ...report }) => ({
    name: path.name,
    kind: path.kind,
    interface: path.interface,
    ours: path.ourAddress,
    theirs: path.peerAddress,
    carrier: carrier(path.interface),
    lossRatio: report.lossRatio,
    roundTrip: report.roundTrip,
    lastHeardMs: report.lastHeardMs,
  }))
  const reflected = links.reflected.map((report, index) => ({
    name: `by ping node ${index + 1}`,
    kind: 'reflected' as const,
    interface: null,
    ours: '-',
    theirs: config.pingNodes[index]?.address ?? '-',
    carrier: null,
    lossRatio: report.lossRatio,
    roundTrip: report.roundTrip,
    lastHeardMs: report.lastHeardMs,
  }))
  return [...direct, ...reflected]
}
