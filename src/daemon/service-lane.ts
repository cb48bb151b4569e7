/**
 * What does the keeper know of one service? Its configuration, its means, its life, and what is under way.
 */
import type { ServiceConfig } from '../config/config.ts'
import type { ServiceSnapshot } from '../control/snapshot.ts'
import {
  initialLife,
  isUp,
  type Presence,
  type ServiceHappening,
  type ServiceLife,
  wantedOf,
} from '../core/supervision.ts'
import type { CheckResult } from '../resources/checks/check.ts'
import type { ManagedService } from '../resources/service.ts'

/** A service with what the keeper needs to know of it. */
export interface KeptService {
  config: ServiceConfig
  service: ManagedService
  /** Runs all its probes at once. */
  probe: (limitMs: number) => Promise<CheckResult[]>
  /** Closes the probes. */
  closeProbes: () => void
  /** Says to it what its role is. @returns why it did not take it; null when it did */
  tellRole: (role: 'active' | 'standby') => Promise<string | null>
}

export interface Lane extends KeptService {
  life: ServiceLife
  /** A start, a stop or a hook is under way. */
  busy: boolean
  /** Role it was told since its start. */
  told: 'active' | 'standby' | null
  /** What it took in as it started holds no more: why it is to be started again; null: nothing. */
  outdated: string | null
  /** It could not run before the node serves, and is not tried again before that. */
  tooEarly: boolean
  hookTrouble: string | null
  hookAgainAtMs: number
  /** Its main process, when it has one. */
  pid: number | null
  /** Why it could not be looked at. */
  blind: string | null
  /** Ends a pause between probes: it has just come up. */
  wake: () => void
  /** It is looked after no longer. */
  over: boolean
}

/** What an earlier agent left behind. */
export type KeptLife = Partial<Pick<ServiceLife, 'exhausted' | 'monitored' | 'held'>>

export function newLane(kept: KeptService, before: KeptLife): Lane {
  return {
    ...kept,
    life: initialLife(before),
    ...{ busy: false, told: null, outdated: null, tooEarly: false, hookTrouble: null },
    ...{ hookAgainAtMs: 0, pid: null, blind: null },
    wake: () => undefined,
    over: false,
  }
}

/** Wanted here, up, and told what it is; or not wanted. */
export function servesAsWanted({ config, life, told }: Lane): boolean {
  if (wantedOf(config, life, 'serves') !== 'running') return true
  return isUp(config, life) && (config.onActive.length === 0 || told === 'active')
}

/** What cannot run where the floating IPs are not yet has not failed: it is started when they are. */
export function isTooEarly({ config, life }: Lane, happening: ServiceHappening): boolean {
  if (config.mode !== 'active') return false
  if (life.process !== 'running' && life.process !== 'starting') return false
  return (happening.type === 'started' || happening.type === 'ended') && happening.why !== null
}

/** What is wanted before the node serves is up, or will not come up before that. */
export function isUpEarly({ config, life, tooEarly }: Lane): boolean {
  if (config.mode !== 'active' || wantedOf(config, life, 'comes') !== 'running') return true
  return tooEarly || life.exhausted || isUp(config, life)
}

export function isOutdated({ config, life, busy, outdated }: Lane, presence: Presence): boolean {
  if (outdated === null || busy || life.process !== 'running') return false
  return wantedOf(config, life, presence) === 'running'
}

/** It is to be told what its role is. */
export function wantsHook(
  { config, life, busy, told, hookAgainAtMs }: Lane,
  role: 'active' | 'standby' | null,
  now: number,
): boolean {
  if (role === null || told === role || busy || now < hookAgainAtMs) return false
  if (life.process !== 'running' || !life.monitored || config.mode === 'manual') return false
  // While it comes up there is nobody to hear it.
  if (told === null && !isUp(config, life)) return false
  return (role === 'active' ? config.onActive : config.onStandby).length > 0
}

/** What changes of a life are shown or written down. */
export function shownOf(life: ServiceLife): string {
  const { process, probe, why, exhausted, monitored, held, failedAtMs } = life
  return JSON.stringify([process, probe, why, exhausted, monitored, held, failedAtMs.length])
}

export function laneSnapshot(lane: Readonly<Lane>, presence: Presence): ServiceSnapshot {
  const { config, life, pid, blind, hookTrouble } = lane
  return {
    name: config.name,
    backend: config.backend.kind,
    mode: config.mode,
    essential: config.essential,
    wanted: wantedOf(config, life, presence),
    ...{ process: life.process, probe: life.probe, probed: config.probed },
    pid: life.process === 'running' ? pid : null,
    runsSinceMs: life.process === 'running' ? life.startedAtMs : null,
    ...{ why: life.why, trouble: blind ?? hookTrouble },
    ...{ failures: life.failedAtMs.length, failuresMax: config.restarts.count },
    ...{ exhausted: life.exhausted, monitored: life.monitored, held: life.held },
  }
}
