/**
 * What do the configuration files say now? Read and judged as at a start, also by what this machine has.
 */
import { loadConfig } from '../config/load.ts'
import { checkMachine } from '../config/machine-check.ts'
import type { NodeName } from '../core/policy.ts'
import { linkState } from '../system/native.ts'
import type { ReadAnew } from './config-reload.ts'

/** @returns `config` null: it cannot be used */
export async function readAnew(directory: string, node: NodeName): Promise<ReadAnew> {
  const loaded = await loadConfig({ directory, node })
  const machine = loaded.ok
    ? await checkMachine(loaded.config, { interfaceExists: (name) => linkState(name) !== null })
    : []
  return { config: loaded.ok ? loaded.config : null, mistakes: [...loaded.mistakes, ...machine] }
}
