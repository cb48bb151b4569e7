/**
 * How does a changed configuration come into force while the agent runs?
 *
 * Read and judged as a whole first; one mistake and nothing is taken over. What the services' thread looks
 * after is put in force at once. The rest names what needs a restart: both nodes must count with the same ping
 * nodes, times and addresses, and an agent that changed them under a lease would be right by neither
 * configuration (PROTOCOL, A3).
 */
import type { PairConfig } from '../config/config.ts'
import { changedParts, fingerprintsOf } from '../config/parts.ts'
import type { Mistake } from '../errors.ts'
import type { Refusal } from './operation-run.ts'
import type { Watched } from './service-message.ts'

/** What the files say now; `config` null: it cannot be used. */
export interface ReadAnew {
  config: PairConfig | null
  mistakes: readonly Mistake[]
}

export interface ConfigReloadPorts {
  inForce: () => PairConfig
  read: () => Promise<ReadAnew>
  /** @returns why nothing of it is in force; null when all is */
  apply: (watched: Watched, step: (sentence: string) => void) => Promise<string | null>
  /** This is in force from now on. */
  applied: (config: PairConfig) => void
}

export class ConfigReload {
  readonly #ports: ConfigReloadPorts
  #busy = false

  constructor(ports: ConfigReloadPorts) {
    this.#ports = ports
  }

  /** @returns why the agent goes on as it was; null when everything that can be is in force */
  async run(step: (sentence: string) => void): Promise<Refusal> {
    if (this.#busy) {
      return {
        code: 'reload-under-way',
        sentence: 'the configuration is being read again already',
        mend: 'ask again in a moment',
      }
    }
    this.#busy = true
    try {
      return await this.#reload(step)
    } finally {
      this.#busy = false
    }
  }

  async #reload(step: (sentence: string) => void): Promise<Refusal> {
    const { inForce, read, apply, applied } = this.#ports
    const { config, mistakes } = await read()
    const errors = mistakes.filter(({ severity }) => severity === 'error')
    if (config === null || errors.length > 0) return mistaken(errors)
    const before = inForce()
    const changed = changedParts(fingerprintsOf(before), config)
    const { services, outsideChecks, callCheck } = config
    if (changed.some(({ reach }) => reach === 'now')) {
      const failed = await apply({ services, outsideChecks, callCheck }, step)
      if (failed !== null) {
        const mend = 'once that is out of the way: tandem reload'
        return { code: 'not-applied', sentence: failed, mend }
      }
      applied({ ...before, services, outsideChecks, callCheck })
    }
    const left = changed.filter(({ reach }) => reach !== 'now').map(({ part }) => part)
    if (changed.length === 0) step('nothing has changed')
    if (left.length > 0) step(`needs a restart of the agent: ${left.join(', ')}`)
    return null
  }
}

function clauseOf({ file, key, value, why }: Mistake): string {
  return [`${file}:`, key, value, why].filter((word) => word !== null && word !== '').join(' ')
}

function mistaken(errors: readonly Mistake[]): Refusal {
  const [first] = errors
  const more = errors.length > 1 ? ` (and ${errors.length - 1} more)` : ''
  const where = first === undefined ? 'it cannot be read' : clauseOf(first)
  return {
    code: 'config-mistaken',
    sentence: `the configuration has a mistake, nothing was taken over: ${where}${more}`,
    mend: first?.mend ?? 'see: tandem check-config',
  }
}
