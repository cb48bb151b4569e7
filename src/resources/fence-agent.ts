/**
 * How is a machine switched off? By a program of Debian's fence-agents, or one that speaks as they do.
 *
 * Everything it is told stands on its standard input, one `key=value` a line, the password too, which is read
 * from its file for every run. A run is over within its limit.
 *
 * @source FenceAgentAPI: `status` ends with 0 for on and 2 for off; every other action with 0 when it was done
 */
import { run } from '../system/exec.ts'
import { readPassword } from '../system/password.ts'

/** What it says of the machine; `power` only where it was asked for. */
export type PowerAnswer = { ok: true; power?: 'on' | 'off' } | { ok: false; why: string }

export interface PowerSwitch {
  monitor(): Promise<PowerAnswer>
  status(signal?: AbortSignal): Promise<PowerAnswer>
  off(signal?: AbortSignal): Promise<PowerAnswer>
}

export interface FenceAgentOptions {
  /** Absolute. */
  agent: string
  timeoutMs: number
  parameters: Readonly<Record<string, string>>
  passwordFile: string | null
}

const STATUS_OFF = 2

export class FenceAgent implements PowerSwitch {
  readonly #options: FenceAgentOptions

  constructor(options: FenceAgentOptions) {
    this.#options = options
  }

  /** Whether its device answers. */
  monitor(): Promise<PowerAnswer> {
    return this.#run('monitor')
  }

  /** Whether the machine has power. */
  status(signal?: AbortSignal): Promise<PowerAnswer> {
    return this.#run('status', signal)
  }

  /** Takes the power away; that it did is for `status` to say. */
  off(signal?: AbortSignal): Promise<PowerAnswer> {
    return this.#run('off', signal)
  }

  async #run(action: 'monitor' | 'status' | 'off', signal?: AbortSignal): Promise<PowerAnswer> {
    const { agent, timeoutMs, parameters, passwordFile } = this.#options
    const lines = [`action=${action}`]
    for (const [key, value] of Object.entries(parameters)) lines.push(`${key}=${value}`)
    if (passwordFile !== null) {
      const read = await readPassword(passwordFile)
      if (!read.ok) return { ok: false, why: read.message }
      lines.push(`password=${read.password}`)
    }
    const end = await run({
      label: `fence, action ${action}`,
      command: agent,
      args: [],
      input: `${lines.join('\n')}\n`,
      timeoutMs,
      ...(signal === undefined ? {} : { signal }),
    })
    if (end.ok) return action === 'status' ? { ok: true, power: 'on' } : { ok: true }
    if (action === 'status' && end.exitCode === STATUS_OFF) return { ok: true, power: 'off' }
    // What it prints may repeat what it was told.
    const why = end.exitCode === null ? end.code : `it ended with ${end.exitCode}`
    return { ok: false, why: `${agent}, action ${action}: ${SENTENCES[why] ?? why}` }
  }
}

const SENTENCES: Readonly<Record<string, string>> = {
  HA_EXEC_NOT_FOUND: 'it is not installed',
  HA_EXEC_TIMEOUT: 'it did not end in time',
  HA_EXEC_SIGNAL: 'it was ended by a signal',
  HA_EXEC_FAILED: 'it could not be run',
}
