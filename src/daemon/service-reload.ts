/**
 * How does a changed list of services come into force while they run?
 *
 * Everything that can refuse comes first: new probes are run once against services that are well, and what has
 * to be stopped is stopped by the means that started it. When any of that fails nothing is changed, and what
 * was stopped is started again. What did not change is not touched; the role never follows from it.
 */
import type { ServiceConfig } from '../config/config.ts'
import { begun, isUp } from '../core/supervision.ts'
import { faultOf } from '../resources/checks/check.ts'
import type { ManagedService } from '../resources/service.ts'
import { alike, type ServiceChange, serviceChanges } from './service-changes.ts'
import type { ServiceKeeper } from './service-keeper.ts'
import { type KeptService, type Lane, newLane } from './service-lane.ts'

export interface ServiceReloadOptions {
  keeper: ServiceKeeper
  /** Probes and hooks of this configuration, around a service or (null) around one that is opened. */
  dress: (config: ServiceConfig, service: ManagedService | null) => KeptService
  /** One thing was done. */
  step: (sentence: string) => void
}

/** @returns why nothing was changed; null when the new list is in force */
export async function reloadServices(
  configs: readonly ServiceConfig[],
  options: ServiceReloadOptions,
): Promise<string | null> {
  const { keeper, step } = options
  const before = keeper.lanes.map(({ config }) => config)
  const changes = serviceChanges(before, configs)
  const dressed = dressChanged(changes, configs, options)
  const refused = await tryProbes(keeper, dressed)
  if (refused !== null) {
    letGo(keeper, dressed)
    return refused
  }
  const leaving = keeper.lanes
    .filter(({ config }) => changes.some((change) => leaves(change, config.name)))
    .toReversed()
  const stopped: Lane[] = []
  for (const lane of leaving) {
    const why = await retire(keeper, lane)
    stopped.push(lane)
    if (why === null) continue
    for (const one of stopped) giveBack(keeper, one, one === lane ? why : null)
    letGo(keeper, dressed)
    return `${why}; nothing was changed, and what was stopped is started again`
  }
  const lanes = configs.map((config) => laneFor(config, dressed.get(config.name), keeper))
  keeper.use(lanes)
  for (const change of changes) {
    const sentence = sentenceOf(change, leaving)
    if (sentence !== null) step(sentence)
  }
  return null
}

function dressChanged(
  changes: readonly ServiceChange[],
  configs: readonly ServiceConfig[],
  { keeper, dress }: ServiceReloadOptions,
): Map<string, KeptService> {
  const dressed = new Map<string, KeptService>()
  for (const config of configs) {
    const change = changes.find(({ name }) => name === config.name)
    if (change === undefined || change.what === 'same') continue
    const service = change.what === 'adjusted' ? laneOf(keeper, config.name)?.service : undefined
    dressed.set(config.name, dress(config, service ?? null))
  }
  return dressed
}

/** A probe that was mistyped would have a healthy service started again and again. */
async function tryProbes(
  keeper: ServiceKeeper,
  dressed: ReadonlyMap<string, KeptService>,
): Promise<string | null> {
  const tried = [...dressed.values()].map(async ({ config, service, probe }) => {
    const lane = laneOf(keeper, config.name)
    if (lane?.service !== service || !config.probed || !isUp(lane.config, lane.life)) return null
    if (alike(lane.config.checks, config.checks)) return null
    const fault = faultOf(await probe(config.checkLimitMs))
    return fault === null ? null : `${config.name} is well, and its new checks say: ${fault}`
  })
  const faults = (await Promise.all(tried)).filter((fault) => fault !== null)
  return faults.length === 0 ? null : `${faults.join('; ')}; nothing was changed`
}

/** Stops it for good, unless somebody else looks after it. @returns why it could not be */
async function retire(keeper: ServiceKeeper, lane: Lane): Promise<string | null> {
  while (lane.busy) await keeper.nextChange()
  lane.busy = true
  const { config, service } = lane
  if (config.mode === 'manual' || !lane.life.monitored) return null
  lane.life = begun(lane.life, 'stop')
  const done = await service.stop(config.stopLimitMs)
  return done.ok ? null : done.fault.message
}

/** It goes on to be looked after as it was. */
function giveBack(keeper: ServiceKeeper, lane: Lane, why: string | null): void {
  lane.busy = false
  if (lane.life.process !== 'stopping') return
  keeper.heed(lane, { type: 'stopped', why })
  // What did not end may run all the same.
  if (why !== null) void keeper.look(lane)
}

/** What was opened for nothing. */
function letGo(keeper: ServiceKeeper, dressed: ReadonlyMap<string, KeptService>): void {
  for (const { config, service, closeProbes } of dressed.values()) {
    closeProbes()
    if (laneOf(keeper, config.name)?.service !== service) service.close()
  }
}

function laneFor(
  config: ServiceConfig,
  kept: KeptService | undefined,
  keeper: ServiceKeeper,
): Lane {
  const lane = laneOf(keeper, config.name)
  if (kept === undefined) {
    if (lane === undefined) throw new Error(`nothing was opened for ${config.name}`)
    return lane
  }
  if (lane?.service !== kept.service) {
    return newLane(kept, {
      monitored: lane?.life.monitored ?? true,
      held: lane?.life.held ?? false,
    })
  }
  const before = lane.config
  lane.closeProbes()
  Object.assign(lane, kept)
  const hooks = lane.told === 'active' ? 'onActive' : 'onStandby'
  // What it was told may not be what it is to be told now.
  if (!alike(before[hooks], config[hooks])) lane.told = null
  const others = before.probed ? 'others' : 'first'
  const probes = alike(before.checks, config.checks) ? 'same' : others
  keeper.heed(lane, { type: 'changed', probes })
  return lane
}

function laneOf(keeper: ServiceKeeper, name: string): Lane | undefined {
  return keeper.lanes.find(({ config }) => config.name === name)
}

function leaves(change: ServiceChange, name: string): boolean {
  return change.name === name && (change.what === 'replaced' || change.what === 'removed')
}

/** Null when there is nothing to say. */
function sentenceOf(change: ServiceChange, leaving: readonly Lane[]): string | null {
  const { what, name } = change
  const lane = leaving.find(({ config }) => config.name === name)
  const wasStopped = lane?.life.process === 'stopping'
  switch (what) {
    case 'same':
      return null
    case 'adjusted':
      return `${name}: ${change.settings.join(', ')} in force, its process goes on`
    case 'added':
      return `${name}: is looked after from now on`
    case 'replaced':
      return wasStopped
        ? `${name}: is run by something else from now on; what ran was stopped`
        : `${name}: is run by something else from now on; what ran was left as it is`
    case 'removed':
      return wasStopped
        ? `${name}: was stopped, and is looked after no longer`
        : `${name}: is looked after no longer, and was left as it is`
  }
}
