/**
 * What will a drill do, what will it measure, and what may it cost at most? Said before anything is done.
 */

import { placeText } from '../config/check-place.ts'
import type { PairConfig } from '../config/config.ts'
import type { NodeName } from '../core/policy.ts'
import { peerOf } from '../core/policy.ts'
import type { DrillKind, NotMeasured } from './report.ts'

/** What an operator asked for. */
export interface DrillRequest {
  kind: DrillKind
  /** `switchover` only: there and back. */
  back: boolean
  /** `crosslink-cut` only. */
  cutMs: number
}

/** Which way the role goes; `to` equal to `from`: it is to stay. */
export interface Leg {
  from: NodeName
  to: NodeName
}

export interface DrillPlan {
  legs: readonly Leg[]
  /** What will happen, in order. */
  steps: readonly string[]
  /** How it is undone, and what undoes it when this command dies. */
  undone: string
  measured: readonly string[]
  notMeasured: readonly NotMeasured[]
  bounds: Bounds
}

export interface Bounds {
  /** Silence of a floating IP, ms. */
  outageMs: number
  /** Acknowledged writes that are gone, by name of the store; null: told and not judged. */
  lost: ReadonlyMap<string, number | null>
}

/** Of a switchover beyond two heartbeats, one of which may be lost: what both nodes and the probes take. */
const SLACK_MS = 60
/** Announced at the latest after this where stores have to take writes first (D-021). */
const ANNOUNCED_WITHIN_MS = 300
/** A cut that moves nothing: what a busy host does to a probe. */
const UNMOVED_MS = 60
/** As many are probed; each takes two hundred questions a second. */
export const PROBED_MAX = 8

/** @param active  the node that serves now */
export function planOf(request: DrillRequest, config: PairConfig, active: NodeName): DrillPlan {
  const other = peerOf(active)
  const notMeasured: NotMeasured[] = []
  const measured = measuredOf(config, notMeasured)
  const bounds = boundsOf(request.kind, config)
  switch (request.kind) {
    case 'switchover': {
      const there = { from: active, to: other }
      const legs = request.back ? [there, { from: other, to: active }] : [there]
      return {
        legs,
        steps: [
          `the role moves from ${active} to ${other}, as by ngcp-make-standby`,
          ...(request.back ? [`once both nodes are whole again it moves back to ${active}`] : []),
        ],
        undone: request.back
          ? `the way back is the undoing; if it cannot be gone, ${other} stays active`
          : `nothing is undone: ${other} stays active; --back goes there and back`,
        ...{ measured, notMeasured, bounds },
      }
    }
    case 'agent-kill':
      return {
        legs: [{ from: active, to: other }],
        steps: [
          `kill -9 of the agent of ${active}, which serves: its lease ends, ${other} takes over unplanned`,
          `the agent of ${active} is started again and joins as standby`,
        ],
        undone: `${other} stays active; the agent is started again by whoever looks after it, also when this command dies`,
        ...{ measured, notMeasured, bounds },
      }
    case 'crosslink-cut': {
      const names = crosslinkPeers(config).map((peer) => `${peer.address} on ${peer.interface}`)
      const seconds = request.cutMs / 1000
      return {
        legs: [{ from: active, to: active }],
        steps: [
          `packets to and from ${names.join(', ')} are dropped here for ${seconds} s`,
          `${active} is to go on serving, with heartbeats on the other paths`,
        ],
        undone: 'the kernel itself ends it when its time is over, also when this command dies',
        ...{ measured, notMeasured, bounds },
      }
    }
  }
}

/** The peer's addresses on the crosslink. */
export function crosslinkPeers(config: Pick<PairConfig, 'paths'>): {
  interface: string
  family: 4 | 6
  address: string
}[] {
  return config.paths
    .filter(({ kind }) => kind === 'crosslink')
    .map(({ interface: name, family, peerAddress }) => ({
      ...{ interface: name, family, address: peerAddress },
    }))
}

/** Where SIP is asked from outside by configuration. */
export function sipTargets(config: Pick<PairConfig, 'outsideChecks'>) {
  return config.outsideChecks.filter((check) => check.kind === 'sip')
}

function measuredOf(config: PairConfig, notMeasured: NotMeasured[]): string[] {
  const measured = config.floatingIps
    .slice(0, PROBED_MAX)
    .map(({ address }) => `silence of ${address}: echo requests every 5 ms, and who answered`)
  if (config.floatingIps.length > PROBED_MAX) {
    const left = config.floatingIps.slice(PROBED_MAX).map(({ address }) => address)
    notMeasured.push({
      what: `silence of ${left.join(', ')}`,
      why: `${PROBED_MAX} floating IPs are probed at once`,
      mend: 'none is needed: all of them move together',
    })
  }
  const targets = sipTargets(config)
  for (const target of targets) {
    measured.push(`silence of SIP at ${target.transport} ${placeText(target)}: OPTIONS`)
  }
  if (targets.length === 0) {
    const mend = "name a listen socket, as tandem.outside_checks: ['sip udp:FLOATING-IP:5060']"
    notMeasured.push({ what: 'silence of SIP', why: 'no outside check of kind sip', mend })
  }
  if (config.callCheck === null) {
    const mend = 'name a call, as tandem.call_check: call alice@HOST bob@HOST udp:FLOATING-IP:5060'
    notMeasured.push({ what: 'a call with audio', why: 'no test call is configured', mend })
  } else measured.push('a call with audio that stands meanwhile, and its longest gap')
  for (const { name, kind } of config.stores) {
    const own = kind === 'redis' ? 'one key of ours' : 'one row of tandem.probe'
    measured.push(`writes to ${name} through the floating IP (${own}): longest stall, lost writes`)
  }
  if (config.stores.length === 0) {
    const mend = 'name them below tandem.stores'
    notMeasured.push({ what: 'writes to stores', why: 'no store is configured', mend })
  }
  return measured
}

/** Bounds of the configured times; `Bounds` of the protocol plus what a client adds. */
export function boundsOf(kind: DrillKind, config: PairConfig): Bounds {
  const { heartbeatMs: H, leaseMs: L, marginMs: M } = config.policy.timing
  const announced = config.stores.length > 0 ? ANNOUNCED_WITHIN_MS : 0
  const outageMs = {
    switchover: 2 * H + SLACK_MS + announced,
    // As explain says of an agent that freezes: its gate stays open until the lease is over.
    'agent-kill': 2 * L + M + 6 * H + SLACK_MS + announced,
    'crosslink-cut': UNMOVED_MS,
  }[kind]
  const proves = (store: PairConfig['stores'][number]): boolean =>
    kind !== 'agent-kill' || store.semiSync
  return {
    outageMs,
    lost: new Map(config.stores.map((store) => [store.name, proves(store) ? 0 : null])),
  }
}
