/**
 * What does a node tell of what it holds: stores, services, and load-balancers in front of it?
 */
import type { Definition, Facts, Row, Value } from './metric-rows.ts'
import type { StatusDocument } from './schema.ts'

export const HELD_METRICS: readonly Definition[] = [
  // Data.
  [
    'sync',
    'gauge',
    'As active: 1 if a write is confirmed only when the peer has it.',
    ({ status }) => status.local.sync,
  ],
  [
    'in_sync',
    'gauge',
    'As standby: 1 if it has every write that the peer confirmed.',
    ({ status }) => status.local.inSync,
  ],
  [
    'sole',
    'gauge',
    '1 if it has confirmed writes that the peer may lack.',
    ({ status }) => status.local.sole,
  ],
  [
    'store_up',
    'gauge',
    '1 if the store answers its probes.',
    (facts) => stores(facts, ({ sick, role }) => !sick && role !== null),
  ],
  [
    'store_writable',
    'gauge',
    '1 if applications may write to it.',
    (facts) => stores(facts, ({ role }) => (role === null ? null : role === 'writable')),
  ],
  [
    'store_following',
    'gauge',
    "1 if it gets what the peer's store writes.",
    (facts) => stores(facts, ({ following }) => following),
  ],
  [
    'store_confirms_together',
    'gauge',
    '1 if a write is confirmed only when the peer has it.',
    (facts) => stores(facts, ({ confirmsTogether }) => confirmsTogether),
  ],
  [
    'store_lag_bytes',
    'gauge',
    'Redis: by how much the copy that takes no writes is behind.',
    (facts) =>
      stores(facts, ({ kind, peer }) => (kind === 'redis' ? (peer?.behind ?? null) : null)),
  ],
  [
    'store_lag_transactions',
    'gauge',
    'MariaDB: by how much the copy that takes no writes is behind.',
    (facts) =>
      stores(facts, ({ kind, peer }) => (kind === 'mariadb' ? (peer?.behind ?? null) : null)),
  ],
  [
    'store_free_bytes',
    'gauge',
    'Room on the fullest file system where it keeps files.',
    (facts) => stores(facts, ({ space }) => space?.freeBytes ?? null),
  ],
  [
    'store_size_bytes',
    'gauge',
    'Size of that file system.',
    (facts) => stores(facts, ({ space }) => space?.totalBytes ?? null),
  ],
  [
    'store_differences',
    'gauge',
    'Rows or keys that were not the same on both nodes when they were compared last.',
    (facts) => stores(facts, ({ verified }) => verified?.differences ?? null),
  ],
  // Services.
  [
    'service_running',
    'gauge',
    '1 if its process runs.',
    (facts) => services(facts, ({ process }) => process === 'running'),
  ],
  [
    'service_wanted',
    'gauge',
    '1 if it is to run here; none for one that an operator looks after.',
    (facts) => services(facts, ({ wanted }) => (wanted === null ? null : wanted === 'running')),
  ],
  [
    'service_well',
    'gauge',
    '1 if its probes are answered; none for one without probes.',
    (facts) => services(facts, ({ probed, probe }) => (probed ? probe === 'well' : null)),
  ],
  [
    'service_failures',
    'gauge',
    'Failures that count now.',
    (facts) => services(facts, ({ failures }) => failures),
  ],
  [
    'service_exhausted',
    'gauge',
    '1 if it failed too often.',
    (facts) => services(facts, ({ exhausted }) => exhausted),
  ],
  // Load-balancers.
  [
    'drained',
    'gauge',
    '1 if an operator wants no new calls to come to the pair.',
    ({ status }) => status.drained,
  ],
  [
    'load_balancer_up',
    'gauge',
    '1 if it can be asked and told.',
    (facts) => loadBalancers(facts, ({ seen, trouble }) => seen !== null && trouble === null),
  ],
  [
    'load_balancer_sends_calls',
    'gauge',
    '1 if it was seen to send new calls here.',
    (facts) => loadBalancers(facts, ({ seen }) => (seen === null ? null : seen === 'active')),
  ],
]

type Store = StatusDocument['stores'][number]
type Service = StatusDocument['services'][number]
type LoadBalancer = StatusDocument['loadBalancers'][number]

function stores({ status }: Facts, value: (store: Store) => Value): Row[] {
  return status.stores.map((store) => [{ store: store.name, kind: store.kind }, value(store)])
}

function services({ status }: Facts, value: (service: Service) => Value): Row[] {
  return status.services.map((service) => [{ service: service.name }, value(service)])
}

function loadBalancers({ status }: Facts, value: (one: LoadBalancer) => Value): Row[] {
  return status.loadBalancers.map((one) => [{ load_balancer: one.name }, value(one)])
}
