/**
 * What does a node tell of the pair: its role, its gate, its peer, the ways to it, the ping nodes?
 */
import {
  type Definition,
  type Facts,
  type Row,
  seconds,
  stateSet,
  type Value,
} from './metric-rows.ts'
import type { StatusDocument } from './schema.ts'

const ROLES = ['standby', 'elect', 'take', 'active', 'demoting']
const STATES = ['active', 'standby', 'transition', 'unknown']

export const PAIR_METRICS: readonly Definition[] = [
  // The role.
  [
    'role',
    'gauge',
    'Role in the protocol: 1 for the one it has, 0 for the others.',
    ({ status }) => stateSet('role', ROLES, status.local.role),
  ],
  [
    'state',
    'gauge',
    'State in the words of the platform: 1 for the one it is in.',
    ({ status }) => stateSet('state', STATES, status.local.state),
  ],
  [
    'role_changed_timestamp_seconds',
    'gauge',
    'When the role changed last, seconds since 1970.',
    ({ status }) => seconds(Date.parse(status.local.sinceIso)),
  ],
  ['term', 'gauge', 'Highest term used or heard.', ({ status }) => status.local.term],
  ['able', 'gauge', '1 if this node could serve.', ({ status }) => status.local.able],
  ['healthy', 'gauge', '1 if nothing makes it unfit.', ({ status }) => status.local.healthy],
  ['maintenance', 'gauge', '1 in maintenance.', ({ status }) => status.local.maintenance],
  [
    'lease_remaining_seconds',
    'gauge',
    'How long the lease lasts without being renewed; only on the node that holds one.',
    ({ status }) => seconds(status.local.leaseLeftMs),
  ],
  [
    'transitions_total',
    'counter',
    'Changes of the role since the agent started.',
    ({ transitions }) => transitions.map(({ to, reason, count }) => [{ to, reason }, count]),
  ],
  [
    'takeover_outage_seconds',
    'gauge',
    'How long nobody served at the last takeover by this node, as far as it can tell.',
    ({ lastTakeover }) => seconds(lastTakeover?.outageMs ?? null),
  ],
  [
    'takeover_timestamp_seconds',
    'gauge',
    'When that was, seconds since 1970.',
    ({ lastTakeover }) => seconds(lastTakeover === null ? null : Date.parse(lastTakeover.atIso)),
  ],
  // The gate.
  [
    'gate_open',
    'gauge',
    '1 if the kernel lets service traffic through.',
    ({ status }) => status.local.gate.state === 'open',
  ],
  [
    'gate_attached',
    'gauge',
    '1 if the gate is in force everywhere.',
    ({ status }) => status.local.gate.attached,
  ],
  [
    'gate_kind',
    'gauge',
    'Which gate is in force: 1 for the one it is.',
    ({ status }) => stateSet('kind', ['ebpf', 'nftables', 'lifetime'], status.local.gate.kind),
  ],
  [
    'gate_commands_total',
    'counter',
    'Commands to the gate.',
    ({ status }) => status.local.gate.commands,
  ],
  [
    'gate_refusals_total',
    'counter',
    'Commands that the kernel refused.',
    ({ status }) => status.local.gate.refusals,
  ],
  [
    'floating_ip_present',
    'gauge',
    '1 if the kernel of this node has the address.',
    ({ status }) =>
      status.floatingIps.map(({ address, interface: on, present }) => [
        { address, interface: on },
        present,
      ]),
  ],
  // The peer, and the ways to it.
  ['peer_heard', 'gauge', '1 if the peer is heard.', ({ status }) => status.peer.heard],
  [
    'peer_heard_age_seconds',
    'gauge',
    'How long ago the peer was heard last.',
    ({ status }) => seconds(status.peer.lastHeardMsAgo),
  ],
  [
    'peer_state',
    'gauge',
    'State of the peer as this node sees it: 1 for the one it is in.',
    ({ status }) => stateSet('state', STATES, status.peer.state),
  ],
  [
    'peer_configuration_equal',
    'gauge',
    '1 if both nodes have the same ping nodes, times, mode and floating IPs.',
    ({ status }) => status.peer.digestEqual,
  ],
  ['path_up', 'gauge', '1 if heartbeats come in this way.', (facts) => paths(facts, isUp)],
  [
    'path_loss_ratio',
    'gauge',
    'Part of the heartbeats that were lost, 0 to 1.',
    (facts) => paths(facts, ({ lossRatio }) => lossRatio),
  ],
  [
    'path_heard_age_seconds',
    'gauge',
    'How long ago the peer was heard this way.',
    (facts) => paths(facts, ({ lastHeardMsAgo }) => seconds(lastHeardMsAgo)),
  ],
  [
    'path_round_trip_median_seconds',
    'gauge',
    'Of the last hundred or so heartbeats.',
    (facts) => paths(facts, ({ roundTripMs }) => seconds(roundTripMs?.median ?? null)),
  ],
  [
    'path_round_trip_max_seconds',
    'gauge',
    'Of the last hundred or so heartbeats.',
    (facts) => paths(facts, ({ roundTripMs }) => seconds(roundTripMs?.max ?? null)),
  ],
  // Ping nodes.
  ['ping_majority', 'gauge', '1 if a strict majority answers.', ({ status }) => status.majority],
  ['ping_nodes_answering', 'gauge', 'Ping nodes that answer.', ({ status }) => status.score],
  [
    'ping_node_up',
    'gauge',
    '1 if it answers.',
    (facts) => pingNodes(facts, ({ state }) => state === 'answering'),
  ],
  [
    'ping_node_loss_ratio',
    'gauge',
    'Part of the requests that were not answered, 0 to 1.',
    (facts) => pingNodes(facts, ({ lossRatio }) => lossRatio),
  ],
  [
    'ping_node_round_trip_median_seconds',
    'gauge',
    'Of the last hundred or so answers.',
    (facts) => pingNodes(facts, ({ roundTripMs }) => seconds(roundTripMs?.median ?? null)),
  ],
]

type Path = StatusDocument['paths'][number]
type PingNode = StatusDocument['pingNodes'][number]

function isUp({ state }: Path): boolean {
  return state === 'up' || state === 'lossy'
}

function paths({ status }: Facts, value: (path: Path) => Value): Row[] {
  return status.paths.map((path) => [{ path: path.name, kind: path.kind }, value(path)])
}

function pingNodes({ status }: Facts, value: (node: PingNode) => Value): Row[] {
  return status.pingNodes.map((node) => [{ address: node.address }, value(node)])
}
