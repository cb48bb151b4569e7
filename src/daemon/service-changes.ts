/**
 * What has to be done so that a changed list of services is in force?
 *
 * What runs a service is its back-end: another unit or command is another process, and everything else
 * (probes, limits, hooks, mode) is only another way to look after the same one. Pure.
 */
import type { ServiceConfig } from '../config/config.ts'

export type ServiceChange =
  | { what: 'same'; name: string }
  /** Looked after in another way; its process goes on. `settings`: what differs, as it is written. */
  | { what: 'adjusted'; name: string; settings: readonly string[] }
  /** Something else runs it: what runs now is stopped first. */
  | { what: 'replaced'; name: string }
  | { what: 'added'; name: string }
  | { what: 'removed'; name: string }

/** As they are written in the configuration; `probed` and `name` follow from others. */
const SETTINGS: readonly [keyof ServiceConfig, string][] = [
  ['mode', 'mode'],
  ['after', 'after'],
  ['reads', 'reads'],
  ['essential', 'essential'],
  ['checks', 'checks'],
  ['checkEveryMs', 'check_every_ms'],
  ['checkLimitMs', 'check_limit_ms'],
  ['misses', 'check_misses'],
  ['startLimitMs', 'start_limit_ms'],
  ['stopLimitMs', 'stop_limit_ms'],
  ['restarts', 'restarts'],
  ['onActive', 'on_active'],
  ['onStandby', 'on_standby'],
]

/** What becomes of each: in the order of the new list, then those that are gone. */
export function serviceChanges(
  before: readonly ServiceConfig[],
  after: readonly ServiceConfig[],
): ServiceChange[] {
  const kept = after.map((config): ServiceChange => {
    const { name } = config
    const old = before.find((other) => other.name === name)
    if (old === undefined) return { what: 'added', name }
    if (!alike(old.backend, config.backend)) return { what: 'replaced', name }
    const settings = SETTINGS.filter(([key]) => !alike(old[key], config[key]))
    if (settings.length === 0) return { what: 'same', name }
    return { what: 'adjusted', name, settings: settings.map(([, written]) => written) }
  })
  const gone = before.filter(({ name }) => !after.some((config) => config.name === name))
  return [...kept, ...gone.map(({ name }): ServiceChange => ({ what: 'removed', name }))]
}

/** Both come from the same reader, so their keys are in the same order. */
export function alike(one: unknown, other: unknown): boolean {
  return JSON.stringify(one) === JSON.stringify(other)
}
