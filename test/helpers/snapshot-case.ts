/** A healthy pair as its active sp1 sees it: configuration, last heartbeat of the peer, snapshot. */
import type { PairConfig } from '../../src/config/config.ts'
import type { Snapshot } from '../../src/control/snapshot.ts'
import type { Heartbeat } from '../../src/core/heartbeat.ts'
import { deriveTiming, type Policy, TIMING_PROFILES } from '../../src/core/policy.ts'
import { initialState, type State } from '../../src/core/state.ts'

/** The moment of every snapshot, on the boot clock. */
export const NOW_MS = 1_000_000
export const OUR_BOOT = '0a'.repeat(8)
export const PEER_BOOT = '0b'.repeat(8)

export const POLICY: Policy = {
  node: 'sp1',
  mode: 'ping',
  timing: deriveTiming(TIMING_PROFILES.fast),
  pingNodeCount: 3,
  data: {
    takeover: 'none',
    recentMs: 10_000,
    stale: 'serve',
    staleWaitMs: 60_000,
    confirmAloneAfterMs: 500,
  },
  digest: '0123456789abcdef',
}

export const CONFIG: PairConfig = {
  node: 'sp1',
  hostName: 'sp1',
  peerHostName: 'sp2',
  mode: 'ping',
  witness: null,
  fence: null,
  policy: POLICY,
  timingProfile: 'fast',
  port: 694,
  paths: [
    {
      name: 'crosslink',
      kind: 'crosslink',
      interface: 'eth1',
      family: 4,
      ourAddress: '192.168.255.251',
      peerAddress: '192.168.255.252',
    },
  ],
  pingNodes: [
    { address: '10.0.0.254', family: 4, source: 'gateway' },
    { address: '10.0.0.53', family: 4, source: 'dns' },
    { address: '10.0.0.99', family: 4, source: 'config' },
  ],
  floatingIps: [
    { address: '10.0.0.50', family: 4, prefixLength: 24, interface: 'eth0', label: 'eth0:0' },
    { address: 'fd00::50', family: 6, prefixLength: 64, interface: 'eth0', label: null },
  ],
  serviceInterfaces: ['eth0'],
  keyFile: '/etc/tandem/key',
  mainStallMs: 3_000,
  gate: 'auto',
  controlGroup: null,
  api: null,
  stores: [],
  services: [],
  outsideChecks: [],
  loadBalancers: [],
  callCheck: null,
  alarms: { channels: [], remindAfterMs: 86_400_000 },
  drift: { files: [], except: [], afterMs: 900_000 },
  watchdog: null,
}

/** What a healthy standby sp2 said 10 ms ago. */
export const PEER: Heartbeat = {
  node: 'sp2',
  boot: PEER_BOOT,
  seq: 500,
  term: 7,
  role: 'standby',
  want: false,
  able: true,
  score: 3,
  majority: true,
  hears: true,
  ackBoot: OUR_BOOT,
  ackSeq: 600,
  heardAgoMs: 1,
  direct: true,
  grant: true,
  position: { term: 0, offset: 0 },
  positionUnknown: false,
  sync: false,
  inSync: false,
  sole: false,
  avoid: false,
  ask: null,
  digest: POLICY.digest,
  healthy: true,
  maintenance: false,
}

/** sp1, active since a minute and well. */
export function activeState(changes: Partial<State> = {}): State {
  return {
    ...initialState(OUR_BOOT, { term: 7, sole: false }, 3),
    role: 'active',
    reason: 'elected',
    changedAtMs: NOW_MS - 60_000,
    armed: true,
    openedAtMs: NOW_MS - 60_000,
    leaseUntilMs: NOW_MS + 82.44,
    attempt: 2,
    seq: 600,
    peer: PEER,
    termHeard: 7,
    lastHeardMs: NOW_MS - 10,
    lastDirectMs: NOW_MS - 10,
    silentSinceMs: NOW_MS - 10,
    lastFreshMs: NOW_MS - 10,
    lastMajorityMs: NOW_MS - 5,
    pongAtMs: [NOW_MS - 5, NOW_MS - 5, NOW_MS - 5],
    heardSinceStart: true,
    lastRunMs: NOW_MS - 1,
    startedAtMs: NOW_MS - 61_000,
    ...changes,
  }
}

/** sp2's view cannot be had with the policy of sp1: this is sp1 while sp2 is active. */
export function standbyState(changes: Partial<State> = {}): State {
  return activeState({
    role: 'standby',
    reason: 'data-demoted',
    armed: false,
    attempt: null,
    leaseUntilMs: 0,
    grantUntilMs: NOW_MS + 130,
    peer: { ...PEER, role: 'active', want: true, grant: false },
    ...changes,
  })
}

export function snapshotOf(state: State, changes: Partial<Snapshot> = {}): Snapshot {
  return {
    nowMs: NOW_MS,
    state,
    gate: {
      kind: 'ebpf',
      weaker: null,
      commands: 812,
      refusals: 0,
      serveUntilMs: state.armed ? state.leaseUntilMs : 0,
      occupiedUntilMs: 0,
      missing: [],
    },
    addressesPresent: state.armed,
    announcedMs: state.armed ? NOW_MS - 1_500 : null,
    paths: [
      {
        name: 'crosslink',
        kind: 'crosslink',
        interface: 'eth1',
        ours: '192.168.255.251',
        theirs: '192.168.255.252',
        carrier: true,
        lossRatio: 0,
        roundTrip: { medianMs: 0.214, maxMs: 1.139 },
        lastHeardMs: NOW_MS - 10,
      },
      {
        name: 'by ping node 1',
        kind: 'reflected',
        interface: null,
        ours: '-',
        theirs: '10.0.0.254',
        carrier: null,
        lossRatio: null,
        roundTrip: null,
        lastHeardMs: NOW_MS - 400,
      },
    ],
    pingNodes: CONFIG.pingNodes.map(({ address, source }) => ({
      address,
      source,
      state: 'answering' as const,
      lossRatio: 0,
      roundTrip: { medianMs: 0.3, maxMs: 2 },
      reflects: true,
    })),
    floatingIps: CONFIG.floatingIps.map((floatingIp) => ({
      address: floatingIp.address,
      prefixLength: floatingIp.prefixLength,
      interface: floatingIp.interface,
      label: floatingIp.label,
      look: state.armed && floatingIp.family === 4 ? ('verified' as const) : ('none' as const),
      conflict: null,
    })),
    withoutCarrier: [],
    stores: [],
    storesUnfit: [],
    services: [],
    servicesUnfit: [],
    outside: [],
    loadBalancers: [],
    drained: false,
    call: null,
    steps: [],
    servesInFull: false,
    peerSteps: null,
    peerStoresPromotedMs: null,
    early: { own: null, peer: null },
    quorum: { witness: null, fence: null },
    heart: {
      startedMs: NOW_MS - 61_000,
      realtime: true,
      lateness: { worst: { ms: 48.26, atMs: NOW_MS - 50_000 }, lastMinuteMs: 1.26, pauses: 2 },
      stalled: false,
      storeTrouble: null,
    },
    ...changes,
  }
}
